"""Equations without a nonlinear part: all steps at once, for every kind of side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.solvers.elliptic import Poisson, Robin
from structlin.solvers.evolution import (
    EigenSpace,
    FourierSpace,
    SpectralEquation,
    advection,
    evolve,
    heat_equation,
)
from tests.solvers.evolution.grids import periodic, smooth

sides = {
    "dirichlet": ("node", "dirichlet"),
    "neumann": ("cell", "neumann"),
    "robin": ("node", Robin(2.0)),
    "mixed": ("cell", ("neumann", "dirichlet")),
    "periodic": ("periodic", "periodic"),
}


def grid_of(kinds: list[str], n: int = 9) -> Grid:
    return Grid.uniform([(0, 1)] * len(kinds), n, kind=[sides[k][0] for k in kinds])


def bc_of(kinds: list[str]) -> list:
    return [sides[k][1] for k in kinds]


def stepped(equation: SpectralEquation) -> SpectralEquation:
    """Return the same equation with a nonlinear part, zero, that makes it go step by step."""
    return SpectralEquation(
        equation.space,
        equation.linear,
        lambda c, t: 0 * c,
        forcing=equation.forcing,
        name="stepped",
    )


@pytest.mark.filterwarnings("ignore:steps of .* by cnab2 have not damped")
@pytest.mark.parametrize("method", ["etdrk4", "cnab2", "sbdf2"])
@given(
    kinds=st.lists(st.sampled_from(sorted(sides)), min_size=1, max_size=2),
    steps=st.integers(1, 100),
    source=st.booleans(),
)
def test_all_steps_at_once_are_those_one_after_the_other(method, kinds, steps, source):
    grid = grid_of(kinds)
    rng = np.random.default_rng(0)
    u0 = rng.standard_normal((2, *grid.shape))
    f = rng.standard_normal(grid.shape) if source else None
    equation = heat_equation(grid, 0.3, bc=bc_of(kinds), source=f)
    times = [0.02, 0.04, 0.1]
    settings = {"dt": 0.02 / steps, "method": method}
    once = evolve(equation, u0, times, **settings)
    slow = evolve(stepped(equation), u0, times, **settings)
    if method != "etdrk4":
        assert once.steps == slow.steps == 5 * steps
    np.testing.assert_allclose(once.u, slow.u, atol=1e-12 * np.max(np.abs(slow.u)), rtol=0)


@pytest.mark.parametrize("kinds", [["robin"], ["mixed", "dirichlet"], ["periodic", "neumann"]])
def test_exponentials_are_exact(kinds):
    grid = grid_of(kinds, 7)
    space = EigenSpace(grid, bc_of(kinds))
    u0 = np.random.default_rng(1).standard_normal(grid.shape)
    # the generator as a dense matrix, and its exponential by a series of squares
    n = grid.size
    eye = np.eye(n).reshape(n, *grid.shape)
    A = space.from_modes(-0.2 * space.eigenvalues * space.to_modes(eye)).reshape(n, n).T
    P = space.from_modes(space.to_modes(eye)).reshape(n, n).T  # without what sides fix
    step = P + A * (0.3 / 2**20)
    for _ in range(20):
        step = step @ step
    run = evolve(heat_equation(grid, 0.2, bc=bc_of(kinds)), u0, 0.3)
    assert run.steps == 1
    np.testing.assert_allclose(run.u.ravel(), step @ u0.ravel(), atol=2e-4)


def test_crank_nicolson_and_bdf2_multiply_modes_by_their_own_factors():
    grid = Grid.uniform([(0, np.pi)], 17)
    lam = 4 / (np.pi / 16) ** 2 * math.sin(np.pi / 32) ** 2
    u0, h, m = np.sin(grid.axes[0]), 0.1, 7
    z = h * lam
    factor = ((1 - z / 2) / (1 + z / 2)) ** m
    run = evolve(heat_equation(grid), u0, h * m, dt=h, method="cnab2")
    np.testing.assert_allclose(run.u, factor * u0, atol=1e-14)
    before, now = 1.0, 1 / (1 + z)
    for _ in range(m - 1):
        before, now = now, (2 * now - before / 2) / (1.5 + z)
    run = evolve(heat_equation(grid), u0, h * m, dt=h, method="sbdf2")
    np.testing.assert_allclose(run.u, now * u0, atol=1e-14)


@pytest.mark.parametrize("method", ["etdrk4", "cnab2", "sbdf2"])
@pytest.mark.parametrize("kinds", [["dirichlet", "robin"], ["mixed"], ["robin", "periodic"]])
def test_heat_tends_to_the_solution_of_poisson(method, kinds):
    grid, bc = grid_of(kinds, 12), bc_of(kinds)
    f = np.random.default_rng(2).standard_normal(grid.shape)

    def data(*x):
        return 1 + sum(x)

    equation = heat_equation(grid, 2.0, bc=bc, source=f, boundary=data)
    run = evolve(equation, 0 * f, [10.0, 60.0], dt=0.02, method=method)
    steady = Poisson(grid, bc=bc, coef=2.0).solve(f, boundary=data)
    if "robin" in kinds or "mixed" in kinds:
        # the flux given to the solver is that of u, not of 2 u
        scaled = Poisson(grid, bc=bc).solve(f / 2, boundary=data)
        np.testing.assert_allclose(steady, scaled, atol=1e-9)
    np.testing.assert_allclose(run.u[1], steady, atol=1e-9)


@given(steps=st.integers(-20, 20), velocity=st.sampled_from([1.0, -2.0]))
def test_advection_moves_samples_by_whole_cells(steps, velocity):
    grid = periodic((9, 8), 1.0)
    u0 = np.random.default_rng(3).standard_normal((2, *grid.shape))
    t = abs(steps) / 72
    run = evolve(advection(grid, [velocity * 8, velocity * 9]), u0, t)
    shift = int(abs(steps) * velocity)
    np.testing.assert_allclose(run.u, np.roll(u0, (shift, shift), (1, 2)), atol=1e-12)


def test_heat_on_periodic_grids_is_exact_for_waves():
    grid = periodic((8, 8))
    u0 = grid.evaluate(lambda x, y: np.cos(2 * x + y))
    run = evolve(heat_equation(grid, 0.1), u0, [0.0, 1.0, 2.0])
    decay = np.exp(-0.5 * run.times)[:, None, None]
    np.testing.assert_allclose(run.u, decay * u0, atol=1e-14)


def test_schroedinger_keeps_the_norm():
    grid = periodic(32)
    space = FourierSpace(grid, real=False, dealias=False)
    u0 = np.exp(-4 * (grid.axes[0] - 3) ** 2) * np.exp(2j * grid.axes[0])
    run = evolve(SpectralEquation(space, lambda k: -0.5j * k**2), u0, [1.0, 5.0])
    assert run.u.dtype == np.complex128
    np.testing.assert_allclose(np.linalg.norm(run.u, axis=-1), np.linalg.norm(u0), rtol=1e-13)


def test_dirichlet_data_stand_at_the_nodes():
    grid = Grid.uniform([(0, 1)], 11)
    run = evolve(heat_equation(grid, boundary=[(1.0, 3.0)]), np.zeros(11), [0.1, 50.0])
    np.testing.assert_allclose(run.u[:, [0, -1]], [[1, 3], [1, 3]])
    np.testing.assert_allclose(run.u[1], 1 + 2 * grid.axes[0], atol=1e-12)


def test_smooth_functions_lose_nothing_on_the_way_to_modes():
    grid = periodic((16, 15, 14))
    u = smooth(grid, np.random.default_rng(4), 3)
    for space in (FourierSpace(grid), FourierSpace(grid, real=False)):
        back = space.from_modes(space.to_modes(space.suited(u, "u")))
        np.testing.assert_allclose(back, u, atol=1e-14)
