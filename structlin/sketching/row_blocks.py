"""Matrices that are read by blocks of rows: from memory, from disk, or on a cluster."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.sketching._superblocks import superblocks, tree_sum


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
    """

    zero: Callable[[], Any]
    add: Callable[[Any, Any, int], Any]
    granule: int = 1
    merge: Callable[[Any, Any], Any] = operator.add


class RowBlocks(LinearOperator):
    """A matrix that is read block of rows by block of rows."""

    def __init__(self, source: Any) -> None:
        super().__init__(source.shape, like=source)
        self.source = source

    def pieces(self, granule: int = 1) -> Iterator[tuple[int, Any]]:
        """Yield the first row of each block, and the block; none crosses a superblock's end."""
        for start, stop in superblocks(self.shape[0]):
            yield start, self.source[start:stop, :]

    def one_pass(
        self,
        sums: Sequence[Summand] = (),
        rows: Sequence[Callable[[Any], Any]] = (),
    ) -> tuple[list[Any], list[Any]]:
        """Return sums over the rows, and arrays of what each block of rows is mapped to."""
        totals = [
            tree_sum(
                [one.add(one.zero(), block, start) for start, block in self.pieces()], one.merge
            )
            for one in sums
        ]
        return [
            one.zero() if total is None else total for one, total in zip(sums, totals, strict=True)
        ], [self.xp.concat([f(block) for _, block in self.pieces()]) for f in rows]

    def _matmat(self, X: Any) -> Any:
        return self.one_pass(rows=[lambda block: block @ X])[1][0]

    def _rmatmat(self, X: Any) -> Any:
        xp = self.xp
        zero = xp.zeros((self.shape[1], X.shape[1]), dtype=X.dtype, device=self.device)

        def add(Y: Any, block: Any, start: int) -> Any:
            return Y + adjoint_of(block, xp) @ X[start : start + block.shape[0], :]

        return self.one_pass([Summand(lambda: zero, add)])[0][0]
