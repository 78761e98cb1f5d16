"""CPU twin of the red-black relaxation: split colours, both and several sweeps in one pass.

Each colour has its own array of lines, so that a line's neighbours of the other colour are
contiguous: the points of a line where ``i + j + k`` has the colour's parity sit at
``s = 0, 1, …`` (grid index ``2 s`` or ``2 s + 1``). Lines start on cache lines and have a margin
that holds the values outside the grid.

Several sweeps run in one pass over the planes as a wavefront: sweep ``s`` follows two planes behind
sweep ``s − 1``, and in each sweep the black points follow one plane behind the red ones. The
updates, and hence the iterates, are those of single sweeps to the last bit.

The residual norm costs no pass of its own. What a red update removes from its equation is the
residual there of the sweep before; at a black point ``1 − ω`` times what its update removed stays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import stencil
from structlin._norm import norm

_margin = 8  # entries before a line: a cache line of doubles
_block = 8  # sweeps in one pass over the grid
_cache = 1 << 20  # bytes that the lines of one pass may take


def relax_red_black(
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
    """Sweep red points, then black ones, until a residual norm leaves ``[target, ceiling]``."""
    state = Split(x, b, diagonal, weights, periodic)
    sweeps = state.relax(omega, target, ceiling, norms)
    x = state.merged()
    if sweeps == norms.size - 1:
        norms[sweeps] = norm(b - stencil.product(x, diagonal, weights, periodic))
    return x, sweeps


class Split:
    """The iterate, right-hand side and coefficients of a grid, split by colour."""

    def __init__(
        self, x: Any, b: Any, diagonal: Any, weights: stencil.Weights, periodic: stencil.Flags
    ) -> None:
        self.grid = x.shape
        self.dtype = x.dtype
        # planes × lines × points; a two-dimensional grid has one line in each plane
        shape = (1, *x.shape) if x.ndim == 1 else x.shape
        self.shape = (*shape[:1], 1, *shape[1:]) if len(shape) == 2 else shape
        self.periodic = _spread(periodic, False)
        self.flat = len(shape) == 2
        self.x = self._split(x)
        self.b = self._split(b)
        zero = np.zeros((1,) * x.ndim, self.dtype)
        boxes = _spread(weights, zero)
        if all(w.size == 1 for w in (diagonal, *weights)):
            d, w0, w1, w2 = (self.dtype.type(w.item()) for w in (diagonal, *boxes))
            self.scalars = (d, w0, None if self.flat else w1, w2)
            self.variable: Any = None
        else:
            self.scalars = (self.dtype.type(1),) * 4
            reds = []
            for axis, weight in enumerate(weights):
                for side in stencil.faces(weight, axis):
                    reds.append(self._split(np.broadcast_to(side, x.shape))[0])
            none = (np.zeros_like(reds[0]),) * 2
            pairs = tuple(tuple(reds[i : i + 2]) for i in range(0, len(reds), 2))
            self.variable = (
                tuple(w for pair in _spread(pairs, none) for w in pair),
                self._split(np.broadcast_to(diagonal, x.shape)),
            )
            self._omega = 0.0  # that of the third entry, which `sweep` adds

    def _split(self, full: Any) -> tuple[Any, Any]:
        """Return the red and the black points of a grid array, with margins of zeros."""
        n0, n1, n2 = self.shape
        lines = n1 if self.flat else n1 + 2
        unit = 64 // self.dtype.itemsize
        length = _margin + -(-(n2 // 2 + 2) // unit) * unit
        red, black = (_aligned((n0 + 2, lines, length), self.dtype) for _ in range(2))
        _divide(np.require(full, self.dtype, ["C", "W"]).reshape(self.shape), red, black)
        for part in (red, black):
            self._wrap(part)
        return red, black

    def _wrap(self, part: Any) -> None:
        """Fill the margins of periodic axes (these have an even number of points)."""
        n0, n1, n2 = self.shape
        wrap0, wrap1, wrap2 = self.periodic
        if wrap2:
            part[..., _margin - 1] = part[..., _margin + n2 // 2 - 1]
            part[..., _margin + n2 // 2] = part[..., _margin]
        if wrap1:
            part[:, 0], part[:, n1 + 1] = part[:, n1].copy(), part[:, 1].copy()
        if wrap0:
            part[0], part[n0 + 1] = part[n0], part[1]

    def merged(self) -> Any:
        """Return the iterate in the layout of the grid."""
        full = np.empty(self.shape, self.dtype)
        _merge(full, *self.x)
        return full.reshape(self.grid)

    def sweep(self, omega: float, sweeps: int, removed: Any) -> None:
        """Do some sweeps; add the squares of what they removed to ``removed[sweep, colour]``."""
        if self.variable is not None and self._omega != omega:
            self._omega = omega
            self.variable = (
                *self.variable[:2],
                tuple(_inverse(omega, d) for d in self.variable[1]),
            )
        _pass(
            *self.x,
            *self.b,
            self.shape[2],
            *self.periodic,
            *self.scalars,
            self.dtype.type(omega) / self.scalars[0],
            self.variable,
            sweeps,
            removed,
        )

    def relax(self, omega: float, target: float, ceiling: float, norms: Any) -> int:
        """Sweep until a residual norm leaves; the last of ``norms`` may be left to the caller."""
        limit = norms.size - 1
        done, ahead, black = 0, 1, -1.0
        widest = self.x[0].shape[1] * self.x[0].shape[2] * self.dtype.itemsize * 8
        block = min(_block, max(1, _cache // widest))
        stays = (1.0 - omega) ** 2
        saved = [np.empty_like(part) for part in self.x]
        while done < limit:
            sweeps = min(block, ahead, limit - done)
            for part, copy in zip(self.x, saved, strict=True):
                copy[...] = part
            removed = np.zeros((sweeps, 2))
            self.sweep(omega, sweeps, removed)
            for s in range(sweeps):
                if s + done > 0:
                    norms[done + s] = math.sqrt(removed[s, 0] + stays * black)
                    if not target <= norms[done + s] <= ceiling:
                        for part, copy in zip(self.x, saved, strict=True):
                            part[...] = copy
                        if s:
                            self.sweep(omega, s, np.zeros((s, 2)))
                        return done + s
                black = removed[s, 1]
            done += sweeps
            ahead = _sweeps_ahead(norms, done - 1, target)
        return done


def _spread(entries: tuple[Any, ...], nothing: Any) -> tuple[Any, ...]:
    """Put one entry per grid axis in the places of planes, lines and points."""
    if len(entries) == 3:
        return entries
    return (entries[0] if len(entries) == 2 else nothing, nothing, entries[-1])


def _sweeps_ahead(norms: Any, done: int, target: float) -> int:
    """Return how many sweeps are surely wanted yet, by the rate seen (wrong guesses cost time)."""
    if done < 1 or norms[done - 1] == 0:
        return 2
    ratio = norms[done] / norms[done - 1]
    if target <= 0 or not ratio < 1:
        return _block if norms[done] > 100 * target else 2
    missing = math.log(target) - math.log(norms[done])
    return max(1, int(0.5 * missing / math.log(ratio)))


def _inverse(omega: float, diagonal: Any) -> Any:
    """Return ``ω / d`` where there are points, and zero in the margins."""
    out = np.zeros_like(diagonal)
    np.divide(omega, diagonal, out=out, where=diagonal != 0)
    return out


def _aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    size = math.prod(shape) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


@njit(cache=True)
def _divide(full: Any, red: Any, black: Any) -> None:
    """Copy a grid array into the arrays of its colours."""
    edge = 1 if red.shape[1] > full.shape[1] else 0
    for i0 in range(full.shape[0]):
        for i1 in range(full.shape[1]):
            line = full[i0, i1]
            even, odd = red[i0 + 1, i1 + edge], black[i0 + 1, i1 + edge]
            if (i0 + i1) & 1:
                even, odd = odd, even
            for s in range((line.size + 1) // 2):
                even[_margin + s] = line[2 * s]
            for s in range(line.size // 2):
                odd[_margin + s] = line[2 * s + 1]


@njit(cache=True)
def _merge(full: Any, red: Any, black: Any) -> None:
    """Copy the arrays of the colours back into a grid array."""
    edge = 1 if red.shape[1] > full.shape[1] else 0
    for i0 in range(full.shape[0]):
        for i1 in range(full.shape[1]):
            line = full[i0, i1]
            even, odd = red[i0 + 1, i1 + edge], black[i0 + 1, i1 + edge]
            if (i0 + i1) & 1:
                even, odd = odd, even
            for s in range((line.size + 1) // 2):
                line[2 * s] = even[_margin + s]
            for s in range(line.size // 2):
                line[2 * s + 1] = odd[_margin + s]


@njit(cache=True, fastmath={"reassoc", "contract"})
def _square(r: Any, n: int) -> float:
    total = 0.0
    for j in range(n):
        total += (r[j] * np.conj(r[j])).real
    return total


# The line updates carry no fast-math flag: their rounding must not depend on where they are called.
# Slices go straight into the calls: a slice with a name costs atomic reference counts per line.


@njit(cache=True, fastmath={"contract"})
def _update5(
    x: Any,
    left: Any,
    right: Any,
    up: Any,
    down: Any,
    b: Any,
    w0: Any,
    w2: Any,
    d: Any,
    q: Any,
    r: Any,
) -> float:
    for j in range(x.size):
        rj = b[j] + w0 * (up[j] + down[j]) + w2 * (left[j] + right[j]) - d * x[j]
        r[j] = rj
        x[j] += q * rj
    return _square(r, x.size)


@njit(cache=True, fastmath={"contract"})
def _update7(
    x: Any,
    left: Any,
    right: Any,
    up: Any,
    down: Any,
    front: Any,
    back: Any,
    b: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    d: Any,
    q: Any,
    r: Any,
) -> float:
    for j in range(x.size):
        rj = b[j] + w0 * (front[j] + back[j]) + w1 * (up[j] + down[j])
        rj += w2 * (left[j] + right[j]) - d * x[j]
        r[j] = rj
        x[j] += q * rj
    return _square(r, x.size)


@njit(cache=True, fastmath={"contract"})
def _gather(r: Any, low: Any, below: Any, high: Any, above: Any) -> None:
    for j in range(r.size):
        r[j] += low[j] * below[j] + high[j] * above[j]


@njit(cache=True, fastmath={"contract"})
def _update_variable(x: Any, b: Any, d: Any, q: Any, r: Any) -> float:
    for j in range(x.size):
        rj = r[j] + b[j] - d[j] * x[j]
        r[j] = rj
        x[j] += q[j] * rj
    return _square(r, x.size)


@njit(cache=True, inline="always")
def _first(i: int, line: int, color: int) -> int:
    """Return the grid index of the first point of a colour in a line of plane ``i`` (from one)."""
    return (i - 1 + line + color) & 1


@njit(cache=True, inline="always")
def _plane5(
    x: Any,
    other: Any,
    b: Any,
    i: int,
    color: int,
    n2: int,
    d: Any,
    w0: Any,
    w2: Any,
    q: Any,
    work: Any,
) -> float:
    start = _first(i, 0, color)
    n = (n2 - start + 1) // 2
    a, e, o = _margin, _margin + n, _margin - 1 + start
    return _update5(
        x[i, 0, a:e],
        other[i, 0, o : o + n],
        other[i, 0, o + 1 : o + 1 + n],
        other[i - 1, 0, a:e],
        other[i + 1, 0, a:e],
        b[i, 0, a:e],
        w0,
        w2,
        d,
        q,
        work,
    )


@njit(cache=True, inline="always")
def _plane7(
    x: Any,
    other: Any,
    b: Any,
    i: int,
    color: int,
    n2: int,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    q: Any,
    work: Any,
) -> float:
    total = 0.0
    for k in range(1, x.shape[1] - 1):
        start = _first(i, k - 1, color)
        n = (n2 - start + 1) // 2
        a, e, o = _margin, _margin + n, _margin - 1 + start
        total += _update7(
            x[i, k, a:e],
            other[i, k, o : o + n],
            other[i, k, o + 1 : o + 1 + n],
            other[i, k - 1, a:e],
            other[i, k + 1, a:e],
            other[i - 1, k, a:e],
            other[i + 1, k, a:e],
            b[i, k, a:e],
            w0,
            w1,
            w2,
            d,
            q,
            work,
        )
    return total


@njit(cache=True)
def _plane_variable(
    x: Any,
    other: Any,
    b: Any,
    i: int,
    color: int,
    n2: int,
    weights: Any,
    diagonals: Any,
    inverses: Any,
    work: Any,
) -> float:
    f_low, f_high, u_low, u_high, l_low, l_high = weights
    d, q = diagonals[color], inverses[color]
    edge = 0 if x.shape[1] == 1 else 1
    total = 0.0
    for k in range(edge, x.shape[1] - edge):
        start = _first(i, k - edge, color)
        n = (n2 - start + 1) // 2
        a, e, o = _margin, _margin + n, _margin - 1 + start
        work[:n] = 0
        # weights are stored once, as seen from the red points: what lies below a red point
        # lies above its black neighbour there
        if color == 0:
            _gather(
                work[:n],
                f_low[i, k, a:e],
                other[i - 1, k, a:e],
                f_high[i, k, a:e],
                other[i + 1, k, a:e],
            )
            if edge:
                _gather(
                    work[:n],
                    u_low[i, k, a:e],
                    other[i, k - 1, a:e],
                    u_high[i, k, a:e],
                    other[i, k + 1, a:e],
                )
            _gather(
                work[:n],
                l_low[i, k, a:e],
                other[i, k, o : o + n],
                l_high[i, k, a:e],
                other[i, k, o + 1 : o + 1 + n],
            )
        else:
            _gather(
                work[:n],
                f_high[i - 1, k, a:e],
                other[i - 1, k, a:e],
                f_low[i + 1, k, a:e],
                other[i + 1, k, a:e],
            )
            if edge:
                _gather(
                    work[:n],
                    u_high[i, k - 1, a:e],
                    other[i, k - 1, a:e],
                    u_low[i, k + 1, a:e],
                    other[i, k + 1, a:e],
                )
            _gather(
                work[:n],
                l_high[i, k, o : o + n],
                other[i, k, o : o + n],
                l_low[i, k, o + 1 : o + 1 + n],
                other[i, k, o + 1 : o + 1 + n],
            )
        total += _update_variable(x[i, k, a:e], b[i, k, a:e], d[i, k, a:e], q[i, k, a:e], work)
    return total


@njit(cache=True, inline="always")
def _wrap_plane(x: Any, i: int, n2: int, wrap1: bool, wrap2: bool) -> None:
    """Refresh the margins of a plane across its periodic sides."""
    if wrap2:
        for k in range(x.shape[1]):
            x[i, k, _margin - 1] = x[i, k, _margin + n2 // 2 - 1]
            x[i, k, _margin + n2 // 2] = x[i, k, _margin]
    if wrap1:
        lines = x.shape[1] - 2
        for j in range(x.shape[2]):
            x[i, 0, j] = x[i, lines, j]
            x[i, lines + 1, j] = x[i, 1, j]


@njit(cache=True, inline="always")
def _plane(
    x: Any,
    other: Any,
    b: Any,
    i: int,
    color: int,
    n2: int,
    wrap1: bool,
    wrap2: bool,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    q: Any,
    variable: Any,
    work: Any,
) -> float:
    """Update the points of one colour in plane ``i``; return the square of what that removed.

    The arguments that are ``None`` (no weight along lines, no variable weights) choose the body
    when this is compiled.
    """
    if variable is not None:
        total = _plane_variable(x, other, b, i, color, n2, *variable, work)
    elif w1 is None:
        total = _plane5(x, other, b, i, color, n2, d, w0, w2, q, work)
    else:
        total = _plane7(x, other, b, i, color, n2, d, w0, w1, w2, q, work)
    if wrap1 or wrap2:
        _wrap_plane(x, i, n2, wrap1, wrap2)
    return total


@njit(cache=True)
def _half(
    x: Any,
    other: Any,
    b: Any,
    color: int,
    n2: int,
    wrap1: bool,
    wrap2: bool,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    q: Any,
    variable: Any,
    work: Any,
) -> float:
    """Update all points of one colour in a grid that is periodic across its planes."""
    planes = x.shape[0] - 2
    total = 0.0
    for i in range(1, planes + 1):
        total += _plane(x, other, b, i, color, n2, wrap1, wrap2, d, w0, w1, w2, q, variable, work)
    x[0] = x[planes]
    x[planes + 1] = x[1]
    return total


@njit(cache=True)
def _pass(
    red: Any,
    black: Any,
    b_red: Any,
    b_black: Any,
    n2: int,
    wrap0: bool,
    wrap1: bool,
    wrap2: bool,
    d: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    q: Any,
    variable: Any,
    sweeps: int,
    removed: Any,
) -> None:
    """Do ``sweeps`` sweeps in one pass; a periodic plane axis allows no wavefront."""
    planes = red.shape[0] - 2
    work = np.empty(n2 // 2 + 1, red.dtype)
    if wrap0:
        for s in range(sweeps):
            removed[s, 0] += _half(
                red, black, b_red, 0, n2, wrap1, wrap2, d, w0, w1, w2, q, variable, work
            )
            removed[s, 1] += _half(
                black, red, b_black, 1, n2, wrap1, wrap2, d, w0, w1, w2, q, variable, work
            )
        return
    for step in range(1, planes + 2 * sweeps):
        for s in range(sweeps):
            i = step - 2 * s
            if 1 <= i <= planes:
                removed[s, 0] += _plane(
                    red, black, b_red, i, 0, n2, wrap1, wrap2, d, w0, w1, w2, q, variable, work
                )
            i -= 1
            if 1 <= i <= planes:
                removed[s, 1] += _plane(
                    black, red, b_black, i, 1, n2, wrap1, wrap2, d, w0, w1, w2, q, variable, work
                )
