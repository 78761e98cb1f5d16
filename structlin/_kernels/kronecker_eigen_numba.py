"""Compiled twins of `structlin._kernels.kronecker_eigen`: one pass over memory already in use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit


def mirror_sums(X: Any, folded: tuple[bool, bool, bool], in_place: bool = False) -> Any:
    """Compiled twin of `structlin._kernels.kronecker_eigen.mirror_sums`."""
    X = np.ascontiguousarray(X)
    out = X if in_place else np.empty_like(X)
    _mirror_sums(X, out, *folded)
    return out


def divided(T: Any, leading: Any, last: Any, noise: float) -> tuple[Any, float, float]:
    """Compiled twin of `structlin._kernels.kronecker_eigen.divided`."""
    T = np.ascontiguousarray(T)
    # D lies between the noise and the noise plus 1: products of so many stay in range
    digits = max(abs(math.log10(noise)), math.log10(noise + 1)) if noise else math.inf
    together = max(1, min(16, int(280 / digits)))
    squares, logarithms = _divided(T, leading, last, float(noise), together)
    return T, float(squares), float(logarithms)


@njit(cache=True, nogil=True)
def _mirror_sums(X: Any, out: Any, first: bool, second: bool, third: bool) -> None:
    a, b, c = X.shape
    half_a = a // 2 if first else 0
    half_b = b // 2 if second else 0
    half_c = c // 2 if third else 0
    for i in range(a - half_a):
        m = a - 1 - i
        near, far = out[i], out[m]
        if i < half_a:
            left, right = X[i], X[m]
            for j in range(b):
                for k in range(c):
                    u, v = left[j, k], right[j, k]
                    near[j, k] = u + v
                    far[j, k] = u - v
        else:
            near[:] = X[i]
        for r in range(2 if i < half_a else 1):  # these planes are in the cache
            plane = near if r == 0 else far
            for j in range(half_b):
                top, bottom = plane[j], plane[b - 1 - j]
                for k in range(c):
                    u, v = top[k], bottom[k]
                    top[k] = u + v
                    bottom[k] = u - v
            if half_c:
                for j in range(b):
                    row = plane[j]
                    for k in range(half_c):
                        u, v = row[k], row[c - 1 - k]
                        row[k] = u + v
                        row[c - 1 - k] = u - v


@njit(cache=True, nogil=True, error_model="numpy")  # divisions that need no check are faster
def _divided(T: Any, leading: Any, last: Any, noise: float, together: int) -> tuple[float, float]:
    m, n = T.shape
    logarithms = 0.0
    products, squares = np.ones(n), np.zeros(n)
    for i in range(m):
        scale = leading[i]
        for k in range(n):
            D = scale * last[k] + noise
            t = np.float64(T[i, k])
            quotient = t / D
            T[i, k] = quotient
            squares[k] += t * quotient
            products[k] *= D
        if i % together == together - 1 or i == m - 1:
            for k in range(n):
                logarithms += np.log(products[k])
                products[k] = 1.0
    return squares.sum(), logarithms
