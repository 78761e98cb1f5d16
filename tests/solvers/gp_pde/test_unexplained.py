"""Noise that is not all there is: evidence finds what the source hides, or the misfit tells."""

from __future__ import annotations

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.bases import Chebyshev
from structlin.solvers.gp_pde import collocation, solve_linear_pde

LAPLACE = {(2, 0): 1.0, (0, 2): 1.0}


def hump(x, y):
    return 1e3 * np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.02)


@pytest.mark.parametrize(("n", "sd"), [(20, 1.0), pytest.param(40, 0.2, marks=pytest.mark.slow)])
def test_waves_that_the_source_hides_are_found(n, sd):
    x, terms = np.linspace(0.0, 1.0, n), LAPLACE | {(0, 0): 400.0}
    nodes = Chebyshev(0, 1).points(50)
    exact = collocation((nodes, nodes), terms, hump, 0.0).mean(x, x)
    noise = sd * np.random.default_rng(0).standard_normal((n, n))
    solution = solve_linear_pde((x, x), terms, hump(x[:, None], x) + noise, 0.0, noise=sd, rng=0)
    error = np.abs(solution.mean(x, x) - exact)
    assert np.linalg.norm(error) < 0.02 * np.linalg.norm(exact)
    assert np.mean(error <= 2 * solution.std(x, x) + 1e-12) > 0.85


@pytest.mark.parametrize("dimension", [1, 2])
def test_noise_that_is_understated_is_told(dimension):
    axes = (np.linspace(0.0, 1.0, 300 if dimension == 1 else 30),) * dimension
    terms = {(2,): 1.0} if dimension == 1 else LAPLACE
    shape = tuple(len(x) for x in axes)
    source = 100.0 + np.random.default_rng(1).standard_normal(shape)
    with pytest.warns(ConvergenceWarning, match="larger than its noise and the prior explain"):
        wrong = solve_linear_pde(axes, terms, source, 0.0, noise=0.1, rng=0)
    assert not wrong.converged
    assert wrong.report.unexplained > 3
    right = solve_linear_pde(axes, terms, source, 0.0, noise=1.0, rng=0)
    assert right.converged
    assert abs(right.report.unexplained) < 3


@pytest.mark.slow
def test_a_rectangle_of_many_unknowns_is_solved_by_the_normal_matrix():
    x, y = np.linspace(0.0, 1.0, 61), np.linspace(0.0, 1.0, 81)
    nodes = Chebyshev(0, 1).points(50)
    exact = collocation((nodes, nodes), LAPLACE, hump, 0.0).mean(x, y)
    solution = solve_linear_pde((x, y), LAPLACE, hump, 0.0, rng=0)
    assert solution.converged
    np.testing.assert_allclose(solution.mean(x, y), exact, atol=1e-5 * np.max(np.abs(exact)))
