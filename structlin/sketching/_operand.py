"""What drivers take: arrays, sparse matrices, operators and matrices that are read by rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.matrices import Dense, LinearOperator, Sparse, aslinearoperator
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
            require_finite(name, A.matrix.data)
        return A
    if getattr(A, "ndim", 2) != 2:
        raise ValueError(f"{name} has shape {tuple(A.shape)}: a matrix (m, n) is needed")
    if isinstance(A, np.memmap):
        return RowBlocks(A)
    if type(A).__module__.partition(".")[0] in ("scipy", "cupyx"):
        if hasattr(A, "data") and hasattr(A, "nnz") and A.dtype == np.float16:
            A = A.astype(np.float32)
        made = aslinearoperator(A)
        if isinstance(made, Sparse):
            require_finite(name, made.matrix.data)
        return made
    xp = namespace(A)
    if str(A.dtype).endswith("float16"):
        A = xp.astype(A, xp.float32)
    A = inexact(A, xp)
    require_finite(name, A)
    return Dense(A)
