"""CPU twins of `structlin._kernels.variates`.

The normal numbers are made of additions, multiplications, divisions and square roots alone, in
one order: their bits are the same on every processor, whether the loops run in vectors or not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

# numbers that stay in the nearest cache between the steps
_piece = 1024

# a floating-point number is 2^k f with f in [√½, √2): these bits begin a new k
_half_root = int(np.float64(math.sqrt(0.5)).view(np.int64))
_log2 = math.log(2.0)
_cell = 2.0**-32
_turn = 2.0 * math.pi * _cell
_eighth, _thirty = np.uint32(1 << 29), np.uint32(30)
_rest, _half = np.uint32((1 << 30) - 1), np.int32(1 << 29)


def normals(words: Any, dtype: Any) -> Any:
    """Return standard normal numbers: each pair of words gives two."""
    out = np.empty(words.shape, dtype=dtype)
    _normals(np.ascontiguousarray(words).reshape(-1), out.reshape(-1))
    return out


def signs(words: Any, dtype: Any) -> Any:
    """Return 32 signs of every word: 0 gives +1, the lowest bit comes first."""
    count, calls = words.shape
    out = np.empty((count, 32 * calls), dtype=dtype)
    _signs(np.ascontiguousarray(words).reshape(-1), out.reshape(-1, 32))
    return out


@njit(cache=True, error_model="numpy")
def _normals(words, out):  # type: ignore[no-untyped-def]
    pairs = out.shape[0] // 2
    u, w = np.empty(_piece), np.empty(_piece)
    exponents = np.empty(_piece, dtype=np.int64)
    for low in range(0, pairs, _piece):
        count = min(_piece, pairs - low)
        given, made = words[2 * low : 2 * (low + count)], out[2 * low : 2 * (low + count)]
        for i in range(count):
            u[i] = (given[2 * i] + 0.5) * _cell
        bits = u.view(np.int64)
        for i in range(count):
            # a constant that makes the shifted number positive
            exponents[i] = ((bits[i] - _half_root + (1023 << 52)) >> 52) - 1023
            bits[i] -= exponents[i] << 52
        for i in range(count):
            # log(1 + f) = 2 s (1 + s²/3 + s⁴/5 + …), where s² < 0.03, and 2 s = f − s f
            f = u[i] - 1.0
            s = f / (2.0 + f)
            q = s * s
            series = 1.0 / 19.0 + q * (1.0 / 21.0)
            series = 1.0 / 15.0 + q * (1.0 / 17.0 + q * series)
            series = 1.0 / 11.0 + q * (1.0 / 13.0 + q * series)
            series = 1.0 / 7.0 + q * (1.0 / 9.0 + q * series)
            series = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * series))
            half = 0.5 * f * f
            logarithm = exponents[i] * _log2 + (f - (half - s * (half + 2.0 * series)))
            w[i] = math.sqrt(-2.0 * logarithm)
        for i in range(count):
            turned = np.uint32(given[2 * i + 1] + _eighth)
            quarters = np.int32(turned >> _thirty)
            x = (float(np.int32(turned & _rest) - _half) + 0.5) * _turn
            q = x * x
            # Taylor series for |x| < π/4
            c = 1.0 / 20922789888000.0 - q * (1.0 / 6402373705728000.0)
            c = 1.0 / 479001600.0 - q * (1.0 / 87178291200.0 - q * c)
            c = 1.0 / 40320.0 - q * (1.0 / 3628800.0 - q * c)
            c = 1.0 / 24.0 - q * (1.0 / 720.0 - q * c)
            c = 1.0 - q * (0.5 - q * c)
            s = 1.0 / 1307674368000.0 - q * (1.0 / 355687428096000.0)
            s = 1.0 / 39916800.0 - q * (1.0 / 6227020800.0 - q * s)
            s = 1.0 / 362880.0 - q * s
            s = 1.0 / 120.0 - q * (1.0 / 5040.0 - q * s)
            s = x - x * q * (1.0 / 6.0 - q * s)
            odd = (quarters & 1) == 1
            made[2 * i] = (s if odd else c) * float(1 - ((quarters + 1) & 2)) * w[i]
            made[2 * i + 1] = (c if odd else s) * float(1 - (quarters & 2)) * w[i]


@njit(cache=True)
def _signs(words, out):  # type: ignore[no-untyped-def]
    for i in range(words.shape[0]):
        word, row = words[i], out[i]
        for bit in range(32):
            row[bit] = 1 - 2 * np.int32((word >> np.uint32(bit)) & np.uint32(1))
