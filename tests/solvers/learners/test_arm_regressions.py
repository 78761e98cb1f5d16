"""ChebCB and Thompson sampling: fits and draws against dense solves and formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.polynomial import chebyshev
from scipy.optimize import lsq_linear

from structlin._kernels import arm_regressions
from structlin.solvers import ChebCB, Outcome, Play, ThompsonSampling
from structlin.solvers.learners._arms import compiled
from structlin.solvers.learners._context import total_degree
from tests.solvers.learners.learners import CONTEXTS, outcome

solvers = pytest.mark.parametrize(
    "solve",
    [arm_regressions.solve_in_box, compiled(arm_regressions.solve_in_box)],
    ids=["plain", "compiled"],
)


def told(learner, rounds, loss, seed=0):
    """Play arms at random, whatever the learner wants, and return what was told."""
    rng = np.random.default_rng(seed)
    record = []
    for _ in range(rounds):
        arm = int(rng.integers(learner.arms))
        context = learner.contexts and tuple(rng.uniform(low, high) for low, high in BOX)
        learner.tell(Play(arm, arm, context=context or ()), loss(arm, context, rng))
        record.append((arm, context, loss))
    return record


BOX = ((-1.0, 2.0), (0.0, 5.0))


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
@pytest.mark.parametrize("seed", [0, 1])
def test_they_do_better_than_any_fixed_parameter(make, seed):
    """By Young's relation the best of 19 costs 1.21 times what the best for each context does."""
    omegas = np.linspace(1, 1.9, 19).tolist()
    rng = np.random.default_rng(seed)
    contexts = rng.uniform(*CONTEXTS, 4000).tolist()
    work = rng.lognormal(0, 0.1, 4000)  # from solve to solve
    table = np.array([[outcome(Play(w, context=(c,))).loss for w in omegas] for c in contexts])
    table *= work[:, None]
    learner = make(omegas, CONTEXTS, rng=seed)
    total = 0.0
    for context, losses in zip(contexts, table, strict=True):
        play = learner.ask(context)
        total += losses[play.arm]
        learner.tell(play, losses[play.arm])
    assert table.sum(0).min() > 1.2 * table.min(1).sum()
    assert total < 1.13 * table.min(1).sum()


@given(seed=st.integers(0, 1000), degree=st.integers(0, 6))
def test_polynomials_are_products_of_chebyshev_polynomials(seed, degree):
    place = np.random.default_rng(seed).uniform(-1, 1, 2)
    exponents = total_degree(2, degree)
    phi = np.empty(len(exponents))
    arm_regressions.polynomials(place, exponents, phi)
    unit = np.eye(degree + 1)
    expected = [
        chebyshev.chebval(place[0], unit[a]) * chebyshev.chebval(place[1], unit[b])
        for a, b in exponents
    ]
    np.testing.assert_allclose(phi, expected, rtol=1e-12, atol=1e-12)


@solvers
@given(
    seed=st.integers(0, 1000),
    m=st.integers(1, 7),
    rounds=st.integers(1, 30),
    tightness=st.floats(-2, 2),
)
def test_box_fits_are_those_of_least_squares(solve, seed, m, rounds, tightness):
    rng = np.random.default_rng(seed)
    features, losses = rng.standard_normal((rounds, m)), rng.standard_normal(rounds)
    bounds = 10.0**tightness * rng.uniform(0.1, 1, m)
    ridge = 1e-3
    theta = np.empty(m)
    solve(features.T @ features, features.T @ losses, ridge, bounds, theta, np.empty((4 + m, m)))
    rows = np.vstack([features, np.sqrt(ridge) * np.eye(m)])
    found = lsq_linear(rows, np.r_[losses, np.zeros(m)], (-bounds, bounds), method="bvls").x
    assert np.all(np.abs(theta) <= bounds)
    np.testing.assert_allclose(theta, found, atol=1e-7 * max(1.0, np.abs(found).max()))


def test_without_experience_all_arms_are_alike():
    learner = ChebCB(4, (0, 1), rng=0)
    np.testing.assert_array_equal(learner.probabilities_at(0.3), np.full(4, 0.25))
    np.testing.assert_array_equal(learner.predictions(0.3), np.zeros(4))


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
def test_losses_that_are_polynomials_are_found(make):
    def loss(arm, context, rng):
        x, y = context
        return 30.0 + (arm - 1) * (x + 2 * y) + x * y

    learner = make(3, BOX, degree=2, rng=0)
    told(learner, 600, loss)
    for context in ((0.3, 4.0), (2.0, 0.0), (-1.0, 5.0)):
        expected = [loss(arm, context, None) for arm in range(3)]
        # Thompson sampling's prior shrinks coefficients a little
        np.testing.assert_allclose(learner.predictions(context), expected, rtol=0.02)


