"""Finite volumes on a box: right-hand sides with boundary data, and the operator as a stencil."""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import numpy as np

from structlin.matrices import GridOperator
from structlin.solvers.elliptic._corners import warn_corners
from structlin.solvers.elliptic._lines import Line
from structlin.solvers.elliptic._side_values import Data, side_values
from structlin.solvers.elliptic.modes import Modes

Mean = Literal["harmonic", "arithmetic"]


class Differences:
    """The equation ``−∇·(a ∇u) + shift u = f`` on the unknowns of a grid.

    The equation of an unknown is integrated over the piece of the box that it owns. With the
    volumes ``B`` of these pieces, in units of the largest, ``K u = B r``: ``K`` is symmetric, and
    ``r`` is ``f`` with what flows in through the walls.

    Parameters
    ----------
    modes : Modes
        Of the grid and its sides.
    coef : float or (*grid.shape,) array
        The values of ``a`` at the nodes.
    shift : float
    mean : {"harmonic", "arithmetic"}
        How the values beside a face make that on it.
    """

    def __init__(self, modes: Modes, coef: Any, shift: float, mean: Mean = "harmonic") -> None:
        self.modes, self.coef, self.shift, self.mean = modes, coef, shift, mean
        self.grid, self.xp, self.device = modes.grid, modes.xp, modes.device
        self._operators: dict[Any, GridOperator] = {}
        self._units = [float(np.max(line.lengths)) for line in modes.lines]
        self._lengths = [
            line.lengths[line.start : line.stop] / unit
            for line, unit in zip(modes.lines, self._units, strict=True)
        ]
        products = functools.reduce(np.multiply, np.ix_(*self._lengths))
        self._volumes = np.asarray(products, dtype=np.float64)  # np.ix_ makes integers of nothing
        self.even = bool(np.all(self._volumes == 1))

    def volumes(self, dtype: Any) -> Any:
        """Return the volumes of the unknowns: the number 1 where they are equal."""
        if self.even:
            return 1.0
        return self.xp.asarray(self._volumes, dtype=dtype, device=self.device)

    def right_hand_side(self, F: Any, boundary: Any) -> tuple[Any, Data]:
        """Return ``r`` on the unknowns, and the data of the sides in the type of ``F``."""
        xp = self.xp
        data = side_values(self.grid, boundary, F)
        if not data:
            return (F if self.modes.whole else F[(..., *self.modes.interior)]), data
        warn_corners(self.grid, self.modes.sides, data, stacklevel=5)
        dtype = xp.result_type(F.dtype, *(g.dtype for g in data.values()))
        r = xp.astype(F[(..., *self.modes.interior)], dtype, copy=True)
        if not math.prod(r.shape):
            return r, data
        for (axis, end), g in data.items():
            line = self.modes.lines[axis]
            wall = line.wall(end)
            place = wall.row - line.start
            inflow = self._among_unknowns(g, axis) * (wall.gain / float(line.lengths[wall.row]))
            inflow = inflow * self._wall_coefficient(axis, line, end, xp.finfo(dtype).dtype)
            row = self._row(axis, slice(place, place + 1))
            r[row] = r[row] + inflow
        return r, data

    def means(self, x: Any) -> Any:
        """Return the means over the box of unknowns ``(..., *shape)``, to broadcast."""
        xp, real = self.xp, self.xp.finfo(x.dtype).dtype
        axes = tuple(range(-len(self.modes.shape), 0))
        if self.even:
            return xp.mean(x, axis=axes, keepdims=True)
        shares = xp.asarray(self._volumes / np.sum(self._volumes), dtype=real, device=self.device)
        return xp.sum(x * shares, axis=axes, keepdims=True)

    def filled(self, x: Any, data: Data) -> Any:
        """Return the unknowns with the values given at nodes on Dirichlet sides."""
        modes, xp = self.modes, self.xp
        if modes.whole:
            return x
        d = len(self.grid.shape)
        shape = (*x.shape[: x.ndim - d], *self.grid.shape)
        out = xp.zeros(shape, dtype=x.dtype, device=self.device)
        out[(..., *modes.interior)] = x
        for axis in reversed(range(d)):  # a corner has the value of its first axis
            line = modes.lines[axis]
            for end, known in ((0, line.start > 0), (1, line.stop < line.n)):
                if known and data:
                    place = slice(0, 1) if end == 0 else slice(line.n - 1, line.n)
                    g = data.get((axis, end))
                    out[self._row(axis, place)] = 0.0 if g is None else xp.astype(g, out.dtype)
        return out

    def operator(self, dtype: Any) -> GridOperator:
        """Return ``K`` in a real data type."""
        if dtype not in self._operators:
            d = len(self.grid.shape)
            if d > 3:
                raise ValueError(f"the grid has {d} axes: stencils are for 1 to 3")
            with np.errstate(over="ignore", under="ignore"):
                weights = tuple(self._faces(axis, dtype) for axis in range(d))
            if not all(bool(self.xp.all(self.xp.isfinite(w))) for w in weights):
                raise ValueError(
                    f"coef over the squares of the spacings overflows {dtype}: divide the equation "
                    "by a number, or take higher precision"
                )
            sides = [
                "periodic"
                if line.walls is None
                else tuple("dirichlet" if w.loss else "neumann" for w in line.walls)
                for line in self.modes.lines
            ]
            shift = self.volumes(dtype) * self.shift if self.shift else 0.0
            self._operators[dtype] = GridOperator(
                self.modes.shape, weights, shift, sides=sides, dtype=dtype, like=self._like(dtype)
            )
        return self._operators[dtype]

    def residual(self, x: Any, r: Any) -> Any:
        """Return ``B⁻¹ (B r − K x)`` for unknowns ``(..., *shape)``."""
        xp, shape = self.xp, self.modes.shape
        A = self.operator(xp.finfo(r.dtype).dtype)
        columns = xp.reshape(x, (-1, math.prod(shape))).T
        product = xp.reshape((A @ columns).T, x.shape)
        return r - product / self.volumes(xp.finfo(r.dtype).dtype)

    def _like(self, dtype: Any) -> Any:
        return self.xp.zeros(1, dtype=dtype, device=self.device)

    def _row(self, axis: int, place: slice) -> tuple[Any, ...]:
        return (..., place, *(slice(None),) * (len(self.grid.shape) - 1 - axis))

    def _among_unknowns(self, g: Any, axis: int) -> Any:
        """Return numbers on a side, or on faces of an axis, where the other axes have unknowns."""
        for other, part in enumerate(self.modes.interior):
            if other != axis and g.shape[other - len(self.grid.shape)] > 1:
                g = g[self._row(other, part)]
        return g

    def _wall_coefficient(self, axis: int, line: Line, end: int, dtype: Any) -> Any:
        """Return the coefficient on a wall, in a real data type; a number where it is constant."""
        if isinstance(self.coef, float):
            return self.coef
        faces = self._face_means(axis, line)
        index = slice(0, 1) if end == 0 else slice(line.size, line.size + 1)
        return self.xp.astype(self._among_unknowns(faces[self._row(axis, index)], axis), dtype)

    def _face_means(self, axis: int, line: Line) -> Any:
        """Return the coefficient on the faces below, between and above the unknowns of an axis."""
        xp, a = self.xp, self.coef
        first, last = a[self._row(axis, slice(0, 1))], a[self._row(axis, slice(line.n - 1, None))]
        place = axis - len(self.grid.shape)
        parts = [a]
        if line.walls is None:
            parts = [last, a, first]
        else:
            if line.kind == "cell" and self.mean == "arithmetic" and line.n > 1:
                first, last = self._extrapolated(axis, line)
            parts = [first] * (line.start == 0) + [a] + [last] * (line.stop == line.n)
        wide = xp.concat(parts, axis=place)
        low = wide[self._row(axis, slice(None, -1))]
        high = wide[self._row(axis, slice(1, None))]
        share = xp.asarray(0.5, dtype=a.dtype, device=self.device)
        if line.kind == "cell" and line.spacing is None:  # how much of the way is in the low cell
            halves = np.concatenate([line.lengths[:1], line.lengths, line.lengths[-1:]]) / 2
            share = xp.asarray(
                halves[:-1] / (halves[:-1] + halves[1:]), dtype=a.dtype, device=self.device
            )
            share = xp.reshape(share, (-1,) + (1,) * (-1 - place))
        if self.mean == "arithmetic":
            return share * low + (1 - share) * high
        # no product that could leave the range
        least, most = xp.minimum(low, high), xp.maximum(low, high)
        of_least = xp.where(low <= high, share, 1 - share)
        return least / (of_least + (1 - of_least) * (least / most))

    def _extrapolated(self, axis: int, line: Line) -> tuple[Any, Any]:
        """Return what stands beyond the ends of an axis, so that means are right on its walls."""
        xp, a, n = self.xp, self.coef, line.n
        found = []
        for end, beside, length, gap in (
            (0, 1, line.lengths[0], line.gaps[0]),
            (n - 1, n - 2, line.lengths[-1], line.gaps[-1]),
        ):
            value, inner = (a[self._row(axis, slice(k, k + 1))] for k in (end, beside))
            step = (value - inner) * float(length / gap)
            # on the wall, at least half the value of the cell
            found.append(value + xp.maximum(step, -value))
        return found[0], found[1]

    def _faces(self, axis: int, dtype: Any) -> Any:
        """Return the weights of the faces of an axis: area times coefficient over distance."""
        xp, line = self.xp, self.modes.lines[axis]
        if line.walls is None:
            slopes = np.full(line.n + 1, 1 / line.gaps[0])
        else:
            inner = 1 / line.gaps[line.start : line.stop - 1]
            slopes = np.concatenate([[line.walls[0].loss], inner, [line.walls[1].loss]])
        slopes = slopes / self._units[axis]
        areas = [slopes if k == axis else w for k, w in enumerate(self._lengths)]
        areas = [
            w[:1] if k != axis and len(w) and bool(np.all(w == w[0])) else w
            for k, w in enumerate(areas)
        ]
        weights = xp.asarray(
            functools.reduce(np.multiply, np.ix_(*areas)), dtype=dtype, device=self.device
        )
        if isinstance(self.coef, float):
            return weights * self.coef
        means = self._among_unknowns(self._face_means(axis, line), axis)
        return weights * xp.astype(means, dtype)
