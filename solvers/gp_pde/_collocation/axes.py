"""The matrices of one axis of a collocation method: derivatives, and boundary data taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import on_host
from structlin.bases import barycentric
from structlin.solvers.gp_pde._data.boundary import Side
from structlin.solvers.gp_pde._data.problem import Problem

Matrix = NDArray[np.float64]

# what polynomial interpolation may do to rounding errors; chosen: four digits are left
worst_amplification = 1e12


@dataclass(frozen=True, eq=False)
class CollocationAxis:
    """One axis, on the host and in double precision.

    Attributes
    ----------
    weights : (n,) array
        Barycentric.
    lebesgue : float
        The Lebesgue constant of the nodes.
    derivatives : list of (n, n) array
        Differentiation matrices by order.
    conditions : (r, n) array
        The rows of the boundary conditions.
    inner : (n - r,) array of int
        The nodes at which the equation is asked for.
    extension : (n, n - r) array
        From inner values to all values, with boundary data zero.
    lifting : (n, r) array
        From boundary data to all values, with inner values zero.
    """

    weights: Matrix
    lebesgue: float
    derivatives: list[Matrix]
    conditions: Matrix
    inner: NDArray[np.int64]
    extension: Matrix
    lifting: Matrix

    def reduced(self, A: Matrix) -> Matrix:
        """Return what an operator on the axis does to inner values, at the inner nodes."""
        made: Matrix = A[self.inner] @ self.extension
        return made


def axes_of(problem: Problem) -> list[CollocationAxis]:
    """Return the matrices of every axis of a problem.

    Raises
    ------
    ValueError
        If polynomial interpolation at the nodes is unstable.
    """
    return [_axis(problem, axis) for axis in range(problem.grid.ndim)]


def _axis(problem: Problem, axis: int) -> CollocationAxis:
    x = on_host(problem.grid.axes[axis])
    w = barycentric.weights(x)
    constant = barycentric.lebesgue(x, w)
    if not constant <= worst_amplification:
        raise ValueError(
            f"a polynomial through the {len(x)} nodes of axis {axis} amplifies errors by "
            f"{constant:.1g}: collocation needs nodes that cluster at the ends, such as "
            "Chebyshev(low, high).points(n); solve_linear_pde takes nodes as they are"
        )
    sides = [side for side in problem.sides if side.axis == axis]
    top = max(term.orders[axis] for term in problem.terms)
    periodic = axis in problem.periodic
    highest = max([top, *(side.order for side in sides), max(top - 1, 0) if periodic else 0])
    derivatives = barycentric.differentiation(x, w, highest)
    rows, outer = _conditions(sides, derivatives, max(top, 1) if periodic else 0)
    if len(x) <= len(outer):
        raise ValueError(
            f"axis {axis} has {len(x)} nodes and {len(outer)} boundary conditions: the equation "
            "needs a node of its own"
        )
    inner = np.setdiff1d(np.arange(len(x)), outer)
    extension, lifting = np.zeros((len(x), len(inner))), np.zeros((len(x), len(outer)))
    extension[inner, np.arange(len(inner))] = 1.0
    if outer:
        at_outer = np.linalg.inv(rows[:, outer])
        extension[outer] = -at_outer @ rows[:, inner]
        lifting[outer] = at_outer
    return CollocationAxis(w, constant, derivatives, rows, inner, extension, lifting)


def _conditions(
    sides: Sequence[Side], derivatives: Sequence[Matrix], periods: int
) -> tuple[Matrix, list[int]]:
    """Return the rows of the conditions, and the nodes whose values they give."""
    n = len(derivatives[0])
    if periods:
        rows = [derivatives[order][0] - derivatives[order][-1] for order in range(periods)]
        nodes = [0, n - 1, 1, n - 2][:periods]
        return np.array(rows), nodes
    rows = [derivatives[side.order][side.side] for side in sides]
    return np.array(rows).reshape(len(rows), n), [0 if s.side == 0 else n - 1 for s in sides]


def data_of(problem: Problem, axis: int) -> Any:
    """Return the data of the conditions of an axis, one after the other along it."""
    grid, xp = problem.grid, problem.grid.xp
    if axis in problem.periodic:
        top = max(max(term.orders[axis] for term in problem.terms), 1)
        shape = tuple(top if k == axis else n for k, n in enumerate(grid.shape))
        return xp.zeros(shape, dtype=xp.float64, device=grid.device)
    values = [side.values for side in problem.sides if side.axis == axis]
    return xp.astype(xp.concat(values, axis=axis), xp.float64) if values else None
