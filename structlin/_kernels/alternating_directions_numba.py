"""A half step of alternating directions, compiled for the CPU."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


def half_step(R: Any, F: Any, ratio: Any, inverse: Any, keep: float, add: float) -> Any:
    """Return ``F + (keep R + add A⁻¹ R)ᵀ``: see the plain function."""
    real = R.dtype.type
    out = np.empty(F.shape, dtype=R.dtype)
    if R.size:
        R, F = np.ascontiguousarray(R), np.ascontiguousarray(F)
        _half_step(R, F, ratio, inverse, real(keep), real(add), out)
    return out


@numba.njit(cache=True)
def _half_step(R: Any, F: Any, ratio: Any, inverse: Any, keep: Any, add: Any, out: Any) -> None:
    n, m = R.shape
    wide = 64  # columns at a time, whose strip stays in the cache; by trial
    T = np.empty((n, wide), dtype=R.dtype)
    for first in range(0, m, wide):
        width = min(wide, m - first)
        for k in range(n):
            row, here = R[k, first : first + width], T[k, :width]
            if k < 2:
                for j in range(width):
                    here[j] = row[j]
            else:
                before, c = T[k - 2, :width], ratio[k - 2]
                for j in range(width):
                    here[j] = row[j] - c * before[j]
        for k in range(n - 1, -1, -1):
            here, d = T[k, :width], inverse[k]
            if k + 2 < n:
                after, c = T[k + 2, :width], ratio[k]
                row = R[k + 2, first : first + width]
                for j in range(width):
                    here[j] = d * here[j] - c * after[j]
                    after[j] = keep * row[j] + add * after[j]
            else:
                for j in range(width):
                    here[j] = d * here[j]
        for k in range(min(n, 2)):
            row, here = R[k, first : first + width], T[k, :width]
            for j in range(width):
                here[j] = keep * row[j] + add * here[j]
        # turned over in squares, so that both sides are read in lines
        for low in range(0, n, 64):
            high = min(low + 64, n)
            for j in range(width):
                given, made = F[first + j, low:high], out[first + j, low:high]
                for k in range(high - low):
                    made[k] = given[k] + T[low + k, j]
