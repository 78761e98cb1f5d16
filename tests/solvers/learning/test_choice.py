"""The choice among solvers, and of the parameter of each."""

from __future__ import annotations

import json

import numpy as np
import pytest

from structlin.matrices import GridOperator
from structlin.solvers import (
    Choice,
    Learner,
    Outcome,
    QuadraticSurrogate,
    RelaxationLayer,
    TsallisINF,
    cg,
    fast_sine,
    sor,
    ssor_cg,
)
from tests.solvers.learning.systems import bandit


def options():
    return {"direct": None, "sor": bandit(), "surrogate": QuadraticSurrogate((0.5, 1.9))}


def test_plays_are_the_option_and_what_its_learner_chose():
    learner = Choice(options(), rng=0)
    seen = set()
    for _ in range(60):
        play = learner.ask()
        seen.add(play.value["solver"])
        assert set(play.value) == ({"solver"} if play.arm == 0 else {"solver", "omega"})
        assert list(options())[play.arm] == play.value["solver"]
        learner.tell(play, 1.0)
    assert seen == set(options())
    assert learner.arms == 3
    told = [x.rounds for x in learner.learners.values() if x]
    assert learner.selector.rounds == learner.rounds == 60
    assert sum(told) < 60


def test_names_of_ones_own():
    inner = Choice({"v": TsallisINF([1, 2])}, name="cycle", knob="sweeps")
    learner = Choice({"multigrid": inner}, rng=0)
    play = learner.ask()
    assert play.value == {"solver": "multigrid", "cycle": "v", "sweeps": play.value["sweeps"]}
    learner.tell(play, 3.0)


def cost(value):
    if value["solver"] == "direct":
        return 12.0
    scale = 10 if value["solver"] == "surrogate" else 15
    return scale * (1 + (value["omega"] - 1.4) ** 2)


@pytest.mark.parametrize("selector", [None, TsallisINF(3)], ids=["default", "tsallis"])
def test_finds_the_best_option_and_its_parameter(selector):
    learner = Choice(options(), selector=selector, rng=0)
    losses = []
    for _ in range(800):
        play = learner.ask()
        losses.append(cost(play.value))
        learner.tell(play, losses[-1])
    assert np.mean(losses[-200:]) < 11.5
    assert learner.learners["surrogate"].best() == pytest.approx(1.4, abs=0.1)


def test_contexts_are_those_of_its_learners():
    contexts = ((0.0, 1.0), (2.0, 3.0))
    learner = Choice({"a": None, "b": QuadraticSurrogate((0.5, 1.9), contexts=contexts)}, rng=0)
    assert learner.contexts.bounds == contexts
    assert learner.selector.contexts.bounds == contexts
    play = learner.ask((0.5, 9.0))
    assert play.clipped
    assert play.context == (0.5, 3.0)
    learner.tell(play, Outcome(3.0, censored=True))
    with pytest.raises(ValueError, match="contexts of different ranges"):
        Choice(
            {
                "a": QuadraticSurrogate((0.5, 1.9), contexts=(0, 1)),
                "b": QuadraticSurrogate((0.5, 1.9), contexts=(0, 2)),
            }
        )


def trained(rounds=40, rng=1):
    learner = Choice(options(), selector=TsallisINF(3), rng=rng)
    for _ in range(rounds):
        play = learner.ask()
        learner.tell(play, cost(play.value))
    return learner


def test_a_saved_choice_continues_the_same_sequence():
    learner = trained()
    restored = Learner.from_state_dict(json.loads(json.dumps(learner.state_dict())))
    for _ in range(20):
        play, again = learner.ask(), restored.ask()
        assert play.value == again.value
        learner.tell(play, cost(play.value))
        restored.tell(again, cost(again.value))
    assert restored.state_dict() == learner.state_dict()
    fresh = learner.fresh(3)
    assert fresh.rounds == fresh.selector.rounds == 0


def test_learners_are_taken_with_what_they_know():
    known = bandit()
    known.tell(known.ask(), 3.0)
    learner = Choice({"a": known, "b": None}, rng=0)
    assert learner.learners["a"].rounds == 1
    learner.learners["a"].tell(learner.learners["a"].ask(), 2.0)
    assert known.rounds == 1


