"""What a layer tells of itself: a table, and a history that stays short."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from structlin.solvers import QuadraticSurrogate, RelaxationLayer, ssor_cg
from structlin.solvers.learning._costs import observed_rate, observed_reduction
from structlin.solvers.learning._history import History
from tests.solvers.learning.systems import bandit, costing, failing, poisson


def test_rows_count_what_happened():
    costs = iter(range(1, 121))
    layer = RelaxationLayer(costing(lambda A, omega, rtol: next(costs)), learner=bandit())
    for k in range(120):
        layer.solve(poisson(), np.ones(36), group="pressure" if k % 3 else "velocity")
    velocity, pressure = layer.report().rows
    assert (velocity.key.group, velocity.solves, velocity.iterations) == ("velocity", 40, 2380)
    assert (pressure.key.group, pressure.solves, pressure.iterations) == ("pressure", 80, 4880)
    of_pressure = [k for k in range(1, 121) if k % 3 != 1]
    assert pressure.first == pytest.approx(np.mean(of_pressure[:50]))
    assert pressure.last == pytest.approx(np.mean(of_pressure[-50:]))
    assert (pressure.censored, pressure.backstops, pressure.clipped) == (0, 0, 0)
    assert pressure.learner == "TsallisINF"


def test_failures_and_clipped_contexts_are_counted():
    layer = RelaxationLayer(
        failing("diverged"), learner=QuadraticSurrogate((1.0, 1.9), contexts=(0, 1))
    )
    for context in (0.2, 0.6, 3.0):
        layer.solve(poisson(), np.ones(36), context=context)
    (row,) = layer.report().rows
    assert (row.solves, row.censored, row.backstops, row.clipped) == (3, 3, 3, 1)
    assert row.contexts == ((0.2,), (0.6,), (1.0,))
    assert len(row.choices) == 3
    assert all(1.0 <= choice <= 1.9 for choice in row.choices)


def test_a_report_changes_nothing():
    layer = RelaxationLayer(learner=bandit(), rng=0)
    for _ in range(5):
        layer.solve(poisson(), np.ones(36))
    before = layer.state_dict()
    layer.report()
    assert layer.state_dict() == before


def test_the_table():
    layer = RelaxationLayer(ssor_cg, learner=bandit([1.5]), rng=0)
    assert len(layer.report()) == 0
    for _ in range(3):
        layer.solve(poisson(), np.ones(36), np.ones(36), group="heat", ordering="reverse")
    lines = str(layer.report()).splitlines()
    assert lines[0] == "mean iterations per solve"
    assert lines[1].split() == (
        ["systems", "solves", "first", "50", "last", "50", "failed", "clipped", "now", "chosen"]
    )
    assert lines[3].startswith(
        "heat, ssor_cg, reverse, GridOperator 2-D, 1e-8, float64, warm, n ≈ 32  "
    )
    assert lines[3].split()[-6:][0] == "3"
    assert lines[3].endswith("1.5")
    assert lines[4].startswith("failed: ")
    assert "clipped: context outside" in lines[4]
    assert "now chosen: at the least, the middle and the largest context seen" in lines[4]
    assert len(lines) == 5


@given(count=st.integers(0, 9000))
def test_the_history_is_thinned_and_true(count):
    history = History()
    for k in range(1, count + 1):
        history.append(float(k % 5), 1.0 + k, "sor")
    assert history.solves == count
    assert len(history) < 2048
    assert len(history) >= min(count, 1000)
    totals = np.cumsum(np.arange(1, count + 1) % 5)
    assert history.total == (totals[-1] if count else 0)
    np.testing.assert_array_equal(history.losses, totals[history.rounds - 1])
    np.testing.assert_array_equal(history.values, 1.0 + history.rounds)
    gaps = np.diff(history.rounds)
    assert gaps.size == 0 or gaps.min() == gaps.max()
    again = History.from_state_dict(json.loads(json.dumps(history.state_dict())))
    for each in (history, again):
        for _ in range(3):
            each.append(1.0, float("nan"), "cg")
    assert again.state_dict() == history.state_dict()


def test_the_history_of_a_layer():
    layer = RelaxationLayer(learner=bandit(), rng=0)
    solutions = [layer.solve(poisson(), np.ones(36)) for _ in range(10)]
    assert layer.history.losses.tolist() == np.cumsum([s.iterations for s in solutions]).tolist()
    assert layer.history.values.tolist() == [s.choices["omega"] for s in solutions]
    assert layer.history.solvers == ["sor"] * 10


@given(rate=st.floats(0.01, 0.99), iterations=st.integers(3, 200), start=st.floats(1e-30, 1e30))
def test_rate_and_reduction_of_a_geometric_sequence(rate, iterations, start):
    norms = start * rate ** np.arange(iterations + 1.0)
    if norms[-1] > 1e-290:
        assert observed_rate(norms) == pytest.approx(rate)
        assert observed_reduction(norms) == pytest.approx(-iterations * np.log(rate))


def test_the_rate_is_that_of_the_end():
    norms = np.concatenate([0.5 ** np.arange(40), 0.5**39 * 0.9 ** np.arange(1, 31)])
    assert observed_rate(norms) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "norms",
    [[1.0], [1.0, 0.1], [1.0, 0.1, 0.0, 0.0], [np.nan] * 9, [1.0, 2.0, np.inf, np.inf], [0.0] * 9],
    ids=str,
)
def test_residuals_that_say_nothing(norms):
    assert observed_rate(np.array(norms)) is None
    reduction = observed_reduction(np.array(norms))
    assert reduction is None or np.isfinite(reduction)


@settings(max_examples=10)
@given(first=st.integers(0, 70), second=st.integers(0, 70))
def test_merged_records_average_what_they_counted(first, second):
    """The mean cost of the first solves lies between those of the two layers."""

    def layer(count, cost):
        made = RelaxationLayer(costing(lambda A, omega, rtol: cost), learner=bandit())
        for _ in range(count):
            made.solve(poisson(2), np.ones(4))
        return made

    one = layer(first, 4)
    one.merge(layer(second, 12))
    for row in one.report().rows:
        assert row.solves == first + second
        counted = min(first, 50), min(second, 50)
        assert row.first == pytest.approx(np.average([4, 12], weights=counted))
