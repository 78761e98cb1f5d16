"""Products of stacked CountSketches with compressed sparse matrices of SciPy.

Loops are what a compiler wants, so these plain functions are the source of their twins. ``hits``
are those of `structlin._kernels.sparse_stack`. Complex numbers are ``parts = 2`` real ones side by
side, in ``data`` and in the sums.
"""

from __future__ import annotations

from typing import Any


def add_rows(
    sums: Any, indptr: Any, indices: Any, data: Any, parts: int, hits: Any, low: int, high: int
) -> None:
    """Add the rows of a CSR matrix to the (d, n) sums where they hit parts ``low`` to ``high``."""
    for i in range(hits.shape[0]):
        for t in range(low, high):
            sign = 1 - 2 * (hits[i, t] & 1)
            target = sums[hits[i, t] >> 1]
            for k in range(indptr[i], indptr[i + 1]):
                for c in range(parts):
                    target[parts * indices[k] + c] += sign * data[parts * k + c]


def add_columns(
    sums: Any,
    begin: Any,
    end: Any,
    indices: Any,
    data: Any,
    parts: int,
    hits: Any,
    first: int,
    low: int,
    high: int,
) -> None:
    """Add rows ``first, …`` of columns ``low`` to ``high`` of a CSC matrix to the (n, d) sums.

    The entries of a column are sorted by row. Column ``j`` is read from ``begin[j]`` on, to its
    end or to the last row that has hits, and ``begin[j]`` moves there.
    """
    behind = first + hits.shape[0]
    for j in range(low, high):
        target = sums[j]
        k = begin[j]
        while k < end[j] and indices[k] < behind:
            for t in range(hits.shape[1]):
                hit = hits[indices[k] - first, t]
                sign = 1 - 2 * (hit & 1)
                for c in range(parts):
                    target[parts * (hit >> 1) + c] += sign * data[parts * k + c]
            k += 1
        begin[j] = k
