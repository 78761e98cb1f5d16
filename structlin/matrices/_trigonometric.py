"""The rules that cosine and sine transforms share: matrices that are real and orthogonal."""

from __future__ import annotations

import math
import operator
from typing import Any, ClassVar

from structlin.bases._trigonometric import Wave, kind_of, transformed, weights
from structlin.matrices._base import LinearOperator
from structlin.matrices._indices import take
from structlin.matrices.functions import (
    cond,
    diagonal,
    inv,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
)
from structlin.matrices.identity import Identity
from structlin.matrices.operations import adjoint, is_hermitian, multiply, select, transpose
from structlin.matrices.rules import rule

_inverse_types = {1: 1, 2: 3, 3: 2, 4: 4}


class TrigonometricTransform(LinearOperator):
    """A cosine or sine transform: an orthogonal matrix."""

    wave: ClassVar[Wave]
    type: int

    def __init__(self, n: int, *, type: int = 2, dtype: Any = None, like: Any = None) -> None:
        n = operator.index(n)
        super().__init__((n, n), dtype, like=like)
        kind_of(self.wave, type, n)
        self.type = type

    def _matmat(self, X: Any) -> Any:
        return transformed(self.wave, X, self.type, 0)

    def _rmatmat(self, X: Any) -> Any:
        return transformed(self.wave, X, _inverse_types[self.type], 0)

    def _mirrored(self) -> TrigonometricTransform:
        """Return the transpose, which is the inverse."""
        return type(self)(
            self.shape[0], type=_inverse_types[self.type], dtype=self.dtype, like=self
        )

    def _entries(self, rows: Any, columns: Any) -> Any:
        """Return ``A[rows, columns]`` for arrays of indices that broadcast."""
        xp = self.xp
        a, b, M = kind_of(self.wave, self.type, self.shape[0])
        # reduced to one period: large products would round more
        eighths = (2 * rows + b) * (2 * columns + a) % (8 * M)
        angles = xp.astype(eighths, xp.float64) * (math.pi / (4 * M))
        values = xp.cos(angles) if self.wave == "cosine" else xp.sin(angles)
        scale = weights(rows, b, M, xp) * weights(columns, a, M, xp) * math.sqrt(2 / M)
        return xp.astype(scale * values, self.dtype)

    def _formula(self) -> str:
        return f"type {self.type}"


_T = TrigonometricTransform

rule(adjoint, _T)(lambda A: A._mirrored())
rule(transpose, _T)(lambda A: A._mirrored())
rule(is_hermitian, _T)(lambda A: A.type in (1, 4) or A.shape[0] <= 2)


@rule(multiply, _T, _T)
def _multiply(A: _T, B: _T) -> Any:
    if A.wave != B.wave or A.type != _inverse_types[B.type]:
        return NotImplemented
    return Identity(A.shape[0], dtype=A.xp.result_type(A.dtype, B.dtype), like=A)


@rule(select, _T)
def _select(A: _T, rows: Any, columns: Any) -> Any:
    n = A.shape[0]
    if not (isinstance(rows, int) or isinstance(columns, int)):
        return NotImplemented
    A._require_formable(n)
    every = A.xp.arange(n, device=A.device)
    i, j = (
        A.xp.asarray(k, device=A.device) if isinstance(k, int) else take(every, k, A.xp)
        for k in (rows, columns)
    )
    return A._entries(i, j)


_one_transform: dict[str, Any] = {
    "how": "the inverse transform",
    "cost": "5 n log₂ n",
    "memory": "2 n",
}
_known: dict[str, Any] = {"how": "orthogonal: known in advance", "cost": "1", "memory": "1"}

rule(solve, _T, **_one_transform)(lambda A, B: A._rmatmat(B))
rule(lstsq, _T, **_one_transform)(lambda A, B: A._rmatmat(B))
rule(inv, _T, **_known)(lambda A: A._mirrored())
rule(pinv, _T, **_known)(lambda A: A._mirrored())
rule(rank, _T, **_known)(lambda A: A.shape[0])


@rule(slogdet, _T, **_known)
def _slogdet(A: _T) -> Any:
    # Rows are positive multiples of polynomials of degree k with positive leading coefficients
    # (Chebyshev's of the four kinds) at decreasing nodes, and columns of positive numbers: the sign
    # is that of a Vandermonde matrix, (-1)^(n(n-1)/2).
    return A._scalar(-1.0 if A.shape[0] % 4 > 1 else 1.0), A._scalar(0.0, A.real_dtype)


def _ones(A: _T) -> Any:
    A._require_formable(A.shape[0])
    return A.xp.ones(A.shape[0], dtype=A.real_dtype, device=A.device)


rule(svdvals, _T, how="ones", cost="n", memory="n")(_ones)


@rule(svd, _T, how="A times ones times I", cost="n", memory="n")
def _svd(A: _T) -> Any:
    return A, _ones(A), Identity(A.shape[0], dtype=A.dtype, like=A)


_halves = {2: 0, "fro": 1, "nuc": 2}  # the powers of √n


@rule(norm, _T, may_decline=True, **_known)
def _norm(A: _T, ord: Any) -> Any:
    if ord not in _halves:
        return NotImplemented
    return A._scalar(A.shape[0] ** (_halves[ord] / 2), A.real_dtype)


@rule(cond, _T, may_decline=True, **_known)
def _cond(A: _T, ord: Any) -> Any:
    if ord not in _halves:
        return NotImplemented
    return A._scalar(float(A.shape[0] ** _halves[ord]), A.real_dtype)


@rule(diagonal, _T, how="cosines or sines", cost="n", memory="n")
def _diagonal(A: _T) -> Any:
    A._require_formable(A.shape[0])
    k = A.xp.arange(A.shape[0], device=A.device)
    return A._entries(k, k)
