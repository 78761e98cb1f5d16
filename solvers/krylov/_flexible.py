"""Conjugate directions from whatever is proposed, A-orthogonal to the last few."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from structlin._norm import norm
from structlin.solvers._solution import Solution
from structlin.solvers._vectors import unit_of
from structlin.solvers.krylov._run import Run, Vector, dot, eps_of, real_dot


class _Directions:
    """The last directions ``p`` with ``A p`` and ``pᴴ A p``."""

    def __init__(self, memory: int) -> None:
        self._last: deque[tuple[Vector, Vector, float]] = deque(maxlen=memory)

    def orthogonal(self, d: Vector) -> Vector:
        """Return ``d`` less what is not A-orthogonal to the directions."""
        for p, q, curvature in self._last:
            d = d - (dot(q, d) / curvature) * p
        return d

    def add(self, p: Vector, q: Vector, curvature: float) -> None:
        self._last.append((p, q, curvature))

    def forget(self) -> None:
        self._last.clear()


def flexible_cg(run: Run, direction: Callable[[Vector], Vector] | None, memory: int) -> Solution:
    """Minimise the energy norm of the error along directions that nothing need relate."""
    r = run.start()
    x = run.x
    if direction is not None:
        run.choices["refused"] = 0
    if r is None:
        return run.solution(x, "converged")
    scale = unit_of(r, None)  # residual and directions have a unit of their own
    r = r if scale == 1 else r / scale
    target, size = run.target / scale, norm(r)
    directions = _Directions(memory)
    for _ in range(run.maxiter):
        p = None
        if direction is not None:
            p = _useful(directions, direction(r), r, size)
            run.choices["refused"] += p is None
        if p is None:
            z = r if run.precondition is None else run.precondition(r)
            if not real_dot(r, z) > 0:  # NaN too
                return run.solution(x, "breakdown")
            p = directions.orthogonal(z)
        q = run.product(p)
        curvature = real_dot(p, q)
        if not 0 < curvature < math.inf:
            return run.solution(x, "breakdown")
        step = dot(p, r) / curvature
        x = x + (step * scale) * p
        r = r - step * q
        directions.add(p, q, curvature)
        size = norm(r)
        run.norms.append(size * scale)
        run.show(x)
        if size <= target:
            x, r, status = run.checked(x)
            if status is not None:
                return run.solution(x, status)
            r, size = r / scale, run.norms[-1] / scale
            directions.forget()
        if run.late():
            return run.solution(x, "time_limit")
    return run.solution(x, "max_iterations")


def _useful(directions: _Directions, d: Vector, r: Vector, size: float) -> Vector | None:
    """Return a proposed direction, of norm 1 and A-orthogonal to the last, if it is of use."""
    length = norm(d)
    if not 0 < length < math.inf:
        return None
    p = directions.orthogonal(d / length)
    length = norm(p)
    least = math.sqrt(eps_of(r))  # below, what is left is mostly rounding errors
    if not least < length < math.inf:
        return None
    p = p / length
    return p if abs(dot(p, r)) > least * size else None
