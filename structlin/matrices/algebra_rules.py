"""What the public functions do with sums, products, multiples, adjoints and inverses."""

from __future__ import annotations

import cmath
import functools
import math
import operator
from typing import Any

from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices.algebra import Adjoint, Inverse, Product, Scaled, Sum, Transpose
from structlin.matrices.diagonals import is_multiple_of_one
from structlin.matrices.fallback import structured
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


def _finite(A: Scaled) -> complex:
    if not cmath.isfinite(A.scalar):
        raise ValueError(f"A is {A!r}: its scalar must be finite")
    return A.scalar


def _divisor(A: Scaled) -> complex:
    if _finite(A) == 0 and A.shape[0]:
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


def _of_kind(A: LinearOperator, V: LinearOperator) -> LinearOperator:
    """Return vectors of a part as complex as the whole."""
    return (1 + 0j) * V if A.is_complex and not V.is_complex else V


@rule(eigh, Scaled, when=is_hermitian, **_multiple)
def _eigh_scaled(A: Scaled) -> Any:
    w, V = eigh(A.operator)
    return w * A.scalar.real, _of_kind(A, V)


@rule(eig, Scaled, **_multiple)
def _eig_scaled(A: Scaled) -> Any:
    w, V = eig(A.operator)
    return w * A.scalar, V


@rule(svd, Scaled, **_multiple)
def _svd_scaled(A: Scaled) -> Any:
    c = A.scalar
    U, S, Vh = svd(A.operator)
    phase = c / abs(c) if c else 1 + c
    return phase * U, S * abs(c), _of_kind(A, Vh)


rule(svdvals, Scaled, **_multiple)(lambda A: svdvals(A.operator) * abs(A.scalar))
rule(norm, Scaled, **_multiple)(lambda A, ord: norm(A.operator, ord) * abs(A.scalar))


@rule(pinv, Scaled, how="a multiple of the pseudoinverse", cost="1", memory="0", parts=_inner)
def _pinv_scaled(A: Scaled) -> LinearOperator:
    return (1 / A.scalar if _finite(A) else A.scalar) * pinv(A.operator)


@rule(lstsq, Scaled, how="least squares, then divide", cost="n", memory="n", parts=_inner)
def _lstsq_scaled(A: Scaled, B: Any) -> Any:
    X = answer(lstsq, A.operator, then=(B,))
    return X / A.scalar if _finite(A) else X * A.scalar


_unless_zero: dict[str, Any] = {**_same, "when": lambda A: A.scalar != 0}
rule(rank, Scaled, **_unless_zero)(lambda A: rank(A.operator))
rule(cond, Scaled, **_unless_zero)(lambda A, ord: cond(A.operator, ord))


@rule(cholesky, Scaled, when=lambda A: A.scalar.imag == 0 < A.scalar.real, **_multiple)
def _cholesky_scaled(A: Scaled) -> LinearOperator:
    return _of_kind(A, math.sqrt(A.scalar.real) * cholesky(A.operator))


# B + c I has the eigenvectors of B


def _parted(A: Sum) -> tuple[LinearOperator, complex]:
    """Return ``B`` and ``c`` of a sum ``B + c I``."""
    others = [term for term in A.terms if not is_multiple_of_one(term)]
    ones = [term for term in A.terms if is_multiple_of_one(term)]
    return functools.reduce(operator.add, others), sum(getattr(one, "scalar", 1) for one in ones)


def _has_one(A: Sum) -> bool:
    ones = sum(map(is_multiple_of_one, A.terms))
    return 0 < ones < len(A.terms) and _parted(A)[0].real_dtype == A.real_dtype


_shifted: dict[str, Any] = {"cost": "n", "memory": "n", "parts": lambda A: _parted(A)[:1]}


@rule(
    eigh,
    Sum,
    when=lambda A: _has_one(A) and is_hermitian(A),
    how="eigenvalues of B + c I: c is added to those of B",
    **_shifted,
)
def _eigh_shifted(A: Sum) -> Any:
    B, c = _parted(A)
    w, V = eigh(B)
    return w + c.real, _of_kind(A, V)


@rule(eig, Sum, when=_has_one, how="eigenvalues of B + c I: c is added to those of B", **_shifted)
def _eig_shifted(A: Sum) -> Any:
    B, c = _parted(A)
    w, V = eig(B)
    return w + c, V


# exp(c) alone must not overflow in single precision
@rule(
    expm,
    Sum,
    when=lambda A: _has_one(A) and abs(_parted(A)[1].real) < 80,
    how="exp(B + c I) = exp(c) exp(B)",
    **_shifted,
)
def _expm_shifted(A: Sum) -> LinearOperator:
    B, c = _parted(A)
    factor = cmath.exp(c) if isinstance(c, complex) else math.exp(c)
    return _of_kind(A, factor * expm(B))


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
_product: dict[str, Any] = {"how": "one product", "cost": "that of the product", "memory": "n"}
rule(solve, Inverse, **_product)(lambda A, B: A.operator._matmat(B))
rule(lstsq, Inverse, **_product)(lambda A, B: A.operator._matmat(B))
rule(pinv, Inverse, how="the operator itself", cost="0", memory="0")(lambda A: A.operator)


