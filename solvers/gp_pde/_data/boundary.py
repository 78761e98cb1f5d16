"""Boundary data: values and slopes on the sides of a grid."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin._validation import inexact, number_or_array, require_finite
from structlin.bases.grid import Grid


@dataclass(frozen=True, eq=False)
class Neumann:
    """The derivative of the solution along the axis of a side (not along the outward normal).

    Attributes
    ----------
    values : number, array or callable
        An array has the shape of the grid without the axis; a callable takes all coordinates.
    """

    values: Any


@dataclass(frozen=True, eq=False)
class Side:
    """Data on one side: the derivative of an order along the axis, at its first or last node.

    Attributes
    ----------
    axis, side, order : int
        ``side`` is 0 or −1; ``order`` 0 (Dirichlet) or 1 (Neumann).
    values : array
        Of the shape of the grid with length 1 along the axis; zero where unknown.
    known : array of bool or None
        Where there are data; None: everywhere.
    """

    axis: int
    side: int
    order: int
    values: Any
    known: Any = None

    @property
    def name(self) -> str:
        """What errors and reports call it."""
        return f"boundary at the {'first' if self.side == 0 else 'last'} node of axis {self.axis}"

    def scaled(self, factor: float) -> Side:
        """Return the side with its data times a factor."""
        return dataclasses.replace(self, values=self.values * factor)


def read_boundary(
    grid: Grid, boundary: Any, missing: str | None
) -> tuple[tuple[Side, ...], tuple[int, ...]]:
    """Return the sides with data, and the axes that are periodic.

    ``boundary`` is None, a number or a callable with the values on all sides, or a mapping from
    ``(axis, side)`` to values or `Neumann`, and from ``axis`` to ``"periodic"``.
    """
    if boundary is None:
        return (), ()
    if callable(boundary) or isinstance(boundary, int | float):
        boundary = {(axis, side): boundary for axis in range(grid.ndim) for side in (0, -1)}
    if not isinstance(boundary, Mapping):
        raise TypeError(
            f"boundary is a {type(boundary).__name__}: pass a number, a callable of all "
            "coordinates, or a mapping from (axis, 0) and (axis, -1) to data"
        )
    sides: list[Side] = []
    periodic: list[int] = []
    for key, data in boundary.items():
        if isinstance(data, str):
            if data != "periodic" or not _is_axis(key, grid):
                raise ValueError(
                    f"boundary has {key!r}: {data!r}: pass {{axis: 'periodic'}} with an axis "
                    f"below {grid.ndim}"
                )
            periodic.append(key)
            continue
        fits = isinstance(key, tuple) and len(key) == 2
        if not fits or not _is_axis(key[0], grid) or key[1] not in (0, -1):
            raise ValueError(
                f"boundary has the key {key!r}: pass (axis, 0) or (axis, -1), with an axis below "
                f"{grid.ndim}"
            )
        sides.append(_side(grid, key[0], key[1], data, missing))
    for axis in periodic:
        if any(side.axis == axis for side in sides):
            raise ValueError(f"axis {axis} is periodic and has data on a side: pass one of the two")
    if any(grid.shape[axis] < 2 for axis in periodic):
        raise ValueError("a periodic axis has one node: its first and last node are one point")
    return tuple(sides), tuple(periodic)


def _is_axis(key: Any, grid: Grid) -> bool:
    return isinstance(key, int) and not isinstance(key, bool) and 0 <= key < grid.ndim


def _side(grid: Grid, axis: int, side: int, data: Any, missing: str | None) -> Side:
    xp = grid.xp
    order = int(isinstance(data, Neumann))
    values = data.values if isinstance(data, Neumann) else data
    shape = tuple(1 if k == axis else n for k, n in enumerate(grid.shape))
    bare = tuple(n for k, n in enumerate(grid.shape) if k != axis)
    name = f"the boundary at ({axis}, {side})"
    accepted = "a callable, a number, or an array of the shape of the grid without that axis"
    evaluated = callable(values)
    if evaluated:
        mesh = list(grid.mesh())
        end = grid.axes[axis][:1] if side == 0 else grid.axes[axis][-1:]
        mesh[axis] = xp.reshape(end, (1,) * grid.ndim)
        values = values(*mesh)
    values = number_or_array(name, values, accepted)
    if isinstance(values, int | float | complex):
        values = xp.full(shape, values, device=grid.device)
    if not evaluated and tuple(values.shape) == bare:
        values = xp.reshape(values, shape)
    if not evaluated and tuple(values.shape) not in ((), shape):
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}: pass {bare}, the grid without that axis, in "
            "C order"
        )
    try:
        values = xp.broadcast_to(values, shape)
    except ValueError:
        raise ValueError(
            f"{name} returned shape {tuple(values.shape)} but the side has {shape}"
        ) from None
    namespace(values, *grid.axes)
    values = inexact(values, xp)
    if xp.isdtype(values.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: solve for its real and imaginary part in turn")
    values, known = gaps(name, xp.astype(values, grid.dtype), missing)
    return Side(axis, side, order, values, known)


def gaps(name: str, values: Any, missing: str | None) -> tuple[Any, Any]:
    """Return values with zeros for what is missing, and where there are any (None: everywhere).

    Raises
    ------
    ValueError
        At Inf, and at NaN that has not been declared to mean missing.
    """
    xp = namespace(values)
    known = ~xp.isnan(values)
    if bool(xp.all(known)):
        require_finite(name, values)
        return values, None
    if missing is None:
        try:
            require_finite(name, values)
        except ValueError as error:
            raise ValueError(f"{error}; missing='nan' takes NaN for a missing value") from None
    filled = xp.where(known, values, xp.zeros_like(values))
    require_finite(name, filled)
    return filled, known


def joined_sides(sides: tuple[Side, ...]) -> float:
    """Return the largest difference of Dirichlet data where sides meet, relative to the data."""
    values = [side for side in sides if side.order == 0 and side.known is None]
    top = max((largest(side.values) for side in values), default=0.0)
    worst = 0.0
    for k, one in enumerate(values):
        for two in values[k + 1 :]:
            if one.axis == two.axis:
                continue
            edge = _end(one.values, two) - _end(two.values, one)
            worst = max(worst, largest(edge))
    return worst / top if top > 0 else 0.0


def _end(values: Any, side: Side) -> Any:
    """Return the data of a side on the edge it shares with another."""
    place = slice(0, 1) if side.side == 0 else slice(-1, None)
    return values[tuple(place if k == side.axis else slice(None) for k in range(values.ndim))]


def largest(values: Any) -> float:
    """Return the largest absolute value of an array; zero of an empty one."""
    xp = namespace(values)
    return float(xp.max(xp.abs(values))) if math.prod(values.shape) else 0.0
