"""CPU twin of `structlin._kernels.residual_gradient`: each row is read once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from structlin._kernels import residual_gradient as plain

# sums may be reordered, so that they run in the vector unit; NaN and Inf stay what they are
_sums = {"reassoc", "contract", "nsz"}

# rows whose products are summed by one thread: the sum does not depend on how many threads there
# are
_rows = 2048
# entries from which threads are worth their start
_many = 2**18


def residual_gradient(A: Any, B: Any, X: Any) -> tuple[Any, Any]:
    """Twin of `structlin._kernels.residual_gradient.residual_gradient` for one real vector."""
    (m, n), k = A.shape, X.shape[1]
    if k != 1 or X.dtype.kind != "f" or A.dtype != X.dtype or not A.flags.c_contiguous:
        return plain.residual_gradient(A, B, X)
    chunks = -(-m // _rows)
    gradients = np.zeros((chunks, n), X.dtype)
    squares = np.zeros(chunks, X.dtype)
    run = _all_parallel if m * n >= _many else _all
    run(A, np.ascontiguousarray(B[:, 0]), np.ascontiguousarray(X[:, 0]), gradients, squares)
    return gradients.sum(axis=0)[:, None], squares.sum(keepdims=True)


@njit(cache=True, fastmath=_sums)
def _chunk(A: Any, b: Any, x: Any, gradient: Any) -> Any:
    """Add ``Aᵀ (b − A x)`` to the gradient, four rows at a time; return ``‖b − A x‖²``."""
    m, n = A.shape
    total = x.dtype.type(0)
    for i in range(m // 4):
        block, beta = A[4 * i : 4 * i + 4], b[4 * i : 4 * i + 4]
        r0, r1, r2, r3 = beta[0], beta[1], beta[2], beta[3]
        a0, a1, a2, a3 = block[0], block[1], block[2], block[3]
        s0 = s1 = s2 = s3 = x.dtype.type(0)
        for j in range(n):
            s0 += a0[j] * x[j]
            s1 += a1[j] * x[j]
            s2 += a2[j] * x[j]
            s3 += a3[j] * x[j]
        r0 -= s0
        r1 -= s1
        r2 -= s2
        r3 -= s3
        total += (r0 * r0 + r1 * r1) + (r2 * r2 + r3 * r3)
        for j in range(n):
            gradient[j] += (r0 * a0[j] + r1 * a1[j]) + (r2 * a2[j] + r3 * a3[j])
    for i in range(m - m % 4, m):
        row, s = A[i], x.dtype.type(0)
        for j in range(n):
            s += row[j] * x[j]
        r = b[i] - s
        total += r * r
        for j in range(n):
            gradient[j] += r * row[j]
    return total


@njit(cache=True)
def _all(A: Any, b: Any, x: Any, gradients: Any, squares: Any) -> None:
    for c in range(squares.size):
        low = c * _rows
        high = min(low + _rows, A.shape[0])
        squares[c] = _chunk(A[low:high], b[low:high], x, gradients[c])


@njit(cache=True, parallel=True)
def _all_parallel(A: Any, b: Any, x: Any, gradients: Any, squares: Any) -> None:
    for c in prange(squares.size):
        low = c * _rows
        high = min(low + _rows, A.shape[0])
        squares[c] = _chunk(A[low:high], b[low:high], x, gradients[c])
