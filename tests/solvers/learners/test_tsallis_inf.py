"""The bandit: exact probabilities, unbiased estimates, learning, and states that survive."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import array_api_strict
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin._backend import kernel, namespace
from structlin._kernels.tsallis import tsallis_probabilities
from structlin.solvers import TsallisINF

ESTIMATORS = ["importance-weighted", "reduced-variance"]
estimators = st.sampled_from(ESTIMATORS)
compiled = kernel(namespace(np.empty(0)), tsallis_probabilities)


@st.composite
def total_losses(draw):
    """Losses of any spread: equal, close together, and so far apart that p underflows."""
    size = draw(st.integers(1, 30))
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


@pytest.mark.parametrize("solve", [tsallis_probabilities, compiled], ids=["plain", "compiled"])
@given(losses=total_losses(), rate=st.floats(1e-3, 4))
def test_probabilities_are_those_of_an_exact_solve(solve, losses, rate):
    p = solve(losses, rate)
    # the gaps carry the rounding of the losses, which the inverse squares double
    np.testing.assert_allclose(p, by_bisection(losses, rate), rtol=1e-13 * losses.size, atol=1e-300)
    assert abs(p.sum() - 1) <= 4 * np.finfo(float).eps * losses.size


@given(losses=total_losses(), rate=st.floats(1e-3, 4))
def test_compiled_twin_agrees_with_the_plain_function(losses, rate):
    np.testing.assert_allclose(
        compiled(losses, rate), tsallis_probabilities(losses, rate), rtol=1e-13, atol=1e-300
    )


def test_plain_function_works_on_a_strict_array_library():
    losses = array_api_strict.asarray([3.0, 1.0, 2.0], device=array_api_strict.Device("device1"))
    p = tsallis_probabilities(losses, 1.0)
    assert p.device == losses.device
    expected = tsallis_probabilities(np.array([3.0, 1.0, 2.0]), 1.0)
    assert [float(value) for value in p] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("solve", [tsallis_probabilities, compiled], ids=["plain", "compiled"])
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
        assert learner.ask() == 0
        learner.tell(0, loss)
    assert learner.probabilities == [1.0]


@pytest.mark.parametrize("rounds", [3, 40])
@given(estimator=estimators, seed=st.integers(0, 1000))
def test_estimates_are_unbiased(estimator, rounds, seed):
    """The expected update of the totals is the vector of losses."""
    losses = np.random.default_rng(seed).uniform(0, 2, 5)
    learner = TsallisINF(5, estimator=estimator, rng=seed)
    for _ in range(rounds):
        arm = learner.ask()
        learner.tell(arm, losses[arm])
    state = learner.state_dict()
    expected = np.zeros(5)
    for arm, p in enumerate(learner.probabilities):
        told = TsallisINF.from_state_dict({**state, "open": [float(p)] * 5})
        told.tell(arm, losses[arm])
        expected += p * (np.array(told.state_dict()["losses"]) - state["losses"])
    np.testing.assert_allclose(expected, losses, rtol=1e-12)


@given(
    estimator=estimators, seed=st.integers(0, 1000), factor=st.sampled_from([1e-200, 0.125, 1e9])
)
def test_the_unit_of_the_losses_does_not_matter(estimator, seed, factor):
    losses = np.random.default_rng(seed).uniform(1, 2, 6)
    plain = TsallisINF(6, estimator=estimator, rng=seed)
    scaled = TsallisINF(6, estimator=estimator, rng=seed)
    for _ in range(50):
        np.testing.assert_allclose(plain.probabilities, scaled.probabilities, rtol=1e-9)
        arm = plain.ask()
        assert scaled.ask() == arm
        plain.tell(arm, losses[arm])
        scaled.tell(arm, factor * losses[arm])


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
        arm = learner.ask()
        learner.tell(arm, row[arm])
        cost += row[arm]
    assert cost - table.sum(0).min() < 4 * np.sqrt(d * rounds) + 1
    assert learner.probabilities.argmax() == 7


def test_draws_follow_the_probabilities():
    learner = TsallisINF(3, rng=0)
    for _ in range(30):
        arm = learner.ask()
        learner.tell(arm, [1.0, 2.0, 4.0][arm])
    p = learner.probabilities
    draws = np.bincount([learner.ask() for _ in range(20_000)], minlength=3)
    chi_squared = ((draws - 20_000 * p) ** 2 / (20_000 * p)).sum()
    assert chi_squared < 13.8  # exceeded with probability 0.001 by two degrees of freedom


def test_losses_may_come_late_and_in_any_order():
    """What is learned from a draw depends on the probability at the draw, not at the telling."""
    early, late = TsallisINF(4, rng=3), TsallisINF(4, rng=3)
    first = early.ask()
    assert late.ask() == first
    early.tell(first, 2.0)
    second = next(arm for arm in iter(late.ask, None) if arm != first)
    late.tell(second, 1.0)
    late.tell(first, 2.0)
    assert late.state_dict()["losses"][first] == early.state_dict()["losses"][first] == 8.0
    assert late.rounds == 2


def test_probabilities_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        TsallisINF(3).probabilities[0] = 1


def test_repr():
    assert repr(TsallisINF(3)) == "<TsallisINF 3 arms, reduced-variance, 0 rounds>"


def play(learner, rounds):
    arms = []
    for _ in range(rounds):
        arm = learner.ask()
        learner.tell(arm, (arm * 7 % 5) + 0.1)
        arms.append(arm)
    return arms


@given(estimator=estimators, seed=st.integers(0, 1000), rounds=st.integers(0, 60))
def test_saved_state_continues_the_same_sequence(estimator, seed, rounds):
    learner = TsallisINF(6, estimator=estimator, rng=seed)
    play(learner, rounds)
    restored = TsallisINF.from_state_dict(json.loads(json.dumps(learner.state_dict())))
    assert play(restored, 40) == play(learner, 40)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_of_numpy_is_saved(kind):
    rng = np.random.Generator(getattr(np.random, kind)(3))
    rng.integers(5, dtype=np.int32)  # leaves half a word in the generator
    learner = TsallisINF(6, rng=rng)
    restored = TsallisINF.from_state_dict(json.loads(json.dumps(learner.state_dict())))
    assert play(restored, 20) == play(learner, 20)


def test_other_generators_are_refused():
    class Other(np.random.PCG64):
        @property
        def state(self):
            return {"bit_generator": "Other"}

    learner = TsallisINF(6, rng=np.random.Generator(Other()))
    with pytest.raises(TypeError, match="Other cannot be saved"):
        learner.state_dict()


def test_another_process_continues_the_same_sequence():
    learner = TsallisINF(6, rng=11)
    play(learner, 25)
    program = (
        "import json, sys\n"
        "from structlin.solvers import TsallisINF\n"
        "learner = TsallisINF.from_state_dict(json.load(sys.stdin))\n"
        "arms = []\n"
        "for _ in range(30):\n"
        "    arms.append(learner.ask())\n"
        "    learner.tell(arms[-1], (arms[-1] * 7 % 5) + 0.1)\n"
        "print(json.dumps([arms, learner.state_dict()]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(learner.state_dict()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [play(learner, 30), learner.state_dict()]


@pytest.mark.parametrize("arms", [0, -3])
def test_arms_must_exist(arms):
    with pytest.raises(ValueError, match=f"arms is {arms}"):
        TsallisINF(arms)


def test_arms_must_be_a_whole_number():
    with pytest.raises(TypeError):
        TsallisINF(2.5)


def test_estimator_must_be_known():
    with pytest.raises(ValueError, match=r"'best'.*'reduced-variance' or 'importance-weighted'"):
        TsallisINF(3, estimator="best")


@pytest.mark.parametrize(
    "loss", [-1, float("nan"), float("inf"), 2e100, pytest.param(10**400, id="huge")]
)
def test_impossible_losses_change_nothing(loss):
    learner = TsallisINF(3, rng=0)
    arm = learner.ask()
    before = learner.state_dict()
    with pytest.raises(ValueError, match="from 0 to"):
        learner.tell(arm, loss)
    assert learner.state_dict() == before


@pytest.mark.parametrize("loss", [None, "3", 1j])
def test_losses_must_be_real_numbers(loss):
    learner = TsallisINF(3, rng=0)
    with pytest.raises(TypeError, match=r"loss is .*: pass a real number"):
        learner.tell(learner.ask(), loss)


def test_only_open_draws_are_told():
    learner = TsallisINF(3, rng=0)
    arm = learner.ask()
    with pytest.raises(ValueError, match=f"arm {(arm + 1) % 3} has no open draw"):
        learner.tell((arm + 1) % 3, 1)
    learner.tell(arm, 1)
    with pytest.raises(ValueError, match="tell its loss once"):
        learner.tell(arm, 1)


@pytest.mark.parametrize("arm", [-1, 3])
def test_arm_must_be_in_range(arm):
    with pytest.raises(ValueError, match="arms 0 to 2"):
        TsallisINF(3).tell(arm, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ChebCB"}, "'ChebCB' of version 1"),
        ({"version": 2}, "version 2"),
        ({"losses": [1.0, float("nan"), 2.0]}, "not finite"),
        ({"losses": [1.0]}, "losses but 3 draws"),
        ({"losses": "text"}, "text"),
        ({"losses": [], "open": []}, "arms is 0"),
        ({"losses": [1e300] * 3, "rounds": 1, "total": 1e-300}, "far beyond"),
        ({"open": [0.0, 2.0, 0.0]}, "neither 0 nor in"),
        ({"open": [0.0, 5e-324, 0.0]}, "neither 0 nor in"),
        ({"rounds": -1}, "-1 rounds"),
        ({"rounds": 10**400}, "rounds is beyond"),
        ({"rounds": 1.5}, "float"),
        ({"total": float("inf")}, "inf"),
        ({"rounds": 0, "total": 5.0}, "0 rounds with a total loss of 5.0"),
        ({"estimator": "best"}, "best"),
        ({"generator": {"bit_generator": "Dice"}}, "Dice"),
        ({"generator": {"bit_generator": "PCG64", "state": 3}}, "state"),
        ({"generator": None}, "NoneType"),
    ],
)
def test_corrupted_states_are_refused(change, message):
    state = {**TsallisINF(3, rng=0).state_dict(), **change}
    with pytest.raises(ValueError, match=message):
        TsallisINF.from_state_dict(state)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("MT19937", {"state": {"key": [1], "pos": 0}}),
        ("MT19937", {"state": {"key": [1] * 625, "pos": 0}}),
        ("MT19937", {"state": {"key": [0.5] * 624, "pos": 0}}),
        ("MT19937", {"state": {"key": [1] * 624, "pos": 10**6}}),
        ("MT19937", {"state": {"key": [1] * 624, "pos": -1}}),
        ("Philox", {"state": {"key": [1], "counter": [0] * 4}}),
        ("Philox", {"buffer_pos": -1000}),
        ("Philox", {"buffer": None}),
        ("SFC64", {"state": {"state": [1]}}),
        ("PCG64", {"state": {"state": 10**400, "inc": 1}}),
        ("PCG64", {"has_uint32": 0.5}),
        ("PCG64", {"bit_generator": []}),
    ],
)
def test_corrupted_generators_are_refused(kind, change):
    state = TsallisINF(3, rng=np.random.Generator(getattr(np.random, kind)(0))).state_dict()
    state["generator"] |= change
    with pytest.raises(ValueError, match="TsallisINF: its generator is corrupted"):
        TsallisINF.from_state_dict(state)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_least_probability_that_is_accepted_does_no_harm(estimator):
    state = TsallisINF(3, estimator=estimator, rng=0).state_dict()
    learner = TsallisINF.from_state_dict({**state, "open": [1e-30] * 3})
    learner.tell(1, 1e100)
    play(learner, 30)
    restored = TsallisINF.from_state_dict(learner.state_dict())
    assert abs(restored.probabilities.sum() - 1) < 1e-12


@pytest.mark.parametrize("missing", ["kind", "losses", "generator"])
def test_incomplete_states_are_refused(missing):
    state = TsallisINF(3).state_dict()
    del state[missing]
    with pytest.raises(ValueError, match=f"no entry '{missing}'"):
        TsallisINF.from_state_dict(state)


def test_states_of_another_type_are_refused():
    with pytest.raises(ValueError, match="not the state"):
        TsallisINF.from_state_dict([1, 2])


@pytest.mark.parametrize("estimator", ["importance-weighted", "reduced-variance"])
def test_losses_that_underflow_do_no_harm(estimator):
    learner = TsallisINF(3, estimator=estimator, rng=0)
    for loss in [5e-324] * 20 + [0.0] * 20:
        learner.tell(learner.ask(), loss)
        assert abs(learner.probabilities.sum() - 1) < 1e-12
