"""Error indicators, and models that call the full one where they have to."""

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.solvers import AdaptiveReducedModel, ErrorIndicator
from tests.solvers.reduced.fields import held_out, relative, solved


def adaptive(top, **kwargs):
    """Return a model of samples of ``[0.01, top]²``."""
    problem, parameters, S = solved(top)
    made = AdaptiveReducedModel(
        problem.solve,
        problem.residual,
        linear=problem.linear,
        jacobian=problem.jacobian,
        **kwargs,
    )
    return made.fit(parameters, S)


def correlation(a, b):
    return np.corrcoef(np.log(a), np.log(b))[0, 1]


# calibration


def test_a_power_law_is_found(rng):
    misfits = np.exp(rng.uniform(-12, -2, 80))
    noise = np.exp(0.2 * rng.standard_normal(80))
    indicator = ErrorIndicator().fit(misfits, 3 * misfits**0.7 * noise)
    assert indicator.correlation == pytest.approx(correlation(misfits, indicator.errors))
    grid = np.logspace(-5, -1, 9)
    errors, deviations = indicator.predict(grid)
    np.testing.assert_allclose(np.log(errors / (3 * grid**0.7)), 0, atol=0.2)
    np.testing.assert_allclose(deviations, 0.2, atol=0.08)
    assert indicator.predict(1e-3)[0].shape == ()


def test_a_curve_is_followed():
    x = np.linspace(-10, -1, 60)
    indicator = ErrorIndicator().fit(np.exp(x), np.exp(x + np.sin(x)))
    errors, deviations = indicator.predict(np.exp(x[5:-5] + 0.05))
    np.testing.assert_allclose(np.log(errors), x[5:-5] + 0.05 + np.sin(x[5:-5] + 0.05), atol=0.1)
    assert np.max(deviations) < 0.3


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_errors_of_any_size(scale):
    x = np.logspace(-6, -2, 20)
    errors, _ = ErrorIndicator().fit(x, x * scale).predict(x)
    np.testing.assert_allclose(errors, x * scale, rtol=1e-3)


