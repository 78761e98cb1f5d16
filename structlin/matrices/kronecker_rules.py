"""What is computed with Kronecker products, and which products of them stay such."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from operator import mul
from types import ModuleType
from typing import Any

import numpy as np

from structlin.matrices._base import LinearOperator
from structlin.matrices._indices import Index, take
from structlin.matrices.functions import (
    cholesky,
    cond,
    diagonal,
    eig,
    eigh,
    expm,
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
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker, outer
from structlin.matrices.operations import adjoint, is_hermitian, multiply, select, transpose
from structlin.matrices.rules import answer, rule


def all_square(A: Any) -> bool:
    """Tell whether every factor is square."""
    return all(F.shape[0] == F.shape[1] for F in A.factors)


_Factors = tuple[LinearOperator, ...]
_factors = operator.attrgetter("factors")
_by_factor: dict[str, Any] = {"when": all_square, "parts": _factors}
_lopsided = "a product of factors that are not square has rank Π min(mᵢ, nᵢ)"

# algebra

rule(adjoint, Kronecker)(lambda A: Kronecker(*(F.H for F in A.factors)))
rule(transpose, Kronecker)(lambda A: Kronecker(*(F.T for F in A.factors)))
rule(is_hermitian, Kronecker)(lambda A: all(map(is_hermitian, A.factors)))


@rule(multiply, Kronecker, Kronecker)
def _multiply(A: Kronecker, B: Kronecker) -> Any:
    # (A₁ ⊗ A₂)(B₁ ⊗ B₂) = A₁B₁ ⊗ A₂B₂, for factors or for runs of neighbours that match
    if [F.shape[1] for F in A.factors] == [G.shape[0] for G in B.factors]:
        return Kronecker(*map(operator.matmul, A.factors, B.factors))
    pairs = _matching(A.factors, B.factors)
    if len(pairs) == 1:
        return NotImplemented
    return Kronecker(*(_joint(left) @ _joint(right) for left, right in pairs))


def _matching(left: _Factors, right: _Factors) -> list[tuple[_Factors, _Factors]]:
    """Cut two rows of factors into the shortest runs of equal inner sizes."""
    # the last place at which the sizes so far have each product
    a = {p: i for i, p in enumerate(itertools.accumulate((F.shape[1] for F in left), mul), 1)}
    b = {p: i for i, p in enumerate(itertools.accumulate((F.shape[0] for F in right), mul), 1)}
    cuts = [(0, 0), *sorted((a[p], b[p]) for p in a.keys() & b.keys())]
    return [(left[i:p], right[j:q]) for (i, j), (p, q) in itertools.pairwise(cuts)]


def _joint(factors: _Factors) -> LinearOperator:
    return factors[0] if len(factors) == 1 else Kronecker(*factors)


@rule(select, Kronecker)
def _select(A: Kronecker, rows: Index, columns: Index) -> Any:
    i = unravel(rows, [F.shape[0] for F in A.factors]) if isinstance(rows, int) else None
    j = unravel(columns, [F.shape[1] for F in A.factors]) if isinstance(columns, int) else None
    if i is not None and j is not None:
        entries = (F[a, b] for F, a, b in zip(A.factors, i, j, strict=True))
        return functools.reduce(mul, entries)
    if i is not None:
        A._require_formable(A.shape[1])
        row = outer([F[a, :] for F, a in zip(A.factors, i, strict=True)], mul, A.xp)
        return take(row, columns, A.xp)
    if j is not None:
        A._require_formable(A.shape[0])
        column = outer([F[:, b] for F, b in zip(A.factors, j, strict=True)], mul, A.xp)
        return take(column, rows, A.xp)
    return NotImplemented


def unravel(index: int, sizes: Sequence[int]) -> list[int]:
    """Return the digits of a C-ordered index, in integers of any size."""
    digits = []
    for size in reversed(sizes):
        index, digit = divmod(index, size)
        digits.append(digit)
    return digits[::-1]


# systems


def _factor_after_factor(function: Callable[..., Any], A: Kronecker, B: Any) -> Any:
    """Apply a function such as `solve` to the factors, each along its axis of the tensor."""
    xp, k = A.xp, B.shape[1]
    if 0 in A.shape:
        return xp.zeros((A.shape[1], k), dtype=B.dtype, device=A.device)
    sizes = [F.shape[0] for F in A.factors]
    fresh = False
    # the order that is cheapest for products is the dearest one for their inverses
    for i in reversed(A.contraction_order):
        F = A.factors[i]
        if not isinstance(F, Identity):
            tensor = xp.reshape(B, (math.prod(sizes[:i]), sizes[i], math.prod(sizes[i + 1 :]) * k))
            each = functools.partial(_answer, function, F)
            B, fresh = F._product(each, tensor, sizes[i], function.__name__), True
        sizes[i] = F.shape[1]
    return xp.reshape(B, (A.shape[1], k)) if fresh else xp.asarray(B, copy=True)


def _answer(function: Callable[..., Any], F: LinearOperator, B: Any) -> Any:
    return answer(function, F, then=(B,))


@rule(
    solve,
    Kronecker,
    how="factor after factor",
    cost="Σ solve(Aᵢ) with N/nᵢ columns",
    memory="2 N",
    **_by_factor,
)
def _solve(A: Kronecker, B: Any) -> Any:
    return _factor_after_factor(solve, A, B)


@rule(solve, Kronecker, how="singular", cost="0", memory="0")
def _solve_lopsided(A: Kronecker, B: Any) -> Any:
    if A.shape[0] == 0:
        return A.xp.asarray(B, copy=True)
    raise singular(A, _lopsided)


@rule(
    lstsq,
    Kronecker,
    how="factor after factor, each by least norm",
    cost="Σ lstsq(Aᵢ) with N/nᵢ columns",
    memory="2 max(M, N)",
    parts=_factors,
)
def _lstsq(A: Kronecker, B: Any) -> Any:
    return _factor_after_factor(lstsq, A, B)


@rule(
    inv,
    Kronecker,
    how="Kronecker product of the inverses",
    cost="Σ inv(Aᵢ)",
    memory="Σ nᵢ²",
    **_by_factor,
)
def _inv(A: Kronecker) -> Kronecker:
    return Kronecker(*map(inv, A.factors)) if A.shape[0] else A


@rule(inv, Kronecker, how="singular", cost="0", memory="0")
def _inv_lopsided(A: Kronecker) -> Kronecker:
    if A.shape[0] == 0:
        return A
    raise singular(A, _lopsided)


rule(
    pinv,
    Kronecker,
    how="Kronecker product of the pseudoinverses",
    cost="Σ pinv(Aᵢ)",
    memory="Σ mᵢ nᵢ",
    parts=_factors,
)(lambda A: Kronecker(*map(pinv, A.factors)))


# decompositions


@rule(
    eigh,
    Kronecker,
    when=is_hermitian,
    how="products of the factors' eigenvalues",
    cost="Σ eigh(Aᵢ) + N",
    memory="Σ nᵢ² + N",
    parts=_factors,
)
def _eigh(A: Kronecker) -> Any:
    A._require_formable(A.shape[0])
    values, vectors = zip(*map(eigh, A.factors), strict=True)
    return outer(values, mul, A.xp), Kronecker(*vectors)


@rule(
    eig,
    Kronecker,
    how="products of the factors' eigenvalues",
    cost="Σ eig(Aᵢ) + N",
    memory="2 Σ nᵢ² + 2 N",
    **_by_factor,
)
def _eig(A: Kronecker) -> Any:
    A._require_formable(A.shape[0])
    values, vectors = zip(*map(eig, A.factors), strict=True)
    return outer(values, mul, A.xp), Kronecker(*vectors)


@rule(
    svd,
    Kronecker,
    how="products of the factors' singular values",
    cost="Σ svd(Aᵢ) + min(M, N)",
    memory="Σ (mᵢ + nᵢ) min(mᵢ, nᵢ) + min(M, N)",
    parts=_factors,
)
def _svd(A: Kronecker) -> Any:
    A._require_formable(min(A.shape))
    U, S, Vh = zip(*map(svd, A.factors), strict=True)
    return Kronecker(*U), outer(S, mul, A.xp), Kronecker(*Vh)


@rule(
    svdvals,
    Kronecker,
    how="products of the factors' singular values",
    cost="Σ svdvals(Aᵢ) + min(M, N)",
    memory="Σ mᵢ nᵢ + min(M, N)",
    parts=_factors,
)
def _svdvals(A: Kronecker) -> Any:
    return outer([svdvals(F) for F in A.factors], mul, A.xp)


@rule(
    cholesky,
    Kronecker,
    when=is_hermitian,
    how="Kronecker product of the Cholesky factors",
    cost="Σ cholesky(Aᵢ)",
    memory="Σ nᵢ²",
    parts=_factors,
)
def _cholesky(A: Kronecker) -> Kronecker:
    if A.shape[0] == 0:
        return A
    # two negative definite factors have a positive definite product
    signs = [-1 if complex(F[0, 0]).real < 0 else 1 for F in A.factors]
    if math.prod(signs) < 0:
        raise np.linalg.LinAlgError(f"{A!r} is not positive definite: A[0, 0] is negative")
    return Kronecker(*(cholesky(s * F) for s, F in zip(signs, A.factors, strict=True)))


def _acting(A: Kronecker) -> list[LinearOperator]:
    return [F for F in A.factors if not isinstance(F, Identity)]


@rule(
    expm,
    Kronecker,
    when=lambda A: all_square(A) and len(_acting(A)) <= 1,
    how="expm of the one factor that is not the identity",
    cost="that of the factor",
    memory="that of the factor",
    parts=_acting,
)
def _expm(A: Kronecker) -> Kronecker:
    one = (_acting(A) or A.factors)[0]
    return Kronecker(*(expm(F) if F is one else F for F in A.factors))


# measures


@rule(
    slogdet, Kronecker, how="sum over the factors", cost="Σ slogdet(Aᵢ)", memory="1", **_by_factor
)
def _slogdet(A: Kronecker) -> Any:
    # det(A₁ ⊗ A₂) = det(A₁)^n₂ det(A₂)^n₁
    sign, logarithm = A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    sizes = [F.shape[0] for F in A.factors]
    for i, F in enumerate(A.factors):
        power = math.prod(sizes[:i]) * math.prod(sizes[i + 1 :])
        if power:
            factor_sign, factor_logarithm = slogdet(F)
            # for a real sign only the parity counts
            sign = sign * power_of_sign(factor_sign, power if F.is_complex else 2 - power % 2, A.xp)
            logarithm = logarithm + float(power) * factor_logarithm
    return sign, logarithm


def power_of_sign(sign: Any, power: int, xp: ModuleType) -> Any:
    """Return a power of a number of modulus 1 (or 0), exactly for ±1 and ±i."""
    result = 1
    while power:
        if power % 2:
            result = sign * result
        sign = sign * sign
        modulus = xp.abs(sign)
        sign = sign / xp.where(modulus == 0, 1, modulus)
        power //= 2
    return result


@rule(slogdet, Kronecker, how="singular", cost="0", memory="0")
def _slogdet_lopsided(A: Kronecker) -> Any:
    if A.shape[0] == 0:
        return A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)


@rule(trace, Kronecker, how="product of the traces", cost="Σ trace(Aᵢ)", memory="1", **_by_factor)
def _trace(A: Kronecker) -> Any:
    return functools.reduce(mul, map(trace, A.factors))


@rule(diagonal, Kronecker, how="products of the diagonals", cost="N", memory="N", **_by_factor)
def _diagonal(A: Kronecker) -> Any:
    A._require_formable(A.shape[0])
    return outer([diagonal(F) for F in A.factors], mul, A.xp)


@rule(norm, Kronecker, how="product of the norms", cost="Σ norm(Aᵢ)", memory="1", parts=_factors)
def _norm(A: Kronecker, ord: str | float) -> Any:
    return functools.reduce(mul, (norm(F, ord) for F in A.factors))


@rule(rank, Kronecker, how="product of the ranks", cost="Σ rank(Aᵢ)", memory="1", parts=_factors)
def _rank(A: Kronecker) -> int:
    return math.prod(map(rank, A.factors))


@rule(
    cond,
    Kronecker,
    how="product of the condition numbers",
    cost="Σ cond(Aᵢ)",
    memory="1",
    parts=_factors,
)
def _cond(A: Kronecker, ord: str | float) -> Any:
    # full rank takes factors that are all square, or all tall, or all wide
    tall, wide = (all(F.shape[a] >= F.shape[1 - a] for F in A.factors) for a in (0, 1))
    if not (tall or wide):
        return A._scalar(math.inf, A.real_dtype)
    with np.errstate(over="ignore"):  # infinity then is the answer
        return functools.reduce(mul, (cond(F, ord) for F in A.factors))
