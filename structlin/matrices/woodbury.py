"""What is computed with updates of low rank: Woodbury's formula and its guards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin._norm import column_norms, norm as euclidean
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices.algebra import Inverse
from structlin.matrices.dense import Dense
from structlin.matrices.functions import diagonal, expm, inv, norm, singular, slogdet, solve, trace
from structlin.matrices.identity import Identity
from structlin.matrices.low_rank import LowRank, entries
from structlin.matrices.low_rank_update import (
    Factors,
    LowRankUpdate,
    SparsePlusLowRank,
    failures,
    updated,
)
from structlin.matrices.rules import answer, rule

# the residual, in units of eps (‖A‖ ‖x‖ + ‖b‖), with which a solution is good; how much a
# correction may change a solution that can still be refined; and how often it is refined
_tightness, _contraction, _steps = 10, 0.01, 5


def _is_thin(A: LowRankUpdate) -> bool:
    return A.update.U.shape[1] < A.shape[0]


def _base(A: LowRankUpdate) -> tuple[LinearOperator]:
    return (A.base,)


_woodbury: dict[str, Any] = {
    "when": _is_thin,
    "parts": _base,
    "may_decline": True,
    "memory": "n r + r²",
}


@rule(
    solve,
    LowRankUpdate,
    how="Woodbury's formula, Z = B⁻¹ U and K = I + Vᴴ Z kept, refined where the residual asks",
    cost="solve(B) with r columns and 2 n r² + r³ once, then solve(B) and 6 n r",
    **_woodbury,
)
def _solve(A: LowRankUpdate, B: Any) -> Any:
    factors = A._factors_for(B.dtype)
    if factors is None:
        return NotImplemented
    with np.errstate(all="ignore"):  # the residual tells
        try:
            X = _refined(A, factors, B)
        except failures:  # of the capacitance matrix, or of an iteration
            X = None
        if X is None:
            _require_regular(A, factors)
            return NotImplemented
    return X


def _refined(A: LowRankUpdate, factors: Factors, B: Any) -> Any:
    """Return the solution by Woodbury's formula, or None where the formula is too unstable."""
    xp = A.xp
    X, size, norm_of_A = factors.apply(B), column_norms(B), A._least_norm
    eps, last = xp.finfo(B.dtype).eps, math.inf
    for _ in range(_steps):
        R = B - A._matmat(X)
        found = column_norms(X)
        if bool(xp.all(column_norms(R) <= _tightness * eps * (norm_of_A * found + size))):
            return X
        D = factors.apply(R)
        change = column_norms(D)
        change = float(xp.max(change / xp.where(found > 0, found, xp.ones_like(found))))
        if not change <= _contraction:
            return None
        X = X + D
        if change > last / 10:  # what is left are the rounding errors of the residual
            break
        last = change
    return X


def _require_regular(A: LowRankUpdate, factors: Factors) -> None:
    """Raise where a vector proves that ``A`` is singular to working precision.

    If ``K w = 0`` then ``A Z w = U K w = 0``; the vector ``Z w`` is tried on ``A`` itself, so that
    rounding errors in ``Z`` and ``K`` never make a matrix singular that is not.
    """
    xp, low = A.xp, A.update
    if 0 in low.U.shape:
        return
    _, _, Wh = xp.linalg.svd(factors.capacitance.array)
    w = conjugate(Wh[-1, :], xp)[:, None]
    x = xp.matmul(factors.Z, w)
    sizes = [euclidean(entries(F)) for F in (low.U, low.V)]
    bound = _tightness * float(xp.finfo(A.dtype).eps) * math.prod(sizes)
    if 0 < euclidean(x) < math.inf and euclidean(A._matmat(x)) <= bound * euclidean(x):
        raise singular(A, "the capacitance matrix I + Vᴴ B⁻¹ U is singular")


# functions that cannot look at a residual


def _least_condition(A: LowRankUpdate, factors: Factors) -> float:
    """Return a lower bound of the condition number, or 0 where `solve` fails.

    It comes from one product and one solution.
    """
    g = A._probe
    with np.errstate(all="ignore"):
        try:
            x = _refined(A, factors, g)
        except failures:
            x = None
        if x is None:
            return 0.0
        return max(1.0, euclidean(x) * euclidean(A._matmat(g)) / euclidean(g) ** 2)


def _is_accurate(A: LowRankUpdate, factors: Factors) -> bool:
    """Tell whether rounding errors in ``K`` matter no more than those in ``A``."""
    xp, (base, low, Z, capacitance) = A.xp, factors
    if 0 in Z.shape:
        return True
    eps = float(xp.finfo(A.dtype).eps)
    smallest = float(xp.min(xp.linalg.svdvals(capacitance.array)))
    missing = answer(solve, base, then=(entries(low.U) - base._matmat(Z),))
    v = euclidean(entries(low.V))
    error = eps * (1 + v * euclidean(Z)) + v * euclidean(missing)
    return error <= 100 * A.shape[0] * eps * _least_condition(A, factors) * smallest


@rule(
    slogdet,
    LowRankUpdate,
    how="det B det K by Woodbury's formula, where rounding lets it",
    cost="slogdet(B), solve(B) with 2 r columns, 2 n r² + 20 r³",
    **_woodbury,
)
def _slogdet(A: LowRankUpdate) -> Any:
    try:
        factors = A._factors
        if factors is None:
            return NotImplemented
        if not _is_accurate(A, factors):
            _require_regular(A, factors)
            return NotImplemented
    except np.linalg.LinAlgError:
        return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)
    signs, logarithms = zip(slogdet(factors.base), slogdet(factors.capacitance), strict=True)
    return signs[0] * signs[1], logarithms[0] + logarithms[1]


