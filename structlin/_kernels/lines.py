"""Relaxation of the lines of a grid along its last axis, each solved exactly.

The stencil is described as in `structlin._kernels.stencil`. The tridiagonal block ``T`` of a line
is known by its factors, of which every array broadcasts against the grid:

inverse, ratio
    reciprocal pivots ``1/δ_j`` and ``w_j/δ_(j−1)`` (with any number at ``j = 0``)
corner, spread
    where the axis is periodic, ``T = T″ − w (e₀ + e_n) (e₀ + e_n)ᵀ`` and the factors above are
    those of ``T″``: ``spread = T″⁻¹ (e₀ + e_n)``, and ``corner = w/(1 − w (spread₀ + spread_n))``
    with one entry a line; elsewhere both are zero, with one entry in all
"""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace
from structlin._kernels.stencil import Flags, Weights, faces, levels, product
from structlin._norm import norm

Factors = tuple[Any, Any, Any, Any]


def factors(diagonal: Any, weights: Weights, periodic: Flags, size: int) -> Factors:
    """Factorise the blocks of all lines of ``size`` points; pivots may come out as anything."""
    xp = namespace(diagonal)
    last = diagonal.ndim - 1
    below = faces(weights[last], last)[0]
    shape = xp.broadcast_arrays(diagonal[..., :1], below[..., :1])[0].shape[:-1]
    columns = [
        [xp.broadcast_to(v[..., j if v.shape[last] > 1 else 0], shape) for j in range(size)]
        for v in (diagonal, below)
    ]
    middle, lower = columns
    wraps = periodic[last]
    if wraps:
        edge = lower[0]
        middle[0], middle[-1] = middle[0] + edge, middle[-1] + edge
    pivots, ratios = [middle[0]], [lower[0]]
    for d, w in zip(middle[1:], lower[1:], strict=True):
        ratios.append(w / pivots[-1])
        pivots.append(d - w * ratios[-1])
    inverse, ratio = 1 / xp.stack(pivots, axis=-1), xp.stack(ratios, axis=-1)
    nothing = xp.zeros_like(inverse[..., :1])
    if not wraps:
        return inverse, ratio, nothing, nothing
    ends = xp.zeros_like(inverse)
    ends[..., 0], ends[..., -1] = 1, 1
    spread = solved(ends, (inverse, ratio, nothing, nothing))
    closed = spread[..., :1] + spread[..., -1:]
    edge = xp.expand_dims(edge, axis=-1)
    return inverse, ratio, edge / (1 - edge * closed), spread


def solved(r: Any, known: Factors) -> Any:
    """Return ``T⁻¹ r`` for all lines at once."""
    xp = namespace(r)
    inverse, ratio, corner, spread = known
    y = [r[..., 0]]
    for j in range(1, r.shape[-1]):
        y.append(r[..., j] + ratio[..., j] * y[-1])
    e = [y[-1] * inverse[..., -1]]
    for j in range(r.shape[-1] - 2, -1, -1):
        e.append(y[j] * inverse[..., j] + ratio[..., j + 1] * e[-1])
    out = xp.stack(e[::-1], axis=-1)
    return out + spread * (corner * (out[..., :1] + out[..., -1:]))


def relax(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: Weights,
    periodic: Flags,
    known: Factors,
    omega: float,
    zebra: bool,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep the lines until a residual norm leaves ``[target, ceiling]``.

    They are taken in C order, or first those whose indices have an even sum. Otherwise like
    `structlin._kernels.stencil.relax_red_black`.
    """
    xp = namespace(x, b)
    index, count = levels(x[..., :1], "red-black" if zebra else "lexicographic")
    r = b - product(x, diagonal, weights, periodic)
    for k in range(1, norms.size):
        for level in range(count):
            x = xp.where(index == level, x + omega * solved(r, known), x)
            r = b - product(x, diagonal, weights, periodic)
        norms[k] = norm(r)
        if not target <= norms[k] <= ceiling:
            return x, k
    return x, norms.size - 1
