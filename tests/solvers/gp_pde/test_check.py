"""No wrong solution passes for a right one: what holds at the nodes is checked elsewhere."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.bases import Grid
from structlin.solvers.gp_pde import solve_linear_pde
from structlin.solvers.gp_pde._posteriors.dense import condition_dense

T = np.linspace(0.0, 1.0, 301)


def solved(n, u, f, kernel="auto", terms=None):
    """Return a solution, its relative error, and how far errors are beyond 3 standard deviations.

    The source is an array where ``f`` is one.
    """
    x = np.linspace(0.0, 1.0, n)
    source = f(x) if kernel == "array" else f
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = solve_linear_pde(
            (x,), terms or {2: 1.0}, source, u, "auto" if kernel == "array" else kernel, rng=0
        )
    miss = np.abs(made.mean(T) - u(T))
    return made, np.linalg.norm(miss) / np.linalg.norm(u(T)), np.mean(miss > 3 * made.std(T))


@pytest.mark.parametrize("times", [0.5, 0.95, 0.99, 1.01, 1.5, 2.0, 2.3])
def test_frequencies_above_nyquist_do_not_converge(times):
    n = 120
    w = times * np.pi * (n - 1)
    made, error, uncovered = solved(
        n, lambda x: np.sin(w * x + 0.3), lambda x: -w * w * np.sin(w * x + 0.3)
    )
    assert made.converged == (times < 1)
    assert error < 1e-4 or not made.converged
    if made.converged:
        assert uncovered < 0.05
    else:
        assert made.report.held_out > 0.1


def test_lines_are_found_below_nyquist():
    # beside it, a step of the search crosses over to the alias
    n = 200
    w = 0.99 * np.pi * (n - 1)
    x = np.linspace(0.0, 1.0, n)
    made = solve_linear_pde((x,), {1: 1.0}, w * np.cos(w * x), {(0, 0): 0.3}, rng=0)
    assert np.max(np.abs(made.mean(T) - np.sin(w * T) - 0.3)) < 1e-5
    assert max(made.report.lines[0]) <= 0.5 * (n - 1)


@pytest.mark.parametrize("kind", ["auto", "array"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 10, 20, 40])
def test_few_nodes_converge_only_to_the_solution(n, kind):
    made, error, uncovered = solved(
        n, lambda x: np.sin(12 * x) + x, lambda x: -144 * np.sin(12 * x), kind
    )
    assert error < 1e-3 or not made.converged
    assert uncovered < 0.05 or not made.converged
    assert made.converged or n < 20


@pytest.mark.parametrize("kind", ["auto", "array"])
@pytest.mark.parametrize("steepness", [20.0, 60.0, 120.0])
def test_layers_between_the_nodes_do_not_converge(steepness, kind):
    def u(x):
        return np.tanh(steepness * (x - 0.4))

    made, error, uncovered = solved(
        150, u, lambda x: -2 * steepness**2 * u(x) * (1 - u(x) ** 2), kind
    )
    assert error < 1e-3 or not made.converged
    assert uncovered < 0.05 or not made.converged
    assert made.converged == (steepness == 20.0)


def test_two_dimensions_are_checked_between_the_nodes():
    laplace = {(2, 0): 1.0, (0, 2): 1.0}
    x = np.linspace(0.0, 1.0, 24)
    w = 1.3 * np.pi * 23

    def u(x, y):
        return np.sin(w * x) * np.sin(9 * y)

    with pytest.warns(ConvergenceWarning, match="off the nodes"):
        made = solve_linear_pde((x, x), laplace, lambda x, y: -(w * w + 81) * u(x, y), u, rng=0)
    assert not made.converged
    # a side that is given as an array is data all the same
    sides = {(0, 0): np.sin(20 * x), (1, 0): lambda x, y: np.sin(20 * y - x)}
    made = solve_linear_pde((x, x), {(1, 0): 20.0, (0, 1): 1.0}, 0.0, sides, rng=0)
    assert made.report.held_out < 1e-2


@pytest.mark.parametrize("source", ["function", "array"])
@pytest.mark.parametrize(
    ("n", "steepness", "right"), [(6, 3.0, False), (30, 3.0, True), (30, 40.0, False)]
)
def test_two_dimensions_converge_only_to_the_solution(n, steepness, right, source):
    axes = np.linspace(0.0, 1.0, n), np.linspace(0.0, 1.0, n + 2)

    def u(x, y):
        return np.tanh(steepness * (x - 0.4)) + np.sin(4 * y) + 0 * x

    def f(x, y):
        t = np.tanh(steepness * (x - 0.4))
        return -2 * steepness**2 * t * (1 - t * t) - 16 * np.sin(4 * y)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = solve_linear_pde(
            axes,
            {(2, 0): 1.0, (0, 2): 1.0},
            f if source == "function" else Grid(*axes).evaluate(f),
            u,
            rng=0,
        )
    t = np.linspace(0.0, 1.0, 41)
    miss = np.abs(made.mean(t, t) - u(t[:, None], t))
    assert made.converged == right
    assert np.max(miss) < 1e-3 or not right
    assert np.mean(miss > 3 * made.std(t, t)) < 0.05


def test_the_error_estimate_looks_between_the_nodes():
    x, y = np.linspace(0.0, 1.0, 2), np.linspace(0.0, 1.0, 20)

    def u(x, y):
        return np.sin(3 * x) * np.cos(4 * y)

    with pytest.warns(ConvergenceWarning, match="off the nodes"):
        made = solve_linear_pde(
            (x, y), {(2, 0): 1.0, (0, 2): 1.0}, lambda x, y: -25 * u(x, y), u, rng=0
        )
    assert made.report.error_estimate > 0.1


def test_a_function_that_knows_the_nodes_only_is_not_checked():
    x = np.linspace(0.0, 1.0, 60)
    source = -900 * np.sin(30 * x)
    made = solve_linear_pde((x,), {2: 1.0}, lambda x: source, lambda x: np.sin(30 * x), rng=0)
    assert made.converged


def test_values_are_predicted_from_all_the_others(rng):
    for n, m in ((9, 14), (20, 7)):
        A, y = rng.standard_normal((n, m)), rng.standard_normal(n)
        missed = []
        for i in range(n):
            rest = np.arange(n) != i
            missed.append(y[i] - A[i] @ condition_dense(A[rest], y[rest]).weights)
        found = condition_dense(A, y, None, np.full(n, True)).predicted
        assert found == pytest.approx(np.linalg.norm(missed) / np.linalg.norm(y))


def test_amplitudes_stand_beside_the_lines():
    x = np.linspace(0.0, 1.0, 200)
    made = solve_linear_pde(
        (x,), {2: 1.0}, -(90.0**2) * np.sin(90 * x) - 0.3 * 40**2 * np.sin(40 * x), np.sin, rng=0
    )
    (lines,), (amplitudes,) = made.report.lines, made.report.amplitudes
    strength = dict(zip(np.round(2 * np.pi * np.asarray(lines), 6), amplitudes, strict=True))
    assert strength[40.0] / strength[90.0] == pytest.approx(0.3, rel=0.05)
    assert max(amplitudes) == 1.0


X = np.linspace(0.0, 1.0, 50)
SINE = -1600 * np.sin(40 * X)


@pytest.mark.parametrize(
    ("change", "error_type", "match"),
    [
        ({"rhs": None}, TypeError, "rhs is a NoneType"),
        ({"rhs": [1.0, 2.0]}, TypeError, "rhs is a list"),
        ({"rhs": lambda x: None}, TypeError, "rhs is a NoneType"),
        ({"rhs": np.full(50, np.nan), "missing": "nan"}, ValueError, "at every node"),
        ({"rhs": 1e-310 * SINE, "boundary": lambda x: 0 * x}, ValueError, "multiply them"),
        ({"terms": {2: None}}, TypeError, "the coefficient of \\(2,\\) is a NoneType"),
        ({"terms": {2: (np.nan,)}}, ValueError, "is nan"),
        ({"terms": {2: (1j * X,)}}, TypeError, "complex"),
        ({"boundary": {(0, 0): None}}, TypeError, "\\(0, 0\\) is a NoneType"),
        ({"boundary": {(0, 0): 1j}}, TypeError, "complex"),
        ({"observations": (X[:0], X[:0], 1.0)}, ValueError, "N > 0"),
        ({"observations": (7 * X, X, 1.0)}, ValueError, "the point 8 of observations is at 1.1"),
        ({"observations": (X, X, "a")}, TypeError, "is a str"),
        ({"observations": (X, X, X[:2])}, ValueError, "pass a number or \\(50,\\)"),
    ],
)
def test_bad_input_is_named(change, error_type, match):
    arguments = {"grid": (X,), "terms": {2: 1.0}, "rhs": SINE, "boundary": np.sin, **change}
    with pytest.raises(error_type, match=match):
        solve_linear_pde(**arguments)


def test_numbers_of_numpy_are_numbers():
    made = solve_linear_pde(
        (X,),
        {np.int64(2): np.float32(1.0)},
        SINE,
        {(0, 0): np.float32(0.0), (0, -1): np.asarray(np.sin(40.0))},
        rng=0,
    )
    assert np.max(np.abs(made.mean(T) - np.sin(40 * T))) < 1e-8
    assert solve_linear_pde((X,), {2: 1.0}, SINE, np.sin, noise=np.float32(1e-3), rng=0).converged
    assert Grid(X).evaluate(np.float32(2.0)).shape == (50,)


@pytest.mark.parametrize(
    ("call", "error_type"),
    [
        (lambda s: s.mean(0.5), ValueError),
        (lambda s: s.mean("a"), TypeError),
        (lambda s: s.mean(1j * X), TypeError),
        (lambda s: s.mean(X, order=(-1,)), ValueError),
        (lambda s: s.mean(X, order=(1, 1)), ValueError),
        (lambda s: s.mean(X, order=(0.5,)), ValueError),
        (lambda s: s.sample(X, count=True), ValueError),
    ],
)
def test_bad_points_and_orders_are_refused(call, error_type):
    made = solve_linear_pde((X,), {2: 1.0}, SINE, np.sin, rng=0)
    with pytest.raises(error_type):
        call(made)


def test_an_alias_is_named():
    x = np.linspace(0.0, 2 * np.pi, 101)  # 100 gaps: sin 80x looks like sin 20x
    with pytest.warns(ConvergenceWarning, match=r"line 3\.183 .* the alias of 12\.73"):
        solve_linear_pde((x,), {2: 1.0}, lambda x: -6400 * np.sin(80 * x), np.sin, rng=0)
