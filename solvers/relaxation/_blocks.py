"""The blocks of block coordinate descent: a partition of the rows, and solutions with each block.

Blocks are dense and inverted, or forests of the graph of the matrix, where elimination from the
leaves to the roots fills nothing.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import blocks as kernels


class Blocks(NamedTuple):
    """A partition and its solutions, in the order in which `structlin._kernels.blocks` has them."""

    start: Any
    rows: Any
    place: Any
    inverse: Any
    parent: Any
    coupling: Any
    pivot: Any

    @property
    def number(self) -> int:
        """How many blocks there are."""
        return int(self.start.size) - 1

    @property
    def owner(self) -> Any:
        """The block of every row."""
        owner = np.empty(self.rows.size, np.int64)
        owner[self.rows] = np.repeat(np.arange(self.number), np.diff(self.start))
        return owner


def prepared_blocks(A: Any, blocks: Any) -> Blocks:
    """Return the blocks of a Hermitian CSR matrix that the user asks for.

    Raises
    ------
    ValueError
        If the blocks are no partition of the rows, or one is not positive definite.
    """
    if isinstance(blocks, str):
        if blocks != "tree":
            raise ValueError(
                f"blocks is {blocks!r}: use 'tree', a number of rows, or a list of index arrays"
            )
        return _forests(A)
    n = A.shape[0]
    if isinstance(blocks, numbers.Integral):
        size = int(blocks)
        if size < 1:
            raise ValueError(f"blocks is {size}: a block has at least one row")
        start = np.minimum(np.arange(-(-n // size) + 1) * size, n)
        return _dense(A, start, np.arange(n))
    return _dense(A, *_partition(blocks, n))


def _partition(blocks: Sequence[Any], n: int) -> tuple[Any, Any]:
    """Return the starts and the rows of blocks that the user lists."""
    if not hasattr(blocks, "__iter__"):
        raise TypeError(
            f"blocks is {blocks!r}: use 'tree', a number of rows, or a list of index arrays"
        )
    listed = [np.atleast_1d(np.asarray(block)) for block in blocks]
    for k, block in enumerate(listed):
        if block.ndim != 1 or block.size == 0 or not np.issubdtype(block.dtype, np.integer):
            raise ValueError(
                f"blocks[{k}] has {block.dtype} entries in shape {block.shape}: pass the row "
                "indices of the block"
            )
    rows = np.concatenate([*listed, np.empty(0, np.int64)]).astype(np.int64)
    if rows.size and not (rows.min() >= 0 and rows.max() < n):
        raise ValueError(f"blocks name rows {rows.min()} to {rows.max()}: A has rows 0 to {n - 1}")
    times = np.bincount(rows, minlength=n)
    if (times != 1).any():
        row = int(np.argmax(times != 1))
        raise ValueError(f"row {row} is in {times[row]} blocks: every row must be in one")
    return np.concatenate(([0], np.cumsum([block.size for block in listed]))).astype(int), rows


def _dense(A: Any, start: Any, rows: Any) -> Blocks:
    """Invert the blocks, those of one size together."""
    sizes = np.diff(start)
    place = np.concatenate(([0], np.cumsum(sizes**2)))[:-1]
    inverse = np.empty(int((sizes**2).sum()), A.dtype)
    inside = np.full(rows.size, -1)
    gather = _twin(A, kernels.dense_block)
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        stack = np.empty((chosen.size, size, size), A.dtype)
        for at, k in enumerate(chosen):
            gather(stack[at], A.indptr, A.indices, A.data, rows[start[k] : start[k + 1]], inside)
        try:
            np.linalg.cholesky(stack)
        except np.linalg.LinAlgError:
            raise ValueError(
                f"a block of {size} rows is not positive definite: descent needs a Hermitian "
                "positive definite matrix"
            ) from None
        found = np.linalg.inv(stack)
        for at, k in enumerate(chosen):
            inverse[place[k] : place[k] + size**2] = found[at].reshape(-1)
    none = np.empty(0, A.dtype)
    return Blocks(start, rows, place, inverse, np.empty(0, np.int64), none, none.real)


def _forests(A: Any) -> Blocks:
    """Divide the graph into forests, by first fit, and eliminate from their leaves."""
    n = A.shape[0]
    groups, leader, seen, rows, parent = (np.empty(n, np.int64) for _ in range(5))
    count = _twin(A, kernels.forest_partition)(A.indptr, A.indices, groups, leader, seen)
    start = np.empty(count + 1, np.int64)
    coupling, pivot = np.empty(n, A.dtype), np.zeros(n, A.dtype).real.copy()
    bad = _twin(A, kernels.grow_forests)(
        A.indptr, A.indices, A.data, groups, count, start, rows, parent, coupling, pivot
    )
    if bad >= 0:
        raise ValueError(
            f"the tree of row {bad} is not positive definite: descent needs a Hermitian positive "
            "definite matrix"
        )
    return Blocks(start, rows, np.empty(0, int), np.empty(0, A.dtype), parent, coupling, pivot)


def row_sums(A: Any, blocks: Blocks) -> Any:
    """Return the greatest absolute row sum of every block: a bound on its eigenvalues."""
    entries = A.tocoo()
    owner = blocks.owner
    within = owner[entries.row] == owner[entries.col]
    weights = np.abs(entries.data[within])
    sums = np.bincount(entries.row[within], weights=weights, minlength=A.shape[0])
    bound = np.zeros(blocks.number)
    np.maximum.at(bound, owner, sums)
    return bound


def _twin(A: Any, plain: Callable[..., Any]) -> Callable[..., Any]:
    return kernel(namespace(A.data), plain)
