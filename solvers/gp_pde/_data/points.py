"""Points at which a solution is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin._validation import inexact, number_or_array, require_finite
from structlin.bases.grid import Grid


def read_points(grid: Grid, points: Sequence[Any]) -> list[Any]:
    """Return points of every axis in the precision of a grid, checked.

    A `Grid` stands for its nodes, and no points for those of the grid.
    """
    if not points:
        return list(grid.axes)
    if len(points) == 1 and isinstance(points[0], Grid):
        points = points[0].axes
    if len(points) != grid.ndim:
        raise ValueError(
            f"{len(points)} vectors of points were passed and the grid has {grid.ndim} axes: pass "
            "the coordinates along every axis, or nothing for the nodes"
        )
    xp, made = grid.xp, []
    for axis, x in enumerate(points):
        name = f"points along axis {axis}"
        x = xp.asarray(x, device=device(grid.axes[0])) if isinstance(x, list) else x
        x = number_or_array(name, x, "a vector")
        if getattr(x, "ndim", 0) != 1:
            shape = tuple(getattr(x, "shape", ()))
            raise ValueError(f"the {name} have shape {shape}: pass a vector")
        namespace(x, grid.axes[0])
        if xp.isdtype(x.dtype, "complex floating"):
            raise TypeError(f"the {name} are complex: coordinates are real")
        require_finite(name, x)
        made.append(xp.astype(inexact(x), grid.dtype, copy=False))
    return made
