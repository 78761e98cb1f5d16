"""The spectral learner: Young's relation, the filter, and what it does where theory ends."""

from __future__ import annotations

import copy
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin._backend import kernel, namespace
from structlin._kernels import spectral
from structlin.matrices import GridOperator
from structlin.solvers import (
    jacobi_radius,
    omega_young,
    sor,
    sor_spectral_radius,
)
from structlin.solvers.learners import Learner, Outcome, SpectralLearner
from structlin.solvers.learners._context import total_degree

compiled = {
    plain: kernel(namespace(np.empty(0)), plain) for plain in (spectral.decide, spectral.learn)
}
nats = math.log(1e8)


def cost(omega: float, beta: float) -> float:
    """Return the iterations in the long run by Young's formula."""
    return nats / -math.log(max(sor_spectral_radius(omega, beta), 1e-12))


def young(omega: float, beta: float) -> Outcome:
    return Outcome(cost(omega, beta), rate=sor_spectral_radius(omega, beta), reduction=nats)


def solved(omega, A, b, **options):
    """Return what a solve costs, and the rate over its last third."""
    solution = sor(A, b, omega=omega, **options)
    norms = solution.residual_norms
    window = max(3, solution.iterations // 3)
    rate = (norms[-1] / norms[-1 - window]) ** (1 / window)
    return Outcome(solution.iterations, rate=rate, reduction=math.log(norms[0] / norms[-1]))


def played(learner, outcome_of, contexts):
    """Play a sequence; return the losses."""
    losses = []
    for context in contexts:
        play = learner.ask(context)
        outcome = outcome_of(play.value, context)
        learner.tell(play, outcome)
        losses.append(outcome.loss)
    return np.array(losses)


@given(
    beta=st.floats(0.05, 0.9999),
    omega=st.floats(0.3, 1.999),
)
def test_the_rate_tells_the_radius_below_the_best_parameter(beta, omega):
    """One play with a prior that knows nothing moves the estimate to the radius itself."""
    x, v = math.log((2 - omega) / omega), 0.5 * math.log1p(-beta * beta)
    mean, covariance = np.array([v - 0.5]), np.array([[100.0]])
    sums = np.array([1e-4, 1, 0, 0, 1, 1, 0, 0])
    learned = [mean, covariance, np.zeros((5, len(spectral.offsets))), sums]
    compiled[spectral.learn](
        np.empty(0), np.zeros((1, 0), np.int64), *learned, covariance.diagonal().copy(),
        1.0, omega, sor_spectral_radius(omega, beta), 1.0, False,
    )  # fmt: skip
    if x - v > spectral.visible + 1e-6:
        assert mean[0] == pytest.approx(min(v, spectral.highest), abs=1e-5)
    elif x - v < spectral.visible - 1e-6:  # only a bound is known
        assert mean[0] > v - 0.5


@st.composite
def states(draw):
    """Draw a context, and everything that a learner may know."""
    d = draw(st.integers(0, 2))
    exponents = total_degree(d, 3) if d else np.zeros((1, 0), np.int64)
    p, m = len(exponents), len(spectral.offsets)
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    root = rng.standard_normal((p, p)) * 10.0 ** draw(st.integers(-4, 0))
    table = rng.exponential(size=(5, m)) * rng.integers(0, 2, (5, m))
    table[0] *= 10.0 ** draw(st.integers(-100, 100))
    sums = np.append(rng.exponential(size=7) + 0.1, rng.integers(-1, 2))
    sums[2], sums[3] = table[0].sum(), table[1].sum()
    mean = rng.standard_normal(p)
    learned = [mean, root @ root.T + 1e-6 * np.eye(p), table, sums]
    return rng.uniform(-1, 1, d), exponents, learned, rng.standard_normal(m)


def dense_choice(v, variance, table, sums, normals):
    """Return the offset of least cost, by dense factors of what the kernel does along a chain."""
    level = sums[2] / sums[3] if sums[3] > 0 else 0.0
    level = level if level > spectral.least_level else 1.0
    noise = max(sums[4] / sums[5], spectral.least_variance)
    links = 1 / (spectral.drift**2 * np.diff(spectral.offsets))
    precision = np.diag(table[2] / noise) - np.diag(links, 1) - np.diag(links, -1)
    precision[1:, 1:] += np.diag(links)
    precision[:-1, :-1] += np.diag(links)
    precision[spectral.centre, spectral.centre] += spectral.anchor
    factor = np.linalg.cholesky(precision)
    right = np.linalg.solve(factor, (table[0] / level - table[1]) / noise)
    correction = np.linalg.solve(factor.T, right + normals)
    scales = np.exp(-math.sqrt(variance) * spectral.nodes)
    r = np.multiply.outer(spectral.growth, scales)
    costs = np.where(r > 1, r + np.sqrt(np.maximum(r * r, 1) - 1), 1 / r)
    failed = table[3] / (table[4] + spectral.doubt)
    costs = costs @ (spectral.masses * scales) * (1 + spectral.surcharge * failed) + correction
    return costs, min(max(v, spectral.lowest), spectral.highest)


@given(state=states())
def test_decisions_agree_with_dense_algebra(state):
    place, exponents, (mean, covariance, table, sums), normals = state
    sums[6] = 1e9  # no looks to the left
    phi = np.prod(
        np.polynomial.chebyshev.chebvander(place, 3).T[exponents.T, np.arange(len(place))[:, None]],
        axis=0,
    )
    spread = max(sums[0] / sums[1], spectral.least_variance)
    costs, inside = dense_choice(
        phi @ mean, max(phi @ covariance @ phi, 0.0) + spread, table, sums, normals
    )
    x = compiled[spectral.decide](
        place, exponents, mean, covariance, table, sums, normals, False, False
    )
    chosen = int(np.argmin(np.abs(inside + spectral.offsets - x)))
    assert x == pytest.approx(inside + spectral.offsets[chosen], abs=1e-9)
    assert costs[chosen] <= costs.min() + 1e-9 * np.abs(costs).max()


@given(state=states(), explore=st.booleans(), look=st.booleans())
def test_compiled_decisions_agree_with_the_plain_ones(state, explore, look):
    place, exponents, learned, normals = state
    plain, twin = (
        decide(place, exponents, *learned, normals, explore, look)
        for decide in (spectral.decide, compiled[spectral.decide])
    )
    assert twin == pytest.approx(plain, rel=1e-9)


@given(
    state=states(),
    omega=st.floats(0.1, 1.99),
    rate=st.one_of(st.just(-1.0), st.floats(1e-3, 1.5)),
    loss=st.floats(0, 100),
    censored=st.booleans(),
    discount=st.sampled_from([1.0, 0.9]),
)
def test_compiled_updates_agree_with_the_plain_ones(state, omega, rate, loss, censored, discount):
    place, exponents, learned, _ = state
    prior = np.ones(len(exponents))
    results = []
    for learn in (spectral.learn, compiled[spectral.learn]):
        arrays = copy.deepcopy(learned)
        learn(place, exponents, *arrays, prior, discount, omega, rate, loss, censored)
        results.append(arrays)
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, rtol=1e-7, atol=1e-9)


