"""Tensors as sums of terms of rank one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, kernel as compiled, namespace, type_name
from structlin._errors import ConvergenceWarning
from structlin._kernels.khatri_rao_core import khatri_rao_core
from structlin._norm import norm as norm_of_array
from structlin._validation import common_type, require_finite
from structlin.matrices._base import conjugate, size_text, times
from structlin.tensors import _core
from structlin.tensors._axes import require_one_shape
from structlin.tensors._entries import Entries
from structlin.tensors._indices import inside, spread
from structlin.tensors._memory import default_bytes
from structlin.tensors._sums.rhosvd import normalized, rhosvd
from structlin.tensors.tucker import Tucker

# terms, or products of terms, in a block
_block = 2**22


class CP(Entries):
    """The tensor ``T[i, j, …] = Σ_q weights[q] factors[0][i, q] factors[1][j, q] …``.

    Parameters
    ----------
    weights : (R,) array or None
        Weights of the terms; None for ones.
    factors : sequence of (nk, R) arrays
        A column for every term.

    Attributes
    ----------
    weights, factors : (R,) array, tuple of (nk, R) arrays
        What the tensor is made of.
    shape : tuple of int
        Shape of the tensor.
    rank : int
        How many terms there are.
    dtype : data type
        Data type of the entries.

    Raises
    ------
    ValueError
        If the shapes of weights and factors disagree.

    Examples
    --------
    >>> import numpy as np
    >>> T = CP(np.array([2.0]), [np.array([[1.0], [2.0]]), np.array([[3.0], [4.0], [5.0]])])
    >>> T
    <CP 2x3 float64, rank 1>
    >>> T.full()
    array([[ 6.,  8., 10.],
           [12., 16., 20.]])
    >>> float(T[1, 2])
    20.0
    """

    def __init__(self, weights: Any, factors: Sequence[Any]) -> None:
        factors = list(factors)
        if not factors:
            raise ValueError("there are no factors: pass a matrix (n, R) for every axis")
        xp = namespace(weights, *factors)
        if weights is None:
            rank = factors[0].shape[1] if factors[0].ndim == 2 else 0
            weights = xp.ones(rank, dtype=factors[0].dtype, device=device(*factors))
        if weights.ndim != 1:
            raise ValueError(f"weights have shape {tuple(weights.shape)}: (R,) is needed")
        for axis, factor in enumerate(factors):
            if factor.ndim != 2 or factor.shape[1] != weights.shape[0]:
                raise ValueError(
                    f"factor {axis} has shape {tuple(factor.shape)}, and there are "
                    f"{weights.shape[0]} weights: the factor needs two axes, and a column for "
                    "every weight"
                )
        device(weights, *factors)  # one for all
        self.dtype: Any = common_type(xp, weights.dtype, *(factor.dtype for factor in factors))
        self.weights = xp.astype(weights, self.dtype, copy=False)
        self.factors = tuple(xp.astype(U, self.dtype, copy=False) for U in factors)
        self.shape = tuple(int(U.shape[0]) for U in factors)
        self.rank = int(weights.shape[0])
        self.ndim = len(factors)

    def __repr__(self) -> str:
        return f"<CP {size_text(self.shape)} {type_name(self.dtype)}, rank {self.rank}>"

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(self.weights)

    @property
    def device(self) -> Any:
        """Where the arrays live."""
        return device(self.weights)

    def _full(self) -> Any:
        return compiled(self.xp, khatri_rao_core)(self.weights, self.factors)

    def _points_at_once(self) -> int:
        return max(_block // max(self.rank, 1), 1)

    def _at(self, indices: Any) -> Any:
        terms = self.weights[None, :]
        for axis, U in enumerate(self.factors):
            terms = terms * self.xp.take(U, indices[:, axis], axis=0)
        return self.xp.sum(terms, axis=1)

    def __getitem__(self, key: Any) -> Any:
        """Return an entry, a part of the tensor, or entries at arrays of indices.

        Integers drop an axis and slices keep it, as in NumPy: what is left is a `CP`, or an entry
        if nothing is. Arrays of integers, one for every axis, are broadcast against each other and
        give the array of these entries.
        """
        keys = spread(key, self.ndim)
        if any(getattr(k, "ndim", 0) for k in keys):
            return self._at_arrays(keys)
        weights, factors = self.weights, []
        for axis, (k, U) in enumerate(zip(keys, self.factors, strict=True)):
            if isinstance(k, slice):
                factors.append(U[k, :])
            else:
                weights = weights * U[inside(k, axis, U.shape[0]), :]
        return CP(weights, factors) if factors else self.xp.sum(weights)

    def __add__(self, other: CP) -> CP:
        if not isinstance(other, CP):
            return NotImplemented
        require_one_shape(self, other)
        xp = namespace(self.weights, other.weights)
        pairs = zip(self.factors, other.factors, strict=True)
        factors = [xp.concat([U, V], axis=1) for U, V in pairs]
        return CP(xp.concat([self.weights, other.weights]), factors)

    def __mul__(self, other: Any) -> CP:
        """Return a multiple."""
        shape: Any = getattr(other, "shape", ())
        if isinstance(other, CP) or shape:
            return NotImplemented
        if isinstance(other, np.number):
            other = other.item()  # Python scalars promote the kind, never the precision
        return CP(times(self.weights, other, self.xp), self.factors)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> CP:
        return self.__mul__(1 / other)

    def __neg__(self) -> CP:
        return self * -1

    def __sub__(self, other: CP) -> CP:
        return self + -other if isinstance(other, CP) else NotImplemented

    def inner(self, other: CP) -> Any:
        """Return ``Σ conj(self) other``, a scalar array.

        Notes
        -----
        ``O(R R' Σ nk)`` operations, in blocks of terms. Its rounding errors are relative to the
        sizes of the terms, not of their sums.
        """
        require_one_shape(self, other)
        xp = namespace(self.weights, other.weights)
        dtype = xp.result_type(self.dtype, other.dtype)
        step = max(_block // max(other.rank, 1), 1)
        total = xp.zeros((), dtype=dtype, device=self.device)
        right = xp.astype(other.weights, dtype)
        for start in range(0, self.rank, step):
            part = slice(start, min(start + step, self.rank))
            grams = xp.astype(conjugate(self.weights[part], xp), dtype)[:, None]
            for U, V in zip(self.factors, other.factors, strict=True):
                block = xp.astype(conjugate(xp.matrix_transpose(U[:, part]), xp), dtype)
                grams = grams * xp.matmul(block, xp.astype(V, dtype))
            total = total + xp.sum(xp.matmul(grams, right))
        return total

    def norm(self) -> float:
        """Return the Frobenius norm.

        Notes
        -----
        The square root of the inner product with itself, or the norm of the core of `to_tucker`
        where the terms cancel so much that half the digits of their inner products are lost.
        """
        weights, columns, unit = normalized(self.weights, self.factors)
        if unit == 0:
            return 0.0
        xp, unity = self.xp, CP(weights, columns)
        square = float(xp.real(unity.inner(unity)) if _is_complex(self) else unity.inner(unity))
        eps = float(xp.finfo(self.dtype).eps)
        if not eps * float(xp.sum(xp.abs(weights))) ** 2 > math.sqrt(eps) * square:
            return unit * math.sqrt(square)
        core, _, _ = rhosvd(weights, columns, 4 * eps, default_bytes)
        return unit * norm_of_array(core)

    def to_tucker(self, tol: float | None = None, *, max_bytes: int = default_bytes) -> Tucker:
        """Return the tensor as a core times orthonormal factors.

        Parameters
        ----------
        tol : float, optional
            The error in the Frobenius norm, relative to that of the tensor; by default a few
            rounding errors.
        max_bytes : int
            The largest core.

        Returns
        -------
        Tucker
            The tensor.

        Raises
        ------
        ValueError
            If weights or factors have a NaN.
        MemoryError
            If the core takes more than ``max_bytes``.

        Warns
        -----
        ConvergenceWarning
            If the terms cancel so much that rounding errors are larger than the tolerance.

        Notes
        -----
        The reduced higher-order singular value decomposition [1]_: the factors come from the
        singular vectors of the weighted columns of every axis, the core from the Khatri–Rao product
        of what is left of the columns, and both are truncated again with the core in hand. With
        ranks ``r`` this takes ``O(Σ min(nk R², nk² R) + R r^d)`` operations; the tensor itself is
        never formed.

        The tolerance is relative to the norm of the tensor, which is known when the core is: terms
        of opposite sign may cancel.

        References
        ----------
        .. [1] B. N. Khoromskij and V. Khoromskaia, "Multigrid accelerated tensor approximation of
           function related multidimensional arrays", SIAM Journal on Scientific Computing 31
           (2009), 3002–3026.
        """
        require_finite("weights", self.weights)
        for axis, U in enumerate(self.factors):
            require_finite(f"factors[{axis}]", U)
        eps = float(self.xp.finfo(self.dtype).eps)
        tol = 4 * eps if tol is None else tol
        if not 0 <= tol < 1:
            raise ValueError(f"tol is {tol!r}: pass a number between 0 and 1")
        weights, columns, unit = normalized(self.weights, self.factors)
        if unit == 0:
            like: dict[str, Any] = {"dtype": self.dtype, "device": self.device}
            empty = [self.xp.zeros((n, 1), **like) for n in self.shape]
            return Tucker(self.xp.zeros((1,) * self.ndim, **like), empty)
        tol = max(tol, 4 * eps)
        core, factors, achieved = rhosvd(weights, columns, tol, max_bytes)
        if achieved > tol:
            warnings.warn(
                f"the terms cancel to {norm_of_array(core) / norm_of_array(weights):.1e} of their "
                f"size: rounding errors are about {achieved:.1e} of the tensor, and tol is "
                f"{tol:.1e}; pass a larger tol, or sum up the terms that cancel first",
                ConvergenceWarning,
                stacklevel=2,
            )
        core, small = _core.truncated(core, tol)
        pairs = zip(factors, small, strict=True)
        return Tucker(core * unit, [self.xp.matmul(Q, U) for Q, U in pairs])


def _is_complex(tensor: CP) -> bool:
    return bool(tensor.xp.isdtype(tensor.dtype, "complex floating"))
