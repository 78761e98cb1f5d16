"""Interpolation of sampled functions of one variable by polynomials through nearby nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import device, namespace

# points in a block, which share a matrix
_block = 64


def interpolated(values: Any, nodes: Any, points: Any, order: int, period: float | None) -> Any:
    """Return the values at points, (m, R), of functions with the values (n, R) at nodes.

    Parameters
    ----------
    values : (n, R) array
        A column for every function.
    nodes, points : (n,) and (m,) NumPy arrays
        Ascending nodes; the points may lie somewhat beyond them.
    order : int
        How many nodes a polynomial goes through, at most ``n``.
    period : float or None
        That of the functions, if they have one.

    Notes
    -----
    For nodes at distances ``h`` the error is ``O(h^order)``. Points that are neighbours share a
    small matrix: ``O(R (m order + n))`` operations for as many points as nodes.
    """
    xp, n = namespace(values), len(nodes)
    real, where = xp.finfo(values.dtype).dtype, device(values)
    ascending = np.argsort(points, kind="stable")
    parts = []
    for start in range(0, len(points), _block):
        x = points[ascending[start : start + _block]]
        first = np.searchsorted(nodes, x) - order // 2
        if period is None:
            first = np.clip(first, 0, n - order)
        near = first[:, None] + np.arange(order)
        touched = np.arange(first[0], first[-1] + order)
        matrix = np.zeros((len(x), len(touched)))
        known = nodes[near % n] + (period or 0.0) * (near // n)
        np.put_along_axis(matrix, near - first[0], _lagrange(known, x), axis=1)
        rows = xp.take(values, xp.asarray(touched % n, device=where), axis=0)
        matrix = xp.astype(xp.asarray(matrix, device=where), real, copy=False)
        parts.append(xp.matmul(xp.astype(matrix, values.dtype, copy=False), rows))
    if not parts:
        return values[:0, :]
    return xp.take(xp.concat(parts), xp.asarray(np.argsort(ascending), device=where), axis=0)


def _lagrange(nodes: Any, x: Any) -> Any:
    """Return the polynomials that are 1 at one node (m, q) of a row and 0 at the others, at x."""
    out = np.ones_like(nodes)
    for k in range(nodes.shape[1]):
        gaps = nodes - nodes[:, k, None]
        gaps[:, k] = 1.0
        steps = np.repeat(x[:, None] - nodes[:, k, None], nodes.shape[1], axis=1)
        steps[:, k] = 1.0
        out *= steps / gaps
    return out
