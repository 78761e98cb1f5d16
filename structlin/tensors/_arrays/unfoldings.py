"""Unfoldings of an array along an axis, and products of matrices with them.

The columns of an unfolding are the fibres along that axis. It is read in pieces and never copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from structlin._backend import is_numpy, namespace
from structlin.matrices import Dense
from structlin.matrices._base import adjoint_of
from structlin.matrices._modes import mode_product as mode_product_in_memory

# entries of a piece: on the CPU it stays in the cache
_in_cache, _on_device = 2**18, 2**24


def sides(T: Any, axis: int) -> tuple[int, int, int]:
    """Return the numbers of entries before, along and after an axis."""
    shape = tuple(int(n) for n in T.shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def pieces(T: Any, axis: int) -> Iterator[Any]:
    """Yield the unfolding of a C-ordered array as (n, c) blocks of columns, in order."""
    xp = namespace(T)
    left, n, right = sides(T, axis)
    X = xp.reshape(T, (left, n, right))
    width = max((_in_cache if is_numpy(xp) else _on_device) // max(n, 1), 1)
    if left == 1 or 4 * right >= width:  # long rows: views
        for layer in range(left):
            for start in range(0, right, width):
                yield X[layer, :, start : min(start + width, right)]
        return
    group = max(width // right, 1)
    for layer in range(0, left, group):
        block = xp.moveaxis(X[layer : min(layer + group, left), ...], 0, 1)
        yield xp.reshape(block, (n, block.shape[1] * right))


def mode_product(T: Any, matrix: Any, axis: int) -> Any:
    """Return an array times a matrix (m, n) along one axis of length n."""
    xp, (left, _, right) = namespace(T, matrix), sides(T, axis)
    dtype = xp.result_type(T.dtype, matrix.dtype)
    T, matrix = xp.astype(T, dtype, copy=False), xp.astype(matrix, dtype, copy=False)
    out = mode_product_in_memory(Dense(matrix), T, left, right)
    return xp.reshape(out, (*T.shape[:axis], matrix.shape[0], *T.shape[axis + 1 :]))


def projected(T: Any, U: Any, axis: int) -> Any:
    """Return the array times ``Uᴴ`` along an axis."""
    return mode_product(T, adjoint_of(U, namespace(U)), axis)
