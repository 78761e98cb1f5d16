"""Matrices of low rank, as the product of two thin factors."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin import _norm
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, coarser, conjugate, size_text
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices._indices import Index
from structlin.matrices.dense import Dense
from structlin.matrices.functions import (
    diagonal,
    eigh,
    inv,
    lstsq,
    norm,
    pinv,
    rank,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.identity import Identity, absorbs
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
from structlin.matrices.zero import Zero


class LowRank(LinearOperator):
    """The product ``U Vᴴ`` of thin factors.

    Parameters
    ----------
    U : (m, r) array, sparse matrix or operator, or (m,) array
        The left factor; a vector is one column.
    V : (n, r) array, sparse matrix or operator, or (n,) array, optional
        The right factor, whose adjoint is taken. By default ``U``, which makes the matrix
        Hermitian and positive semidefinite.

    Attributes
    ----------
    U, V : LinearOperator
        The factors; arrays have become `Dense`.

    Raises
    ------
    ValueError
        If the factors have different numbers of columns.

    Notes
    -----
    A product costs ``2 (m + n) r`` operations. Singular values come from QR factorisations of
    both factors and the singular values of ``R_U R_Vᴴ``, at ``O((m + n) r² + r³)``, and are kept.
    They are as accurate as the factors let them: those below
    ``max(m, n) eps Σⱼ ‖uⱼ‖ ‖vⱼ‖`` are rounding errors, and count as zero in `rank`, `pinv`,
    `lstsq` and `compressed`.

    Sums of such matrices have the columns of both side by side: `compressed` removes what is
    redundant.

    Examples
    --------
    >>> import numpy as np
    >>> A = LowRank(np.array([1.0, 2.0]), np.array([1.0, 1.0, 0.0]))
    >>> A
    <LowRank 2x3 float64 = 2x1 @ 1x3>
    >>> (A + A).compressed()
    <LowRank 2x3 float64 = 2x1 @ 1x3>
    """

    U: LinearOperator
    V: LinearOperator

    def __init__(self, U: Any, V: Any = None) -> None:
        self.U = as_factor(U)
        self.V = self.U if V is None or V is U else as_factor(V)
        (m, r), (n, s) = self.U.shape, self.V.shape
        if r != s:
            raise ValueError(
                f"U is {size_text((m, r))} but V is {size_text((n, s))}: "
                "U Vᴴ needs as many columns in both"
            )
        super().__init__((m, n), like=(self.U, self.V))

    @property
    def parameters(self) -> int:
        """How many numbers the factors store: one factor where both are the same."""
        return self.U.parameters + (0 if self.V is self.U else self.V.parameters)

    def _matmat(self, X: Any) -> Any:
        return self.U._matmat(self.V._rmatmat(X))

    def _rmatmat(self, X: Any) -> Any:
        return self.V._matmat(self.U._rmatmat(X))

    def _formula(self) -> str:
        return f"{size_text(self.U.shape)} @ {size_text(self.V.shape[::-1])}"

    def compressed(self, *, rank: int | None = None, tol: float | None = None) -> LowRank:
        """Return the same matrix, or one close to it, with as few columns as it needs.

        Parameters
        ----------
        rank : int, optional
            The largest number of columns; by default any.
        tol : float, optional
            Singular values up to ``tol`` times the largest are left out; by default those that
            are rounding errors.

        Returns
        -------
        LowRank
            The nearest matrix of that rank, by truncated singular values. Its factors have
            orthogonal columns of norm ``√σⱼ``, the largest first.

        Examples
        --------
        >>> import numpy as np
        >>> LowRank(np.diag([3.0, 2.0, 1e-9])).compressed(tol=1e-6)
        <LowRank 3x3 float64 = 3x2 @ 2x3>
        """
        xp = self.xp
        U, S, V = self._svd
        kept = self._rank
        if tol is not None:
            kept = int(xp.count_nonzero(tol * xp.max(S) < S)) if S.shape[0] else 0
        if rank is not None:
            kept = min(kept, max(operator.index(rank), 0))
        roots = xp.sqrt(S[:kept])
        left = U[:, :kept] * roots
        return LowRank(left, left if V is U else V[:, :kept] * roots)

    @functools.cached_property
    def _svd(self) -> tuple[Any, Any, Any]:
        """Orthonormal columns, descending singular values, and orthonormal columns."""
        xp, linalg = self.xp, self.xp.linalg
        u = entries(self.U, "U")
        if self.V is self.U:
            # the squares of the factor's singular values keep the small ones accurate
            Q, R = linalg.qr(u)
            W, s, _ = linalg.svd(R, full_matrices=False)
            U = xp.matmul(Q, W)
            return U, s * s, U
        v = entries(self.V, "V")
        (Qu, Ru), (Qv, Rv) = linalg.qr(u), linalg.qr(v)
        core = xp.matmul(Ru, adjoint_of(Rv, xp))
        W, S, Zh = linalg.svd(core, full_matrices=False)
        Z = adjoint_of(Zh, xp)
        return xp.matmul(Qu, W), S, xp.matmul(Qv, Z)

    @functools.cached_property
    def _rank(self) -> int:
        """How many singular values are more than rounding errors."""
        xp = self.xp
        u, v = (_norm.column_norms(entries(F)) for F in (self.U, self.V))
        noise = max(*self.shape) * xp.finfo(self.dtype).eps * xp.sum(u * v)
        return int(xp.count_nonzero(self._svd[1] > noise))

    @functools.cached_property
    def _dense(self) -> Dense:
        """The matrix where it has full rank, which is then no larger than its factors."""
        return Dense(self.todense())

    def _compression(self, mode: str = "reduced") -> tuple[Any, Any]:
        """Return ``Q`` and ``M`` with ``U Vᴴ = Q M Qᴴ``; mode "complete" makes ``Q`` square."""
        xp = self.xp
        u, v = entries(self.U, "U"), entries(self.V, "V")
        r = u.shape[1]
        same = self.V is self.U
        Q, R = xp.linalg.qr(u if same else xp.concat((u, v), axis=1), mode=mode)
        R = R[: min(R.shape), :]
        right = R if same else R[:, r:]
        return Q, xp.matmul(R[:, :r], adjoint_of(right, xp))

    @functools.cached_property
    def _hermitian(self) -> bool:
        if self.V is self.U or 0 in self.U.shape:
            return True
        xp = self.xp
        if not all(bool(xp.all(xp.isfinite(entries(F)))) for F in (self.U, self.V)):
            return False
        _, M = self._compression()
        gap = xp.max(xp.abs(M - adjoint_of(M, xp)))
        return bool(gap <= 10 * xp.finfo(self.dtype).eps * xp.max(xp.abs(M)))


def as_factor(x: Any) -> LinearOperator:
    """Return a factor as an operator; a vector is one column."""
    return Dense(x[:, None]) if getattr(x, "ndim", 2) == 1 else aslinearoperator(x)


def entries(F: LinearOperator, name: str = "") -> Any:
    """Return a factor as an array, which has to be finite where it is given a name."""
    array = F.array if isinstance(F, Dense) else F.todense()
    if name:
        require_finite(name, array)
    return array


def side_by_side(F: LinearOperator, G: LinearOperator) -> Dense:
    """Return the columns of both factors."""
    return Dense(F.xp.concat((entries(F), entries(G)), axis=1))


# algebra

rule(is_hermitian, LowRank)(lambda A: A._hermitian)
rule(adjoint, LowRank)(lambda A: A if A.V is A.U else LowRank(A.V, A.U))
rule(scale, LowRank)(lambda A, scalar: LowRank(scale(A.U, scalar), A.V))


@rule(transpose, LowRank)
def _transpose(A: LowRank) -> LowRank:
    V = A.V.conj()
    return LowRank(V, V if A.V is A.U else A.U.conj())


@rule(add, LowRank, LowRank)
def together(A: LowRank, B: LowRank) -> LowRank:
    """Return the sum, with the columns of both side by side."""
    U = side_by_side(A.U, B.U)
    return LowRank(U, U if A.V is A.U and B.V is B.U else side_by_side(A.V, B.V))


def applied(A: LinearOperator, F: LinearOperator) -> LinearOperator:
    """Return a factor multiplied by an operator."""
    return Dense(A @ F.array) if isinstance(F, Dense) else A @ F


rule(multiply, LowRank, LinearOperator)(lambda A, B: LowRank(A.U, applied(B.H, A.V)))
rule(multiply, LinearOperator, LowRank)(lambda A, B: LowRank(applied(A, B.U), B.V))


@rule(multiply, LowRank, LowRank)
def _multiply(A: LowRank, B: LowRank) -> LowRank:
    # the smaller of both ranks
    if A.U.shape[1] <= B.U.shape[1]:
        return LowRank(A.U, applied(B.H, A.V))
    return LowRank(applied(A, B.U), B.V)


rule(multiply, LowRank, Identity, when=absorbs)(lambda A, one: A)
rule(multiply, Identity, LowRank, when=lambda one, A: absorbs(A, one))(lambda one, A: A)
rule(multiply, LowRank, Zero)(lambda A, B: Zero(A.shape[:1] + B.shape[1:], like=(A, B)))


@rule(select, LowRank)
def _select(A: LowRank, rows: Index, columns: Index) -> Any:
    xp, every = A.xp, range(A.U.shape[1])
    U, V = select(A.U, rows, every), select(A.V, columns, every)
    if isinstance(rows, int) and isinstance(columns, int):
        return xp.sum(U * conjugate(V, xp))
    if isinstance(rows, int):
        return conjugate(V @ conjugate(U, xp), xp)
    return U @ conjugate(V, xp) if isinstance(columns, int) else LowRank(U, V)


# functions

_thin: dict[str, Any] = {
    "how": "QR factorisations of the factors, and an SVD of the small core, kept",
    "cost": "4 (m + n) r² + 22 r³",
    "memory": "(m + n) r",
}


@rule(svd, LowRank, **_thin)
def _svd(A: LowRank) -> Any:
    U, S, V = A._svd
    return Dense(U), A.xp.asarray(S, copy=True), Dense(V).H


rule(svdvals, LowRank, **_thin)(lambda A: A._svd[1])
rule(rank, LowRank, **_thin)(lambda A: A._rank)


@rule(norm, LowRank, may_decline=True, **_thin)
def _frobenius(A: LowRank, ord: str | float) -> Any:
    return A._scalar(_norm.norm(A._svd[1]), A.real_dtype) if ord == "fro" else NotImplemented


@rule(lstsq, LowRank, **_thin)
def _lstsq(A: LowRank, B: Any) -> Any:
    xp = A.xp
    r = A._rank  # by the factors' own precision
    if coarser(A, B):
        A = converted(A, B.dtype)
    U, S, V = A._svd
    core = xp.matmul(adjoint_of(U[:, :r], xp), B) / S[:r, None]
    return xp.matmul(V[:, :r], core)


@rule(pinv, LowRank, **_thin)
def _pinv(A: LowRank) -> LowRank:
    r, (U, S, V) = A._rank, A._svd
    return LowRank(V[:, :r] / S[:r], U[:, :r])


def converted(A: LowRank, dtype: Any) -> LowRank:
    """Return the same matrix in the precision of a data type."""
    xp = A.xp
    U, V = (
        Dense(xp.astype(entries(F), xp.result_type(F.dtype, xp.finfo(dtype).dtype)))
        for F in (A.U, A.V)
    )
    return LowRank(U, U if A.V is A.U else V)


_rows: dict[str, Any] = {"how": "sum of row products", "cost": "2 n r", "memory": "n r"}


@rule(trace, LowRank, **_rows)
def _trace(A: LowRank) -> Any:
    return A.xp.sum(entries(A.U) * conjugate(entries(A.V), A.xp))


@rule(diagonal, LowRank, **_rows)
def _diagonal(A: LowRank) -> Any:
    n = min(A.shape)
    return A.xp.sum(entries(A.U)[:n, :] * conjugate(entries(A.V)[:n, :], A.xp), axis=1)


@rule(
    eigh,
    LowRank,
    when=is_hermitian,
    how="eigendecomposition in the span of U and V, whose complement has the eigenvalue 0",
    cost="8 n² r + 72 r³",
    memory="n²",
)
def _eigh(A: LowRank) -> Any:
    xp, n = A.xp, A.shape[0]
    A._require_formable(n, n)
    Q, M = A._compression("complete")
    r = M.shape[0]
    w, W = xp.linalg.eigh(hermitian_part(M, xp))
    zeros = xp.zeros(n - r, dtype=w.dtype, device=A.device)
    return xp.concat((w, zeros)), Dense(xp.concat((xp.matmul(Q[:, :r], W), Q[:, r:]), axis=1))


# square matrices: fewer columns than rows make them singular


def _is_deficient(A: LowRank) -> bool:
    return A.U.shape[1] < A.shape[0]


_singular: dict[str, Any] = {"when": _is_deficient, "how": "singular", "cost": "0", "memory": "0"}
_formed: dict[str, Any] = {
    "how": "dense LU factorisation: the factors have as many columns as rows",
    "cost": "8/3 n³",
    "memory": "2 n²",
}


def _refusal(A: LowRank) -> Exception:
    return singular(A, f"its rank is at most {A.U.shape[1]}")


@rule(solve, LowRank, **_singular)
def _solve_deficient(A: LowRank, B: Any) -> Any:
    raise _refusal(A)


@rule(inv, LowRank, **_singular)
def _inv_deficient(A: LowRank) -> LinearOperator:
    raise _refusal(A)


@rule(slogdet, LowRank, **_singular)
def _slogdet_deficient(A: LowRank) -> Any:
    return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)


@rule(solve, LowRank, **_formed)
def _solve_formed(A: LowRank, B: Any) -> Any:
    if coarser(A, B):
        A = converted(A, B.dtype)
    return answer(solve, A._dense, then=(B,))


rule(inv, LowRank, **_formed)(lambda A: inv(A._dense))
rule(slogdet, LowRank, **_formed)(lambda A: slogdet(A._dense))
