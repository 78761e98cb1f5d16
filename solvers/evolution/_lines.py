"""Implicit diffusion along the lines of a plane: a tridiagonal system for each."""

from __future__ import annotations

from typing import Any

from structlin._backend import kernel, namespace
from structlin._kernels import tridiagonal


class Lines:
    """The matrices ``M + K`` of all lines along the first axis, factorised.

    Values are (n, samples, m): ``n`` points along each of ``m`` lines.

    Parameters
    ----------
    faces : (n + 1, 1 or m) array
        ``K`` by the weights of faces, that of a point with the one before it first; the first and
        the last one lead to a wall, or are the same one.
    mass : (n or 1, 1 or m) array
        The diagonal ``M``.
    periodic : bool
        Whether lines close.
    """

    def __init__(self, faces: Any, mass: Any, periodic: bool) -> None:
        xp = namespace(faces)
        n = faces.shape[0] - 1
        self._mass = mass = xp.expand_dims(xp.broadcast_to(mass, (n, mass.shape[1])), axis=1)
        faces = xp.expand_dims(faces, axis=1)
        self._faces, self._periodic = faces, periodic and n > 1
        rows = faces[:-1, ...] + faces[1:, ...]
        if periodic and n == 1:
            rows = xp.zeros_like(rows)
        diagonal = mass + rows
        # lines that close: T = T' − w e eᵀ, where e has ones at both ends
        ends = xp.zeros_like(diagonal)
        if self._periodic:
            ends[0, ...] = 1.0
            ends[-1, ...] = 1.0
            diagonal = diagonal + ends * faces[:1, ...]
        self._diagonal = mass + rows
        pivots, ratios = [diagonal[0, ...]], [xp.zeros_like(diagonal[0, ...])]
        for j in range(1, n):
            ratios.append(faces[j, ...] / pivots[-1])
            pivots.append(diagonal[j, ...] - faces[j, ...] * ratios[-1])
        self._inverse, self._ratios = 1 / xp.stack(pivots), xp.stack(ratios)
        if self._periodic:
            self._spread = self._chain(ends)
            closed = self._spread[0, ...] + self._spread[-1, ...]
            self._corner = faces[0, ...] / (1 - faces[0, ...] * closed)

    def solve(self, r: Any) -> Any:
        """Return ``(M + K)⁻¹ M r``."""
        x = self._chain(self._mass * r)
        if self._periodic:
            x = x + self._spread * (self._corner * (x[0, ...] + x[-1, ...]))
        return x

    def back(self, u: Any) -> Any:
        """Return ``M⁻¹ (M − K) u``."""
        faces, xp = self._faces, namespace(u)
        y = (2 * self._mass - self._diagonal) * u
        inner = faces[1:-1, ...]
        y[1:, ...] += inner * u[:-1, ...]
        y[:-1, ...] += inner * u[1:, ...]
        if self._periodic:
            y[0, ...] += faces[0, ...] * u[-1, ...]
            y[-1, ...] += faces[0, ...] * u[0, ...]
        return xp.divide(y, self._mass)

    def _chain(self, r: Any) -> Any:
        """Return the solution by the factors alone."""
        return kernel(namespace(r), tridiagonal.chain)(self._ratios, self._inverse, r)
