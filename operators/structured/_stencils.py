"""Stencils of three points along every axis: products, fits by least squares, coarse versions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace

Flags = tuple[bool, ...]

# the value at a point, half the difference of its neighbours, and their second difference: nearly
# orthogonal for smooth functions, of which the three values themselves hardly differ
_differences = np.array([[0.0, 1.0, 0.0], [-0.5, 0.0, 0.5], [1.0, -2.0, 1.0]])


def shifts(ndim: int) -> list[tuple[int, ...]]:
    """Return the places of a stencil around its centre, in C order."""
    return list(itertools.product((-1, 0, 1), repeat=ndim))


def shifted(u: Any, offset: Sequence[int], periodic: Flags) -> Any:
    """Return ``u[…, i + offset]`` for the last axes; zero beyond those that are not periodic."""
    xp, first = namespace(u), u.ndim - len(offset)
    for k, step in enumerate(offset):
        if not step:
            continue
        u = xp.roll(u, -step, axis=first + k)
        if not periodic[k]:
            u = xp.asarray(u, copy=True)
            edge = -1 if step > 0 else 0
            u[(..., edge, *(slice(None),) * (len(offset) - k - 1))] = 0
    return u


def applied(stencil: Any, u: Any, periodic: Flags) -> Any:
    """Return ``Σ_p stencil[p] u[· + p]``; every place of the stencil is a number or an array."""
    d = len(periodic)
    grid, wide, total = u.shape[u.ndim - d :], _surrounded(u, periodic), None
    for p, offset in enumerate(shifts(d)):
        place = (slice(1 + o, n + 1 + o) for o, n in zip(offset, grid, strict=True))
        part = stencil[p, ...] * wide[(..., *place)]
        total = part if total is None else total + part
    return total


def _surrounded(u: Any, periodic: Flags) -> Any:
    """Return a function with one more point at every end: of the other end, or zero."""
    xp, d = namespace(u), len(periodic)
    for k, wraps in enumerate(periodic):
        before = (slice(None),) * (u.ndim - d + k)
        ends = u[(*before, slice(-1, None), ...)], u[(*before, slice(0, 1), ...)]
        if not wraps:
            ends = xp.zeros_like(ends[0]), xp.zeros_like(ends[1])
        u = xp.concat([ends[0], u, ends[1]], axis=len(before))
    return u


def difference_columns(u: Any, periodic: Flags) -> Any:
    """Return the (3^d, …) tensor products of value, first and second difference of ``u``."""
    xp, d = namespace(u), len(periodic)
    columns = [u]
    for axis in range(d):
        unit = tuple(int(k == axis) for k in range(d))
        found = []
        for x in columns:
            after = shifted(x, unit, periodic)
            before = shifted(x, tuple(-k for k in unit), periodic)
            found += [x, (after - before) / 2, after - 2 * x + before]
        columns = found
    return xp.stack(columns)


def stencil_of(coefficients: Any, ndim: int) -> Any:
    """Return the weights (…, 3^d) of the places from those (…, 3^d) of the differences."""
    xp = namespace(coefficients)
    table = np.ones((1, 1))
    for _ in range(ndim):
        table = np.kron(table, _differences)
    made = xp.asarray(table, dtype=xp.float64, device=coefficients.device)
    return xp.matmul(coefficients, xp.astype(made, coefficients.dtype))


def least_squares(columns: Any, right: Any, rcond: float) -> Any:
    """Return the (…, k) solutions of stacks of systems (…, m, k) with right-hand sides (…, m).

    Columns are measured in their norms, and singular values below a part ``rcond`` of the largest
    one left out.
    """
    xp = namespace(columns)
    sizes = xp.linalg.vector_norm(columns, axis=-2, keepdims=True)
    sizes = xp.where(sizes > 0, sizes, xp.ones_like(sizes))
    columns = columns / sizes
    if columns.shape[-2] > columns.shape[-1]:  # the rest is done with a small matrix
        Q, columns = xp.linalg.qr(columns)
        adjoint = xp.matrix_transpose(Q)
        adjoint = xp.conj(adjoint) if xp.isdtype(Q.dtype, "complex floating") else adjoint
        right = xp.matmul(adjoint, right[..., None])[..., 0]
    inverse = xp.linalg.pinv(columns, rtol=rcond)
    return xp.matmul(inverse, right[..., None])[..., 0] / sizes[..., 0, :]


def fitted(u: Any, f: Any, periodic: Flags, walls: Flags, *, varying: bool, rcond: float) -> Any:
    """Return the (3^d, …) stencil ``A`` with ``A u ≈ f`` for samples (n, …) on a grid.

    One stencil serves all points, but those at a side that is neither periodic nor a wall, beyond
    which functions are zero, have their own; or every point has its own.
    """
    xp, d, grid = namespace(u), len(periodic), tuple(u.shape[1:])
    columns = difference_columns(u, periodic)
    if varying:
        points = math.prod(grid)
        rows = xp.permute_dims(xp.reshape(columns, (3**d, u.shape[0], points)), (2, 1, 0))
        right = xp.matrix_transpose(xp.reshape(f, (u.shape[0], points)))
        found = stencil_of(least_squares(rows, right, rcond), d)
        return xp.reshape(xp.matrix_transpose(found), (3**d, *grid))
    stencil = xp.zeros((3**d, *grid), dtype=xp.result_type(u.dtype, f.dtype), device=u.device)
    whole, ends = [slice(None)], [slice(0, 1), slice(1, -1), slice(-1, None)]
    parts = [whole if periodic[k] or walls[k] or n < 3 else ends for k, n in enumerate(grid)]
    for place in itertools.product(*parts):
        rows = xp.reshape(columns[(slice(None), slice(None), *place)], (3**d, -1))
        right = xp.reshape(f[(slice(None), *place)], (-1,))
        found = stencil_of(least_squares(xp.matrix_transpose(rows), right, rcond), d)
        stencil[(slice(None), *place)] = xp.reshape(found, (3**d, *(1,) * d))
    return stencil


def transfer(n: int, kind: str) -> tuple[Any, Any] | None:
    """Return interpolation (n, m) and restriction (m, n) along an axis, on the host.

    Parameters
    ----------
    n : int
        How many points there are.
    kind : {"periodic", "wall", "node", "cell"}
        A wall has zeros just beyond the first and the last point; coarse points are every other
        one, of which the first and the last are neighbours on odd periodic axes. Cells are joined
        by two, with linear interpolation and the mean as restriction.

    Returns
    -------
    tuple or None
        None where the axis is too short to be coarsened.
    """
    if n < 4:
        return None
    m = n // 2 if kind == "wall" else (n + 1) // 2
    P = np.zeros((n, m))
    if kind == "cell":
        for i in range(n):
            own, other = i // 2, i // 2 + (1 if i % 2 else -1)
            P[i, own] += 0.75 if 0 <= other < m else 1.0
            if 0 <= other < m:
                P[i, other] += 0.25
        R = np.zeros((m, n))
        R[np.arange(n) // 2, np.arange(n)] = 1.0
        return P, R
    start = 1 if kind == "wall" else 0
    for j in range(m):
        P[start + 2 * j, j] = 1.0
        for beside in (start + 2 * j - 1, start + 2 * j + 1):
            if kind == "periodic":
                if beside % n % 2:  # not a coarse point itself
                    P[beside % n, j] += 0.5
            elif 0 <= beside < n:
                P[beside, j] += 0.5
    if kind == "node" and n % 2 == 0:
        P[n - 1, m - 1] = 1.0  # the last point is beside one coarse point only
    return P, P.T


def along_axes(matrices: Sequence[Any], u: Any) -> Any:
    """Return the products of matrices, or None, with the last axes of an array."""
    xp, first = namespace(u), u.ndim - len(matrices)
    for k, matrix in enumerate(matrices):
        if matrix is not None:
            u = xp.moveaxis(xp.tensordot(u, matrix, axes=((first + k,), (1,))), -1, first + k)
    return u


def coarse(stencil: Any, P: Sequence[Any], R: Sequence[Any], periodic: Flags) -> Any:
    """Return the stencil of ``R A P`` on the coarse grid, by products with combs of points."""
    xp, d = namespace(stencil), len(periodic)
    fine = tuple(stencil.shape[1:])
    grid = tuple(n if M is None else int(M.shape[1]) for n, M in zip(fine, P, strict=True))
    made = xp.zeros((3**d, *grid), dtype=stencil.dtype, device=stencil.device)
    colours = [_colours(n, wraps) for n, wraps in zip(grid, periodic, strict=True)]
    for chosen in itertools.product(*(range(max(each) + 1) for each in colours)):
        comb = np.ones(())
        for each, colour in zip(colours, chosen, strict=True):
            comb = comb[..., None] * (each == colour)
        teeth = xp.asarray(comb, dtype=stencil.dtype, device=stencil.device)
        image = along_axes(R, applied(stencil, along_axes(P, teeth), periodic))
        for p, offset in enumerate(shifts(d)):
            # the entry of a point for its neighbour, where that is a tooth
            made[p, ...] = made[p, ...] + image * shifted(teeth, offset, periodic)
    return made


def _colours(n: int, wraps: bool) -> Any:
    """Return colours (n,) of points such that those of one are three or more apart."""
    places = np.arange(n)
    whole = n - n % 3 if wraps else n  # those left over at the seam have their own
    return np.where(places < whole, places % 3, 3 + places - whole)
