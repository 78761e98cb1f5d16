"""The weights by which values on a grid are summed to an integral."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import namespace
from structlin.bases import Chebyshev, Grid, legendre_gauss


def quadrature(grid: Grid | None, shape: tuple[int, ...], *, like: Any) -> Any:
    """Return a positive weight for every point of a grid, as a vector; ones without a grid."""
    xp = namespace(like)
    if grid is None:
        return xp.ones(math.prod(shape), dtype=xp.float64, device=like.device)
    weights = xp.ones((1,), dtype=xp.float64, device=like.device)
    for axis in range(grid.ndim):
        line = xp.asarray(_line(grid, axis), dtype=xp.float64, device=like.device)
        weights = xp.reshape(weights[:, None] * line[None, :], (-1,))
    return weights


def _line(grid: Grid, axis: int) -> Any:
    xp, x = grid.xp, grid.axes[axis]
    kind, (low, high), n = grid.kinds[axis], grid.box[axis], grid.shape[axis]
    if kind == "legendre":
        return xp.asarray(legendre_gauss(n, low, high)[1], device=x.device)
    if kind == "chebyshev":
        return xp.asarray(Chebyshev(low, high).weights(n), device=x.device)
    if kind == "cell":
        edges = grid.edges[axis]
        return edges[1:] - edges[:-1]
    if kind == "periodic" or n == 1:
        return xp.full(n, (high - low or 1.0) / n, dtype=x.dtype, device=x.device)
    gaps = x[1:] - x[:-1]
    nothing = xp.zeros((1,), dtype=x.dtype, device=x.device)
    return (xp.concat((gaps, nothing)) + xp.concat((nothing, gaps))) / 2
