"""Sums over the rows of a matrix in one order, whoever computes the parts.

Rows are added one after the other within superblocks of 65 536, and the sums of superblocks in
the order of a binary tree that depends on their number alone: neither chunks nor threads nor
workers change a bit of the result.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from structlin._backend import namespace

T = TypeVar("T")

SUPERBLOCK = 65_536


def require_granule(granule: int) -> None:
    """Raise ``ValueError`` unless superblocks consist of whole granules."""
    if granule < 1 or SUPERBLOCK % granule:
        raise ValueError(f"granule is {granule}: it has to divide {SUPERBLOCK}")


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


def cut(
    held: tuple[Any, ...], block: Any, start: int, granule: int, rows: int
) -> tuple[list[tuple[int, Any]], tuple[Any, ...]]:
    """Cut the next rows of a matrix into pieces that begin at multiples of a granule.

    Parameters
    ----------
    held : tuple of arrays
        The rows before ``start`` that no piece has had yet: less than a granule.
    block : (r, n) array
        The next rows.
    start : int
        The first of them.
    granule : int
        A divisor of 65 536.
    rows : int
        Of the whole matrix: its last piece ends anywhere.

    Returns
    -------
    pieces : list of (int, array)
        First rows and rows, in order; none crosses the end of a superblock.
    held : tuple of arrays
        Copies of the rows that are left.
    """
    pieces: list[tuple[int, Any]] = []
    xp, stop = namespace(block), start + block.shape[0]
    if held:
        first = start - sum(part.shape[0] for part in held)
        end = min(first + granule, rows)
        if stop < end:
            return pieces, (*held, xp.asarray(block, copy=True))
        pieces.append((first, xp.concat([*held, block[: end - start, :]])))
        block, start = block[end - start :, :], end
    while start < stop:
        end = min(stop, start - start % SUPERBLOCK + SUPERBLOCK)
        if end < rows:
            end -= end % granule
        if end <= start:
            return pieces, (xp.asarray(block, copy=True),)
        pieces.append((start, block[: end - start, :]))
        block, start = block[end - start :, :], end
    return pieces, ()
