"""Spectral collocation against exact solutions, and what it refuses."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.bases import Chebyshev, Grid, barycentric, legendre_lobatto
from structlin.solvers.gp_pde import Neumann
from structlin.solvers.gp_pde.collocation import collocation
from tests.solvers.gp_pde.problems import PROBLEMS


def spectral(problem, kind="chebyshev", shape=None):
    """Return a problem at nodes where polynomials are stable."""
    shape = problem.grid.shape if shape is None else shape
    axes = [
        Chebyshev(*side).points(n) if kind == "chebyshev" else legendre_lobatto(n, *side)[0]
        for side, n in zip(problem.grid.sides, shape, strict=True)
    ]
    return dataclasses.replace(problem, grid=Grid(*axes))


def solved(problem):
    return collocation(problem.grid, problem.terms, problem.rhs, problem.boundary)


@pytest.mark.parametrize("kind", ["chebyshev", "legendre"])
@pytest.mark.parametrize(
    ("name", "shape", "route", "bound"),
    [
        ("two tones", (220,), "dense", 1e-11),
        ("variable coefficients", (130,), "dense", 1e-11),
        ("mixed boundary", (130,), "dense", 1e-8),
        ("first order", (90,), "dense", 1e-11),
        ("plane waves", (80, 90), "diagonalised", 1e-12),
        ("convection", (48, 40), "dense", 1e-9),
        ("Neumann side", (60, 60), "diagonalised", 1e-11),
        ("box", (36, 36, 44), "diagonalised", 1e-11),
        ("V1 inflow", (30, 200), "sylvester", 1e-11),
    ],
)
def test_exact_solutions_are_found(name, shape, route, bound, kind):
    problem = spectral(PROBLEMS[name], kind, shape)
    run = solved(problem)
    assert run.converged
    assert run.report.route == route
    assert run.report.residual < 1e-8
    axes = problem.test_axes(23)
    assert problem.error(run.mean(*axes), axes) < bound


def test_errors_fall_faster_than_any_power():
    problem, errors = PROBLEMS["two tones"], []
    for n in (150, 165, 180, 195):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fine = spectral(problem, shape=(n,))
            errors.append(problem.error(solved(fine).mean(*problem.test_axes())))
    gains = np.log(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(gains > 2)  # a tenth more nodes is worth more than a factor of seven


def test_values_are_in_c_order():
    x, y = Chebyshev(0.0, 1.0).points(12), Chebyshev(0.0, 2.0).points(14)
    u = lambda a, b: np.exp(a) * np.cos(b) + a * b  # noqa: E731
    run = collocation((x, y), {(2, 0): 1.0, (0, 2): 1.0}, 0.0, u)
    assert run.values.shape == (12, 14)
    assert run.values[3, 5] == pytest.approx(u(x[3], y[5]), rel=1e-9)
    mean = run.mean(np.array([0.25]), np.array([0.5, 1.5]))
    assert np.allclose(mean, u(np.array([[0.25]]), np.array([0.5, 1.5])), rtol=1e-9)


def test_periodic_axes():
    x = Chebyshev(0.0, 2 * np.pi).points(40)
    y = Chebyshev(0.0, 1.0).points(16)
    u = lambda a, b: np.sin(a) * b**2  # noqa: E731
    boundary = {0: "periodic", (1, 0): 0.0, (1, -1): np.sin(x)}
    run = collocation(
        (x, y), {(2, 0): 1.0, (0, 2): 1.0}, lambda a, b: np.sin(a) * (2 - b**2), boundary
    )
    assert np.max(np.abs(run.values - u(x[:, None], y[None, :]))) < 1e-10


@given(
    n=st.integers(5, 12),
    degrees=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    low=st.floats(-5, 5),
    width=st.floats(0.1, 10),
    slope=st.booleans(),
)
def test_polynomials_are_solved_exactly(n, degrees, low, width, slope):
    x = Chebyshev(low, low + width).points(n)
    t = lambda z: (z - low) / width  # noqa: E731
    u = lambda a, b: t(a) ** degrees[0] * t(b) ** degrees[1]  # noqa: E731

    def second(z, k):
        return k * (k - 1) * t(z) ** max(k - 2, 0) / width**2

    f = lambda a, b: (  # noqa: E731
        second(a, degrees[0]) * t(b) ** degrees[1] + t(a) ** degrees[0] * second(b, degrees[1])
    )
    boundary = {(axis, side): u for axis in (0, 1) for side in (0, -1)}
    if slope:
        d = degrees[0]
        boundary[0, 0] = Neumann(
            lambda a, b: d * t(a) ** max(d - 1, 0) / width * t(b) ** degrees[1]
        )
    run = collocation((x, x), {(2, 0): 1.0, (0, 2): 1.0}, f, boundary)
    assert np.allclose(run.values, u(x[:, None], x[None, :]), atol=1e-9)


def test_every_library(library):
    xp = library.xp
    x, y = Chebyshev(0.0, 1.0).points(13), Chebyshev(0.0, 2.0).points(14)
    for mixed in (0.0, 0.3):  # diagonalised, and dense

        def run(move, exp, cos, sin, mixed=mixed):
            return collocation(
                (move(x), move(y)),
                {(2, 0): 1.0, (0, 2): 2.0, (1, 1): mixed},
                lambda a, b: -exp(a) * (cos(b) + mixed * sin(b)),
                lambda a, b: exp(a) * cos(b),
            )

        ours = run(library.asarray, xp.exp, xp.cos, xp.sin)
        plain = run(np.asarray, np.exp, np.cos, np.sin)
        points = np.linspace(0.1, 0.9, 4)
        mean = library.to_numpy(ours.mean(library.asarray(points), library.asarray(points[:3])))
        assert np.allclose(mean, plain.mean(points, points[:3]), rtol=1e-10)
        assert np.allclose(mean, np.exp(points)[:, None] * np.cos(points[:3]), rtol=1e-8)


def test_single_precision_comes_back_in_single_precision():
    x = Chebyshev(0.0, 1.0).points(20).astype(np.float32)
    run = collocation((x,), {(2,): 1.0}, lambda x: -np.sin(x), np.sin)
    assert run.values.dtype == np.float32
    assert run.mean(x[:3]).dtype == np.float32
    assert np.max(np.abs(run.values - np.sin(x))) < 1e-4


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales(scale):
    x = 1e6 * Chebyshev(0.0, 1.0).points(20)
    run = collocation(
        (x,),
        {(2,): 1.0},
        lambda x: -scale * 1e-12 * np.sin(1e-6 * x),
        lambda x: scale * np.sin(1e-6 * x),
    )
    assert np.allclose(run.values, scale * np.sin(1e-6 * x), rtol=1e-10, atol=scale * 1e-12)


SLOPES = {(0, 0): Neumann(0.0), (0, -1): Neumann(0.0)}


@pytest.mark.parametrize(
    ("terms", "boundary", "length"),
    [
        ({(2,): 1.0}, SLOPES, 1.0),  # up to a constant
        ({(2,): 1.0}, {0: "periodic"}, 1.0),
        ({(2,): 1.0}, {(0, 0): 0.0}, 1.0),
        ({(2,): 1.0}, None, 1.0),
        ({(2,): 1.0, (0,): 1.0}, {(0, 0): 0.0, (0, -1): 0.0}, np.pi),  # resonance
        ({(4,): 1.0}, {(0, 0): 0.0, (0, -1): 0.0}, 1.0),
    ],
)
def test_singular_problems_are_refused(terms, boundary, length):
    x = Chebyshev(0.0, length).points(30)
    with pytest.raises(ValueError, match="do not determine a solution"):
        collocation((x,), terms, 1.0, boundary)


@pytest.mark.parametrize("mixed", [0.0, 0.3])
def test_singular_problems_in_the_plane_are_refused(mixed):
    x, y = Chebyshev(0.0, 1.0).points(20), Chebyshev(0.0, 2.0).points(18)
    slopes = {(axis, side): Neumann(0.0) for axis in (0, 1) for side in (0, -1)}
    with pytest.raises(ValueError, match="do not determine a solution"):
        collocation((x, y), {(2, 0): 1.0, (1, 1): mixed, (0, 2): 1.0}, 1.0, slopes)


def test_even_nodes_are_not_trusted():
    # the matrix of 40 even nodes loses all but four digits, though the coefficients decay
    x = np.linspace(0.0, 1.0, 40)
    with pytest.warns(ConvergenceWarning, match="cluster at the ends"):
        run = collocation((x,), {(2,): 1.0}, lambda x: -np.sin(x), np.sin)
    assert not run.converged
    assert run.report.rounding > 1e-6
    few = collocation((x[::4],), {(2,): 1.0}, lambda x: -np.sin(x), np.sin)
    assert few.converged
    assert np.max(np.abs(few.mean(x[:36]) - np.sin(x[:36]))) < 1e-8


def test_nothing_makes_nothing():
    x = Chebyshev(0.0, 1.0).points(8)
    run = collocation((x, x), {(2, 0): 1.0, (0, 2): 1.0}, 0.0, lambda x, y: 0 * x + 0 * y)
    assert not np.any(run.values)
    assert run.converged


def test_solutions_beyond_the_nodes_are_reported():
    problem = spectral(PROBLEMS["two tones"], shape=(40,))
    with pytest.warns(ConvergenceWarning, match="do not resolve"):
        assert not solved(problem).converged


def test_bad_input():
    x, even = Chebyshev(0.0, 1.0).points(10), np.linspace(0.0, 1.0, 200)
    zero = lambda x: 0 * x  # noqa: E731
    with pytest.raises(ValueError, match="cluster at the ends"):
        collocation((even,), {(2,): 1.0}, 0.0, zero)
    with pytest.raises(ValueError, match="NaN"):
        collocation((x,), {(2,): 1.0}, np.full(10, np.nan), zero)
    with pytest.raises(ValueError, match="node of its own"):
        collocation((x[:2],), {(2,): 1.0}, 0.0, zero)
    slopes = {(0, 0): Neumann(0.0), (0, -1): Neumann(0.0), 1: "periodic"}
    with pytest.raises(ValueError, match="do not determine"):
        collocation((x, x), {(2, 0): 1.0, (0, 2): 1.0}, 0.0, slopes)
    big = Chebyshev(0.0, 1.0).points(90)
    mixed = {(2, 0): 1.0, (0, 2): 1.0, (1, 1): 1.0}
    with pytest.raises(ValueError, match="dense system"):
        collocation((big, big), mixed, 0.0, lambda x, y: 0 * x + 0 * y)


@given(seed=st.integers(0, 100), n=st.integers(2, 9))
def test_differentiation_at_any_nodes(seed, n):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, n)) + 0.3 * np.arange(n)
    w = barycentric.weights(x)
    p = np.polynomial.Polynomial(rng.normal(size=n))
    for order, D in enumerate(barycentric.differentiation(x, w, 3)):
        expected = p.deriv(order)(x) if order else p(x)
        assert np.allclose(D @ p(x), expected, atol=1e-6 * (1 + np.max(np.abs(expected))))
    y = np.concatenate([x[:2], rng.uniform(x[0], x[-1], 5)])
    size = np.max(np.abs(p(x)))
    assert np.allclose(barycentric.interpolation(y, x, w) @ p(x), p(y), atol=1e-7 * (1 + size))


def test_lebesgue_constant_of_even_nodes():
    x = np.linspace(-1.0, 1.0, 21)
    # it grows like 2ⁿ⁺¹/(e n log n) for n + 1 nodes; halfway between nodes it is a little smaller
    known = 2**21 / (np.e * 20 * np.log(20))
    assert 0.5 * known < barycentric.lebesgue(x, barycentric.weights(x)) < known
