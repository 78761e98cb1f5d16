"""Tsallis-INF: exact probabilities, unbiased estimates, regret within its bound."""

from __future__ import annotations

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin._kernels import tsallis
from structlin.solvers import ContextBinned, Outcome, Play, TsallisINF
from structlin.solvers.learners._arms import compiled

ESTIMATORS = ["importance-weighted", "reduced-variance"]
estimators = st.sampled_from(ESTIMATORS)


def plain(losses, rate):
    """Return the probabilities by the plain function."""
    p = np.empty_like(losses)
    tsallis.tsallis_probabilities(losses, rate, p)
    return p


def twin(losses, rate):
    """Return the probabilities by the compiled twin, which may overwrite the losses."""
    p = losses.copy()
    compiled(tsallis.tsallis_probabilities)(p, rate, p)
    return p


both = pytest.mark.parametrize("solve", [plain, twin])


@st.composite
def total_losses(draw):
    """Losses of any spread: equal, close together, and so far apart that p underflows."""
    size = draw(st.integers(1, 15))
    spread = 10.0 ** draw(st.integers(-12, 200))
    unit = st.floats(-1, 1, allow_subnormal=False)
    return spread * np.array(draw(st.lists(unit, min_size=size, max_size=size)))


def by_bisection(losses, rate):
    """Return the probabilities from ``Σ (g_i + z)⁻² = 1`` in exact rational arithmetic."""
    gaps = [(Fraction(x) - Fraction(min(losses))) * Fraction(rate) / 2 for x in losses]
    low, high = Fraction(1), Fraction(len(gaps))  # the sum is >= 1 at the left, <= 1 at the right
    for _ in range(70):
        middle = Fraction((low + high) / 2).limit_denominator(2**80)
        too_far = sum(1 / (gap + middle) ** 2 for gap in gaps) < 1
        low, high = (low, middle) if too_far else (middle, high)
    return np.array([float(1 / (gap + low) ** 2) for gap in gaps])


@given(losses=total_losses(), rate=st.floats(1e-3, 4))
def test_probabilities_are_those_of_an_exact_solve(losses, rate):
    exact = by_bisection(losses, rate)
    for solve in (plain, twin):
        p = solve(losses, rate)
        # the gaps carry the rounding of the losses, which the inverse squares double
        np.testing.assert_allclose(p, exact, rtol=1e-13 * losses.size, atol=1e-300)
        assert abs(p.sum() - 1) <= 4 * np.finfo(float).eps * losses.size


@given(losses=total_losses(), rate=st.floats(1e-3, 4))
def test_compiled_twin_agrees_with_the_plain_function(losses, rate):
    np.testing.assert_allclose(twin(losses, rate), plain(losses, rate), rtol=1e-13, atol=1e-300)


@both
def test_probabilities_at_the_edges(solve):
    assert solve(np.array([5.0]), 2.0) == [1.0]
    np.testing.assert_allclose(solve(np.full(7, 3.0), 0.1), np.full(7, 1 / 7), rtol=1e-15)
    np.testing.assert_array_equal(solve(np.array([0.0, 1e200, np.inf]), 2.0), [1, 0, 0])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_equal_losses_are_never_told_apart(estimator):
    """Losses of zero have no scale, and leave all arms alike."""
    learner = TsallisINF(4, estimator=estimator, rng=0)
    for _ in range(100):
        learner.tell(learner.ask(), 0)
    np.testing.assert_array_equal(learner.probabilities, np.full(4, 0.25))


def test_one_arm():
    learner = TsallisINF(1, rng=0)
    for loss in (3, 0, 1e100, 1e-300):
        play = learner.ask()
        assert (play.arm, play.value, play.probability) == (0, 0, 1.0)
        learner.tell(play, loss)
    assert learner.probabilities == [1.0]


def test_arms_stand_for_values():
    learner = TsallisINF(["sor", 1.5, None, 3], rng=0)
    assert (learner.arms, learner.values) == (4, ("sor", 1.5, None, 3))
    assert {learner.ask().value for _ in range(50)} == {"sor", 1.5, None, 3}
    assert TsallisINF(np.linspace(1, 2, 3)).values == (1.0, 1.5, 2.0)


@pytest.mark.parametrize("rounds", [3, 40])
@given(estimator=estimators, seed=st.integers(0, 1000), least=st.sampled_from([0.0, 0.5]))
def test_estimates_are_unbiased(estimator, rounds, seed, least):
    """The expected update of the totals is the vector of losses."""
    losses = np.random.default_rng(seed).uniform(0, 2, 5)
    learner = TsallisINF(5, estimator=estimator, least=least, rng=seed)
    for _ in range(rounds):
        play = learner.ask()
        learner.tell(play, losses[play.arm])
    before = np.array(learner.state_dict()["state"]["losses"])
    expected = np.zeros(5)
    for arm, p in enumerate(learner.probabilities.tolist()):
        told = learner.copy()
        told.tell(Play(arm, arm, p), losses[arm])
        expected += p * (np.array(told.state_dict()["state"]["losses"]) - before)[0]
    np.testing.assert_allclose(expected, np.maximum(losses - least, 0), rtol=1e-11, atol=1e-12)


