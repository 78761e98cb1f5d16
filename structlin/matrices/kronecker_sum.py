"""Kronecker sums: operators that act on each axis of a tensor and add up."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices.algebra import Inverse, Scaled
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, rule_of_shifts, slogdet_of
from structlin.matrices.fallback import dense_limit
from structlin.matrices.functions import (
    EighResult,
    diagonal,
    eigh,
    inv,
    singular,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker, joined, mode_product, outer
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    scale,
    transpose,
)
from structlin.matrices.rules import rule
from structlin.matrices.sparse import Sparse


class KroneckerSum(LinearOperator):
    """The Kronecker sum ``A₁ ⊗ I ⊗ … + I ⊗ A₂ ⊗ … + …``.

    Parameters
    ----------
    *factors : (nᵢ, nᵢ) array, sparse matrix or operator
        At least one, all square. Operators are applied by their own structure.

    Attributes
    ----------
    factors : tuple of LinearOperator
        The factors; arrays have become `Dense`.

    Notes
    -----
    Vectors are C-ordered: for two factors, ``A @ x`` is ``(A₁ X + X A₂ᵀ).reshape(-1)`` with
    ``X = x.reshape(n₁, n₂)``. A product costs ``2 N Σ nᵢ``, where ``N = Π nᵢ``.

    Examples
    --------
    The Laplacian of a grid is the Kronecker sum of those of its axes:

    >>> import numpy as np
    >>> second = np.array([[2.0, -1.0], [-1.0, 2.0]])
    >>> KroneckerSum(second, second) @ np.ones(4)
    array([2., 2., 2., 2.])
    """

    factors: tuple[LinearOperator, ...]

    def __init__(self, *factors: Any) -> None:
        if not factors:
            raise ValueError("KroneckerSum() has no factors: give one matrix at least")
        self.factors = tuple(map(aslinearoperator, factors))
        for F in self.factors:
            if F.shape[0] != F.shape[1]:
                raise ValueError(f"a factor is {size_text(F.shape)}: a Kronecker sum needs squares")
        n = math.prod(F.shape[0] for F in self.factors)
        super().__init__((n, n), like=self.factors)

    def _matmat(self, X: Any) -> Any:
        return self._add_modes(self.factors, X)

    def _rmatmat(self, X: Any) -> Any:
        return self._add_modes(self._adjoints, X)

    @functools.cached_property
    def _adjoints(self) -> tuple[LinearOperator, ...]:
        return tuple(F.H for F in self.factors)

    def _add_modes(self, factors: tuple[LinearOperator, ...], X: Any) -> Any:
        xp, sizes = self.xp, self._sizes
        Y = xp.zeros(X.shape, dtype=X.dtype, device=self.device)
        if 0 in X.shape:
            return Y
        for i, F in enumerate(factors):
            left, right = math.prod(sizes[:i]), math.prod(sizes[i + 1 :]) * X.shape[1]
            Y += xp.reshape(mode_product(F, X, left, right), X.shape)
        return Y

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(F.shape[0] for F in self.factors)

    def _formula(self) -> str:
        return joined(self.factors, "⊕")

    # factorisations, kept for the next right-hand side

    @functools.cached_property
    def _spectral(self) -> EighResult:
        self._require_formable(self.shape[0])
        values, vectors = zip(*map(eigh, self.factors), strict=True)
        return EighResult(outer(values, operator.add, self.xp), Kronecker(*vectors))

    @functools.cached_property
    def _schur(self) -> tuple[Kronecker, list[Any]]:
        """Unitary ``Q`` and triangular factors ``Tᵢ`` with ``A = Q (T₁ ⊕ T₂ ⊕ …) Qᴴ``."""
        # LAPACK solves with real quasi-triangular matrices, but only two of them at a time
        output = "real" if len(self.factors) == 2 and not self.is_complex else "complex"
        schur = scipy_of(self.xp, "linalg").schur
        triangles, bases = zip(
            *(schur(F.todense(), output=output) for F in self.factors), strict=True
        )
        return Kronecker(*bases), list(triangles)


# algebra

rule(adjoint, KroneckerSum)(lambda A: KroneckerSum(*(F.H for F in A.factors)))
rule(transpose, KroneckerSum)(lambda A: KroneckerSum(*(F.T for F in A.factors)))
rule(is_hermitian, KroneckerSum)(lambda A: all(map(is_hermitian, A.factors)))
rule(scale, KroneckerSum)(lambda A, c: KroneckerSum(*(c * F for F in A.factors)))


@rule(add, KroneckerSum, KroneckerSum, when=lambda A, B: A._sizes == B._sizes)
def _add(A: KroneckerSum, B: KroneckerSum) -> KroneckerSum:
    return KroneckerSum(*(F + G for F, G in zip(A.factors, B.factors, strict=True)))


def _shifted(A: KroneckerSum, one: LinearOperator) -> Any:
    # (A₁ ⊕ A₂) + c I = (A₁ + c I) ⊕ A₂
    shift = one.scalar if isinstance(one, Scaled) else 1
    for i, F in enumerate(A.factors):
        if isinstance(F, Dense | Diagonal | Sparse):
            shifted = F + shift * Identity(F.shape[0], dtype=one.dtype, like=F)
            return KroneckerSum(*A.factors[:i], shifted, *A.factors[i + 1 :])
    return NotImplemented


rule_of_shifts(KroneckerSum, _shifted)


# functions


def _on_numpy(A: KroneckerSum) -> bool:
    return is_numpy(A.xp)


def _decomposable(A: KroneckerSum) -> bool:
    """Tell whether the factors are stored, or small enough to be made dense."""
    stored = Dense | Diagonal | Identity
    return all(isinstance(F, stored) or F.shape[0] <= dense_limit for F in A.factors)


def _in_precision_of(A: KroneckerSum, B: Any) -> KroneckerSum:
    xp = A.xp
    if xp.finfo(A.dtype).eps <= xp.finfo(B.dtype).eps:
        return A
    real = xp.finfo(B.dtype).dtype
    return KroneckerSum(*(xp.astype(F.todense(), xp.result_type(F.dtype, real)) for F in A.factors))


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


@rule(solve, KroneckerSum, how="V ((Vᴴ b) / λ), V and λ kept", memory="Σ nᵢ² + 3 N", **_hermitian)
def _solve_hermitian(A: KroneckerSum, B: Any) -> Any:
    A = _in_precision_of(A, B)
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
    Q, triangles = A._schur
    C = Q.rmatmat(B)
    columns = [_back_substitute(A, triangles, c.reshape(A._sizes), 0.0) for c in C.T]
    X = Q.matmat(np.stack(columns).reshape(len(columns), -1).T)
    return X if np.iscomplexobj(B) else X.real


def _back_substitute(A: KroneckerSum, triangles: list[Any], C: Any, shift: complex) -> Any:
    """Solve ``(T₁ ⊕ T₂ ⊕ … + shift I) Y = C`` for upper triangular factors."""
    T, *rest = triangles
    n = T.shape[0]
    if len(rest) == 1:
        # T₁ Y + Y T₂ᵀ = C; LAPACK knows transposes of real and adjoints of complex matrices
        (trsyl,) = scipy_of(A.xp, "linalg.lapack").get_lapack_funcs(("trsyl",), (T, rest[0], C))
        transposed = "C" if np.iscomplexobj(T) else "T"
        Y, scaling, info = trsyl(
            T + shift * np.eye(n, dtype=T.dtype), rest[0].conj(), C, tranb=transposed
        )
        if info:
            raise singular(A, "eigenvalues of the factors add up to zero")
        return Y / scaling
    Y = np.empty_like(C)
    for i in reversed(range(n)):
        right = C[i] - np.tensordot(T[i, i + 1 :], Y[i + 1 :], axes=1)
        Y[i] = _back_substitute(A, rest, right, shift + T[i, i])
    return Y


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
)(lambda A: A._spectral)


@rule(trace, KroneckerSum, how="Σ (N/nᵢ) trace(Aᵢ)", cost="Σ trace(Aᵢ)", memory="1", parts=_factors)
def _trace(A: KroneckerSum) -> Any:
    sizes = A._sizes
    powers = [math.prod(sizes[:i]) * math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    terms = (trace(F) * float(power) for F, power in zip(A.factors, powers, strict=True))
    return functools.reduce(operator.add, terms)


@rule(diagonal, KroneckerSum, how="sums of the diagonals", cost="N", memory="N", parts=_factors)
def _diagonal(A: KroneckerSum) -> Any:
    A._require_formable(A.shape[0])
    return outer([diagonal(F) for F in A.factors], operator.add, A.xp)
