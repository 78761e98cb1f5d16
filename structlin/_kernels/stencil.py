"""The nearest-neighbour stencil on a box: products, and SOR sweeps as masked updates.

All functions share a description of the operator ``(A x)_i = d_i x_i − Σ_faces w_f x_neighbour``:

diagonal
    array that broadcasts against the grid; of size 1 where the stencil is uniform
weights
    one array per axis that broadcasts against its faces: along its own axis it has one entry more
    than the grid (face ``i`` lies below point ``i``), or a single entry where all faces agree
periodic
    one flag per axis; values outside other axes are zero
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import norm

Weights = tuple[Any, ...]
Flags = tuple[bool, ...]


def along(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """Return the part of an array from ``start`` to ``stop`` along one axis."""
    return x[(slice(None),) * axis + (slice(start, stop), ...)]


def faces(weight: Any, axis: int) -> tuple[Any, Any]:
    """Return the weights of the faces below and above every point along its own axis."""
    if weight.shape[axis] == 1:
        return weight, weight
    return along(weight, axis, None, -1), along(weight, axis, 1, None)


def _shifted(xp: ModuleType, x: Any, axis: int, step: int, periodic: bool) -> Any:
    """Return the neighbours of every point one step down (-1) or up (+1) the axis."""
    low, high = along(x, axis, None, 1), along(x, axis, x.shape[axis] - 1, None)
    if not periodic:
        low, high = xp.zeros_like(low), xp.zeros_like(high)
    if step < 0:
        return xp.concat((high, along(x, axis, None, -1)), axis=axis)
    return xp.concat((along(x, axis, 1, None), low), axis=axis)


def neighbours(x: Any, weights: Weights, periodic: Flags) -> Any:
    """Return the weighted sum of every point's neighbours; further axes of ``x`` are a batch."""
    xp = namespace(x)
    total = xp.zeros_like(x)
    if 0 in x.shape:
        return total
    for axis, weight in enumerate(weights):
        if x.ndim > len(weights):
            weight = xp.expand_dims(weight, axis=-1)
        below, above = faces(weight, axis)
        total = total + below * _shifted(xp, x, axis, -1, periodic[axis])
        total = total + above * _shifted(xp, x, axis, +1, periodic[axis])
    return total


def product(x: Any, diagonal: Any, weights: Weights, periodic: Flags) -> Any:
    """Return ``A x`` for ``x`` in the shape of the grid, with any batch axis last."""
    if x.ndim > len(weights):
        diagonal = namespace(x).expand_dims(diagonal, axis=-1)
    return diagonal * x - neighbours(x, weights, periodic)


def levels(x: Any, ordering: str) -> tuple[Any, int]:
    """Return the level of every point, and how many there are: a sweep takes them in turn.

    Points of one level depend on one another in no way. In lexicographic order, a point follows
    all its lower neighbours: levels are those of ``i + j + k`` (the hyperplane method).
    """
    xp = namespace(x)
    index = xp.zeros(x.shape, dtype=xp.int64, device=device(x))
    for axis, size in enumerate(x.shape):
        shape = [1] * x.ndim
        shape[axis] = size
        index = index + xp.reshape(xp.arange(size, device=device(x)), tuple(shape))
    if ordering == "red-black":
        return index % 2, 2
    return index, sum(x.shape) - x.ndim + 1


def _relax(
    ordering: str,
    x: Any,
    b: Any,
    stencil: tuple[Any, Weights, Flags],
    omega: float,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    xp = namespace(x, b)
    step = omega / stencil[0]
    index, count = levels(x, ordering)
    for k in range(1, norms.size):
        for level in range(count):
            x = xp.where(index == level, x + step * (b - product(x, *stencil)), x)
        norms[k] = norm(b - product(x, *stencil))
        if not target <= norms[k] <= ceiling:  # NaN leaves too
            return x, k
    return x, norms.size - 1


def relax_red_black(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: Weights,
    periodic: Flags,
    omega: float,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep the points of even ``i + j + k``, then the odd ones, until a residual norm leaves.

    Up to ``norms.size − 1`` sweeps are done; sweep ``k`` writes ``‖b − A x_k‖`` to ``norms[k]``,
    and the first one outside ``[target, ceiling]`` (or NaN) is the last. ``norms[0]`` is given.
    Returns the iterate and the number of sweeps.
    """
    return _relax("red-black", x, b, (diagonal, weights, periodic), omega, target, ceiling, norms)


def relax_lexicographic(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: Weights,
    periodic: Flags,
    omega: float,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep the points in C order; otherwise like `relax_red_black`."""
    return _relax(
        "lexicographic", x, b, (diagonal, weights, periodic), omega, target, ceiling, norms
    )


def ssor_lexicographic(
    r: Any, diagonal: Any, weights: Weights, periodic: Flags, omega: float
) -> Any:
    """Return ``M⁻¹ r``: a forward and a backward sweep in C order on ``A z = r`` from zero.

    ``M = ω/(2−ω) (D/ω + L) D⁻¹ (D/ω + Lᵀ)`` where ``A = D + L + Lᵀ``.
    """
    return _ssor("lexicographic", r, (diagonal, weights, periodic), omega)


def ssor_red_black(r: Any, diagonal: Any, weights: Weights, periodic: Flags, omega: float) -> Any:
    """Return ``M⁻¹ r`` as `ssor_lexicographic` does, in red-black order."""
    return _ssor("red-black", r, (diagonal, weights, periodic), omega)


def _ssor(ordering: str, r: Any, stencil: tuple[Any, Weights, Flags], omega: float) -> Any:
    xp = namespace(r)
    step = omega / stencil[0]
    z = xp.zeros_like(r)
    index, count = levels(r, ordering)
    for level in (*range(count), *reversed(range(count))):
        z = xp.where(index == level, z + step * (r - product(z, *stencil)), z)
    return z
