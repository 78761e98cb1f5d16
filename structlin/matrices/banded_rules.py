"""What the public functions do with band matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._band_factors import LU
from structlin.matrices._base import LinearOperator, coarser
from structlin.matrices._cyclic import solve_bands
from structlin.matrices.algebra import Inverse
from structlin.matrices.banded import Banded
from structlin.matrices.decompositions import not_hermitian, not_positive
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import slogdet_of
from structlin.matrices.functions import (
    cholesky,
    diagonal,
    eigh,
    inv,
    norm,
    singular,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import rule


def _on_numpy(A: Banded) -> bool:
    return is_numpy(A.xp) and A.shape[0] > 0


@rule(
    solve,
    Banded,
    when=_on_numpy,
    how="LU or Cholesky factorisation of the bands, kept",
    cost="2 n l (l + u + 1), then 2 n (2 l + u)",
    memory="n (2 l + u + 1)",
)
def _solve(A: Banded, B: Any) -> Any:
    if coarser(A, B):  # the precision of the result
        A = Banded(A.bands.astype(B.dtype), lower=A.lower, upper=A.upper)
    if B.shape[1] == 0:
        return B.copy()
    if _is_definite(A):
        linalg = scipy_of(A.xp, "linalg")
        return linalg.cho_solve_banded((A._cholesky, True), B, check_finite=False)
    return _regular_lu(A).solve(B)


@rule(
    solve,
    Banded,
    when=lambda A: not is_numpy(A.xp) and A.shape[0] > 0,
    how="block cyclic reduction, if the residual is within rounding",
    cost="about 10 n w², w = max(l, u)",
    memory="6 n w",
    may_decline=True,
)
def _solve_at_once(A: Banded, B: Any) -> Any:
    xp = A.xp
    require_finite("A", A.bands)
    if B.shape[1] == 0:
        return xp.asarray(B, copy=True)
    bands = xp.astype(A.bands, B.dtype, copy=False)
    try:
        X = solve_bands(bands, A.lower, A.upper, B, xp)
    except np.linalg.LinAlgError:
        return NotImplemented
    # without exchanges of rows it may have gone astray
    residuals, sizes, known = (xp.linalg.vector_norm(Y, axis=0) for Y in (B - A._matmat(X), X, B))
    scale = xp.max(xp.sum(xp.abs(bands), axis=0))
    bound = 100 * xp.finfo(B.dtype).eps * (scale * sizes + known)
    return X if bool(xp.all(residuals <= bound)) else NotImplemented


def _is_definite(A: Banded) -> bool:
    # the LU factorisation of tridiagonal matrices is the faster one
    return max(A.lower, A.upper) > 1 and A._cholesky is not None


def _regular_lu(A: Banded) -> LU:
    if not A._lu.pivots.all():
        raise singular(A, "a pivot is zero")
    return A._lu


@rule(inv, Banded, when=_on_numpy, how="solves at each product", cost="0", memory="0")
def _inv(A: Banded) -> LinearOperator:
    if not _is_definite(A):
        _regular_lu(A)  # raises here, not at the first product
    return Inverse(A)


@rule(
    slogdet,
    Banded,
    when=_on_numpy,
    how="LU factorisation of the bands, kept",
    cost="2 n l (l + u + 1)",
    memory="n (2 l + u + 1)",
)
def _slogdet(A: Banded) -> Any:
    sign, logarithm = slogdet_of(A._lu.pivots, A.xp)
    return (-sign if A._lu.exchanges % 2 else sign), logarithm


@rule(
    cholesky,
    Banded,
    when=_on_numpy,
    how="band Cholesky factorisation, if A = Aᴴ holds",
    cost="n l²",
    memory="n (l + 1)",
)
def _cholesky(A: Banded) -> Banded:
    require_finite("A", A.bands)
    _require_hermitian(A)
    if A._cholesky is None:
        raise not_positive(A)
    return Banded(A._cholesky, lower=A._cholesky.shape[0] - 1, upper=0)


def _require_hermitian(A: Banded) -> None:
    if not is_hermitian(A):
        raise not_hermitian(A)


@rule(
    eigh,
    Banded,
    when=_on_numpy,
    how="reduction of the bands to a tridiagonal matrix, if A = Aᴴ holds",
    cost="7 n³",
    memory="2 n²",
)
def _eigh(A: Banded) -> Any:
    require_finite("A", A.bands)
    _require_hermitian(A)
    A._require_formable(*A.shape)
    w, V = scipy_of(A.xp, "linalg").eig_banded(A._lower_half, lower=True, check_finite=False)
    return w, Dense(V)


@rule(
    svdvals,
    Banded,
    when=lambda A: _on_numpy(A) and is_hermitian(A),
    how="moduli of the eigenvalues, from the bands",
    cost="6 n² l",
    memory="n l",
)
def _svdvals(A: Banded) -> Any:
    eigenvalues = scipy_of(A.xp, "linalg").eig_banded(
        A._lower_half, lower=True, eigvals_only=True, check_finite=False
    )
    return abs(eigenvalues)


@rule(diagonal, Banded, how="the stored entries", cost="n", memory="n")
def _diagonal(A: Banded) -> Any:
    return A.xp.asarray(A.bands[A.upper, :], copy=True)


@rule(trace, Banded, how="sum of the diagonal", cost="n", memory="1")
def _trace(A: Banded) -> Any:
    return A.xp.sum(A.bands[A.upper, :])


@rule(
    norm,
    Banded,
    how="fro, 1 and inf: sums over the stored entries",
    cost="n (l + u + 1)",
    memory="n (l + u + 1)",
    may_decline=True,
)
def _norm(A: Banded, ord: Any) -> Any:
    xp = A.xp
    if ord == "fro":
        return A._scalar(euclidean(A.bands), A.real_dtype)
    if ord in (1, np.inf):
        bands = A.bands if ord == 1 else A._adjoint.bands
        return xp.max(xp.sum(xp.abs(bands), axis=0))
    return NotImplemented
