"""The published objective: its value, its gradient, and its first steps."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.solvers.gp_pde._gp_hm.grid import AxisLags
from structlin.solvers.gp_pde._gp_hm.objective import Objective
from structlin.solvers.gp_pde._gp_hm.rows import MixtureRows
from structlin.solvers.gp_pde.gp_hm import gp_hm
from tests.solvers.gp_pde.problems import ACCEPTANCE, problems_gp


def kernel(x, y, parameters, family):
    """Return the covariance as a function of complex arguments, for derivatives by hand."""
    total = 0
    for log_w, ell, mu in zip(*parameters, strict=True):
        d = x - y
        d = np.where(d.real < 0, -d, d)
        if family == "student":
            t = math.sqrt(5) * math.exp(ell) * d
            envelope = (1 + t + t * t / 3) * np.exp(-t)
        else:
            envelope = np.exp(-math.exp(ell) * d * d)
        total = total + math.exp(log_w) * envelope * np.cos(2 * math.pi * mu * d)
    return total


def derivative(x, y, parameters, family, order, radius=3e-2, count=32):
    """Return a derivative in ``x`` by Cauchy's integral; lags must be larger than the radius."""
    z = radius * np.exp(2j * np.pi * np.arange(count) / count)
    values = [kernel(x + w, y, parameters, family) * w**-order for w in z]
    return math.factorial(order) * np.mean(values, axis=0).real


@given(
    family=st.sampled_from(["student", "gaussian"]),
    seed=st.integers(0, 1000),
    top=st.integers(0, 2),
)
def test_rows_are_derivatives_of_the_covariance(family, seed, top):
    rng = np.random.default_rng(seed)
    parameters = [rng.normal(size=3), 0.5 * rng.normal(size=3), 2 * rng.uniform(size=3)]
    lags = np.linspace(0.1, 1.0, 7)
    rows = MixtureRows(lags, parameters, family, top).rows()
    assert len(rows) == top + 1
    for order, row in enumerate(rows):
        expected = derivative(lags, 0.0, parameters, family, order)
        assert np.allclose(row, expected, rtol=1e-9, atol=1e-9 * np.max(np.abs(expected)))


def dense(problem, parameters, family, weight):
    """Return the objective from full matrices, without any of the structure."""
    x, ndim = problem.grid.axes, problem.ndim
    U, log_tau, log_v = parameters[:3]
    shape = U.shape
    grams, derivatives = [], []
    for k in range(ndim):
        theta = parameters[3 + 3 * k : 6 + 3 * k]
        gaps = x[k][:, None] - x[k][None, :]
        sign = np.sign(gaps)
        one, two, three = MixtureRows(np.abs(gaps).ravel(), theta, family, 2).rows()
        P = one.reshape(gaps.shape) + 1e-6 * np.eye(len(x[k]))
        grams.append(P)
        derivatives.append([np.eye(len(x[k])), sign * two.reshape(P.shape), three.reshape(P.shape)])
        derivatives[-1][1:] = [D @ np.linalg.inv(P) for D in derivatives[-1][1:]]

    def kron(matrices):
        total = np.eye(1)
        for A in matrices:
            total = np.kron(total, A)
        return total

    def of(orders):
        D = kron([derivatives[k][a] for k, a in enumerate(orders)])
        return (D @ U.ravel()).reshape(shape)

    C = kron(grams)
    total = -0.5 * np.linalg.slogdet(C)[1] - 0.5 * U.ravel() @ np.linalg.solve(C, U.ravel())
    misfit, count = 0.0, 0
    for k in range(ndim):
        for side in (0, -1):
            gap = np.take(U, side, axis=k) - problem.side_values(k, side)
            misfit, count = misfit + np.sum(gap**2), count + gap.size
    total += weight * 0.5 * (count * log_tau - math.exp(log_tau) * misfit)
    residual = -problem.rhs(*problem.grid.mesh())
    for orders, c in problem.terms.items():
        c = c(*problem.grid.mesh()) if callable(c) else c
        residual = residual + c * of(orders)
    if problem.nonlinearity is not None:
        arguments = problem.nonlinearity.arguments(ndim)
        residual = residual + problem.nonlinearity.value(*map(of, arguments))
    return -(total + 0.5 * U.size * log_v - 0.5 * math.exp(log_v) * np.sum(residual**2))


