"""Restarts: soon after a rise of the losses, and hardly ever without one."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.solvers import ChebCB, Play, RestartOnDrift, TsallisINF


def feed(learner, losses):
    """Tell losses whatever was played; return the rounds after which it started anew."""
    restarts = []
    for k, loss in enumerate(losses):
        before = learner.restarts
        learner.tell(learner.ask(), float(loss))
        if learner.restarts > before:
            restarts.append(k)
    return restarts


def noises():
    rng = np.random.default_rng(0)
    return {
        "normal": 20 + rng.standard_normal(5000),
        "exponential": rng.exponential(1, 5000),
        "lognormal": np.exp(1.5 * rng.standard_normal(5000)),
        "constant": np.full(5000, 3.0),
        "falling": 1e6 / np.arange(1, 5001) + rng.exponential(1, 5000),
    }


@pytest.mark.parametrize("kind", noises())
@pytest.mark.parametrize("unit", [1.0, 2.0**-300])
def test_noise_is_no_drift(kind, unit):
    assert feed(RestartOnDrift(TsallisINF(2), rng=0), unit * noises()[kind]) == []


@pytest.mark.parametrize(("rise", "delay"), [(2, 150), (3, 40), (100, 15)])
def test_a_rise_is_seen_soon(rise, delay):
    losses = 20 + np.random.default_rng(1).standard_normal(2000)
    losses[1000:] += rise
    (seen,) = feed(RestartOnDrift(TsallisINF(2), rng=0), losses)
    assert 1000 <= seen < 1000 + delay


def test_the_smaller_the_threshold_the_sooner():
    losses = 20 + np.random.default_rng(1).standard_normal(2000)
    losses[1000:] += 3
    seen = [feed(RestartOnDrift(TsallisINF(2), threshold=h, rng=0), losses)[0] for h in (20, 90)]
    assert 1000 <= seen[0] < seen[1] - 10


def test_a_restarted_learner_finds_the_new_optimum():
    """Without restarts, as many rounds as before would go by until it does."""
    costs = [[10, 20, 30], [60, 50, 35]]
    plays = {}
    for learner in (RestartOnDrift(TsallisINF(3), rng=0), TsallisINF(3, rng=0)):
        arms = []
        for k in range(3000):
            play = learner.ask()
            arms.append(play.arm)
            learner.tell(play, costs[k >= 2000][play.arm])
        plays[type(learner).__name__] = np.mean(np.array(arms[-500:]) == 2)
    assert plays["RestartOnDrift"] > 0.8
    assert plays["TsallisINF"] < 0.6


def test_losses_that_follow_the_context_are_no_drift():
    """Slow and without noise, as in time steps whose coefficients come and go."""
    learner = RestartOnDrift(ChebCB(3, (-1, 1), degree=3), rng=0)
    for k in range(4000):
        context = np.sin(2 * np.pi * k / 1000)
        play = learner.ask(context)
        learner.tell(play, 100 + 50 * context + play.arm)
    assert learner.restarts == 0


def test_plays_of_an_earlier_learner_teach_nothing():
    learner = RestartOnDrift(TsallisINF(2), rng=0)
    late = learner.ask()
    assert len(feed(learner, [1.0] * 100 + [9.0] * 11)) == 1
    inner = learner.learner.state_dict()
    learner.tell(late, 5.0)
    assert learner.learner.state_dict() == inner
    assert learner.rounds == 112
    assert late.told


def test_only_kind_and_settings_of_the_prototype_are_used():
    prototype = TsallisINF([1.0, 2.0], discount=0.9, rng=0)
    prototype.tell(prototype.ask(), 3.0)
    learner = RestartOnDrift(prototype, rng=0)
    assert (learner.learner.rounds, learner.learner.discount) == (0, 0.9)
    assert prototype.rounds == 1


def test_many_components_have_few_bins():
    learner = RestartOnDrift(ChebCB(2, [(0, 1)] * 12, degree=1), rng=0)
    learner.tell(learner.ask([0.5] * 12), 1.0)
    assert len(learner.state_dict()["state"]["references"]) <= 32


@pytest.mark.parametrize("threshold", [0, -1, float("nan"), float("inf"), "high"])
def test_the_threshold_must_be_positive(threshold):
    with pytest.raises(ValueError, match="threshold is"):
        RestartOnDrift(TsallisINF(2), threshold=threshold)


def test_the_prototype_must_be_a_learner():
    with pytest.raises(TypeError, match="pass a Learner"):
        RestartOnDrift("TsallisINF")
    with pytest.raises(ValueError, match="'Dice', no known kind"):
        RestartOnDrift({"kind": "Dice", "settings": {}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evidence": 60.0}, "over 50"),
        ({"restarts": 99}, "restart 99"),
        ({"rounds": 99}, "99 of them"),
        ({"references": [[1.0, 2.0]]}, "3 numbers"),
        ({"references": [[99.0, 2.0, 1.0]]}, "99.0 rounds"),
        ({"references": [[9.0, -2.0, 1.0]]}, "mean of -2"),
    ],
)
def test_corrupted_states_are_refused(change, message):
    learner = RestartOnDrift(TsallisINF(2), rng=0)
    feed(learner, np.ones(10))
    state = learner.state_dict()
    with pytest.raises(ValueError, match=message):
        RestartOnDrift.from_state_dict({**state, "state": {**state["state"], **change}})


def test_a_play_needs_an_own_learner():
    learner = RestartOnDrift(TsallisINF(2), rng=0)
    with pytest.raises(TypeError):
        learner.tell(Play(0, 0), 1.0)
    assert learner.rounds == 0
