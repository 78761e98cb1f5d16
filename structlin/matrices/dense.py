"""A stored matrix, and the dense factorisations on which the other structures build."""

from __future__ import annotations

import functools
import importlib
import math
import warnings
from contextlib import nullcontext
from typing import Any

import array_api_compat as compat
import numpy as np

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin._norm import norm as euclidean
from structlin._validation import inexact, require_finite
from structlin.matrices import _indices
from structlin.matrices._base import LinearOperator, adjoint_of, coarser, times
from structlin.matrices._hermitian import equal_up_to_rounding, hermitian_part
from structlin.matrices._pade import exponential
from structlin.matrices.decompositions import not_hermitian, not_positive
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
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import answer, rule
from structlin.matrices.systems import negligible


class Dense(LinearOperator):
    """A matrix given by its array.

    Parameters
    ----------
    array : (m, n) array
        The entries; integers become float64. The array is not copied: leave it unchanged.

    Attributes
    ----------
    array : (m, n) array
        The entries.

    Raises
    ------
    ValueError
        If the array has not two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> A = Dense(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> A @ np.array([1.0, 1.0])
    array([3., 7.])
    """

    array: Any

    def __init__(self, array: Any) -> None:
        xp = namespace(array)
        if array.ndim != 2:
            raise ValueError(f"array has shape {tuple(array.shape)}: a matrix has two dimensions")
        self.array = inexact(xp.asarray(array), xp)
        super().__init__(array.shape, like=self.array)

    def _matmat(self, X: Any) -> Any:
        return self.xp.matmul(self.array, X)

    def _rmatmat(self, X: Any) -> Any:
        xp = self.xp
        if not self.is_complex:
            return xp.matmul(xp.matrix_transpose(self.array), X)
        # the conjugates of the blocks are smaller than that of the matrix
        return xp.conj(xp.matmul(xp.matrix_transpose(self.array), xp.conj(X)))

    def todense(self) -> Any:
        """Return a copy of the array."""
        return self.xp.asarray(self.array, copy=True)

    @functools.cached_property
    def _hermitian(self) -> bool:
        return equal_up_to_rounding(self.array, adjoint_of(self.array, self.xp), self.xp)

    @functools.cached_property
    def _lu(self) -> tuple[Any, Any]:
        """LU factorisation by SciPy or its twin, kept for the next right-hand side."""
        require_finite("A", self.array)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a zero pivot is found by the caller
            lu, pivots = scipy_of(self.xp, "linalg").lu_factor(self.array, check_finite=False)
        return lu, pivots

    @functools.cached_property
    def _svd(self) -> tuple[Any, Any, Any]:
        """Thin singular value decomposition, kept for the next right-hand side."""
        require_finite("A", self.array)
        U, S, Vh = self.xp.linalg.svd(self.array, full_matrices=False)
        return U, S, Vh


rule(aslinearoperator, object, when=compat.is_array_api_obj)(Dense)

# algebra

rule(adjoint, Dense)(lambda A: Dense(adjoint_of(A.array, A.xp)))
rule(transpose, Dense)(lambda A: Dense(A.xp.matrix_transpose(A.array)))
rule(add, Dense, Dense)(lambda A, B: Dense(A.array + B.array))
rule(scale, Dense)(lambda A, scalar: Dense(times(A.array, scalar, A.xp)))
rule(is_hermitian, Dense)(lambda A: A._hermitian)


def _no_larger(A: Dense, B: Dense) -> bool:
    (m, k), n = A.shape, B.shape[1]
    return m * n <= m * k + k * n


rule(multiply, Dense, Dense, when=_no_larger)(lambda A, B: Dense(A.xp.matmul(A.array, B.array)))


@rule(select, Dense)
def _select(A: Dense, rows: Any, columns: Any) -> Any:
    xp, part = A.xp, A.array
    part = part[rows, ...] if isinstance(rows, int) else _indices.take(part, rows, xp)
    if isinstance(rows, int) or isinstance(columns, int):
        line = part[..., columns] if isinstance(columns, int) else _indices.take(part, columns, xp)
        return xp.asarray(line, copy=True)  # no view of the operator's own memory
    if isinstance(columns, range):
        return Dense(part[:, _indices.as_slice(columns)])
    return Dense(xp.take(part, columns, axis=1))


# functions


@rule(solve, Dense, how="LU factorisation, kept", cost="2/3 n³, then 2 n²", memory="n²")
def _solve(A: Dense, B: Any) -> Any:
    xp = A.xp
    if 0 in B.shape:
        return xp.asarray(B, copy=True)
    if coarser(A, B):
        A = Dense(xp.astype(A.array, B.dtype))  # the precision of the result
    if not (is_numpy(xp) or is_cupy(xp)):
        require_finite("A", A.array)
        return xp.linalg.solve(A.array, B)
    lu, pivots = A._lu
    if not bool(xp.all(xp.linalg.diagonal(lu) != 0)):
        raise singular(A, "a pivot is zero")
    return scipy_of(xp, "linalg").lu_solve((lu, pivots), B, check_finite=False)


