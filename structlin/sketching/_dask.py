"""One pass over the rows of a dask array, on the scheduler or cluster that is current."""

from __future__ import annotations

import copy
import importlib
from typing import Any

from structlin.sketching._one_pass import Pass, fill
from structlin.sketching._sources import checked
from structlin.sketching._superblocks import cut, superblocks, tree_sum

# sums so far, and the rows that wait for the rest of their granule
State = tuple[list[Any], tuple[Any, ...]]


def sum_and_map(array: Any, work: Pass, dtype: Any) -> tuple[list[Any], list[Any]]:
    """Return the totals, and the arrays of what the rows are mapped to.

    The blocks of a superblock are added one after the other, superblocks side by side. Totals are
    merged in the order of the tree by tasks of their own.
    """
    dask = importlib.import_module("dask")
    rows = array.shape[0]
    if array.numblocks[1] > 1:
        array = array.rechunk({1: -1})
    sent = dask.delayed(work, traverse=False)
    add, merge = dask.delayed(_advance, nout=2), dask.delayed(_merge)
    totals, mapped = [], []
    for start, stop in superblocks(rows):
        part = array[start:stop]
        state: Any = None
        # keys of chunks stay the same, so that two superblocks share the chunk between them
        blocks = part.to_delayed(optimize_graph=False)[:, 0]
        for block, height in zip(blocks, part.chunks[0], strict=True):
            shape = height, array.shape[1]
            state, tiles = add(sent, state, block, start, shape, rows, dtype)
            mapped += [tiles] if work.maps else []
            start += height
        totals.append(state)
    total = tree_sum(totals, lambda left, right: merge(sent, left, right))
    (sums, _), found = dask.compute(total, mapped)
    arrays: list[Any] = []
    for tiles in found:
        for first, parts in tiles:
            fill(arrays, parts, first, rows)
    return sums, arrays


def _advance(
    work: Pass,
    state: State | None,
    block: Any,
    start: int,
    shape: tuple[int, int],
    rows: int,
    dtype: Any,
) -> tuple[State, list[tuple[int, list[Any]]]]:
    """Return the state after the next rows, and what they are mapped to."""
    # a task may run again with the same state, after a worker was lost: it must not be changed
    totals, held = copy.deepcopy(state) if state else (work.zero(), ())
    block = checked(block, start, shape, dtype)
    pieces, held = cut(held, block, start, work.granule, rows)
    tiles = []
    for first, piece in pieces:
        totals = work.add(totals, piece, first)
        tiles.append((first, work.mapped(piece)))
    return (totals, held), tiles


def _merge(work: Pass, left: State, right: State) -> State:
    return work.merge(*copy.deepcopy((left[0], right[0]))), ()
