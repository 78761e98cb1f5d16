"""What every learner has to do, of whatever kind."""

from __future__ import annotations

import contextlib
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin.solvers.learners import (
    ChebCB,
    ContextBinned,
    Learner,
    Outcome,
    Play,
    RestartOnDrift,
    ThompsonSampling,
    TsallisINF,
)
from tests.solvers.learners.learners import (
    CASES,
    CONTEXTS,
    CONTEXTUAL,
    DISCOUNTED,
    OMEGAS,
    best_loss,
    contexts,
    leaves,
    omega_of,
    outcome,
    play,
    replaced,
    saved,
)

every = pytest.mark.parametrize("case", CASES, ids=str)
contextual = pytest.mark.parametrize("case", CONTEXTUAL, ids=str)
a_context = 1.0  # learners that look at none do not look at it


@every
def test_they_learn(case):
    """After some hundred rounds, a play costs little more than the best of five parameters."""
    record = play(case.make(rng=0), case, 1500)
    assert np.mean([loss for _, loss in record[-300:]]) < 1.2


@every
def test_what_is_thought_best_costs_little_and_teaches_nothing(case):
    learner = case.make(rng=0)
    play(learner, case, 1500)
    before = saved(learner)
    best = learner.ask(a_context)
    learner = Learner.from_state_dict(before)
    best.value = learner.best(a_context)
    assert saved(learner) == before
    assert outcome(best).loss < 1.2 * best_loss(best.context, 0.9)


@every
def test_the_same_seed_gives_the_same_plays(case):
    assert play(case.make(rng=7), case, 150) == play(case.make(rng=7), case, 150)


@every
@given(rounds=st.integers(0, 60), seed=st.integers(0, 1000))
def test_a_saved_state_continues_the_same_sequence(case, rounds, seed):
    learner = case.make(rng=seed)
    play(learner, case, rounds)
    restored = Learner.from_state_dict(saved(learner))
    assert type(restored) is type(learner)
    assert saved(restored) == saved(learner)
    assert play(restored, case, 25, seed=6) == play(learner, case, 25, seed=6)


@every
def test_copies_and_pickles_go_on_by_themselves(case):
    learner = case.make(rng=3)
    play(learner, case, 100)
    before = saved(learner)
    twins = [learner.copy(), pickle.loads(pickle.dumps(learner))]
    records = [play(twin, case, 60, seed=6) for twin in twins]
    assert saved(learner) == before
    expected = play(learner, case, 60, seed=6)
    assert records == [expected, expected]


@every
def test_a_fresh_learner_knows_nothing_and_has_the_same_settings(case):
    learner = case.make(rng=3)
    play(learner, case, 60)
    fresh = learner.fresh(rng=4)
    assert fresh.rounds == 0
    assert play(fresh, case, 60) == play(case.make(rng=4), case, 60)


@every
def test_merging_adds_up_the_rounds(case):
    """What knows nothing adds nothing, and learns everything."""
    learner, other = case.make(rng=1), case.make(rng=2)
    play(learner, case, 200)
    before = saved(learner)["state"]
    learner.merge(other)
    merged = saved(learner)["state"]
    for (_, value), (_, former) in zip(leaves(merged), leaves(before), strict=True):
        assert value == (pytest.approx(former, rel=1e-6) if type(value) is float else former)
    other.merge(learner)
    assert other.rounds == 200
    after, before = play(other, case, 100), play(case.make(rng=2), case, 100)
    assert np.mean([loss for _, loss in after]) < np.mean([loss for _, loss in before]) + 0.05
    third = case.make(rng=3)
    play(third, case, 50)
    learner.merge(third)
    assert learner.rounds == 250
    assert third.rounds == 50
    play(learner, case, 50)


@every
def test_only_learners_of_equal_settings_are_merged(case):
    learner = case.make(rng=1)
    with pytest.raises(ValueError, match="differ in kind or settings"):
        learner.merge(TsallisINF(["another", "kind"]))
    with pytest.raises(ValueError, match="with itself"):
        learner.merge(learner)


@every
def test_losses_may_come_late_and_in_any_order(case):
    learner = case.make(rng=1)
    play(learner, case, 30)
    for _ in range(20):
        plays = [learner.ask(context) for context in contexts(case, 10)]
        for late in plays[::-3] + plays[:2]:
            if not late.told:
                learner.tell(late, outcome(late))
    play(learner, case, 500)
    assert np.mean([loss for _, loss in play(learner, case, 200)]) < 1.3


@every
def test_losses_are_told_once(case):
    learner = case.make(rng=1)
    chosen = learner.ask(a_context)
    learner.tell(chosen, 3)
    before = saved(learner)
    with pytest.raises(ValueError, match="told before"):
        learner.tell(chosen, 3)
    assert saved(learner) == before


