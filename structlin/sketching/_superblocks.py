"""Sums over the rows of a matrix in one order, whoever computes the parts.

Rows are added one after the other within superblocks of 65 536, and the sums of superblocks in
the order of a binary tree that depends on their number alone: neither chunks nor threads nor
workers change a bit of the result.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

SUPERBLOCK = 65_536


def superblocks(rows: int) -> Iterator[tuple[int, int]]:
    """Yield the first row of every superblock, and the first behind it."""
    for start in range(0, rows, SUPERBLOCK):
        yield start, min(start + SUPERBLOCK, rows)


def tree_sum(parts: Iterable[T], add: Callable[[T, T], T] = operator.add) -> T | None:
    """Return the sum of the parts in the order of a binary tree; None where there are none.

    No more than ``log₂`` of their number are held at a time.
    """
    waiting: list[tuple[int, T]] = []
    for part in parts:
        level = 0
        while waiting and waiting[-1][0] == level:
            part = add(waiting.pop()[1], part)
            level += 1
        waiting.append((level, part))
    if not waiting:
        return None
    _, total = waiting.pop()
    while waiting:
        total = add(waiting.pop()[1], total)
    return total
