"""Checks of the parameters of equations."""

from __future__ import annotations

from typing import Any

from structlin._validation import require_real
from structlin.bases import Grid


def require_nonnegative(name: str, value: Any) -> float:
    """Return a finite number that is not negative, or raise ``ValueError``."""
    number = require_real(name, value)
    if number < 0:
        raise ValueError(f"{name} is {value!r}: it must not be negative")
    return number


def require_axes(equation: str, grid: Grid, count: int) -> None:
    """Raise unless the grid has so many axes."""
    grid = Grid.of(grid)
    if grid.ndim != count:
        raise ValueError(
            f"{equation} needs a grid of {count} {'axis' if count == 1 else 'axes'}: this one has "
            f"{grid.ndim}"
        )
