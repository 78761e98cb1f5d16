"""Which solves learn together, and what a new kind of solve takes over from another."""

from __future__ import annotations

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin.matrices import GridOperator
from structlin.solvers import RelaxationLayer, sor, ssor_cg
from structlin.solvers.learning._keys import Key, key_of
from tests.solvers.learning.systems import bandit, costing, poisson


def key(A=None, b=None, x0=None, **changes):
    arguments = {
        "group": None,
        "solver": "sor",
        "sized": False,
        "rtol": 1e-8,
        "atol": 0.0,
        "options": {},
    }
    A = poisson() if A is None else A
    return key_of(A, np.ones(36) if b is None else b, x0, **{**arguments, **changes})


def test_equal_systems_have_equal_keys():
    assert key() == key() == key(poisson(7, 0.2), np.zeros(49))
    assert hash(key()) == hash(key())


@pytest.mark.parametrize(
    "changed",
    [
        {"group": "pressure"},
        {"solver": "ssor_cg"},
        {"options": {"ordering": "reverse"}},
        {"A": poisson().tosparse()},
        {"A": GridOperator.laplacian((36,))},
        {"rtol": 1e-6},
        {"atol": 1e-3},
        {"b": np.ones(36, np.complex64)},
        {"x0": np.ones(36)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_costs_changes_the_key(changed):
    assert key(**changed) != key()


def test_options_that_are_no_words_are_left_out():
    assert key(options={"callback": print, "weight": 0.3}) == key()


@given(rtol=st.floats(1e-12, 0.1), size=st.sampled_from([1e-150, 1.0, 1e150]))
def test_tolerances_are_relative_to_the_right_hand_side(rtol, size):
    b = np.full(36, size)
    given_absolutely = key(b=b, rtol=0.0, atol=rtol * 6 * size)
    assert given_absolutely.decade == pytest.approx(-np.log10(rtol), abs=0.51)
    assert key(b=b, rtol=rtol).decade == pytest.approx(-np.log10(rtol), abs=0.51)


def test_data_types_are_those_of_the_computation():
    single = GridOperator.laplacian((6, 6), dtype="float32")
    assert key(single, np.ones(36, np.float32)).dtype == "float32"
    assert key(single, np.ones(36)).dtype == "float64"
    assert key(b=np.ones(36, np.int64)).dtype == "float64"
    assert key(b=np.ones(36, complex)).dtype == "complex128"


def test_the_device_is_part_of_the_key(library):
    b = library.asarray(np.ones(36))
    A = GridOperator.laplacian((6, 6), like=b)
    assert key(A, b).device == str(b.device)


def test_groups_are_words_or_numbers():
    assert key(group=3).group == 3
    with pytest.raises(TypeError, match="pass a word"):
        key(group=2.5)


def test_keys_survive_being_saved():
    saved = key(group="p", options={"ordering": "reverse", "blocks": 3}).state_dict()
    assert Key.from_state_dict(saved) == key(
        group="p", options={"ordering": "reverse", "blocks": 3}
    )
    with pytest.raises(ValueError, match=r"decade=0, .* is impossible"):
        Key.from_state_dict({**saved, "decade": 0})


def proportional(A, omega, rtol):
    """Iterations proportional to ln ε, least at ω = 1.4 of 0.8, 1.1 and 1.4."""
    return round(-np.log10(rtol) * (2 + 20 * abs(omega - 1.4)))


def trained(**options):
    layer = RelaxationLayer(costing(proportional), learner=bandit(), rng=0)
    for _ in range(300):
        layer.solve(poisson(), np.ones(36), **{"rtol": 1e-4, **options})
    return layer


@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-8, 1e-13])
def test_another_tolerance_goes_on_with_what_was_learned(rtol):
    layer = trained()
    before = layer.learners[key(rtol=1e-4, solver="solver", sized=True)]
    layer.solve(poisson(), np.ones(36), rtol=rtol)
    after = layer.learners[key(rtol=rtol, solver="solver", sized=True)]
    assert after.rounds == before.rounds + 1
    assert before.rounds == 300
    # rescaled, so that a loss of the new size is no surprise to it
    assert after.probabilities[2] > 0.9 * before.probabilities[2] > 0.4
    costs = [layer.solve(poisson(), np.ones(36), rtol=rtol).iterations for _ in range(100)]
    best = proportional(None, 1.4, rtol)
    unlearned = np.mean([proportional(None, omega, rtol) for omega in (0.8, 1.1, 1.4)])
    assert np.mean(costs) < best + 0.4 * (unlearned - best)


def test_the_nearest_tolerance_is_taken():
    layer = trained()
    for _ in range(20):
        layer.solve(poisson(), np.ones(36), rtol=1e-10)
    layer.solve(poisson(), np.ones(36), rtol=1e-9)
    layer.solve(poisson(), np.ones(36), rtol=1e-5)
    learners = {k.decade: learner.rounds for k, learner in layer.learners.items()}
    assert learners == {4: 300, 10: 320, 9: 321, 5: 301}


def test_another_data_type_goes_on_with_what_was_learned():
    layer = trained()
    A = GridOperator.laplacian((6, 6), 0.5, dtype="float32")
    layer.solve(A, np.ones(36, np.float32), rtol=1e-4)
    assert [learner.rounds for learner in layer.learners.values()] == [300, 301]
    timed = RelaxationLayer(costing(proportional), learner=bandit(), loss="seconds", rng=0)
    for _ in range(2):
        timed.solve(poisson(), np.ones(36))
    for _ in range(2):
        timed.solve(A, np.ones(36, np.float32), rtol=1e-6)
    assert [learner.rounds for learner in timed.learners.values()] == [1, 1]


@pytest.mark.parametrize(
    "options", [{"group": "other"}, {"ordering": "reverse"}, {"x0": np.ones(36)}], ids=str
)
def test_what_makes_costs_incomparable_begins_anew(options):
    layer = trained()
    layer.solve(poisson(), np.ones(36), rtol=1e-4, **options)
    assert [learner.rounds for learner in layer.learners.values()] == [300, 1]


def test_without_a_context_another_size_begins_anew():
    layer = trained()
    layer.solve(GridOperator.laplacian((6, 7), 0.5), np.ones(42), rtol=1e-4)
    assert [learner.rounds for learner in layer.learners.values()] == [301]
    layer.solve(poisson(12), np.ones(144), rtol=1e-4)
    assert [learner.rounds for learner in layer.learners.values()] == [301, 1]


@pytest.mark.parametrize(
    "solver", [sor, functools.partial(ssor_cg, ordering="red-black")], ids=["sor", "ssor-cg"]
)
def test_what_was_learned_on_small_grids_serves_larger_ones(solver):
    """The first solves of a grid three times as wide cost little more than they would later."""
    rng = np.random.default_rng(0)
    layer = RelaxationLayer(solver, rng=0)

    def iterations(side, times):
        total = 0
        for _ in range(times):
            A = GridOperator.laplacian((side, side), 10 ** rng.uniform(-3, -1))
            total += layer.solve(A, rng.standard_normal(side**2)).iterations
        return total

    for _ in range(80):
        iterations(int(rng.integers(6, 13)), 1)
    first = iterations(30, 20)
    for _ in range(3):
        iterations(30, 20)
    later = iterations(30, 20)
    assert len(layer.learners) == 1
    assert first < 1.5 * later


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_defaults_lose_nothing_when_the_tolerance_changes(solver):
    """The first solves at a new tolerance cost what they would, had it been so all along."""

    def costs(before, seed=0):
        rng = np.random.default_rng(seed)
        layer = RelaxationLayer(solver, rng=0)
        counts = []
        for k in range(120):
            A = GridOperator.laplacian((14, 14), 10 ** rng.uniform(-2, 0))
            rtol = before if k < 80 else 1e-8
            counts.append(layer.solve(A, rng.standard_normal(196), rtol=rtol).iterations)
        return sum(counts[80:])

    assert costs(1e-4) < 1.1 * costs(1e-8)
    assert costs(1e-11) < 1.1 * costs(1e-8)
