"""Second differences along one axis: lengths, walls, and the tridiagonal matrix they make.

Every unknown ``u_i`` owns a piece of the axis of length ``b_i``. Over it the equation ``−u'' = f``
is integrated, with differences for the slopes at its ends:

    ``(u_i − u_{i−1})/g_{i−1} − (u_{i+1} − u_i)/g_i = b_i f_i``, or ``K u = B f``.

At a wall the slope follows from the condition there. A node on a wall with its value given is no
unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, on_host
from structlin.bases import Grid
from structlin.solvers.elliptic.boundary import Robin, Side

Floats = NDArray[np.float64]
_smallest = 1e-140  # mean spacing: its square, times many numbers, is a normal one


@dataclass(frozen=True, eq=False)
class Wall:
    """The slope out of the box at a wall, as ``gain · g − loss · u`` at the unknown next to it.

    ``row`` is the place of that unknown among the nodes of the axis, and ``distance`` that of the
    wall from it, zero if it stands on the wall.
    """

    condition: Side
    row: int
    distance: float
    gain: float
    loss: float


@dataclass(frozen=True, eq=False)
class Line:
    """What second differences along an axis need, on the host.

    Attributes
    ----------
    n : int
        Nodes, with those on walls.
    kind : str
        As `Grid.kinds` has it.
    start, stop : int
        The unknowns are the nodes ``start, …, stop − 1``.
    gaps : (n - 1,) or, on a periodic axis, (n,) array
        Distances from each node to the next.
    lengths : (n,) array
        What every node owns of the axis.
    walls : pair of Wall, or None on a periodic axis
    spacing : float or None
        The length of a piece, where all of them are equal but halves at walls.
    """

    n: int
    kind: str
    start: int
    stop: int
    gaps: Floats
    lengths: Floats
    walls: tuple[Wall, Wall] | None
    spacing: float | None

    @property
    def size(self) -> int:
        """How many unknowns there are."""
        return self.stop - self.start

    def wall(self, end: int) -> Wall:
        """Return the wall at the low end, 0, or the high one, 1."""
        if self.walls is None:
            raise ValueError("the axis is periodic and has no walls")
        return self.walls[end]

    def tridiagonal(self) -> tuple[Floats, Floats]:
        """Return diagonal and off-diagonal of ``K``; not for periodic axes."""
        rows = np.zeros(self.n)
        rows[:-1] += 1 / self.gaps
        rows[1:] += 1 / self.gaps
        for wall in self.walls or ():
            if not _eliminated(self.kind, wall.condition):
                rows[wall.row] += wall.loss
        return rows[self.start : self.stop], -1 / self.gaps[self.start : self.stop - 1]


def line_of(grid: Grid, axis: int, sides: tuple[Side, Side]) -> Line:
    """Return what second differences along an axis need."""
    kind, n = grid.kinds[axis], grid.shape[axis]
    nodes = on_host(grid.axes[axis])
    low, high = grid.box[axis]
    if (high - low) / n < _smallest or high - low > 1 / _smallest:
        raise ValueError(
            f"axis {axis} is [{low:g}, {high:g}] with {n} nodes: the squares of spacings leave the "
            "range of float64; measure coordinates in another unit"
        )
    if kind in ("legendre", "chebyshev"):
        raise ValueError(
            f"axis {axis} of the grid is of kind {kind!r}, for spectral methods: second "
            "differences need nodes, cells, or a periodic axis (Grid, Grid.uniform, Grid.cells)"
        )
    if kind == "periodic":
        gaps = np.full(n, (high - low) / n)
        return Line(n, kind, 0, n, gaps, gaps, None, (high - low) / n)
    if kind == "cell":
        edges = on_host(grid.edges[axis])
        lengths, gaps = np.diff(edges), np.diff(nodes)
        spacing = _spacing(edges, grid)
        if spacing is not None:
            lengths, gaps = np.full(n, spacing), np.full(n - 1, spacing)
        ends = lengths[[0, -1]] / 2
        walls = tuple(
            _wall(axis, condition, row, float(distance))
            for condition, row, distance in zip(sides, (0, n - 1), ends, strict=True)
        )
        return Line(n, kind, 0, n, gaps, lengths, (walls[0], walls[1]), spacing)
    if n < 2:
        raise ValueError(f"axis {axis} has {n} node: both ends are nodes, pass 2 or more")
    gaps = np.diff(nodes)
    spacing = grid.spacings[axis]
    if spacing is not None:
        gaps = np.full(n - 1, spacing)
    lengths = np.zeros(n)
    lengths[:-1] += gaps / 2
    lengths[1:] += gaps / 2
    fixed = [side == "dirichlet" for side in sides]
    start, stop = int(fixed[0]), n - int(fixed[1])
    rows = (start, stop - 1)
    walls = tuple(
        Wall(side, row, float(gap), 1 / float(gap), 1 / float(gap))
        if side == "dirichlet"
        else _wall(axis, side, row, 0.0)
        for side, row, gap in zip(sides, rows, gaps[[0, -1]], strict=True)
    )
    return Line(n, kind, start, stop, gaps, lengths, (walls[0], walls[1]), spacing)


def _eliminated(kind: str, condition: Side) -> bool:
    """Tell whether a node stands on the wall and its value is given."""
    return kind == "node" and condition == "dirichlet"


def _wall(axis: int, condition: Side, row: int, distance: float) -> Wall:
    """Return the slope at a wall that stands at that distance from the nearest unknown."""
    if condition == "dirichlet":
        return Wall(condition, row, distance, 1 / distance, 1 / distance)
    a = condition.coefficient if isinstance(condition, Robin) else 0.0
    # the wall's own value w has (w − u)/distance + a w = g
    share = 1 + a * distance
    if share <= 0:
        raise ValueError(
            f"{condition} at axis {axis} needs cells shorter than {-2 / a:.3g} there: theirs is "
            f"{2 * distance:.3g} long"
        )
    return Wall(condition, row, distance, 1 / share, a / share)


def _spacing(edges: Any, grid: Grid) -> float | None:
    """Return the length of cells that are even up to the rounding errors of their ends."""
    n = len(edges) - 1
    step = float(edges[-1] - edges[0]) / n
    eps = float(namespace(*grid.axes).finfo(grid.dtype).eps)
    slack = 4 * eps * max(abs(edges[0]), abs(edges[-1]))
    uneven = np.max(np.abs(edges - (edges[0] + step * np.arange(n + 1))))
    return step if uneven <= slack else None
