"""Kronecker sums: operators that act on each axis of a tensor and add up."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin._backend import scipy_of
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices._modes import mode_product
from structlin.matrices.algebra import Scaled
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, rule_of_shifts
from structlin.matrices.functions import EighResult, eigh
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker, joined, of_one_precision, outer
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
        At least one, all square. Operators are applied by their own structure. Arrays of mixed
        precision take the highest.

    Attributes
    ----------
    factors : tuple of LinearOperator
        The factors; arrays have become `Dense`.

    Raises
    ------
    ValueError
        If there are no factors, or one is not square.

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
        self.factors = of_one_precision(map(aslinearoperator, factors))
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
    def _schur(self) -> tuple[Kronecker, list[Any], float]:
        """Unitary ``Q``, triangular ``Tᵢ`` and ``c`` with ``A = c Q (T₁ ⊕ T₂ ⊕ …) Qᴴ``."""
        # LAPACK solves with real quasi-triangular matrices, but only two of them at a time
        output = "real" if len(self.factors) == 2 and not self.is_complex else "complex"
        schur = scipy_of(self.xp, "linalg").schur
        dense = [F.todense() for F in self.factors]
        # LAPACK takes pivots below an absolute bound for zeros
        largest = max(float(self.xp.max(self.xp.abs(block))) for block in dense)
        unit = math.ldexp(0.5, math.frexp(largest)[1]) if largest else 1.0
        triangles, bases = zip(
            *(schur(block / unit, output=output) for block in dense), strict=True
        )
        return Kronecker(*bases), list(triangles), unit


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
