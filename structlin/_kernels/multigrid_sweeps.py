"""Stencils of all nearest neighbours on a box: residuals, and the sweeps that multigrid smooths by.

A stencil is described by three things:

coefficients
    (m, …) array whose entries broadcast against the grid: ``[p, i]`` couples point ``i`` with
    point ``i + offsets[p]``, and that one with ``i``; ``offsets[0]`` is zero, the diagonal
offsets
    one tuple of −1, 0 and 1 per coefficient, an entry per axis, of which the first that is not
    zero is 1
periodic
    one flag per axis; values outside other axes are zero
"""

from __future__ import annotations

import itertools
from typing import Any

from structlin._backend import device, namespace
from structlin._kernels.stencil import along

Offset = tuple[int, ...]
Offsets = tuple[Offset, ...]
Flags = tuple[bool, ...]


def all_offsets(d: int) -> Offsets:
    """Return the offsets of a stencil that couples all nearest neighbours, zero first."""
    every = itertools.product((-1, 0, 1), repeat=d)
    return tuple(sorted((o for o in every if o >= (0,) * d), key=lambda o: (any(o), o)))


def halo(x: Any, periodic: Flags) -> Any:
    """Return the array with one more entry on both sides of its last axes: zeros, or the wrap."""
    xp = namespace(x)
    first = x.ndim - len(periodic)
    for axis, wraps in enumerate(periodic, first):
        low, high = along(x, axis, -1, None), along(x, axis, None, 1)
        if not wraps:
            low, high = xp.zeros_like(low), xp.zeros_like(high)
        x = xp.concat((low, x, high), axis=axis)
    return x


def moved(wide: Any, offset: Offset) -> Any:
    """Return the values one offset away from every point, of an array with its halo."""
    inside = tuple(
        slice(1 + o, size - 1 + o)
        for o, size in zip(offset, wide.shape[-len(offset) :], strict=True)
    )
    return wide[(..., *inside)]


def residual(x: Any, b: Any, coefficients: Any, offsets: Offsets, periodic: Flags) -> Any:
    """Return ``b − A x``; axes of ``x`` before those of the grid are a batch."""
    wide = halo(x, periodic)
    r = b - coefficients[0, ...] * x
    for p, offset in enumerate(offsets):
        if p:
            r = r - coefficients[p, ...] * moved(wide, offset)
            r = r - behind(coefficients[p, ...] * x, offset, periodic)
    return r


def behind(v: Any, offset: Offset, periodic: Flags) -> Any:
    """Return what the points one offset back have."""
    return moved(halo(v, periodic), tuple(-o for o in offset))


def color_count(grid: tuple[int, ...], offsets: Offsets, periodic: Flags) -> int:
    """Return 2 where two colours suffice: no neighbours across corners, no odd periodic axis."""
    odd = any(wraps and size % 2 for size, wraps in zip(grid, periodic, strict=True))
    corners = any(sum(map(abs, offset)) > 1 for offset in offsets)
    return 3 ** len(grid) if odd or corners else 2


def _index(x: Any, axis: int) -> Any:
    """Return the index along one axis, as an array that broadcasts against the grid."""
    xp = namespace(x)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return xp.reshape(xp.arange(x.shape[axis], device=device(x)), tuple(shape))


def _parity(x: Any, axis: int, periodic: Flags) -> Any:
    """Return 0 or 1 for every index along an axis, 2 for the last of an odd periodic one."""
    xp = namespace(x)
    size = x.shape[axis]
    index = _index(x, axis)
    lone = (index == size - 1) & (periodic[axis] and size % 2 == 1)
    return xp.where(lone, xp.full_like(index, 2), index % 2)


def _color(x: Any, count: int, periodic: Flags, lines: int | None = None) -> Any:
    """Return the colour of every point; of every line along the axis ``lines``, where given."""
    xp = namespace(x)
    color = xp.zeros(x.shape, dtype=xp.int64, device=device(x))
    for axis in range(x.ndim):
        if axis == lines:
            continue
        color = color + _index(x, axis) if count == 2 else 3 * color + _parity(x, axis, periodic)
    return color % 2 if count == 2 else color


