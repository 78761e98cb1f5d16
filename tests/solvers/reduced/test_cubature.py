"""Empirical cubature: positive weights, exact integrals, SciPy's least squares, bad input."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.solvers import empirical_cubature, galerkin_cubature, pod
from structlin.solvers.reduced.cubature import _nonnegative
from tests.solvers.reduced.fields import pulses


def powers(degree, n=500):
    """Return the midpoints of cells of [0, 1], and powers of them."""
    x = (np.arange(n) + 0.5) / n
    return x, x ** np.arange(degree + 1)[:, None]


@pytest.mark.parametrize("degree", [0, 1, 5, 9])
def test_polynomials_are_integrated(library, degree):
    _, S = powers(degree)
    weights = np.full(500, 1 / 500)
    rule = empirical_cubature(library.asarray(S), library.asarray(weights), tol=1e-9)
    found = library.to_numpy(rule.weights)
    at = library.to_numpy(rule.indices)
    assert np.all(found > 0)
    assert np.all(np.diff(at) > 0)
    assert len(found) <= degree + 1 == rule.functions
    assert rule.converged
    exact = S @ weights
    np.testing.assert_allclose(S[:, at] @ found, exact, rtol=1e-7)
    made = rule.integrate(library.asarray(S[:, at]))
    np.testing.assert_allclose(library.to_numpy(made), exact, rtol=1e-7)
    # constants are among the functions, so that the volume is kept
    assert np.sum(found) == pytest.approx(1, rel=1e-7)


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 40), st.booleans())
def test_least_squares_are_those_of_lawson_and_hanson(seed, p, n, feasible):
    rng = np.random.default_rng(seed)
    J = rng.standard_normal((p, n))
    # from positive weights, or of no such kind: then there is a residual
    b = J @ rng.uniform(0, 1, n) if feasible else rng.standard_normal(p) - 1
    chosen, x, error = _nonnegative(J, b, 0.0, None)
    expected = scipy.optimize.nnls(J, b)[1] / np.linalg.norm(b)
    assert np.all(x > 0)
    assert error == pytest.approx(expected, abs=1e-8)
    assert np.linalg.norm(J[:, chosen] @ x - b) / np.linalg.norm(b) == pytest.approx(error)


def test_fields_and_weights_of_two_axes(rng):
    weights = rng.uniform(0.5, 1.5, (8, 10))
    S = rng.standard_normal((4, 8, 10))
    rule = empirical_cubature(S, weights, tol=1e-10)
    flat = S.reshape(4, 80)
    np.testing.assert_allclose(
        rule.integrate(flat[:, rule.indices]), flat @ weights.ravel(), rtol=1e-7
    )
    assert np.sum(rule.weights) == pytest.approx(np.sum(weights))


def test_complex_integrands(rng):
    S = rng.standard_normal((3, 60)) + 1j * rng.standard_normal((3, 60))
    rule = empirical_cubature(S, tol=1e-10)
    np.testing.assert_allclose(rule.integrate(S[:, rule.indices]), np.sum(S, axis=1), rtol=1e-7)


def test_galerkin_sums(library):
    S = pulses(np.linspace(0, 1, 25))
    basis = pod(library.asarray(S), 5)
    rule = galerkin_cubature(basis, library.asarray(S**2), tol=1e-6)
    at = library.to_numpy(rule.indices)
    assert len(at) < 80
    T, t = (library.to_numpy(part) for part in rule.projector(basis))
    V = library.to_numpy(basis.rows)
    np.testing.assert_allclose((S**2)[:, at] @ T.T, (S**2) @ V.T, atol=1e-5)
    np.testing.assert_array_equal(t, 0)


def test_positive_rules_keep_matrices_positive():
    # the sum of v_i(x) a(x) v_j(x) is positive definite with few points, too
    S = pulses(np.linspace(0, 1, 25))
    basis = pod(S, 4)
    products = basis.rows[:, None, :] * basis.rows[None, :, :]
    rule = empirical_cubature(products.reshape(16, 80), tol=1e-9)
    few = basis.rows[:, rule.indices]
    made = (few * rule.weights) @ few.T
    np.testing.assert_allclose(made, np.eye(4), atol=1e-6)


def test_too_few_points():
    _, S = powers(6)
    with pytest.warns(ConvergenceWarning, match="3 points leave an error"):
        rule = empirical_cubature(S, points=3)
    assert not rule.converged
    assert len(rule.indices) == 3
    assert np.all(rule.weights > 0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.array([1.0, 1, -0.5, 1]), r"weights has -0.5 at entry 2: .* positive"),
        (np.array([1.0, 0, 1, 1]), "weights has 0 at entry 1"),
        (np.array([1.0, np.nan, 1, 1]), r"NaN or Inf at \[1\]"),
        (np.ones(3), r"shape \(3,\) but integrands have \(4,\)"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        empirical_cubature(np.ones((2, 4)), weights)


def test_bad_integrands():
    with pytest.raises(ValueError, match="sample 1 of integrands"):
        empirical_cubature(np.array([[1.0, 1], [1, np.inf]]))
    with pytest.raises(ValueError, match="fields have shape"):
        galerkin_cubature(pod(np.eye(3), 2), np.ones((2, 4)))


def test_weights_are_real_and_within_the_precision():
    values = np.ones((1, 4), dtype=np.float32)
    with pytest.raises(TypeError, match="weights is complex"):
        empirical_cubature(values, np.ones(4) + 0j)
    with pytest.raises(ValueError, match="weights has 0 at entry 0"):
        empirical_cubature(values, np.full(4, 1e-60))
    with pytest.raises(ValueError, match="basis has no modes"):
        galerkin_cubature(pod(np.zeros((2, 4)), tol=0.1), values)
