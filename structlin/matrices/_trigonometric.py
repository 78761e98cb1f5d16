"""The rules that cosine and sine transforms share: matrices that are real and orthogonal."""

from __future__ import annotations

import math
import operator
from typing import Any, ClassVar

from structlin.bases._trigonometric import Wave, kind_of, transformed, weights
from structlin.matrices._base import LinearOperator
from structlin.matrices._indices import Index
from structlin.matrices._orthogonal import rules_of_orthogonal
from structlin.matrices.functions import diagonal, slogdet
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
        """Return ``A[rows, columns]`` for integers or int64 arrays of indices that broadcast."""
        xp = self.xp
        a, b, M = kind_of(self.wave, self.type, self.shape[0])
        # reduced to one period: large products would round more
        eighths = (2 * rows + b) * (2 * columns + a) % (8 * M)
        rows, columns, eighths = (
            xp.asarray(k, device=self.device) for k in (rows, columns, eighths)
        )
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
    if not (isinstance(rows, int) or isinstance(columns, int)):
        return NotImplemented
    # two integers stay such: their product would overflow in an array
    i, j = (k if isinstance(k, int) else _places(A, k) for k in (rows, columns))
    return A._entries(i, j)


def _places(A: _T, index: Index) -> Any:
    if not isinstance(index, range):
        return A.xp.astype(index, A.xp.int64)
    A._require_formable(len(index))
    return A.xp.arange(index.start, index.stop, index.step, dtype=A.xp.int64, device=A.device)


rules_of_orthogonal(_T, how="the inverse transform", cost="5 n log₂ n", memory="2 n")


@rule(slogdet, _T, how="known in advance", cost="1", memory="1")
def _slogdet(A: _T) -> Any:
    # Rows are positive multiples of polynomials of degree k with positive leading coefficients
    # (Chebyshev's of the four kinds) at decreasing nodes, and columns of positive numbers: the sign
    # is that of a Vandermonde matrix, (-1)^(n(n-1)/2).
    return A._scalar(-1.0 if A.shape[0] % 4 > 1 else 1.0), A._scalar(0.0, A.real_dtype)


@rule(diagonal, _T, how="cosines or sines", cost="n", memory="n")
def _diagonal(A: _T) -> Any:
    A._require_formable(A.shape[0])
    k = A.xp.arange(A.shape[0], device=A.device)
    return A._entries(k, k)
