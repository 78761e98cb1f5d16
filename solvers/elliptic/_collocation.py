"""Derivatives along one axis of a grid, with the conditions at its ends solved for the ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.bases import Grid, barycentric
from structlin.solvers.elliptic.boundary import Robin


@dataclass(frozen=True)
class CollocatedAxis:
    """The equation of an axis with ``n`` nodes, ``m`` of which are unknowns.

    Attributes
    ----------
    matrix : (m, m) array
        Of the unknowns.
    lift : (m, 2) array
        What the data at the two ends add to it.
    extend : (n, m) array
        From the unknowns to all nodes.
    hold : (n, 2) array
        From the data at the two ends to all nodes.
    inside : slice
        Where the unknowns stand among the nodes.
    held : bool
        Whether the ends are nodes.
    """

    matrix: Any
    lift: Any
    extend: Any
    hold: Any
    inside: slice
    held: bool


def collocated_axis(grid: Grid, axis: int, sides: Any, a: Any, b: Any) -> CollocatedAxis:
    """Return ``−a u″ + b u′`` along an axis, by coefficients at its nodes."""
    kind, x = grid.kinds[axis], on_host(grid.axes[axis])
    n = len(x)
    if kind == "legendre":
        raise ValueError(
            f"axis {axis} of the grid is of kind 'legendre': convection needs nodes, cells or "
            "Chebyshev points, as Grid.chebyshev makes them"
        )
    if n < 3:
        raise ValueError(f"axis {axis} has {n} nodes: convection and diffusion need 3 or more")
    if kind == "periodic":
        period = grid.box[axis][1] - grid.box[axis][0]
        around = np.concatenate([[x[-1] - period], x, [x[0] + period]])
        first, second = _three_points(around)
        wrapped = [np.array(D[:, 1:-1]) for D in (first, second)]
        for D, wide in zip(wrapped, (first, second), strict=True):
            D[:, -1] += wide[:, 0]
            D[:, 0] += wide[:, -1]
        matrix = b[:, None] * wrapped[0] - a[:, None] * wrapped[1]
        none = np.zeros((n, 2))
        return CollocatedAxis(matrix, none, np.eye(n), none, slice(None), held=False)
    if kind == "cell":
        # a node beyond each end, as far from it as the first inside
        low, high = grid.box[axis]
        points = np.concatenate([[2 * low - x[0]], x, [2 * high - x[-1]]])
        first, second = _three_points(points)
        value, slope = np.zeros((2, n + 2)), np.zeros((2, n + 2))
        value[0, :2] = value[1, -2:] = 0.5
        slope[0, :2] = np.asarray([1.0, -1.0]) / (points[1] - points[0])
        slope[1, -2:] = np.asarray([-1.0, 1.0]) / (points[-1] - points[-2])
        held, inside = False, slice(None)
    else:
        if kind == "chebyshev":
            D = barycentric.differentiation(x, barycentric.weights(x), 1)[1]
            first, second = D[1:-1], (D @ D)[1:-1]
            ends = D[[0, -1]]
        else:
            first, second = _three_points(x)
            ends = np.zeros((2, n))
            ends[0, :3], ends[1, -3:] = _one_sided(x[:3]), _one_sided(x[-3:][::-1])[::-1]
        value = np.zeros((2, n))
        value[0, 0] = value[1, -1] = 1
        slope = ends * np.asarray([[-1.0], [1.0]])
        a, b = a[1:-1], b[1:-1]
        held, inside = True, slice(1, -1)
    conditions = np.stack(
        [
            value[end] if side == "dirichlet" else slope[end] + _coefficient(side) * value[end]
            for end, side in enumerate(sides)
        ]
    )
    operator = b[:, None] * first - a[:, None] * second
    outer = [0, -1]
    solved = np.linalg.inv(conditions[:, outer])
    back = -solved @ conditions[:, 1:-1]
    lift = operator[:, outer] @ solved
    matrix = operator[:, 1:-1] + operator[:, outer] @ back
    m = len(matrix)
    if held:
        extend = np.concatenate([back[:1], np.eye(m), back[1:]])
        hold = np.concatenate([solved[:1], np.zeros((m, 2)), solved[1:]])
    else:
        extend, hold = np.eye(m), np.zeros((m, 2))
    return CollocatedAxis(matrix, lift, extend, hold, inside, held)


def _coefficient(side: Any) -> float:
    return side.coefficient if isinstance(side, Robin) else 0.0


def _three_points(x: Any) -> tuple[Any, Any]:
    """Return the first and second derivatives at all nodes but the ends, by three neighbours."""
    n, i = len(x), np.arange(len(x) - 2)
    left, right = x[1:-1] - x[:-2], x[2:] - x[1:-1]
    both = left + right
    first, second = np.zeros((n - 2, n)), np.zeros((n - 2, n))
    first[i, i] = -right / (left * both)
    first[i, i + 1] = (right - left) / (left * right)
    first[i, i + 2] = left / (right * both)
    second[i, i] = 2 / (left * both)
    second[i, i + 1] = -2 / (left * right)
    second[i, i + 2] = 2 / (right * both)
    return first, second


def _one_sided(x: Any) -> Any:
    """Return the weights of the derivative at the first of three nodes."""
    near, far = x[1] - x[0], x[2] - x[0]
    return np.asarray(
        [-(near + far) / (near * far), far / (near * (far - near)), -near / (far * (far - near))]
    )
