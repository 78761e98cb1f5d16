"""Equality-constrained minimisation: problems of Hock and Schittkowski, and formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from structlin import ConvergenceWarning
from structlin.sketching import minimize_equality

# objective, start, constraint, least value; the numbers are those of W. Hock and K. Schittkowski,
# "Test examples for nonlinear programming codes", 1981
HOCK_SCHITTKOWSKI = {
    6: (
        lambda x: (1 - x[0]) ** 2,
        [-1.2, 1.0],
        lambda x: np.array([10 * (x[1] - x[0] ** 2)]),
        0.0,
    ),
    7: (
        lambda x: np.log(1 + x[0] ** 2) - x[1],
        [2.0, 2.0],
        lambda x: np.array([(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4]),
        -math.sqrt(3),
    ),
    27: (
        lambda x: 0.01 * (x[0] - 1) ** 2 + (x[1] - x[0] ** 2) ** 2,
        [2.0, 2.0, 2.0],
        lambda x: np.array([x[0] + x[2] ** 2 + 1]),
        0.04,
    ),
    28: (
        lambda x: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2,
        [-4.0, 1.0, 1.0],
        lambda x: np.array([x[0] + 2 * x[1] + 3 * x[2] - 1]),
        0.0,
    ),
    39: (
        lambda x: -x[0],
        [2.0, 2.0, 2.0, 2.0],
        lambda x: np.array([x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2]),
        -1.0,
    ),
    40: (
        lambda x: -x[0] * x[1] * x[2] * x[3],
        [0.8, 0.8, 0.8, 0.8],
        lambda x: np.array([x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]]),
        -0.25,
    ),
    77: (
        lambda x: (
            (x[0] - 1) ** 2
            + (x[0] - x[1]) ** 2
            + (x[2] - 1) ** 2
            + (x[3] - 1) ** 4
            + (x[4] - 1) ** 6
        ),
        [2.0] * 5,
        lambda x: np.array(
            [
                x[0] ** 2 * x[3] + np.sin(x[3] - x[4]) - 2 * math.sqrt(2),
                x[1] + x[2] ** 4 * x[3] ** 2 - 8 - math.sqrt(2),
            ]
        ),
        0.24150513,
    ),
}


@pytest.mark.parametrize("method", ["direct", "sketched"])
@pytest.mark.parametrize("number", HOCK_SCHITTKOWSKI)
def test_hock_schittkowski_by_differences(number, method):
    fun, start, constraint, least = HOCK_SCHITTKOWSKI[number]
    found = minimize_equality(fun, np.array(start), constraint, method=method, rng=0)
    assert found.converged
    assert found.objective == pytest.approx(least, abs=1e-6)
    assert np.max(np.abs(constraint(found.x))) < 1e-6
    assert found.iterations == len(found.history.step) < 40
    assert len(found.history.objective) == found.iterations + 1
    assert found.history.objective[-1] == found.objective


START = np.ones(2)


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def on_circle(x):
    return np.array([x @ x - 1.0])


def test_rosenbrock_on_the_unit_circle_with_derivatives():
    found = minimize_equality(
        rosenbrock,
        np.array([0.3, 0.9]),
        on_circle,
        grad=scipy.optimize.rosen_der,
        jac=lambda x: 2 * x[None, :],
        hess=lambda x, multipliers: scipy.optimize.rosen_hess(x) + 2 * multipliers[0] * np.eye(2),
    )
    peer = scipy.optimize.minimize(
        rosenbrock,
        [0.3, 0.9],
        constraints={"type": "eq", "fun": on_circle},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert found.converged
    np.testing.assert_allclose(found.x, peer.x, atol=1e-6)
    gradient = scipy.optimize.rosen_der(found.x) + 2 * found.multipliers[0] * found.x
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6)


def test_quadratic_with_linear_constraints_takes_one_step(library, rng):
    n, m = 12, 4
    A, J = rng.standard_normal((n, n)), rng.standard_normal((m, n))
    H, g, d = A @ A.T + np.eye(n), rng.standard_normal(n), rng.standard_normal(m)
    K = np.block([[H, J.T], [J, np.zeros((m, m))]])
    exact = np.linalg.solve(K, np.concatenate((-g, d)))
    Hx, Jx, gx, dx = map(library.asarray, (H, J, g, d))
    xp = library.xp

    def times(M, x):
        return xp.matmul(M, x[:, None])[:, 0]

    found = minimize_equality(
        lambda x: xp.sum(x * (times(Hx, x) / 2 + gx)),
        library.asarray(np.zeros(n)),
        lambda x: times(Jx, x) - dx,
        grad=lambda x: times(Hx, x) + gx,
        jac=lambda x: Jx,
        hess=lambda x, multipliers: Hx,
    )
    assert found.iterations == 1
    np.testing.assert_allclose(library.to_numpy(found.x), exact[:n], atol=1e-8)
    np.testing.assert_allclose(library.to_numpy(found.multipliers), exact[n:], atol=1e-6)


def test_start_beside_a_maximum_finds_the_minimum():
    found = minimize_equality(
        lambda x: x[0] + x[1], np.array([1.0, 0.99]), lambda x: np.array([x @ x - 2.0])
    )
    np.testing.assert_allclose(found.x, [-1.0, -1.0], atol=1e-6)
    assert max(found.history.convexity) > 0


@pytest.mark.parametrize(
    ("fun", "start", "constraint"),
    [
        (lambda x: x[0] + x[1], [1.0, 1.0], lambda x: x @ x - 2.0),
        (lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0, 0.0], lambda x: x[2]),
    ],
    ids=["maximum", "saddle"],
)
def test_stationary_points_that_are_no_minimum_are_told(fun, start, constraint):
    with pytest.warns(ConvergenceWarning, match="maximum or saddle"):
        found = minimize_equality(fun, np.array(start), constraint, rng=0)
    assert not found.converged
    assert found.error_estimate < 1e-8


def test_redundant_constraints():
    def constraint(x):
        return [x @ x - 2.0, 2.0 * (x @ x) - 4.0]

    def jac(x):
        return scipy.sparse.csr_array(np.stack((2 * x, 4 * x)))

    def hess(x, multipliers):
        return scipy.sparse.csr_array((2 * multipliers[0] + 4 * multipliers[1]) * np.eye(2))

    for derivatives in ({}, {"jac": jac, "hess": hess}):
        found = minimize_equality(sum, np.array([-1.0, -0.5]), constraint, **derivatives)
        assert found.converged
        np.testing.assert_allclose(found.x, [-1.0, -1.0], atol=1e-6)


def test_single_precision_by_differences():
    start = np.array([-1.0, -0.5], dtype=np.float32)
    found = minimize_equality(lambda x: x[0] + x[1], start, lambda x: x @ x - 2.0)
    assert found.converged
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, [-1.0, -1.0], atol=1e-3)


def control(n):
    """Return the control of ``u = A y + y³`` towards a state, with sparse derivatives."""
    h, alpha = 1 / (n + 1), 1e-2
    ones = np.ones(n)
    A = scipy.sparse.diags_array([-ones[1:], 3 * ones, -ones[1:]], offsets=[-1, 0, 1])
    wanted = np.sin(np.pi * np.linspace(h, 1 - h, n))
    return {
        "fun": lambda x: h / 2 * (np.sum((x[:n] - wanted) ** 2) + alpha * np.sum(x[n:] ** 2)),
        "x0": np.zeros(2 * n),
        "constraint": lambda x: A @ x[:n] + x[:n] ** 3 - x[n:],
        "grad": lambda x: h * np.concatenate((x[:n] - wanted, alpha * x[n:])),
        "jac": lambda x: scipy.sparse.hstack(
            [A + scipy.sparse.diags_array(3 * x[:n] ** 2), -scipy.sparse.eye_array(n)],
            format="csr",
        ),
        "hess": lambda x, multipliers: scipy.sparse.diags_array(
            np.concatenate((h + 6 * x[:n] * multipliers, alpha * h * ones)), format="csr"
        ),
    }


def test_sparse_control_of_a_thousand_states():
    given = control(1000)
    found = minimize_equality(**given)
    assert found.converged
    assert "sparse LU" in found.method
    assert np.linalg.norm(given["constraint"](found.x)) < 1e-6
    # the reduced gradient vanishes
    J = given["jac"](found.x)
    np.testing.assert_allclose(given["grad"](found.x) + J.T @ found.multipliers, 0, atol=1e-9)


def test_sketched_solves_are_as_accurate_as_the_iterate_deserves():
    given = control(30)
    direct = minimize_equality(**given)
    sketched = minimize_equality(**given, method="sketched", rng=0)
    assert sketched.converged
    assert "sketch and project" in sketched.method
    np.testing.assert_allclose(sketched.x, direct.x, atol=1e-4)
    residuals = sketched.history.residual
    assert residuals[0] > 0.01 > residuals[-1]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales_of_objective_and_constraint_do_not_matter(scale):
    fun, start, constraint, least = HOCK_SCHITTKOWSKI[40]
    one = minimize_equality(lambda x: scale * fun(x), np.array(start), constraint)
    assert one.objective == pytest.approx(scale * least, rel=1e-6)
    two = minimize_equality(fun, np.array(start), lambda x: scale * constraint(x))
    assert two.objective == pytest.approx(least, rel=1e-6)


def test_infeasible_constraints_are_told():
    with pytest.warns(ConvergenceWarning, match="constraints can be met"):
        found = minimize_equality(
            lambda x: x @ x, np.array([1.0, 2.0]), lambda x: np.array([x @ x + 1.0]), maxiter=20
        )
    assert not found.converged
    assert found.constraint_violation >= 1.0
    with pytest.warns(ConvergenceWarning, match="constraints can be met"):
        minimize_equality(lambda x: x @ x, np.array([1.0, 2.0]), lambda x: x[0] - np.arange(2.0))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x0": np.array([1.0, np.nan])}, ValueError, "x0 has a NaN"),
        ({"x0": np.ones((2, 1))}, ValueError, "vector"),
        ({"x0": np.ones(2) + 1j}, TypeError, "complex"),
        ({"fun": lambda x: math.nan}, ValueError, "fun"),
        ({"constraint": lambda x: np.array([np.inf])}, ValueError, "constraint"),
        ({"grad": lambda x: np.ones(3)}, ValueError, "grad"),
        ({"jac": lambda x: np.ones((2, 2))}, ValueError, "jac"),
        ({"grad": lambda x: np.array([0.0, np.nan])}, ValueError, "grad"),
        ({"grad": lambda x: np.ones(2 if x is START else 3)}, ValueError, "grad"),
        ({"hess": lambda x, multipliers: np.eye(3)}, ValueError, "hess.* is 3x3"),
        ({"jac": lambda x: [[1.0, 2.0]]}, TypeError, "jac.* is a list"),
        ({"constraint": {"type": "eq"}}, TypeError, "constraint is a dict: a function"),
        ({"jac": np.eye(2)}, TypeError, "jac is a ndarray: a function"),
        ({"constraint": lambda x: None}, TypeError, "constraint"),
        ({"constraint": lambda x: np.ones((1, 1))}, ValueError, "constraint"),
        ({"constraint": lambda x: np.ones(1) + 1j}, TypeError, "constraint.* is complex"),
        ({"fun": lambda x: 1j}, TypeError, "fun.* is complex"),
        ({"x0": np.zeros(0)}, ValueError, "x0 is empty"),
        ({"tol": -1.0}, ValueError, "tol"),
        ({"maxiter": -1}, ValueError, "maxiter"),
        ({"method": "cg"}, ValueError, "method"),
    ],
)
def test_bad_input(change, error, message):
    good = {"fun": rosenbrock, "x0": START, "constraint": on_circle}
    with pytest.raises(error, match=message):
        minimize_equality(**{**good, **change})
