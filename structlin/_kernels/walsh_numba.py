"""CPU twin of the Walsh–Hadamard transform.

Complex numbers are pairs of real ones, and a block of columns is one run of real numbers in which
rows are a step apart: all levels are sums and differences of runs. The lower levels are done in
pieces of the first cache, and the upper ones in tiles of as many numbers, which are copied there
and back: 2²⁰ numbers pass through memory twice.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels.threads import in_threads

# Numbers that stay in the first cache, and levels of the tiles: both by trial on one x86 machine.
_near, _tile_levels = 2**12, 8


def walsh_transform(X: Any) -> Any:
    """Return the product with the Hadamard matrix of Sylvester's construction."""
    n = X.shape[0]
    out = np.empty(X.shape, dtype=X.dtype)
    if not out.size:
        return out
    real = X.real.dtype
    source = np.require(X, requirements=["C", "A"]).view(real).reshape(-1)
    target = out.view(real).reshape(-1)
    step = target.size // n
    rows = min(n, 1 << (max(_near // step, 1).bit_length() - 1))

    near = functools.partial(_near_levels, source, target, rows * step, step)
    in_threads(near, n // rows, target.size * rows.bit_length())
    while rows < n:
        tall, inner = min(n // rows, 2**_tile_levels), rows * step
        width = max(8, _near // tall)
        across = -(-inner // width)
        far = functools.partial(_far_levels, target, tall, inner, width, across)
        in_threads(far, n // (rows * tall) * across, target.size * tall.bit_length())
        rows *= tall
    return out


@njit(cache=True, nogil=True)
def _near_levels(source, target, size, step, low, high):  # type: ignore[no-untyped-def]
    """Transform pieces ``low`` to ``high`` of so many numbers, rows of which are a step apart."""
    for piece in range(low, high):
        part = target[piece * size : (piece + 1) * size]
        given = source[piece * size : (piece + 1) * size]
        for i in range(size):
            part[i] = given[i]
        if step == 1 and size >= 8:
            _neighbours(part)
            _levels(part, 8)
        else:
            _levels(part, step)


@njit(cache=True, nogil=True)
def _far_levels(target, tall, inner, width, across, low, high):  # type: ignore[no-untyped-def]
    """Transform tiles ``low`` to ``high``: ``tall`` runs of ``width``, a distance apart."""
    tile = np.empty(tall * width, dtype=target.dtype)
    for place in range(low, high):
        block, column = divmod(place, across)
        begin = block * tall * inner + column * width
        w = min(width, inner - column * width)
        used = tile[: tall * w]
        for i in range(tall):
            row, run = used[i * w : (i + 1) * w], target[begin + i * inner : begin + i * inner + w]
            for j in range(w):
                row[j] = run[j]
        _levels(used, w)
        for i in range(tall):
            row, run = used[i * w : (i + 1) * w], target[begin + i * inner : begin + i * inner + w]
            for j in range(w):
                run[j] = row[j]


@njit(cache=True, nogil=True)
def _neighbours(a):  # type: ignore[no-untyped-def]
    """Do the first three levels of rows of one number."""
    for i in range(0, a.size, 8):
        b = a[i : i + 8]
        p0, p1, p2, p3 = b[0] + b[1], b[0] - b[1], b[2] + b[3], b[2] - b[3]
        p4, p5, p6, p7 = b[4] + b[5], b[4] - b[5], b[6] + b[7], b[6] - b[7]
        q0, q2, q1, q3 = p0 + p2, p0 - p2, p1 + p3, p1 - p3
        q4, q6, q5, q7 = p4 + p6, p4 - p6, p5 + p7, p5 - p7
        b[0], b[4], b[1], b[5] = q0 + q4, q0 - q4, q1 + q5, q1 - q5
        b[2], b[6], b[3], b[7] = q2 + q6, q2 - q6, q3 + q7, q3 - q7


@njit(cache=True, nogil=True)
def _levels(a, h):  # type: ignore[no-untyped-def]
    """Do all levels whose runs are ``h`` numbers long or more, three at a time."""
    while 8 * h <= a.size:
        for i in range(0, a.size, 8 * h):
            b0, b1 = a[i : i + h], a[i + h : i + 2 * h]
            b2, b3 = a[i + 2 * h : i + 3 * h], a[i + 3 * h : i + 4 * h]
            b4, b5 = a[i + 4 * h : i + 5 * h], a[i + 5 * h : i + 6 * h]
            b6, b7 = a[i + 6 * h : i + 7 * h], a[i + 7 * h : i + 8 * h]
            for j in range(h):
                p0, p1, p2, p3 = b0[j] + b1[j], b0[j] - b1[j], b2[j] + b3[j], b2[j] - b3[j]
                p4, p5, p6, p7 = b4[j] + b5[j], b4[j] - b5[j], b6[j] + b7[j], b6[j] - b7[j]
                q0, q2, q1, q3 = p0 + p2, p0 - p2, p1 + p3, p1 - p3
                q4, q6, q5, q7 = p4 + p6, p4 - p6, p5 + p7, p5 - p7
                b0[j], b4[j], b1[j], b5[j] = q0 + q4, q0 - q4, q1 + q5, q1 - q5
                b2[j], b6[j], b3[j], b7[j] = q2 + q6, q2 - q6, q3 + q7, q3 - q7
        h *= 8
    while 2 * h <= a.size:
        for i in range(0, a.size, 2 * h):
            b0, b1 = a[i : i + h], a[i + h : i + 2 * h]
            for j in range(h):
                p0, p1 = b0[j], b1[j]
                b0[j], b1[j] = p0 + p1, p0 - p1
        h *= 2
