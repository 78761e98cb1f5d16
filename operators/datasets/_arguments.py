"""How many fine cells of a solution make one of a data set."""

from __future__ import annotations

from typing import Any

from structlin._validation import require_count


def divisor(name: str, value: Any, of: str, cells: int) -> int:
    """Return how many of ``cells`` fine cells make one of ``value`` coarse ones, checked."""
    coarse = require_count(name, value)
    if cells % coarse:
        raise ValueError(f"{name} {value} does not divide {of} {cells}: pass a divisor of it")
    return cells // coarse
