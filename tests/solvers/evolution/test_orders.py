"""Orders of convergence, with errors against exact solutions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from structlin.solvers.evolution import (
    FourierSpace,
    SpectralEquation,
    allen_cahn,
    burgers,
    evolve,
    navier_stokes,
)
from tests.solvers.evolution.exact import burgers_sine, logistic
from tests.solvers.evolution.grids import periodic

orders = {"etdrk4": 4.0, "cnab2": 2.0, "sbdf2": 2.0}


def observed(errors: list[float]) -> np.ndarray:
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


@pytest.mark.parametrize("method", orders)
def test_burgers_has_the_order_of_the_method(method):
    grid = periodic(128, 1.0)
    u0 = np.sin(2 * np.pi * grid.axes[0])
    exact = burgers_sine(grid.axes[0], 0.05, 0.3)
    steps = np.array([20, 40, 80]) if method == "etdrk4" else np.array([320, 640, 1280])
    errors = [
        float(
            np.max(
                np.abs(evolve(burgers(grid, 0.05), u0, 0.3, dt=0.3 / m, method=method).u - exact)
            )
        )
        for m in steps
    ]
    np.testing.assert_allclose(observed(errors), orders[method], atol=0.2)


@pytest.mark.parametrize("method", orders)
def test_a_reaction_has_the_order_of_the_method(method):
    grid = periodic((4, 4))
    u0 = np.array([0.1, 0.6, -0.4])[:, None, None] * np.ones(grid.shape)
    errors = [
        float(
            np.max(
                np.abs(
                    evolve(allen_cahn(grid, 0.1), u0, 2.0, dt=2 / m, method=method).u
                    - logistic(u0, 2.0)
                )
            )
        )
        for m in (32, 64, 128)
    ]
    np.testing.assert_allclose(observed(errors), orders[method], atol=0.2)


@pytest.mark.parametrize("method", orders)
def test_a_source_that_changes_with_time_has_the_order_of_the_method(method):
    grid = periodic(8)
    space = FourierSpace(grid)
    wave = space.to_modes(np.cos(grid.axes[0]))
    # u = e^(-t) + sin(3t) cos x
    equation = SpectralEquation(
        space,
        lambda k: -(k**2) - (k == 0),
        lambda c, t: (3 * np.cos(3 * t) + np.sin(3 * t)) * wave + 0 * c,
    )
    errors = []
    for m in (16, 32, 64):
        u = evolve(equation, np.ones(8), 1.0, dt=1 / m, method=method).u
        errors.append(np.max(np.abs(u - np.exp(-1) - np.sin(3) * np.cos(grid.axes[0]))))
    assert observed(errors)[-1] > orders[method] - 0.2


@pytest.mark.filterwarnings("ignore:the highest modes")
def test_navier_stokes_has_order_four():
    grid = periodic((24, 24))
    u0 = grid.evaluate(lambda x, y: np.cos(x + 2 * y) + 2 * np.sin(x) * np.cos(y))
    equation = navier_stokes(grid, 0.1)
    runs = [evolve(equation, u0, 0.8, dt=0.8 / m).u for m in (8, 16, 32, 64)]
    differences = [float(np.max(np.abs(a - b))) for a, b in itertools.pairwise(runs)]
    np.testing.assert_allclose(observed(differences), 4.0, atol=0.2)


@pytest.mark.parametrize("method", orders)
def test_a_nonlinear_part_may_return_what_it_was_given(method):
    equation = SpectralEquation(FourierSpace(periodic(8)), -2.0, lambda c, t: c)
    run = evolve(equation, np.ones(8), 1.0, dt=1 / 256, method=method)
    np.testing.assert_allclose(run.u, np.exp(-1), rtol=1e-4)
