"""Transfers between a grid and a coarser one: interpolation, restriction, Galerkin products.

Stencils are those of `multigrid_sweeps`. The coarse points of an axis that is halved are ``start``,
``start + 2``, …; the others lie between two of them, or outside the first or the last. With one
cell before the first coarse point, one between two neighbours and one after the last, such an axis
has the *extended* length ``2 · coarse + 1``: cells at even places, coarse points at odd ones.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

from structlin._backend import device, namespace
from structlin._kernels.multigrid_sweeps import (
    Flags,
    Offset,
    Offsets,
    all_offsets,
    behind,
    halo,
    moved,
    residual,
)
from structlin._kernels.stencil import along


class Axis(NamedTuple):
    """How one axis of a grid is coarsened."""

    size: int
    coarse: int
    start: int
    halved: bool
    periodic: bool

    @property
    def steps(self) -> tuple[int, ...]:
        """Places beside a coarse point to which it interpolates along this axis."""
        return (-1, 0, 1) if self.halved else (0,)


Axes = tuple[Axis, ...]


def transfers(axes: Axes) -> Offsets:
    """Return the places around a coarse point to which it interpolates, zero first."""
    steps = itertools.product(*(axis.steps for axis in axes))
    return tuple(sorted(steps, key=lambda o: (any(o), o)))


def extended(x: Any, axes: Axes) -> Any:
    """Return an array in extended lengths; cells that are no points of the grid are zero.

    The first axes of ``x`` may be a batch. On a periodic axis of even size, the cell before the
    first coarse point and that after the last are one point, and both carry it.
    """
    xp = namespace(x)
    for k, axis in enumerate(axes, x.ndim - len(axes)):
        if not axis.halved:
            continue
        blank = xp.zeros_like(along(x, k, 0, 1))
        parts = [x]
        if axis.start == 0:
            even = axis.size % 2 == 0
            parts = [along(x, k, -1, None) if axis.periodic and even else blank, x]
            parts += [] if even else [blank]
        x = xp.concat(parts, axis=k)
    return x


def _shortened(x: Any, axes: Axes) -> Any:
    """Return the adjoint of `extended`: cells that are one point are added, others dropped."""
    xp = namespace(x)
    for k, axis in enumerate(axes, x.ndim - len(axes)):
        if not axis.halved or axis.start == 1:
            continue
        inside = along(x, k, 1, axis.size + 1)
        if axis.periodic and axis.size % 2 == 0:
            last = along(inside, k, -1, None) + along(x, k, 0, 1)
            inside = xp.concat((along(inside, k, 0, axis.size - 1), last), axis=k)
        x = inside
    return x


def _around(offset: Offset, axes: Axes) -> tuple[Any, ...]:
    """Return the places of an extended array one offset away from the coarse points."""
    return tuple(
        slice(1 + o, 2 * axis.coarse + o, 2) if axis.halved else slice(None)
        for o, axis in zip(offset, axes, strict=True)
    )


def restrict(r: Any, P: Any, axes: Axes) -> Any:
    """Return ``Pᵀ r`` on the coarse points."""
    wide = extended(r, axes)
    total = wide[(..., *_around((0,) * len(axes), axes))]
    for p, offset in enumerate(transfers(axes)):
        if p:
            total = total + P[p, ...] * wide[(..., *_around(offset, axes))]
    return total


def prolong(x: Any, e: Any, P: Any, axes: Axes) -> Any:
    """Return ``x + P e`` on the fine points; ``x`` is used up."""
    xp = namespace(e)
    lengths = (2 * axis.coarse + 1 if axis.halved else axis.size for axis in axes)
    batch = e.shape[: e.ndim - len(axes)]
    wide = xp.zeros((*batch, *lengths), dtype=e.dtype, device=device(e))
    for p, offset in enumerate(transfers(axes)):
        place = (..., *_around(offset, axes))
        wide[place] = wide[place] + (P[p, ...] * e if p else e)
    return x + _shortened(wide, axes)


def interpolation(coefficients: Any, offsets: Offsets, axes: Axes) -> Any:
    """Return ``P``: entry ``[p, k]`` is what coarse point ``k`` gives the point ``transfers[p]``.

    A point between coarse points of one axis takes what annihilates its equation, collapsed along
    the other axes; a point in the middle of a face or a cell solves its equation with all its
    neighbours interpolated already. In a stencil without corners, equations between coarse points
    are taken without what their row has too much on the diagonal, by a shift or a side. Coarser
    grids, where this was tried too, need it: their points beside a fixed side are close to it.
    """
    xp = namespace(coefficients)
    d = len(axes)
    corners = any(sum(map(abs, offset)) > 1 for offset in offsets)
    coefficients, offsets = unfolded(coefficients, offsets, axes)
    wide = extended(coefficients, axes)
    # weights[signs]: what the coarse point in the direction of the signs gives the points that are
    # between coarse ones along exactly the axes with a sign
    weights: dict[Offset, Any] = {}
    for signs in sorted(transfers(axes), key=lambda o: sum(map(abs, o))):
        own = tuple(
            (slice(0, None, 2) if sign else slice(1, None, 2)) if axis.halved else slice(None)
            for sign, axis in zip(signs, axes, strict=True)
        )
        if not any(signs):
            weights[signs] = xp.ones_like(wide[(0, *own)])
            continue
        collapsed: dict[Offset, Any] = {}
        for p, offset in enumerate(offsets):
            kept = tuple(o if sign else 0 for o, sign in zip(offset, signs, strict=True))
            value = wide[(p, *own)]
            collapsed[kept] = collapsed[kept] + value if kept in collapsed else value
        total = xp.zeros_like(wide[(0, *own)])
        for offset, value in collapsed.items():
            towards = all(o in (0, sign) for o, sign in zip(offset, signs, strict=True))
            if not towards or not any(offset):
                continue
            rest = tuple(0 if o else sign for o, sign in zip(offset, signs, strict=True))
            neighbour = weights[rest]
            for k in range(d):
                if offset[k]:
                    neighbour = _beside(neighbour, k, offset[k], axes[k].periodic)
            total = total - value * neighbour
        middle = collapsed.pop((0,) * d)
        if not corners:
            around = -sum(collapsed.values())
            between = _between(signs, middle, axes)
            middle = xp.where(between & (around > 0), around, middle)
        weights[signs] = total / xp.where(middle == 0, xp.ones_like(middle), middle)
    found = []
    for offset in transfers(axes):
        part = weights[tuple(-o for o in offset)]
        for k, o in enumerate(offset):
            if o:  # the cell before a coarse point has its number, that after it the next one
                part = along(part, k, 0, -1) if o < 0 else along(part, k, 1, None)
        found.append(part)
    return xp.stack(found)


def _between(signs: Offset, cells: Any, axes: Axes) -> Any:
    """Tell which cells have a coarse point on both sides, along all axes with a sign."""
    xp = namespace(cells)
    found = xp.ones(cells.shape, dtype=xp.bool, device=device(cells))
    for k, (sign, axis) in enumerate(zip(signs, axes, strict=True)):
        if sign and not axis.periodic:
            index = xp.reshape(
                xp.arange(axis.coarse + 1, device=device(cells)),
                tuple(-1 if i == k else 1 for i in range(len(axes))),
            )
            found = found & (index > 0) & (index < axis.coarse)
    return found


def _beside(v: Any, axis: int, offset: int, periodic: bool) -> Any:
    """Return, for every cell of an axis, what the coarse point before or after it has."""
    xp = namespace(v)
    if offset < 0:
        outside = along(v, axis, -1, None)
        return xp.concat((outside if periodic else xp.zeros_like(outside), v), axis=axis)
    outside = along(v, axis, 0, 1)
    return xp.concat((v, outside if periodic else xp.zeros_like(outside)), axis=axis)


def unfolded(coefficients: Any, offsets: Offsets, axes: Axes) -> tuple[Any, Offsets]:
    """Return the coefficients of the grid's points in both directions, and their offsets."""
    xp = namespace(coefficients)
    full = (coefficients.shape[0], *(axis.size for axis in axes))
    periodic = tuple(axis.periodic for axis in axes)
    coefficients = xp.broadcast_to(coefficients, full)
    back = [behind(coefficients[p, ...], o, periodic) for p, o in enumerate(offsets) if p]
    opposite = tuple(tuple(-k for k in o) for o in offsets[1:])
    return xp.concat((coefficients, xp.stack(back))), (*offsets, *opposite)


