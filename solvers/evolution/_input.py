"""Checks of the parameters of equations."""

from __future__ import annotations

import math
import numbers
from typing import Any

from structlin.bases import Grid


def real(name: str, value: Any) -> float:
    """Return a finite real number, or raise."""
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}: it must be a finite real number")
    return float(value)


def positive(name: str, value: Any, *, zero: bool = False) -> float:
    """Return a positive number, or raise; zero is let through where it may."""
    number = real(name, value)
    if number < 0 or (number == 0 and not zero):
        raise ValueError(f"{name} is {value!r}: it must {'not be negative' if zero else 'be > 0'}")
    return number


def require_axes(equation: str, grid: Grid, count: int) -> None:
    """Raise unless the grid has so many axes."""
    grid = Grid.of(grid)
    if grid.ndim != count:
        raise ValueError(
            f"{equation} needs a grid of {count} {'axis' if count == 1 else 'axes'}: this one has "
            f"{grid.ndim}"
        )
