"""What is asked of a solution at the sides of a box.

The data ``g`` come with the right-hand side: numbers, arrays, or callables, which get all
coordinates, as ``g(x, y)``, also the constant one of the axis of the side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from structlin._validation import require_real
from structlin.bases import Grid


@dataclass(frozen=True)
class Robin:
    """The condition ``∂u/∂n + a u = g``, with the derivative along the outward normal.

    Parameters
    ----------
    coefficient : float
        The number ``a``. Zero is a Neumann condition; negative ones feed the solution, and the
        equation may become singular or indefinite.

    Raises
    ------
    ValueError
        If it is no finite real number.

    Examples
    --------
    >>> Robin(2.0)
    Robin(coefficient=2.0)
    """

    coefficient: float

    def __post_init__(self) -> None:
        a = require_real("the coefficient of Robin", self.coefficient)
        object.__setattr__(self, "coefficient", a)


Side = Literal["dirichlet", "neumann", "periodic"] | Robin
Sides = tuple[tuple[Side, Side], ...]
_names = ("dirichlet", "neumann", "periodic")


def sides_of(grid: Grid, bc: Any) -> Sides:
    """Return the conditions at the low and the high side of every axis of a grid, checked.

    Parameters
    ----------
    grid : Grid
    bc : None, str, Robin, or sequence
        One condition for all sides, or a sequence with one entry for every axis: a condition, or a
        pair of them for its low and its high side. None is ``"dirichlet"``. Periodic axes have no
        sides: there only ``"periodic"`` is an entry, and one condition for all passes them by.

    Raises
    ------
    ValueError
        If a condition is unknown, there are too few or too many, or ``"periodic"`` meets an axis
        of another kind, or an axis of that kind another condition.
    """
    if bc is None or isinstance(bc, str | Robin):
        single = "dirichlet" if bc is None else bc
        _require_side("bc", single)
        if bc not in (None, "periodic") and all(kind == "periodic" for kind in grid.kinds):
            raise ValueError(
                f"bc is {bc!r} but all axes of the grid are periodic: they have no sides; leave bc "
                "out, or make the grid of another kind"
            )
        entries: list[Any] = [
            "periodic" if kind == "periodic" and single != "periodic" else single
            for kind in grid.kinds
        ]
    else:
        try:
            entries = list(bc)
        except TypeError:
            raise TypeError(
                f"bc is {bc!r}: pass 'dirichlet', 'neumann', 'periodic', Robin(a), or a list of "
                "these or of pairs of these, one for each axis"
            ) from None
        if len(entries) != grid.ndim:
            raise ValueError(
                f"bc has {len(entries)} entries but the grid has {grid.ndim} axes: pass one for "
                "each axis; the low and the high side of an axis are a pair within the list"
            )
    return tuple(_pair(grid, axis, entry) for axis, entry in enumerate(entries))


def _pair(grid: Grid, axis: int, entry: Any) -> tuple[Side, Side]:
    name, kind = f"bc[{axis}]", grid.kinds[axis]
    pair: Any = (entry, entry) if isinstance(entry, str | Robin) else entry
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"{name} is {entry!r}: pass a condition, or a pair of them (low, high)")
    for side in pair:
        _require_side(name, side)
    periodic = [side == "periodic" for side in pair]
    if any(periodic) and kind != "periodic":
        low, high = grid.box[axis]
        n = grid.shape[axis] - (kind == "node")
        twice = (
            " (its last node is the first one again: leave it out of the data, as F[..., :-1])"
            if kind == "node"
            else ""
        )
        raise ValueError(
            f"{name} is {entry!r} but axis {axis} of the grid is of kind {kind!r}{twice}: make "
            f"the axis by Grid.uniform([({low:g}, {high:g})], {n}, kind='periodic')"
        )
    if kind == "periodic" and not all(periodic):
        raise ValueError(
            f"{name} is {entry!r} but axis {axis} of the grid is periodic and has no sides: pass "
            "'periodic' there, or make the grid of kind 'node' or 'cell'"
        )
    return (pair[0], pair[1])


def _require_side(name: str, side: Any) -> None:
    if side not in _names and not isinstance(side, Robin):
        raise ValueError(f"{name} is {side!r}: pass 'dirichlet', 'neumann', 'periodic' or Robin(a)")
