"""What a layer knows survives saving, copying, merging; what is corrupted is refused."""

from __future__ import annotations

import concurrent.futures
import copy
import json
import pickle
import subprocess
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from structlin.matrices import GridOperator
from structlin.solvers import Choice, RelaxationLayer, TsallisINF, cg, sor, ssor_cg
from tests.solvers.learning.systems import bandit, poisson

seeds = st.integers(0, 1000)


def solve_some(layer, count):
    """Solve systems of several kinds; return what was chosen."""
    chosen = []
    for k in range(count):
        A = GridOperator.laplacian((5, 5), 0.1 + k % 7 / 10)
        x0 = np.ones(25) if k % 5 == 0 else None
        solution = layer.solve(A, np.ones(25), x0, rtol=10.0 ** -(4 + k % 3))
        chosen.append(solution.choices["omega"])
    return chosen


def saved(layer, **options):
    state = json.loads(json.dumps(layer.state_dict()))
    return RelaxationLayer.from_state_dict(state, **options)


@pytest.mark.parametrize("solver", [sor, ssor_cg])
@pytest.mark.parametrize("learner", [None, bandit()], ids=["default", "bandit"])
@settings(max_examples=10)
@given(seed=seeds, before=st.integers(0, 15))
def test_a_saved_layer_continues_the_same_sequence(solver, learner, seed, before):
    layer = RelaxationLayer(solver, learner=learner, rng=seed)
    solve_some(layer, before)
    restored = saved(layer, solver=solver)
    assert repr(restored) == repr(layer)
    assert str(restored.report()) == str(layer.report())
    assert solve_some(restored, 15) == solve_some(layer, 15)
    assert restored.state_dict() == layer.state_dict()


