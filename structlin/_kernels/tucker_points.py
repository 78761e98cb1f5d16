"""Values of a function in Tucker form at points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from structlin._backend import device, namespace

# numbers that a block of points takes in all
_room = 2**20


def values(core: Any, factors: Sequence[Any], bases: Sequence[Any], points: Any) -> Any:
    """Return ``Σ core[p, q, …] u_p(x) v_q(y) …`` of every point.

    Parameters
    ----------
    core : (r1, …, rd) array
        The core.
    factors : sequence of (nk, rk) arrays
        Coefficients of the functions of one variable, of the data type of the core.
    bases : sequence of Basis
        What they are coefficients of, for every axis.
    points : (d, N) array
        The coordinates, in float64.

    Returns
    -------
    (N,) array
        Of the data type of the core; NaN where a coordinate is NaN.
    """
    xp, N = namespace(core, points), points.shape[1]
    out = xp.empty(N, dtype=core.dtype, device=device(core))
    widest = max(*(U.shape[0] for U in factors), math.prod(core.shape[1:]))
    for block in blocks(N, widest):
        pairs = zip(factors, bases, strict=True)
        rows = [functions(U, basis, points[k, block]) for k, (U, basis) in enumerate(pairs)]
        out[block] = entries(core, rows)
    return out


def functions(coefficients: Any, basis: Any, x: Any) -> Any:
    """Return the values (N, r) at points (N,) of series with these coefficients (n, r).

    They are NaN where the point is.
    """
    xp, (n, r) = namespace(coefficients, x), coefficients.shape
    out = xp.empty((x.shape[0], r), dtype=coefficients.dtype, device=device(coefficients))
    for block in blocks(x.shape[0], n):
        part = x[block]
        V = xp.astype(basis.vander(part, n), out.dtype, copy=False)
        unknown = xp.astype(0 * part, out.dtype, copy=False)  # constants do not have it from V
        out[block, :] = xp.matmul(V, coefficients) + unknown[:, None]
    return out


def blocks(N: int, widest: int) -> Iterator[slice]:
    """Yield the blocks of ``N`` points, each point of which takes so many numbers."""
    step = max(_room // max(widest, 1), 1)
    for start in range(0, N, step):
        yield slice(start, min(start + step, N))


def entries(core: Any, rows: Sequence[Any]) -> Any:
    """Return ``Σ core[i, j, …] rows[0][p, i] rows[1][p, j] …`` of every point ``p``."""
    xp = namespace(core, *rows)
    first, *others = rows
    out = xp.tensordot(first, core, axes=1)
    for row in others:  # (N, r, …) times (N, r)
        shape = (*row.shape, *(1,) * (out.ndim - 2))
        out = xp.sum(out * xp.reshape(row, shape), axis=1)
    return out