def test_bad_calibrations():
    with pytest.raises(ValueError, match="no calibration yet"):
        ErrorIndicator().predict(1.0)
    with pytest.raises(ValueError, match="misfit 1 is -1"):
        ErrorIndicator().fit([1.0, -1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="2 pairs of numbers > 0 are too few"):
        ErrorIndicator().fit([1.0, 0.0, 2.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"misfits have shape \(2,\) and errors \(3,\)"):
        ErrorIndicator().fit([1.0, 2.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="negative number"):
        ErrorIndicator().fit([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]).predict(np.nan)


# adaptive models


@pytest.mark.parametrize("sampling", ["gappy", "cubature"])
def test_the_indicator_follows_the_error_beyond_the_samples(sampling):
    model = adaptive(3, sampling=sampling)
    parameters, true = held_out()  # most of them outside [0.01, 3]²
    found = [model.solve(mu, adapt=False) for mu in parameters]
    errors = relative(np.stack([solution.field for solution in found]), true)
    assert correlation(errors, [solution.misfit for solution in found]) >= 0.9
    assert correlation(errors, [solution.error for solution in found]) >= 0.9
    below = np.mean(errors <= [solution.upper for solution in found])
    assert below >= 0.7
    assert model.full_solves == 0


def test_errors_stay_below_the_tolerance():
    model = adaptive(3, tolerance=1e-3)
    before = model.model.basis.rank
    parameters, true = held_out()
    found = [model.solve(mu) for mu in parameters]
    errors = relative(np.stack([solution.field for solution in found]), true)
    assert np.max(errors) < 1e-3
    called = sum(solution.enriched for solution in found)
    assert 1 <= called <= len(parameters) // 2
    assert model.full_solves == called
    assert model.model.basis.rank == before + called
    # what was learned stays: the same problems need the full model no more
    again = [model.solve(mu) for mu in parameters]
    assert sum(solution.enriched for solution in again) < called


def test_snapshots_are_made_where_there_are_none():
    problem, parameters, S = solved(10)
    made = AdaptiveReducedModel(
        problem.solve, problem.residual, linear=problem.linear, tolerance=1e-2
    )
    made.fit(parameters[::3], progress=False)
    assert made.full_solves == len(parameters[::3])
    assert made.model.field(np.zeros(made.model.basis.rank)).shape == S.shape[1:]
    assert relative(made.solve(parameters[1]).field[None], S[1:2])[0] < 1e-2


def test_what_does_not_converge_is_enriched():
    x = np.linspace(0.2, 1, 30)

    def full(mu):
        return x * (1 + mu[0])

    def residual(u, mu, idx):  # beyond µ = 1 the equation is u² + 1 = 0
        return u[idx] ** 2 - u[idx] + 1 if mu[0] > 1 else -x[idx] * (1 + mu[0])

    parameters = np.linspace(0, 1, 8)[:, None]
    made = AdaptiveReducedModel(full, residual, linear=np.eye(30)).fit(parameters)
    assert made.solve(np.array([0.5])).converged
    outside = np.array([1.5])
    with pytest.warns(ConvergenceWarning, match="the error is unknown"):
        found = made.solve(outside, adapt=False)
    assert not found.converged
    assert found.error == np.inf
    rescued = made.solve(outside)
    assert rescued.enriched
    assert rescued.converged
    np.testing.assert_array_equal(rescued.field, full(outside))


def test_bad_input():
    problem, parameters, S = solved(10)
    with pytest.raises(ValueError, match="linear is None"):
        AdaptiveReducedModel(problem.solve, problem.residual, linear=None)
    with pytest.raises(ValueError, match="'gappy' or 'cubature'"):
        adaptive(3, sampling="deim")
    made = AdaptiveReducedModel(problem.solve, problem.residual, linear=problem.linear)
    with pytest.raises(ValueError, match="no model yet"):
        made.solve(parameters[0])
    with pytest.raises(ValueError, match="six samples or more"):
        made.fit(parameters[:5], S[:5])
    with pytest.raises(ValueError, match="24 snapshots for 25"):
        made.fit(parameters, S[1:])
    with pytest.raises(ValueError, match="parameters of sample 2"):
        made.fit(np.where(np.arange(25)[:, None] == 2, np.nan, parameters), S)
    with pytest.raises(ValueError, match="array of 2 finite numbers"):
        made.fit(parameters, S).solve(np.ones(3))


def linear_in(mu, x):
    return x / (1 + mu * x)


def made(scale=1.0, unit=1.0, residual=None, full=None):
    """Return a model of ``u + µ x u = x``, of solutions and parameters of any size."""
    x = np.linspace(0.05, 1, 40)

    def usual(u, mu, idx):
        return mu[0] / unit * x[idx] * u[idx] - scale * x[idx]

    return AdaptiveReducedModel(
        full or (lambda mu: scale * linear_in(mu[0] / unit, x)),
        residual or usual,
        linear=np.eye(40),
    ).fit(unit * np.linspace(0, 3, 12)[:, None])


def test_problems_of_any_size():
    expected = made().solve(np.array([1.3]), adapt=False)
    for found in (
        made(1e-200).solve(np.array([1.3]), adapt=False),
        made(1e200).solve(np.array([1.3]), adapt=False),
        made(unit=1e200).solve(np.array([1.3e200]), adapt=False),
    ):
        assert found.misfit == pytest.approx(expected.misfit, rel=1e-3)
        assert found.error == pytest.approx(expected.error, rel=0.5)


def test_failures_of_the_full_model_leave_the_reduced_one_as_it_was():
    x = np.linspace(0.05, 1, 40)

    def residual(u, mu, idx):  # beyond 8, the full field makes a NaN
        values = mu[0] * x[idx] * u[idx] - x[idx]
        return values * np.nan if mu[0] > 8 and isinstance(u, np.ndarray) else values

    model = made(residual=residual)
    before = repr(model)
    with pytest.raises(ValueError, match=r"nonlinear part for \[9.\] has a NaN"):
        model.solve(np.array([9.0]))
    assert repr(model) == before
    assert model.solve(np.array([5.0])).enriched


def test_samples_that_teach_nothing():
    with pytest.raises(ValueError, match="nonlinear part is zero at half of the samples"):
        made(residual=lambda u, mu, idx: 0 * u[idx])
    with pytest.raises(ValueError, match="half of the snapshots or more are zero"):
        made(full=lambda mu: np.zeros(40))
    with pytest.raises(ValueError, match=r"residual returned shape \(3,\) for 40 places"):
        made(residual=lambda u, mu, idx: u[idx][:3])
    with pytest.raises(ValueError, match="too few to calibrate"):  # u² + 1 = 0
        made(residual=lambda u, mu, idx: u[idx] ** 2 - u[idx] + 1)


def test_few_pairs_leave_a_doubtful_line():
    indicator = ErrorIndicator().fit([1.0, 2.0, 4.0], [1.0, 3.0, 3.0])
    near, far = indicator.predict([2.0, 200.0])[1]
    assert 0 < near < far / 3
