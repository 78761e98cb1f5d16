"""Structured matrices plus a low-rank term."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from structlin._backend import scipy_of
from structlin._errors import ConvergenceError
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, conjugate, size_text
from structlin.matrices._indices import Index
from structlin.matrices.algebra import Adjoint, Inverse, Product, Scaled, Sum, Transpose
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, is_multiple_of_one
from structlin.matrices.foreign import Foreign
from structlin.matrices.functions import singular, solve
from structlin.matrices.low_rank import LowRank, applied, as_factor, converted, entries, together
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import answer, rule
from structlin.matrices.selection import Selected
from structlin.matrices.sparse import Sparse
from structlin.matrices.zero import Zero

# of the base, on which Woodbury's formula builds
failures = (np.linalg.LinAlgError, ConvergenceError)


class Factors(NamedTuple):
    """What Woodbury's formula keeps of ``B + U Vᴴ``: ``Z = B⁻¹ U`` and ``K = I + Vᴴ Z``."""

    base: LinearOperator
    low: LowRank
    Z: Any
    capacitance: Dense

    def apply(self, B: Any) -> Any:
        """Return ``y − Z K⁻¹ Vᴴ y`` with ``y = B⁻¹ b``."""
        Y = answer(solve, self.base, then=(B,))
        W = answer(solve, self.capacitance, then=(self.low.V._rmatmat(Y),))
        return Y - self.low.xp.matmul(self.Z, W)


class LowRankUpdate(LinearOperator):
    """A matrix plus a low-rank term: ``B + U C Vᴴ``.

    Sums of a structured operator and a `LowRank` become such updates, and sums of updates merge:
    ``A + LowRank(u, v)`` is a rank-one update and ``A - LowRank(u)`` a downdate.

    Parameters
    ----------
    base : (m, n) array, sparse matrix or operator
        The matrix ``B``, of any structure.
    U : (m, r) array, sparse matrix or operator, or (m,) array
        The left factor; a vector is one column.
    C : (r, s) array, optional
        The core; by default the identity. It may be singular.
    V : (n, s) array, sparse matrix or operator, or (n,) array, optional
        The right factor, whose adjoint is taken; by default ``U``.

    Attributes
    ----------
    base : LinearOperator
        The matrix ``B``.
    update : LowRank
        The term ``U C Vᴴ``, with ``C`` multiplied into the right factor.

    Raises
    ------
    ValueError
        If the sizes of base, factors and core do not fit.

    Notes
    -----
    Systems are solved by Woodbury's formula through the solutions of the base [1]_::

        A⁻¹ b = y − Z K⁻¹ Vᴴ y,   y = B⁻¹ b,   Z = B⁻¹ U,   K = I + Vᴴ Z

    with ``C = I``. ``Z`` and the factorised capacitance matrix ``K`` are kept. The formula loses
    digits where the base is much worse conditioned than the sum [2]_, so the residual is looked
    at, and refined where that helps; where it does not, or the base is singular, other rules
    follow. ``det A = det B det K``, and ``A⁻¹`` is an update of ``B⁻¹``.

    References
    ----------
    .. [1] W. W. Hager, "Updating the inverse of a matrix", SIAM Review 31 (1989), 221–239.
    .. [2] E. L. Yip, "A note on the stability of solving a rank-p modification of a linear system
       by the Sherman–Morrison–Woodbury formula", SIAM J. Sci. Stat. Comput. 7 (1986), 507–513.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker, solve
    >>> A = Kronecker(2 * np.eye(2), np.eye(3)) + LowRank(np.ones(6))
    >>> A
    <LowRankUpdate 6x6 float64 = Kronecker + rank 1>
    >>> solve(A, np.ones(6))
    array([0.125, 0.125, 0.125, 0.125, 0.125, 0.125])
    """

    base: LinearOperator
    update: LowRank

    def __init__(self, base: Any, U: Any, C: Any = None, V: Any = None) -> None:
        self.base = aslinearoperator(base)
        U = as_factor(U)
        V = U if V is None or V is U else as_factor(V)
        if C is not None:
            C = aslinearoperator(C)
            wanted = U.shape[1], V.shape[1]
            if C.shape != wanted:
                raise ValueError(
                    f"C is {size_text(C.shape)}: U C Vᴴ needs a {size_text(wanted)} core"
                )
            V = Dense(entries(V @ C.H))
        self.update = LowRank(U, V)
        if self.base.shape != self.update.shape:
            raise ValueError(
                f"base is {size_text(self.base.shape)} but U C Vᴴ is "
                f"{size_text(self.update.shape)}: a sum needs equal shapes"
            )
        super().__init__(self.base.shape, like=(self.base, self.update))

    def _matmat(self, X: Any) -> Any:
        return self.base._matmat(X) + self.update._matmat(X)

    def _rmatmat(self, X: Any) -> Any:
        return self.base._rmatmat(X) + self.update._rmatmat(X)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        return self.base.todense() + self.update.todense()

    def _formula(self) -> str:
        return f"{type(self.base).__name__} + rank {self.update.U.shape[1]}"

    def _split(self, low: LowRank) -> tuple[LinearOperator, LowRank]:
        """Return base and update with which Woodbury's formula is stable, if one knows better."""
        return self.base, low

    @functools.cached_property
    def _factors(self) -> Factors | None:
        return self._factorised(self.update)

    def _factorised(self, low: LowRank) -> Factors | None:
        """Return what Woodbury's formula needs, or None where the base cannot be solved with."""
        base, low = self._split(low)
        U = entries(low.U, "U")
        require_finite("V", entries(low.V))
        U = self.xp.astype(U, self.xp.result_type(U.dtype, self.dtype), copy=False)
        try:
            Z = answer(solve, base, then=(U,))
        except failures:
            return None
        one = self.xp.eye(U.shape[1], dtype=Z.dtype, device=self.device)
        K = one + low.V._rmatmat(Z)
        if not bool(self.xp.all(self.xp.isfinite(K))):
            return None
        return Factors(base, low, Z, Dense(K))

    @property
    def _probe(self) -> Any:
        """A vector that favours no direction, as a column."""
        xp = self.xp
        numbers = xp.arange(self.shape[1], dtype=self.real_dtype, device=self.device)
        return xp.astype(xp.cos(numbers**2), self.dtype)[:, None]

    @functools.cached_property
    def _least_norm(self) -> float:
        """A lower bound of the norm, by a step of the power iteration."""
        with np.errstate(all="ignore"):
            x = self._probe
            for product in (self._matmat, self._rmatmat):
                x = product(x)
                x = x / (euclidean(x) or 1.0)
            found = euclidean(self._matmat(x))
        return found if math.isfinite(found) else 0.0

    def _factors_for(self, dtype: Any) -> Factors | None:
        """Return the factors in the precision of the right-hand side."""
        if self.xp.finfo(self.dtype).eps <= self.xp.finfo(dtype).eps:
            return self._factors
        return self._factorised(converted(self.update, dtype))


