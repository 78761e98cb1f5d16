"""Barycentric interpolation and differentiation of polynomials at any nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin.bases.chebyshev import Chebyshev

Vector = NDArray[np.float64]


def weights(x: Vector) -> Vector:
    """Return the barycentric weights ``1 / Π (x_j − x_k)`` of nodes, the largest one ±1.

    They may overflow where nodes are far from those of stable interpolation: see `lebesgue`.
    """
    n = len(x)
    if n < 2:
        return np.ones(n)
    if _is_chebyshev(x):
        alternating = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
        alternating[[0, -1]] /= 2
        return alternating
    gaps = (x[:, None] - x[None, :]) * (4 / (x[-1] - x[0]))  # the capacity of an interval
    np.fill_diagonal(gaps, 1.0)
    logs = -np.sum(np.log(np.abs(gaps)), axis=1)
    signs = np.prod(np.sign(gaps), axis=1)
    rough = np.exp(logs - np.max(logs))
    if np.min(rough) < 1e-100:
        return np.asarray(signs * rough, dtype=np.float64)
    w = 1 / np.prod(gaps, axis=1)  # accurate where nothing overflows
    made: Vector = w / np.max(np.abs(w))
    return made


def _is_chebyshev(x: Vector) -> bool:
    low, high = float(x[0]), float(x[-1])
    slack = 8 * np.finfo(np.float64).eps * max(abs(low), abs(high))
    return bool(np.max(np.abs(x - Chebyshev(low, high).points(len(x)))) <= slack)


def lebesgue(x: Vector, w: Vector) -> float:
    """Return the Lebesgue constant of nodes, looked for halfway between neighbours."""
    if len(x) < 2:
        return 1.0
    quotients = w[None, :] / ((x[1:] + x[:-1])[:, None] / 2 - x[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.sum(np.abs(quotients), axis=1) / np.abs(np.sum(quotients, axis=1))
    return float(np.max(np.where(np.isnan(sizes), np.inf, sizes)))


def differentiation(x: Vector, w: Vector, top: int) -> list[Vector]:
    """Return the (n, n) matrices of the derivatives of the orders 0 to ``top`` at the nodes.

    Notes
    -----
    ``D⁽ᵖ⁾_ij = p ((w_j/w_i) D⁽ᵖ⁻¹⁾_ii − D⁽ᵖ⁻¹⁾_ij) / (x_i − x_j)`` for ``i ≠ j``, and rows that sum
    to zero, which is more accurate than the formula for their diagonal.

    References
    ----------
    .. [1] J.-P. Berrut, L. N. Trefethen, "Barycentric Lagrange interpolation", SIAM Review 46,
       2004.
    """
    n = len(x)
    made = [np.eye(n)]
    gaps = x[:, None] - x[None, :]
    np.fill_diagonal(gaps, 1.0)
    ratios = w[None, :] / w[:, None]
    for p in range(1, top + 1):
        D = p * (ratios * np.diagonal(made[-1])[:, None] - made[-1]) / gaps
        np.fill_diagonal(D, 0.0)
        np.fill_diagonal(D, -np.sum(D, axis=1))
        made.append(D)
    return made


def interpolation(points: Any, nodes: Any, w: Any) -> Any:
    """Return the (m, n) matrix from values at nodes to values of the polynomial at points."""
    xp = namespace(points, nodes)
    gaps = points[:, None] - nodes[None, :]
    hit = gaps == 0
    quotients = w[None, :] / xp.where(hit, xp.ones_like(gaps), gaps)
    on_node = xp.any(hit, axis=1, keepdims=True)
    quotients = xp.where(on_node, xp.astype(hit, gaps.dtype), quotients)
    return quotients / xp.sum(quotients, axis=1, keepdims=True)
