"""Fractional diffusion by differences: known solutions, orders, iterations, time steps."""

from __future__ import annotations

import functools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from numpy.testing import assert_allclose
from scipy.special import rgamma

from structlin.bases import Grid
from structlin.solvers import RieszCollocation, RieszDiffusion
from structlin.solvers.fractional._schemes import schemes
from tests.solvers.fractional.exact import exit_time, gaussian, laplacian_of_gaussian, orders

alphas = [1.2, 1.5, 1.8]


@given(alpha=st.floats(0.1, 2))
def test_centred_differences_are_those_of_the_formula(alpha):
    k = np.arange(12)
    formula = (-1.0) ** k * math.gamma(alpha + 1) * rgamma(alpha / 2 - k + 1)
    formula = formula * rgamma(alpha / 2 + k + 1)
    assert_allclose(schemes["centred"].column(alpha, 12), formula, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("alpha", alphas)
def test_symbols_are_sums_of_the_entries(scheme, alpha):
    column, symbol = schemes[scheme].column(alpha, 4000), schemes[scheme].symbol
    theta = np.array([0.4, 1.7, 3.0])
    waves = np.cos(np.arange(1, 4000)[:, None] * theta)
    # the rest of the series is of order 4000^(−1−α)
    assert_allclose(column[0] + 2 * column[1:] @ waves, symbol(alpha, theta), rtol=0, atol=1e-7)


@pytest.mark.parametrize("scheme", schemes)
def test_order_two_is_the_second_difference(scheme):
    assert_allclose(schemes[scheme].column(2.0, 4), [2, -1, 0, 0], atol=1e-15)
    riesz = RieszDiffusion(Grid.uniform([(0, 1)], 9), 2, scheme=scheme)
    x = riesz.grid.axes[0]
    assert_allclose(riesz.solve(np.full(9, 2.0)), x * (1 - x), atol=1e-14)


@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("alpha", alphas)
def test_the_error_is_of_second_order(scheme, alpha):
    errors = []
    for n in (257, 513):
        grid = Grid.uniform([(-7, 7)], n)
        u = RieszDiffusion(grid, alpha, scheme=scheme).solve(
            laplacian_of_gaussian(grid.axes[0], alpha)
        )
        errors.append(np.max(np.abs(u - gaussian(grid.axes[0]))))
    assert orders(errors)[0] == pytest.approx(2, abs=0.05)


def test_the_error_of_several_axes_is_of_second_order():
    alpha, K, errors = (1.3, 1.7), (2.0, 0.5), []
    for n in (65, 129):
        grid = Grid.uniform([(-6, 6), (-5, 7)], (n, n))
        x, y = grid.mesh()
        f = K[0] * laplacian_of_gaussian(x, alpha[0]) * gaussian(y - 1)
        f = f + K[1] * gaussian(x) * laplacian_of_gaussian(y - 1, alpha[1])
        u = gaussian(x) * gaussian(y - 1)
        riesz = RieszDiffusion(grid, alpha, diffusivity=K, shift=3.0)
        errors.append(np.max(np.abs(riesz.solve(f + 3 * u) - u)))
    assert orders(errors)[0] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5])
