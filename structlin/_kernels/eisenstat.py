"""Conjugate gradients with SSOR on a grid by Eisenstat's trick: no product with the matrix.

With ``A = L + D + U``, ``W = D/ω + L``, ``V = D/ω + U`` and ``K = (2/ω − 1) D``, the preconditioner
is ``M = W K⁻¹ V``, and ``A = W + V − K``. In the transformed residual ``r̂ = W⁻¹ r`` and direction
``p̂ = V p``, the product with the matrix becomes

``t = V⁻¹ p̂ = p``, ``q̂ = W⁻¹ A p = t + W⁻¹ (p̂ − K t)``:

two triangular solves, which the preconditioner takes anyway. The norm of the residual ``W r̂`` costs
one more half of a product. The stencil is described as in `structlin._kernels.stencil`.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from structlin._backend import namespace
from structlin._kernels.conjugate_directions import real_dot
from structlin._kernels.stencil import Flags, Weights, along, faces, levels, neighbours
from structlin._norm import norm

State = tuple[Any, Any, Any, float, int]


def iterate_lexicographic(
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    diagonal: Any,
    weights: Weights,
    periodic: Flags,
    omega: float,
    target: float,
    norms: Any,
) -> State:
    """Do up to ``norms.size − 1`` iterations, until the norm of the residual is at most ``target``.

    The state is the iterate ``x``, ``r̂``, ``p̂`` and ``previous``, the value of ``rᴴ M⁻¹ r`` in the
    iteration that made ``p̂``. It begins with ``x``, the residual ``r`` itself, zeros and infinity.
    Iteration ``k`` writes ``‖r‖`` to ``norms[k]``. Returns the new state, and how many iterations
    were done: fewer than asked for without the target met means that ``rᴴ M⁻¹ r`` or ``pᴴ A p`` is
    not positive.
    """
    return _iterate(
        "lexicographic", x, r, p, previous, (diagonal, weights, periodic), omega, target, norms
    )


def iterate_red_black(
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    diagonal: Any,
    weights: Weights,
    periodic: Flags,
    omega: float,
    target: float,
    norms: Any,
) -> State:
    """Iterate as `iterate_lexicographic` does, with red points before black ones."""
    return _iterate(
        "red-black", x, r, p, previous, (diagonal, weights, periodic), omega, target, norms
    )


def _iterate(
    ordering: str,
    x: Any,
    r: Any,
    p: Any,
    previous: float,
    stencil: tuple[Any, Weights, Flags],
    omega: float,
    target: float,
    norms: Any,
) -> State:
    xp = namespace(x)
    diagonal, weights, periodic = stencil
    step, inner = omega / diagonal, (2 / omega - 1) * diagonal
    if math.isinf(previous):
        r = _triangular(ordering, r, step, weights, periodic, backward=False)
    rz = real_dot(inner * r, r)
    for k in range(1, norms.size):
        if not rz > 0:  # NaN too
            return x, r, p, previous, k - 1
        p = inner * r + (rz / previous) * p
        previous = rz
        t = _triangular(ordering, p, step, weights, periodic, backward=True)
        rest = p - inner * t
        q = t + _triangular(ordering, rest, step, weights, periodic, backward=False)
        curvature = real_dot(p, q)
        if not curvature > 0:
            return x, r, p, previous, k - 1
        x = x + (rz / curvature) * t
        r = r - (rz / curvature) * q
        rz = real_dot(inner * r, r)
        norms[k] = norm(r / step - _earlier(xp, ordering, r, weights, periodic))
        if not norms[k] > target:
            return x, r, p, previous, k
    return x, r, p, previous, norms.size - 1


def _triangular(
    ordering: str, r: Any, step: Any, weights: Weights, periodic: Flags, *, backward: bool
) -> Any:
    """Return ``V⁻¹ r`` or ``W⁻¹ r``: level by level, as points of one level do not interact."""
    xp = namespace(r)
    z = xp.zeros_like(r)
    index, count = levels(r, ordering)
    for level in reversed(range(count)) if backward else range(count):
        # what comes later is still zero
        z = xp.where(index == level, step * (r + neighbours(z, weights, periodic)), z)
    return z


def _earlier(xp: ModuleType, ordering: str, x: Any, weights: Weights, periodic: Flags) -> Any:
    """Return ``−L x``: the weighted sum of the neighbours that come before a point."""
    if ordering == "red-black":
        index, _ = levels(x, ordering)
        total = neighbours(x, weights, periodic)
        return xp.where(index == 1, total, xp.zeros_like(total))
    total = xp.zeros_like(x)
    for axis, weight in enumerate(weights):
        if x.shape[axis] == 1:
            continue
        below, above = faces(weight, axis)
        first = along(x, axis, None, 1)
        parts = [xp.zeros_like(first), along(x, axis, None, -1)]
        total = total + below * xp.concat(parts, axis=axis)
        if periodic[axis]:  # the last point has the first one above it
            rest = xp.zeros_like(along(x, axis, 1, None))
            total = total + above * xp.concat((rest, first), axis=axis)
    return total