class DiagonalPlusLowRank(LowRankUpdate):
    """A diagonal matrix plus a low-rank term: ``D + U C Vᴴ``.

    Parameters
    ----------
    base : (n,) array, Diagonal, Identity or multiple of it
        The diagonal ``D``.
    U : (n, r) array, sparse matrix or operator, or (n,) array
        The left factor; a vector is one column.
    C : (r, s) array, optional
        The core; by default the identity.
    V : (n, s) array, sparse matrix or operator, or (n,) array, optional
        The right factor, whose adjoint is taken; by default ``U``.

    Raises
    ------
    TypeError
        If the base is not diagonal.
    ValueError
        If the sizes of base, factors and core do not fit.

    Notes
    -----
    Entries of the diagonal may be zero or tiny. As ``σ_min(A)`` is at most the ``(r+1)``-th
    smallest modulus ``δ`` on the diagonal, the entries below ``δ/8``, at most ``r``, are replaced
    by ``δ`` and corrected in the low-rank term. Woodbury's formula then inverts no diagonal that
    is much worse than ``A`` itself, with a capacitance matrix of at most ``2 r`` rows.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal, solve
    >>> A = Diagonal(np.array([0.0, 1.0, 1.0])) + LowRank(np.ones(3))
    >>> A
    <DiagonalPlusLowRank 3x3 float64 = Diagonal + rank 1>
    >>> solve(A, np.array([1.0, 2.0, 2.0]))
    array([-1.,  1.,  1.])
    """

    def __init__(self, base: Any, U: Any, C: Any = None, V: Any = None) -> None:
        if getattr(base, "ndim", 2) == 1:
            base = Diagonal(base)
        if not _is_diagonal(base):
            raise TypeError(
                f"base is {type(base).__name__}: pass a Diagonal, its entries as an (n,) array, "
                "or a multiple of the identity"
            )
        super().__init__(base, U, C, V)

    def _split(self, low: LowRank) -> tuple[LinearOperator, LowRank]:
        xp, r = self.xp, low.U.shape[1]
        if not isinstance(self.base, Diagonal):
            return self.base, low
        d = self.base.entries
        require_finite("A", d)
        moduli = xp.abs(d)
        pivot = xp.sort(moduli)[r]
        if not bool(pivot > 0):
            raise singular(self, f"more than {r} entries of the diagonal are zero")
        small = moduli < pivot / 8
        if not bool(xp.any(small)):
            return self.base, low
        (index,) = xp.nonzero(small)
        rows = xp.arange(d.shape[0], dtype=index.dtype, device=self.device)
        unit = xp.astype(rows[:, None] == index[None, :], low.dtype)
        missing = xp.take(d, index) - pivot
        return Diagonal(xp.where(small, xp.astype(pivot, d.dtype), d)), together(
            low, LowRank(unit * missing, unit)
        )