def test_exit_times(alpha):
    grid = Grid.uniform([(-1, 1)], 1025)
    x = grid.axes[0]
    u = RieszDiffusion(grid, alpha).solve(np.ones(1025))
    # the solution is rough at the ends
    assert_allclose(u[256:-256], exit_time(x, alpha)[256:-256], rtol=3e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("scheme", schemes)
def test_solves_what_the_matrix_multiplies(library, dtype, scheme):
    rng = np.random.default_rng(0)
    grid = Grid.uniform([(0, 2), (0, 1)], (9, 7))
    own = Grid(*(library.asarray(x) for x in grid.axes))
    riesz = RieszDiffusion(own, 1.4, shift=0.5, scheme=scheme)
    h = 2 / 8, 1 / 6
    dense = [
        scipy.linalg.toeplitz(schemes[scheme].column(1.4, n)) / h[axis] ** 1.4
        for axis, n in enumerate((7, 5))
    ]
    A = np.kron(dense[0], np.eye(5)) + np.kron(np.eye(7), dense[1]) + 0.5 * np.eye(35)
    assert_allclose(library.to_numpy(riesz.operator.todense()), A, rtol=0, atol=1e-12)
    F = rng.standard_normal((2, 3, 9, 7)) + (1j if "complex" in dtype else 0)
    u = riesz.solve(library.asarray(F.astype(dtype)))
    assert u.dtype == library.dtype(dtype)
    u = library.to_numpy(u)
    inside = F[..., 1:-1, 1:-1].reshape(6, 35)
    expected = np.linalg.solve(A, inside.T).T.reshape(2, 3, 7, 5)
    tolerance = 1e-4 if dtype == "float32" else 1e-6
    assert_allclose(u[..., 1:-1, 1:-1], expected, rtol=0, atol=tolerance)
    assert not np.any(u[..., [0, -1], :])
    assert not np.any(u[..., [0, -1]])


@pytest.mark.parametrize("alpha", alphas)
@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("shape", [(2**13,), (90, 90), (20, 20, 20)])
def test_iterations_do_not_grow(shape, scheme, alpha):
    _few_iterations(shape, scheme, alpha)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", alphas)
@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("shape", [(2**18,), (512, 512), (64, 64, 64)])
def test_iterations_for_a_quarter_of_a_million_unknowns(shape, scheme, alpha):
    _few_iterations(shape, scheme, alpha)


def _few_iterations(shape, scheme, alpha):
    grid = Grid.uniform([(0, 1)] * len(shape), [n + 2 for n in shape])
    riesz = RieszDiffusion(grid, alpha, scheme=scheme, preconditioner="sine")
    for F in (np.ones(grid.shape), np.random.default_rng(0).standard_normal(grid.shape)):
        solution = riesz.solution(F)
        assert solution.converged
        assert solution.iterations <= 15


@pytest.mark.parametrize("scheme", schemes)
def test_eigenvectors_solve_at_once(scheme):
    grid = Grid.uniform([(0, 1), (0, 2)], (40, 30))
    F = np.random.default_rng(0).standard_normal((2, 40, 30))
    exact = RieszDiffusion(grid, (1.2, 1.9), shift=2.0, scheme=scheme)
    sines = RieszDiffusion(
        grid, (1.2, 1.9), shift=2.0, scheme=scheme, preconditioner="sine", rtol=1e-12
    )
    assert exact.preconditioner == "eigen"
    assert sines.preconditioner == "sine"
    solution = exact.solution(F)
    assert solution.iterations <= 1
    assert_allclose(solution.x, sines.solve(F), rtol=0, atol=1e-10)
    dense = np.linalg.eigvalsh(exact.operator.todense())
    assert_allclose(np.sort(exact.eigenvalues, axis=None), dense, rtol=1e-9)
    step = exact.step(F, 0.1)
    assert_allclose(step, sines.step(F, 0.1), rtol=0, atol=1e-8)
    assert RieszDiffusion(Grid.uniform([(0, 1)], 40), 1.5).preconditioner == "sine"


def test_spectra_are_those_of_the_symbol():
    riesz = RieszDiffusion(Grid.uniform([(0, 1)], 130), 1.5, shift=1.0)
    exact = np.linalg.eigvalsh(riesz.operator.todense())
    predicted = np.sort(riesz.eigenvalues)
    assert_allclose(predicted, exact, rtol=0.2)
    assert_allclose(riesz.symbol(np.array([math.pi])), [1 + (2 * 129) ** 1.5])


@pytest.mark.parametrize(("theta", "order"), [(0.5, 2), (1.0, 1)])
def test_time_steps_approach_the_exponential(theta, order):
    grid = Grid.uniform([(0, 1)], 33)
    x = grid.axes[0]
    riesz = RieszDiffusion(grid, 1.6, shift=0.3, rtol=1e-12)
    U = np.stack([np.sin(math.pi * x), x**2 * (1 - x)])
    U[:, [0, -1]] = 0
    A = riesz.operator.todense()
    exact = (scipy.linalg.expm(-0.05 * A) @ U[:, 1:-1].T).T
    errors = [
        np.max(np.abs(riesz.evolve(U, 0.05, steps=n, theta=theta)[:, 1:-1] - exact))
        for n in (32, 64)
    ]
    assert orders(errors)[0] == pytest.approx(order, abs=0.1)


def test_a_source_leads_to_the_steady_state(library):
    grid = Grid.uniform([(0, 1)], 33)
    own = Grid(library.asarray(grid.axes[0]))
    riesz = RieszDiffusion(own, 1.6, rtol=1e-12)
    f = library.asarray(np.ones((1, 33)))
    u = riesz.evolve(0 * f, 20.0, steps=20, source=lambda t: f, theta=1)
    assert_allclose(library.to_numpy(u), library.to_numpy(riesz.solve(f)), rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-250, 1e-100, 1e100, 1e300])
def test_scales_do_not_matter(scale):
    grid = Grid.uniform([(0, 1)], 40)
    riesz = RieszDiffusion(grid, 1.5)
    F = np.random.default_rng(3).standard_normal(40)
    assert_allclose(riesz.solve(scale * F), scale * riesz.solve(F), rtol=1e-9)
    small = RieszDiffusion(Grid.uniform([(0, 1e-60)], 40), 1.5)
    assert_allclose(small.solve(F), 1e-90 * riesz.solve(F), rtol=1e-9)


