"""Work on many rows, a block after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._backend import namespace


def by_blocks(of_block: Callable[[slice], Any], count: int, step: int) -> Any:
    """Return what a function makes of rows, asked for ``step`` of them at a time, as one array."""
    parts = [
        of_block(slice(start, min(start + step, count))) for start in range(0, max(count, 1), step)
    ]
    return parts[0] if len(parts) == 1 else namespace(*parts).concat(parts)
