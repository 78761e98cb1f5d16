"""Sums over the rows of a matrix, and maps of its rows, that one reading computes together."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from structlin._backend import namespace
from structlin.sketching._superblocks import SUPERBLOCK, require_granule, tree_sum


@dataclass(frozen=True)
class Summand:
    """A sum over the rows of a matrix, which a pass over it computes.

    Attributes
    ----------
    zero : callable
        ``zero()`` is a fresh sum of nothing: arrays, or a tuple of them.
    add : callable
        ``add(total, block, start)`` is the sum with a block of rows that begins at row ``start``;
        ``total`` may be changed in place.
    granule : int
        Blocks start at multiples of it (a divisor of 65 536).
    merge : callable
        Adds the sums of two superblocks.

    Raises
    ------
    ValueError
        If 65 536 is not a multiple of the granule.
    """

    zero: Callable[[], Any]
    add: Callable[[Any, Any, int], Any]
    granule: int = 1
    merge: Callable[[Any, Any], Any] = operator.add

    def __post_init__(self) -> None:
        require_granule(self.granule)


@dataclass(frozen=True)
class Pass:
    """Everything that one reading computes.

    Attributes
    ----------
    sums : sequence of Summand
        What is summed.
    maps : sequence of callables
        What blocks of rows are mapped to.
    tile : int
        The height of the blocks that maps are given.
    """

    sums: Sequence[Summand]
    maps: Sequence[Callable[[Any], Any]]
    tile: int
    granule: int = field(init=False)

    def __post_init__(self) -> None:
        sizes = [one.granule for one in self.sums] + [self.tile] * bool(self.maps)
        object.__setattr__(self, "granule", max(sizes, default=1))

    def zero(self) -> list[Any]:
        """Return fresh sums of nothing."""
        return [one.zero() for one in self.sums]

    def add(self, totals: list[Any], block: Any, start: int) -> list[Any]:
        """Return the sums with a block of rows."""
        return [one.add(total, block, start) for one, total in zip(self.sums, totals, strict=True)]

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        """Return the sums over two superblocks, or more."""
        return [one.merge(a, b) for one, a, b in zip(self.sums, left, right, strict=True)]

    def mapped(self, block: Any) -> list[Any]:
        """Return what a block of rows is mapped to, tile by tile."""
        rows = block.shape[0]
        tiles = [
            block[low : min(low + self.tile, rows), :] for low in range(0, max(rows, 1), self.tile)
        ]
        return [namespace(block).concat([_image(f, tile) for tile in tiles]) for f in self.maps]


def _image(f: Callable[[Any], Any], rows: Any) -> Any:
    made = f(rows)
    if made.shape[:1] != rows.shape[:1]:
        raise ValueError(
            f"a map made shape {tuple(made.shape)} of {rows.shape[0]} rows: it has to give a row "
            "for each"
        )
    return made


def sum_and_map(
    work: Pass, pieces: Iterable[tuple[int, Any]], empty: Any, rows: int
) -> tuple[list[Any], list[Any]]:
    """Return the totals, and the arrays of what the rows are mapped to.

    Parameters
    ----------
    work : Pass
        What to compute.
    pieces : iterable of (int, array)
        The rows in order, cut at its granule and at the ends of superblocks.
    empty : (0, n) array
        No rows.
    rows : int
        How many there are.
    """
    arrays: list[Any] = []

    def superblock_totals() -> Iterator[list[Any]]:
        totals = work.zero()
        for start, block in pieces:
            if start and start % SUPERBLOCK == 0:
                yield totals
                totals = work.zero()
            totals = work.add(totals, block, start)
            fill(arrays, work.mapped(block), start, rows)
            del block  # before the next one is read
        yield totals

    totals = tree_sum(superblock_totals(), work.merge)
    if not rows:
        arrays = work.mapped(empty)
    return totals or [], arrays


def fill(arrays: list[Any], parts: list[Any], start: int, rows: int) -> None:
    """Write what a block of rows is mapped to into arrays for all rows, made when it is first."""
    if not arrays:
        for part in parts:
            xp = namespace(part)
            shape = (rows, *part.shape[1:])
            where = getattr(part, "device", None)
            arrays.append(xp.empty(shape, dtype=part.dtype, device=where))
    for whole, part in zip(arrays, parts, strict=True):
        whole[start : start + part.shape[0], ...] = part
