"""The trace of a matrix that is known by its products with vectors."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from structlin.matrices import LinearOperator, trace as exact_trace
from structlin.matrices.fallback import structured
from structlin.matrices.systems import square
from structlin.sketching._estimate import Estimate, estimate
from structlin.sketching._leave_one_out import ScaledProducts, real_trace
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import warn_unconverged
from structlin.sketching._trace_estimators import (
    Hutchinson,
    HutchPlusPlus,
    TraceEstimator,
    XNysTrace,
    XTrace,
)
from structlin.sketching.diagonal import diagonal_of_rows
from structlin.sketching.row_blocks import RowBlocks

_methods: dict[str, type[TraceEstimator]] = {
    "xtrace": XTrace,
    "xnystrace": XNysTrace,
    "hutch++": HutchPlusPlus,
    "hutchinson": Hutchinson,
}
# products without and with a tolerance, and those of the first round
_products, _most, _first = 60, 4000, 30


def trace(
    A: Any,
    *,
    method: str = "auto",
    matvecs: int | None = None,
    tol: float | None = None,
    rng: Any = None,
) -> Estimate:
    """Estimate the trace of a square matrix by products with random vectors.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix: of an operator, products ``A @ X`` are all that is needed.
    method : {"auto", "xtrace", "xnystrace", "hutch++", "hutchinson"}
        ``"xnystrace"`` is for positive semidefinite matrices. ``"auto"`` sums the diagonal where
        the entries or the structure tell it, and is ``"xtrace"`` otherwise.
    matvecs : int, optional
        Products with vectors, 60 by default; with ``tol``, the most that are spent, 4000 by
        default. With ``n`` products the trace is exact: then no method is asked.
    tol : float, optional
        Double the products until the standard error is at most ``tol |value|``.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the test vectors.

    Returns
    -------
    Estimate
        ``value``, ``standard_error`` (which is ``error_estimate``), ``interval``, ``matvecs``.

    Raises
    ------
    ValueError
        If ``A`` is not square or not finite, options make no sense, or ``"xnystrace"`` finds that
        ``A`` is not positive semidefinite.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached.

    Notes
    -----
    With test vectors ``ω``, ``E ωᴴ A ω = tr A``: that is Hutchinson's estimator, whose standard
    error is ``O(‖A‖_F / √m)`` after ``m`` products. Hutch++ takes the trace exactly on the range
    ``Q`` of ``A Ω``, with a third of the vectors, and estimates the rest. XTrace does so with each
    vector left out of the range in turn, so that all serve both ends:
    ``tr(Q_iᴴ A Q_i) + c_i ω_iᴴ (I − Q_i Q_iᴴ) A (I − Q_i Q_iᴴ) ω_i``, and the mean over ``i``;
    XNysTrace leaves them out of a Nyström approximation, in half the products. The factors ``c_i``
    make the projected test vectors as long as they are on average. Costs beside the products:
    ``O(n m²)``. All estimators are unbiased.

    The standard error comes from the spread of the terms: ``m`` for Hutchinson and XNysTrace,
    ``m/2`` for XTrace, ``m/3`` for Hutch++; below ten of them it is rough. Terms of XTrace and
    XNysTrace share their ranges, and their spread over ``√m`` is too small, by half or more; the
    jackknife, which leaves out a second vector, is too large by as much. What is reported is the
    geometric mean of both.

    References
    ----------
    M. F. Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian
    smoothing splines", Communications in Statistics 19 (1990).

    R. A. Meyer, C. Musco, C. Musco and D. P. Woodruff, "Hutch++: optimal stochastic trace
    estimation", SOSA 2021.

    E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every sample in
    stochastic trace estimation", SIAM Journal on Matrix Analysis and Applications 45 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag(1.0 / np.arange(1, 501) ** 2)
    >>> result = trace(A, method="xtrace", matvecs=80, rng=0)
    >>> bool(abs(float(result) - np.trace(A)) < 3 * result.standard_error < 0.01)
    True
    """
    A = square(as_matrix(A), "trace")
    seed = seed_of(rng)
    if method not in (known := ("auto", *_methods)):
        raise ValueError(f"method is {method!r}: choose one of {', '.join(map(repr, known))}")
    if tol is not None and not tol > 0:
        raise ValueError(f"tol is {tol}: it has to be positive")
    known_diagonal = isinstance(A, RowBlocks) or structured(exact_trace, A)
    if method == "auto" and known_diagonal:
        return _exactly(A, known_diagonal)
    estimator = _methods["xtrace" if method == "auto" else method](A)
    cost = estimator.cost
    budget = operator.index((_products if tol is None else _most) if matvecs is None else matvecs)
    if budget < 2 * cost:
        raise ValueError(
            f"matvecs is {budget}: {estimator.name} has a standard error from {2 * cost} on"
        )
    n = A.shape[0]
    total = budget if tol is None else min(budget, _first)
    if n <= total:
        return _exactly(A, known_diagonal)
    terms, count, rounds = 0, total // cost, 0
    while True:
        estimator.grow(count, seed if rounds == 0 else seed_of([seed, rounds]))
        terms, rounds = terms + count, rounds + 1
        value, error = estimator.value_and_error()
        reached = tol is None or error <= tol * abs(value)
        count = min(2 * terms, budget // cost) - terms
        if reached or count < 1:
            break
        if n <= cost * count:  # all of them are no more than the next round
            return _exactly(A, known_diagonal, estimator.product)
    unit = estimator.product.unit
    if real_trace(A):
        value = value.real
    result = estimate(
        value * unit,
        error * unit,
        method=estimator.name,
        converged=reached,
        passes=estimator.product.passes,
        iterations=rounds,
        seed=seed,
        matvecs=estimator.product.matvecs,
    )
    warn_unconverged(result, "allow more matvecs, or ask for less")
    return result


def _exactly(A: LinearOperator, known: bool, spent: ScaledProducts | None = None) -> Estimate:
    with np.errstate(over="ignore"):
        found = A.xp.sum(diagonal_of_rows(A)) if isinstance(A, RowBlocks) else exact_trace(A)
    value = complex(found)
    if not np.isfinite(value):
        raise ValueError("the diagonal of A has a NaN or Inf, or its sum is beyond numbers")
    matvecs, passes = (spent.matvecs, spent.passes) if spent else (0, 0)
    n = 0 if known else A.shape[0]
    how = "the sum of the diagonal" if known else "products with the n unit vectors"
    return estimate(
        value if A.is_complex and not real_trace(A) else value.real,
        method=f"exact: {how}",
        passes=passes + (1 if n or isinstance(A, RowBlocks) else 0),
        matvecs=matvecs + n,
    )