def small(name):
    g = problems_gp
    uneven = g.Grid(g.uneven(7, 1.0, 1), np.linspace(0.0, 1.5, 6))
    wave = g.sine(2.0)
    return {
        "even": g.Problem("even", g.even(1.0, 9), ((wave,),), g.D2),
        "nonlinear": g.Problem(
            "nonlinear", g.even(1.0, 8), ((wave,),), {(2,): -0.3}, nonlinearity=g.burgers()
        ),
        "plane": g.Problem(
            "plane",
            uneven,
            ((wave, g.cosine(1.0)),),
            {(2, 0): 1.0, (1, 1): lambda x, y: x + 0 * y, (0, 1): 2.0, (0, 0): -1.0},
            nonlinearity=g.allen_cahn(),
        ),
        "box": g.Problem(
            "box",
            g.Grid(*(np.linspace(0.0, 1.0, n) for n in (3, 4, 5))),
            ((wave, wave, g.cosine(1.0)),),
            g.LAPLACE3,
        ),
    }[name]


def objective_of(problem, family, weight):
    mesh, grid = problem.grid.mesh(), problem.grid
    coefficients = {
        k: np.broadcast_to(c(*mesh) if callable(c) else c, grid.shape)
        for k, c in problem.terms.items()
    }
    sides = [
        (k, side, np.expand_dims(problem.side_values(k, side), k))
        for k in range(grid.ndim)
        for side in (0, -1)
    ]
    return Objective(
        tuple(AxisLags(x, h) for x, h in zip(grid.axes, grid.spacings, strict=True)),
        family,
        coefficients,
        problem.rhs(*mesh),
        sides,
        weight,
        problem.nonlinearity,
    )


@pytest.mark.parametrize("family", ["student", "gaussian"])
@pytest.mark.parametrize("name", ["even", "nonlinear", "plane", "box"])
def test_objective_and_gradient(name, family):
    problem, weight = small(name), 3.0
    rng = np.random.default_rng(5)
    parameters = [0.5 * rng.normal(size=problem.grid.shape), np.array(0.3), np.array(-0.2)]
    for _ in range(problem.ndim):  # rough ones, for Gram matrices that are well conditioned
        parameters += [rng.normal(size=3), 2 + 0.2 * rng.normal(size=3), 2 * rng.uniform(size=3)]
    objective = objective_of(problem, family, weight)
    value, gradient = objective.gradient(parameters)
    expected = dense(problem, parameters, family, weight)
    assert value == pytest.approx(expected, rel=1e-8)
    for k, part in enumerate(gradient):
        direction = rng.normal(size=part.shape)

        def moved(step, k=k, direction=direction):
            changed = [p + step * direction if j == k else p for j, p in enumerate(parameters)]
            return dense(problem, changed, family, weight)

        h = 1e-4  # differences of fourth order
        slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
        scale = abs(slope) + np.linalg.norm(part) * np.linalg.norm(direction)
        assert abs(np.sum(part * direction) - slope) < 1e-7 * scale


# the negative objective before each of the first steps, from an implementation of the published
# formulas with automatic differentiation (JAX 0.10, double precision), and the relative error of
# the mean after 100 steps
traces = {
    "P1": (
        [9.974999191593445e09, 9.651289553187243e09, 9.297315232164207e09, 8.979942927779156e09],
        0.262388811,
    ),
    "P3": (
        [5.095293829593411e09, 4.877305456371561e09, 4.670410699742425e09, 4.463564489429666e09],
        0.213743611,
    ),
}


@pytest.mark.parametrize("name", traces)
def test_first_steps_are_those_of_automatic_differentiation(name):
    problem, (expected, _) = ACCEPTANCE[name], traces[name]
    with pytest.warns(ConvergenceWarning, match="max_iterations"):
        run = gp_hm(problem.grid, problem.terms, problem.rhs, problem.u, frequency=20.0, steps=3)
    # rounding errors grow by the condition of the Gram matrix, which is 10⁸
    assert np.allclose(run.report.objective, expected, rtol=1e-10)
    assert run.iterations == 3
    assert not run.converged


