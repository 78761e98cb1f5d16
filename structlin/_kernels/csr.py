"""Relaxation with a compressed-sparse-row matrix whose rows are sorted by column.

Loops over rows are what a compiler wants, so these plain functions are the source of their twins.
``middle[i]`` is the position of the diagonal entry of row ``i``; what stands before it in the row
belongs to the strictly lower triangle ``L``, what follows to the upper one. ``step`` is ``ω`` over
the diagonal.
"""

from __future__ import annotations

import math
from typing import Any


def diagonal_positions(indptr: Any, indices: Any, middle: Any) -> int:
    """Write the position of every row's diagonal entry; return the first row without one, or −1."""
    for i in range(indptr.size - 1):
        middle[i] = -1
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                middle[i] = k
        if middle[i] < 0:
            return i
    return -1


def first_fit_colors(indptr: Any, indices: Any, colors: Any, last_seen: Any) -> int:
    """Give every row the first colour that no earlier neighbour has; return the number of colours.

    The pattern must be symmetric. ``last_seen`` is work space for one entry per row and colour.
    """
    count = 0
    for i in range(indptr.size - 1):
        colors[i] = -1
    for i in range(indptr.size - 1):
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j != i and colors[j] >= 0:
                last_seen[colors[j]] = i + 1
        color = 0
        while last_seen[color] == i + 1:
            color += 1
        colors[i] = color
        count = max(count, color + 1)
    return count


def relax(
    x: Any,
    b: Any,
    indptr: Any,
    middle: Any,
    indices: Any,
    data: Any,
    step: Any,
    increments: Any,
    target: float,
    ceiling: float,
    norms: Any,
) -> int:
    """Sweep the rows in order until a residual norm leaves ``[target, ceiling]``.

    Sweep ``k`` writes ``‖b − A x_k‖`` to ``norms[k]``, where ``norms[0]`` is given, and the first
    one outside (or NaN) is the last; the norm of the very last sweep allowed is left to the caller.
    Returns the number of sweeps.

    The norms come with the sweeps: when row ``i`` is updated in sweep ``k + 1``, the residual of
    ``x_k`` there is what the update sees plus ``Σ_{j<i} a_ij e_j``, with the increments ``e`` of
    the rows before. The sweep that finds the norm outside is taken back.
    """
    n = b.size
    for k in range(norms.size - 1):
        total = 0.0
        for i in range(n):
            seen = b[i]
            for p in range(middle[i], indptr[i + 1]):
                seen -= data[p] * x[indices[p]]
            before = seen
            for p in range(indptr[i], middle[i]):
                j = indices[p]
                seen -= data[p] * x[j]
                before -= data[p] * (x[j] - increments[j])
            increments[i] = step[i] * seen
            x[i] += increments[i]
            total += (before * before.conjugate()).real
        if k > 0:
            norms[k] = math.sqrt(total)
            if not target <= norms[k] <= ceiling:
                for i in range(n):
                    x[i] -= increments[i]
                return k
    return int(norms.size - 1)


def ssor(
    z: Any, r: Any, indptr: Any, middle: Any, indices: Any, data: Any, step: Any, omega: float
) -> None:
    """Write ``M⁻¹ r`` to ``z``: a forward and a backward sweep on ``A z = r`` from zero.

    ``M = ω/(2−ω) (D/ω + L) D⁻¹ (D/ω + U)`` where ``A = L + D + U``.
    """
    n = r.size
    for i in range(n):
        total = r[i]
        for p in range(indptr[i], middle[i]):
            total -= data[p] * z[indices[p]]
        z[i] = step[i] * total
    for i in range(n - 1, -1, -1):
        total = (2.0 - omega) * z[i]
        for p in range(middle[i] + 1, indptr[i + 1]):
            total -= step[i] * data[p] * z[indices[p]]
        z[i] = total