@given(
    estimator=estimators, seed=st.integers(0, 1000), factor=st.sampled_from([1e-200, 0.125, 1e9])
)
def test_the_unit_of_the_losses_does_not_matter(estimator, seed, factor):
    losses = np.random.default_rng(seed).uniform(1, 2, 6)
    learner = TsallisINF(6, estimator=estimator, rng=seed)
    scaled = TsallisINF(6, estimator=estimator, rng=seed)
    for _ in range(50):
        np.testing.assert_allclose(learner.probabilities, scaled.probabilities, rtol=1e-9)
        play, same = learner.ask(), scaled.ask()
        assert same.arm == play.arm
        learner.tell(play, losses[play.arm])
        scaled.tell(same, factor * losses[play.arm])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_regret_is_within_its_bound(estimator):
    """Losses in [0, 1] cost at most ``4 √(d T) + 1`` more than the best arm, in expectation.

    The bound is that of Zimmert and Seldin (2021) for importance weights. Uniform draws would
    cost 3.6 times as much.
    """
    d, rounds = 10, 4000
    means = np.full(d, 0.9)
    means[7] = 0.1
    table = (np.random.default_rng(5).random((rounds, d)) < means).astype(float)
    learner = TsallisINF(d, estimator=estimator, rng=1)
    cost = 0.0
    for row in table:
        play = learner.ask()
        learner.tell(play, row[play.arm])
        cost += row[play.arm]
    assert cost - table.sum(0).min() < 4 * np.sqrt(d * rounds) + 1
    assert learner.probabilities.argmax() == 7


def test_draws_follow_the_probabilities():
    learner = TsallisINF(3, rng=0)
    for _ in range(30):
        play = learner.ask()
        learner.tell(play, [1.0, 2.0, 4.0][play.arm])
    p = learner.probabilities
    plays = [learner.ask() for _ in range(20_000)]
    assert all(play.probability == p[play.arm] for play in plays)
    draws = np.bincount([play.arm for play in plays], minlength=3)
    chi_squared = ((draws - 20_000 * p) ** 2 / (20_000 * p)).sum()
    assert chi_squared < 13.8  # exceeded with probability 0.001 by two degrees of freedom


@pytest.mark.parametrize("draw", [tsallis.draw, compiled(tsallis.draw)])
def test_arms_without_probability_are_never_drawn(draw):
    p = np.array([0.0, 0.25, 0.0, 0.75, 0.0])
    levels = np.concatenate([np.linspace(1e-16, 1, 41), [0.25]])
    for level in levels:
        assert draw(p, level) == (1 if level <= 0.25 else 3)
    assert draw(p, 1 + 1e-15) == 3


def test_what_is_learned_depends_on_the_probability_at_the_draw():
    early, late = TsallisINF(4, rng=3), TsallisINF(4, rng=3)
    first, same = early.ask(), late.ask()
    early.tell(first, 2.0)
    second = next(play for play in iter(late.ask, None) if play.arm != same.arm)
    late.tell(second, 1.0)
    late.tell(same, 2.0)
    losses = [learner.state_dict()["state"]["losses"][0] for learner in (early, late)]
    assert losses[0][first.arm] == losses[1][first.arm] == 8.0


def test_merged_learners_know_what_one_knows_that_was_told_all():
    """Importance weights add up in any order."""
    parts = [TsallisINF(4, estimator="importance-weighted", rng=seed) for seed in (1, 2)]
    whole = TsallisINF(4, estimator="importance-weighted", rng=3)
    for learner in parts:
        for _ in range(60):
            play = learner.ask()
            learner.tell(play, float(1 + play.arm % 3))
            whole.tell(Play(play.value, play.arm, play.probability), float(1 + play.arm % 3))
    parts[0].merge(parts[1])
    np.testing.assert_allclose(parts[0].probabilities, whole.probabilities, rtol=1e-10)


def test_a_censored_loss_counts_as_the_largest_so_far():
    learners = [TsallisINF(3, rng=0) for _ in range(2)]
    for learner, last in zip(learners, [Outcome(2.0, censored=True), Outcome(9.0)], strict=True):
        for outcome in (Outcome(4.0), Outcome(9.0), Outcome(5.0), last):
            learner.tell(learner.ask(), outcome)
    np.testing.assert_array_equal(learners[0].probabilities, learners[1].probabilities)


