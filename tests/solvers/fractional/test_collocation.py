"""Fractional diffusion by splines: entries, symbols, orders, evaluation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline

from structlin.solvers import RieszCollocation
from structlin.solvers.fractional._splines import (
    greville,
    open_knots,
    riesz_derivative,
    spline_symbol,
)
from tests.solvers.fractional.exact import exit_time, gaussian, laplacian_of_gaussian, orders


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
@pytest.mark.parametrize("alpha", [1.1, 1.5, 1.9])
def test_derivatives_of_splines_are_those_of_truncated_powers(degree, alpha):
    # B = Σ c_i (x − i)₊^p / p!, whose one-sided derivatives are known term by term
    p = degree
    x = np.concatenate([np.linspace(-3.3, p + 4.3, 23), [p + 1, 0]])
    total = 0.0
    for i in range(p + 2):
        c = (-1) ** i * math.comb(p + 1, i)
        kernel = np.abs(x - i) ** (p - alpha)
        total = total + c * np.where(x > i, kernel, (-1) ** (p + 1) * kernel)
    total = total / (math.gamma(p + 1 - alpha) * 2 * math.cos(math.pi * alpha / 2))
    found = riesz_derivative(x, np.arange(p + 2.0), alpha)
    assert_allclose(found, total, rtol=0, atol=1e-10)


@pytest.mark.parametrize("degree", [2, 5])
def test_splines_at_an_end_sum_up_to_known_functions(degree):
    # x (n − x) is a spline that vanishes at the ends; its derivatives from both sides are known
    alpha, n = 1.4, 2 * degree + 3
    knots = open_knots(n, degree)
    points = greville(knots, degree)[1:-1]
    inner = np.linspace(0.05, n - 0.05, 8 * degree)
    values = BSpline.design_matrix(inner, knots, degree).toarray()
    c = np.linalg.lstsq(values, inner * (n - inner), rcond=None)[0]
    found = sum(
        c[j + 1] * riesz_derivative(points, knots[j + 1 : j + degree + 3], alpha)
        for j in range(len(points))
    )
    exact = sum(
        n * x ** (1 - alpha) / math.gamma(2 - alpha) - 2 * x ** (2 - alpha) / math.gamma(3 - alpha)
        for x in (points, n - points)
    ) / (2 * math.cos(math.pi * alpha / 2))
    assert_allclose(found, exact, rtol=1e-9)


@pytest.mark.parametrize("degree", [2, 3, 6, 7])
def test_symbols_are_sums_of_the_entries(degree):
    theta = np.array([0.2, 1.5, 3.1])
    k = np.arange(1, 3000)
    for alpha in (1.3, 1.8):
        entries = riesz_derivative(
            (degree + 1) / 2 + np.arange(3000.0), np.arange(degree + 2.0), alpha
        )
        series = entries[0] + 2 * entries[1:] @ np.cos(k[:, None] * theta)
        assert_allclose(spline_symbol(theta, degree, alpha), series, rtol=0, atol=2e-7)
    x = (degree + 1) / 2 + np.arange(degree // 2 + 1)
    B = BSpline.basis_element(np.arange(degree + 2.0))(x)
    series = B[0] + 2 * B[1:] @ np.cos(np.arange(1, len(B))[:, None] * theta)
    assert_allclose(spline_symbol(theta, degree, 0.0), series, rtol=0, atol=1e-13)
    # a zero of order α at 0
    ratio = spline_symbol(np.array([2e-3, 1e-3]), degree, 1.3)
    assert math.log2(ratio[0] / ratio[1]) == pytest.approx(1.3, abs=1e-4)


def test_symbols_decay_exponentially_in_the_degree():
    # at π, two terms of the series dominate: 2^(p + 2) π^(α − p − 1)
    values = [spline_symbol(np.array([math.pi]), p, 1.5)[0] for p in range(2, 10)]
    assert_allclose(np.diff(np.log(values))[3:], math.log(2 / math.pi), atol=0.02)


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
@pytest.mark.parametrize("alpha", [1.2, 1.5, 1.8])
def test_orders_are_those_of_the_literature(degree, alpha):
    # Mazza, Donatelli, Manni and Speleers (2023)
    expected = degree + (2 if degree % 2 == 0 else 1) - alpha
    y = np.linspace(-7, 7, 999)
    errors = []
    for cells in (128, 256):
        riesz = RieszCollocation([(-7, 7)], cells, alpha, degree=degree, rtol=1e-12)
        solution = riesz.solution(laplacian_of_gaussian(riesz.grid.axes[0], alpha))
        assert solution.iterations <= 15
        errors.append(np.max(np.abs(riesz.evaluate(solution.x, y) - gaussian(y))))
    assert orders(errors)[0] == pytest.approx(expected, abs=0.1)


def test_two_axes(library):
    like = library.asarray(np.empty(0))
    riesz = RieszCollocation([(-6, 6), (-5, 7)], (48, 52), (1.3, 1.7), diffusivity=2.0, like=like)
    x, y = np.meshgrid(*(library.to_numpy(a) for a in riesz.grid.axes), indexing="ij")
    f = 2 * laplacian_of_gaussian(x, 1.3) * gaussian(y - 1)
    f += 2 * gaussian(x) * laplacian_of_gaussian(y - 1, 1.7)
    F = library.asarray(np.stack([f, 3 * f]))
    u = riesz.solve(F)
    exact = gaussian(x) * gaussian(y - 1)
    assert_allclose(library.to_numpy(u), np.stack([exact, 3 * exact]), rtol=0, atol=0.03)
    assert u.device == F.device
    px, py = np.array([0.0, 0.5]), np.array([1.0, 2.0, 7.0])
    values = library.to_numpy(riesz.evaluate(u, library.asarray(px), library.asarray(py)))
    expected = gaussian(px)[:, None] * gaussian(py - 1)
    assert_allclose(values, np.stack([expected, 3 * expected]), rtol=0, atol=0.03)
    assert np.all(np.abs(values[..., -1]) < 1e-15)


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_eigenvectors_solve_at_once(degree, monkeypatch):
    def problem():
        return RieszCollocation([(0, 1), (0, 2)], (20, 24), (1.2, 1.9), degree=degree, rtol=1e-11)

    riesz = problem()
    f = np.random.default_rng(0).standard_normal(riesz.grid.shape)
    assert riesz.preconditioner == "eigen"
    assert np.min(riesz.eigenvalues) > 0
    solution = riesz.solution(f)
    assert solution.iterations <= 1
    # eigenvectors that are worth nothing are not used
    monkeypatch.setattr("structlin.solvers.fractional._bases._soundest", 1.0)
    sines = problem()
    assert sines.preconditioner == "sine"
    found = sines.solution(f)
    assert found.converged
    assert found.iterations > 1
    assert_allclose(found.x, solution.x, rtol=0, atol=1e-9)


def test_a_large_axis_is_as_a_stored_one(monkeypatch):
    f = np.random.default_rng(0).standard_normal(34)
    stored = RieszCollocation([(0, 1)], 32, 1.5, degree=4, rtol=1e-12).solve(f)
    monkeypatch.setattr("structlin.solvers.fractional.collocation._stored", 0)
    fast = RieszCollocation([(0, 1)], 32, 1.5, degree=4, rtol=1e-12).solve(f)
    assert_allclose(fast, stored, rtol=0, atol=1e-9 * np.max(np.abs(stored)))


def test_single_precision(library):
    like = library.asarray(np.empty(0, dtype="float32"))
    riesz = RieszCollocation([(-1, 1)], 40, 1.5, like=like)
    f = library.asarray(np.ones(41, dtype="float32"))
    u = riesz.solve(f)
    assert u.dtype == like.dtype
    x = library.to_numpy(riesz.grid.axes[0])
    assert_allclose(library.to_numpy(u), exit_time(x, 1.5), rtol=0, atol=0.02)


def test_time_steps_reach_the_steady_state():
    riesz = RieszCollocation([(0, 1)], 20, 1.5, degree=3, shift=0.5)
    f = np.ones(21)
    u = riesz.evolve(0 * f, 30.0, steps=20, source=lambda t: f, theta=1)
    assert_allclose(u, riesz.solve(f), rtol=1e-6)


def test_bad_input():
    box = [(0, 1)]
    for alpha in (1, 2, 0.5):
        with pytest.raises(ValueError, match="alpha is"):
            RieszCollocation(box, 20, alpha)
    for degree in (1, 10, 2.5):
        with pytest.raises(ValueError, match="degree is"):
            RieszCollocation(box, 20, 1.5, degree=degree)
    with pytest.raises(ValueError, match="of 6 or more"):
        RieszCollocation(box, 5, 1.5)
    with pytest.raises(ValueError, match="low < high"):
        RieszCollocation([(1, 0)], 20, 1.5)
    riesz = RieszCollocation(box, 20, 1.5)
    with pytest.raises(ValueError, match=r"not all in \[0, 1\]"):
        riesz.evaluate(np.ones(21), np.array([0.5, 1.1]))
    with pytest.raises(ValueError, match="pass 1"):
        riesz.evaluate(np.ones(21))
    with pytest.raises(ValueError, match="the grid has"):
        riesz.solve(np.ones(20))
    assert repr(riesz) == "<RieszCollocation of order 1.5, degree 3, 20 cells>"


def test_evaluation_at_no_points_and_of_no_samples(library):
    riesz = RieszCollocation([(0, 1)] * 2, 8, 1.4, degree=2, like=library.asarray(np.ones(1)))
    points = library.asarray(np.array([0.2, 0.5, 0.7]))
    U = library.asarray(np.ones((2, 8, 8)))
    assert riesz.evaluate(U, points, points[:0]).shape == (2, 3, 0)
    assert riesz.evaluate(U[:0, ...], points, points).shape == (0, 3, 3)
    with pytest.raises(ValueError, match=r"points of axis 1 have shape \(3, 1\)"):
        riesz.evaluate(U, points, points[:, None])
    assert RieszCollocation([(0, 1)], 8, 1.4, like=np.ones(1, dtype=int)).grid.dtype == np.float64
