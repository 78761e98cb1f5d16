"""What is computed with Kronecker sums."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, coarser
from structlin.matrices.algebra import Inverse
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, slogdet_of
from structlin.matrices.fallback import dense_limit
from structlin.matrices.functions import (
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    norm,
    singular,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker, in_precision, outer
from structlin.matrices.kronecker_sum import KroneckerSum
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import rule


def _on_numpy(A: KroneckerSum) -> bool:
    return is_numpy(A.xp)


def _decomposable(A: KroneckerSum) -> bool:
    return all(map(is_decomposable, A.factors))


def is_decomposable(F: LinearOperator) -> bool:
    """Tell whether a factor is stored, or small enough to be made dense."""
    return isinstance(F, Dense | Diagonal | Identity) or F.shape[0] <= dense_limit


def _in_precision_of(A: KroneckerSum, B: Any) -> KroneckerSum:
    xp = A.xp
    if not coarser(A, B):
        return A
    return KroneckerSum(*(refined(F, xp.finfo(B.dtype).dtype) for F in A.factors))


def refined(F: LinearOperator, real_dtype: Any) -> LinearOperator:
    """Return a factor in a higher precision; it is made dense if need be."""
    wide = in_precision(F, real_dtype)
    if wide.real_dtype == real_dtype:
        return wide
    return Dense(F.xp.astype(F.todense(), F.xp.result_type(F.dtype, real_dtype)))


def _nonzero_eigenvalues(A: KroneckerSum) -> Any:
    """Return the eigenvalues, unless one is zero as far as rounding lets us know."""
    xp, w = A.xp, A._spectral.eigenvalues
    if w.shape[0]:
        moduli = xp.abs(w)
        noise = max(A._sizes) * xp.finfo(w.dtype).eps * xp.max(moduli)
        if bool(xp.min(moduli) <= noise):
            raise singular(A, f"an eigenvalue is {float(xp.min(moduli)):.1e} in modulus")
    return w


_factors = operator.attrgetter("factors")
_hermitian: dict[str, Any] = {
    "when": lambda A: is_hermitian(A) and _decomposable(A),
    "cost": "9 Σ nᵢ³ once, then 4 N Σ nᵢ",
}


@rule(
    solve,
    KroneckerSum,
    how="V ((Vᴴ b) / λ), V and λ kept",
    memory="Σ nᵢ² + 3 N",
    may_decline=True,
    **_hermitian,
)
def _solve_hermitian(A: KroneckerSum, B: Any) -> Any:
    A = _in_precision_of(A, B)
    if not is_hermitian(A):  # it was up to the rounding errors of its own precision
        return NotImplemented
    w, V = _nonzero_eigenvalues(A), A._spectral.eigenvectors
    return V._matmat(V._rmatmat(B) / w[:, None])


@rule(inv, KroneckerSum, how="V diag(1/λ) Vᴴ", memory="Σ nᵢ² + N", **_hermitian)
def _inv_hermitian(A: KroneckerSum) -> LinearOperator:
    V = A._spectral.eigenvectors
    inverse: LinearOperator = V @ Diagonal(1 / _nonzero_eigenvalues(A)) @ V.H
    return inverse


@rule(
    solve,
    KroneckerSum,
    when=lambda A: _on_numpy(A) and _decomposable(A),
    how="Schur forms, kept, then triangular Sylvester equations",
    cost="25 Σ nᵢ³ once, then 4 N Σ nᵢ",
    memory="2 Σ nᵢ² + 3 N",
)
def _solve_general(A: KroneckerSum, B: Any) -> Any:
    A = _in_precision_of(A, B)
    for F in A.factors:
        require_finite("A", F.todense())
    if 0 in B.shape:
        return np.array(B)
    if len(A.factors) == 1:
        return solve(A.factors[0], B)
    if np.iscomplexobj(B) and not A.is_complex:
        both = _solve_general(A, np.concatenate((B.real, B.imag), axis=1))
        return both[:, : B.shape[1]] + 1j * both[:, B.shape[1] :]
    Q, triangles, unit = A._schur
    C = Q.rmatmat(B)
    columns = [_back_substitute(A, triangles, c.reshape(A._sizes), 0.0) for c in C.T]
    X = Q.matmat(np.stack(columns).reshape(len(columns), -1).T)
    return (X if A.is_complex else X.real) / unit


def _back_substitute(A: KroneckerSum, triangles: list[Any], C: Any, shift: complex) -> Any:
    """Solve ``(T₁ ⊕ T₂ ⊕ … + shift I) Y = C`` for upper triangular factors."""
    T, *rest = triangles
    n = T.shape[0]
    if len(rest) == 1:
        return _sylvester(A, T + shift * np.eye(n, dtype=T.dtype), rest[0], C)
    Y = np.empty_like(C)
    for i in reversed(range(n)):
        right = C[i] - np.tensordot(T[i, i + 1 :], Y[i + 1 :], axes=1)
        Y[i] = _back_substitute(A, rest, right, shift + T[i, i])
    return Y


def _sylvester(A: KroneckerSum, T: Any, S: Any, C: Any) -> Any:
    """Solve ``T Y + Y Sᵀ = C`` for upper triangular matrices, or real ones with 2x2 blocks.

    The larger of them is halved until both are small: most of the work is products of matrices.
    """
    m, n = C.shape
    if max(m, n) <= _leaf:
        # LAPACK knows transposes of real and adjoints of complex matrices
        (trsyl,) = scipy_of(A.xp, "linalg.lapack").get_lapack_funcs(("trsyl",), (T, S, C))
        Y, scaling, info = trsyl(T, S.conj(), C, tranb="C" if np.iscomplexobj(T) else "T")
        if info:
            raise singular(A, "eigenvalues of the factors add up to zero")
        return Y / scaling
    Y = np.empty_like(C)
    if m >= n:
        k = _halved(T)
        Y[k:] = _sylvester(A, T[k:, k:], S, C[k:])
        Y[:k] = _sylvester(A, T[:k, :k], S, C[:k] - T[:k, k:] @ Y[k:])
    else:
        k = _halved(S)
        Y[:, k:] = _sylvester(A, T, S[k:, k:], C[:, k:])
        Y[:, :k] = _sylvester(A, T, S[:k, :k], C[:, :k] - Y[:, k:] @ S[:k, k:].T)
    return Y


_leaf = 64  # by trial: fastest of the powers of two


def _halved(T: Any) -> int:
    """Return where to cut a triangular matrix, not through a 2x2 block of its diagonal."""
    k: int = T.shape[0] // 2
    return k + 1 if T[k, k - 1] else k


rule(inv, KroneckerSum, when=_on_numpy, how="solves at each product", cost="0", memory="0")(Inverse)


@rule(
    slogdet,
    KroneckerSum,
    when=is_hermitian,
    how="sum over the sums of eigenvalues",
    cost="9 Σ nᵢ³ + N",
    memory="Σ nᵢ² + 2 N",
)
def _slogdet_hermitian(A: KroneckerSum) -> Any:
    sign, logarithm = slogdet_of(A._spectral.eigenvalues, A.xp)
    return A.xp.astype(sign, A.dtype, copy=False), logarithm


@rule(
    slogdet,
    KroneckerSum,
    when=_on_numpy,
    how="sum over the sums of eigenvalues",
    cost="10 Σ nᵢ³ + N",
    memory="Σ nᵢ² + 2 N",
)
def _slogdet_general(A: KroneckerSum) -> Any:
    A._require_formable(A.shape[0])
    blocks = [F.todense() for F in A.factors]
    for block in blocks:
        require_finite("A", block)
    eigenvalues = outer([np.linalg.eigvals(block) for block in blocks], operator.add, A.xp)
    sign, logarithm = slogdet_of(eigenvalues, A.xp)
    # the eigenvalues of real matrices come in conjugate pairs
    return (sign if A.is_complex else np.sign(sign.real)).astype(A.dtype), logarithm


rule(
    eigh,
    KroneckerSum,
    when=is_hermitian,
    how="sums of the factors' eigenvalues, kept",
    cost="Σ eigh(Aᵢ) + N",
    memory="Σ nᵢ² + N",
    parts=_factors,
)(lambda A: (A.xp.asarray(A._spectral.eigenvalues, copy=True), A._spectral.eigenvectors))


@rule(
    eig,
    KroneckerSum,
    how="sums of the factors' eigenvalues",
    cost="Σ eig(Aᵢ) + N",
    memory="2 Σ nᵢ² + 2 N",
    parts=_factors,
)
def _eig(A: KroneckerSum) -> Any:
    A._require_formable(A.shape[0])
    values, vectors = zip(*map(eig, A.factors), strict=True)
    return outer(values, operator.add, A.xp), Kronecker(*vectors)


# the terms commute: exp(A ⊗ I + I ⊗ B) = exp(A ⊗ I) exp(I ⊗ B)
rule(
    expm,
    KroneckerSum,
    how="Kronecker product of the exponentials",
    cost="Σ expm(Aᵢ)",
    memory="Σ nᵢ²",
    parts=_factors,
)(lambda A: Kronecker(*map(expm, A.factors)))


@rule(trace, KroneckerSum, how="Σ (N/nᵢ) trace(Aᵢ)", cost="Σ trace(Aᵢ)", memory="1", parts=_factors)
def _trace(A: KroneckerSum) -> Any:
    terms = (trace(F) * power for F, power in zip(A.factors, _repeats(A), strict=True))
    return functools.reduce(operator.add, terms)


@rule(diagonal, KroneckerSum, how="sums of the diagonals", cost="N", memory="N", parts=_factors)
def _diagonal(A: KroneckerSum) -> Any:
    A._require_formable(A.shape[0])
    return outer([diagonal(F) for F in A.factors], operator.add, A.xp)


def _repeats(A: KroneckerSum) -> list[float]:
    """Return how often each factor stands in the sum: N/nᵢ times."""
    sizes = A._sizes
    return [float(math.prod(sizes[:i]) * math.prod(sizes[i + 1 :])) for i in range(len(sizes))]


@rule(
    norm,
    KroneckerSum,
    how="fro, 1 and inf: from diagonals and the rest of the factors",
    cost="Σ nᵢ² + N",
    memory="Σ nᵢ² + N",
    may_decline=True,
)
def _norm(A: KroneckerSum, ord: str | float) -> Any:
    if ord == "fro":
        return _frobenius(A)
    if ord not in (1, math.inf) or not _decomposable(A):
        return NotImplemented
    # only on the diagonal do entries of several factors meet
    A._require_formable(A.shape[0])
    xp, rest = A.xp, []
    for F in A.factors:
        off = 1 - xp.eye(F.shape[0], dtype=F.real_dtype, device=A.device)
        rest.append(xp.sum(xp.abs(F.todense()) * off, axis=0 if ord == 1 else 1))
    return xp.max(xp.abs(diagonal(A)) + outer(rest, operator.add, xp))


def _frobenius(A: KroneckerSum) -> Any:
    # with tᵢ = tr(Aᵢ)/nᵢ, the matrices Aᵢ - tᵢ I at each place and (Σ tᵢ) I are orthogonal
    means, sizes = [], []
    for F, repeats in zip(A.factors, _repeats(A), strict=True):
        mean = complex(trace(F)) / F.shape[0]
        t = mean if F.is_complex else mean.real
        means.append(t)
        sizes.append(math.sqrt(repeats) * float(norm(F - t * Identity(F.shape[0], like=F))))
    total = math.hypot(*sizes, math.sqrt(A.shape[0]) * abs(sum(means)))
    return A._scalar(total, A.real_dtype)
