"""Whether a sparse matrix is cheaply factorised: told from its pattern, before any work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import minimum_degree


def predicted_fill(
    matrix: Any, most_entries: int, most_operations: float
) -> tuple[int, float] | None:
    """Return entries of a triangular factor, and the operations that it takes, of a square matrix.

    Parameters
    ----------
    matrix : (n, n) SciPy sparse matrix
        Its pattern, made symmetric, is what counts.
    most_entries, most_operations : numbers
        The search ends where one is exceeded.

    Returns
    -------
    (int, float) or None
        None where a limit is exceeded.
    """
    n = matrix.shape[0]
    pattern = matrix.tocsr(copy=True)
    pattern.data = np.ones(pattern.data.shape, dtype=np.float32)
    pattern = (pattern + pattern.T).tocoo()
    off = pattern.row != pattern.col
    row, column = pattern.row[off], pattern.col[off]
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=n), out=indptr[1:])
    graph = column[np.argsort(row, kind="stable")].astype(np.int64)
    dense = np.diff(indptr) > max(16, 10 * math.sqrt(n))
    room = np.empty(most_entries, dtype=np.int32)  # the system gives memory where it is touched
    count, operations = kernel(namespace(indptr), minimum_degree.fill)(
        indptr, graph, dense, room, np.empty((11, n), dtype=np.int64), float(most_operations)
    )
    return None if count < 0 or count + n > most_entries else (int(count) + n, operations)