def test_rescaling_reaches_all():
    other, plain = trained(), trained()
    other.rescale(7.0)
    assert other.selector.state_dict()["state"] != plain.selector.state_dict()["state"]
    np.testing.assert_allclose(other.selector.probabilities, plain.selector.probabilities)


def test_bandits_of_bandits_are_merged():
    def make(seed):
        learner = Choice({"a": bandit(), "b": None}, selector=TsallisINF(2), rng=seed)
        for _ in range(30):
            learner.tell(learner.ask(), 5.0)
        return learner

    one, other = make(0), make(1)
    rounds = one.learners["a"].rounds + other.learners["a"].rounds
    one.merge(other)
    assert one.rounds == one.selector.rounds == 60
    assert one.learners["a"].rounds == rounds


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"options": {}}, ValueError, "at least one name"),
        ({"options": ["sor"]}, ValueError, "pass a mapping"),
        ({"options": {"sor": 1.5}}, TypeError, r"options\['sor'\] is 1.5: pass a Learner"),
        ({"options": {"sor": {"kind": "Oracle"}}}, TypeError, "pass a Learner"),
        (
            {"options": {"sor": {"kind": "Oracle", "settings": {}}}},
            ValueError,
            "'Oracle', no known kind of learner",
        ),
        ({"options": {"a": None}, "selector": TsallisINF(2)}, ValueError, "among 1 arms"),
        ({"options": {"a": None}, "selector": "best"}, TypeError, "selector is 'best'"),
        ({"options": {"1": None, 1: None}}, ValueError, "same name"),
        ({"options": {"a": None}, "name": "omega"}, ValueError, "need two words"),
        ({"options": {"a": None}, "knob": 3}, TypeError, "knob is 3: pass a word"),
    ],
)
def test_bad_arguments(given, error, message):
    with pytest.raises(error, match=message):
        Choice(**given)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("state", "selector"), None, "NoneType"),
        (("state", "option sor"), TsallisINF([1.0]).state_dict(), "settings"),
        (("state", "option sor"), QuadraticSurrogate((0, 1)).state_dict(), "QuadraticSurrogate"),
        (("settings", "options"), {}, "at least one"),
        (("settings", "selector"), {"kind": "TsallisINF", "settings": {"arms": 2}}, "3 arms"),
    ],
)
def test_corrupted_states_are_refused(path, value, message):
    state = json.loads(json.dumps(trained().state_dict()))
    *parents, last = path
    part = state
    for name in parents:
        part = part[name]
    part[last] = value
    with pytest.raises(ValueError, match=message):
        Learner.from_state_dict(state)


def test_the_layer_finds_the_solver_that_does_least_work():
    solvers = {"relaxation": sor, "direct": fast_sine, "cg": cg, "preconditioned": ssor_cg}
    learners = {
        "relaxation": QuadraticSurrogate((0.8, 1.9), scale="relaxation"),
        "direct": None,
        "cg": None,
        "preconditioned": QuadraticSurrogate((0.8, 1.9), scale="relaxation"),
    }
    layer = RelaxationLayer(solvers, learner=Choice(learners), loss="flops", rng=0)
    A = GridOperator.laplacian((16, 16))
    rng = np.random.default_rng(0)
    for _ in range(80):
        b = rng.standard_normal(256)
        solution = layer.solve(A, b)
        assert solution.choices["solver"] in solvers
        assert np.linalg.norm(b - A @ solution.x) <= 1.001e-8 * np.linalg.norm(b)
    assert set(layer.history.solvers) == set(solvers)
    assert layer.history.solvers[-40:].count("direct") >= 35


def test_a_merge_that_fails_changes_nothing():
    def make(seed):
        learner = Choice(
            {"a": TsallisINF(2), "b": QuadraticSurrogate((0.5, 1.9))},
            selector=TsallisINF(2),
            rng=seed,
        )
        for _ in range(10):
            learner.tell(learner.ask(), 5.0)
        return learner

    one, other = make(0), make(1)
    other.learners["b"] = QuadraticSurrogate((0.5, 1.8))  # as no constructor makes it
    before = one.state_dict()
    with pytest.raises(ValueError, match="no merge"):
        one.merge(other)
    assert one.state_dict() == before


def test_plays_of_other_learners_are_refused():
    with pytest.raises(ValueError, match="of another learner"):
        Choice({"a": None, "b": None}).tell(TsallisINF(2).ask(), 1.0)
