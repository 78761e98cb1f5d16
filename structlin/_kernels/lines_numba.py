"""CPU twin of line relaxation: one line after the other, its residual and then its solution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import stencil, stencil_numba
from structlin._kernels.lines import Factors
from structlin._norm import norm


def relax(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: stencil.Weights,
    periodic: stencil.Flags,
    known: Factors,
    omega: float,
    zebra: bool,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep the lines until a residual norm leaves ``[target, ceiling]``."""
    leading = 3 - x.ndim
    x = np.array(x, order="C")
    boxes = [np.zeros((1, 1, 1), x.dtype)] * leading
    boxes = [diagonal, *boxes, *weights, *known]
    coefficients = tuple(
        np.require(v if v.ndim == 3 else v.reshape((1,) * leading + v.shape), x.dtype, ["C", "W"])
        for v in boxes
    )
    flags = (False,) * leading + periodic
    rhs = np.require(b, x.dtype, ["C", "W"]).reshape((1,) * leading + b.shape)
    box = x.reshape(rhs.shape)
    for k in range(1, norms.size):
        _sweep(box, rhs, *coefficients, *flags, omega, zebra)
        norms[k] = norm(b - stencil_numba.product(x, diagonal, weights, periodic))
        if not target <= norms[k] <= ceiling:
            return x, k
    return x, norms.size - 1


@njit(cache=True)
def _line(w: Any, i0: int, i1: int, last: int) -> Any:
    """Return the values along one line of the grid and their stride flag."""
    s0 = 1 if w.shape[0] > 1 else 0
    s1 = 1 if w.shape[1] > 1 else 0
    s2 = 1 if w.shape[2] > 1 else 0
    return w[i0 * s0, i1 * s1, last * s2 :], s2


@njit(cache=True, fastmath={"contract"})
def _add(total: Any, w: Any, s: int, x: Any) -> None:
    """Add a weighted line."""
    if s:
        for j in range(total.size):
            total[j] += w[j] * x[j]
    else:
        for j in range(total.size):
            total[j] += w[0] * x[j]


@njit(cache=True, fastmath={"contract"})
def _subtract(total: Any, w: Any, s: int, x: Any) -> None:
    """Subtract a weighted line."""
    if s:
        for j in range(total.size):
            total[j] -= w[j] * x[j]
    else:
        for j in range(total.size):
            total[j] -= w[0] * x[j]


@njit(cache=True, fastmath={"contract"})
def _solve(e: Any, inverse: Any, ratio: Any) -> None:
    n = e.size
    last = e[0]
    for j in range(1, n):
        last = e[j] + ratio[j] * last
        e[j] = last
    last = e[n - 1] * inverse[n - 1]
    e[n - 1] = last
    for k in range(1, n):
        j = n - 1 - k
        last = e[j] * inverse[j] + ratio[j + 1] * last
        e[j] = last


@njit(cache=True)
def _sweep(
    x: Any,
    b: Any,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    inverse: Any,
    ratio: Any,
    corner: Any,
    spread: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    omega: float,
    zebra: bool,
) -> None:
    n0, n1, n2 = x.shape
    inner = n2 - 1
    e = np.empty(n2, x.dtype)
    for color in range(2 if zebra else 1):
        for i0 in range(n0):
            for i1 in range(n1):
                if zebra and (i0 + i1) & 1 != color:
                    continue
                line = x[i0, i1]
                e[:] = b[i0, i1]
                _subtract(e, *_line(d, i0, i1, 0), line)
                # an index below zero is that of the last line
                below1, below0 = x[i0, i1 - 1], x[i0 - 1, i1]
                above1, above0 = x[i0, (i1 + 1) % n1], x[(i0 + 1) % n0, i1]
                if i1 > 0 or wrap1:
                    _add(e, *_line(w1, i0, i1, 0), below1)
                if i1 < n1 - 1 or wrap1:
                    _add(e, *_line(w1, i0, i1 + 1, 0), above1)
                if i0 > 0 or wrap0:
                    _add(e, *_line(w0, i0, i1, 0), below0)
                if i0 < n0 - 1 or wrap0:
                    _add(e, *_line(w0, i0 + 1, i1, 0), above0)
                low, s = _line(w2, i0, i1, 0)
                high, _ = _line(w2, i0, i1, 1)
                _add(e[1:], low[s:], s, line[:inner])
                _add(e[:inner], high, s, line[1:])
                if wrap2:
                    e[0] += low[0] * line[inner]
                    e[inner] += high[inner * s] * line[0]
                _solve(e, _line(inverse, i0, i1, 0)[0], _line(ratio, i0, i1, 0)[0])
                if wrap2:
                    closing = _line(corner, i0, i1, 0)[0][0] * (e[0] + e[inner])
                    z, _ = _line(spread, i0, i1, 0)
                    for j in range(n2):
                        e[j] += closing * z[j]
                for j in range(n2):
                    line[j] += omega * e[j]
