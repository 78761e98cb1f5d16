"""Sketches of compressed sparse matrices of SciPy by stacks of CountSketches."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from structlin._backend import kernel
from structlin._kernels import sparse_stack_csr
from structlin._kernels.threads import in_threads
from structlin.sketching._superblocks import superblocks, tree_sum


def sketch_of_sparse(S: Any, matrix: Any) -> Any:
    """Return ``S A`` without the scale, for a CSR or CSC matrix of the result's data type.

    One pass over the nonzeros adds them in the order of the rows: where no entry is stored twice,
    the result has the bits of that for the dense array.
    """
    shape = S.shape[0], matrix.shape[1]
    if matrix.format == "csr":
        total = tree_sum(_by_rows(S, matrix, shape), operator.iadd)
    else:
        total = tree_sum(_by_columns(S, matrix, shape[::-1]), operator.iadd)
        total = None if total is None else np.ascontiguousarray(total.T)
    return np.zeros(shape, dtype=matrix.dtype) if total is None else total


def _by_rows(S: Any, matrix: Any, shape: tuple[int, int]) -> Iterator[Any]:
    """Yield the sums of the superblocks, (d, n)."""
    add = kernel(S.xp, sparse_stack_csr.add_rows)
    data, parts = _real(matrix.data)

    def part(place: tuple[int, int]) -> Any:
        total = np.zeros(shape, dtype=matrix.dtype)
        sums, hits = total.view(data.dtype), S._hits(*place)
        ends = matrix.indptr[place[0] : place[1] + 1]

        def loop(low: int, high: int) -> None:
            add(sums, ends, matrix.indices, data, parts, hits, low, high)

        # what hits different parts goes to different sums
        in_threads(loop, S.nonzeros, S.nonzeros * int(ends[-1] - ends[0]))
        return total

    return map(part, superblocks(matrix.shape[0]))


def _by_columns(S: Any, matrix: Any, shape: tuple[int, int]) -> Iterator[Any]:
    """Yield the transposes of the sums of the superblocks, (n, d), in their order."""
    add = kernel(S.xp, sparse_stack_csr.add_columns)
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    data, parts = _real(matrix.data)
    begin, ends = matrix.indptr[:-1].copy(), matrix.indptr[1:]

    def part(place: tuple[int, int]) -> Any:
        total = np.zeros(shape, dtype=matrix.dtype)
        sums, hits = total.view(data.dtype), S._hits(*place)

        def loop(low: int, high: int) -> None:
            add(sums, begin, ends, matrix.indices, data, parts, hits, place[0], low, high)

        in_threads(loop, shape[0], S.nonzeros * matrix.nnz)
        return total

    return map(part, superblocks(matrix.shape[0]))


def _real(data: Any) -> tuple[Any, int]:
    """Return entries as real numbers, and how many make one."""
    data = np.require(data, requirements=["C", "A", "W"])
    real = data.real.dtype
    return data.view(real), data.itemsize // real.itemsize
