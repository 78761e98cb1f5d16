"""CPU twin of the values at points: panels of points through registers, in threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import tucker_points
from structlin._kernels.panel_product import add_product, lanes, multiply
from structlin._kernels.threads import in_threads

# panels that use a block of the core one after the other
_together = 8
# operations in vectors that take as long as one step of a plain loop
_per_step = 64


def values(core: Any, factors: Sequence[Any], bases: Sequence[Any], points: Any) -> Any:
    """Twin of `structlin._kernels.tucker_points.values`.

    Complex data go through the plain function.
    """
    if core.dtype.kind == "c":
        return tucker_points.values(core, factors, bases, points)
    out = np.empty(points.shape[1], dtype=core.dtype)
    sizes = np.array([U.shape for U in factors])
    ends = np.array([(basis.low, basis.high, basis.periodic) for basis in bases])
    coefficients = np.concatenate([U.reshape(-1) for U in factors])
    flat = np.require(core, None, ["C", "W"]).reshape(-1)
    points = np.ascontiguousarray(points)

    def panels(low: int, high: int) -> None:
        _values(flat, coefficients, sizes, ends, points, out, low, high)

    operations = 2 * out.size * (coefficients.size + core.size)
    in_threads(panels, -(-out.size // lanes), operations / _per_step, _together)
    return out


@njit(cache=True, nogil=True)
def _values(
    core: Any, coefficients: Any, sizes: Any, ends: Any, points: Any, out: Any, low: int, high: int
) -> None:
    """Write the values at the points of some panels.

    The core is a stack of matrices, for its last two axes: every one of them is multiplied by the
    functions of the last variable, and the rows of the product are added with those of the one
    before as weights.
    """
    d, N = points.shape
    ranks = sizes[:, 1]
    rows, columns = ranks[d - 2] if d > 1 else 1, ranks[d - 1]
    matrices, longest, most = 1, 0, 1
    for axis in range(d):
        longest, most = max(longest, sizes[axis, 0]), max(most, ranks[axis])
        matrices *= ranks[axis] if axis < d - 2 else 1
    together = max(min(_together, high - low), 1)
    basis = np.empty((longest, lanes), core.dtype)
    # the functions of every variable, and of one more that are ones
    factors = np.ones((together, d + 1, most, lanes), core.dtype)
    stride = most * lanes
    flat = factors.reshape(-1)
    sums = np.empty((together, lanes), core.dtype)
    part = np.empty(lanes, core.dtype)
    for start in range(low, high, together):
        count = min(together, high - start)
        for s in range(count):
            first = (start + s) * lanes
            offset = 0
            for axis in range(d):
                n, r = sizes[axis, 0], ranks[axis]
                x = points[axis, first : min(first + lanes, N)]
                if ends[axis, 2]:
                    _waves(x, ends[axis], basis[:n])
                else:
                    _polynomials(x, ends[axis], basis[:n])
                place = (s * (d + 1) + axis) * stride
                multiply(coefficients, offset, 1, r, r, n, basis.reshape(-1), 0, flat, place)
                offset += n * r
        for s in range(count):
            for p in range(lanes):
                sums[s, p] = 0
        for matrix in range(matrices):
            for s in range(count):
                last = (s * (d + 1) + d - 1) * stride
                weights = last - stride if d > 1 else last + stride
                for p in range(lanes):
                    part[p] = 0
                add_product(
                    core, matrix * rows * columns, rows, columns, flat, weights, flat, last, part, 0
                )
                index = matrix
                for axis in range(d - 3, -1, -1):
                    i = index % ranks[axis]
                    index //= ranks[axis]
                    for p in range(lanes):
                        part[p] *= factors[s, axis, i, p]
                for p in range(lanes):
                    sums[s, p] += part[p]
        first = start * lanes
        for p in range(min(count * lanes, N - first)):
            out[first + p] = sums[p // lanes, p % lanes]
            for axis in range(d):  # constants have no NaN from the coordinate
                out[first + p] += 0 * points[axis, first + p]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _polynomials(x: Any, ends: Any, T: Any) -> None:
    """Write the first Chebyshev polynomials of some points, and of the midpoint after them."""
    low, high = ends[0], ends[1]
    twice = np.zeros(lanes, T.dtype)
    for p in range(x.size):
        twice[p] = 2 * ((x[p] - low) - (high - x[p])) / (high - low)
    for k in range(len(T)):
        for p in range(lanes):
            if k == 0:
                T[k, p] = 1
            elif k == 1:
                T[k, p] = twice[p] / 2
            else:
                T[k, p] = twice[p] * T[k - 1, p] - T[k - 2, p]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _waves(x: Any, ends: Any, W: Any) -> None:
    """Write 1, cos θ, sin θ, cos 2θ, … of some points, and of the first end after them."""
    cosine, sine = np.ones(lanes, W.dtype), np.zeros(lanes, W.dtype)
    for p in range(x.size):
        turns = (x[p] - ends[0]) / (ends[1] - ends[0])
        angle = 2 * math.pi * (turns - math.floor(turns + 0.5))
        cosine[p], sine[p] = math.cos(angle), math.sin(angle)
    for k in range(len(W)):
        for p in range(lanes):
            if k == 0:
                W[k, p] = 1
            elif k == 1:
                W[k, p] = cosine[p]
            elif k == 2:
                W[k, p] = sine[p]
            elif k % 2:  # the pair before, turned by θ
                W[k, p] = W[k - 2, p] * cosine[p] - W[k - 1, p] * sine[p]
            else:
                W[k, p] = W[k - 2, p] * cosine[p] + W[k - 3, p] * sine[p]