def test_bins_learn_apart():
    """Each bin is a Tsallis-INF of its own, and the highest context lies in the last one."""
    binned = ContextBinned(3, [(0, 1), (0, 1)], bins=2, rng=0)
    alone = TsallisINF(3, rng=0)
    for k in range(40):
        play, same = binned.ask((1.0, 0.2)), alone.ask()
        assert play.arm == same.arm
        binned.tell(play, 1.0 + (play.arm + k) % 3)
        alone.tell(same, 1.0 + (play.arm + k) % 3)
    for context in ((0.5, 0.49), (0.99, 0.0)):
        np.testing.assert_array_equal(binned.probabilities_at(context), alone.probabilities)
    for context in ((0.49, 0.2), (0.7, 0.51), (0.0, 1.0)):
        np.testing.assert_array_equal(binned.probabilities_at(context), np.full(3, 1 / 3))


@pytest.mark.parametrize("bins", [0, -1, 300])
def test_bins_must_be_some_and_not_too_many(bins):
    with pytest.raises(ValueError, match="bins"):
        ContextBinned(3, [(0, 1), (0, 1)], bins=bins)


def test_repr():
    assert repr(TsallisINF(3)) == "<TsallisINF 3 arms, reduced-variance, 0 rounds>"
    assert repr(ContextBinned(3, (0, 1))) == "<ContextBinned 3 arms in 5 bins, 0 rounds>"


@pytest.mark.parametrize(
    ("arms", "error", "message"),
    [
        (0, ValueError, "arms is 0: at least one"),
        (-3, ValueError, "arms is -3"),
        ([], ValueError, "arms is empty"),
        (2.5, TypeError, "arms is 2.5: pass their number"),
        ("sor", TypeError, "arms is 'sor'"),
        ([1.0, float("nan")], ValueError, r"arms\[1\] is nan"),
        ([1.0, 2j], TypeError, r"arms\[1\] is 2j"),
    ],
)
def test_arms_must_be_values(arms, error, message):
    with pytest.raises(error, match=message):
        TsallisINF(arms)


def test_estimator_must_be_known():
    with pytest.raises(ValueError, match=r"'best'.*'reduced-variance' or 'importance-weighted'"):
        TsallisINF(3, estimator="best")


@pytest.mark.parametrize("discount", [0, 1.1, float("nan"), "1"])
def test_discount_must_be_a_share(discount):
    with pytest.raises(ValueError, match="discount is"):
        TsallisINF(3, discount=discount)


@pytest.mark.parametrize("least", [-1, float("inf"), "1"])
def test_least_must_be_possible(least):
    with pytest.raises(ValueError, match="least is"):
        TsallisINF(3, least=least)


@pytest.mark.parametrize("arm", [-1, 3])
def test_arm_must_be_in_range(arm):
    with pytest.raises(ValueError, match="arms 0 to 2"):
        TsallisINF(3).tell(Play(arm, arm), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"losses": [[1.0, float("nan"), 2.0]]}, "not finite"),
        ({"losses": [[1.0]]}, "shape"),
        ({"losses": "text"}, "text"),
        ({"losses": [[1e300] * 3], "sums": [[1e-300, 1.0, 0.0]]}, "far beyond"),
        ({"sums": [[float("inf"), 1.0, 0.0]]}, "inf"),
        ({"sums": [[5.0, 0.0, 0.0]]}, "total loss of 5.0"),
        ({"sums": [[5.0, 2.0, 1.0]]}, "weight 2.0"),
        ({"sums": [[5.0, 1.0, 6.0]]}, "largest one of 6.0"),
    ],
)
def test_corrupted_states_are_refused(change, message):
    learner = TsallisINF(3, rng=0)
    learner.tell(learner.ask(), 1.0)
    state = learner.state_dict()
    with pytest.raises(ValueError, match=message):
        TsallisINF.from_state_dict({**state, "state": {**state["state"], **change}})


def test_losses_are_not_rescaled_beyond_what_is_possible():
    learner = TsallisINF(3, rng=0)
    learner.rescale(1e300)
    learner.tell(learner.ask(), 1e60)
    before = learner.state_dict()
    with pytest.raises(ValueError, match=r"1e\+60 would be beyond 1e\+100"):
        learner.rescale(1e60)
    assert learner.state_dict() == before
    learner.rescale(1e-300)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_least_probability_does_no_harm(estimator):
    learner = TsallisINF(3, estimator=estimator, rng=0)
    learner.tell(Play(1, 1, 1e-30), 1e100)
    for _ in range(30):
        learner.tell(learner.ask(), 0.1)
    assert abs(TsallisINF.from_state_dict(learner.state_dict()).probabilities.sum() - 1) < 1e-12
