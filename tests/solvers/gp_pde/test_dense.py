"""Dense conditioning: against covariances formed outright, and honest where data are exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.dense import condition_dense
from structlin.solvers.gp_pde._posteriors.one_axis import condition_axis, learned_axis
from tests.solvers.gp_pde.problems import DEVELOPMENT


def drawn(n, m, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, m)) * np.logspace(2, -2, m)
    return A, A @ rng.standard_normal(m) + rng.standard_normal(n)


@given(st.sampled_from([(12, 5), (5, 12), (7, 7), (1, 4), (4, 1)]), st.integers(0, 20))
def test_mean_covariance_and_evidence_of_the_joint_normal(shape, seed):
    A, y = drawn(*shape, seed)
    n, m = shape
    found = condition_dense(A, y)
    marginal = A @ A.T + np.eye(n)  # covariance of y
    gain = np.linalg.solve(marginal, A).T
    np.testing.assert_allclose(found.weights, gain @ y, rtol=1e-7, atol=1e-8)
    covariance = np.eye(m) - gain @ A
    np.testing.assert_allclose(found.root @ found.root.T, covariance, rtol=1e-6, atol=1e-8)
    logdet = np.linalg.slogdet(marginal)[1]
    evidence = -0.5 * (y @ np.linalg.solve(marginal, y) + logdet + n * math.log(2 * math.pi))
    assert found.log_evidence == pytest.approx(evidence, rel=1e-9)
    assert found.residual == pytest.approx(
        np.linalg.norm(y - A @ found.weights) / np.linalg.norm(y), rel=1e-6
    )


def test_every_library_gives_the_same(library):
    A, y = drawn(9, 4, 0)
    here = condition_dense(library.asarray(A.tolist()), library.asarray(y.tolist()))
    there = condition_dense(A, y)
    for name in ("weights", "singular_values"):
        got, expected = getattr(here, name), getattr(there, name)
        assert all(
            abs(float(got[k]) - expected[k]) < 1e-10 * np.max(expected)
            for k in range(len(expected))
        )
    assert here.log_evidence == pytest.approx(there.log_evidence, rel=1e-10)


def test_evidence_does_not_cancel():
    # data of size 1e12 that the weights explain: the sum of squares would cost every digit
    A, _ = drawn(40, 6, 1)
    A = 1e12 * A
    y = A @ np.linspace(-1, 1, 6)
    found = condition_dense(A, y)
    s = np.linalg.svd(A, compute_uv=False)
    size = np.linspace(-1, 1, 6) @ np.linspace(-1, 1, 6)
    expected = -0.5 * (size + 40 * math.log(2 * math.pi)) - np.sum(np.log(s))
    assert found.log_evidence == pytest.approx(expected, abs=1.0)


def test_errors_of_exact_data_are_read_off_the_residual():
    rng = np.random.default_rng(5)
    A, _ = drawn(60, 4, 2)
    truth = np.ones(4)
    small = 1e-3 * rng.standard_normal(60)  # far less than the standard deviation assumed
    found = condition_dense(1e3 * A, 1e3 * (A @ truth + 1e-3 * small), np.full(60, True))
    assert 0.5e-3 < found.noise_ratio < 2e-3
    mixed = condition_dense(1e3 * A, 1e3 * (A @ truth + 1e-3 * small), np.arange(60) < 30)
    loose = condition_dense(1e3 * A, 1e3 * (A @ truth + 1e-3 * small))
    sds = [np.sum(f.root**2) for f in (found, mixed, loose)]
    assert sds[0] < sds[1] < sds[2]


@pytest.mark.parametrize(
    "name", ["two tones", "Helmholtz", "uneven nodes", "mixed boundary", "first order"]
)
def test_exact_data_have_honest_errors(name):
    problem = DEVELOPMENT[name]
    solution = _by_lines(problem)
    x = np.linspace(*problem.grid.sides[0], 300)
    mean, sd = solution(x)
    error = np.abs(mean - problem.u(x))
    assert np.linalg.norm(error) < 1e-8 * np.linalg.norm(problem.u(x))
    assert np.quantile(error / sd, 0.95) < 3


def _by_lines(problem):
    from structlin.solvers.gp_pde._priors.prior import line_prior

    given_ = Problem.of(problem.grid, problem.terms, problem.rhs, problem.boundary)
    scale = given_.scale()
    scaled = given_.scaled(1 / scale)
    features = learned_axis(scaled, line_prior(scaled, 0).features[0])
    posterior = condition_axis(scaled, features)

    def at(x):
        V = features.values(x)
        return scale * V @ posterior.weights, scale * np.sqrt(posterior.variance_at([V]))

    return at


def test_a_problem_of_one_axis_is_conditioned_on_all_its_data():
    x = np.linspace(0, 1, 30)
    problem = Problem.of(
        Grid(x),
        {(2,): 1.0},
        np.zeros(30),
        {(0, 0): 1.0},
        observations=(np.asarray([1.0]), np.asarray([3.0]), 1e-3),
        noise=1e-6,
    )
    features = Features(0.5, 0.5, powers=range(4), power_sds=np.full(4, 10.0))
    posterior = condition_axis(problem, features)
    V = features.values(np.asarray([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(V @ posterior.weights, [1.0, 2.0, 3.0], atol=1e-4)
    sd = np.sqrt(posterior.variance_at([V]))
    assert sd[0] < 1e-6
    assert sd[2] == pytest.approx(1e-3, rel=1e-3)
    draws = posterior.sample(0, 400)
    assert np.std((draws @ V.T)[:, 2]) == pytest.approx(1e-3, rel=0.2)


def test_the_evidence_is_the_density_of_the_data_themselves():
    x, sd = np.linspace(0, 1, 12), 0.3
    f = np.random.default_rng(0).standard_normal(12)
    problem = Problem.of(Grid(x), {(1,): 2.0}, f, {}, noise=sd)
    features = Features(0.5, 0.5, [3.0], [1.5])
    V = 2 * features.values(x, 1)
    covariance = V @ V.T + sd**2 * np.eye(12)
    expected = -0.5 * (
        f @ np.linalg.solve(covariance, f)
        + np.linalg.slogdet(covariance)[1]
        + 12 * math.log(2 * math.pi)
    )
    assert condition_axis(problem, features).log_evidence == pytest.approx(expected, rel=1e-10)
    # a value that is missing changes the density only by being left out
    gaps = Problem.of(
        Grid(x), {(1,): 2.0}, np.where(np.arange(12) == 4, np.nan, f), {}, noise=sd, missing="nan"
    )
    kept = np.arange(12) != 4
    part = covariance[np.ix_(kept, kept)]
    expected = -0.5 * (
        f[kept] @ np.linalg.solve(part, f[kept])
        + np.linalg.slogdet(part)[1]
        + 11 * math.log(2 * math.pi)
    )
    assert condition_axis(gaps, features).log_evidence == pytest.approx(expected, rel=1e-10)


def test_a_failing_decomposition_is_repeated_more_slowly(monkeypatch):
    def fails(*args, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    A, y = drawn(8, 3, 0)
    expected = condition_dense(A, y).weights
    monkeypatch.setattr(np.linalg, "svd", fails)
    np.testing.assert_allclose(condition_dense(A, y).weights, expected, rtol=1e-10)
