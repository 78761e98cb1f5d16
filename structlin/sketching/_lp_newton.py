"""Newton's method for ``min ‖b − Q y‖_p`` with a certificate: a feasible point of the dual."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace

# how the smoothing shrinks, once Newton's method has converged for it
_shrink = 0.2
# squares of smoothings that are tried for the dual of any residual
_smoothings = [100.0**-i for i in range(8)]


def minimise(Q: Any, b: Any, y: Any, p: float, rtol: float, maxiter: int) -> tuple[Any, float, int]:
    """Return ``y``, the relative gap of duality and the number of steps.

    Parameters
    ----------
    Q : (m, r) array
        Well-conditioned, of full rank.
    b : (m,) array
        Right-hand side, of norm about 1.
    y : (r,) array
        Where to start.
    p : float
        Above 1.

    Notes
    -----
    Steps minimise ``Σ (rᵢ² + ε²)^{p/2}``; ``ε`` shrinks as they converge. Where ``Qᵀ v = 0``,

        ``min ‖b − Q y‖_p ≥ bᵀ v / ‖v‖_q``,  ``1/p + 1/q = 1``,

    and ``v = r (r² + ε²)^{p/2 − 1}`` makes it an equation at the minimum, as ``ε → 0``. ``v`` is
    projected onto the complement of ``Q`` first. Large ``p`` begin where ``p/2`` ends.
    """
    xp = namespace(Q)
    if p > 4:
        y, _, _ = minimise(Q, b, y, p / 2, 1e-2, maxiter)
    project = projection(Q)
    eps = float(xp.finfo(Q.dtype).eps)
    floor = negligible_norm(Q, b, y, p)
    epsilon, lower, best, gap = 0.0, 0.0, (y, math.inf), math.inf
    for step in range(maxiter + 1):
        r = b - Q @ y
        size = p_norm(r, p)
        if size <= best[1]:
            best = y, size
        if size <= floor:
            return y, 0.0, step
        if step == 0:
            epsilon = size / r.shape[0] ** (1 / p)
        # s² + e² ≤ 1, so that powers stay in the range
        unit = math.hypot(float(xp.max(xp.abs(r))), epsilon)
        s, e = r / unit, epsilon / unit
        v = s * (s**2 + e**2) ** (p / 2 - 1)
        lower = max(lower, dual_bound(project(v), b, p))
        gap = max(0.0, best[1] - lower) / best[1]
        if gap <= rtol or step == maxiter or e <= eps**2:
            break
        change, decrement = _direction(Q, v, (s**2 + e**2) ** (p / 2 - 2) * ((p - 1) * s**2 + e**2))
        length, gained = _length(s, Q @ change, e, p, decrement)
        y = y + (length * unit) * change
        # a smoothing is done once the gain of a step is small against the gap
        if gained <= 0.1 * max(gap, rtol) * p:
            epsilon *= _shrink
    return best[0], gap, step


def p_norm(r: Any, p: float) -> float:
    """Return ``‖r‖_p``, in units of the largest entry."""
    xp = namespace(r)
    largest = float(xp.max(xp.abs(r))) if r.shape[0] else 0.0
    return largest * float(xp.sum(xp.abs(r / largest) ** p)) ** (1 / p) if largest else 0.0


def negligible_norm(Q: Any, b: Any, y: Any, p: float) -> float:
    """Return what rounding leaves of a residual that is zero."""
    eps = float(namespace(Q).finfo(Q.dtype).eps)
    return 10 * eps * max(p_norm(b, p), p_norm(Q @ y, p))


def gap_of(Q: Any, b: Any, y: Any, p: float) -> float:
    """Return the relative gap of duality of any ``y``, by the best of some points of the dual."""
    xp = namespace(Q)
    r, project = b - Q @ y, projection(Q)
    unit, size = float(xp.max(xp.abs(r))), p_norm(r, p)
    if not unit:
        return 0.0
    s = r / unit
    points = (s * ((s**2 + e) / (1 + e)) ** (p / 2 - 1) for e in _smoothings)
    return max(0.0, size - max(dual_bound(project(v), b, p) for v in points)) / size


def projection(Q: Any) -> Callable[[Any], Any]:
    """Return the projection of vectors onto the complement of the columns."""
    xp = namespace(Q)
    Qt = xp.matrix_transpose(Q)
    gram = raised(Qt @ Q)

    def project(v: Any) -> Any:
        for _ in range(2):
            v = v - Q @ xp.linalg.solve(gram, (Qt @ v)[:, None])[:, 0]
        return v

    return project


def raised(H: Any) -> Any:
    """Return a semidefinite matrix with its diagonal raised by what rounding may have taken."""
    xp = namespace(H)
    tiny = float(xp.finfo(H.dtype).eps) * xp.linalg.trace(H)
    return H + tiny * xp.eye(H.shape[0], dtype=H.dtype, device=H.device)


def dual_bound(v: Any, b: Any, p: float) -> float:
    """Return the lower bound that a feasible direction gives."""
    xp = namespace(v)
    size = float(xp.max(xp.abs(v))) if p == 1 else p_norm(v, p / (p - 1))
    return float(xp.sum(b * v)) / size if size else 0.0


def _direction(Q: Any, v: Any, curvature: Any) -> tuple[Any, float]:
    """Return Newton's step, and the square of its decrement."""
    xp = namespace(Q)
    H = raised(xp.matrix_transpose(Q) @ (curvature[:, None] * Q))
    gradient = xp.matrix_transpose(Q) @ v
    change = xp.linalg.solve(H, gradient[:, None])[:, 0]
    return change, float(xp.sum(gradient * change))


def _length(s: Any, moved: Any, e: float, p: float, decrement: float) -> tuple[float, float]:
    """Return a length of the step that gains enough, and the gain relative to the objective."""
    xp = namespace(s)

    def objective(residual: Any) -> float:
        return float(xp.sum((residual**2 + e**2) ** (p / 2)))

    value, length = objective(s), 1.0
    while length > 1e-12:
        gain = value - objective(s - length * moved)
        if gain >= 1e-4 * length * p * decrement:
            return length, gain / value
        length /= 2
    return 0.0, 0.0
