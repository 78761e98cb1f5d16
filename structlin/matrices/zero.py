"""The zero matrix."""

from __future__ import annotations

import math
from typing import Any

from structlin.matrices._base import LinearOperator, times
from structlin.matrices._indices import Index, count
from structlin.matrices.decompositions import not_positive
from structlin.matrices.functions import (
    cholesky,
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
from structlin.matrices.identity import Identity, absorbs
from structlin.matrices.operations import (
    add,
    adjoint,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import rule


class Zero(LinearOperator):
    """The zero matrix of any shape.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Notes
    -----
    Sums leave it out and products become `Zero`.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> Diagonal(np.ones(3)) @ Zero((3, 2))
    <Zero 3x2 float64>
    """

    def __init__(self, shape: tuple[int, int], *, dtype: Any = None, like: Any = None) -> None:
        super().__init__(shape, dtype, like=like)

    def _matmat(self, X: Any) -> Any:
        return self.xp.zeros((self.shape[0], X.shape[1]), dtype=X.dtype, device=self.device)

    def _rmatmat(self, X: Any) -> Any:
        return self.xp.zeros((self.shape[1], X.shape[1]), dtype=X.dtype, device=self.device)

    def _zeros(self, *shape: int, dtype: Any = None) -> Any:
        self._require_formable(*shape)
        dtype = self.dtype if dtype is None else dtype
        return self.xp.zeros(shape, dtype=dtype, device=self.device)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array of zeros."""
        return self._zeros(*self.shape)


# algebra

rule(adjoint, Zero)(lambda A: Zero(A.shape[::-1], like=A))
rule(transpose, Zero)(lambda A: Zero(A.shape[::-1], like=A))
rule(is_hermitian, Zero)(lambda A: True)


rule(add, Zero, LinearOperator, when=lambda A, B: absorbs(B, A))(lambda A, B: B)
rule(add, LinearOperator, Zero, when=absorbs)(lambda A, B: A)


@rule(multiply, Zero, LinearOperator)
@rule(multiply, LinearOperator, Zero)
def _multiply(A: LinearOperator, B: LinearOperator) -> Zero:
    shape = A.shape[0], B.shape[1]
    return Zero(shape, dtype=A.xp.result_type(A.dtype, B.dtype), like=A)


@rule(scale, Zero)
def _scale(A: Zero, scalar: complex) -> Zero:
    return Zero(A.shape, dtype=times(A._zeros(0), scalar, A.xp).dtype, like=A)


@rule(select, Zero)
def _select(A: Zero, rows: Index, columns: Index) -> Any:
    sizes = [count(index) for index in (rows, columns) if not isinstance(index, int)]
    return Zero((sizes[0], sizes[1]), like=A) if len(sizes) == 2 else A._zeros(*sizes)


# functions

_free: dict[str, Any] = {"how": "zero", "cost": "0", "memory": "0"}
_fill: dict[str, Any] = {"how": "zeros", "cost": "n", "memory": "n"}
_refused: dict[str, Any] = {"how": "singular", "cost": "0", "memory": "0"}


@rule(solve, Zero, **_refused)
def _solve(A: Zero, B: Any) -> Any:
    _require_empty(A)
    return A._matmat(B)


@rule(inv, Zero, **_refused)
def _inv(A: Zero) -> Zero:
    _require_empty(A)
    return A


def _require_empty(A: Zero) -> None:
    if A.shape[0]:
        raise singular(A, "every entry is zero")


@rule(cholesky, Zero, how="not positive definite", cost="0", memory="0")
def _cholesky(A: Zero) -> Zero:
    if A.shape[0]:
        raise not_positive(A)
    return A


@rule(slogdet, Zero, **_free)
def _slogdet(A: Zero) -> Any:
    sign, logarithm = (0.0, -math.inf) if A.shape[0] else (1.0, 0.0)
    return A._scalar(sign), A._scalar(logarithm, A.real_dtype)


@rule(eig, Zero, **_fill)
@rule(eigh, Zero, **_fill)
def _eigh(A: Zero) -> Any:
    return A._zeros(A.shape[0], dtype=A.real_dtype), Identity(A.shape[0], like=A)


@rule(svd, Zero, how="no singular value but zero", cost="0", memory="0")
def _svd(A: Zero) -> Any:
    m, n = A.shape
    return Zero((m, 0), like=A), A._zeros(0, dtype=A.real_dtype), Zero((0, n), like=A)


rule(lstsq, Zero, **_fill)(lambda A, B: A._rmatmat(B))
rule(pinv, Zero, **_free)(lambda A: A.H)
rule(svdvals, Zero, **_free)(lambda A: A._zeros(0, dtype=A.real_dtype))
rule(expm, Zero, how="the identity", cost="0", memory="0")(lambda A: Identity(A.shape[0], like=A))
rule(trace, Zero, **_free)(lambda A: A._scalar(0.0))
rule(diagonal, Zero, **_fill)(lambda A: A._zeros(min(A.shape)))
rule(norm, Zero, **_free)(lambda A, ord: A._scalar(0.0, A.real_dtype))
rule(rank, Zero, **_free)(lambda A: 0)
