"""Tensors as a core times a matrix along every axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import array_api_compat as compat
import numpy as np

from structlin._backend import namespace
from structlin._validation import require_cast
from structlin.matrices._base import conjugate, times
from structlin.tensors import _core
from structlin.tensors._arrays.tucker_entries import TuckerEntries
from structlin.tensors._axes import (
    axis_number,
    axis_numbers,
    largest_ranks,
    permutation,
    require_one_each,
    require_one_shape,
)
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors._tolerance import require_nonnegative
from structlin.tensors.tensor_train import TensorTrain


class Tucker(TuckerEntries):
    """The tensor ``T[i, j, …] = Σ core[p, q, …] factors[0][i, p] factors[1][j, q] …``.

    Parameters
    ----------
    core : (r1, …, rd) array or TensorTrain
        The core.
    factors : sequence of (nk, rk) arrays
        A matrix for every axis; its columns need not be orthonormal.
    report : Compression, optional
        How the tensor was made of another one.

    Attributes
    ----------
    core, factors : array or TensorTrain, tuple of arrays
        What the tensor is made of.
    shape, ranks : tuple of int
        Sizes of the tensor and of its core.
    dtype : data type
        Data type of the entries.
    xp : module
        The array library.
    device : object
        Where the arrays live.
    report : Compression or None
        How the tensor was made of another one; None for what was made by algebra.

    Raises
    ------
    ValueError
        If the shapes of core and factors disagree.

    Notes
    -----
    Sums add ranks and entrywise products multiply them; `recompress` brings them down. No operation
    but `full` and `blocks` forms the tensor.

    ``T[i, :, 2:5]`` is a Tucker tensor, or an entry if there are integers for all axes. One array
    of indices or mask selects along its axis; arrays for all axes are broadcast against each other
    and give the array of those entries.

    Examples
    --------
    >>> import numpy as np
    >>> T = Tucker(np.ones((1, 1)), [np.array([[1.0], [2.0]]), np.array([[3.0], [4.0], [5.0]])])
    >>> T
    <Tucker 2x3 float64, ranks 1x1>
    >>> (T + T)[1, :].full()
    array([12., 16., 20.])
    """

    def __add__(self, other: Any) -> Tucker:
        if not isinstance(other, Tucker):
            return NotImplemented
        require_one_shape(self, other)
        self._require_core(other, [r + s for r, s in zip(self.ranks, other.ranks, strict=True)])
        pairs = zip(self.factors, other.factors, strict=True)
        xp = namespace(*self.factors, *other.factors)
        factors = [xp.concat([U, V], axis=1) for U, V in pairs]
        return Tucker(_core.direct_sum(self.core, other.core), factors)

    def __sub__(self, other: Any) -> Tucker:
        return self + -other if isinstance(other, Tucker) else NotImplemented

    def __neg__(self) -> Tucker:
        return Tucker(-1 * self.core, self.factors)

    def __mul__(self, other: Any) -> Any:
        """Return the entrywise product with a tensor, or a multiple."""
        if not isinstance(other, Tucker):
            return self._multiple(other)
        require_one_shape(self, other)
        ranks = [r * s for r, s in zip(self.ranks, other.ranks, strict=True)]
        if self.size < math.prod(ranks) and not self._has_train(other):
            return Tucker(*_core.truncated(self.full() * other.full()))
        self._require_core(other, ranks)
        xp = namespace(*self.factors, *other.factors)
        factors = []
        for U, V, rank in zip(self.factors, other.factors, ranks, strict=True):
            factors.append(xp.reshape(U[:, :, None] * V[:, None, :], (U.shape[0], rank)))
        return Tucker(_core.kronecker(self.core, other.core), factors)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Tucker) else self._multiple(other, inverse=True)

    def _multiple(self, scalar: Any, inverse: bool = False) -> Any:
        if getattr(scalar, "ndim", 0) or not (
            isinstance(scalar, int | float | complex | np.number) or compat.is_array_api_obj(scalar)
        ):
            return NotImplemented
        if isinstance(scalar, np.number):
            scalar = scalar.item()  # Python's scalars promote the kind, never the precision
        core = self.core
        if isinstance(core, TensorTrain):
            return Tucker(core / scalar if inverse else core * scalar, self.factors)
        if isinstance(scalar, complex):
            core = times(core, 1 + 0j, self.xp)
        return Tucker(core / scalar if inverse else core * scalar, self.factors)

    def conj(self) -> Tucker:
        """Return the entrywise conjugate."""
        factors = [conjugate(U, self.xp) for U in self.factors]
        return Tucker(_core.conjugated(self.core), factors)

    def astype(self, dtype: Any) -> Tucker:
        """Return the tensor with another floating-point data type, complex if it is so now."""
        dtype = require_cast(self.dtype, dtype, self.xp)
        core = self.core
        if isinstance(core, TensorTrain):
            core = core.astype(dtype)
        else:
            core = self.xp.astype(core, dtype, copy=False)
        return Tucker(core, [self.xp.astype(U, dtype, copy=False) for U in self.factors])

    def permute(self, axes: Sequence[int]) -> Tucker:
        """Return the tensor with its axes in another order: its axis ``k`` is ``axes[k]`` of this.

        Parameters
        ----------
        axes : sequence of int
            A permutation.
        """
        chosen = permutation(axes, self.ndim)
        tol = 4 * float(self.xp.finfo(self.dtype).eps)
        core = _core.transposed(self.core, chosen, tol)
        return Tucker(core, [self.factors[axis] for axis in chosen])

    def sum(self, axis: int | Sequence[int] | None = None) -> Any:
        """Return the sum over all axes, a scalar array, or over some, which are then gone."""
        gone = {k: self.xp.sum(self.factors[k], axis=0) for k in axis_numbers(axis, self.ndim)}
        return self._contracted(self.factors, gone)

    def mode_product(self, matrix: Any, axis: int) -> Tucker:
        """Return ``Σⱼ matrix[i, j] T[…, j, …]`` along an axis.

        Parameters
        ----------
        matrix : (m, n) array or LinearOperator
            What the axis of length ``n`` is multiplied with.
        axis : int
            The axis.
        """
        axis = axis_number(axis, self.ndim)
        n = self.shape[axis]
        if len(matrix.shape) != 2 or matrix.shape[1] != n:
            raise ValueError(
                f"the matrix has shape {tuple(matrix.shape)}, and axis {axis} of the tensor has "
                f"length {n}: the matrix needs two axes and {n} columns"
            )
        factors = list(self.factors)
        namespace(matrix, *factors)
        factors[axis] = matrix @ factors[axis]
        return Tucker(self.core, factors)

    def mode_products(self, matrices: Sequence[Any]) -> Tucker:
        """Return the tensor times a matrix (m, n) along every axis; None leaves an axis alone."""
        require_one_each(matrices, self.ndim)
        out = self
        for axis, matrix in enumerate(matrices):
            out = out if matrix is None else out.mode_product(matrix, axis)
        return out

    def inner(self, other: Tucker) -> Any:
        """Return ``Σ conj(self) other``, a scalar array."""
        require_one_shape(self, other)
        xp = namespace(*self.factors, *other.factors)
        pairs = zip(self.factors, other.factors, strict=True)
        grams = [xp.matmul(conjugate(xp.matrix_transpose(U), xp), V) for U, V in pairs]
        return _core.inner(self.core, _core.mode_products(other.core, grams))

    def norm(self) -> float:
        """Return the Frobenius norm."""
        return _core.norm(self.orthogonalize().core)

    # ranks

    def orthogonalize(self) -> Tucker:
        """Return the same tensor with orthonormal columns in every factor."""
        pairs = [self.xp.linalg.qr(U) for U in self.factors]
        core = _core.mode_products(self.core, [R for _, R in pairs])
        return Tucker(core, [Q for Q, _ in pairs])

    def recompress(self, tol: float = 0.0, ranks: int | Sequence[int] | None = None) -> Tucker:
        """Return the tensor with smaller ranks, its factors orthonormal.

        Parameters
        ----------
        tol : float
            The error in the Frobenius norm, relative to that of the tensor. What is hidden by
            rounding errors goes with any tolerance.
        ranks : int or sequence of int, optional
            The largest ranks.

        Notes
        -----
        QR factorisations of the factors, and truncation of the core along one axis after another
        to ``tol/√d`` each: ``O(d n r² + d r^{d+1})`` operations.
        """
        require_nonnegative(tol)
        bounds = None if ranks is None else rank_bounds(ranks, self.shape)
        tensor = self.orthogonalize()
        if not math.isfinite(_core.norm(tensor.core)):
            raise ValueError("an entry of the tensor is NaN or Inf: every one must be finite")
        core, small = _core.truncated(tensor.core, tol, bounds)
        pairs = zip(tensor.factors, small, strict=True)
        return Tucker(core, [self.xp.matmul(Q, U) for Q, U in pairs])

    def _has_train(self, other: Tucker) -> bool:
        return isinstance(self.core, TensorTrain) or isinstance(other.core, TensorTrain)

    def _require_core(self, other: Tucker, ranks: Sequence[int]) -> None:
        if not self._has_train(other):
            cure = "recompress the tensors first, or take tensor-train cores"
            require_memory(ranks, self.dtype, "the core of the result", cure, default_bytes)


def rank_bounds(ranks: int | Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return the largest rank of every axis, no larger than the axis.

    Raises
    ------
    ValueError
        If there are too few or too many, or one is not positive.
    """
    bounds = largest_ranks(ranks, len(shape))
    return [min(r, int(n)) for r, n in zip(bounds, shape, strict=True)]
