"""Legendre–Galerkin: exact polynomials, every pair of sides, spectral accuracy, bad input."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.solvers.elliptic import LegendreGalerkin, LegendreModes, Poisson, Robin
from tests.solvers.elliptic.smooth import data_of, laplacian, smooth

EPS = 2.0**-52
CONDITIONS = ["dirichlet", "neumann", Robin(1.5)]
GRIDS = [Grid.legendre, Grid.chebyshev]


@pytest.mark.parametrize("make", GRIDS)
@pytest.mark.parametrize("pair", list(itertools.product(CONDITIONS, CONDITIONS)))
def test_every_pair_of_sides_with_data(make, pair):
    conditions = [pair, ("dirichlet", Robin(0.5))]
    grid = make([(-1, 1.5), (0, 2)], (20, 22))
    F = grid.evaluate(lambda x, y: 2.0 * smooth(x, y) - laplacian(x, y))
    u = LegendreGalerkin(grid, 2.0, conditions).solve(F, data_of(conditions))
    exact = grid.evaluate(smooth)
    assert np.max(np.abs(u - exact)) < 1e-12 * np.max(np.abs(exact))


@given(st.integers(3, 12), st.sampled_from(GRIDS), st.randoms(use_true_random=False))
def test_polynomials_are_solved_exactly(n, make, random):
    """(1 − x²) p(x) with p of degree n − 3 is in the space, whatever the box is."""
    rng = np.random.default_rng(random.getrandbits(32))
    low = rng.uniform(-5, 5)
    grid = make([(low, low + 10.0 ** rng.uniform(-3, 3))], n)
    p = np.polynomial.Polynomial(rng.standard_normal(n - 2))
    u = np.polynomial.Polynomial([1, 0, -1]) * p
    width = grid.box[0][1] - grid.box[0][0]
    t = 2 * (grid.axes[0] - grid.box[0][0]) / width - 1
    F = -u.deriv(2)(t) * (2 / width) ** 2
    tolerance = 1e4 * EPS * n**4 * np.max(np.abs(p.coef))
    np.testing.assert_allclose(LegendreGalerkin(grid).solve(F), u(t), rtol=0, atol=tolerance)


def wave(n, d, make=Grid.legendre):
    """Return a solution and its right-hand side: a wave times an exponential for every axis."""
    a = np.pi / 2
    u = lambda x: np.sin(a * (x + 1)) * np.exp(x)  # noqa: E731
    v = lambda x: np.exp(x) * ((1 - a * a) * np.sin(a * (x + 1)) + 2 * a * np.cos(a * (x + 1)))  # noqa: E731
    grid = make([(-1, 1)] * d, n)
    axes = grid.mesh()
    exact = np.prod(np.broadcast_arrays(*map(u, axes)), axis=0)
    F = -sum(
        np.prod(
            np.broadcast_arrays(*(v(x) if i == j else u(x) for i, x in enumerate(axes))), axis=0
        )
        for j in range(d)
    )
    return grid, F, exact


@pytest.mark.parametrize("make", GRIDS)
@pytest.mark.parametrize(("n", "d"), [(24, 1), (24, 2), (64, 2), (24, 3)])
def test_spectral_accuracy(n, d, make):
    grid, F, exact = wave(n, d, make)
    u = LegendreGalerkin(grid).solve(F)
    assert np.linalg.norm(u - exact) < 1e-14 * np.linalg.norm(exact)


def test_errors_fall_exponentially():
    errors = []
    for n in (6, 10, 14):
        grid, F, exact = wave(n, 2)
        errors.append(np.max(np.abs(LegendreGalerkin(grid).solve(F) - exact)))
    assert errors[1] < 1e-3 * errors[0]
    assert errors[2] < 1e-3 * errors[1]


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_array_libraries_and_precisions(library, dtype):
    reference = Grid.legendre([(0, 1), (0, 2)], (8, 9))
    grid = Grid.legendre([(0, 1), (0, 2)], (8, 9), like=library.asarray(np.empty(0)))
    rng = np.random.default_rng(0)
    F = rng.standard_normal((2, 3, 8, 9)).astype(dtype)
    if F.dtype.kind == "c":
        F = F + 1j * rng.standard_normal(F.shape).astype(F.real.dtype)
    u = LegendreGalerkin(grid, 1.0, "neumann").solve(library.asarray(F), [(1.0, None), (0.0, 2.0)])
    assert library.to_numpy(u).dtype == F.dtype
    expected = LegendreGalerkin(reference, 1.0, "neumann").solve(F, [(1.0, None), (0.0, 2.0)])
    eps = np.finfo(F.dtype).eps
    np.testing.assert_allclose(library.to_numpy(u), expected, rtol=0, atol=1e3 * eps)
    held = LegendreGalerkin(grid).solve(library.asarray(F), 2.0)
    alone = LegendreGalerkin(reference).solve(F[1, 2], 2.0)
    np.testing.assert_allclose(library.to_numpy(held)[1, 2], alone, rtol=0, atol=1e3 * eps)


@given(st.sampled_from(GRIDS), st.sampled_from(CONDITIONS), st.sampled_from(CONDITIONS))
def test_modes_are_orthonormal_eigenfunctions(make, low, high):
    modes = LegendreModes(make([(0, 3)], 20), [(low, high)])
    E = modes.from_modes(np.eye(modes.shape[0]))
    tolerance = 1e4 * EPS
    assert np.max(np.abs(modes.to_modes(E) - np.eye(len(E)))) < tolerance
    # −(3/2)⁻² times the second derivative of the polynomial through the values
    t = 2 * modes.grid.axes[0] / 3 - 1
    second = np.polynomial.Chebyshev.fit(t, E[2], 19).deriv(2)(t) * (2 / 3) ** 2
    assert np.max(np.abs(second + modes.eigenvalues[2] * E[2])) < 1e-6


def test_modes_scale_and_name():
    modes = LegendreModes(Grid.legendre([(0, 1), (0, 2)], 24), "neumann")
    expected = np.pi**2 * np.add.outer(np.arange(4) ** 2, np.arange(4) ** 2 / 4)
    np.testing.assert_allclose(modes.eigenvalues[:4, :4], expected, rtol=1e-12, atol=1e-12)
    assert "eigenfunction 3 of axis 1" in modes.names((0, 3))
    with pytest.raises(ValueError, match="last axes must be"):
        modes.from_modes(np.zeros((3, 3)))


def test_a_neumann_problem_has_the_solution_of_mean_zero():
    grid = Grid.legendre([(0, 1), (0, 1)], 24)
    solver = LegendreGalerkin(grid, bc="neumann")
    F = np.array(grid.evaluate(lambda x, y: np.cos(np.pi * x) + 0 * y))
    np.testing.assert_allclose(solver.solve(F), F / np.pi**2, atol=1e-13)
    # −Δu = 2 in balance with what leaves on the right: u = 1/3 − x²
    u = solver.solve(np.full((24, 24), 2.0), [(0.0, -2.0), None])
    np.testing.assert_allclose(u, grid.evaluate(lambda x, y: 1 / 3 - x * x + 0 * y), atol=1e-13)
    with pytest.raises(ValueError, match=r"∫ f \+ ∫ g\| of sample \[1\] is 0\.5"):
        solver.solve(np.stack([F, F + 0.5]))


def test_an_eigenvalue_is_named():
    grid = Grid.legendre([(0, 1), (0, 1)], 24)
    with pytest.raises(ValueError, match=r"mode \(0, 1\)|mode \(1, 0\)"):
        LegendreGalerkin(grid, -5 * np.pi**2)
    near = LegendreGalerkin(grid, -5 * np.pi**2 + 1.0)
    u = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(2 * np.pi * y))
    np.testing.assert_allclose(near.solve(u), u, atol=1e-12)


def test_sides_that_disagree_warn():
    solver = LegendreGalerkin(Grid.legendre([(0, 1), (0, 1)], 24))
    with pytest.warns(UserWarning, match="differ by 1 where sides meet"):
        u = solver.solve(np.zeros((24, 24)), [(0.0, 0.0), (0.0, 1.0)])
    assert np.min(u) > -0.2
    assert np.max(u) < 1.2


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_numbers_of_any_size(scale):
    grid, F, exact = wave(24, 2)
    u = LegendreGalerkin(grid).solve(scale * F) / scale
    assert np.linalg.norm(u - exact) < 1e-14 * np.linalg.norm(exact)


def test_bad_input():
    grid = Grid.legendre([(0, 1), (0, 1)], 4)
    solver = LegendreGalerkin(grid)
    F = np.zeros((3, 2, 4, 4))
    F[2, 1, 0, 3] = np.nan
    with pytest.raises(ValueError, match=r"sample \[2, 1\], at \[0, 3\]"):
        solver.solve(F)
    with pytest.raises(ValueError, match="its last axes must be"):
        solver.solve(np.zeros((4, 5)))
    with pytest.raises(ValueError, match="boundary has 1 entries but the grid has 2 axes"):
        solver.solve(np.zeros((4, 4)), [(0, 1)])
    with pytest.raises(ValueError, match=r"has shape \(3,\) but that side has \(4,\)"):
        solver.solve(np.zeros((4, 4)), [(np.zeros(3), 0), None])
    with pytest.raises(ValueError, match=r"NaN or Inf in \[1\]"):
        solver.solve(np.zeros((4, 4)), [(np.asarray([0, np.inf, 0, 0]), 0), None])
    with pytest.raises(ValueError, match="polynomials need the points"):
        LegendreGalerkin(Grid.uniform([(0, 1)], 5))
    for width in (1e-160, 1e160):
        with pytest.raises(ValueError, match="scale the box"):
            LegendreGalerkin(Grid.legendre([(0, width)], 5))
    with pytest.raises(ValueError, match="needs 3 or more"):
        LegendreGalerkin(Grid.legendre([(0, 1)], 2))
    with pytest.raises(ValueError, match="shift is nan"):
        LegendreGalerkin(grid, float("nan"))
    with pytest.raises(ValueError, match="overflows"):
        LegendreGalerkin(Grid.legendre([(0, 1e10)], 4)).solve(np.full(4, 1e300))


def test_no_samples():
    solver = LegendreGalerkin(Grid.legendre([(0, 1)], 5))
    assert solver.solve(np.zeros((0, 5)), 1.0).shape == (0, 5)
    assert "LegendreGalerkin on <Grid 5" in repr(solver)


def test_can_be_pickled():
    solver = LegendreGalerkin(Grid.legendre([(0, 1), (0, 2)], 5), bc=["dirichlet", "neumann"])
    copied = pickle.loads(pickle.dumps(solver))
    F = np.arange(25.0).reshape(5, 5)
    np.testing.assert_array_equal(copied.solve(F), solver.solve(F))


def test_small_coefficients_overflow():
    grid = Grid.legendre([(0, 1)], 5)
    with pytest.raises(ValueError, match="overflows float32"):
        Poisson(grid, coef=1e-60).solve(np.ones(5, dtype=np.float32))
