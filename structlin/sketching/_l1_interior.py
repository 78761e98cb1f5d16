"""Least absolute deviations by an interior-point method."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import namespace
from structlin.sketching._lp_newton import dual_bound, negligible_norm, p_norm, projection, raised


def least_absolute(Q: Any, b: Any, y: Any, rtol: float, maxiter: int) -> tuple[Any, float, int]:
    """Minimise ``‖b − Q y‖₁``; return ``y``, the relative gap of duality and the number of steps.

    Parameters
    ----------
    Q : (m, r) array
        Well-conditioned, of full rank.
    b : (m,) array
        Right-hand side, of norm about 1.
    y : (r,) array
        Where to start.

    Notes
    -----
    The residual is ``g − h`` with ``g, h ≥ 0``, and the dual problem is ``max bᵀv`` where
    ``Qᵀv = 0`` and ``−1 ≤ v ≤ 1``. Steps of Mehrotra's predictor and corrector solve

        ``Q y + g − h = b``,  ``Qᵀv = 0``,  ``g (1 − v) = μ``,  ``h (1 + v) = μ``.
    """
    xp = namespace(Q)
    Qt, project = xp.matrix_transpose(Q), projection(Q)
    floor = negligible_norm(Q, b, y, 1)
    r, v = b - Q @ y, xp.zeros_like(b)
    spread = (0.1 * xp.sum(xp.abs(r)) + floor) / max(1, r.shape[0])
    g, h = xp.maximum(r, 0 * r) + spread, xp.maximum(-r, 0 * r) + spread
    best, lower, gap = (y, math.inf), 0.0, math.inf
    for step in range(maxiter + 1):
        size = p_norm(b - Q @ y, 1)
        if size <= floor:
            return y, 0.0, step
        if size <= best[1]:
            best = y, size
        lower = max(lower, dual_bound(project(v), b, 1))
        gap = max(0.0, best[1] - lower) / best[1]
        if gap <= rtol or step == maxiter:
            break
        up, down = 1 - v, 1 + v
        if not bool(xp.all((up > 0) & (down > 0))):
            break  # rounding has ended the interior
        weights = 1 / (g / up + h / down)
        H = raised(Qt @ (weights[:, None] * Q))
        primal, dual = b - Q @ y - g + h, -(Qt @ v)

        def direction(alpha: Any, beta: Any) -> tuple[Any, Any, Any, Any]:
            """Return steps of y, g, h and v, where the products have to change by these."""
            tau = primal - alpha / up + beta / down  # noqa: B023
            dy = xp.linalg.solve(H, (Qt @ (weights * tau) - dual)[:, None])[:, 0]  # noqa: B023
            dv = weights * (tau - Q @ dy)  # noqa: B023
            return dy, (alpha + g * dv) / up, (beta - h * dv) / down, dv  # noqa: B023

        _, dg, dh, dv = direction(-g * up, -h * down)
        mu = xp.sum(g * up + h * down)
        s, t = _longest((g, dg), (h, dh)), _longest((up, -dv), (down, dv))
        after = xp.sum((g + s * dg) * (up - t * dv) + (h + s * dh) * (down + t * dv))
        center = (after / mu) ** 3 * mu / (2 * b.shape[0])
        dy, dg, dh, dv = direction(center - g * up + dg * dv, center - h * down - dh * dv)
        s, t = _longest((g, dg), (h, dh)), _longest((up, -dv), (down, dv))
        y, g, h, v = y + s * dy, g + s * dg, h + s * dh, v + t * dv
    return best[0], gap, step


def _longest(*pairs: tuple[Any, Any]) -> float:
    """Return how far positive numbers may go in a direction, at most 1, and stay positive."""
    xp = namespace(pairs[0][0])
    shrinking = max(float(xp.max(-change / value)) for value, change in pairs)
    return min(1.0, 0.9995 / shrinking) if shrinking > 0 else 1.0