@given(state=states(), omega=st.floats(0.1, 1.99), rate=st.floats(1e-3, 1.5))
def test_covariances_stay_positive_and_grow_by_the_spread_or_begin_again(state, omega, rate):
    place, exponents, (mean, covariance, table, sums), _ = state
    before, spread = covariance.copy(), max(sums[0] / sums[1], spectral.least_variance)
    prior = np.ones(len(exponents))
    compiled[spectral.learn](
        place, exponents, mean, covariance, table, sums, prior, 1.0, omega, rate, 1.0, False
    )
    rounding = 1e-12 * np.abs(before).max()
    assert np.linalg.eigvalsh(covariance)[0] > -rounding
    grown = max(sums[0] / sums[1] / spread, 1.0)
    bounds = (grown * before, np.diag(prior))  # the latter after a change
    assert any(np.linalg.eigvalsh(b - covariance)[0] > -rounding * grown - 1e-12 for b in bounds)


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.99, 0.9999])
def test_it_finds_the_best_parameter_and_the_radius(beta):
    learner = SpectralLearner(rng=0)
    losses = played(learner, lambda omega, _: young(omega, beta), [None] * 200)
    best = cost(omega_young(beta), beta)
    assert losses[-100:].mean() < 1.12 * best
    assert losses[1:50].mean() < 1.3 * best  # nothing is known of the first
    assert learner.radius() == pytest.approx(beta, abs=0.1 * (1 - beta) + 0.03)
    assert cost(learner.best(), beta) < 1.15 * best


def test_the_radius_follows_the_context():
    learner = SpectralLearner(contexts=[(0, 3), (-1, 1)], rng=0)
    rng = np.random.default_rng(1)
    contexts = list(zip(rng.uniform(0, 3, 300), rng.uniform(-1, 1, 300), strict=True))

    def radius(context):
        return math.sqrt(1 - math.exp(-2 - context[0] - 0.5 * context[1]))

    losses = played(learner, lambda omega, context: young(omega, radius(context)), contexts)
    best = np.array([cost(omega_young(radius(c)), radius(c)) for c in contexts])
    assert losses[-100:].sum() < 1.06 * best[-100:].sum()
    for context in [(0.5, 0.5), (1.5, -0.5), (2.5, 0.0)]:
        assert learner.radius(context) == pytest.approx(radius(context), abs=2e-3)


