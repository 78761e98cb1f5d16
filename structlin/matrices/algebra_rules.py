"""What the public functions do with sums, products, multiples, adjoints and inverses."""

from __future__ import annotations

import cmath
import functools
import math
import operator
from typing import Any

from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices.algebra import Adjoint, Inverse, Product, Scaled, Sum, Transpose
from structlin.matrices.functions import (
    diagonal,
    eigh,
    inv,
    singular,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import answer, rule

_terms = operator.attrgetter("terms")
_factors = operator.attrgetter("factors")


def _inner(A: Any) -> tuple[LinearOperator]:
    return (A.operator,)


# trace and diagonal are linear

_linear: dict[str, Any] = {
    "how": "sum over the terms",
    "cost": "n · terms",
    "memory": "n",
    "parts": _terms,
}
rule(trace, Sum, **_linear)(lambda A: functools.reduce(operator.add, map(trace, A.terms)))
rule(diagonal, Sum, **_linear)(lambda A: functools.reduce(operator.add, map(diagonal, A.terms)))

_multiple: dict[str, Any] = {"how": "a multiple", "cost": "n", "memory": "n", "parts": _inner}
rule(trace, Scaled, **_multiple)(lambda A: times(trace(A.operator), A.scalar, A.xp))
rule(diagonal, Scaled, **_multiple)(lambda A: times(diagonal(A.operator), A.scalar, A.xp))

_same: dict[str, Any] = {"how": "that of the operator", "cost": "0", "memory": "0", "parts": _inner}
rule(trace, Transpose, **_same)(lambda A: trace(A.operator))
rule(diagonal, Transpose, **_same)(lambda A: diagonal(A.operator))

_conjugate: dict[str, Any] = {"how": "the conjugate", "cost": "n", "memory": "n", "parts": _inner}
rule(trace, Adjoint, **_conjugate)(lambda A: conjugate(trace(A.operator), A.xp))
rule(diagonal, Adjoint, **_conjugate)(lambda A: conjugate(diagonal(A.operator), A.xp))


# (A B)⁻¹ = B⁻¹ A⁻¹, det AB = det A det B, where every factor is square


def _all_square(A: Product) -> bool:
    return all(factor.shape[0] == factor.shape[1] for factor in A.factors)


_each: dict[str, Any] = {"when": _all_square, "cost": "that of the factors", "parts": _factors}


@rule(solve, Product, how="factor after factor", memory="n", **_each)
def _solve_product(A: Product, B: Any) -> Any:
    for factor in A.factors:
        B = answer(solve, factor, then=(B,))
    return B


@rule(inv, Product, how="the inverses in reverse order", memory="that of the factors", **_each)
def _inv_product(A: Product) -> LinearOperator:
    return functools.reduce(operator.matmul, map(inv, reversed(A.factors)))


@rule(slogdet, Product, how="sum over the factors", memory="1", **_each)
def _slogdet_product(A: Product) -> Any:
    signs, logarithms = zip(*map(slogdet, A.factors), strict=True)
    return functools.reduce(operator.mul, signs), functools.reduce(operator.add, logarithms)


# multiples


def _divisor(A: Scaled) -> complex:
    if A.scalar == 0 and A.shape[0]:
        raise singular(A, "the scalar is zero")
    return A.scalar or 1  # an empty matrix has an inverse whatever its scalar


@rule(solve, Scaled, how="solve, then divide", cost="n", memory="n", parts=_inner)
def _solve_scaled(A: Scaled, B: Any) -> Any:
    divisor = _divisor(A)
    return answer(solve, A.operator, then=(B,)) / divisor


@rule(inv, Scaled, how="a multiple of the inverse", cost="1", memory="0", parts=_inner)
def _inv_scaled(A: Scaled) -> LinearOperator:
    return inv(A.operator) / _divisor(A)


@rule(slogdet, Scaled, how="n log|c| is added", cost="1", memory="1", parts=_inner)
def _slogdet_scaled(A: Scaled) -> Any:
    n, c = A.shape[0], A.scalar
    sign, logabsdet = slogdet(A.operator)
    power: complex
    if c == 0:
        power, shift = (0.0, -math.inf) if n else (1.0, 0.0)
    else:
        power = cmath.rect(1.0, cmath.phase(c) * n)
        if not A.is_complex:
            power = -1.0 if c.real < 0 and n % 2 else 1.0
        shift = n * math.log(abs(c))
    return sign * A._scalar(power), logabsdet + shift


@rule(eigh, Scaled, when=is_hermitian, how="a multiple", cost="n", memory="n", parts=_inner)
def _eigh_scaled(A: Scaled) -> Any:
    w, V = eigh(A.operator)
    return w * A.scalar.real, V


# adjoints and inverses

_transposed: dict[str, Any] = {
    "how": "transpose of the inverse",
    "cost": "0",
    "memory": "0",
    "parts": _inner,
}
rule(inv, Adjoint, **_transposed)(lambda A: inv(A.operator).H)
rule(inv, Transpose, **_transposed)(lambda A: inv(A.operator).T)
rule(inv, Inverse, how="the operator itself", cost="0", memory="0")(lambda A: A.operator)
rule(solve, Inverse, how="one product", cost="that of the product", memory="n")(
    lambda A, B: A.operator._matmat(B)
)


@rule(slogdet, Adjoint, how="the conjugate", cost="1", memory="1", parts=_inner)
def _slogdet_adjoint(A: Adjoint) -> Any:
    sign, logabsdet = slogdet(A.operator)
    return conjugate(sign, A.xp), logabsdet


rule(slogdet, Transpose, **_same)(lambda A: slogdet(A.operator))


@rule(slogdet, Inverse, how="the opposite", cost="1", memory="1", parts=_inner)
def _slogdet_inverse(A: Inverse) -> Any:
    sign, logabsdet = slogdet(A.operator)
    return conjugate(sign, A.xp), -logabsdet
