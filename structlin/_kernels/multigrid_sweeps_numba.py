"""CPU twins of the multigrid sweeps, line by line.

The grid is seen as three-dimensional: the lines of a plane are planes of one line, and a line is a
plane of its own. A sweep by colours is one pass through memory: the second half of the colours
follows the first one plane behind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import multigrid_sweeps as plain
from structlin._kernels.multigrid_sweeps import Flags, Offsets

spots = {1: [2], 2: [0, 2], 3: [0, 1, 2]}  # of the axes of a grid among three


def box(array: Any, d: int) -> Any:
    """Return an array whose last ``d`` axes are a grid with three axes there, contiguous."""
    ahead = array.ndim - d
    sizes = [1, 1, 1]
    for spot, size in zip(spots[d], array.shape[ahead:], strict=True):
        sizes[spot] = size
    return np.ascontiguousarray(array).reshape((*array.shape[:ahead], *sizes))


def vectors(offsets: Offsets) -> Any:
    """Return offsets as an array of three columns."""
    found = np.zeros((len(offsets), 3), np.int64)
    found[:, spots[len(offsets[0])]] = offsets
    return found


def flags_of(periodic: Flags) -> tuple[bool, bool, bool]:
    flags = [False, False, False]
    for spot, wraps in zip(spots[len(periodic)], periodic, strict=True):
        flags[spot] = wraps
    return flags[0], flags[1], flags[2]


def residual(x: Any, b: Any, coefficients: Any, offsets: Offsets, periodic: Flags) -> Any:
    """Return ``b − A x``; batches go through the plain twin."""
    d = len(periodic)
    if x.ndim != d:
        return plain.residual(x, b, coefficients, offsets, periodic)
    x3, r3 = box(x, d), np.empty(box(x, d).shape, x.dtype)
    _residual(r3, box(b, d), x3, box(coefficients, d), vectors(offsets), flags_of(periodic))
    return r3.reshape(x.shape)


def relax_colors(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Offsets,
    periodic: Flags,
    omega: float,
    backward: bool,
) -> Any:
    """Relax every point once, colour by colour."""
    d = len(periodic)
    two = plain.color_count(x.shape, offsets, periodic) == 2
    odd = any(wraps and size % 2 for size, wraps in zip(x.shape, periodic, strict=True))
    x3 = box(x, d)
    data = x3, box(b, d), box(coefficients, d), vectors(offsets), flags_of(periodic)
    if odd:
        _relax_patterns(*data, x.dtype.type(omega), backward)
    else:
        ahead = plain.line_neighbour(offsets, d - 1)
        _relax_colors(*data, ahead, x.dtype.type(omega), two, backward)
    return x3.reshape(x.shape)


def relax_lexicographic(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Offsets,
    periodic: Flags,
    omega: float,
    backward: bool,
) -> Any:
    """Relax every point once in C order."""
    d = len(periodic)
    x3 = box(x, d)
    _relax_lexicographic(
        x3,
        box(b, d),
        box(coefficients, d),
        vectors(offsets),
        flags_of(periodic),
        plain.line_neighbour(offsets, d - 1),
        x.dtype.type(omega),
        backward,
    )
    return x3.reshape(x.shape)


def relax_lines(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Offsets,
    periodic: Flags,
    axis: int,
    omega: float,
    backward: bool,
) -> Any:
    """Relax whole lines along one axis, colour by colour."""
    d = len(periodic)
    x3 = box(x, d)
    spot = spots[d][axis]
    turned = [k for k in range(3) if k != spot] + [spot]
    flags = flags_of(periodic)
    _relax_lines(
        x3.transpose(turned),
        box(b, d).transpose(turned),
        box(coefficients, d).transpose([0, *(1 + k for k in turned)]),
        np.ascontiguousarray(vectors(offsets)[:, turned]),
        tuple(flags[k] for k in turned),
        plain.line_neighbour(offsets, axis),
        x.dtype.type(omega),
        backward,
    )
    return x3.reshape(x.shape)


@njit(cache=True, inline="always")
def _wrapped(i: int, size: int, wraps: bool) -> int:
    """Return an index, brought back across a periodic side; −1 beyond any other."""
    if 0 <= i < size:
        return i
    if not wraps:
        return -1
    return i - size if i > 0 else i + size


@njit(cache=True, fastmath={"contract"})
def _subtract(r: Any, c: Any, v: Any) -> None:
    """Subtract a product of lines; a single coefficient serves all places."""
    if c.size == 1:
        one = c[0]
        for k in range(r.size):
            r[k] -= one * v[k]
    else:
        for k in range(r.size):
            r[k] -= c[k] * v[k]


@njit(cache=True)
def _copy(r: Any, b: Any) -> None:
    for k in range(r.size):
        r[k] = b[k]


@njit(cache=True)
def _line(coefficients: Any, p: int, i: int, j: int) -> Any:
    """Return the coefficients of a line of the grid, or the single one that they all are."""
    i = i if coefficients.shape[1] > 1 else 0
    j = j if coefficients.shape[2] > 1 else 0
    return coefficients[p, i, j]


@njit(cache=True)
def _line_residual(
    r: Any, b: Any, x: Any, coefficients: Any, offsets: Any, wraps: Any, i: int, j: int
) -> None:
    """Write the residual of one line of the grid to ``r``."""
    n0, n1 = x.shape[:2]
    _copy(r, b[i, j])
    _subtract(r, _line(coefficients, 0, i, j), x[i, j])
    for p in range(1, len(offsets)):
        step = offsets[p, 2]
        i0 = _wrapped(i + offsets[p, 0], n0, wraps[0])
        i1 = _wrapped(j + offsets[p, 1], n1, wraps[1])
        if i0 >= 0 and i1 >= 0:
            _subtract_ahead(r, _line(coefficients, p, i, j), x[i0, i1], step, wraps[2])
        i0 = _wrapped(i - offsets[p, 0], n0, wraps[0])
        i1 = _wrapped(j - offsets[p, 1], n1, wraps[1])
        if i0 >= 0 and i1 >= 0:  # the coefficients stand with the points behind
            _subtract_behind(r, _line(coefficients, p, i0, i1), x[i0, i1], step, wraps[2])


@njit(cache=True)
def _subtract_ahead(r: Any, c: Any, v: Any, step: int, wraps: bool) -> None:
    """Subtract coefficients at the places of ``r`` times values one step ahead."""
    last = r.size - 1
    single = c.size == 1
    if step == 0:
        _subtract(r, c, v)
    elif step > 0:
        _subtract(r[:last], c if single else c[:last], v[1:])
        if wraps:
            r[last] -= c[0 if single else last] * v[0]
    else:
        _subtract(r[1:], c if single else c[1:], v[:last])
        if wraps:
            r[0] -= c[0] * v[last]


@njit(cache=True)
def _subtract_behind(r: Any, c: Any, v: Any, step: int, wraps: bool) -> None:
    """Subtract coefficients and values that both stand one step behind the places of ``r``."""
    last = r.size - 1
    single = c.size == 1
    if step == 0:
        _subtract(r, c, v)
    elif step > 0:
        _subtract(r[1:], c if single else c[:last], v[:last])
        if wraps:
            r[0] -= c[0 if single else last] * v[last]
    else:
        _subtract(r[:last], c if single else c[1:], v[1:])
        if wraps:
            r[last] -= c[0] * v[0]


@njit(cache=True)
def _residual(r: Any, b: Any, x: Any, coefficients: Any, offsets: Any, wraps: Any) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            _line_residual(r[i, j], b, x, coefficients, offsets, wraps, i, j)


@njit(cache=True, inline="always")
def _members(size: int, color: int, wraps: bool) -> Any:
    """Return the indices of one parity; the last of an odd periodic axis has its own, 2."""
    last = size - 1 if wraps and size % 2 else size
    if color == 2:
        return last, size, 1
    return color, last, 2


@njit(cache=True)
def _relax_line(
    x: Any, r: Any, middle: Any, omega: float, start: int, stop: int, step: int
) -> None:
    if middle.size == 1:
        factor = omega / middle[0]
        for k in range(start, stop, step):
            x[k] += factor * r[k]
    else:
        for k in range(start, stop, step):
            x[k] += omega * r[k] / middle[k]


@njit(cache=True)
def _relax_patterns(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Any,
    wraps: Any,
    omega: float,
    backward: bool,
) -> None:
    """Relax the points pattern by pattern of their indices, in as many passes."""
    n0, n1, n2 = x.shape
    r = np.empty(n2, x.dtype)
    for number in range(27):
        color = 26 - number if backward else number
        start, stop, step = _members(n2, color % 3, wraps[2])
        if start >= stop:
            continue
        low0, high0, step0 = _members(n0, color // 9, wraps[0])
        low1, high1, step1 = _members(n1, color // 3 % 3, wraps[1])
        for i in range(low0, high0, step0):
            for j in range(low1, high1, step1):
                _line_residual(r, b, x, coefficients, offsets, wraps, i, j)
                _relax_line(x[i, j], r, _line(coefficients, 0, i, j), omega, start, stop, step)


@njit(cache=True)
def _relax_halves(
    x: Any, r: Any, middle: Any, high: Any, omega: float, first: int, wraps: bool
) -> None:
    """Relax the points of a line with the parity ``first``, then the others; ``r`` is used up."""
    n = x.size
    one = 1 if middle.size > 1 else 0  # the stride of the coefficients
    for k in range(first, n, 2):
        r[k] = omega * r[k] / middle[k * one]
        x[k] += r[k]
    for k in range(1 - first, n, 2):
        seen = r[k]
        if k > 0:
            seen -= high[(k - 1) * one] * r[k - 1]
        elif wraps:
            seen -= high[(n - 1) * one] * r[n - 1]
        if k < n - 1:
            seen -= high[k * one] * r[k + 1]
        elif wraps:
            seen -= high[k * one] * r[0]
        x[k] += omega * seen / middle[k * one]


@njit(cache=True)
def _relax_plane(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Any,
    wraps: Any,
    ahead: int,
    omega: float,
    two: bool,
    i: int,
    color: int,
    r: Any,
) -> None:
    """Relax what a plane has of one of two colours, or of all patterns of one parity of planes."""
    n1, n2 = x.shape[1:]
    if two:
        for j in range(n1):
            _line_residual(r, b, x, coefficients, offsets, wraps, i, j)
            middle = _line(coefficients, 0, i, j)
            _relax_line(x[i, j], r, middle, omega, (color + i + j) % 2, n2, 2)
        return
    if i % 2 != color % 2:
        return
    first = color // 2  # of lines and of points
    for parity in range(2):
        for j in range(first ^ parity, n1, 2):
            _line_residual(r, b, x, coefficients, offsets, wraps, i, j)
            _relax_halves(
                x[i, j],
                r,
                _line(coefficients, 0, i, j),
                _line(coefficients, ahead, i, j),
                omega,
                first,
                wraps[2],
            )


@njit(cache=True)
def _relax_colors(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Any,
    wraps: Any,
    ahead: int,
    omega: float,
    two: bool,
    backward: bool,
) -> None:
    n0 = x.shape[0]
    r = np.empty(x.shape[2], x.dtype)
    # backward starts with odd planes, and there with odd lines and points
    one, other = (1, 0) if backward else (0, 1)
    if not two and backward:
        one, other = 3, 2
    behind = n0 if wraps[0] else 1
    for step in range(n0 + behind):
        if step < n0:
            _relax_plane(x, b, coefficients, offsets, wraps, ahead, omega, two, step, one, r)
        if step >= behind:
            i = step - behind
            _relax_plane(x, b, coefficients, offsets, wraps, ahead, omega, two, i, other, r)


@njit(cache=True)
def _substitute(x: Any, r: Any, middle: Any, high: Any, omega: float, backward: bool) -> None:
    """Relax a line in order: what the point before it has changed enters each residual."""
    n = x.size
    one = 1 if middle.size > 1 else 0
    change = x[0] * 0
    for s in range(n):
        k = n - 1 - s if backward else s
        seen = r[k]
        if s:
            seen -= high[(k if backward else k - 1) * one] * change
        change = omega * seen / middle[k * one]
        x[k] += change


@njit(cache=True)
def _relax_lexicographic(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Any,
    wraps: Any,
    ahead: int,
    omega: float,
    backward: bool,
) -> None:
    n0, n1, n2 = x.shape
    r = np.empty(n2, x.dtype)
    for s in range(n0 * n1):
        i, j = divmod(n0 * n1 - 1 - s if backward else s, n1)
        _line_residual(r, b, x, coefficients, offsets, wraps, i, j)
        middle, high = _line(coefficients, 0, i, j), _line(coefficients, ahead, i, j)
        _substitute(x[i, j], r, middle, high, omega, backward)


@njit(cache=True)
def _tridiagonal(x: Any, r: Any, middle: Any, high: Any, work: Any, omega: float) -> None:
    """Add ``ω`` times the solution of a tridiagonal system, by elimination; ``r`` is used up."""
    n = r.size
    one = 1 if middle.size > 1 else 0
    pivot = middle[0]
    r[0] /= pivot
    for k in range(1, n):
        low = high[(k - 1) * one]
        work[k - 1] = low / pivot
        pivot = middle[k * one] - low * work[k - 1]
        r[k] = (r[k] - low * r[k - 1]) / pivot
    for k in range(n - 2, -1, -1):
        r[k] -= work[k] * r[k + 1]
    for k in range(n):
        x[k] += omega * r[k]


@njit(cache=True)
def _relax_lines(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Any,
    wraps: Any,
    ahead: int,
    omega: float,
    backward: bool,
) -> None:
    n0, n1, n2 = x.shape
    r, work = np.empty(n2, x.dtype), np.empty(n2, x.dtype)
    for number in range(9):
        color = 8 - number if backward else number
        low0, high0, step0 = _members(n0, color // 3, wraps[0])
        low1, high1, step1 = _members(n1, color % 3, wraps[1])
        for i in range(low0, high0, step0):
            for j in range(low1, high1, step1):
                _line_residual(r, b, x, coefficients, offsets, wraps, i, j)
                _tridiagonal(
                    x[i, j],
                    r,
                    _line(coefficients, 0, i, j),
                    _line(coefficients, ahead, i, j),
                    work,
                    omega,
                )
