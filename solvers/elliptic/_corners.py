"""Dirichlet data that disagree where two sides meet."""

from __future__ import annotations

import math
import warnings
from typing import Any

from structlin._backend import namespace
from structlin.bases import Grid
from structlin.solvers.elliptic._samples import largest
from structlin.solvers.elliptic._side_values import Data
from structlin.solvers.elliptic.boundary import Sides


def warn_corners(grid: Grid, sides: Sides, data: Data, stacklevel: int) -> None:
    """Warn where Dirichlet values of two sides are told at their common corner, and differ.

    They are told where both axes have nodes at their ends, and otherwise where they are constant.
    ``stacklevel`` is that of a warning from the caller.
    """
    if not data:
        return
    size = max(largest(g) for g in data.values())
    walls = [(a, s) for a, pair in enumerate(sides) for s in (0, 1) if pair[s] == "dirichlet"]
    for place, (a, s) in enumerate(walls):
        for b, t in walls[place + 1 :]:
            if a == b:
                continue
            first, second = (
                _at_corner(grid, data.get(wall), axis, end)
                for wall, axis, end in (((a, s), b, t), ((b, t), a, s))
            )
            if first is None or second is None:
                continue
            gap = largest(first - second)
            if gap > math.sqrt(float(grid.xp.finfo(grid.dtype).eps)) * size:
                ends = ("low", "high")
                warnings.warn(
                    f"boundary data of the {ends[s]} side of axis {a} and of the {ends[t]} side of "
                    f"axis {b} differ by {gap:.3g} where these meet: the solution jumps there, and "
                    "its error falls more slowly than the order of the method",
                    UserWarning,
                    stacklevel=stacklevel + 1,
                )
                return


def warn_means(gap: float, size: float, stacklevel: int) -> None:
    """Warn where values of this size on two sides differ by ``gap`` at their common corner."""
    # a choice: far above rounding errors, and what interpolation to the ends loses
    if gap > 1e-6 * size:
        warnings.warn(
            f"boundary values differ by {gap:.3g} where sides meet: their mean is taken there; "
            "the solution is singular at such corners, and converges slowly",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def _at_corner(grid: Grid, g: Any, axis: int, end: int) -> Any:
    """Return values on a side at the end of another axis; None if they do not reach it."""
    if g is None:
        return grid.xp.zeros(1, dtype=grid.dtype, device=grid.device)
    xp, place = namespace(g), axis - grid.ndim
    index = slice(0, 1) if end == 0 else slice(g.shape[place] - 1, None)
    last = g[(..., index, *(slice(None),) * (-1 - place))]
    if grid.kinds[axis] not in ("node", "chebyshev") and bool(xp.any(g != last)):
        return None
    return last
