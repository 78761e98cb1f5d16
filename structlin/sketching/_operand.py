"""What drivers take: arrays, sparse matrices, operators and matrices that are read by rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_finite
from structlin.matrices import Dense, LinearOperator, Sparse, aslinearoperator
from structlin.matrices._base import size_text
from structlin.sketching._sources import is_row_source
from structlin.sketching.row_blocks import RowBlocks


def as_matrix(A: Any, name: str = "A") -> LinearOperator:
    """Return a user's matrix as an operator, its entries checked where they are known.

    Integers and booleans become float64, half precision becomes single. Arrays become `Dense`,
    sparse matrices `Sparse`, what is read from disk or on a cluster `RowBlocks` (its entries are
    checked while they are read).

    Raises
    ------
    ValueError
        If it has not two dimensions, or a NaN or Inf.
    TypeError
        If it is no matrix.
    """
    if isinstance(A, LinearOperator):
        if isinstance(A, Dense):
            require_finite(name, A.array)
        if isinstance(A, Sparse):
            require_finite(name, A.matrix)
        return A
    if isinstance(A, str | os.PathLike):
        raise TypeError(f"{name} is a path: RowBlocks({str(A)!r}) reads the matrix in that file")
    if len(getattr(A, "shape", (0, 0))) != 2:
        raise ValueError(f"{name} has shape {tuple(A.shape)}: a matrix (m, n) is needed")
    if is_row_source(A):
        return RowBlocks(A)
    # those that users derive from SciPy's operators, too
    if any(kind.__module__.partition(".")[0] in ("scipy", "cupyx") for kind in type(A).__mro__):
        if hasattr(A, "data") and hasattr(A, "nnz") and A.dtype == np.float16:
            A = A.astype(np.float32)
        made = aslinearoperator(A)
        if isinstance(made, Sparse):
            require_finite(name, made.matrix)
        return made
    xp = namespace(A)
    if str(A.dtype).endswith("float16"):
        A = xp.astype(A, xp.float32)
    A = inexact(A, xp)
    require_finite(name, A)
    return Dense(A)


@contextmanager
def needing_adjoint(A: LinearOperator, name: str) -> Iterator[None]:
    """Say what it is that an operator without an adjoint cannot be given to."""
    try:
        yield
    except NotImplementedError as error:
        raise NotImplementedError(
            f"{A!r} has no product with its adjoint, and {name} needs it: "
            "give the operator an rmatvec or rmatmat"
        ) from error


def rows_as_blocks(rows: Any, columns: int, like: Any) -> RowBlocks:
    """Return a portion of a stream of rows, to be read by blocks.

    Raises
    ------
    ValueError
        If the rows have not this length, or an entry is not finite.
    TypeError
        If they belong to another array library.
    """
    if not isinstance(rows, LinearOperator) and len(getattr(rows, "shape", ())) == 1:
        rows = rows[None, :]
    A = as_matrix(rows, "rows")
    if A.shape[1] != columns:
        raise ValueError(f"rows is {size_text(A.shape)}, but a row has {columns} entries here")
    namespace(like, A)
    device(like, A)
    return A if isinstance(A, RowBlocks) else RowBlocks(A)