@pytest.mark.slow
@pytest.mark.parametrize("name", traces)
def test_error_after_a_hundred_steps(name):
    problem, (_, expected) = ACCEPTANCE[name], traces[name]
    with pytest.warns(ConvergenceWarning):
        run = gp_hm(problem.grid, problem.terms, problem.rhs, problem.u, frequency=20.0, steps=100)
    assert problem.error(run.mean(*problem.test_axes())) == pytest.approx(expected, rel=1e-6)


def test_every_library_takes_the_same_steps(library):
    xp = library.xp
    x = np.linspace(0.0, 1.0, 12)
    y = np.array([0.0, 0.2, 0.5, 0.9, 1.0])

    def run(move, sin, cos):
        grid = (move(x), move(y))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return gp_hm(
                grid,
                {(2, 0): 1.0, (0, 2): 1.0},
                lambda a, b: -2 * sin(a) * cos(b),
                lambda a, b: sin(a) * cos(b),
                frequency=1.0,
                components=4,
                steps=20,
                nonlinearity=(lambda u: u**3, lambda u: 3 * u**2),
            )

    ours = run(library.asarray, xp.sin, xp.cos)
    plain = run(np.asarray, np.sin, np.cos)
    points = np.linspace(0.1, 0.9, 4)
    mean = library.to_numpy(ours.mean(library.asarray(points), library.asarray(points[:3])))
    assert mean.shape == (4, 3)
    assert np.allclose(mean, plain.mean(points, points[:3]), rtol=1e-5, atol=1e-7)
    assert np.allclose(ours.report.objective, plain.report.objective, rtol=1e-6)


def test_training_brings_the_error_down_and_stops():
    x = np.linspace(0.0, 1.0, 40)
    run = gp_hm(
        (x,), {(2,): 1.0}, lambda x: -np.sin(x), np.sin, frequency=2.0, steps=3000, tol=1e-2
    )
    assert run.converged
    assert run.report.iterations < 3000
    assert np.max(np.abs(run.mean(x) - np.sin(x))) < 0.02
    assert np.allclose(run.mean(x), run.values, atol=1e-2)  # the jitter is noise
    assert run.report.residual < 0.1


def test_time_limit():
    x = np.linspace(0.0, 1.0, 20)
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        run = gp_hm((x,), {(2,): 1.0}, 0.0, lambda x: 1.0 + 0 * x, time_limit=0.0)
    assert run.report.status == "time_limit"


def test_a_breakdown_at_the_start_is_told():
    x = np.linspace(0.0, 1.0, 20)
    huge = lambda x: 1e200 * np.sin(x)  # noqa: E731
    with pytest.warns(ConvergenceWarning, match="'breakdown' after 0 steps"):
        run = gp_hm((x,), {(2,): 1.0}, huge, huge, steps=3)
    assert not run.converged


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"terms": {(3,): 1.0}}, "up to the second"),
        ({"family": "cauchy"}, "family"),
        ({"frequency": -1.0}, "frequency"),
        ({"frequency": "a"}, "frequency"),
        ({"components": 0}, "components"),
        ({"components": 2.5}, "components"),
        ({"boundary_weight": np.nan}, "boundary_weight"),
        ({"tol": np.nan}, "tol"),
        ({"time_limit": np.nan}, "time_limit"),
        ({"boundary": {0: "periodic"}}, "Dirichlet"),
        ({"rhs": np.full(20, np.nan)}, "NaN"),
    ],
)
def test_bad_input(changes, message):
    x = np.linspace(0.0, 1.0, 20)
    given = {"terms": {(2,): 1.0}, "rhs": 0.0, "boundary": lambda x: 0 * x} | changes
    with pytest.raises(ValueError, match=message):
        gp_hm((x,), given.pop("terms"), given.pop("rhs"), given.pop("boundary"), steps=1, **given)
