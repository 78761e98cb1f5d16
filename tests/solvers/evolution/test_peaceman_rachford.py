"""Alternating directions against the matrices they stand for, and against other solvers."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.solvers.elliptic import Poisson, Robin
from structlin.solvers.evolution import EigenSpace, PeacemanRachford

sides = {
    "dirichlet": ("node", "dirichlet"),
    "neumann": ("node", "neumann"),
    "robin": ("cell", Robin(1.0)),
    "mixed": ("cell", ("dirichlet", "neumann")),
    "periodic": ("periodic", "periodic"),
}


def problem(kinds, shape, like=None):
    grid = Grid.uniform([(0, 1), (0, 1.3)], shape, kind=[sides[k][0] for k in kinds], like=like)
    return grid, [sides[k][1] for k in kinds]


def by_modes(grid, bc, a, h, steps, u0):
    """Return what the factors of both axes make of the eigenvectors."""
    space = EigenSpace(grid, bc)
    z = [h / 2 * a * values for values in space.modes.axis_eigenvalues]
    symbol = np.multiply.outer(*((1 - half) / (1 + half) for half in z)) ** steps
    return space.from_modes(space.multiplier(symbol)(space.to_modes(u0)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize(
    "kinds", [("dirichlet", "robin"), ("neumann", "periodic"), ("periodic", "mixed")]
)
def test_steps_multiply_modes_by_the_factors_of_both_axes(library, kinds, dtype):
    grid, bc = problem(kinds, (8, 7), like=library.asarray(np.empty(0)))
    rng = np.random.default_rng(0)
    u0 = rng.standard_normal((2, *grid.shape)) + (1j if "complex" in dtype else 0)
    expected = by_modes(grid, bc, 0.7, 0.02, 4, library.asarray(u0))
    u = PeacemanRachford(grid, 0.02, diffusivity=0.7, bc=bc).run(library.asarray(u0, dtype), 4)
    assert u.dtype == library.dtype(dtype)
    tolerance = 2e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(
        library.to_numpy(u), library.to_numpy(expected), atol=tolerance, rtol=0
    )


@pytest.mark.parametrize("shape", [(1, 4), (2, 1), (2, 2), (3, 2)])
def test_short_closed_lines(shape):
    grid, bc = problem(("periodic", "periodic"), shape)
    u0 = np.random.default_rng(2).standard_normal(shape)
    u = PeacemanRachford(grid, 0.01, bc=bc).run(u0, 5)
    np.testing.assert_allclose(u, by_modes(grid, bc, 1.0, 0.01, 5, u0), atol=1e-12)


@pytest.mark.parametrize(
    "kinds", [("dirichlet", "robin"), ("mixed", "neumann"), ("periodic", "dirichlet")]
)
def test_the_steady_state_is_that_of_poisson(kinds):
    grid, bc = problem(kinds, (12, 10))
    rng = np.random.default_rng(1)
    a = np.exp(rng.standard_normal(grid.shape))
    f = rng.standard_normal((2, *grid.shape))

    def data(x, y):
        return 1 + x + 2 * y

    boundary = [None if kind == "periodic" else (data, data) for kind in kinds]
    steps = PeacemanRachford(grid, 0.1, diffusivity=a, bc=bc, boundary=boundary)
    u = steps.run(np.zeros_like(f), 600, f)
    exact = Poisson(grid, bc=bc, coef=a, rtol=1e-12).solve(f, boundary=boundary)
    np.testing.assert_allclose(u, exact, atol=1e-7)


def test_order_two_with_a_source_that_changes():
    grid, bc = problem(("neumann", "neumann"), (9, 9))
    wave = grid.evaluate(lambda x, y: np.cos(np.pi * x) * np.cos(np.pi * y / 1.3))
    lam = sum(values[1] for values in EigenSpace(grid, bc).modes.axis_eigenvalues)
    errors = []
    for m in (20, 40, 80):
        u = PeacemanRachford(grid, 1 / m, bc=bc).run(
            0 * wave, m, lambda t: (3 * np.cos(3 * t) + lam * np.sin(3 * t)) * wave
        )
        errors.append(np.max(np.abs(u - np.sin(3.0) * wave)))
    assert np.log2(errors[1] / errors[2]) > 1.8


def test_no_unknown_and_no_sample():
    grid = Grid.uniform([(0, 1)] * 2, 2)
    u = PeacemanRachford(grid, 0.1, boundary=3.0).run(np.zeros((2, 2)), 4)
    np.testing.assert_array_equal(u, np.full((2, 2), 3.0))
    grid = Grid.uniform([(0, 1)] * 2, 5)
    assert PeacemanRachford(grid, 0.1).run(np.zeros((0, 5, 5)), 4).shape == (0, 5, 5)


def test_what_makes_no_sense_is_refused():
    grid, bc = problem(("dirichlet", "dirichlet"), (4, 4))
    with pytest.raises(ValueError, match="2 axes"):
        PeacemanRachford(Grid.uniform([(0, 1)], 4), 0.1)
    with pytest.raises(ValueError, match="dt"):
        PeacemanRachford(grid, 0.0)
    with pytest.raises(ValueError, match="diffusivity reaches -1"):
        PeacemanRachford(grid, 0.1, diffusivity=-1.0)
    steps = PeacemanRachford(grid, 0.1, bc=bc)
    with pytest.raises(ValueError, match="steps is -1"):
        steps.run(np.ones((4, 4)), -1)
    with pytest.raises(ValueError, match="source has shape"):
        steps.run(np.ones((4, 4)), 1, np.ones(4))
    with pytest.raises(ValueError, match=r"NaN or Inf in sample \[1\]"):
        steps.run(np.array([np.ones((4, 4)), np.full((4, 4), np.nan)]), 1)


def test_sources_must_fit_the_states():
    grid = Grid.uniform([(0, 1)] * 2, 5)
    method, u = PeacemanRachford(grid, 0.1), np.ones((3, 5, 5))
    for wrong, batch in ((u[:2], u), (u, u[0])):
        with pytest.raises(ValueError, match="source has samples of shape"):
            method.run(batch, 1, source=wrong)
    for wrong in (1j * u, lambda t: 1j * u):
        with pytest.raises(TypeError, match="source is complex but u0 is real"):
            method.run(u, 1, source=wrong)
    with pytest.raises(TypeError, match="boundary is complex but u0 is real"):
        PeacemanRachford(grid, 0.1, boundary=1j).run(u, 1)
    one, each = (method.run(u, 2, source=f) for f in (u[0], u))
    np.testing.assert_allclose(one, each)