def test_bad_input():
    grid = Grid.uniform([(0, 1)], 9)
    riesz = RieszDiffusion(grid, 1.5)
    F = np.ones((4, 9))
    F[:, 0] = np.nan  # an end is not looked at
    riesz.solve(F)
    F[2, 3] = np.inf
    with pytest.raises(ValueError, match="sample 2, unknown 2 "):
        riesz.solve(F)
    with pytest.raises(ValueError, match=r"shape \(8,\) but the grid has \(9,\)"):
        riesz.solve(np.ones(8))
    with pytest.raises(TypeError, match="list"):
        riesz.solve([1.0])
    make = functools.partial(RieszDiffusion, grid)
    for alpha in (0, 2.1, math.nan, -1):
        with pytest.raises(ValueError, match="alpha is"):
            make(alpha)
    with pytest.raises(ValueError, match=r"alpha is 1\.0: pass a number greater than 1"):
        make(1.0, scheme="grunwald")
    with pytest.raises(ValueError, match="alpha has 2 entries"):
        make((1.5, 1.5))
    with pytest.raises(ValueError, match="scheme is 'left'"):
        make(1.5, scheme="left")
    with pytest.raises(ValueError, match="diffusivity is 0"):
        make(1.5, diffusivity=0)
    with pytest.raises(ValueError, match="shift is -1"):
        make(1.5, shift=-1)
    with pytest.raises(ValueError, match="rtol is 2"):
        make(1.5, rtol=2)
    with pytest.raises(ValueError, match="preconditioner is 'ilu'"):
        make(1.5, preconditioner="ilu")
    with pytest.raises(ValueError, match="kind 'periodic'"):
        RieszDiffusion(Grid.uniform([(0, 1)], 9, kind="periodic"), 1.5)
    with pytest.raises(ValueError, match="evenly spaced"):
        RieszDiffusion(Grid(np.array([0.0, 1.0, 3.0])), 1.5)
    with pytest.raises(ValueError, match="dt is 0"):
        riesz.step(np.ones(9), 0)
    with pytest.raises(ValueError, match=r"theta is 0\.2"):
        riesz.step(np.ones(9), 1, theta=0.2)
    with pytest.raises(ValueError, match="steps is 0"):
        riesz.evolve(np.ones(9), 1, steps=0)
    with pytest.raises(ValueError, match="pass 1"):
        riesz.symbol()
    assert "order 1.5 on <Grid 9" in repr(riesz)


def test_sources_and_scales_that_do_not_fit():
    grid = Grid.uniform([(0, 1)], 9)
    riesz, u = RieszDiffusion(grid, 1.5), np.ones((3, 9))
    with pytest.raises(ValueError, match=r"source has samples of shape \(2,\) but U has \(3,\)"):
        riesz.step(u, 0.1, source=u[:2])
    with pytest.raises(TypeError, match="pass a function of time"):
        riesz.evolve(u, 1.0, steps=2, source=u)
    for width in (1e-250, 1e250):
        with pytest.raises(ValueError, match="choose units of length"):
            RieszDiffusion(Grid.uniform([(0, width)], 9), 1.5)
    for alpha in (None, np.array(1.2)):
        with pytest.raises(ValueError, match=r"alpha is .*: pass a number"):
            RieszDiffusion(grid, alpha)


@pytest.mark.parametrize("splines", [False, True])
def test_right_hand_sides_by_a_number_or_a_function(library, splines):
    box, like = [(-1, 1), (0, 2)], library.asarray(np.empty(0))
    if splines:
        riesz = RieszCollocation(box, 9, 1.5, like=like)
    else:
        riesz = RieszDiffusion(Grid.uniform(box, (9, 12), like=like), 1.5)
    one = library.xp.ones(riesz.grid.shape, device=riesz.grid.device)
    x, _ = riesz.grid.mesh()
    for F, values in ((2, 2 * one), (np.float64(2), 2 * one), (lambda x, y: x**2, x**2 * one)):
        found, expected = riesz.solve(F), riesz.solve(values)
        assert found.shape == riesz.grid.shape
        assert_allclose(library.to_numpy(found), library.to_numpy(expected), atol=1e-14)
        assert riesz.solution(F).converged
    with pytest.raises(TypeError, match="str is not an array"):
        riesz.solve("one")
    with pytest.raises(ValueError, match="F returned shape"):
        riesz.solve(lambda x, y: one[:, :3])


def test_products_are_those_of_the_operator():
    for riesz in (
        RieszDiffusion(Grid.uniform([(0, 1)], 9), 1.5),
        RieszCollocation([(0, 1)], 9, 1.5),
    ):
        v = np.ones(riesz.sizes)
        assert_allclose(riesz.operator @ v, riesz.operator.todense() @ v, atol=1e-12)
        with pytest.raises(TypeError, match=r"is no matrix: write \.operator @ v"):
            riesz @ v
        with pytest.raises(TypeError, match=r"is no matrix"):
            v @ riesz
