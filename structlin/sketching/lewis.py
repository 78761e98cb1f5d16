"""Lewis weights: how much each row of a matrix matters to p-norms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._whitening import (
    dense_of,
    factor,
    is_exact,
    range_basis,
    sketch_rows,
    sketched_factor,
    squared_rows,
    whitener,
)
from structlin.sketching.leverage import as_exponent, leverage_scores, projected
from structlin.sketching.row_blocks import RowBlocks
from structlin.sketching.sparse_stack import SparseStack


def lewis_weights(
    A: Any,
    p: float,
    *,
    method: str = "auto",
    tol: float | None = None,
    max_iterations: int = 500,
    rng: Any = None,
) -> Any:
    """Return the ℓp Lewis weights of the rows of a matrix.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank.
    p : float
        The norm, positive and finite.
    method : {"auto", "exact", "sketched"}
        How the leverage scores of each step are had: by a QR factorization, or estimated with
        one sketch. "auto" is exact up to about a second a step.
    tol : float, optional
        The largest ``|log(τᵢ/wᵢ)|`` at the end. By default 1e-6, 1e-4 in single precision, and
        1e-2 where the scores are sketched.
    max_iterations : int
        Steps at most.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketch.

    Returns
    -------
    (m,) array
        The weights, in [0, 1]. They sum to the rank of ``A``, as far as they have converged.

    Raises
    ------
    ValueError
        If ``p`` is not positive and finite, ``tol`` is negative, ``A`` has a NaN or Inf, or the
        method is none of these.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    The weights are the one solution of ``w = τ(W^{1/2−1/p} A)``, with the leverage scores ``τ``
    and ``W = diag(w)``. In ``y = log w``, with ``C = W^{1−2/p}``, it is where

        ``F(y) = log det(Aᴴ C A) + (2/p − 1) Σ wᵢ``

    is smallest (``p < 2``) or largest (``p > 2``); its slope along ``log(τ/w)`` has one sign, so
    that steps ``w ← w (τ/w)^α`` with backtracking from ``α = 2p/(p + 2)`` converge for every
    ``p``, in the end by the factor ``|p − 2|/(p + 2)``. Sketched steps do not look at ``F``: they
    take the smaller of this ``α`` and ``p/2``, which contracts for ``p < 4``.

    Where sketched scores are within a factor ``f``, the weights are within ``f`` for ``p ≤ 2``,
    and ``f^{p/(4 − p)}`` for ``2 < p < 4``. Rows that are so small beside the others that squares
    vanish (1e-160, or 1e-22 in single precision) count as zero.

    A step takes ``4 m n²`` operations, or a third of it and less when sketched; of a `RowBlocks`,
    two passes.

    References
    ----------
    M. B. Cohen and R. Peng, "Lp row sampling by Lewis weights", STOC 2015.

    Examples
    --------
    >>> import numpy as np
    >>> lewis_weights(np.array([[3.0], [1.0]]), 1).round(6)  # |aᵢ|^p / Σ |aⱼ|^p
    array([0.75, 0.25])
    """
    A, p = as_matrix(A), as_exponent(p)
    if tol is not None and not tol >= 0:
        raise ValueError(f"tol is {tol!r}: the largest |log(τ/w)| is not negative")
    if p == 2.0 or 0 in A.shape:
        return leverage_scores(A, method=method, rng=rng)
    xp, shape, exact = A.xp, A.shape, is_exact(method, A)
    if exact and not isinstance(A, RowBlocks):
        A = Dense(range_basis(dense_of(A), xp))
    if tol is None:
        tol = max(1e-6, 1000 * xp.finfo(A.dtype).eps) if exact else 1e-2
    seed = None if exact else seed_of(rng)
    S = None if exact else SparseStack(sketch_rows(shape[1]), shape[0], rng=seed, like=A)
    basis = whitener(_factor(S, A), shape, xp)

    def scores(log_w: Any) -> tuple[Any, float]:
        """Return the logarithms of ``aᵢᴴ (Aᴴ C A)⁻¹ aᵢ``, and ``log det(Aᴴ C A)``."""
        half = (0.5 - 1 / p) * log_w
        top = xp.max(half)
        scale = xp.exp(half - top)
        _, s, Vh = xp.linalg.svd(_factor(S, A, scale) @ basis, full_matrices=False)
        T = basis @ (adjoint_of(Vh, xp) / s)
        if seed is not None:
            T = projected(T, shape[0], seed, A)
        logdet = 2 * float(xp.sum(xp.log(s) + top))
        q = squared_rows(A, T)
        return xp.log(xp.where(q > 0, q, 1)) - 2 * top, logdet

    w, gap = _fixed_point(p, scores, squared_rows(A, basis), exact, tol, max_iterations)
    if not gap <= tol:
        warnings.warn(
            f"Lewis weights for p = {p:g} did not converge: |log(τ/w)| is {gap:.3g}, not {tol:.3g},"
            f" after {max_iterations} steps; raise max_iterations or tol",
            ConvergenceWarning,
            stacklevel=2,
        )
    return w


def _factor(S: Any, A: LinearOperator, scale: Any = None) -> Any:
    return factor(A, scale) if S is None else sketched_factor(S, A, scale)


def _fixed_point(
    p: float,
    scores: Callable[[Any], tuple[Any, float]],
    first: Any,
    exact: bool,
    tol: float,
    max_iterations: int,
) -> tuple[Any, float]:
    """Return the weights, and the largest ``|log(τ/w)|``; rows that are zero keep the weight 0."""
    xp = namespace(first)
    some = first > 0
    rank = max(1.0, float(xp.sum(first)))
    count = max(1, int(xp.sum(xp.astype(some, xp.int64))))
    log_w = xp.where(some, math.log(rank / count), 0 * first)
    step = 2 * p / (p + 2) if exact else min(2 * p / (p + 2), p / 2)
    sign = 1.0 if p < 2 else -1.0

    def look(log_w: Any) -> tuple[float, Any, float, float]:
        w, (log_q, logdet) = xp.where(some, xp.exp(log_w), 0), scores(log_w)
        gap = xp.where(some, log_q - 2 / p * log_w, 0)  # log(τ/w), as τ = w^{1−2/p} q
        value = sign * (logdet + (2 / p - 1) * float(xp.sum(w)))
        slope = -abs(1 - 2 / p) * float(xp.sum(w * xp.expm1(gap) * gap))
        return value, gap, slope, float(xp.max(xp.abs(gap)))

    value, gap, slope, largest = look(log_w)
    for _ in range(max_iterations):
        if not largest > tol:  # NaN where a power of the weights has overflowed
            break
        alpha = step
        while True:
            trial = look(log_w + alpha * gap)
            rounding = 100 * float(xp.finfo(first.dtype).eps) * (1 + abs(value))
            if not exact or trial[0] <= value + 1e-4 * alpha * slope + rounding or alpha < 1e-3:
                break
            alpha /= 2
        log_w = log_w + alpha * gap
        value, gap, slope, largest = trial
    return xp.where(some, xp.clip(xp.exp(log_w), 0, 1), 0), largest
