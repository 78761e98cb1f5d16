"""Products with chains of Kronecker-sparse matrices of small blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace


def small_blocks(factors: Sequence[Any], X: Any) -> Any:
    """Return the product of Kronecker-sparse matrices with a block of columns.

    Parameters
    ----------
    factors : sequence of (a, b, c, d) arrays, C-contiguous
        The entries of the matrices, in the order in which they are applied; ``b`` and ``c`` are
        at least 1. Each multiplies as ``Y[i, j, l, :] = Σₖ values[i, j, k, l] X[i, k, l, :]``.
    X : (n, columns) array
        The operand, of the data type of the entries.

    Returns
    -------
    (m, columns) array
        The product, in fresh memory.
    """
    xp, columns = namespace(X), X.shape[1]
    for values in factors:
        a, b, c, d = values.shape
        T = xp.reshape(X, (a, c, d, columns))
        Y = values[:, :, 0, :, None] * T[:, None, 0, :, :]
        for k in range(1, c):
            Y += values[:, :, k, :, None] * T[:, None, k, :, :]
        X = xp.reshape(Y, (a * b * d, columns))
    return X
