"""The identity matrix."""

from __future__ import annotations

import math
from typing import Any

from structlin.matrices._base import LinearOperator
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
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.operations import adjoint, is_hermitian, multiply, scale, transpose
from structlin.matrices.rules import rule


class Identity(LinearOperator):
    """The identity matrix of size ``n``.

    Parameters
    ----------
    n : int
        Rows and columns.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> Identity(3, like=np.ones(1, dtype=np.float32))
    <Identity 3x3 float32>
    """

    def __init__(self, n: int, *, dtype: Any = None, like: Any = None) -> None:
        super().__init__((n, n), dtype, like=like)

    def _matmat(self, X: Any) -> Any:
        return self.xp.asarray(X, copy=True)

    _rmatmat = _matmat


def _ones(A: Identity) -> Any:
    A._require_formable(A.shape[0])
    return A.xp.ones(A.shape[0], dtype=A.real_dtype, device=A.device)


def absorbs(A: LinearOperator, other: LinearOperator) -> bool:
    """Tell whether results with another operator have the data type of ``A``."""
    return bool(A.xp.result_type(A.dtype, other.dtype) == A.dtype)


_free: dict[str, Any] = {"how": "the identity", "cost": "0", "memory": "0"}
_fill: dict[str, Any] = {"how": "ones", "cost": "n", "memory": "n"}

rule(adjoint, Identity)(lambda A: A)
rule(transpose, Identity)(lambda A: A)
rule(is_hermitian, Identity)(lambda A: True)
rule(multiply, Identity, LinearOperator, when=lambda A, B: absorbs(B, A))(lambda A, B: B)
rule(multiply, LinearOperator, Identity, when=absorbs)(lambda A, B: A)
rule(solve, Identity, **_free)(lambda A, B: A._matmat(B))
rule(inv, Identity, **_free)(lambda A: A)
rule(slogdet, Identity, **_free)(lambda A: (A._scalar(1.0), A._scalar(0.0, A.real_dtype)))
rule(eigh, Identity, **_fill)(lambda A: (_ones(A), A))
rule(trace, Identity, **_free)(lambda A: A._scalar(float(A.shape[0])))
rule(diagonal, Identity, **_fill)(lambda A: A.xp.astype(_ones(A), A.dtype, copy=False))
rule(lstsq, Identity, **_free)(lambda A, B: A._matmat(B))
rule(pinv, Identity, **_free)(lambda A: A)
rule(eig, Identity, **_fill)(lambda A: (_ones(A), A))
rule(svd, Identity, **_fill)(lambda A: (A, _ones(A), A))
rule(svdvals, Identity, **_fill)(_ones)
rule(cholesky, Identity, **_free)(lambda A: A)
rule(expm, Identity, how="e times the identity", cost="0", memory="0")(lambda A: scale(A, math.e))
rule(rank, Identity, **_free)(lambda A: A.shape[0])


@rule(norm, Identity, how="fro: √n, nuc: n, others: 1", cost="0", memory="0")
def _norm(A: Identity, ord: str | float) -> Any:
    n = float(A.shape[0])
    size = math.sqrt(n) if ord == "fro" else n if ord == "nuc" else 1.0
    return A._scalar(size, A.real_dtype)


rule(cond, Identity, how="the square of the norm", cost="0", memory="0")(
    lambda A, ord: norm(A, ord) ** 2
)
