"""Compiled twin of `structlin._kernels.kronecker_sparse`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

# below so many entries, loops along the memory cost more than sums in registers
_short = 4


def small_blocks(factors: Sequence[Any], X: Any) -> Any:
    """Compiled twin of `structlin._kernels.kronecker_sparse.small_blocks`."""
    columns = X.shape[1]
    X, spare = np.ascontiguousarray(X), None
    for step, values in enumerate(factors):
        a, b, c, d = values.shape
        if spare is None or spare.size != a * b * d * columns:
            spare = np.empty(a * b * d * columns, dtype=X.dtype)
        Y = spare.reshape(a, b, d, columns)
        if b == c == 2:
            _twos(values, X.reshape(a, c, d, columns), Y)
        else:
            _blocks(values, X.reshape(a, c, d, columns), Y)
        # two buffers take turns: fresh memory for each factor costs more than its product
        spare, X = (X if step else None), Y
    return X.reshape(-1, columns)


@njit(cache=True)
def _twos(values: Any, X: Any, Y: Any) -> None:
    a, _, _, d = values.shape
    n = X.shape[3]
    for i in range(a):
        v00, v01 = values[i, 0, 0], values[i, 0, 1]
        v10, v11 = values[i, 1, 0], values[i, 1, 1]
        if n == 1:
            x0, x1, y0, y1 = X[i, 0, :, 0], X[i, 1, :, 0], Y[i, 0, :, 0], Y[i, 1, :, 0]
            for e in range(d):
                p, q = x0[e], x1[e]
                y0[e] = v00[e] * p + v01[e] * q
                y1[e] = v10[e] * p + v11[e] * q
        else:
            for e in range(d):
                r, s, t, u = v00[e], v01[e], v10[e], v11[e]
                x0, x1, y0, y1 = X[i, 0, e], X[i, 1, e], Y[i, 0, e], Y[i, 1, e]
                for k in range(n):
                    p, q = x0[k], x1[k]
                    y0[k] = r * p + s * q
                    y1[k] = t * p + u * q


@njit(cache=True)
def _blocks(values: Any, X: Any, Y: Any) -> None:
    a, b, c, d = values.shape
    n = X.shape[3]
    for i in range(a):
        for j in range(b):
            if d < _short and n < _short:
                for e in range(d):
                    for s in range(n):
                        total = values[i, j, 0, e] * X[i, 0, e, s]
                        for k in range(1, c):
                            total += values[i, j, k, e] * X[i, k, e, s]
                        Y[i, j, e, s] = total
                continue
            Y[i, j] = 0
            for k in range(c):
                if n == 1:
                    v, x, y = values[i, j, k], X[i, k, :, 0], Y[i, j, :, 0]
                    for e in range(d):
                        y[e] += v[e] * x[e]
                else:
                    for e in range(d):
                        factor, x, y = values[i, j, k, e], X[i, k, e], Y[i, j, e]
                        for s in range(n):
                            y[s] += factor * x[s]
