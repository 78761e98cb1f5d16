"""The condition number, between bounds."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from structlin.matrices import Dense, LinearOperator, cond as exact_cond, inv, svdvals
from structlin.matrices._base import size_text
from structlin.matrices.fallback import fits, has_svd, structured
from structlin.sketching._estimate import Estimate, estimate
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching.norm import norm
from structlin.sketching.sparse_stack import SparseStack

# rows or columns up to which all singular values are worked out, and rows of a sketch for each
# column
_small, _oversampling = 256, 8
# what a sketch adds to the smallest and largest singular values √(n/d) of a Gaussian one
_below, _above = 1.15, 1.35


def cond(
    A: Any, *, method: str = "auto", sketch_size: int | None = None, rng: Any = None
) -> Estimate:
    """Estimate the condition number ``σ₁ / σ_min`` for the 2-norm, with an interval.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix. Wide ones are taken as their adjoints.
    method : {"auto", "exact", "sketch", "inverse"}
        ``"exact"`` is `structlin.cond`. ``"sketch"`` takes the singular values of a sketch of a
        tall matrix, in one pass over it. ``"inverse"`` multiplies the norms of a square matrix
        and of its inverse, for which systems are solved. ``"auto"`` is exact where that is cheap,
        the sketch from 8 rows for a column on, and the inverse of square matrices.
    sketch_size : int, optional
        Rows of the sketch ``d``, a multiple of 8; ``8 n`` by default.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the sketch or of the start vectors.

    Returns
    -------
    Estimate
        ``value`` and ``interval``; ``error_estimate`` is how far the upper end is.

    Raises
    ------
    ValueError
        If ``A`` is empty or not finite, a method does not fit its shape, or none does.

    Notes
    -----
    A sketch with ``d`` rows changes the lengths of all vectors of the range by factors within
    ``[1 − 1.15 η, 1 + 1.35 η]``, ``η = √(n/d)``, but for one matrix in a hundred: the condition
    number of ``A`` lies between ``κ(S A)`` divided and multiplied by the ratio of both. For
    ``"inverse"``, see the 2-norm of `norm`. From ``1/eps`` on, a value says no more than that the
    matrix is singular to working precision: then the interval ends at ∞.

    References
    ----------
    P.-G. Martinsson and J. A. Tropp, "Randomized numerical linear algebra: foundations and
    algorithms", Acta Numerica 29 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.vander(np.linspace(0, 1, 3000), 6)
    >>> result = cond(A, method="sketch", rng=0)
    >>> low, high = result.interval
    >>> bool(low < np.linalg.cond(A) < high < 10 * low)
    True
    """
    A = as_matrix(A)
    if method not in ("auto", "exact", "sketch", "inverse"):
        raise ValueError(
            f"method is {method!r}: choose one of 'auto', 'exact', 'sketch', 'inverse'"
        )
    if 0 in A.shape:
        raise ValueError(f"A is {size_text(A.shape)}: an empty matrix has no condition number")
    if A.shape[0] < A.shape[1]:
        A = A.H
    m, n = A.shape
    d = _oversampling * n if sketch_size is None else operator.index(sketch_size)
    if method == "auto":
        method = _chosen(A, d)
    if method == "exact":
        return _estimate(A, float(exact_cond(A)), 1.0, method="exact: structlin.cond", passes=1)
    seed = seed_of(rng)
    if method == "sketch":
        return _of_sketch(A, d, seed)
    if m != n:
        raise ValueError(f"A is {size_text(A.shape)}: method 'inverse' needs a square matrix")
    return _of_inverse(A, seed)


def _chosen(A: LinearOperator, d: int) -> str:
    m, n = A.shape
    known = not isinstance(A, Dense) and (structured(svdvals, A) or has_svd(A))
    if known or (n <= _small and m < d and fits(A)):
        return "exact"
    if m >= d:
        return "sketch"
    return "inverse" if m == n else "exact"


def _estimate(A: LinearOperator, value: float, ratio: float, **report: Any) -> Estimate:
    """Return an estimate that may be off by a factor."""
    largest = 1 / float(A.xp.finfo(A.dtype).eps)
    upper = value * ratio if value < largest else math.inf
    lower = max(min(value, largest) / ratio, 1.0)
    error = upper - value if upper > value else 0.0
    return estimate(value, error_estimate=error, interval=(lower, upper), **report)


def _of_sketch(A: LinearOperator, d: int, seed: int) -> Estimate:
    xp, (m, n) = A.xp, A.shape
    distortion = math.sqrt(n / d) if d > 0 else math.inf
    if _below * distortion >= 1:
        fewest = 8 * (math.floor(_below**2 * n / 8) + 1)
        raise ValueError(
            f"sketch_size is {d}, but A has {n} columns: at least {fewest} rows tell about its "
            "condition"
        )
    if d > m:
        raise ValueError(
            f"sketch_size is {d}, but A has {m} rows: method 'sketch' is for taller matrices"
        )
    values = xp.linalg.svdvals(SparseStack(d, m, rng=seed, like=A).apply(A))
    with np.errstate(all="ignore"):  # ∞ where σ_n is zero, or all but
        largest, least = float(values[0]), float(values[-1])
    value = largest / least if least > 0 and largest / least < math.inf else math.inf
    ratio = (1 + _above * distortion) / (1 - _below * distortion)
    return _estimate(A, value, ratio, method=f"sketch of {d} rows, one pass", passes=1, seed=seed)


def _of_inverse(A: LinearOperator, seed: int) -> Estimate:
    size = norm(A, 2, method="random", rng=seed)
    try:
        back = norm(inv(A), 2, method="random", rng=seed_of([seed, 1]))
    except np.linalg.LinAlgError:
        return _estimate(A, math.inf, 1.0, method="a system has no solution", seed=seed)
    (low, high), (least, most) = size.interval, back.interval
    value = size.value * back.value
    return estimate(
        value,
        error_estimate=high * most - value,
        interval=(low * least, high * most),
        method="norms of the matrix and of its inverse, by block Krylov spaces",
        converged=size.converged and back.converged,
        passes=size.passes + back.passes,
        iterations=size.iterations + back.iterations,
        seed=seed,
        matvecs=size.matvecs + back.matvecs,
    )