@pytest.mark.slow
def test_another_process_continues_the_same_sequence():
    layer = RelaxationLayer(rng=3)
    solve_some(layer, 30)
    program = (
        "import json, sys\n"
        "from structlin.solvers import RelaxationLayer\n"
        "from tests.solvers.learning.test_layer_state import solve_some\n"
        "layer = RelaxationLayer.from_state_dict(json.load(sys.stdin))\n"
        "print(json.dumps([solve_some(layer, 30), layer.state_dict()]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(layer.state_dict()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [solve_some(layer, 30), layer.state_dict()]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent_and_equal(duplicate):
    layer = RelaxationLayer(rng=0)
    solve_some(layer, 10)
    other = duplicate(layer)
    before = layer.state_dict()
    chosen = solve_some(other, 10)
    assert layer.state_dict() == before
    assert solve_some(layer, 10) == chosen


def test_the_state_does_not_grow():
    layer = RelaxationLayer(learner=bandit())
    sizes = []
    for _ in range(3):
        for _ in range(1000):
            layer.tell(layer.ask(poisson(), np.ones(36)), 5.0)
        layer.history._rows.clear()  # tested on its own
        sizes.append(len(json.dumps(layer.state_dict())))
    assert max(sizes) < 1.2 * min(sizes)


def test_functions_are_not_part_of_the_state():
    layer = RelaxationLayer(ssor_cg, loss=lambda solution: 2.0, learner=bandit(), rng=0)
    solve_some(layer, 3)
    with pytest.raises(ValueError, match="its loss was a function: pass it as loss="):
        saved(layer, solver=ssor_cg)
    restored = saved(layer, solver=ssor_cg, loss=lambda solution: 2.0)
    assert solve_some(restored, 5) == solve_some(layer, 5)


def test_layers_that_choose_solvers_are_saved():
    solvers = {"sor": sor, "cg": cg}
    layer = RelaxationLayer(solvers, learner=Choice({"sor": bandit(), "cg": None}), rng=0)
    A, b = poisson(), np.ones(36)
    for _ in range(10):
        layer.solve(A, b)
    restored = saved(layer, solver=solvers)
    for _ in range(10):
        assert restored.solve(A, b).choices == layer.solve(A, b).choices


def test_merged_layers_know_what_both_knew():
    one, other, empty = (RelaxationLayer(learner=bandit(), rng=seed) for seed in range(3))
    solve_some(one, 20)
    solve_some(other, 30)
    rounds = sum(row.solves for row in one.report().rows)
    iterations = one.iterations + other.iterations
    one.merge(other)
    assert one.iterations == iterations
    assert sum(row.solves for row in one.report().rows) == rounds + 30
    assert sum(learner.rounds for learner in one.learners.values()) >= 50
    state = one.state_dict()
    solve_some(other, 5)
    assert one.state_dict() == state  # nothing is shared
    empty.merge(one)
    assert str(empty.report()) == str(one.report())
    with pytest.raises(ValueError, match="merged with itself"):
        one.merge(one)
    different = RelaxationLayer(learner=TsallisINF([1.0]))
    solve_some(different, 20)
    before = one.state_dict()
    with pytest.raises(ValueError, match="differ in kind or settings"):
        one.merge(different)
    assert one.state_dict() == before


def corrupted(path, value):
    """Return a state with something replaced."""
    layer = RelaxationLayer(learner=bandit(), rng=0)
    solve_some(layer, 6)
    state = json.loads(json.dumps(layer.state_dict()))
    *parents, last = path
    part = state
    for name in parents:
        part = part[name]
    part[last] = value
    return state


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("kind",), "TsallisINF", "'TsallisINF' of version 2"),
        (("version",), 1, "version 1"),
        (("knob",), 7, "knob is 7"),
        (("loss",), "money", "loss is 'money'"),
        (("iterations",), -1, "negative"),
        (("failures",), 0.5, "float"),
        (("generator",), {}, "generator"),
        (("prototype",), {}, "no entry 'kind'"),
        (("prototype", "version"), 99, "version 99"),
        (("kinds",), None, "NoneType"),
        (("kinds", 0, "learner"), None, "NoneType"),
        (("kinds", 0, "key", "decade"), -3, "decade"),
        (("kinds", 0, "key", "size"), [], "impossible"),
        (("kinds", 0, "key", "colour"), "red", "colour"),
        (("kinds", 0, "record", "solves"), -1, "negative"),
        (("kinds", 0, "record", "early"), float("nan"), "not finite"),
        (("kinds", 0, "record", "recent"), ["x"], "could not convert"),
        (("kinds", 0, "record", "least"), [None], "float"),
        (("history", "solves"), 3, "history"),
        (("history", "stride"), 0, "history"),
        (("history", "rows"), [[5, 1.0, 1.0, "sor"], [2, 1.0, 1.0, "sor"]], "history"),
        (("history", "total"), float("inf"), "history"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_corrupted_states_are_refused(path, value, message):
    with pytest.raises(ValueError, match=message):
        RelaxationLayer.from_state_dict(corrupted(path, value))


@pytest.mark.parametrize("name", ["kind", "knob", "prototype", "kinds", "history", "iterations"])
def test_incomplete_states_are_refused(name):
    state = RelaxationLayer().state_dict()
    del state[name]
    with pytest.raises(ValueError, match=f"no entry '{name}'"):
        RelaxationLayer.from_state_dict(state)


def test_another_learner_in_the_state_is_refused():
    """It could not be merged, copied or explained."""
    layer = RelaxationLayer(learner=bandit(), rng=0)
    solve_some(layer, 6)
    state = layer.state_dict()
    state["kinds"][0]["learner"] = TsallisINF([1.0]).state_dict()
    with pytest.raises(ValueError, match="settings"):
        RelaxationLayer.from_state_dict(state)


def test_a_state_is_for_the_solver_it_was_learned_with():
    layer = RelaxationLayer(rng=0)
    solve_some(layer, 3)
    with pytest.raises(ValueError, match="it was learned with sor, not with ssor_cg"):
        saved(layer, solver=ssor_cg)


def contradict(path, change):
    """Return the state of a layer with one entry changed."""
    layer = RelaxationLayer(rng=0)
    solve_some(layer, 4)
    state = json.loads(json.dumps(layer.state_dict()))
    *parents, last = path
    part = state
    for name in parents:
        part = part[name]
    part[last] = change(part[last])
    return state


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        (("kinds",), lambda kinds: kinds * 2, "comes twice"),
        (("reads",), lambda _: "no", "its entry reads"),
        (("kinds", 0, "key", "size"), lambda _: 10**6, "impossible"),
        (("kinds", 0, "key", "matrix"), lambda _: 7, "impossible"),
        (("kinds", 0, "key", "warm"), lambda _: "no", "impossible"),
        (("kinds", 0, "record", "solves"), lambda n: n + 1, "recent costs"),
        (("kinds", 0, "record", "censored"), lambda _: 99, "more is counted"),
        (("kinds", 0, "record", "early"), lambda _: -1.0, "negative"),
        (("kinds", 0, "record", "least"), lambda _: [9.0, 9.0], "exceeds the largest"),
        (("kinds", 0, "record", "most"), lambda most: most[:1], "exceeds the largest"),
        (("history", "total"), lambda total: total / 2, "out of order"),
        (("history", "stride"), lambda _: 1.5, "integer"),
    ],
)
def test_contradictory_states_are_refused(path, change, message):
    with pytest.raises(ValueError, match=message):
        RelaxationLayer.from_state_dict(contradict(path, change))


def test_only_comparable_layers_are_merged():
    layer, other = RelaxationLayer(rng=0), RelaxationLayer(loss="flops", rng=0)
    for one in (layer, other):
        solve_some(one, 4)
    before = layer.state_dict()
    with pytest.raises(ValueError, match="differ in solver, knob or loss"):
        layer.merge(other)
    with pytest.raises(TypeError, match="pass a RelaxationLayer"):
        layer.merge(None)
    assert layer.state_dict() == before


def test_a_layer_is_copied_while_it_learns():
    layer = RelaxationLayer(lambda A, b, **_: sor(A, b, omega=1.0), learner=bandit(), rng=0)

    def solve(group):
        for k in range(60):
            layer.solve(poisson(3), np.ones(9), group=group + k)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        done = [pool.submit(solve, 100 * k) for k in range(2)]
        while not all(future.done() for future in done):
            seen = RelaxationLayer(layer._solvers["<lambda>"]._given[0], learner=bandit(), rng=1)
            seen.merge(layer)
            assert sum(x.rounds for x in seen.learners.values()) <= 120
        for future in done:
            future.result()
    assert layer.history.solves == sum(x.rounds for x in layer.learners.values()) == 120
