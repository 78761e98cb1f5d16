"""Checks of the settings that Krylov methods share."""

from __future__ import annotations

import numbers
from typing import Any

from structlin.solvers._solution import require_callable


def require_count(name: str, value: Any) -> int:
    """Return a positive integer, or say that it is none."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}: it is an integer >= 1")
    return int(value)


def require_function(name: str, value: Any) -> None:
    """Raise unless an optional argument is a function."""
    if value is not None:
        require_callable(name, value)
