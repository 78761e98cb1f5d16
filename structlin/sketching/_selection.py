"""Rows and columns of a matrix in any container, as arrays."""

from __future__ import annotations

from typing import Any

from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.sketching._operand import needing_adjoint
from structlin.sketching.row_blocks import RowBlocks, Summand


def columns_of(A: LinearOperator, indices: Any) -> Any:
    """Return the columns of a matrix that an integer array selects: (m, k)."""
    xp = A.xp
    if isinstance(A, Dense):
        return xp.take(A.array, indices, axis=1)
    if isinstance(A, Sparse):
        return A.matrix.tocsc()[:, indices].toarray()
    if isinstance(A, RowBlocks):
        return A.one_pass(rows=[lambda block: xp.take(block, indices, axis=1)])[1][0]
    return A[:, indices].todense()


def rows_of(A: LinearOperator, indices: Any) -> Any:
    """Return the rows of a matrix that an integer array selects: (k, n)."""
    xp = A.xp
    if isinstance(A, Dense):
        return xp.take(A.array, indices, axis=0)
    if isinstance(A, Sparse):
        return A.matrix.tocsr()[indices, :].toarray()
    if not isinstance(A, RowBlocks):
        with needing_adjoint(A, "reading rows"):
            return xp.matrix_transpose(A[indices, :].T.todense())
    order = xp.argsort(indices, stable=True)
    ascending = xp.take(indices, order)
    shape, dtype, where = (indices.shape[0], A.shape[1]), A.dtype, A.device

    def zero() -> Any:
        return xp.zeros(shape, dtype=dtype, device=where)

    def add(Y: Any, block: Any, start: int) -> Any:
        low = int(xp.sum(xp.astype(ascending < start, xp.int64)))
        high = int(xp.sum(xp.astype(ascending < start + block.shape[0], xp.int64)))
        Y[low:high, :] = xp.take(block, ascending[low:high] - start, axis=0)
        return Y

    chosen = A.one_pass([Summand(zero, add)])[0][0]
    return xp.take(chosen, xp.argsort(order, stable=True), axis=0)