class SparsePlusLowRank(LowRankUpdate):
    """A sparse matrix plus a low-rank term: ``S + U C Vᴴ``.

    Parameters
    ----------
    base : (m, n) sparse matrix or Sparse
        The matrix ``S``.
    U : (m, r) array, sparse matrix or operator, or (m,) array
        The left factor; a vector is one column.
    C : (r, s) array, optional
        The core; by default the identity.
    V : (n, s) array, sparse matrix or operator, or (n,) array, optional
        The right factor, whose adjoint is taken; by default ``U``.

    Raises
    ------
    TypeError
        If the base is not sparse.
    ValueError
        If the sizes of base, factors and core do not fit.

    Notes
    -----
    Where Woodbury's formula fails because ``S`` is singular or worse conditioned than the sum,
    the bordered sparse matrix ``[[S, U], [Vᴴ, −I]]`` is factorised instead (NumPy only).

    Attributes
    ----------
    base : Sparse
        The matrix ``S``.
    update : LowRank
        The term ``U C Vᴴ``, with ``C`` multiplied into the right factor.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> Sparse(scipy.sparse.eye_array(4)) + LowRank(np.ones(4))
    <SparsePlusLowRank 4x4 float64 = Sparse + rank 1>
    """

    base: Sparse

    def __init__(self, base: Any, U: Any, C: Any = None, V: Any = None) -> None:
        base = aslinearoperator(base)
        if not isinstance(base, Sparse):
            raise TypeError(
                f"base is {type(base).__name__}: pass a sparse matrix of SciPy or CuPy, or a Sparse"
            )
        super().__init__(base, U, C, V)

    @functools.cached_property
    def _bordered(self) -> Sparse:
        """The matrix ``[[S, U], [Vᴴ, −I]]``, which keeps its factorisation."""
        if 0 in self.update.U.shape:
            return self.base
        sparse = scipy_of(self.xp, "sparse")
        U, V = entries(self.update.U), entries(self.update.V)
        one = sparse.eye_array(U.shape[1])
        blocks = [[self.base.matrix, U], [conjugate(V.T, self.xp), -one]]
        return Sparse(sparse.block_array(blocks, format="csc", dtype=self.dtype))


def _is_diagonal(A: Any) -> bool:
    return isinstance(A, Diagonal) or (isinstance(A, LinearOperator) and is_multiple_of_one(A))


def updated(base: LinearOperator, low: LowRank) -> LowRankUpdate:
    """Return ``base + low`` under the name that its base gives it."""
    kind: type[LowRankUpdate] = LowRankUpdate
    if _is_diagonal(base):
        kind = DiagonalPlusLowRank
    elif isinstance(base, Sparse):
        kind = SparsePlusLowRank
    return kind(base, low.U, V=low.V)


# sums: a base is worth keeping apart where its structure has rules

_plain = (Sum, Product, Dense, Foreign, Selected, Adjoint, Transpose, LowRank, Zero)


def _is_structured(A: LinearOperator) -> bool:
    if isinstance(A, (Scaled, Inverse)):
        return _is_structured(A.operator)
    return not isinstance(A, _plain)


rule(add, LinearOperator, LowRank, when=lambda A, B: _is_structured(A))(updated)
rule(add, LowRank, LinearOperator, when=lambda A, B: _is_structured(B))(lambda A, B: updated(B, A))
rule(add, LowRankUpdate, LowRank)(lambda A, B: updated(A.base, together(A.update, B)))
rule(add, LowRank, LowRankUpdate)(lambda A, B: updated(B.base, together(A, B.update)))


@rule(add, LowRankUpdate, LinearOperator)
def _add(A: LowRankUpdate, B: LinearOperator) -> Any:
    base = A.base + B
    return updated(base, A.update) if _is_structured(base) else NotImplemented


@rule(add, LinearOperator, LowRankUpdate)
def _add_to(A: LinearOperator, B: LowRankUpdate) -> Any:
    base = A + B.base
    return updated(base, B.update) if _is_structured(base) else NotImplemented


@rule(add, LowRankUpdate, LowRankUpdate)
def _add_both(A: LowRankUpdate, B: LowRankUpdate) -> Any:
    base = A.base + B.base
    return updated(base, together(A.update, B.update)) if _is_structured(base) else NotImplemented


# the other operations

rule(is_hermitian, LowRankUpdate)(lambda A: is_hermitian(A.base) and is_hermitian(A.update))
rule(adjoint, LowRankUpdate)(lambda A: updated(A.base.H, A.update.H))
rule(transpose, LowRankUpdate)(lambda A: updated(A.base.T, A.update.T))
rule(scale, LowRankUpdate)(
    lambda A, scalar: updated(scale(A.base, scalar), LowRank(scale(A.update.U, scalar), A.update.V))
)


@rule(select, LowRankUpdate)
def _select(A: LowRankUpdate, rows: Index, columns: Index) -> Any:
    return select(A.base, rows, columns) + select(A.update, rows, columns)


@rule(multiply, DiagonalPlusLowRank, Diagonal)
def _times_diagonal(A: DiagonalPlusLowRank, B: Diagonal) -> LowRankUpdate:
    return updated(A.base @ B, LowRank(A.update.U, applied(B.H, A.update.V)))


@rule(multiply, Diagonal, DiagonalPlusLowRank)
def _diagonal_times(A: Diagonal, B: DiagonalPlusLowRank) -> LowRankUpdate:
    return updated(A @ B.base, LowRank(applied(A, B.update.U), B.update.V))
