"""CPU twins of Eisenstat's iteration on grids: three passes over the points in an iteration.

Grids are three-dimensional, with leading axes of one point, and are taken line by line: what other
lines contribute is gathered first, in loops that vectorise; only the chain along the line is left
to a scalar loop. A weight that does not vary along an axis has stride flag 0 there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import stencil
from structlin._kernels.eisenstat import State


def iterate_lexicographic(
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    diagonal: Any,
    weights: stencil.Weights,
    periodic: stencil.Flags,
    omega: float,
    target: float,
    norms: Any,
) -> State:
    """Iterate in C order."""
    described = (diagonal, weights, periodic)
    return _iterate(x, r, p, previous, described, omega, target, norms, False)


def iterate_red_black(
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    diagonal: Any,
    weights: stencil.Weights,
    periodic: stencil.Flags,
    omega: float,
    target: float,
    norms: Any,
) -> State:
    """Iterate in red-black order."""
    described = (diagonal, weights, periodic)
    return _iterate(x, r, p, previous, described, omega, target, norms, True)


def _iterate(
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    described: tuple[Any, stencil.Weights, stencil.Flags],
    omega: float,
    target: float,
    norms: Any,
    red_black: bool,
) -> State:
    coefficients, flags = _grid(r.dtype, described, omega)
    leading = 3 - x.ndim
    boxes = [_box(np.array(v, order="C"), leading) for v in (x, r, p)]
    t, u = np.zeros_like(boxes[0]), np.zeros_like(boxes[0])
    previous, done = _conjugate_gradients(
        *boxes, t, u, previous, *coefficients, *flags, omega, target, norms, red_black
    )
    x, r, p = (v.reshape(x.shape) for v in boxes)
    return x, r, p, previous, done


def _box(array: Any, leading: int) -> Any:
    return array.reshape((1,) * leading + array.shape)


def _grid(
    dtype: Any, described: tuple[Any, stencil.Weights, stencil.Flags], omega: float
) -> tuple[tuple[Any, ...], stencil.Flags]:
    """Return ``ω/d`` and the weights as contiguous 3-D arrays, and the periodic flags."""
    diagonal, weights, periodic = described
    leading = 3 - len(weights)
    boxes = [_box(omega / diagonal, leading)]
    boxes += [np.zeros((1, 1, 1), dtype)] * leading + [_box(w, leading) for w in weights]
    return (
        tuple(np.require(box, dtype, ["C", "W"]) for box in boxes),
        (False,) * leading + periodic,
    )


@njit(cache=True)
def _line(w: Any, i0: int, i1: int, last: int) -> Any:
    """Return the weights along one line of the grid and their stride flag."""
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


@njit(cache=True)
def _before(
    total: Any, x: Any, w0: Any, w1: Any, i0: int, i1: int, wrap0: bool, wrap1: bool
) -> None:
    """Write to ``total`` what earlier lines contribute in lexicographic order."""
    n0, n1 = x.shape[:2]
    total[:] = 0
    if i1 > 0:
        _add(total, *_line(w1, i0, i1, 0), x[i0, i1 - 1])
    if wrap1 and i1 == n1 - 1:
        _add(total, *_line(w1, i0, i1 + 1, 0), x[i0, 0])
    if i0 > 0:
        _add(total, *_line(w0, i0, i1, 0), x[i0 - 1, i1])
    if wrap0 and i0 == n0 - 1:
        _add(total, *_line(w0, i0 + 1, i1, 0), x[0, i1])


@njit(cache=True)
def _after(
    total: Any, x: Any, w0: Any, w1: Any, i0: int, i1: int, wrap0: bool, wrap1: bool
) -> None:
    """Write to ``total`` what later lines contribute in lexicographic order."""
    n0, n1 = x.shape[:2]
    total[:] = 0
    if i1 < n1 - 1:
        _add(total, *_line(w1, i0, i1 + 1, 0), x[i0, i1 + 1])
    if wrap1 and i1 == 0:
        _add(total, *_line(w1, i0, i1, 0), x[i0, n1 - 1])
    if i0 < n0 - 1:
        _add(total, *_line(w0, i0 + 1, i1, 0), x[i0 + 1, i1])
    if wrap0 and i0 == 0:
        _add(total, *_line(w0, i0, i1, 0), x[n0 - 1, i1])


@njit(cache=True)
def _around(
    total: Any,
    x: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    i0: int,
    i1: int,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
) -> None:
    """Write to ``total`` what all neighbours contribute."""
    n0, n1, n2 = x.shape
    total[:] = 0
    # an index below zero is that of the last line
    below1, below0 = x[i0, i1 - 1], x[i0 - 1, i1]
    above1, above0 = x[i0, (i1 + 1) % n1], x[(i0 + 1) % n0, i1]
    if i1 > 0 or wrap1:
        _add(total, *_line(w1, i0, i1, 0), below1)
    if i1 < n1 - 1 or wrap1:
        _add(total, *_line(w1, i0, i1 + 1, 0), above1)
    if i0 > 0 or wrap0:
        _add(total, *_line(w0, i0, i1, 0), below0)
    if i0 < n0 - 1 or wrap0:
        _add(total, *_line(w0, i0 + 1, i1, 0), above0)
    low, s = _line(w2, i0, i1, 0)
    high, _ = _line(w2, i0, i1, 1)
    line = x[i0, i1]
    inner = n2 - 1
    _add(total[1:], low[s:], s, line[:inner])
    _add(total[:inner], high, s, line[1:])
    if wrap2:
        total[0] += low[0] * line[inner]
        total[inner] += high[inner * s] * line[0]


@njit(cache=True, fastmath={"contract"})
def _direction(p: Any, r: Any, step: Any, s: int, rest: float, beta: float) -> None:
    """``p ← K r + β p`` along a line."""
    if s:
        for j in range(p.size):
            p[j] = rest / step[j] * r[j] + beta * p[j]
    else:
        inner = rest / step[0]
        for j in range(p.size):
            p[j] = inner * r[j] + beta * p[j]


@njit(cache=True, fastmath={"contract"})
def _scatter(t: Any, p: Any, total: Any, q: Any, s: int, first: int) -> None:
    """``t ← q (p + total)`` at every other point."""
    for j in range(first, t.size, 2):
        t[j] = q[j * s] * (p[j] + total[j])


@njit(cache=True, fastmath={"contract"})
def _scatter_rest(
    u: Any, p: Any, total: Any, q: Any, s: int, t: Any, rest: float, first: int
) -> None:
    """``u ← q (p + total) − rest t`` at every other point."""
    for j in range(first, u.size, 2):
        u[j] = q[j * s] * (p[j] + total[j]) - rest * t[j]


@njit(cache=True, fastmath={"contract"})
def _chain_backward(
    t: Any, p: Any, total: Any, q: Any, sq: int, high: Any, s: int, edge: Any
) -> None:
    """Substitute along a line from its end; ``edge`` is the weight of a face that closes it."""
    n = t.size
    last = 0 * p[0]
    for k in range(n):
        j = n - 1 - k
        # everything but the carried value first: one multiply-add on the chain between points
        last = q[j * sq] * (p[j] + total[j]) + q[j * sq] * high[j * s] * last
        t[j] = last
    t[0] += q[0] * edge * t[n - 1]


@njit(cache=True, fastmath={"contract"})
def _chain_forward(
    u: Any, p: Any, total: Any, q: Any, sq: int, low: Any, s: int, edge: Any, t: Any, rest: float
) -> None:
    """Substitute along a line from its start; ``edge`` is the weight of a face that closes it."""
    n = u.size
    last = 0 * p[0]
    for j in range(n):
        known = q[j * sq] * (p[j] + total[j]) - rest * t[j]
        last = known + q[j * sq] * low[j * s] * last
        u[j] = last
    u[n - 1] += q[(n - 1) * sq] * edge * u[0]


@njit(cache=True)
def _backward(
    t: Any,
    p: Any,
    r: Any,
    step: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    omega: float,
    beta: float,
    red_black: bool,
) -> None:
    """``p ← K r + β p``, ``t ← V⁻¹ p``."""
    n0, n1, n2 = p.shape
    total = np.empty(n2, p.dtype)
    rest = 2.0 - omega
    if red_black:
        for color in (1, 0):
            for i0 in range(n0):
                for i1 in range(n1):
                    ql, sq = _line(step, i0, i1, 0)
                    if color == 1:
                        _direction(p[i0, i1], r[i0, i1], ql, sq, rest, beta)
                        total[:] = 0
                    else:
                        _around(total, t, w0, w1, w2, i0, i1, wrap0, wrap1, wrap2)
                    _scatter(t[i0, i1], p[i0, i1], total, ql, sq, (i0 + i1 + color) & 1)
        return
    for i0 in range(n0 - 1, -1, -1):
        for i1 in range(n1 - 1, -1, -1):
            ql, sq = _line(step, i0, i1, 0)
            high, s = _line(w2, i0, i1, 1)
            _direction(p[i0, i1], r[i0, i1], ql, sq, rest, beta)
            _after(total, t, w0, w1, i0, i1, wrap0, wrap1)
            edge = _line(w2, i0, i1, 0)[0][0] if wrap2 else 0 * high[0]
            _chain_backward(t[i0, i1], p[i0, i1], total, ql, sq, high, s, edge)


@njit(cache=True, fastmath={"reassoc", "contract"})
def _curvature(p: Any, t: Any, u: Any) -> float:
    total = 0.0
    for j in range(p.size):
        total += (np.conj(p[j]) * (t[j] + u[j])).real
    return total


@njit(cache=True)
def _forward(
    u: Any,
    p: Any,
    t: Any,
    step: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    omega: float,
    red_black: bool,
) -> float:
    """``u ← W⁻¹ (p − K t)``; return ``pᴴ (t + u)``."""
    n0, n1, n2 = p.shape
    total = np.empty(n2, p.dtype)
    rest = 2.0 - omega
    curvature = 0.0
    if red_black:
        for color in range(2):
            for i0 in range(n0):
                for i1 in range(n1):
                    ql, sq = _line(step, i0, i1, 0)
                    if color == 0:
                        total[:] = 0
                    else:
                        _around(total, u, w0, w1, w2, i0, i1, wrap0, wrap1, wrap2)
                    first = (i0 + i1 + color) & 1
                    _scatter_rest(u[i0, i1], p[i0, i1], total, ql, sq, t[i0, i1], rest, first)
                    if color == 1:
                        curvature += _curvature(p[i0, i1], t[i0, i1], u[i0, i1])
        return curvature
    for i0 in range(n0):
        for i1 in range(n1):
            ql, sq = _line(step, i0, i1, 0)
            low, s = _line(w2, i0, i1, 0)
            _before(total, u, w0, w1, i0, i1, wrap0, wrap1)
            edge = _line(w2, i0, i1, 1)[0][(n2 - 1) * s] if wrap2 else 0 * low[0]
            _chain_forward(u[i0, i1], p[i0, i1], total, ql, sq, low, s, edge, t[i0, i1], rest)
            curvature += _curvature(p[i0, i1], t[i0, i1], u[i0, i1])
    return curvature


@njit(cache=True, fastmath={"contract"})
def _weigh(out: Any, r: Any, step: Any, s: int, rest: float) -> None:
    """Write ``K r`` along a line: where sums may be reordered, products of three must not be."""
    if s:
        for j in range(r.size):
            out[j] = rest / step[j] * r[j]
    else:
        inner = rest / step[0]
        for j in range(r.size):
            out[j] = inner * r[j]


@njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(a: Any, b: Any) -> float:
    total = 0.0
    for j in range(a.size):
        total += (np.conj(a[j]) * b[j]).real
    return total


@njit(cache=True, fastmath={"contract"})
def _move(x: Any, r: Any, t: Any, u: Any, alpha: float) -> None:
    for j in range(x.size):
        x[j] += alpha * t[j]
        r[j] -= alpha * (t[j] + u[j])


@njit(cache=True, fastmath={"reassoc", "contract"})
def _residual_square(total: Any, r: Any, step: Any, s: int) -> float:
    """Return ``Σ |r/step − total|²``."""
    square = 0.0
    if s:
        for j in range(r.size):
            v = r[j] / step[j] - total[j]
            square += (np.conj(v) * v).real
    else:
        for j in range(r.size):
            v = r[j] / step[0] - total[j]
            square += (np.conj(v) * v).real
    return square


@njit(cache=True)
def _update(
    x: Any,
    r: Any,
    t: Any,
    u: Any,
    alpha: float,
    step: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    omega: float,
    red_black: bool,
) -> tuple[float, float]:
    """Move the iterate; return ``rᴴ M⁻¹ r`` and the square of the residual's norm."""
    n0, n1, n2 = x.shape
    inner = n2 - 1
    total = np.empty(n2, x.dtype)
    rz, square = 0.0, 0.0
    for i0 in range(n0):
        for i1 in range(n1):
            ql, sq = _line(step, i0, i1, 0)
            _move(x[i0, i1], r[i0, i1], t[i0, i1], u[i0, i1], alpha)
            _weigh(total, r[i0, i1], ql, sq, 2.0 - omega)
            rz += _dot(total, r[i0, i1])
            if not red_black:
                low, s = _line(w2, i0, i1, 0)
                _before(total, r, w0, w1, i0, i1, wrap0, wrap1)
                _add(total[1:], low[s:], s, r[i0, i1, :inner])
                if wrap2:
                    total[inner] += _line(w2, i0, i1, 1)[0][inner * s] * r[i0, i1, 0]
                square += _residual_square(total, r[i0, i1], ql, sq)
    if red_black:
        for i0 in range(n0):
            for i1 in range(n1):
                ql, sq = _line(step, i0, i1, 0)
                _around(total, r, w0, w1, w2, i0, i1, wrap0, wrap1, wrap2)
                for j in range((i0 + i1) & 1, n2, 2):
                    total[j] = 0
                square += _residual_square(total, r[i0, i1], ql, sq)
    return rz, square


