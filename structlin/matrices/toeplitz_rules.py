"""Systems with Toeplitz matrices, and their determinants."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin._validation import require_finite
from structlin.matrices._base import conjugate
from structlin.matrices.algebra import Inverse
from structlin.matrices.block_toeplitz import BlockToeplitz
from structlin.matrices.circulant import Circulant
from structlin.matrices.dense import Dense
from structlin.matrices.fallback import fits
from structlin.matrices.functions import inv, slogdet, solve
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import answer, rule
from structlin.matrices.toeplitz import Toeplitz

# rows up to which LU factorisation is as fast as Levinson's recursion, and always stable
_small = 256
# rows from which conjugate gradients are faster than the recursion, and to which it runs at all
_large, _largest = 2048, 2**16
# steps of conjugate gradients, and of refinement
_steps, _refinements = 500, 5
# largest backward error of a solution, in units of eps
_tightness = 20


def _is_small(A: BlockToeplitz) -> bool:
    return A.shape[0] <= _small


def _dense(A: BlockToeplitz) -> Dense:
    require_finite("A", A.coefficients)
    return A._stored


_directly: dict[str, Any] = {"when": _is_small, "how": "dense LU factorisation, kept"}


@rule(solve, BlockToeplitz, cost="2/3 n³, then 2 n²", memory="n²", **_directly)
def _solve_directly(A: BlockToeplitz, B: Any) -> Any:
    return answer(solve, _dense(A._in_precision_of(B)), then=(B,))


@rule(slogdet, BlockToeplitz, cost="2/3 n³", memory="n²", **_directly)
def _slogdet_directly(A: BlockToeplitz) -> Any:
    return slogdet(_dense(A))


rule(inv, BlockToeplitz, how="solves at each product", cost="0", memory="0")(Inverse)


# iterations, whose results are checked


def _is_solution(A: BlockToeplitz, R: Any, X: Any, B: Any) -> bool:
    """Tell whether the backward error of every column is of rounding size."""
    xp = A.xp
    residual, solution, given = (xp.linalg.vector_norm(Y, axis=0) for Y in (R, X, B))
    bound = _tightness * float(xp.finfo(B.dtype).eps)
    good = (residual <= bound * (A._scale * solution + given)) & xp.isfinite(solution)
    return bool(xp.all(good))


def _refined(A: BlockToeplitz, approximate: Callable[[Any], Any], B: Any) -> Any:
    """Return the solution that an approximate inverse leads to, if it leads there."""
    X, R = 0 * B, B
    with np.errstate(all="ignore"):  # the residual tells
        for _ in range(_refinements):
            correction = approximate(R)
            if correction is None:
                break
            X = X + correction
            R = B - A._matmat(X)
            if _is_solution(A, R, X, B):
                return X
    return NotImplemented


def optimal_circulant(A: BlockToeplitz) -> Circulant:
    """Return the circulant matrix that is nearest to ``A`` in the Frobenius norm.

    References
    ----------
    T. F. Chan, "An optimal circulant preconditioner for Toeplitz systems", SIAM J. Sci. Stat.
    Comput. 9 (1988).
    """
    xp, column = A.xp, A.coefficients
    for axis, (n, _) in enumerate(A.levels):
        # entry j of the column is the mean of n - j coefficients j and j coefficients j - n
        t = xp.moveaxis(column, axis, -1)
        weight = xp.arange(n, dtype=A.real_dtype, device=A.device) / n
        wrapped = xp.concat([xp.zeros_like(t[..., :1]), t[..., : n - 1]], axis=-1)
        column = xp.moveaxis((1 - weight) * t[..., n - 1 :] + weight * wrapped, -1, axis)
    return Circulant(column)


def _recursive(A: BlockToeplitz) -> bool:
    return isinstance(A, Toeplitz) and A.square_levels and is_numpy(A.xp) and A.shape[0] <= _largest


def _iterates(A: BlockToeplitz) -> bool:
    return A.shape[0] > (_large if _recursive(A) else _small) and is_hermitian(A)


@rule(
    solve,
    BlockToeplitz,
    when=_iterates,
    how="conjugate gradients with T. Chan's circulant preconditioner, if A is positive definite, "
    f"to a backward error of {_tightness} eps, which is checked",
    cost=f"at most {_steps} products with A and with a circulant matrix",
    memory="7 n",
    may_decline=True,
)
def _solve_iteratively(A: BlockToeplitz, B: Any) -> Any:
    require_finite("A", A.coefficients)
    A = A._in_precision_of(B)
    C = optimal_circulant(A)
    eigenvalues = C.xp.real(C.eigenvalues)
    if not bool(C.xp.min(eigenvalues) > 0):
        return NotImplemented  # it is positive definite where A is
    M = C.of_eigenvalues(1 / eigenvalues)
    return _refined(A, functools.partial(_conjugate_gradients, A, M), B)


def _conjugate_gradients(A: BlockToeplitz, M: Circulant, B: Any) -> Any:
    """Return the solution for all columns at once, None if the iteration does not get there."""
    xp = A.xp
    X, R = 0 * B, B
    P, previous = None, None
    for _ in range(_steps):
        Z = M._matmat(R)
        size = _inner(R, Z, xp)
        P = Z if P is None else Z + P * _ratio(size, previous, xp)
        Q = A._matmat(P)
        curvature = _inner(P, Q, xp)
        if bool(xp.any((curvature <= 0) & (size > 0))):
            return None  # A is not positive definite
        step = _ratio(size, curvature, xp)
        X, R, previous = X + P * step, R - Q * step, size
        if _is_solution(A, R, X, B):
            return X
    return None


def _inner(X: Any, Y: Any, xp: Any) -> Any:
    """Return the real parts of the inner products of the columns."""
    products = xp.sum(conjugate(X, xp) * Y, axis=0)
    return xp.real(products) if xp.isdtype(products.dtype, "complex floating") else products


def _ratio(a: Any, b: Any, xp: Any) -> Any:
    """Return quotients; columns that are solved exactly have 0 / 0, which counts as 0."""
    return xp.where(b > 0, a / xp.where(b > 0, b, 1), 0)


@rule(
    solve,
    BlockToeplitz,
    when=_recursive,
    how="columns of the inverse by Levinson's recursion, kept; then four products with triangular "
    f"matrices, refined to a backward error of {_tightness} eps, which is checked",
    cost="8 n² once, then O(n log n)",
    memory="60 n",
    may_decline=True,
)
def _solve_recursively(A: Toeplitz, B: Any) -> Any:
    require_finite("A", A.coefficients)
    xp = A.xp
    wide = xp.astype(B, xp.result_type(B.dtype, xp.float64), copy=False)
    A = A._in_precision_of(wide)
    if A._inverse is None:
        return NotImplemented
    X = _refined(A, A._inverse, wide)
    return X if X is NotImplemented else xp.astype(X, B.dtype, copy=False)


rule(
    solve,
    BlockToeplitz,
    when=lambda A: isinstance(A, Toeplitz) and fits(A),
    how="dense LU factorisation, kept",
    cost="2/3 n³, then 2 n²",
    memory="n²",
)(_solve_directly)


# determinants


@rule(
    slogdet,
    Toeplitz,
    when=lambda A: A.square_levels and A.shape[0] > _small and is_hermitian(A),
    how="recursion of Levinson and Durbin, if A is positive definite",
    cost="2 n²",
    memory="3 n",
    may_decline=True,
)
def _slogdet_recursively(A: Toeplitz) -> Any:
    require_finite("A", A.coefficients)
    xp, n = A.xp, A.shape[0]
    t0 = complex(A.column[0]).real
    if not t0 > 0:
        return NotImplemented
    # det A_k / det A_(k-1) = t₀ Π (1 - |γⱼ|²), j < k, with the reflection coefficients γ
    t = A.column[1:] / t0
    backward = xp.flip(t)
    predictor = xp.zeros_like(t)
    logarithm, error = n * math.log(t0), 1.0
    for k in range(n - 1):
        known = predictor[:k]
        gamma = (
            complex(t[k] - xp.sum(known * backward[n - 1 - k :])) / error if k else complex(t[0])
        )
        shrinking = -(abs(gamma) ** 2)
        if not shrinking > -1:
            return NotImplemented
        value: complex = gamma if A.is_complex else gamma.real
        if k:
            predictor[:k] = known - value * conjugate(xp.flip(known), xp)
        predictor[k] = value
        error *= 1 + shrinking
        logarithm += (n - 1 - k) * math.log1p(shrinking)
    return A._scalar(1.0), A._scalar(logarithm, A.real_dtype)
