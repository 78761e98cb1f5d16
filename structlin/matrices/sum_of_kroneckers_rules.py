"""What is computed with sums of Kronecker products."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace, scipy_of
from structlin.matrices._base import LinearOperator, coarser, conjugate, times
from structlin.matrices.algebra import Inverse, Scaled
from structlin.matrices.diagonals import Diagonal, slogdet_of
from structlin.matrices.functions import (
    diagonal,
    eig,
    eigh,
    inv,
    norm,
    singular,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker
from structlin.matrices.kronecker_rules import all_square, power_of_sign
from structlin.matrices.kronecker_sum_rules import is_decomposable, refined
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import rule
from structlin.matrices.sum_of_kroneckers import SumOfKroneckers

# the Frobenius norm comes from inner products unless the terms cancel below this share
_cancelled = 1e-2


def _is_direct(A: SumOfKroneckers) -> bool:
    """Tell whether at most two decomposable square matrices stand at each place."""
    return (
        all_square(A._parts[0][1])
        and all(is_decomposable(F) for _, P in A._parts for F in P.factors)
        and A._pencils is not None
    )


def _is_direct_hermitian(A: SumOfKroneckers) -> bool:
    return is_hermitian(A) and _is_direct(A)


def _is_direct_on_numpy(A: SumOfKroneckers) -> bool:
    return is_numpy(A.xp) and _is_direct(A)


def _matrices(A: SumOfKroneckers) -> tuple[LinearOperator, ...]:
    """Return the different matrices."""
    return tuple(M for place in A._pencils.places for M in place) if A._pencils else ()


def _commute(A: SumOfKroneckers) -> bool:
    """Tell whether, beside identities, one matrix at most stands at each place."""
    return _is_direct(A) and all(
        len(place) == 1 or any(isinstance(M, Identity) for M in place)
        for place in (A._pencils.places if A._pencils else ())
    )


def _in_precision_of(A: SumOfKroneckers, B: Any) -> SumOfKroneckers:
    xp = A.xp
    if not coarser(A, B):
        return A
    real = xp.finfo(B.dtype).dtype
    return SumOfKroneckers(
        *(c * Kronecker(*(_refined(F, real) for F in P.factors)) for c, P in A._parts)
    )


def _refined(F: LinearOperator, real_dtype: Any) -> LinearOperator:
    if isinstance(F, Scaled):
        return F.scalar * _refined(F.operator, real_dtype)
    return refined(F, real_dtype)


def _nonzero(A: SumOfKroneckers, values: Any, size: Any) -> Any:
    """Return the diagonal, unless an entry is zero as far as rounding lets us know."""
    xp = A.xp
    if values.shape[0]:
        smallest = xp.min(xp.abs(values))
        if bool(smallest <= max(A._sizes) * xp.finfo(A.dtype).eps * size):
            raise singular(A, f"a pivot is {float(smallest):.1e} in modulus")
    return values


# Hermitian matrices: Vᴴ A V is diagonal

_hermitian: dict[str, Any] = {
    "when": _is_direct_hermitian,
    "memory": "2 Σ nᵢ² + 3 N",
    "may_decline": True,
}


@rule(
    solve,
    SumOfKroneckers,
    how="V ((Vᴴ b) / λ), V and λ of (generalised) eigenproblems kept",
    cost="9 Σ nᵢ³ for each matrix once, then 4 N Σ nᵢ",
    **_hermitian,
)
def _solve_hermitian(A: SumOfKroneckers, B: Any) -> Any:
    A = _in_precision_of(A, B)
    # in a higher precision its rounding errors count
    if not is_hermitian(A) or A._spectral is None:
        return NotImplemented
    values, size, V, _ = A._spectral
    return V._matmat(V._rmatmat(B) / _nonzero(A, values, size)[:, None])


@rule(
    inv,
    SumOfKroneckers,
    how="V diag(1/λ) Vᴴ, V and λ of (generalised) eigenproblems",
    cost="9 Σ nᵢ³ for each matrix",
    **_hermitian,
)
def _inv_hermitian(A: SumOfKroneckers) -> Any:
    if A._spectral is None:
        return NotImplemented
    values, size, V, _ = A._spectral
    return V @ Diagonal(1 / _nonzero(A, values, size)) @ V.H


@rule(
    slogdet,
    SumOfKroneckers,
    how="sum over the values of (generalised) eigenproblems",
    cost="9 Σ nᵢ³ for each matrix, and N",
    **_hermitian,
)
def _slogdet_hermitian(A: SumOfKroneckers) -> Any:
    if A._spectral is None:
        return NotImplemented
    sign, logarithm = slogdet_of(A._spectral.values, A.xp)
    for n, scale in zip(A._sizes, A._spectral.logarithms, strict=True):
        logarithm = logarithm + float(A.shape[0] // max(n, 1)) * scale
    return A.xp.astype(sign, A.dtype, copy=False), logarithm


@rule(
    eigh,
    SumOfKroneckers,
    when=lambda A: is_hermitian(A) and _commute(A),
    how="sums of products of the factors' eigenvalues",
    cost="Σ eigh(Aᵢ) + N",
    memory="Σ nᵢ² + N",
    parts=_matrices,
)
def _eigh(A: SumOfKroneckers) -> Any:
    return A.xp.asarray(A._spectral.values, copy=True), A._spectral.V


@rule(
    eig,
    SumOfKroneckers,
    when=_commute,
    how="sums of products of the factors' eigenvalues",
    cost="Σ eig(Aᵢ) + N",
    memory="2 Σ nᵢ² + 2 N",
    parts=_matrices,
)
def _eig(A: SumOfKroneckers) -> Any:
    A._require_formable(A.shape[0])
    spectra, bases = [], []
    for place in A._pencils.places:
        pairs = [eig(M) for M in place]
        general = [i for i, M in enumerate(place) if not isinstance(M, Identity)]
        spectra.append([w for w, _ in pairs])
        bases.append(pairs[general[0] if general else 0].eigenvectors)
    return A._pencils.combine(spectra, A.xp)[0], Kronecker(*bases)


# matrices of any kind: Qᴴ A Z is triangular

_general: dict[str, Any] = {"when": _is_direct_on_numpy, "memory": "4 Σ nᵢ² + 4 N"}


@rule(
    solve,
    SumOfKroneckers,
    how="(generalised) Schur forms, kept, then back-substitution",
    cost="66 Σ nᵢ³ once, then 4 N Σ nᵢ for each term",
    **_general,
)
def _solve_general(A: SumOfKroneckers, B: Any) -> Any:
    if 0 in B.shape:
        return np.array(B)
    A = _in_precision_of(A, B)
    T = A._triangular
    _nonzero(A, T.values, T.size)
    rows = [
        [place[i] for place, i in zip(T.triangles, chosen, strict=True)]
        for chosen in A._pencils.choices
    ]
    C = T.Q.rmatmat(B).reshape(*A._sizes, B.shape[1])
    Y = _back_substitute(rows, A._pencils.weights, C)
    X = T.Z.matmat(Y.reshape(B.shape))
    return X if np.iscomplexobj(B) else X.real


def _back_substitute(rows: Any, weights: Any, C: Any) -> Any:
    """Solve ``Σₜ weightsₜ T_t1 ⊗ T_t2 ⊗ … Y = C`` for upper triangular matrices."""
    first, rest = [row[0] for row in rows], [row[1:] for row in rows]
    if not rest[0]:
        T = functools.reduce(operator.add, map(operator.mul, first, weights))
        return scipy_of(np, "linalg").solve_triangular(T, C, check_finite=False)
    others = [Kronecker(*row) for row in rest]
    Y = np.empty_like(C)
    images = [np.empty_like(C) for _ in others]
    for i in reversed(range(C.shape[0])):
        right = C[i]
        for T, weight, image in zip(first, weights, images, strict=True):
            right = right - weight * np.tensordot(T[i, i + 1 :], image[i + 1 :], axes=1)
        Y[i] = _back_substitute(
            rest, [w * T[i, i] for w, T in zip(weights, first, strict=True)], right
        )
        for image, other in zip(images, others, strict=True):
            image[i] = other._matmat(Y[i].reshape(-1, C.shape[-1])).reshape(Y[i].shape)
    return Y


rule(
    inv,
    SumOfKroneckers,
    when=_is_direct_on_numpy,
    how="solves at each product",
    cost="0",
    memory="0",
)(Inverse)


@rule(
    slogdet,
    SumOfKroneckers,
    how="(generalised) Schur forms",
    cost="66 Σ nᵢ³ + N",
    **_general,
)
def _slogdet_general(A: SumOfKroneckers) -> Any:
    if A.shape[0] == 0:
        return A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    T = A._triangular
    sign, logarithm = slogdet_of(T.values, A.xp)
    for n, Q, Z in zip(A._sizes, T.Q.factors, T.Z.factors, strict=True):
        if Q is not Z:
            phase = slogdet(Q).sign * conjugate(slogdet(Z).sign, A.xp)
            real = all(not M.is_complex for M in _matrices(A))
            phase = np.sign(phase.real) if real else phase
            sign = sign * power_of_sign(phase, A.shape[0] // n, A.xp)
    return (sign if A.is_complex else np.sign(sign.real)).astype(A.dtype), logarithm


# entries

_linear: dict[str, Any] = {"how": "sum over the terms", "parts": operator.attrgetter("terms")}


def _summed(A: SumOfKroneckers, function: Any) -> Any:
    return functools.reduce(operator.add, (times(function(P), c, A.xp) for c, P in A._parts))


rule(trace, SumOfKroneckers, cost="Σ nᵢ · terms", memory="1", **_linear)(
    lambda A: _summed(A, trace)
)
rule(diagonal, SumOfKroneckers, cost="N · terms", memory="N", **_linear)(
    lambda A: _summed(A, diagonal)
)


@rule(
    norm,
    SumOfKroneckers,
    when=lambda A: all(is_decomposable(F) for _, P in A._parts for F in P.factors),
    how="fro: from the inner products of the terms, unless they cancel",
    cost="Σ mᵢ nᵢ · terms²",
    memory="Σ mᵢ nᵢ · terms",
    may_decline=True,
)
def _norm(A: SumOfKroneckers, ord: str | float) -> Any:
    if ord != "fro":
        return NotImplemented
    sizes = [abs(c) * float(norm(P, "fro")) for c, P in A._parts]
    largest = max(sizes)
    if largest == 0 or not math.isfinite(largest):
        return A._scalar(largest, A.real_dtype)
    # ⟨F₁ ⊗ F₂, G₁ ⊗ G₂⟩ = ⟨F₁, G₁⟩ ⟨F₂, G₂⟩, for factors and terms of norm 1
    units = [[_unit(F) for F in P.factors] for _, P in A._parts]
    shares = [
        c / abs(c) * size / largest if c else 0.0
        for (c, _), size in zip(A._parts, sizes, strict=True)
    ]
    square = 0.0
    for a, F in zip(shares, units, strict=True):
        for b, G in zip(shares, units, strict=True):
            square += (a.conjugate() * b * math.prod(map(_inner, F, G))).real
    return A._scalar(largest * square**0.5, A.real_dtype) if square > _cancelled else NotImplemented


def _unit(F: LinearOperator) -> Any:
    size = norm(F, "fro")
    return F.todense() / F.xp.where(size == 0, 1, size)


def _inner(x: Any, y: Any) -> complex:
    xp = namespace(x, y)
    return complex(xp.sum(conjugate(x, xp) * y))
