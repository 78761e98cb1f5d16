"""Tensor trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_array, require_finite
from structlin.matrices._base import conjugate, times
from structlin.tensors._axes import (
    axis_number,
    axis_numbers,
    largest_ranks,
    permutation,
    require_one_each,
    require_one_shape,
)
from structlin.tensors._tolerance import require_nonnegative
from structlin.tensors._trains.blocks import corners, products
from structlin.tensors._trains.entries import TrainEntries
from structlin.tensors._trains.sweeps import (
    centred,
    compressed,
    decomposed,
    permuted,
    rounded,
    times_left,
)


class TensorTrain(TrainEntries):
    """The tensor ``T[i, j, …, l] = cores[0][:, i, :] cores[1][:, j, :] … cores[-1][:, l, :]``.

    Parameters
    ----------
    cores : sequence of (r, n, s) arrays
        A core for every axis. The first axis of each is as long as the last axis of the one before;
        the first of all and the last of all have length 1.

    Attributes
    ----------
    cores : tuple of arrays
        What the tensor is made of.
    shape : tuple of int
        Sizes of the tensor.
    ranks : tuple of int
        Sizes of the bonds between neighbouring cores, one less than there are axes.
    ndim : int
        How many axes the tensor has.
    dtype : data type
        Data type of the entries.
    device : object
        Where the cores live.

    Raises
    ------
    ValueError
        If there is no core, or shapes of cores disagree.

    Notes
    -----
    ``d n r²`` numbers are stored, and sums, products and inner products take no more than powers of
    them: no operation but `full` forms the tensor. Sums add ranks and products multiply them;
    `round` brings them down. Functions of a tensor, such as its exponential, are made by `tt_cross`
    from its entries, `at`.

    References
    ----------
    .. [1] I. V. Oseledets, "Tensor-train decomposition", SIAM J. Sci. Comput. 33 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> T = TensorTrain([np.ones((1, 2, 1)), np.array([[[1.0], [2.0], [3.0]]])])
    >>> T + T
    <TensorTrain 2x3 float64, ranks 2>
    >>> (T + T).round(1e-12).full()
    array([[2., 4., 6.],
           [2., 4., 6.]])
    """

    @classmethod
    def from_array(
        cls, T: Any, tol: float = 0.0, ranks: int | Sequence[int] | None = None
    ) -> TensorTrain:
        """Return the train of an array, as `tt_svd` does."""
        require_array("the tensor", T)
        T = inexact(T)
        if T.ndim == 0:
            raise ValueError("the tensor is a scalar: a tensor train needs one axis or more")
        require_finite("the tensor", T)
        return cls(decomposed(T, _checked(tol), _bounds(ranks, T.ndim - 1)))

    def __add__(self, other: Any) -> TensorTrain:
        if not isinstance(other, TensorTrain):
            return NotImplemented
        require_one_shape(self, other)
        last = self.ndim - 1
        cores = []
        for k, (a, b) in enumerate(zip(self.cores, other.cores, strict=True)):
            cores.append(corners(a, b, first=k == 0, last=k == last, middle=False))
        return TensorTrain(cores)

    def __sub__(self, other: Any) -> TensorTrain:
        return self + -other if isinstance(other, TensorTrain) else NotImplemented

    def __neg__(self) -> TensorTrain:
        return self * -1

    def __mul__(self, other: Any) -> TensorTrain:
        """Return the entrywise product with a tensor train, or a multiple."""
        if isinstance(other, TensorTrain):
            require_one_shape(self, other)
            return TensorTrain(products(self.cores, other.cores, kronecker=False))
        if getattr(other, "ndim", 0):
            return NotImplemented
        first, *others = self.cores
        if isinstance(other, np.number):
            other = other.item()  # Python scalars promote the kind, never the precision
        return TensorTrain([times(first, other, self.xp), *others])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> TensorTrain:
        if getattr(other, "ndim", 0):  # another tensor
            return NotImplemented
        if isinstance(other, np.number):
            other = other.item()
        if isinstance(other, complex):
            return self.__mul__(1 / other)
        first, *others = self.cores
        return TensorTrain([first / other, *others])

    def conj(self) -> TensorTrain:
        """Return the entrywise conjugate."""
        return TensorTrain([conjugate(core, self.xp) for core in self.cores])

    def kronecker(self, other: TensorTrain) -> TensorTrain:
        """Return the Kronecker product: entry ``(i m + k, …)`` is ``self[i, …] other[k, …]``."""
        self._require_axes(other)
        return TensorTrain(products(self.cores, other.cores, kronecker=True))

    def direct_sum(self, other: TensorTrain) -> TensorTrain:
        """Return the tensor with this one in its first corner and the other in its last."""
        self._require_axes(other)
        last = self.ndim - 1
        return TensorTrain(
            [
                corners(a, b, first=k == 0, last=k == last, middle=True)
                for k, (a, b) in enumerate(zip(self.cores, other.cores, strict=True))
            ]
        )

    def mode_products(self, matrices: Sequence[Any]) -> TensorTrain:
        """Return the tensor times a matrix along every axis.

        Parameters
        ----------
        matrices : sequence of (m, n) arrays or None
            One for every axis, of as many columns as the axis is long; None leaves an axis alone.

        Returns
        -------
        TensorTrain
            Of as many entries along every axis as the matrix has rows, and of the same ranks.
        """
        xp = namespace(self, *matrices)
        require_one_each(matrices, self.ndim)
        cores = []
        for axis, (core, matrix) in enumerate(zip(self.cores, matrices, strict=True)):
            if matrix is None:
                cores.append(core)
                continue
            if matrix.ndim != 2 or matrix.shape[1] != core.shape[1]:
                raise ValueError(
                    f"matrix {axis} has shape {tuple(matrix.shape)}, and axis {axis} of the tensor "
                    f"has length {core.shape[1]}: the matrix needs so many columns"
                )
            dtype = xp.result_type(core.dtype, matrix.dtype)
            matrix = xp.astype(matrix, dtype, copy=False)
            cores.append(xp.matmul(matrix, xp.astype(core, dtype, copy=False)))
        return TensorTrain(cores)

    def contracted(self, axis: int, vector: Any) -> Any:
        """Return ``Σⱼ vector[j] T[…, j, …]``, which has one axis less.

        Parameters
        ----------
        axis : int
            The axis that is summed.
        vector : (n,) array
            A weight for every place along it.

        Returns
        -------
        TensorTrain or scalar array
            A scalar if no axis is left.
        """
        xp, parts = namespace(self, vector), list(self.cores)
        axis = axis_number(axis, self.ndim)
        if tuple(vector.shape) != (self.shape[axis],):
            raise ValueError(
                f"the vector has shape {tuple(vector.shape)}, and axis {axis} of the tensor has "
                f"length {self.shape[axis]}: they must be equal"
            )
        dtype = xp.result_type(self.dtype, vector.dtype)
        core = xp.astype(parts[axis], dtype, copy=False)
        parts[axis] = xp.tensordot(core, xp.astype(vector, dtype, copy=False), axes=((1,), (0,)))
        return self._joined(parts)

    def sum(self, axis: int | Sequence[int] | None = None) -> Any:
        """Return the sum over all axes, or over some, which are then gone.

        Parameters
        ----------
        axis : int or sequence of int, optional
            The axes; by default all.

        Returns
        -------
        TensorTrain or scalar array
            A scalar if no axis is left.
        """
        chosen = axis_numbers(axis, self.ndim)
        cores = enumerate(self.cores)
        parts = [self.xp.sum(core, axis=1) if k in chosen else core for k, core in cores]
        return self._joined(parts)

    def transposed(self, axes: Sequence[int], tol: float = 0.0) -> TensorTrain:
        """Return the tensor with its axes in another order: its axis ``k`` is ``axes[k]`` of this.

        Parameters
        ----------
        axes : sequence of int
            A permutation.
        tol : float
            The error in the Frobenius norm, relative to that of the tensor. Rounding errors are
            dropped with any tolerance. The reversal of all axes is exact.
        """
        chosen = permutation(axes, self.ndim)
        return TensorTrain(permuted(self.cores, chosen, _checked(tol)))

    def inner(self, other: TensorTrain) -> Any:
        """Return ``Σ conj(self) other``, a scalar array, in ``O(d n r³)`` operations."""
        require_one_shape(self, other)
        xp = namespace(self, other)
        dtype = xp.result_type(self.dtype, other.dtype)
        out = xp.ones((1, 1), dtype=dtype, device=device(self, other))
        for a, b in zip(self.cores, other.cores, strict=True):
            right = times_left(out, xp.astype(b, dtype, copy=False))
            left = xp.astype(conjugate(a, xp), dtype, copy=False)
            out = xp.tensordot(left, right, axes=((0, 1), (0, 1)))
        return out[0, 0]

    def norm(self) -> float:
        """Return the Frobenius norm, by QR factorisations: also of tensors that nearly cancel."""
        return centred(self.cores)[1]

    def round(self, tol: float = 0.0, ranks: int | Sequence[int] | None = None) -> TensorTrain:
        """Return the tensor with smaller ranks.

        Parameters
        ----------
        tol : float
            The error in the Frobenius norm, relative to that of the tensor, as long as ``ranks``
            allow it. Rounding errors are dropped with any tolerance.
        ranks : int or sequence of int, optional
            The largest ranks.

        Returns
        -------
        TensorTrain
            All cores but the last are orthonormal as (r n, s) matrices.

        Notes
        -----
        A sweep of QR factorisations from right to left and one of singular value decompositions
        from left to right, ``O(d n r³)`` operations. What one truncation leaves of the tolerance is
        given to those that follow.
        """
        return TensorTrain(rounded(self.cores, _checked(tol), _bounds(ranks, self.ndim - 1)))

    def truncated(
        self, tol: float = 0.0, ranks: Sequence[int] | None = None
    ) -> tuple[TensorTrain, list[Any]]:
        """Return a smaller tensor and an orthonormal (n, s) matrix per axis that leads back to it.

        Parameters
        ----------
        tol : float
            The error in the Frobenius norm, relative to that of the tensor, as long as ``ranks``
            allow it. Axes and bonds are both truncated; rounding errors are dropped with any
            tolerance.
        ranks : sequence of int, optional
            The largest sizes of the axes.

        Returns
        -------
        TensorTrain
            The smaller tensor.
        list of (n, s) arrays
            An orthonormal matrix per axis: `mode_products` of the smaller tensor with them is this
            one, to the tolerance.
        """
        cores, factors = compressed(self.cores, _checked(tol), _bounds(ranks, self.ndim))
        return TensorTrain(cores), factors

    def _require_axes(self, other: TensorTrain) -> None:
        if self.ndim != other.ndim:
            raise ValueError(
                f"the tensors have {self.ndim} and {other.ndim} axes: they must have equally many"
            )


def _checked(tol: float) -> float:
    require_nonnegative(tol)
    return float(tol)


def _bounds(ranks: int | Sequence[int] | None, count: int) -> list[int | None]:
    """Return the largest rank of every bond or axis; None where there is no bound."""
    return [None] * count if ranks is None else [*largest_ranks(ranks, count, "axes or bonds")]