@rule(inv, Dense, how="LU factorisation", cost="2 n³", memory="2 n²")
def _inv(A: Dense) -> Dense:
    one = A.xp.eye(A.shape[0], dtype=A.dtype, device=A.device)
    return Dense(answer(solve, A, then=(one,)))


@rule(slogdet, Dense, how="LU factorisation", cost="2/3 n³", memory="n²")
def _slogdet(A: Dense) -> Any:
    require_finite("A", A.array)
    return A.xp.linalg.slogdet(A.array)


@rule(eigh, Dense, how="eigendecomposition, if A = Aᴴ holds", cost="9 n³", memory="2 n²")
def _eigh(A: Dense) -> Any:
    xp = A.xp
    w, V = xp.linalg.eigh(_hermitian_part(A))
    return w, Dense(V)


def _hermitian_part(A: Dense) -> Any:
    """Return ``(A + Aᴴ) / 2`` of a matrix that has to be Hermitian."""
    require_finite("A", A.array)
    if not is_hermitian(A):
        raise not_hermitian(A)
    return hermitian_part(A.array, A.xp)


@rule(eig, Dense, how="eigendecomposition (Hermitian, if A = Aᴴ)", cost="25 n³", memory="3 n²")
def _eig(A: Dense) -> Any:
    require_finite("A", A.array)
    if is_hermitian(A):
        return eigh(A)
    decompose = getattr(A.xp.linalg, "eig", None)
    if decompose is None:
        raise TypeError(f"{A!r}: its array library has no eig for matrices that are not Hermitian")
    w, V = decompose(A.array)
    return w, Dense(V)


_singular_values: dict[str, Any] = {"cost": "about 10 m n min(m, n)", "memory": "3 m n"}


@rule(svd, Dense, how="singular value decomposition, kept", **_singular_values)
def _svd(A: Dense) -> Any:
    U, S, Vh = A._svd
    return Dense(U), A.xp.asarray(S, copy=True), Dense(Vh)


@rule(svdvals, Dense, how="singular values", cost="about 4 m n min(m, n)", memory="m n")
def _svdvals(A: Dense) -> Any:
    require_finite("A", A.array)
    return A.xp.linalg.svdvals(A.array)


@rule(lstsq, Dense, how="V ((Uᴴ b) / σ), U, σ and V kept", **_singular_values)
def _lstsq(A: Dense, B: Any) -> Any:
    return lstsq_within(A, B, A.dtype)


def lstsq_within(A: Dense, B: Any, dtype: Any) -> Any:
    """Return the least squares; ``eps`` of the data type tells which singular values are zero."""
    xp = A.xp
    if coarser(A, B):
        A = Dense(xp.astype(A.array, B.dtype))  # the precision of the result
    U, S, Vh = A._svd
    zero = negligible(S, A.shape, xp, dtype)[:, None]
    C = Dense(U)._rmatmat(B) / xp.where(zero, 1, S[:, None])
    return Dense(Vh)._rmatmat(xp.where(zero, 0, C))


@rule(pinv, Dense, how="V diag(1/σ) Uᴴ", **_singular_values)
def _pinv(A: Dense) -> Dense:
    return Dense(answer(lstsq, A, then=(A.xp.eye(A.shape[0], dtype=A.dtype, device=A.device),)))


def _raising(xp: Any) -> Any:
    """Return a context in which CuPy's factorisations raise what they find, as others do."""
    return (
        importlib.import_module("cupyx").errstate(linalg="raise") if is_cupy(xp) else nullcontext()
    )


@rule(cholesky, Dense, how="Cholesky factorisation, if A = Aᴴ holds", cost="n³/3", memory="n²")
def _cholesky(A: Dense) -> Dense:
    return Dense(cholesky_factor(A, _hermitian_part(A)))


def cholesky_factor(A: LinearOperator, hermitian: Any) -> Any:
    """Return the factor of a Hermitian array, or of a stack of them, of which ``A`` is made."""
    xp = A.xp
    try:
        with _raising(xp):
            L = xp.linalg.cholesky(hermitian)
    except np.linalg.LinAlgError:
        raise not_positive(A) from None
    if not bool(xp.all(xp.isfinite(L))):
        raise not_positive(A)
    return L


@rule(expm, Dense, how="scaling and squaring", cost="20 n³ and more", memory="9 n²")
def _expm(A: Dense) -> Dense:
    require_finite("A", A.array)
    return Dense(exponential(A.array, A.xp))


@rule(
    norm,
    Dense,
    how="fro, 1 and inf: sums of the entries",
    cost="m n",
    memory="m n",
    may_decline=True,
)
def _norm(A: Dense, ord: str | float) -> Any:
    if ord == "fro":
        return A._scalar(euclidean(A.array), A.real_dtype)
    if ord in (1, math.inf):
        return A.xp.max(A.xp.sum(A.xp.abs(A.array), axis=0 if ord == 1 else 1))
    return NotImplemented


@rule(trace, Dense, how="sum of the diagonal", cost="n", memory="1")
def _trace(A: Dense) -> Any:
    return A.xp.linalg.trace(A.array)


@rule(diagonal, Dense, how="the stored entries", cost="0", memory="n")
def _diagonal(A: Dense) -> Any:
    return A.xp.asarray(A.xp.linalg.diagonal(A.array), copy=True)
