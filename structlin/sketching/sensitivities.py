"""Sensitivities of the rows of a matrix: the largest part one can have of a p-norm."""

from __future__ import annotations

import math
import warnings
from types import ModuleType
from typing import Any

from structlin._errors import ConvergenceWarning
from structlin.matrices._base import adjoint_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._whitening import dense_of, range_basis
from structlin.sketching.leverage import as_exponent, leverage_scores
from structlin.sketching.lewis import lewis_weights

# how far upper and lower bounds may be apart, and the steps towards it
_tolerance, _steps = 1e-6, 200


def lp_sensitivities(A: Any, p: float, *, method: str = "bound", rng: Any = None) -> Any:
    """Return the ℓp sensitivities of the rows of a matrix, or bounds above them.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank.
    p : float
        The norm, positive and finite.
    method : {"bound", "exact"}
        "bound" gives upper bounds by Lewis weights. "exact" solves a convex problem for every row,
        for ``p > 1``: for small matrices.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketches of `lewis_weights` for large matrices.

    Returns
    -------
    (m,) array
        ``max |aᵢ x|^p / ‖A x‖_p^p`` over all ``x``, or the bounds, in [0, 1].

    Raises
    ------
    ValueError
        If ``p`` is not positive and finite, or not above 1 for "exact"; ``A`` has a NaN or Inf;
        the method is none of these.

    Warns
    -----
    ConvergenceWarning
        If exact sensitivities are not certain to 1e-6, or Lewis weights have not converged.

    Notes
    -----
    The sensitivity of row ``i`` is at most its Lewis weight ``wᵢ`` for ``p ≤ 2``, and
    ``r^{p/2−1} wᵢ`` for ``p > 2``, with the rank ``r``; for ``p = 2`` it is the leverage score.

    The exact ones are ``1/‖A x‖_p^p`` for the smallest ``‖A x‖_p`` with ``aᵢ x = 1``, found by
    reweighted least squares with line search. Each step gives a ``y`` with ``Aᴴ y = aᵢᴴ``, and so
    the upper bound ``‖y‖_q^p``, ``1/p + 1/q = 1``, which is what is returned; ``x`` gives the lower
    one. About ``20 m² n²`` operations.

    References
    ----------
    D. P. Woodruff and T. Yasuda, "Sharper bounds for ℓp sensitivity sampling", ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> lp_sensitivities(np.array([[1.0], [1.0], [2.0]]), 3, method="exact").round(6)
    array([0.1, 0.1, 0.8])
    """
    A, p = as_matrix(A), as_exponent(p)
    xp = A.xp
    if method not in ("bound", "exact"):
        raise ValueError(f"method is {method!r}: choose 'bound' or 'exact'")
    if p == 2.0 or 0 in A.shape:
        return leverage_scores(A, method="auto" if method == "bound" else "exact", rng=rng)
    if method == "bound":
        weights = lewis_weights(A, p, rng=rng)
        rank = max(1.0, float(xp.sum(weights)))
        return xp.clip(weights * rank ** max(0.0, p / 2 - 1), 0, 1)
    if p <= 1:
        raise ValueError(f"p is {p:g}: exact sensitivities are for p > 1, and bounds for all p")
    Q = range_basis(dense_of(A), xp)
    found = [_sensitivity(Q, i, p, xp) for i in range(A.shape[0])]
    worst = max(gap for _, gap in found)
    if worst > _tolerance:
        warnings.warn(
            f"sensitivities are known up to the factor {1 + worst:.6g} only: the answer is the "
            "upper bound",
            ConvergenceWarning,
            stacklevel=2,
        )
    return xp.asarray([value for value, _ in found], dtype=A.real_dtype, device=A.device)


def _sensitivity(Q: Any, i: int, p: float, xp: ModuleType) -> tuple[float, float]:
    """Return an upper bound, and by which part it may be too large."""
    row = adjoint_of(Q[i : i + 1, :], xp)
    size = float(xp.sum(xp.abs(row) ** 2))
    if size == 0:
        return 0.0, 0.0
    x = row / size
    step, upper, lower = 1 / max(1.0, p - 1), math.inf, 0.0
    for _ in range(_steps):
        r = Q @ x
        lengths = xp.abs(r)[:, 0]
        lower = max(lower, _norm(lengths, p, xp) ** -p)
        weights = xp.clip(lengths / xp.max(lengths), 1e-12, 1) ** (p - 2)
        # M stays regular, and y as it should be
        weights = xp.clip(weights, xp.finfo(weights.dtype).eps * float(xp.max(weights)), None)
        M = adjoint_of(Q, xp) @ (weights[:, None] * Q)
        z = xp.linalg.solve(M, row)
        y = xp.abs(weights[:, None] * (Q @ z))[:, 0]
        upper = min(upper, _norm(y, p / (p - 1), xp) ** p)
        if upper <= (1 + _tolerance) * lower:
            break
        d = z / (adjoint_of(row, xp) @ z) - x
        before, t = _norm(lengths, p, xp), step
        while _norm(xp.abs(r + t * (Q @ d))[:, 0], p, xp) >= before and t > 1e-6:
            t /= 2
        x = x + t * d
    return min(upper, 1.0), upper / lower - 1


def _norm(lengths: Any, p: float, xp: ModuleType) -> float:
    return float(xp.linalg.vector_norm(lengths, ord=p))