@njit(cache=True)
def _conjugate_gradients(
    x: Any,
    r: Any,
    p: Any,
    t: Any,
    u: Any,
    previous: float,
    step: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    omega: float,
    target: float,
    norms: Any,
    red_black: bool,
) -> tuple[float, int]:
    n0, n1, n2 = x.shape
    total = np.empty(n2, x.dtype)
    rz = 0.0
    if previous == math.inf:
        _forward(u, r, t, step, w0, w1, w2, wrap0, wrap1, wrap2, omega, red_black)
        r[:] = u
    for i0 in range(n0):
        for i1 in range(n1):
            ql, sq = _line(step, i0, i1, 0)
            _weigh(total, r[i0, i1], ql, sq, 2.0 - omega)
            rz += _dot(total, r[i0, i1])
    for k in range(1, norms.size):
        if not rz > 0:
            return previous, k - 1
        beta = rz / previous
        previous = rz
        _backward(t, p, r, step, w0, w1, w2, wrap0, wrap1, wrap2, omega, beta, red_black)
        curvature = _forward(u, p, t, step, w0, w1, w2, wrap0, wrap1, wrap2, omega, red_black)
        if not curvature > 0:
            return previous, k - 1
        rz, square = _update(
            x,
            r,
            t,
            u,
            rz / curvature,
            step,
            w0,
            w1,
            w2,
            wrap0,
            wrap1,
            wrap2,
            omega,
            red_black,
        )
        norms[k] = math.sqrt(square)
        if not norms[k] > target:
            return previous, k
    return previous, norms.size - 1
