"""CPU twin of the solution of many tridiagonal systems."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


def chain(ratios: Any, inverse: Any, r: Any) -> Any:
    """Return the solutions; see `structlin._kernels.tridiagonal`."""
    x = np.array(r, order="C")
    _chain(np.ascontiguousarray(ratios[:, 0, :]), np.ascontiguousarray(inverse[:, 0, :]), x)
    return x


@njit(cache=True)
def _chain(ratios: Any, inverse: Any, x: Any) -> None:
    n, samples, m = x.shape
    wide = ratios.shape[1] > 1
    for s in range(samples):
        for j in range(1, n):
            above, row = x[j - 1, s], x[j, s]
            if wide:
                ratio = ratios[j]
                for k in range(m):
                    row[k] += ratio[k] * above[k]
            else:
                one = ratios[j, 0]
                for k in range(m):
                    row[k] += one * above[k]
        for j in range(n):
            row = x[j, s]
            if wide:
                scale = inverse[j]
                for k in range(m):
                    row[k] *= scale[k]
            else:
                one = inverse[j, 0]
                for k in range(m):
                    row[k] *= one
        for j in range(n - 2, -1, -1):
            below, row = x[j + 1, s], x[j, s]
            if wide:
                ratio = ratios[j + 1]
                for k in range(m):
                    row[k] += ratio[k] * below[k]
            else:
                one = ratios[j + 1, 0]
                for k in range(m):
                    row[k] += one * below[k]