def _knows_inverse(A: Adjoint | Transpose) -> bool:
    return not isinstance(A.twin, type(A)) or structured(inv, A.operator)


for _kind in (Adjoint, Transpose):

    @rule(
        solve,
        _kind,
        when=_knows_inverse,
        how="product with the inverse of the operator, kept and transposed",
        cost="that of the inverse",
        memory="that of the inverse",
        may_decline=True,
    )
    def _solve_turned(A: Any, B: Any) -> Any:
        inverse = A.inverse
        if isinstance(inverse, Inverse) and isinstance(inverse.operator, type(A)):
            return NotImplemented  # products of this inverse would come back here
        return inverse._matmat(B)


@rule(slogdet, Adjoint, how="the conjugate", cost="1", memory="1", parts=_inner)
def _slogdet_adjoint(A: Adjoint) -> Any:
    sign, logabsdet = slogdet(A.operator)
    return conjugate(sign, A.xp), logabsdet


rule(slogdet, Transpose, **_same)(lambda A: slogdet(A.operator))


@rule(slogdet, Inverse, how="the opposite", cost="1", memory="1", parts=_inner)
def _slogdet_inverse(A: Inverse) -> Any:
    sign, logabsdet = slogdet(A.operator)
    return conjugate(sign, A.xp), -logabsdet


# the singular values of adjoint and transpose are those of the operator

_turned: dict[str, Any] = {
    "how": "that of the operator, turned round",
    "cost": "0",
    "memory": "0",
    "parts": _inner,
}


@rule(svd, Adjoint, **_turned)
def _svd_adjoint(A: Adjoint) -> Any:
    U, S, Vh = svd(A.operator)
    return Vh.H, S, U.H


@rule(svd, Transpose, **_turned)
def _svd_transpose(A: Transpose) -> Any:
    U, S, Vh = svd(A.operator)
    return Vh.T, S, U.T


rule(pinv, Adjoint, **_turned)(lambda A: pinv(A.operator).H)
rule(pinv, Transpose, **_turned)(lambda A: pinv(A.operator).T)
rule(expm, Adjoint, **_turned)(lambda A: expm(A.operator).H)
rule(expm, Transpose, **_turned)(lambda A: expm(A.operator).T)
rule(eigh, Adjoint, when=is_hermitian, **_same)(lambda A: eigh(A.operator))
rule(cholesky, Adjoint, when=is_hermitian, **_same)(lambda A: cholesky(A.operator))
rule(cholesky, Transpose, **_conjugate)(lambda A: cholesky(A.operator).conj())


@rule(eigh, Transpose, when=is_hermitian, **_conjugate)
def _eigh_transpose(A: Transpose) -> Any:
    w, V = eigh(A.operator)
    return w, V.conj()


_other_side = {1: math.inf, math.inf: 1}  # column sums are row sums of the transpose
for _kind in (Adjoint, Transpose):
    rule(svdvals, _kind, **_same)(lambda A: svdvals(A.operator))
    rule(rank, _kind, **_same)(lambda A: rank(A.operator))
    for _size in (norm, cond):
        rule(_size, _kind, **_same)(
            lambda A, ord, size=_size: size(A.operator, _other_side.get(ord, ord))
        )


# those of the inverse are the reciprocals

_reciprocal: dict[str, Any] = {"how": "reciprocals", "cost": "n", "memory": "n", "parts": _inner}


def _reciprocals(A: Inverse, values: Any) -> Any:
    if values.shape[0] < A.shape[0] or not bool(A.xp.all(values != 0)):
        raise singular(A.operator, "a singular value or eigenvalue is zero")
    return 1 / values


rule(svdvals, Inverse, **_reciprocal)(lambda A: _reciprocals(A, svdvals(A.operator)))
rule(cond, Inverse, **_same)(lambda A, ord: cond(A.operator, ord))


@rule(svd, Inverse, **_reciprocal)
def _svd_inverse(A: Inverse) -> Any:
    U, S, Vh = svd(A.operator)
    return Vh.H, _reciprocals(A, S), U.H


@rule(eigh, Inverse, when=is_hermitian, **_reciprocal)
def _eigh_inverse(A: Inverse) -> Any:
    w, V = eigh(A.operator)
    return _reciprocals(A, w), V


@rule(eig, Inverse, **_reciprocal)
def _eig_inverse(A: Inverse) -> Any:
    w, V = eig(A.operator)
    return _reciprocals(A, w), V
