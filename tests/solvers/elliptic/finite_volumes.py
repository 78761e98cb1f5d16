"""The same equations, written down one by one: reference for the solvers, dense and slow."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.solvers import Robin

KINDS = ("node", "cell", "periodic", "graded nodes", "graded cells")
CONDITIONS = ("dirichlet", "neumann", Robin(1.5))


def axis_of(kind: str, n: int, rng: np.random.Generator) -> Grid:
    """Return a grid of one axis of that kind, on [1, 3] or close to it."""
    if kind == "graded nodes":
        return Grid(1 + np.cumsum(rng.uniform(0.2, 1.0, n)))
    if kind == "graded cells":
        return Grid.cells(1 + np.cumsum(rng.uniform(0.2, 1.0, n + 1)))
    return Grid.uniform([(1.0, 3.0)], n, kind=kind)


def product_of(axes: list[Grid]) -> Grid:
    """Return the grid that has these axes."""
    grid = Grid(*(axis.axes[0] for axis in axes))
    return grid._as(
        [axis.kinds[0] for axis in axes],
        [axis.box[0] for axis in axes],
        [axis.edges[0] for axis in axes],
    )


def reference(
    grid: Grid,
    bc: list[tuple[Any, Any]],
    f: np.ndarray,
    data: dict[tuple[int, int], np.ndarray],
    *,
    shift: float = 0.0,
    coef: np.ndarray | None = None,
    harmonic: bool = True,
) -> np.ndarray:
    """Return the solution of ``−∇·(a ∇u) + shift u = f``, of mean zero where it is not unique.

    Every point has an unknown, and so has every wall point of a grid of cells. The equation of a
    point is the balance of the flows through the faces of its volume.
    """
    a = np.ones(grid.shape) if coef is None else coef
    lengths, gaps = zip(*(_pieces(grid, axis) for axis in range(grid.ndim)), strict=True)
    points = list(np.ndindex(grid.shape))
    number = {p: i for i, p in enumerate(points)}
    rows: list[dict[int, complex]] = []
    right: list[complex] = []
    extra = itertools.count(len(points))
    wall_rows: list[tuple[dict[int, complex], complex]] = []
    for p in points:
        given = _given(grid, bc, data, p)
        if given is not None:
            rows.append({number[p]: 1.0})
            right.append(given)
            continue
        row: dict[int, complex] = {number[p]: shift}
        value = f[p]
        for axis in range(grid.ndim):
            for end, step in ((0, -1), (1, 1)):
                length = lengths[axis][p[axis]]
                q = list(p)
                q[axis] += step
                n = grid.shape[axis]
                if grid.kinds[axis] == "periodic":
                    q[axis] %= n
                if 0 <= q[axis] < n:
                    gap = gaps[axis][p[axis] if end else (p[axis] - 1) % len(gaps[axis])]
                    neighbour = tuple(q)
                    part = 0.5
                    if grid.kinds[axis] == "cell":
                        part = length / (length + lengths[axis][q[axis]])
                    one, two = a[p], a[neighbour]
                    if harmonic:
                        face = 1 / (part / one + (1 - part) / two)
                    else:
                        face = part * one + (1 - part) * two
                    flow = face / gap / length
                    row[number[p]] += flow
                    row[number[neighbour]] = row.get(number[neighbour], 0.0) - flow
                    continue
                condition = bc[axis][end]
                robin = condition.coefficient if isinstance(condition, Robin) else 0.0
                g = _side(data, axis, end, p)
                wall_a = a[p]
                if grid.kinds[axis] == "cell" and not harmonic and grid.shape[axis] > 1:
                    inner = list(p)
                    inner[axis] -= step
                    slope = (a[p] - a[tuple(inner)]) / gaps[axis][0 if end == 0 else -1]
                    wall_a = max(a[p] + slope * length / 2, a[p] / 2)
                if grid.kinds[axis] == "node":  # the slope is g − robin u
                    row[number[p]] += a[p] * robin / length
                    value = value + a[p] * g / length
                    continue
                wall = next(extra)  # the value on the wall
                half = length / 2
                row[number[p]] += wall_a / half / length
                row[wall] = -wall_a / half / length
                if condition == "dirichlet":
                    wall_rows.append(({wall: 1.0}, g))
                else:
                    wall_rows.append(({wall: 1 / half + robin, number[p]: -1 / half}, g))
        rows.append(row)
        right.append(value)
    for row, value in wall_rows:
        rows.append(row)
        right.append(value)
    A = np.zeros((len(rows), len(rows)), dtype=complex)
    for i, row in enumerate(rows):
        for j, entry in row.items():
            A[i, j] += entry
    x = np.linalg.lstsq(A, np.asarray(right), rcond=1e-13)[0]
    u = x[: len(points)].reshape(grid.shape)
    loose = all(side in ("neumann", "periodic") for pair in bc for side in pair)
    if loose and shift == 0:
        u = u - mean(grid, u)
    return u if any(np.iscomplexobj(g) for g in (f, *data.values())) else u.real


def mean(grid: Grid, u: np.ndarray) -> Any:
    """Return the mean over the box, by the volumes of the points."""
    for axis in reversed(range(grid.ndim)):
        lengths = _pieces(grid, axis)[0]
        u = u @ (lengths / lengths.sum())
    return u


def _pieces(grid: Grid, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of the axis each point owns, and the distances from each to the next."""
    x, (low, high) = grid.axes[axis], grid.box[axis]
    if grid.kinds[axis] == "periodic":
        gaps = np.append(np.diff(x), high - x[-1])
        return gaps, gaps
    if grid.kinds[axis] == "cell":
        return np.diff(grid.edges[axis]), np.diff(x)
    middles = np.concatenate([[low], (x[:-1] + x[1:]) / 2, [high]])
    return np.diff(middles), np.diff(x)


def _side(data: dict[tuple[int, int], np.ndarray], axis: int, end: int, p: tuple[int, ...]) -> Any:
    if (axis, end) not in data:
        return 0.0
    return data[axis, end][p[:axis] + p[axis + 1 :]]


def _given(grid: Grid, bc: Any, data: Any, p: tuple[int, ...]) -> Any:
    """Return the value of a node on a Dirichlet side, that of the first axis at a corner."""
    for axis in range(grid.ndim):
        for end, place in ((0, 0), (1, grid.shape[axis] - 1)):
            if grid.kinds[axis] == "node" and p[axis] == place and bc[axis][end] == "dirichlet":
                return _side(data, axis, end, p)
    return None
