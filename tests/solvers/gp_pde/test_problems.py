"""The problems with known solutions: their sources belong to their solutions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.solvers.gp_pde.problems import PROBLEMS


def difference(f, mesh, axis, order, h):
    """Return a central difference of eighth order of a function of the coordinates."""
    weights = {
        1: (0.0, 4 / 5, -1 / 5, 4 / 105, -1 / 280),
        2: (-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560),
    }[order]
    total = weights[0] * f(*mesh)
    for k, w in enumerate(weights[1:], 1):
        ahead = [x + k * h * (j == axis) for j, x in enumerate(mesh)]
        behind = [x - k * h * (j == axis) for j, x in enumerate(mesh)]
        total = total + w * (f(*ahead) + (-1) ** order * f(*behind))
    return total / h**order


@pytest.mark.parametrize("name", PROBLEMS)
def test_sources_belong_to_solutions(name):
    problem = PROBLEMS[name]
    mesh = np.ix_(*(x[1:-1][:: max(1, len(x) // 12)] for x in problem.grid.axes))

    def numerical(orders):
        f = problem.u
        for axis, order in enumerate(orders):
            if order:
                f = (lambda g, a, k: lambda *x: difference(g, x, a, k, 2e-4))(f, axis, order)
        return f(*mesh)

    found = sum(
        (c(*mesh) if callable(c) else c) * numerical(orders) for orders, c in problem.terms.items()
    )
    if problem.nonlinearity is not None:
        found = found + problem.nonlinearity.value(
            *map(numerical, problem.nonlinearity.arguments(problem.ndim))
        )
    scale = np.max(np.abs(numerical(next(iter(problem.terms)))))
    assert np.max(np.abs(found - problem.rhs(*mesh))) < 1e-5 * scale


def test_errors_are_relative_to_the_solution():
    problem = PROBLEMS["P7"]
    axes = problem.test_axes(50)
    assert problem.error(1.1 * problem.exact(axes), axes) == pytest.approx(0.1)


def test_sides_hold_values_and_slopes():
    problem = PROBLEMS["Neumann side"]
    x, y = problem.grid.axes
    assert np.allclose(problem.side_values(0, -1), problem.u(x[-1], y))
    slope = -41 * np.sin(41 * x[-1]) * np.sin(37 * y)
    assert np.allclose(problem.side_values(0, -1, 1), slope)
