"""Linear interpolation from grids to points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.bases import Grid


def interpolation(grid: Grid, points: Any) -> Any:
    """Return the (k, size) matrix of linear interpolation from a grid to points, on the host.

    Parameters
    ----------
    grid : Grid
        The grid.
    points : (k, d) array, or (k,) or a number for one axis
        Points of the box. Beyond the outermost nodes of cells or Gauss points functions go on as
        constants, and periodic ones round the box.

    Raises
    ------
    ValueError
        If points have another number of coordinates, or lie outside the box.
    """
    points = np.asarray(points, dtype=float)
    if points.ndim < 2 and grid.ndim == 1:
        points = points.reshape(-1, 1)
    if points.ndim != 2 or points.shape[1] != grid.ndim:
        raise ValueError(
            f"points have shape {points.shape}: pass (k, {grid.ndim}), a row for every point"
        )
    count = len(points)
    matrix = np.ones((count, 1))
    for axis in range(grid.ndim):
        matrix = matrix[:, :, None] * _lines(grid, axis, points[:, axis])[:, None, :]
        matrix = matrix.reshape(count, math.prod(matrix.shape[1:]))
    return matrix


def _lines(grid: Grid, axis: int, x: Any) -> Any:
    """Return the (k, n) matrix of interpolation along one axis."""
    nodes, (low, high) = on_host(grid.axes[axis]), grid.box[axis]
    slack = 1e-12 * (high - low)
    outside = ~((x >= low - slack) & (x <= high + slack))
    if outside.any():
        k = int(np.argmax(outside))
        raise ValueError(
            f"coordinate {axis} of point {k} is {x[k]:g}, outside the box [{low:g}, {high:g}]"
        )
    n = len(nodes)
    periodic = grid.kinds[axis] == "periodic"
    if periodic:
        nodes = np.append(nodes, nodes[0] + high - low)
    if len(nodes) == 1:
        return np.ones((len(x), 1))
    left = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    share = np.clip((x - nodes[left]) / (nodes[left + 1] - nodes[left]), 0.0, 1.0)
    matrix, rows = np.zeros((len(x), n)), np.arange(len(x))
    matrix[rows, left] = 1 - share
    np.add.at(matrix, (rows, (left + 1) % n if periodic else left + 1), share)
    return matrix
