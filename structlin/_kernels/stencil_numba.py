"""CPU twins of the stencil kernels: products and sweeps in lexicographic order.

The grid is seen as three-dimensional, with leading axes of one point. A weight that does not
vary along an axis has stride flag 0 there, so that one loop serves uniform, graded and variable
coefficients.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import stencil
from structlin._kernels.red_black_numba import relax_red_black as relax_red_black


def _box(array: Any, leading: int) -> Any:
    return array.reshape((1,) * leading + array.shape)


def _coefficients(dtype: Any, diagonal: Any, weights: stencil.Weights) -> tuple[Any, ...]:
    """Return diagonal and weights as contiguous 3-D arrays of the grid's data type."""
    leading = 3 - len(weights)
    boxes = [np.zeros((1, 1, 1), dtype)] * leading
    boxes += [_box(w, leading) for w in weights]
    return tuple(np.require(box, dtype, ["C", "W"]) for box in (_box(diagonal, leading), *boxes))


def product(x: Any, diagonal: Any, weights: stencil.Weights, periodic: stencil.Flags) -> Any:
    """Return ``A x``; batches and mixed data types go through the plain twin."""
    if x.ndim != len(weights) or 0 in x.shape or x.dtype != diagonal.dtype:
        return stencil.product(x, diagonal, weights, periodic)
    leading = 3 - x.ndim
    x3 = _box(np.require(x, None, ["C", "W"]), leading)
    y3 = np.empty_like(x3)
    flags = (False,) * leading + periodic
    _product(x3, y3, *_coefficients(x.dtype, diagonal, weights), *flags)
    return y3.reshape(x.shape)


