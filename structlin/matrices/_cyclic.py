"""Block cyclic reduction of band matrices, in terms of the array API.

For array libraries without band factorisations, and devices that work on all rows at once.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import array_api_compat as compat


def solve_bands(bands: Any, lower: int, upper: int, B: Any, xp: ModuleType) -> Any:
    """Solve with a matrix whose bands are in LAPACK's order, without exchanges of rows.

    Blocks of ``w = max(lower, upper)`` rows make the matrix block tridiagonal. Every other block
    row is eliminated at once, by the inverse of its diagonal block, which leaves a block
    tridiagonal matrix of half the size: ``log₂ n/w`` steps of ``O(n w²)`` operations in all. Exact
    up to rounding for matrices that are positive definite or diagonally dominant; for others it
    may lose digits, or meet a singular block.
    """
    n, k = B.shape
    width = max(lower, upper, 1)
    count = -(-n // width)
    L, D, U = (_blocks(bands, lower, upper, side, width, count, xp) for side in (-1, 0, 1))
    rest = xp.zeros((count * width - n, k), dtype=B.dtype, device=compat.device(B))
    X = _reduce(L, D, U, xp.reshape(xp.concat((B, rest)), (count, width, k)), xp)
    return xp.reshape(X, (count * width, k))[:n, :]


def _blocks(
    bands: Any, lower: int, upper: int, side: int, width: int, count: int, xp: ModuleType
) -> Any:
    """Return the (count, w, w) blocks on the diagonal, or beside it; beyond the end, those of I."""
    n, place = bands.shape[1], compat.device(bands)
    block, row, column = (
        xp.reshape(xp.arange(size, device=place), shape)
        for size, shape in ((count, (-1, 1, 1)), (width, (1, -1, 1)), (width, (1, 1, -1)))
    )
    i, j = block * width + row, (block + side) * width + column
    band = upper + i - j
    known = (band >= 0) & (band <= lower + upper) & (j >= 0) & (j < n) & (i < n)
    flat = xp.reshape(bands, (-1,))
    entries = xp.take(flat, xp.reshape(xp.where(known, band * n + j, 0), (-1,)))
    one = xp.astype((i == j) & (i >= n), bands.dtype)
    return xp.where(known, xp.reshape(entries, known.shape), one)


def _reduce(L: Any, D: Any, U: Any, B: Any, xp: ModuleType) -> Any:
    """Solve ``L[i] X[i - 1] + D[i] X[i] + U[i] X[i + 1] = B[i]``; L[0] and U[-1] are zero."""
    count, width, k = B.shape
    if count == 1:
        return xp.linalg.solve(D, B)
    if count % 2:
        zero = xp.zeros_like(D[:1, ...])
        L, U = xp.concat((L, zero)), xp.concat((U, zero))
        D = xp.concat((D, zero + xp.eye(width, dtype=D.dtype, device=compat.device(D))))
        B = xp.concat((B, xp.zeros_like(B[:1, ...])))
    # X[i] = R - P X[i - 1] - Q X[i + 1] for odd i
    right = xp.concat((L[1::2, ...], U[1::2, ...], B[1::2, ...]), axis=2)
    found = xp.linalg.solve(D[1::2, ...], right)
    P, Q, R = found[..., :width], found[..., width : 2 * width], found[..., 2 * width :]
    L, D, U, B = L[::2, ...], D[::2, ...], U[::2, ...], B[::2, ...]
    before = [xp.roll(x, 1, axis=0) for x in (P, Q, R)]  # the first meets L[0] = 0
    even = _reduce(
        -L @ before[0],
        D - L @ before[1] - U @ P,
        -U @ Q,
        B - L @ before[2] - U @ R,
        xp,
    )
    odd = R - P @ even - Q @ xp.roll(even, -1, axis=0)  # the last meets Q[-1] = 0
    X = xp.reshape(xp.stack((even, odd), axis=1), (-1, width, k))
    return X[:count, ...]