@every
@pytest.mark.parametrize("loss", [math.nan, math.inf, -1, 2e100, 10**400])
def test_impossible_losses_change_nothing(case, loss):
    learner = case.make(rng=1)
    play(learner, case, 30)
    chosen = learner.ask(a_context)
    before = saved(learner)
    with pytest.raises(ValueError, match="loss is"):
        learner.tell(chosen, loss)
    with pytest.raises(TypeError, match="pass a real number"):
        learner.tell(chosen, "3")
    with pytest.raises(TypeError, match="tell what ask"):
        learner.tell(1, 3)
    assert saved(learner) == before
    learner.tell(chosen, 3)


@every
def test_threads_may_share_a_learner(case):
    learner = case.make(rng=1)
    with ThreadPoolExecutor(4) as pool:
        for record in pool.map(lambda seed: play(learner, case, 50, seed), range(4)):
            assert len(record) == 50
    assert learner.rounds == 200
    Learner.from_state_dict(saved(learner))


@every
def test_memory_does_not_grow_with_the_rounds(case):
    learner = case.make(rng=1)
    play(learner, case, 600)
    size = len(list(leaves(saved(learner))))
    play(learner, case, 1200)
    assert len(list(leaves(saved(learner)))) <= size
    assert len(pickle.dumps(learner)) < 1.2 * len(pickle.dumps(learner.copy())) + 1000


@every
@pytest.mark.parametrize("loss", [0.0, 5e-324, 1.0, 1e100])
def test_equal_losses_do_no_harm(case, loss):
    learner = case.make(rng=1)
    for context in contexts(case, 100):
        chosen = learner.ask(context)
        assert OMEGAS[0] <= omega_of(chosen) <= 1.9
        learner.tell(chosen, loss)
    restored = Learner.from_state_dict(saved(learner))
    assert play(restored, case, 20) == play(learner, case, 20)


@every
def test_losses_of_all_sizes_do_no_harm(case):
    learner = case.make(rng=1)
    losses = [1e-300, 1e100, 0.0, 1.0, 1e-8, 1e50] * 20
    for context, loss in zip(contexts(case, 120), losses, strict=True):
        chosen = learner.ask(context)
        assert OMEGAS[0] <= omega_of(chosen) <= 1.9
        learner.tell(chosen, Outcome(loss, censored=loss == 1.0))
    restored = Learner.from_state_dict(saved(learner))
    assert play(restored, case, 20) == play(learner, case, 20)


@every
def test_what_is_always_given_up_is_left(case):
    """It is given up soon, so that the bound which is told is lower than any loss.

    For some contexts the best parameter is beyond what works. Uniform draws would fail in two of
    five rounds.
    """
    learner = case.make(rng=1)
    plays = []
    for context in contexts(case, 1000):
        chosen = learner.ask(context)
        omega = omega_of(chosen)
        plays.append(omega)
        learner.tell(chosen, Outcome(1.0, censored=True) if omega > 1.5 else outcome(chosen))
    assert np.mean(np.array(plays[-200:]) > 1.5) < 0.3


@every
@given(exponent=st.integers(-100, 200))
def test_the_unit_of_the_losses_does_not_matter_after_rescaling(case, exponent):
    """Losses in another unit, told after the change is announced, make no difference."""
    learner = case.make(rng=1)
    play(learner, case, 40)
    plain = learner.copy()
    learner.rescale(2.0**exponent)
    expected = play(plain, case, 25, seed=6)
    record = play(learner, case, 25, seed=6, unit=2.0**exponent)
    # every play hands on the rounding of those before it
    np.testing.assert_allclose(record, expected, rtol=1e-4)


@every
@pytest.mark.parametrize("factor", [0, -1, math.nan, math.inf, "2"])
def test_only_positive_factors_rescale(case, factor):
    with pytest.raises(ValueError, match="factor is"):
        case.make(rng=1).rescale(factor)


@contextual
def test_contexts_outside_the_range_are_moved_to_it_and_flagged(case):
    learner = case.make(rng=1)
    play(learner, case, 50)
    twin = learner.copy()
    outside, inside = learner.ask(CONTEXTS[1] + 10), twin.ask(CONTEXTS[1])
    assert outside.clipped
    assert not inside.clipped
    assert outside.context == inside.context == (CONTEXTS[1],)
    assert outside.value == inside.value
    assert (learner.clipped, twin.clipped) == (1, 0)
    assert learner.ask(-math.inf).context == (CONTEXTS[0],)


@contextual
@pytest.mark.parametrize(
    ("context", "error"),
    [
        (math.nan, ValueError),
        (np.nan, ValueError),
        (None, ValueError),
        ((1.0, 2.0), ValueError),
        ("low", TypeError),
        (1j, TypeError),
    ],
)
def test_what_is_no_context_is_refused(case, context, error):
    learner = case.make(rng=1)
    before = saved(learner)
    with pytest.raises(error, match="context"):
        learner.ask(context)
    assert saved(learner) == before


