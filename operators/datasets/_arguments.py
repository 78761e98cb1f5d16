"""Checks of the numbers that data sets are made with."""

from __future__ import annotations

import math
import numbers
from typing import Any


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number, checked."""
    if not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} is {value!r}: pass a whole number of {least} or more")
    return int(value)


def positive(name: str, value: Any) -> float:
    """Return a positive number, checked."""
    if not isinstance(value, numbers.Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} is {value!r}: pass a positive number")
    return float(value)


def divisor(name: str, value: Any, of: str, cells: int) -> int:
    """Return how many of ``cells`` fine cells make one of ``value`` coarse ones, checked."""
    coarse = whole(name, value)
    if cells % coarse:
        raise ValueError(f"{name} {value} does not divide {of} {cells}: pass a divisor of it")
    return cells // coarse