def relax_lexicographic(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: stencil.Weights,
    periodic: stencil.Flags,
    omega: float,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep in C order until a residual norm leaves ``[target, ceiling]``."""
    leading = 3 - x.ndim
    padded = np.pad(_box(x, leading), 1)
    flags = (False,) * leading + periodic
    rhs = _box(np.require(b, x.dtype, ["C", "W"]), leading)
    coefficients = _coefficients(x.dtype, diagonal, weights)
    step = np.asarray(omega / coefficients[0], x.dtype)
    sweeps = _relax(padded, rhs, step, *coefficients, *flags, target, ceiling, norms)
    return padded[1:-1, 1:-1, 1:-1].reshape(x.shape), sweeps


def ssor_lexicographic(
    r: Any, diagonal: Any, weights: stencil.Weights, periodic: stencil.Flags, omega: float
) -> Any:
    """Return ``M⁻¹ r`` by one forward and one backward substitution."""
    leading = 3 - r.ndim
    z = np.zeros([size + 2 for size in _box(r, leading).shape], r.dtype)
    coefficients = _coefficients(r.dtype, diagonal, weights)
    step = np.asarray(omega / coefficients[0], r.dtype)
    flags = (False,) * leading + periodic
    _ssor(z, _box(np.require(r, None, ["C", "W"]), leading), step, *coefficients, *flags)
    return z[1:-1, 1:-1, 1:-1].reshape(r.shape)


# Lines are looked up where they are used: one function that returns them all makes sweeps over
# small grids slower by a third.


@njit(cache=True)
def _line(w: Any, i0: int, i1: int, last: int) -> Any:
    """Return the weights along one line of the grid and their stride flag."""
    s0 = 1 if w.shape[0] > 1 else 0
    s1 = 1 if w.shape[1] > 1 else 0
    s2 = 1 if w.shape[2] > 1 else 0
    return w[i0 * s0, i1 * s1, last * s2 :], s2


@njit(cache=True)
def _product_line(
    y: Any,
    x: Any,
    up: Any,
    down: Any,
    front: Any,
    back: Any,
    d: Any,
    sd: int,
    wu: Any,
    su: int,
    wd: Any,
    wf: Any,
    sf: int,
    wb: Any,
    wl: Any,
    wh: Any,
    sl: int,
    wrap: bool,
) -> None:
    n = x.size
    for j in range(n):
        y[j] = d[j * sd] * x[j] - wu[j * su] * up[j] - wd[j * su] * down[j]
    if sf or wf[0] != 0 or wb[0] != 0:
        for j in range(n):
            y[j] -= wf[j * sf] * front[j] + wb[j * sf] * back[j]
    inner = n - 1
    low, high, wlow, whigh = x[:inner], x[1:], wl[sl:], wh
    ylow, yhigh = y[:inner], y[1:]
    for j in range(inner):
        ylow[j] -= whigh[j * sl] * high[j]
    for j in range(inner):
        yhigh[j] -= wlow[j * sl] * low[j]
    if wrap:
        y[0] -= wl[0] * x[n - 1]
        y[n - 1] -= wh[(n - 1) * sl] * x[0]


@njit(cache=True)
def _product(
    x: Any, y: Any, d: Any, w0: Any, w1: Any, w2: Any, wrap0: bool, wrap1: bool, wrap2: bool
) -> None:
    n0, n1, n2 = x.shape
    outside = np.zeros(n2, x.dtype)
    for i0 in range(n0):
        for i1 in range(n1):
            dl, sd = _line(d, i0, i1, 0)
            wf, sf = _line(w0, i0, i1, 0)
            wb, _ = _line(w0, i0 + 1, i1, 0)
            wu, su = _line(w1, i0, i1, 0)
            wd, _ = _line(w1, i0, i1 + 1, 0)
            wl, sl = _line(w2, i0, i1, 0)
            wh, _ = _line(w2, i0, i1, 1)
            front = x[i0 - 1, i1] if i0 > 0 else (x[n0 - 1, i1] if wrap0 else outside)
            back = x[i0 + 1, i1] if i0 < n0 - 1 else (x[0, i1] if wrap0 else outside)
            up = x[i0, i1 - 1] if i1 > 0 else (x[i0, n1 - 1] if wrap1 else outside)
            down = x[i0, i1 + 1] if i1 < n1 - 1 else (x[i0, 0] if wrap1 else outside)
            _product_line(
                y[i0, i1],
                x[i0, i1],
                up,
                down,
                front,
                back,
                dl,
                sd,
                wu,
                su,
                wd,
                wf,
                sf,
                wb,
                wl,
                wh,
                sl,
                wrap2,
            )


@njit(cache=True)
def _sweep_line(
    x: Any,
    up: Any,
    down: Any,
    front: Any,
    back: Any,
    b: Any,
    q: Any,
    d: Any,
    sd: int,
    wu: Any,
    su: int,
    wd: Any,
    wf: Any,
    sf: int,
    wb: Any,
    wl: Any,
    wh: Any,
    sl: int,
    wrap: bool,
) -> None:
    n = b.size
    if wrap:
        x[0] = x[n]
        x[n + 1] = x[1]
    last = x[0]
    for j in range(n):
        # everything but the carried value first: one multiply-add on the chain between points
        known = b[j] + wu[j * su] * up[j + 1] + wd[j * su] * down[j + 1]
        known += wf[j * sf] * front[j + 1] + wb[j * sf] * back[j + 1]
        known += wh[j * sl] * x[j + 2] - d[j * sd] * x[j + 1]
        last = x[j + 1] + q[j * sd] * known + q[j * sd] * wl[j * sl] * last
        x[j + 1] = last
        if wrap and j == 0:
            x[n + 1] = last


@njit(cache=True, fastmath={"reassoc", "contract"})
def _distance_square(a: Any, b: Any) -> float:
    total = 0.0
    for j in range(a.size):
        r = a[j] - b[j]
        total += (r * np.conj(r)).real
    return total


@njit(cache=True)
def _sweep(
    x: Any,
    b: Any,
    q: Any,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
) -> None:
    """Update every point once in index order; reversed views of all arrays sweep backwards."""
    n0, n1 = b.shape[:2]
    if wrap0:
        x[0] = x[n0]
        x[n0 + 1] = x[1]
    for i0 in range(n0):
        plane = x[i0 + 1]
        if wrap1:
            plane[0] = plane[n1]
        for i1 in range(n1):
            dl, sd = _line(d, i0, i1, 0)
            ql, _ = _line(q, i0, i1, 0)
            wf, sf = _line(w0, i0, i1, 0)
            wb, _ = _line(w0, i0 + 1, i1, 0)
            wu, su = _line(w1, i0, i1, 0)
            wd, _ = _line(w1, i0, i1 + 1, 0)
            wl, sl = _line(w2, i0, i1, 0)
            wh, _ = _line(w2, i0, i1, 1)
            _sweep_line(
                plane[i1 + 1],
                plane[i1],
                plane[i1 + 2],
                x[i0, i1 + 1],
                x[i0 + 2, i1 + 1],
                b[i0, i1],
                ql,
                dl,
                sd,
                wu,
                su,
                wd,
                wf,
                sf,
                wb,
                wl,
                wh,
                sl,
                wrap2,
            )
            if wrap1 and i1 == 0:  # the last line must see this line's new values
                plane[n1 + 1] = plane[1]
        if wrap0 and i0 == 0:
            x[n0 + 1] = plane


@njit(cache=True)
def _relax(
    x: Any,
    b: Any,
    q: Any,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    target: float,
    ceiling: float,
    norms: Any,
) -> int:
    n0, n1, n2 = b.shape
    inside = x[1 : n0 + 1, 1 : n1 + 1, 1 : n2 + 1]
    work = np.empty(b.shape, x.dtype)
    for k in range(1, norms.size):
        _sweep(x, b, q, d, w0, w1, w2, wrap0, wrap1, wrap2)
        _product(inside, work, d, w0, w1, w2, wrap0, wrap1, wrap2)
        norms[k] = math.sqrt(_distance_square(work.ravel(), b.ravel()))
        if not target <= norms[k] <= ceiling:
            return k
    return len(norms) - 1


@njit(cache=True)
def _ssor(
    z: Any,
    r: Any,
    q: Any,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
) -> None:
    _sweep(z, r, q, d, w0, w1, w2, wrap0, wrap1, wrap2)
    _sweep(
        z[::-1, ::-1, ::-1],
        r[::-1, ::-1, ::-1],
        q[::-1, ::-1, ::-1],
        d[::-1, ::-1, ::-1],
        w0[::-1, ::-1, ::-1],
        w1[::-1, ::-1, ::-1],
        w2[::-1, ::-1, ::-1],
        wrap0,
        wrap1,
        wrap2,
    )