@every
def test_a_context_is_not_looked_at_by_learners_without(case):
    if not case.contextual:
        assert case.make(rng=1).ask(math.nan).context == ()


@pytest.mark.parametrize("case", DISCOUNTED, ids=str)
def test_discounting_follows_a_drift(case):
    """What was best becomes bad after many rounds; a discounted learner is soon over it.

    Playing on what was best before costs 1.7 times the best, uniform draws 2.8 times.
    """
    learner = case.make(rng=1, discount=0.98)
    play(learner, case, 1000)
    record = play(learner, case, 1200, beta=0.6)
    assert np.mean([loss for _, loss in record[-300:]]) < 1.5


@every
@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Dice"},
        {"version": 99},
        {"rounds": -1},
        {"rounds": 1.5},
        {"rounds": 10**400},
        {"clipped": -1},
        {"settings": None},
        {"state": None},
        {"state": {}},
        {"generator": None},
        {"generator": {"bit_generator": "Dice"}},
    ],
    ids=str,
)
def test_impossible_states_are_refused(case, change):
    learner = case.make(rng=1)
    play(learner, case, 20)
    with pytest.raises(ValueError, match="state"):
        Learner.from_state_dict({**saved(learner), **change})


@every
def test_states_that_contradict_themselves_are_refused(case):
    """No rounds, but something learned; or a number that is none."""
    learner = case.make(rng=1)
    play(learner, case, 80)
    state = saved(learner)
    with pytest.raises(ValueError, match="state"):
        Learner.from_state_dict({**state, "rounds": 0})
    accepted = []
    for path, value in leaves(state["state"]):
        if isinstance(value, float) and "settings" not in path:
            for wrong in (math.nan, math.inf, "text", None, [1.0, 2.0]):
                with contextlib.suppress(ValueError):
                    Learner.from_state_dict(replaced(state, ("state", *path), wrong))
                    accepted.append((path, wrong))
    assert accepted == []


@every
def test_incomplete_states_are_refused(case):
    learner = case.make(rng=1)
    play(learner, case, 20)
    state = saved(learner)
    for name in state:
        with pytest.raises(ValueError, match=f"no entry '{name}'"):
            Learner.from_state_dict({key: x for key, x in state.items() if key != name})
    for name in state["state"]:
        rest = {key: x for key, x in state["state"].items() if key != name}
        with pytest.raises(ValueError, match="state"):
            Learner.from_state_dict({**state, "state": rest})


@every
def test_a_state_is_that_of_its_kind(case):
    state = saved(case.make(rng=1))
    other = next(x for x in CASES if type(x.make(rng=0)).__name__ != state["kind"])
    with pytest.raises(ValueError, match="it is a"):
        type(other.make(rng=0)).from_state_dict(state)
    with pytest.raises(ValueError, match="not the state"):
        Learner.from_state_dict([1, 2])


@every
def test_representations_are_one_line(case):
    learner = case.make(rng=1)
    play(learner, case, 3)
    assert "\n" not in repr(learner)
    assert type(learner).__name__ in repr(learner)


@every
def test_probabilities_are_between_zero_and_one(case):
    learner = case.make(rng=1)
    play(learner, case, 200)
    for context in contexts(case, 50):
        probability = learner.ask(context).probability
        assert 0 < probability <= 1 or math.isnan(probability)


def test_plays_as_numbers():
    assert int(Play(1.5, 2).__index__()) == 2
    assert float(Play(1.5, 2)) == 1.5
    with pytest.raises(TypeError, match="none of several arms"):
        Play(1.5).__index__()


@pytest.mark.parametrize(
    "make",
    [
        TsallisINF,
        ThompsonSampling,
        lambda arms, **o: ContextBinned(arms, CONTEXTS, **o),
        lambda arms, **o: ChebCB(arms, CONTEXTS, **o),
        lambda arms, **o: ThompsonSampling(arms, CONTEXTS, **o),
        lambda arms, **o: RestartOnDrift(ChebCB(arms, CONTEXTS), **o),
    ],
)
def test_a_single_arm_is_always_played(make):
    learner = make([1.5], rng=0)
    for loss in (3, 0, 1e100, 1e-300, 5) * 10:
        chosen = learner.ask(a_context)
        assert (chosen.arm, chosen.value) == (0, 1.5)
        assert chosen.probability == 1.0 or math.isnan(chosen.probability)
        learner.tell(chosen, loss)
    assert Learner.from_state_dict(saved(learner)).ask(a_context).value == 1.5


@every
def test_contexts_that_stay_the_same_for_long_do_no_harm(case):
    """Regressions know nothing then but at one point, and have to learn the rest later."""
    learner = case.make(rng=1)
    for _ in range(3000):
        chosen = learner.ask(a_context)
        learner.tell(chosen, outcome(chosen))
    record = play(learner, case, 1000)
    assert np.mean([loss for _, loss in record[-300:]]) < 1.3
