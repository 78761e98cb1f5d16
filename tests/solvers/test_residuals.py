"""Norms of residuals, and refinement: equalities, monotone residuals, samples, libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.matrices import Dense
from structlin.solvers import refine, residual_norm
from structlin.solvers.elliptic import LegendreGalerkin, Poisson


def operator(solver):
    """Return the operator that a solver inverts."""
    return lambda u: -solver.residual(u, 0 * u)


@pytest.mark.parametrize("kind", ["node", "periodic"])
def test_the_residual_in_the_dual_norm_is_the_error_in_the_energy(kind):
    """−u″ = f: ‖f + v″‖₋₁ = ‖(u − v)′‖, by sums of differences."""
    n, h = 64, 1 / 64
    grid = Grid.uniform([(0, 1)], n + (kind == "node"), kind=kind)
    solver = Poisson(grid, shift=0.0 if kind == "node" else 1e-3)
    rng = np.random.default_rng(0)
    error = rng.standard_normal((3, *grid.shape))
    if kind == "node":
        error[:, [0, -1]] = 0
        energy = np.sum(np.diff(error) ** 2, axis=1) / h
    else:
        error -= np.mean(error, axis=1, keepdims=True)
        energy = np.sum((np.roll(error, -1, axis=1) - error) ** 2, axis=1) / h
    plain = operator(Poisson(grid)) if kind == "node" else lambda u: operator(solver)(u) - 1e-3 * u
    norms = residual_norm(plain, error, np.zeros_like(error), grid=grid)
    np.testing.assert_allclose(norms, np.sqrt(energy), rtol=1e-9)
    square = residual_norm(plain, error, np.zeros_like(error), grid=grid, space="L2")
    expected = np.sqrt(h * np.sum(plain(error) ** 2, axis=1))
    np.testing.assert_allclose(square, expected, rtol=1e-9)


def test_the_same_on_gauss_points():
    """The error sin(πx) has the energy π²/2 and the square π⁴/2 of its residual."""
    grid = Grid.legendre([(0, 1)], 24)
    x = grid.axes[0]
    image = lambda u: np.pi**2 * u  # noqa: E731
    u = 0.1 * np.sin(np.pi * x)
    assert residual_norm(image, u, 0 * u, grid=grid) == pytest.approx(0.1 * np.pi / 2**0.5)
    square = residual_norm(image, u, 0 * u, grid=grid, space="L2")
    assert square == pytest.approx(0.1 * np.pi**2 / 2**0.5)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_numbers_of_any_size(scale):
    grid = Grid.uniform([(0, 1), (0, 1)], 9)
    L, rng = operator(Poisson(grid)), np.random.default_rng(0)
    u = rng.standard_normal((9, 9))
    norm = residual_norm(L, u, 0 * u, grid=grid)
    scaled = residual_norm(L, scale * u, 0 * u, grid=grid)
    assert scaled / scale == pytest.approx(float(norm))
    # on nodes within, for the corners and sides of the guess stay
    better = refine(L, scale * u, 0 * u, grid=grid).u / scale
    assert np.max(np.abs(better[1:-1, 1:-1])) < 1e-12


@pytest.mark.parametrize("bc", ["dirichlet", "neumann"])
def test_one_step_solves_the_equations_of_the_grid(bc):
    grid = Grid.uniform([(0, 1), (0, 2)], (17, 12), kind="cell")
    solver = Poisson(grid, bc=bc)
    rng = np.random.default_rng(0)
    F = rng.standard_normal((2, 17, 12))
    F -= np.mean(F, axis=(1, 2), keepdims=True)
    guess = rng.standard_normal((2, 17, 12))
    better = refine(solver, guess, F, grid=grid, bc=bc)
    off = better.u - solver.solve(F)
    off -= np.mean(off, axis=(1, 2), keepdims=True) if bc == "neumann" else 0
    np.testing.assert_allclose(off, 0, atol=1e-11)
    assert np.all(better.residual_norms[1] < 1e-11 * better.residual_norms[0])
    assert better.residual_norms.shape == (2, 2)
    assert "in 1 steps" in repr(better)


@given(st.integers(0, 2**32 - 1), st.floats(0, 2), st.floats(-30, 30))
def test_the_residual_never_grows(seed, logarithm, wind):
    """A matrix with a coefficient and a wind, neither symmetric nor near −Δ."""
    rng = np.random.default_rng(seed)
    n = 12
    grid = Grid.uniform([(0, 1)], n, kind="cell")
    a = 10 ** rng.uniform(-logarithm, logarithm, n + 1)
    D = (np.eye(n + 1, n) - np.eye(n + 1, n, -1)) * n
    A = D.T @ (a[:, None] * D) + wind * D[:n] + np.diag(rng.uniform(0, 10, n))
    u, f = rng.standard_normal((2, 3, n))
    found = refine(Dense(A), u, f, grid=grid, steps=4)
    norms = found.residual_norms
    assert np.all(norms[1:] <= norms[:-1] * (1 + 1e-9))
    np.testing.assert_allclose(norms[-1], residual_norm(Dense(A), found.u, f, grid=grid), rtol=1e-6)


def test_a_coefficient_of_every_sample():
    """Samples with coefficients of their own: the scaled correction is the better one."""
    grid = Grid.uniform([(0, 1), (0, 1)], 33)
    coefs = [lambda x, y, k=k: np.exp(2 * np.sin(k * x) * np.cos(4 * y)) for k in (2, 3)]
    solvers = [Poisson(grid, coef=each) for each in coefs]
    a = np.stack([grid.evaluate(each) for each in coefs])
    f = np.ones((2, 33, 33))
    exact = np.stack([solver.solve(g) for solver, g in zip(solvers, f, strict=True)])
    L = lambda u: np.stack([operator(s)(v) for s, v in zip(solvers, u, strict=True)])  # noqa: E731
    bump = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(2 * np.pi * y))
    guess = 0.97 * exact + 0.01 * np.max(exact) * bump
    plain = refine(L, guess, f, grid=grid, steps=3)
    scaled = refine(L, guess, f, grid=grid, coef=a, steps=3)
    before = np.linalg.norm(guess - exact, axis=(1, 2))
    after = np.linalg.norm(scaled.u - exact, axis=(1, 2))
    assert np.all(after < 0.1 * before)
    assert np.all(scaled.residual_norms[-1] < plain.residual_norms[-1])


def test_spectral_refinement_of_a_nonlinear_equation():
    """−u″ + u³ = f on Gauss points."""
    grid = Grid.legendre([(0, 1)], 24)
    x = grid.axes[0]
    V = np.polynomial.legendre.legvander(2 * x - 1, 23)
    curvature = np.polynomial.legendre.legder(np.linalg.inv(V), 2)
    second = 4 * V[:, :22] @ curvature
    L = lambda u: -(u @ second.T) + u**3  # noqa: E731
    exact = np.sin(np.pi * x)
    f = np.pi**2 * exact + exact**3
    better = refine(L, (exact + 0.2 * x * (1 - x))[None], f[None], grid=grid, steps=3)
    assert np.max(np.abs(better.u - exact)) < 1e-4


def test_array_libraries(library):
    host = Grid.uniform([(0, 1), (0, 1)], (6, 7))
    grid = Grid.uniform([(0, 1), (0, 1)], (6, 7), like=library.asarray(np.empty(0)))
    rng = np.random.default_rng(0)
    u, f = rng.standard_normal((2, 2, 6, 7))
    solver = Poisson(grid, shift=1.0)
    found = refine(operator(solver), library.asarray(u), library.asarray(f), grid=grid)
    expected = refine(operator(Poisson(host, shift=1.0)), u, f, grid=host)
    np.testing.assert_allclose(library.to_numpy(found.u), expected.u, atol=1e-10)
    np.testing.assert_allclose(
        library.to_numpy(found.residual_norms), expected.residual_norms, atol=1e-9
    )


def test_bad_input():
    grid = Grid.uniform([(0, 1)], 5)
    u = np.zeros((3, 5))
    bad = u.copy()
    bad[1, 2] = np.inf
    with pytest.raises(ValueError, match=r"u has a NaN or Inf in sample \[1\], at \[2\]"):
        residual_norm(lambda v: v, bad, u, grid=grid)
    with pytest.raises(ValueError, match=r"L\(u\) has a NaN or Inf in sample \[1\]"):
        residual_norm(lambda v: v + bad, u, u, grid=grid)
    with pytest.raises(ValueError, match=r"L\(u\) has shape"):
        residual_norm(lambda v: v[:, 1:], u, u, grid=grid)
    with pytest.raises(ValueError, match="operator of 5 rows"):
        residual_norm(np.eye(4), u, u, grid=grid)
    with pytest.raises(ValueError, match="pass 'H-1' or 'L2'"):
        residual_norm(lambda v: v, u, u, grid=grid, space="H1")
    with pytest.raises(ValueError, match="coef is not positive"):
        refine(lambda v: v, u, u, grid=grid, coef=np.zeros(5))
    with pytest.raises(ValueError, match="steps is -1"):
        refine(lambda v: v, u, u, grid=grid, steps=-1)
    empty = refine(lambda v: v, u[:0], u[:0], grid=grid)
    assert repr(empty) == "<Refinement of no sample>"
    assert LegendreGalerkin(Grid.legendre([(0, 1)], 4)).free is False


def test_long_boxes_have_no_second_constant():
    """The squared norm in H⁻¹ is ⟨f, u⟩ for the solution u."""
    length = 1e7
    grid = Grid.uniform([(0, 1), (0, length)], 9, kind="cell")
    f = np.ones((9, 1)) * np.cos(np.pi * grid.axes[1] / length)
    solver = Poisson(grid, bc="neumann")
    found = residual_norm(solver, 0 * f, f, grid=grid, bc="neumann")
    expected = length * np.mean(f * solver.solve(f))
    np.testing.assert_allclose(found**2, expected, rtol=1e-10)


def test_shapes_that_do_not_fit_are_named():
    grid = Grid.uniform([(0, 1)], 5)
    u = np.zeros((3, 5))
    with pytest.raises(ValueError, match=r"u has shape \(3, 5\) but f has \(2, 5\)"):
        residual_norm(Poisson(grid), u, np.zeros((2, 5)), grid=grid)
    with pytest.raises(ValueError, match=r"L\(u\) has shape \(5,\)"):
        residual_norm(lambda v: v[0], u, u, grid=grid)
