"""Triangles of the surface on which a function of three variables has one value."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def isosurface_triangles(values: Any, level: float, grids: Any) -> Any:
    """Return triangles of the surface where values on a grid, linearly interpolated, are ``level``.

    Parameters
    ----------
    values : (l, m, n) array
        Values at the grid points.
    level : float
        The value on the surface.
    grids : three arrays
        The coordinates of the grid, ascending.

    Returns
    -------
    (t, 3, 3) array
        Corners and coordinates of every triangle; seen from where the function is smaller, the
        corners go round against the clock.

    Notes
    -----
    Every cell of the grid is cut into the six tetrahedra of the orders in which one can walk along
    three edges from its first corner to its last. Linear interpolation is continuous across their
    faces, so the surface has no holes; in a tetrahedron it is a triangle or a plane quadrilateral.
    """
    shape = np.asarray(values.shape)
    cells = np.stack(np.meshgrid(*map(np.arange, shape - 1), indexing="ij"), axis=-1).reshape(-1, 3)
    found = []
    for order in itertools.permutations(range(3)):
        steps = np.concatenate([np.zeros((1, 3), dtype=int), np.eye(3, dtype=int)[list(order)]])
        corners = cells[:, None, :] + np.cumsum(steps, axis=0)
        found.append(_of_tetrahedra(corners, values, level, grids))
    return np.concatenate(found)


def _of_tetrahedra(corners: Any, values: Any, level: float, grids: Any) -> Any:
    """Return the triangles in tetrahedra, given the (t, 4, 3) grid indices of their corners."""
    heights = values[tuple(np.moveaxis(corners, -1, 0))] - level
    inside = heights >= 0
    cut = inside.any(axis=1) & ~inside.all(axis=1)
    corners, heights, inside = corners[cut], heights[cut], inside[cut]
    places = np.stack([grid[corners[..., k]] for k, grid in enumerate(grids)], axis=-1)
    codes = inside @ (1 << np.arange(4))
    parts = [np.empty((0, 3, 3))]
    for code in range(1, 15):
        here = codes == code
        if here.any():
            parts.append(_of_one_kind(places[here], heights[here], code))
    return np.concatenate(parts)


def _of_one_kind(places: Any, heights: Any, code: int) -> Any:
    high = [k for k in range(4) if code >> k & 1]
    low = [k for k in range(4) if not code >> k & 1]
    edges = list(itertools.product(high, low))
    if len(edges) == 3:
        triangles = [edges]
    else:  # around the quadrilateral
        a, b, d, c = edges
        triangles = [[a, b, c], [a, c, d]]
    points = {}
    for i, j in edges:
        part = (heights[:, i] / (heights[:, i] - heights[:, j]))[:, None]
        points[i, j] = (1 - part) * places[:, i] + part * places[:, j]
    out = np.concatenate([np.stack([points[e] for e in each], axis=1) for each in triangles])
    down = np.mean(places[:, low], axis=1) - np.mean(places[:, high], axis=1)
    normals = np.cross(out[:, 1] - out[:, 0], out[:, 2] - out[:, 0])
    wrong = np.sum(normals * np.tile(down, (len(triangles), 1)), axis=1) < 0
    out[wrong] = out[wrong, ::-1]
    return out
