"""Where a real function of several variables may be largest, and the way up from there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._kernels.tucker_points import functions
from structlin.bases import Basis
from structlin.bases._basis import padded
from structlin.tensors import _core
from structlin.tensors._function.lines import line_coefficients
from structlin.tensors.tensor_train import TensorTrain

# points of a grid on which all values are looked at, and of one that is held at a time
_looked_at = 2**24
_held = 2**21
# of how many grid points the search along lines starts, and how often it visits every axis
_starts = 256
_visits = 8
_newton_steps = 40


def candidates(core: Any, factors: Sequence[Any], bases: Sequence[Basis]) -> tuple[Any, Any]:
    """Return points near which the function may be largest or smallest.

    Returns
    -------
    points : (N, d) array
        Places in ``[0, 1]ᵈ``.
    signs : (N,) array
        1 where it may be largest, −1 where it may be smallest.
    """
    sizes = [int(U.shape[0]) for U in factors]
    fine = [basis.refined(n) if n > 1 else 1 for basis, n in zip(bases, sizes, strict=True)]
    lengths = fine if math.prod(fine) <= _looked_at else sizes
    whole = math.prod(lengths) <= _looked_at
    lengths = lengths if whole else fine
    grids = [basis.points(n, core) for basis, n in zip(bases, lengths, strict=True)]
    rows = [functions(*each) for each in zip(factors, bases, grids, strict=True)]
    places = [(x - basis.low) / basis.width for x, basis in zip(grids, bases, strict=True)]
    # every step of the way up takes about d² contractions of the core for every point
    count = 32 if isinstance(core, TensorTrain) else 2**23 // max(math.prod(core.shape), 1)
    count = min(max(count, 4), 32)
    found = _on_grid(core, rows, count) if whole else _along_lines(core, rows, count)
    xp = namespace(core)
    points, signs = [], []
    for sign, indices in found.items():
        here = [xp.take(place, indices[:, k]) for k, place in enumerate(places)]
        points.append(xp.stack(here, axis=1))
        signs.append(xp.full((indices.shape[0],), sign, dtype=xp.float64, device=device(core)))
    return xp.concat(points), xp.concat(signs)


def _on_grid(core: Any, rows: Sequence[Any], count: int) -> dict[float, Any]:
    """Return the indices of the highest peaks on a grid, and of the lowest valleys."""
    xp, lengths = namespace(core), [int(row.shape[0]) for row in rows]
    partial = _core.formed(_core.mode_products(core, [None, *rows[1:]]))
    slab = max(_held // max(math.prod(lengths[1:]), 1), 1)
    heights: dict[float, list[Any]] = {1.0: [], -1.0: []}
    indices: dict[float, list[Any]] = {1.0: [], -1.0: []}
    for start in range(0, lengths[0], slab):
        # neighbours on both sides, to tell which points are peaks
        low, high = max(start - 1, 0), min(start + slab + 1, lengths[0])
        values = xp.tensordot(rows[0][low:high, :], partial, axes=1)
        inside = slice(start - low, min(start + slab, lengths[0]) - low)
        for sign in heights:
            peaks = _peaks(sign * values)[inside, ...]
            signed = sign * values[inside, ...]
            (flat,) = xp.nonzero(xp.reshape(peaks, (-1,)))
            height = xp.take(xp.reshape(signed, (-1,)), flat)
            best = _largest(height, count)
            flat = xp.take(flat, best)
            index = []
            for n in reversed(lengths[1:]):
                index.append(flat % n)
                flat = flat // n
            index.append(flat + start)
            heights[sign].append(xp.take(height, best))
            indices[sign].append(xp.stack(index[::-1], axis=1))
    chosen = {}
    for sign in heights:
        order = _largest(xp.concat(heights[sign]), count)
        chosen[sign] = xp.take(xp.concat(indices[sign]), order, axis=0)
    return chosen


def _largest(values: Any, count: int) -> Any:
    """Return the places of the largest values, at most so many."""
    order = namespace(values).argsort(values, descending=True)
    return order[: min(count, order.shape[0])]


def _peaks(values: Any) -> Any:
    """Tell where no neighbour along an axis is larger; of equal ones, the first counts."""
    xp = namespace(values)
    out = xp.ones(values.shape, dtype=xp.bool, device=device(values))
    for axis in range(values.ndim):
        before = (slice(None),) * axis + (slice(None, -1), ...)
        after = (slice(None),) * axis + (slice(1, None), ...)
        out[before] = out[before] & (values[before] >= values[after])
        out[after] = out[after] & (values[after] > values[before])
    return out


def _along_lines(core: Any, rows: Sequence[Any], count: int) -> dict[float, Any]:
    """Return indices of points that are best on the grid lines through them, along every axis."""
    xp, where, d = namespace(core), device(core), len(rows)
    lengths = [int(row.shape[0]) for row in rows]
    # points of a lattice with incommensurable steps fill a box evenly
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (d + 1))
    steps = ratio ** -np.arange(1.0, d + 1)
    lattice = (0.5 + np.arange(1, _starts + 1)[:, None] * steps) % 1.0
    start = [
        xp.asarray(np.minimum((lattice[:, k] * n).astype(np.int64), n - 1), device=where)
        for k, n in enumerate(lengths)
    ]
    chosen = {}
    for sign in (1.0, -1.0):
        index = list(start)
        at = [xp.take(row, place, axis=0) for row, place in zip(rows, index, strict=True)]
        height = xp.zeros((_starts,), dtype=xp.float64, device=where)
        for _ in range(_visits):
            before = list(index)
            for axis in range(d):
                along = line_coefficients(core, at, axis)
                values = sign * xp.matmul(along, xp.matrix_transpose(rows[axis]))
                index[axis] = xp.argmax(values, axis=1)
                at[axis] = xp.take(rows[axis], index[axis], axis=0)
                height = xp.max(values, axis=1)
            pairs = zip(before, index, strict=True)
            if not any(bool(xp.any(old != new)) for old, new in pairs):
                break
        # one of those that ended at the same point; the number of a point may wrap around
        number = xp.zeros((_starts,), dtype=xp.int64, device=where)
        for place, n in zip(index, lengths, strict=True):
            number = number * n + place
        first = xp.unique_all(number).indices
        order = _largest(xp.take(height, first), count)
        chosen[sign] = xp.take(xp.stack(index, axis=1), xp.take(first, order), axis=0)
    return chosen


def climbed(
    core: Any, factors: Sequence[Any], bases: Sequence[Basis], points: Any, signs: Any
) -> tuple[Any, Any]:
    """Return where Newton's method leads from points, and the values there.

    It goes up where the sign is 1 and down where it is −1, and does not leave the box.

    Parameters
    ----------
    points : (N, d) array
        Places in ``[0, 1]ᵈ``.
    signs : (N,) array
        1 or −1.

    Returns
    -------
    points : (N, d) array
        Places in ``[0, 1]ᵈ``.
    values : (N,) array
    """
    xp, where = namespace(core), device(core)
    ranks = [int(U.shape[1]) for U in factors]
    series = [_with_derivatives(*each) for each in zip(bases, factors, strict=True)]

    def rows_at(t: Any, orders: int) -> list[list[Any]]:
        rows = []
        for k, (basis, stacked, r) in enumerate(zip(bases, series, ranks, strict=True)):
            x = basis.low * (1 - t[:, k]) + basis.high * t[:, k]
            every = functions(stacked[:, : r * orders], basis, x)
            rows.append([every[:, r * order : r * (order + 1)] for order in range(orders)])
        return rows

    def values_at(t: Any) -> Any:
        return _core.entries(core, [row for (row,) in rows_at(t, 1)])

    height = signs * values_at(points)
    unit = float(xp.max(xp.abs(height)))
    if unit == 0:
        return points, height
    d, eps = len(bases), float(xp.finfo(xp.float64).eps)
    open_ended = xp.asarray([basis.periodic for basis in bases], device=where)
    lengths = xp.asarray([0.5**k for k in range(10)], device=where)[:, None, None]
    for _ in range(_newton_steps):
        rows = rows_at(points, 3)
        slope = xp.stack([_derivative(core, rows, k) for k in range(d)], axis=1)
        slope = slope * (signs / unit)[:, None]
        curvature = xp.zeros((points.shape[0], d, d), dtype=slope.dtype, device=where)
        for j, k in itertools.combinations_with_replacement(range(d), 2):
            curvature[:, j, k] = _derivative(core, rows, j, k) * (signs / unit)
            curvature[:, k, j] = curvature[:, j, k]
        # coordinates at an end of their interval beyond which the function grows stay there
        stuck = ((points <= 0) & (slope < 0)) | ((points >= 1) & (slope > 0))
        step = _newton_step(slope, curvature, stuck & ~open_ended)
        trials = points + lengths * step
        trials = xp.where(open_ended, trials - xp.floor(trials), xp.clip(trials, min=0.0, max=1.0))
        reached = xp.reshape(values_at(xp.reshape(trials, (-1, d))), trials.shape[:2]) * signs
        # near the top all values agree, and only the equations tell where it is
        ahead = xp.max(xp.abs(step), axis=1)
        reached[0, :] = xp.where(ahead < 1e-4, reached[0, :] + 4 * eps * unit, reached[0, :])
        best = xp.argmax(reached, axis=0)
        gain = xp.max(reached, axis=0)
        chosen = trials[0, ...]
        for number in range(1, lengths.shape[0]):
            chosen = xp.where((best == number)[:, None], trials[number, ...], chosen)
        better = gain > height
        points = xp.where(better[:, None], chosen, points)
        height = signs * values_at(points)
        if not bool(xp.any(better & (ahead > 1e-13))):
            break
    return points, signs * height


def _derivative(core: Any, rows: Sequence[Sequence[Any]], *axes: int) -> Any:
    """Return a partial derivative at points, given the derivatives of every variable there."""
    return _core.entries(core, [row[axes.count(axis)] for axis, row in enumerate(rows)])


def _with_derivatives(basis: Basis, factor: Any) -> Any:
    """Return a factor beside its first two derivatives, by places in [0, 1]."""
    first = basis.derivative(factor) * basis.width
    second = basis.derivative(first) * basis.width
    n = max(factor.shape[0], first.shape[0])
    return namespace(factor).concat([padded(C, n) for C in (factor, first, second)], axis=1)


def _newton_step(slope: Any, curvature: Any, stuck: Any) -> Any:
    """Return steps that go up: the curvature is taken as negative, and nothing below a bound."""
    xp = namespace(slope)
    slope = xp.where(stuck, xp.zeros_like(slope), slope)
    free = ~stuck
    curvature = xp.where(free[:, :, None] & free[:, None, :], curvature, 0 * curvature)
    bend, axes = xp.linalg.eigh(curvature)
    bend = xp.abs(bend)
    least = 1e-12 * xp.max(bend, axis=1) + 1e-3 * xp.max(xp.abs(slope), axis=1)
    least = xp.where(least > 0, least, xp.ones_like(least))
    along = xp.matmul(xp.matrix_transpose(axes), slope[:, :, None])[:, :, 0]
    along = along / xp.where(bend > least[:, None], bend, least[:, None])
    step = xp.matmul(axes, along[:, :, None])[:, :, 0]
    longest = xp.max(xp.abs(step), axis=1)
    return step / xp.where(longest > 1, longest, xp.ones_like(longest))[:, None]