@rule(
    inv,
    LowRankUpdate,
    how="B⁻¹ − Z K⁻¹ (B⁻ᴴ V)ᴴ by Woodbury's formula; where rounding forbids it, solves",
    cost="inv(B), solve(B) with 2 r columns, 4 n r² + 2 r³",
    **_woodbury,
)
def _inv(A: LowRankUpdate) -> Any:
    factors = A._factors
    if factors is None:
        return NotImplemented
    condition = _least_condition(A, factors)
    if not condition:
        _require_regular(A, factors)
        return Inverse(A)
    base, low, Z, capacitance = factors
    left = A.xp.matmul(Z, -inv(capacitance).todense())
    right = answer(solve, base.H, then=(A.xp.astype(entries(low.V), A.dtype, copy=False),))
    inverse = updated(inv(base), LowRank(left, right))
    # large terms may cancel in products with the inverse, but not in solutions, which are refined
    g, eps = A._probe, float(A.xp.finfo(A.dtype).eps)
    bound = 100 * math.sqrt(A.shape[0]) * eps * condition
    missed = inverse._matmat(A._matmat(g)) - g, inverse._rmatmat(A._rmatmat(g)) - g
    accurate = all(euclidean(x) <= bound * euclidean(g) for x in missed)
    return inverse if accurate else Inverse(A)


# sparse matrices, singular ones among them: [[S, U], [Vᴴ, −I]] [x; w] = [b; 0]. These rules are
# for the same class as Woodbury's, so that they come after them.


def _has_border(A: LowRankUpdate) -> bool:
    return isinstance(A, SparsePlusLowRank) and is_numpy(A.xp) and A.shape[0] > 0


_bordered: dict[str, Any] = {
    "when": _has_border,
    "how": "sparse LU factorisation of [[S, U], [Vᴴ, −I]], kept",
    "cost": "the fill-in's",
    "memory": "the fill-in's",
}


@rule(solve, LowRankUpdate, **_bordered)
def _solve_bordered(A: SparsePlusLowRank, B: Any) -> Any:
    xp, n = A.xp, A.shape[0]
    zeros = xp.zeros((A._bordered.shape[0] - n, B.shape[1]), dtype=B.dtype)
    try:
        return answer(solve, A._bordered, then=(xp.concat((B, zeros)),))[:n, :]
    except np.linalg.LinAlgError as error:
        raise singular(A, "a pivot of [[S, U], [Vᴴ, −I]] is zero") from error


@rule(slogdet, LowRankUpdate, **_bordered)
def _slogdet_bordered(A: SparsePlusLowRank) -> Any:
    # the Schur complement of −I is S + U Vᴴ
    sign, logabsdet = slogdet(A._bordered)
    return sign * (-1) ** (A._bordered.shape[0] - A.shape[0]), logabsdet


_lazily: dict[str, Any] = {"how": "solves at each product", "cost": "0", "memory": "0"}
rule(inv, LowRankUpdate, when=_has_border, **_lazily)(Inverse)


# sums of both terms

_both: dict[str, Any] = {"how": "that of the base, and 2 n r", "parts": _base, "memory": "n r"}
rule(trace, LowRankUpdate, cost="2 n r", **_both)(lambda A: trace(A.base) + trace(A.update))
rule(diagonal, LowRankUpdate, cost="2 n r", **_both)(
    lambda A: diagonal(A.base) + diagonal(A.update)
)


@rule(
    norm,
    LowRankUpdate,
    how="fro: ‖B‖² + ‖U Vᴴ‖² + 2 Re tr Vᴴ Bᴴ U, unless its terms cancel",
    cost="norm(B), Bᴴ U and (m + n) r²",
    memory="(m + n) r",
    parts=_base,
    may_decline=True,
)
def _frobenius(A: LowRankUpdate, ord: str | float) -> Any:
    if ord != "fro":
        return NotImplemented
    xp, low = A.xp, A.update
    base, update = float(norm(A.base)), float(norm(low))
    largest = max(base, update)
    if largest == 0 or not math.isfinite(largest):
        return NotImplemented
    # products with columns of any size may overflow
    U = entries(low.U)
    sizes = xp.max(xp.abs(U), axis=0)
    U = U / xp.where(sizes == 0, 1, sizes)
    V = entries(low.V) * (sizes / largest)
    mixed = xp.sum(conjugate(V, xp) * (A.base._rmatmat(U) / largest))
    terms = (base / largest) ** 2, (update / largest) ** 2, 2 * complex(mixed).real
    total = math.fsum(terms)
    if total < 0.1 * (terms[0] + terms[1]):
        return NotImplemented
    return A._scalar(largest * math.sqrt(total), A.real_dtype)


@rule(
    expm,
    LowRank,
    how="I + Q (exp M − I) Qᴴ, where Q spans U and V and U Vᴴ = Q M Qᴴ",
    cost="8 n r² + 160 r³",
    memory="4 n r",
)
def _expm(A: LowRank) -> LinearOperator:
    xp = A.xp
    Q, M = A._compression()
    one = xp.eye(M.shape[0], dtype=M.dtype, device=A.device)
    core = expm(Dense(M)).todense() - one
    return updated(Identity(A.shape[0], dtype=A.dtype, like=A), LowRank(xp.matmul(Q, core), Q))