def galerkin(coefficients: Any, offsets: Offsets, periodic: Flags, P: Any, axes: Axes) -> Any:
    """Return the coefficients of ``Pᵀ A P``, with `all_offsets`.

    By products with sums of unit vectors so far apart that their images do not overlap.
    """
    xp = namespace(P)
    d = len(axes)
    coarse = tuple(axis.coarse for axis in axes)
    like = P[0, ...]
    wanted = all_offsets(d)
    # an array per coefficient, filled from the columns that the products give
    found = [xp.zeros_like(like) for _ in wanted]
    zeros = xp.zeros(tuple(axis.size for axis in axes), dtype=P.dtype, device=device(P))
    patterns = [_spread(size, axis.periodic) for size, axis in zip(coarse, axes, strict=True)]
    for color in itertools.product(*(range(max(p) + 1) for p in patterns)):
        chosen = xp.ones(coarse, dtype=xp.bool, device=device(P))
        for k, (pattern, c) in enumerate(zip(patterns, color, strict=True)):
            member = xp.asarray([q == c for q in pattern], device=device(P))
            shape = tuple(coarse[k] if i == k else 1 for i in range(d))
            chosen = chosen & xp.reshape(member, shape)
        units = xp.astype(chosen, P.dtype)
        image = prolong(zeros, units, P, axes)
        image = -residual(image, zeros, coefficients, offsets, periodic)
        column = restrict(image, P, axes)
        wide = halo(units, periodic)
        for p, offset in enumerate(wanted):
            # on a periodic axis of two points, both sides are one neighbour
            pairs = zip(offset, axes, strict=True)
            same = sum(1 for o, axis in pairs if o and axis.periodic and axis.coarse == 2)
            found[p] = found[p] + 0.5**same * moved(wide, offset) * column
    return xp.stack(found)


def _spread(size: int, periodic: bool) -> list[int]:
    """Return colours of the points of an axis: a point and its neighbours have different ones."""
    whole = size - size % 3 if periodic else size
    return [k % 3 if k < whole else 3 + k - whole for k in range(size)]


def is_plain(axes: Axes) -> bool:
    """Tell whether coarse points are two points apart across every periodic side, too."""
    return not any(axis.halved and axis.periodic and axis.size % 2 for axis in axes)


def coarse_axes(grid: tuple[int, ...], periodic: Flags, halved: Flags) -> Axes:
    """Return how the axes marked are halved."""
    axes = []
    for size, wraps, half in zip(grid, periodic, halved, strict=True):
        start = 1 if half and size % 2 and not wraps else 0
        axes.append(Axis(size, math.ceil((size - start) / 2) if half else size, start, half, wraps))
    return tuple(axes)