def test_inverse_gap_weights():
    """Probabilities are ``1/(d + η gap)`` for all but the best, with the stated ``η``."""
    learner = ChebCB(3, (0, 1), degree=0, rng=0)
    losses = [4.0, 2.0, 3.0, 2.0, 4.0, 2.0]
    arms = [0, 1, 2, 1, 0, 1]
    for arm, loss in zip(arms, losses, strict=True):
        learner.tell(Play(arm, arm, context=(0.5,)), loss)
    errors = 4.0**2 + 2.0**2 + 3.0**2  # the first prediction of each arm is zero, then exact
    alpha = 4.0 * (np.pi + 2 / np.pi * np.log(3)) / 4
    eta = 2 * 6 * np.sqrt(3 * 6 / (errors + 2 * alpha**2 * 6))
    others = [1 / (3 + eta * 2), 1 / (3 + eta * 1)]
    expected = [others[0], 1 - sum(others), others[1]]
    np.testing.assert_allclose(learner.probabilities_at(0.9), expected, rtol=1e-7)


def test_draws_follow_the_probabilities():
    learner = ChebCB(3, (0, 1), degree=1, rng=0)
    told_losses = [(0, 5.0), (1, 4.0), (2, 6.0)]
    for arm, loss in told_losses * 3:
        learner.tell(Play(arm, arm, context=(0.5,)), loss)
    p = learner.probabilities_at(0.5)
    assert abs(p.sum() - 1) < 1e-12
    plays = [learner.ask(0.5) for _ in range(20_000)]
    assert all(play.probability == p[play.arm] for play in plays)
    draws = np.bincount([play.arm for play in plays], minlength=3)
    assert ((draws - 20_000 * p) ** 2 / (20_000 * p)).sum() < 13.8  # as for Tsallis-INF


