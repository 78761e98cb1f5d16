"""CPU twin of the Philox generator."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels.threads import in_threads

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)

_steps_of_draw = 50


def words(
    seed: int,
    stream: int,
    start: int,
    count: int,
    first: int,
    calls: int,
    xp: ModuleType,
    device: Any,
) -> Any:
    """Return the random 32-bit words of consecutive coordinates, (count, 4 calls)."""
    out = np.empty((count, 4 * calls), dtype=np.uint32)
    key, fourth, third, draws = (
        np.uint64(seed),
        np.uint32(stream),
        np.uint32(first),
        np.int64(calls),
    )

    def fill(low: int, high: int) -> None:
        _fill(key, fourth, np.uint64(start + low), third, draws, out[low:high])

    in_threads(fill, count, _steps_of_draw * count * calls)
    return out


@njit(cache=True, nogil=True)
def _fill(seed, stream, start, first, calls, out):  # type: ignore[no-untyped-def]
    k0, k1 = np.uint32(seed & _LOW), np.uint32(seed >> _HALF)
    for i in range(out.shape[0]):
        place = start + np.uint64(i)
        row = out[i]
        for call in range(calls):
            c0, c1 = np.uint32(place & _LOW), np.uint32(place >> _HALF)
            c2, c3 = np.uint32(first + np.uint32(call)), stream
            a, b = k0, k1
            for _ in range(10):
                p0, p1 = _M0 * np.uint64(c0), _M1 * np.uint64(c2)
                c0, c2 = (
                    np.uint32(np.uint32(p1 >> _HALF) ^ c1 ^ a),
                    np.uint32(np.uint32(p0 >> _HALF) ^ c3 ^ b),
                )
                c1, c3 = np.uint32(p1 & _LOW), np.uint32(p0 & _LOW)
                a, b = np.uint32(a + _W0), np.uint32(b + _W1)
            row[4 * call] = c0
            row[4 * call + 1] = c1
            row[4 * call + 2] = c2
            row[4 * call + 3] = c3