def relax_colors(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Offsets,
    periodic: Flags,
    omega: float,
    backward: bool,
) -> Any:
    """Relax every point once, colour by colour, and return the iterate; ``x`` is used up.

    Two colours, by ``i + j + k``, where they suffice; else one for each pattern of even and odd
    indices, with patterns of their own at the end of odd periodic axes. The last axis turns
    fastest. Backward takes the colours in the opposite order.
    """
    xp = namespace(x)
    count = color_count(x.shape, offsets, periodic)
    color = _color(x, count, periodic)
    step = omega / coefficients[0, ...]
    for k in reversed(range(count)) if backward else range(count):
        if bool(xp.any(color == k)):
            r = residual(x, b, coefficients, offsets, periodic)
            x = xp.where(color == k, x + step * r, x)
    return x


def relax_lexicographic(
    x: Any,
    b: Any,
    coefficients: Any,
    offsets: Offsets,
    periodic: Flags,
    omega: float,
    backward: bool,
) -> Any:
    """Relax every point once in C order, and return the iterate; ``x`` is used up.

    Neighbours across a periodic side may be taken before or after their own update.
    """
    xp = namespace(x)
    level = xp.zeros(x.shape, dtype=xp.int64, device=device(x))
    for axis in range(x.ndim):
        # a point follows the neighbour one line below it and one place further
        level = level + 2 ** (x.ndim - 1 - axis) * _index(x, axis)
    count = 1 + sum((size - 1) * 2 ** (x.ndim - 1 - axis) for axis, size in enumerate(x.shape))
    step = omega / coefficients[0, ...]
    for k in reversed(range(count)) if backward else range(count):
        r = residual(x, b, coefficients, offsets, periodic)
        x = xp.where(level == k, x + step * r, x)
    return x


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
    """Relax whole lines along one axis, colour by colour; return the iterate, ``x`` is used up.

    The values of a line solve its equations together, except that a periodic axis is cut open.
    Lines have a colour for each pattern of even and odd indices, as in `relax_colors`.
    """
    xp = namespace(x)
    color = _color(x, 0, periodic, lines=axis)
    middle, high = (
        xp.broadcast_to(coefficients[p, ...], x.shape) for p in (0, line_neighbour(offsets, axis))
    )
    low = behind(high, unit_vector(x.ndim, axis), periodic)
    for k in reversed(range(3 ** (x.ndim - 1))) if backward else range(3 ** (x.ndim - 1)):
        if bool(xp.any(color == k)):
            r = residual(x, b, coefficients, offsets, periodic)
            e = _tridiagonal(low, middle, high, r, axis)
            x = xp.where(color == k, x + omega * e, x)
    return x


def unit_vector(d: int, axis: int) -> Offset:
    """Return the offset of the next point along an axis."""
    return tuple(int(k == axis) for k in range(d))


def line_neighbour(offsets: Offsets, axis: int) -> int:
    """Return the number of the coefficient of the next point along an axis."""
    return offsets.index(unit_vector(len(offsets[0]), axis))


def _tridiagonal(low: Any, middle: Any, high: Any, r: Any, axis: int) -> Any:
    """Solve tridiagonal systems along an axis by cyclic reduction of all rows at once."""
    xp = namespace(r)
    size = r.shape[axis]
    index = _index(r, axis)
    low = xp.where(index == 0, xp.zeros_like(low), low)
    high = xp.where(index == size - 1, xp.zeros_like(high), high)

    def shifted(v: Any, step: int, beyond: float) -> Any:
        step = max(-size, min(size, step))
        fill = xp.full_like(along(v, axis, 0, abs(step)), beyond)
        if step < 0:
            return xp.concat((fill, along(v, axis, 0, size + step)), axis=axis)
        return xp.concat((along(v, axis, step, None), fill), axis=axis)

    step = 1
    while step < size:
        down = -low / shifted(middle, -step, 1.0)
        up = -high / shifted(middle, step, 1.0)
        middle = middle + down * shifted(high, -step, 0.0) + up * shifted(low, step, 0.0)
        r = r + down * shifted(r, -step, 0.0) + up * shifted(r, step, 0.0)
        low, high = down * shifted(low, -step, 0.0), up * shifted(high, step, 0.0)
        step *= 2
    return r / middle