def test_without_contexts_the_losses_decide():
    """The best parameter of a mixture is far from that of the mean radius."""
    radii = [0.5, 0.9, 0.999]
    learner = SpectralLearner(rng=0)
    rng = np.random.default_rng(2)
    drawn = [radii[k] for k in rng.integers(0, 3, 1500)]
    stream = iter(drawn)
    losses = played(learner, lambda omega, _: young(omega, next(stream)), [None] * 1500)
    fixed = [np.mean([cost(w, beta) for beta in radii]) for w in np.linspace(1, 1.98, 50)]
    assert losses[-500:].mean() < 1.15 * min(fixed)


def test_losses_correct_a_theory_that_is_wrong():
    """What costs least is 2 − ω half of what the rates say."""
    beta = 0.95
    gap = 0.5 * (2 - omega_young(beta))

    def outcome(omega, _):
        rate = sor_spectral_radius(omega, beta)
        return Outcome(30 * (1 + 2 * math.log((2 - omega) / gap) ** 2), rate=rate, reduction=nats)

    losses = played(SpectralLearner(rng=0), outcome, [None] * 600)
    assert losses[-200:].mean() < 1.3 * 30  # Young's parameter costs 1.96 times as much


def test_attempts_that_fail_are_left_even_where_rates_recommend_them():
    """Beyond ω = 1.3 everything is given up, though the rates say that 1.8 is best."""
    learner = SpectralLearner(rng=0)
    omegas = []

    def outcome(omega, _):
        omegas.append(omega)
        seen = young(omega, 0.994)
        return Outcome(5.0, True, seen.rate, seen.reduction) if omega > 1.3 else seen

    played(learner, outcome, [None] * 500)
    assert np.mean(np.array(omegas[-100:]) > 1.3) < 0.15


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(1.0, True),
        Outcome(1e4, True, rate=1.3, reduction=-5.0),
        Outcome(1.0, False, rate=0.0, reduction=20.0),
        Outcome(1.0, False, rate=1.0, reduction=20.0),
        Outcome(0.0, False, rate=None, reduction=1e300),
    ],
    ids=str,
)
def test_it_recovers_from_outcomes_that_say_nothing(outcome):
    """After 30 of them, the next 300 with a meaning are played well."""
    learner = SpectralLearner(contexts=(0, 1), rng=0)
    played(learner, lambda omega, _: outcome, [0.5] * 30)
    Learner.from_state_dict(learner.state_dict())
    losses = played(learner, lambda omega, _: young(omega, 0.97), [0.5] * 300)
    assert losses[-100:].mean() < 1.3 * cost(omega_young(0.97), 0.97)


def test_plays_stay_in_the_range():
    learner = SpectralLearner(low=1.2, high=1.4, rng=0)
    for beta in [0.1] * 50 + [0.9999] * 50:
        play = learner.ask()
        assert 1.2 <= play.value <= 1.4
        learner.tell(play, young(play.value, beta))
    assert learner.best() == 1.4


def test_real_solves_of_shifted_laplacians():
    """A small instance of the contextual study: little more than the formula, from the start."""
    rng = np.random.default_rng(3)
    shifts = rng.uniform(-0.05, 0.5, 150)
    systems = [(GridOperator.laplacian((8, 8), c), rng.standard_normal(64)) for c in shifts]
    order = {"ordering": "lexicographic"}
    best = [sor(A, b, omega=omega_young(jacobi_radius(A)), **order).iterations for A, b in systems]
    stream = iter(systems)
    learner = SpectralLearner(contexts=(-0.1, 0.5), rng=0)
    losses = played(learner, lambda omega, _: solved(omega, *next(stream), **order), shifts)
    assert losses[:50].sum() < 1.4 * sum(best[:50])
    assert losses[50:].sum() < 1.1 * sum(best[50:])


def test_merged_learners_know_what_both_know():
    """Each has seen one half of the contexts."""
    halves = [SpectralLearner(contexts=(0, 1), rng=seed) for seed in (0, 1)]

    def radius(context):
        return 0.9 + 0.08 * context

    def outcome(omega, context):
        return young(omega, radius(context))

    rng = np.random.default_rng(4)
    for k, half in enumerate(halves):
        played(half, outcome, rng.uniform(0.5 * k, 0.5 * k + 0.5, 100))
    halves[0].merge(halves[1])
    for context in (0.1, 0.4, 0.6, 0.9):
        assert halves[0].radius(context) == pytest.approx(radius(context), abs=3e-3)


def test_experience_with_and_without_reductions_is_not_mixed():
    one, other = SpectralLearner(rng=0), SpectralLearner(rng=1)
    played(one, lambda omega, _: young(omega, 0.9), [None] * 5)
    played(other, lambda omega, _: cost_only(omega), [None] * 5)
    with pytest.raises(ValueError, match="reductions"):
        one.merge(other)


