"""Quadrature and interpolation on the grids of functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.bases import Chebyshev, Grid, legendre_gauss


def weights_of(grid: Grid) -> Any:
    """Return the weights of the quadrature at the points of a grid, in its shape, in float64.

    Those of the trapezoidal rule for nodes with the ends, lengths of cells, equal ones on periodic
    axes, and the rules of Gauss and Clenshaw and Curtis.
    """
    xp, total = grid.xp, None
    for axis in range(grid.ndim):
        line = xp.asarray(_line(grid, axis), dtype=xp.float64, device=grid.device)
        line = xp.reshape(line, tuple(-1 if k == axis else 1 for k in range(grid.ndim)))
        total = line if total is None else total * line
    return total


def _line(grid: Grid, axis: int) -> Any:
    """Return the weights along one axis, on the host."""
    n, kind, (low, high) = grid.shape[axis], grid.kinds[axis], grid.box[axis]
    if kind == "periodic":
        return np.full(n, (high - low) / n)
    if kind == "cell":
        return np.diff(on_host(grid.edges[axis]))
    if kind == "legendre":
        return legendre_gauss(n, low, high)[1]
    if kind == "chebyshev":
        return np.asarray(Chebyshev(low, high).weights(n))
    if n == 1:
        return np.ones(1)
    gaps = np.diff(on_host(grid.axes[axis]))
    return (np.append(gaps, 0.0) + np.append(0.0, gaps)) / 2


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
