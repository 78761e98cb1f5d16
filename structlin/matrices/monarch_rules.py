"""What the public functions do with Monarch matrices."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin._validation import require_finite
from structlin.matrices._base import coarser
from structlin.matrices.functions import (
    diagonal,
    inv,
    lstsq,
    norm,
    pinv,
    singular,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.monarch import Monarch, entries
from structlin.matrices.rules import rule

# systems


def _square_blocks(A: Monarch) -> bool:
    return all(F.shape[1] == F.shape[2] for F in A.factors)


def _bottleneck(A: Monarch) -> int:
    """Return the smallest size between two factors, which bounds the rank."""
    sizes: list[int] = [F.shape[0] * F.shape[1] for F in A.factors[1:]]
    return min(sizes)


def _is_narrow(A: Monarch) -> bool:
    return _bottleneck(A) < A.shape[0]


def _in_precision_of(A: Monarch, B: Any) -> Monarch:
    """Return ``A`` in the precision of a block of columns, if that is higher."""
    xp = A.xp
    if not coarser(A, B):
        return A
    return Monarch(*(xp.astype(F, B.dtype) for F in A.factors), reverse=A.reverse)


@rule(
    solve,
    Monarch,
    when=_square_blocks,
    how="inverses of the blocks, kept, and one step of refinement",
    cost="2 Σ bᵢ sᵢ³, then 6 products with A",
    memory="Σ bᵢ sᵢ²",
)
def _solve(A: Monarch, B: Any) -> Any:
    A = _in_precision_of(A, B)
    X = A._inverse._matmat(B)
    # as accurate as factorisations of the blocks, and no slower than products
    X = X + A._inverse._matmat(B - A._matmat(X))
    if not bool(A.xp.all(A.xp.isfinite(X))):
        raise singular(A, "a block is, as far as rounding tells")
    return X


@rule(solve, Monarch, when=_is_narrow, how="singular", cost="0", memory="0")
def _solve_narrow(A: Monarch, B: Any) -> Any:
    raise singular(A, f"its rank is at most {_bottleneck(A)}, the size between two factors")


@rule(
    inv,
    Monarch,
    when=_square_blocks,
    how="inverses of the blocks, in reverse order",
    cost="2 Σ bᵢ sᵢ³",
    memory="Σ bᵢ sᵢ²",
)
def _inv(A: Monarch) -> Monarch:
    return A._inverse


@rule(inv, Monarch, when=_is_narrow, how="singular", cost="0", memory="0")
def _inv_narrow(A: Monarch) -> Monarch:
    raise singular(A, f"its rank is at most {_bottleneck(A)}, the size between two factors")


@rule(
    slogdet,
    Monarch,
    when=_square_blocks,
    how="sum over the blocks",
    cost="2/3 Σ bᵢ sᵢ³",
    memory="Σ bᵢ sᵢ²",
)
def _slogdet(A: Monarch) -> Any:
    # with square blocks, rows and columns of a stack stand in one order: no permutation is left
    xp, sign, logarithm = A.xp, A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    for F in A.factors:
        require_finite("A", F)
        signs, logarithms = xp.linalg.slogdet(F)
        sign, logarithm = sign * xp.prod(signs), logarithm + xp.sum(logarithms)
    return sign, logarithm


@rule(slogdet, Monarch, when=_is_narrow, how="singular", cost="0", memory="0")
def _slogdet_narrow(A: Monarch) -> Any:
    return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)


def _may_factor_pseudoinverse(A: Monarch) -> bool:
    # (A₁ ⋯ A_d)⁺ = A_d⁺ ⋯ A₁⁺ if A₁ has full column rank, A_d full row rank and the rest inverses
    (_, s, r), *middle, (_, q, p) = (F.shape for F in A.factors)
    return (
        s >= r and q <= p and all(a == b for _, a, b in middle) and 0 not in A.shape and r * q > 0
    )


_by_pseudoinverses: dict[str, Any] = {
    "when": _may_factor_pseudoinverse,
    "cost": "about 20 Σ bᵢ sᵢ rᵢ min(sᵢ, rᵢ)",
    "memory": "3 Σ bᵢ sᵢ rᵢ",
    "may_decline": True,
}


@rule(
    lstsq,
    Monarch,
    how="pseudoinverses of the blocks, kept, if they have full rank, and a step of refinement",
    **_by_pseudoinverses,
)
def _lstsq(A: Monarch, B: Any) -> Any:
    # the precision of A decides whether its blocks have full rank
    if A._pseudoinverse is None:
        return NotImplemented
    A = _in_precision_of(A, B)
    if A._pseudoinverse is None:
        return NotImplemented
    X = A._pseudoinverse._matmat(B)
    return X + A._pseudoinverse._matmat(B - A._matmat(X))


@rule(
    pinv,
    Monarch,
    how="pseudoinverses of the blocks in reverse order, if they have full rank",
    **_by_pseudoinverses,
)
def _pinv(A: Monarch) -> Any:
    return NotImplemented if A._pseudoinverse is None else A._pseudoinverse


# entries and norms


def _has_entries(A: Monarch) -> bool:
    return bool(A._rank)


@rule(
    diagonal,
    Monarch,
    when=_has_entries,
    how="products of entries of the factors",
    cost="n · factors",
    memory="4 n",
)
def _diagonal(A: Monarch) -> Any:
    places = A.xp.arange(min(A.shape), dtype=A.xp.int64, device=A.device)
    return entries(A, places, places)


@rule(
    trace,
    Monarch,
    when=_has_entries,
    how="sum of the diagonal",
    cost="n · factors",
    memory="4 n",
)
def _trace(A: Monarch) -> Any:
    return A.xp.sum(diagonal(A))


@rule(
    norm,
    Monarch,
    when=lambda A: A._rank == 1,
    how="fro, 1 and inf: one product with the moduli, or their squares",
    cost="2 Σ bᵢ sᵢ rᵢ",
    memory="2 Σ bᵢ sᵢ rᵢ",
    may_decline=True,
)
def _norm(A: Monarch, ord: str | float) -> Any:
    # every entry is one product of entries of the factors: |A| is made of their moduli
    xp, (m, n) = A.xp, A.shape
    ones = functools.partial(_column_of_ones, A)
    moduli = [xp.abs(F) for F in A.factors]
    if ord == "fro":
        sizes = [float(xp.max(F)) for F in moduli]
        if 0 in sizes:
            return A._scalar(0.0, A.real_dtype)
        squares = ((F / size) ** 2 for F, size in zip(moduli, sizes, strict=True))
        M = Monarch(*squares, reverse=A.reverse)
        return functools.reduce(operator.mul, sizes, xp.sqrt(xp.sum(M._matmat(ones(n)))))
    if ord not in (1, math.inf):
        return NotImplemented
    M = Monarch(*moduli, reverse=A.reverse)
    return xp.max(M._rmatmat(ones(m)) if ord == 1 else M._matmat(ones(n)))


def _column_of_ones(A: Monarch, size: int) -> Any:
    return A.xp.ones((size, 1), dtype=A.real_dtype, device=A.device)