def cost_only(omega: float) -> Outcome:
    return Outcome(cost(omega, 0.9))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"low": 0.0}, ValueError, "0 < low < high < 2"),
        ({"high": 2.0}, ValueError, "0 < low < high < 2"),
        ({"low": 1.5, "high": 1.4}, ValueError, "0 < low < high < 2"),
        ({"low": math.nan}, ValueError, "0 < low < high < 2"),
        ({"low": "1"}, TypeError, "low is '1'"),
        ({"degree": -1}, ValueError, "degree is -1"),
        ({"discount": 0.0}, ValueError, "discount is"),
        ({"contexts": (1, 1)}, ValueError, "range must be finite"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        SpectralLearner(**options)


@pytest.mark.parametrize(
    ("components", "degree"), [(0, 0), (1, 8), (2, 4), (3, 3), (4, 2), (5, 1), (8, 1)]
)
def test_the_degree_is_what_is_affordable(components, degree):
    contexts = [(0, 1)] * components or None
    assert SpectralLearner(contexts=contexts).degree == degree


def test_plays_of_other_learners_are_refused():
    with_context = SpectralLearner(contexts=(0, 1), rng=0)
    with pytest.raises(ValueError, match="of another learner"):
        SpectralLearner(rng=0).tell(with_context.ask(0.5), 3)
    with pytest.raises(ValueError, match="of another learner"):
        SpectralLearner(low=1.9, rng=0).tell(SpectralLearner(rng=0).ask(), 3)


def test_states_that_are_not_positive_definite_are_refused():
    state = SpectralLearner(contexts=(0, 1), degree=1, rng=0).state_dict()
    state["state"]["covariance"] = [[1.0, 2.0], [2.0, 1.0]]
    with pytest.raises(ValueError, match="not the state"):
        SpectralLearner.from_state_dict(state)


@pytest.mark.parametrize("contexts", [None, (0, 1)])
def test_a_context_that_explains_nothing_does_no_harm(contexts):
    """The radius changes from solve to solve at random, and the first ones are no exception."""
    learner = SpectralLearner(contexts=contexts, rng=0)
    rng = np.random.default_rng(0)
    betas = 1 - 10 ** -rng.uniform(1, 3, 800)
    losses = []
    for beta in betas:
        play = learner.ask(rng.random())
        loss, rate = cost(play.value, beta), sor_spectral_radius(play.value, beta=beta)
        losses.append(loss)
        learner.tell(play, Outcome(loss, rate=rate))
    omegas = np.linspace(1, 1.95, 20)
    fixed = [np.mean([cost(omega, beta) for beta in betas[300:]]) for omega in omegas]
    assert np.mean(losses[300:]) < 1.3 * min(fixed)


@pytest.mark.parametrize("context", [None, 0.5])
@pytest.mark.parametrize("radii", [(0.999, 0.9), (0.99, 0.5), (0.9, 0.999, 0.9), (0.9, 0.9999)])
def test_a_radius_that_changed_for_good_is_found_again(radii, context):
    """Where it fell, neither rates nor costs right of the best parameter tell."""
    learner = SpectralLearner(contexts=None if context is None else (0, 1), rng=0)
    for beta in radii:
        plays = [context] * 1500
        losses = played(learner, lambda omega, _, beta=beta: young(omega, beta), plays)
        assert losses[-300:].mean() < 1.15 * cost(omega_young(beta), beta)


@pytest.mark.parametrize("rate", [None, 0.999])
@pytest.mark.parametrize("context", [None, 0.5])
@pytest.mark.parametrize(("beta", "last"), [(0.99, 1.3), (0.97, 1.5), (0.9, 1.5), (0.99, 1.6)])
def test_it_leaves_a_place_where_everything_fails(beta, last, rate, context):
    """Beyond some ω everything is given up, and the rates recommend to go on there."""
    learner = SpectralLearner(contexts=None if context is None else (0, 1), rng=0)
    best = cost(min(last, omega_young(beta)), beta)

    def outcome(omega, _):
        return Outcome(4 * best, True, rate) if omega > last else young(omega, beta)

    losses = played(learner, outcome, [context] * 800)
    assert losses[-300:].mean() < 1.3 * best
    again = Learner.from_state_dict(learner.state_dict())
    assert again.ask(context).value == learner.ask(context).value


def test_a_limit_that_is_gone_is_forgotten():
    learner = SpectralLearner(rng=0)
    played(learner, lambda omega, _: Outcome(1.0, True), [None] * 20)
    losses = played(learner, lambda omega, _: young(omega, 0.999), [None] * 300)
    assert losses[-100:].mean() < 1.2 * cost(omega_young(0.999), 0.999)