def test_coefficients_stay_in_their_box():
    """Few contexts that lie close together do not make wild predictions elsewhere."""
    learner = ChebCB(1, (0, 1), degree=5, rng=0)
    for k in range(12):
        learner.tell(Play(0, 0, context=(0.5 + 1e-3 * k,)), 10.0 + (-1) ** k)
    bound = 11 * (1 + 2 * sum(1 / j for j in range(1, 6)))
    for context in np.linspace(0, 1, 9):
        assert abs(learner.predictions(context)[0]) <= bound


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("contexts", [None, BOX])
def test_posteriors_are_those_of_bayesian_regression(contexts, discount):
    """Mean and variance of the drawn losses, from dense weighted least squares."""
    learner = ThompsonSampling(2, contexts, degree=2, discount=discount, rng=0)
    rng = np.random.default_rng(3)
    exponents = total_degree(2, 2) if contexts else np.zeros((1, 0), dtype=int)
    rows, arms, losses = [], [], []
    for _ in range(40):
        arm = int(rng.integers(2))
        context = tuple(rng.uniform(low, high) for low, high in BOX) if contexts else ()
        loss = float(rng.uniform(3, 5) + 4 * arm)
        learner.tell(Play(arm, arm, context=context), loss)
        place = np.array(learner.contexts.scaled(context)) if contexts else np.empty(0)
        phi = np.empty(len(exponents))
        arm_regressions.polynomials(place, exponents, phi)
        rows.append(phi)
        arms.append(arm)
        losses.append(loss)
    phi, arms, losses = np.array(rows), np.array(arms), np.array(losses)
    weights = discount ** np.arange(40, 0, -1) if discount < 1 else np.ones(40)
    common = (weights * losses**2).sum() / weights.sum()
    prior = np.diag(0.01 * (1.0 + exponents.sum(1)) ** 4)
    for arm in range(2):
        w = weights * (arms == arm)
        precision = (phi.T * w) @ phi + prior
        moments = (phi.T * w) @ losses
        theta = np.linalg.solve(precision, moments)
        variance = (common + (w * losses**2).sum() - moments @ theta) / (1 + w.sum())
        state = learner._theta[arm], learner._variances[arm], learner._factor[arm]
        np.testing.assert_allclose(state[0], theta, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(state[1], variance, rtol=1e-8)
        np.testing.assert_allclose(state[2] @ state[2].T, precision, rtol=1e-10, atol=1e-12)


def test_draws_from_posteriors_follow_their_variance():
    """An arm is drawn as often as a normal variable is below another one."""
    learner = ThompsonSampling(2, rng=0)
    for arm, loss in [(0, 3.0), (1, 4.0), (0, 5.0), (1, 3.0), (1, 6.0)]:
        learner.tell(Play(arm, arm), loss)
    means = learner._theta[:, 0]
    variances = learner._variances / learner._factor[:, 0, 0] ** 2
    normals = np.random.default_rng(7).standard_normal((200_000, 2))
    expected = np.mean((means + np.sqrt(variances) * normals).argmin(1))
    share = np.mean([learner.ask().arm for _ in range(20_000)])
    assert abs(share - expected) < 4 * np.sqrt(0.25 / 20_000)


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
def test_merged_learners_know_what_one_knows_that_was_told_all(make):
    def loss(arm, context, rng):
        return float(5 + arm + context[0] + rng.uniform())

    parts = [make(3, BOX, degree=1, rng=0) for _ in range(2)]
    whole = make(3, BOX, degree=1, rng=0)
    for seed, learner in enumerate(parts):
        told(learner, 50, loss, seed)
        told(whole, 50, loss, seed)
    parts[0].merge(parts[1])
    for context in ((0.0, 1.0), (2.0, 5.0)):
        np.testing.assert_allclose(
            parts[0].predictions(context), whole.predictions(context), rtol=1e-6
        )


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
def test_a_censored_loss_counts_as_the_largest_so_far(make):
    learners = [make(3, [BOX[0]], rng=0) for _ in range(2)]
    for learner, last in zip(learners, [Outcome(2.0, censored=True), Outcome(9.0)], strict=True):
        for k, seen in enumerate((Outcome(4.0), Outcome(9.0), Outcome(5.0), last)):
            learner.tell(Play(k % 3, k % 3, context=(k / 3,)), seen)
    np.testing.assert_array_equal(learners[0].predictions(0.7), learners[1].predictions(0.7))


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
def test_losses_are_not_rescaled_beyond_what_is_possible(make):
    learner = make(3, (0, 1), rng=0)
    learner.tell(learner.ask(0.5), 1e60)
    before = learner.state_dict()
    with pytest.raises(ValueError, match=r"1e\+60 would be beyond 1e\+100"):
        learner.rescale(1e60)
    assert learner.state_dict() == before


@pytest.mark.parametrize("make", [ChebCB, ThompsonSampling])
def test_impossible_settings_are_refused(make):
    with pytest.raises(ValueError, match="degree is -1"):
        make(3, (0, 1), degree=-1)
    with pytest.raises(ValueError, match="arms is 0"):
        make(0, (0, 1))
    with pytest.raises(ValueError, match="the range must be finite"):
        make(3, (1, 1))
    with pytest.raises(ValueError, match="arms 0 to 2"):
        make(3, (0, 1)).tell(Play(3, 3, context=(0.5,)), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sums": [1.0, 500.0, 2.0]}, "rounds of weight 500"),
        ({"sums": [1.0, 2.0, 2.0]}, "arms of weight"),
        ({"sums": [1.0, 2.0]}, "shape"),
        ({"gram": [[[-1.0]], [[11.0]]]}, "semidefinite"),
        ({"moments": [[1e200], [0.0]]}, "moment"),
    ],
)
def test_corrupted_states_are_refused(change, message):
    learner = ChebCB(2, (0, 1), degree=0, rng=0)
    for k in range(10):
        learner.tell(learner.ask(k / 10), 2.0)
    state = learner.state_dict()
    with pytest.raises(ValueError, match=message):
        ChebCB.from_state_dict({**state, "state": {**state["state"], **change}})


def test_the_squares_of_the_losses_must_agree():
    learner = ThompsonSampling(2, rng=0)
    learner.tell(learner.ask(), 3.0)
    state = learner.state_dict()
    with pytest.raises(ValueError, match="squares of"):
        ThompsonSampling.from_state_dict(
            {**state, "state": {**state["state"], "squares": [1.0, 1.0]}}
        )


def test_repr():
    assert repr(ChebCB(3, (0, 1))) == "<ChebCB 3 arms, degree 5, 0 rounds>"
    assert repr(ThompsonSampling(3)) == "<ThompsonSampling 3 arms, no context, 0 rounds>"
