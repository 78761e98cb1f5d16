"""A tuned solver answers, learns from what calls cost, and survives whatever a solver may do."""

from __future__ import annotations

import json
import math
import threading
import time
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import Solution, SolverTuner, TsallisINF, cg, sor
from structlin.solvers.multigrid.multigrid import Multigrid

seeds = st.integers(0, 1000)
A, b = GridOperator.laplacian((6, 6), 0.5), np.ones(36)


def bowl(omega=1.3, sweeps=2):
    """Return a cost with its minimum, 10, at omega = 1.3 and sweeps = 2."""
    return 10.0 * (1 + (omega - 1.3) ** 2) * (1 + abs(sweeps - 2))


def spaces():
    return [
        {"omega": (0.5, 1.9)},
        {"sweeps": [1, 2, 3]},
        {"omega": (0.5, 1.9), "sweeps": [1, 2, 3]},
        {"omega": (0.5, 1.9, "relaxation"), "sweeps": range(1, 4), "mode": ["a", "b"]},
        {"omega": (0.5, 1.9), "tol": (1e-6, 1e-2, "log")},
    ]


@pytest.mark.parametrize("knobs", spaces(), ids=str)
@given(seed=seeds)
def test_every_call_gets_knobs_of_the_space(knobs, seed):
    tuner = SolverTuner(**knobs, rng=seed)

    @tuner
    def solve(A, **chosen):
        assert sorted(chosen) == sorted(knobs)
        for name, value in chosen.items():
            if isinstance(knobs[name], tuple):
                assert knobs[name][0] <= value <= knobs[name][1]
            else:
                assert value in knobs[name]
        return 10.0

    for _ in range(8):
        assert solve(A) == 10.0
    assert (solve.calls, solve.failures, solve.learner.rounds) == (8, 0, 8)


@pytest.mark.parametrize(
    ("knobs", "bound"),
    [
        ({"omega": (0.5, 1.9)}, 1.02),
        ({"sweeps": [1, 2, 3]}, 1.1),
        ({"omega": (0.5, 1.9), "sweeps": [1, 2, 3]}, 1.15),
    ],
    ids=str,
)
def test_finds_the_best_of_every_kind_of_knob(knobs, bound):
    solve = SolverTuner(**knobs, rng=0)(bowl)
    costs = np.array([solve() for _ in range(200)])
    assert costs[-50:].mean() <= 10 * bound
    state = solve.state_dict()
    best = solve.best()
    assert sorted(best) == sorted(knobs)
    assert bowl(**best) <= 10 * bound
    assert solve.state_dict() == state


def test_follows_a_context():
    @SolverTuner(omega=(0.5, 1.9), contexts=(0, 1), rng=0)
    def solve(context_seen, *, omega):
        return 10 * (1 + 4 * (omega - 0.8 - 0.8 * context_seen) ** 2)

    contexts = np.random.default_rng(0).uniform(0, 1, 200)
    costs = np.array([solve(c, context=c) for c in contexts])
    assert costs[-50:].mean() <= 10.5
    with pytest.raises(ValueError, match="context"):
        solve(0.5)
    assert not solve.last.clipped
    solve(1.0, context=3.0)
    assert solve.last.clipped
    assert solve.learner.clipped == 1


@given(seed=seeds)
def test_same_seed_same_choices(seed):
    solvers = [SolverTuner(omega=(0.5, 1.9), sweeps=[1, 2], rng=seed)(bowl) for _ in range(2)]
    for _ in range(10):
        assert solvers[0]() == solvers[1]()


@pytest.mark.parametrize(
    ("returned", "loss"),
    [
        (12, 12.0),
        (12.5, 12.5),
        (np.float32(12.5), 12.5),
        ({"iterations": 7}, 7.0),
        ({"iterations": np.int64(7), "converged": True}, 7.0),
        ((b, 12.5), 12.5),
        ((b, {"iterations": 7}), 7.0),
        (Solution(b, "converged", 3, np.array([8.0, 4.0, 2.0, 1.0])), 3.0),
        ((b, Solution(b, "converged", 3, np.array([8.0, 4.0, 2.0, 1.0]))), 3.0),
    ],
    ids=repr,
)
def test_reads_what_a_solver_returns(returned, loss):
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(lambda omega: returned)
    assert solve() is returned
    assert solve.last.loss == loss
    assert solve.last.failure is None
    assert solve.learner.rounds == 1


def test_seconds_take_whatever_is_returned():
    for returned in (None, b, (b, {"anything": 1}), "text", (1, 2, 3), {"residual": 1.0}):
        solve = SolverTuner(omega=(0.5, 1.9), loss="seconds", rng=0)(lambda omega, r=returned: r)
        assert solve() is returned
        assert 0 < solve.last.loss == solve.last.seconds < 10


def test_seconds_of_first_calls_are_not_counted():
    """They may compile, and take as long as a hundred others."""
    methods = []
    solve = SolverTuner(method=["a", "b"], omega=(0.5, 1.9), loss="seconds", rng=0)(
        lambda method, omega: methods.append(method)
    )
    for _ in range(30):
        solve()
        assert solve.learner.rounds == len(methods) - len(set(methods))
    assert set(methods) == {"a", "b"}


def test_a_loss_of_the_users_own():
    solve = SolverTuner(omega=(0.5, 1.9), loss=lambda returned: 3 * len(returned), rng=0)(
        lambda omega: [1, 2]
    )
    solve()
    assert solve.last.loss == 6.0


@pytest.mark.parametrize("returned", [0, {"iterations": 0}, cg(A, 0 * b)], ids=repr)
def test_nothing_is_learned_where_nothing_was_to_do(returned):
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(lambda omega: returned)
    assert solve() is returned
    assert (solve.calls, solve.learner.rounds) == (1, 0)


@pytest.mark.parametrize(
    "returned",
    [None, "text", b, (b, 0), (b, np.int64(3)), (1, 2, 3), {"residual": 1.0}, True],
    ids=repr,
)
def test_refuses_what_tells_no_iterations(returned):
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(lambda omega: returned)
    with pytest.raises(TypeError, match="iterations"):
        solve()


def test_refuses_negative_losses():
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(lambda omega: -1.0)
    with pytest.raises(ValueError, match="between 0 and"):
        solve()


failures = {
    "raises": lambda omega: 1 / 0,
    "NaN": lambda omega: float("nan"),
    "infinite": lambda omega: np.inf,
    "NaN iterations": lambda omega: {"iterations": float("nan")},
    "NaN answer": lambda omega: (np.full(3, np.nan), {"iterations": 3}),
    "not converged": lambda omega: {"iterations": 5, "converged": False},
    "diverged": lambda omega: Solution(b, "diverged", 2, np.array([1.0, 2.0, 1e9])),
}


@pytest.mark.parametrize("kind", failures)
def test_the_backstop_answers_failures(kind):
    solve = SolverTuner(omega=(0.5, 1.9), backstop=lambda: "answer", rng=0)(failures[kind])
    assert solve() == "answer"
    assert (solve.calls, solve.failures, solve.learner.rounds) == (1, 1, 1)
    assert solve.last.failure is not None
    assert (solve.last.error is not None) == (kind == "raises")


@pytest.mark.parametrize("kind", failures)
def test_failures_are_no_secret_without_a_backstop(kind):
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(failures[kind])
    if kind == "raises":
        with pytest.raises(ZeroDivisionError) as caught:
            solve()
        assert "omega=" in caught.value.__notes__[0]
    else:
        with pytest.warns(ConvergenceWarning, match="omega="):
            solve()
    assert solve.learner.rounds == 1


def test_a_failing_backstop_is_chained():
    def backstop():
        raise KeyError("second")

    solve = SolverTuner(omega=(0.5, 1.9), backstop=backstop, rng=0)(failures["raises"])
    with pytest.raises(KeyError, match="second") as caught:
        solve()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("knobs", [{"omega": (0.5, 1.9)}, {"omega": [0.6, 1.0, 1.4, 1.8]}], ids=str)
def test_learns_to_avoid_what_fails(knobs):
    """Values beyond 1.5 fail at once, and look cheap."""

    def solve(omega):
        if omega > 1.5:
            raise ArithmeticError("diverged")
        return bowl(omega)

    tuned = SolverTuner(**knobs, backstop=lambda: None, rng=0)(solve)
    for _ in range(100):
        tuned()
    before = tuned.failures
    for _ in range(100):
        tuned()
    assert tuned.failures - before <= 10


def test_a_failure_costs_at_least_what_was_spent_and_twice_the_usual():
    told = []

    class Spy(TsallisINF):
        def _tell(self, play, outcome):
            told.append(outcome)
            super()._tell(play, outcome)

    results = iter([10, 30, {"iterations": 25, "converged": False}, float("nan")])
    solve = SolverTuner(omega=[1.0, 1.5], learner=Spy([1.0, 1.5]), backstop=lambda: 1, rng=0)(
        lambda omega: next(results)
    )
    for _ in range(4):
        solve()
    assert [outcome.loss for outcome in told] == [10, 30, 40, 40]
    assert [outcome.censored for outcome in told] == [False, False, True, True]


def test_a_hanging_solver_is_left_behind():
    stopped = threading.Event()

    def hangs(omega):
        try:
            while True:
                time.sleep(0.001)
        finally:
            stopped.set()

    solve = SolverTuner(omega=(0.5, 1.9), time_limit=0.1, backstop=lambda: "answer", rng=0)(hangs)
    assert solve() == "answer"
    assert solve.last.failure == "time_limit"
    assert isinstance(solve.last.error, TimeoutError)
    assert stopped.wait(10)  # a loop of Python can be stopped


def test_solvers_that_cannot_be_stopped_do_not_pile_up():
    release = threading.Event()
    begun = []

    def hangs(omega):
        begun.append(omega)
        release.wait(60)  # in C: nothing stops it

    solve = SolverTuner(omega=(0.5, 1.9), time_limit=0.1, backstop=lambda: "answer", rng=0)(hangs)
    try:
        answers = [solve() for _ in range(8)]
    finally:
        release.set()
    assert answers == 8 * ["answer"]
    assert len(begun) == 4
    assert solve.failures == 8
    assert solve.learner.rounds == 4  # what was not begun tells nothing


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("hanging", [1, 3])
@pytest.mark.parametrize("knobs", [{}, {"omega": (0.5, 1.9)}], ids=str)
def test_what_hangs_is_not_called_again_meanwhile(knobs, hanging, seed):
    """The others go on being called, and what hangs is not thought best."""
    release = threading.Event()
    begun = []

    def solve(mode, omega=1.0):
        begun.append(mode)
        if mode < 0:
            release.wait(60)  # in C: nothing stops it
        return 10.0 + mode

    modes = [*range(-hanging, 0), 0, 5]
    tuned = SolverTuner(mode=modes, **knobs, time_limit=0.05, backstop=lambda: "answer", rng=seed)(
        solve
    )
    try:
        answers = [tuned() for _ in range(60)]
        late = [mode for mode in begun if mode < 0]
        assert len(late) == len(set(late)) == tuned.failures == answers.count("answer")
        assert (tuned.learner.rounds, tuned.calls) == (60, 60)
        assert tuned.best()["mode"] >= 0
    finally:
        release.set()


def test_a_refused_call_tells_nothing():
    """Where the learner insists on what hangs, the call fails, and is not learned from."""
    release = threading.Event()
    tuned = SolverTuner(mode=["a", "b"], learner=TsallisINF(["a"]), time_limit=0.05)(
        lambda mode: release.wait(60)
    )
    try:
        with pytest.raises(TimeoutError, match="no answer within"):
            tuned()
        with pytest.raises(TimeoutError, match="still running") as caught:
            tuned()
    finally:
        release.set()
    assert "not called with mode='a'" in caught.value.__notes__[0]
    assert (tuned.calls, tuned.failures, tuned.learner.rounds) == (2, 2, 0)


def test_a_solver_that_looks_at_the_clock_is_told_the_limit():
    def solve(omega, time_limit):
        return {"iterations": 3, "thread": threading.current_thread(), "limit": time_limit}

    answer = SolverTuner(omega=(0.5, 1.9), time_limit=2.0, rng=0)(solve)()
    assert answer["thread"] is threading.current_thread()
    assert answer["limit"] == 2.0


def test_in_time_nothing_changes():
    tuner = SolverTuner(omega=(0.5, 1.9), time_limit=60.0, rng=0)

    @tuner
    def solve(omega):
        assert threading.current_thread() is not threading.main_thread()
        return 3 + 0 * np.exp(-np.float64(1e3) * omega)

    assert solve() == 3
    with np.errstate(under="raise"), pytest.raises(FloatingPointError):  # holds in the thread too
        solve()
    with pytest.raises(ZeroDivisionError):
        tuner(failures["raises"])()


@pytest.mark.parametrize("knobs", spaces(), ids=str)
def test_continues_from_a_state_as_json(knobs):
    tuned = SolverTuner(**knobs, rng=5)(
        lambda **chosen: bowl(chosen.get("omega", 1.0), chosen.get("sweeps", 1))
    )
    for _ in range(20):
        tuned()
    state = json.loads(json.dumps(tuned.state_dict()))
    again = SolverTuner(**knobs, rng=6)(tuned.__wrapped__).load(state)
    assert (again.calls, again.failures) == (20, 0)
    for _ in range(10):
        assert tuned() == again()
        assert tuned.last.knobs == again.last.knobs


def broken_states(state):
    yield {**state, "version": 2}
    yield {**state, "kind": "TsallisINF"}
    yield {**state, "knobs": {}}
    yield {**state, "failures": 100}
    yield {**state, "usual": -1.0}
    yield {**state, "usual": float("nan")}
    yield {**state, "calls": "many"}
    yield {**state, "learner": {**state["learner"], "version": 0}}
    yield {name: part for name, part in state.items() if name != "learner"}


def test_refuses_impossible_states():
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(bowl)
    solve()
    for state in broken_states(solve.state_dict()):
        with pytest.raises(ValueError, match="state"):
            solve.load(state)
    other = SolverTuner(omega=(0.5, 1.8), rng=0)(bowl)
    with pytest.raises(ValueError, match="knobs"):
        other.load(solve.state_dict())
    assert solve.calls == 1


def test_merge_adds_experience():
    solvers = [SolverTuner(omega=(0.5, 1.9), rng=seed)(bowl) for seed in (1, 2)]
    for solve in solvers:
        for _ in range(30):
            solve()
    solvers[0].merge(solvers[1])
    assert (solvers[0].calls, solvers[0].learner.rounds) == (60, 60)
    with pytest.raises(ValueError, match="knobs"):
        solvers[0].merge(SolverTuner(sweeps=[1, 2])(bowl))


def test_calls_elsewhere_are_asked_for_and_told_late():
    solve = SolverTuner(omega=(0.5, 1.9), sweeps=[1, 2], rng=0)(bowl)
    plays = [solve.learner.ask() for _ in range(5)]
    for play in reversed(plays):
        solve.learner.tell(play, bowl(**solve.chosen(play)))
    assert solve.learner.rounds == 5


def test_several_threads_may_call():
    solve = SolverTuner(omega=(0.5, 1.9), sweeps=[1, 2], rng=0)(bowl)
    threads = [threading.Thread(target=lambda: [solve() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (solve.calls, solve.learner.rounds) == (100, 100)


def test_memory_does_not_grow():
    solve = SolverTuner(omega=(0.5, 1.9), sweeps=[1, 2, 3], rng=0)(bowl)
    lengths = []
    for _ in range(2):
        for _ in range(100):
            solve()
        lengths.append(len(json.dumps(solve.state_dict())))
    assert lengths[1] < 1.1 * lengths[0]


def test_learners_of_the_users_own():
    solve = SolverTuner(omega=(0.5, 1.9), learner=TsallisINF([1.0, 1.5]), rng=0)(bowl)
    assert {bowl(1.0), bowl(1.5)} >= {solve() for _ in range(10)}
    assert solve.learner.rounds == 10
    knowing = SolverTuner(omega=(0.5, 1.9), learner=solve.learner)(bowl)
    knowing()
    assert (knowing.learner.rounds, solve.learner.rounds) == (11, 10)
    solve = SolverTuner(omega=(0.5, 1.9), sweeps=[1], learner=TsallisINF(2))(bowl)
    with pytest.raises(ValueError, match="plays"):
        solve()


def test_tunes_a_solver_of_this_package_without_its_warning():
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(sor)
    backed = SolverTuner(omega=(0.5, 1.9), backstop=lambda A, b, **limits: cg(A, b), rng=0)(sor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert solve(A, b).converged
        assert backed(A, b, maxiter=2).converged
    assert backed.failures == 1


def test_lives_where_its_arguments_live(library):
    A = GridOperator.laplacian((3, 4), 0.5, like=library.asarray(np.empty(0)))
    b = library.asarray(np.ones(12))
    for loss in ("iterations", "seconds"):
        solve = SolverTuner(omega=(0.5, 1.5), loss=loss, time_limit=60, rng=0)(sor)
        solution = solve(A, b, rtol=1e-6)
        assert solution.converged
        assert solution.x.device == b.device
        bare = SolverTuner(omega=(0.5, 1.5), loss="seconds", time_limit=60, rng=0)(lambda omega: b)
        assert bare() is b


def test_tunes_a_prepared_hierarchy():
    A = GridOperator.laplacian((31, 31))
    ready, rng = Multigrid(A), np.random.default_rng(0)
    solve = SolverTuner(omega=(0.6, 1.7), pre=[1, 2], cycle=["V", "W"], rng=0, loss=_work)(
        ready.solve
    )
    costs = [_work(solve(rng.standard_normal(961))) for _ in range(120)]
    b = rng.standard_normal(961)
    fixed = [
        _work(ready.solve(b, omega=omega, pre=pre, cycle=cycle))
        for omega in (0.9, 1.0, 1.1, 1.2)
        for pre in (1, 2)
        for cycle in ("V", "W")
    ]
    assert np.mean(costs[-40:]) <= 1.1 * min(fixed)


def _work(solution):
    cycles = {"V": 4 / 3, "W": 2.0}[solution.choices["cycle"]]
    return solution.iterations * cycles * (2 + solution.choices["pre"])


def test_a_decorated_method_knows_its_instance():
    class Problem:
        size = 3.0

        @SolverTuner(omega=(0.5, 1.9), rng=0)
        def solve(self, factor, *, omega):
            """Solve it."""
            return self.size * factor

    assert Problem().solve(2) == 6.0
    assert Problem.solve.calls == 1
    assert Problem.solve.__doc__ == "Solve it."


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, ValueError, "no knob"),
        ({"omega": (1, 0)}, ValueError, "omega"),
        ({"omega": (0, np.inf)}, ValueError, "omega"),
        ({"omega": (0, 1, "log")}, ValueError, "omega"),
        ({"omega": (0, 1, "odd")}, ValueError, "omega"),
        ({"omega": (0.5, 2.5, "relaxation")}, ValueError, "omega"),
        ({"omega": (1, 2, 3, 4)}, TypeError, "omega"),
        ({"omega": ("a", "b")}, TypeError, "omega"),
        ({"omega": 1.5}, TypeError, "omega"),
        ({"omega": []}, ValueError, "omega"),
        ({"omega": [np.nan]}, ValueError, "omega"),
        ({"omega": "sor"}, TypeError, "omega"),
        ({"omega": (0, 1), "loss": "flops"}, ValueError, "loss"),
        ({"omega": (0, 1), "time_limit": 0}, ValueError, "time_limit"),
        ({"omega": (0, 1), "backstop": 3}, TypeError, "backstop"),
        ({"omega": (0, 1), "learner": 3}, TypeError, "learner"),
        ({"omega": (0, 1), "contexts": (1, 0)}, ValueError, "context"),
    ],
    ids=str,
)
def test_refuses_what_cannot_be_tuned(arguments, error, match):
    with pytest.raises(error, match=match):
        SolverTuner(**arguments)


def test_knobs_are_parameters_of_the_solver():
    def solve(A, b, /, *, theta):
        return 1.0

    with pytest.raises(TypeError, match=r"solve has no parameter 'thta' to be tuned: it has theta"):
        SolverTuner(thta=(0.3, 1))(solve)
    with pytest.raises(TypeError, match="no parameter 'A'"):
        SolverTuner(A=[1, 2], theta=(0.3, 1))(solve)
    with pytest.raises(TypeError, match="it has none"):
        SolverTuner(theta=(0.3, 1))(lambda: 1.0)
    SolverTuner(anything=(0.3, 1))(lambda **options: 1.0)
    SolverTuner(x=(0.3, 1))(max)  # shows no signature


def test_refuses_calls_that_contradict_it():
    solve = SolverTuner(omega=(0.5, 1.9), rng=0)(bowl)
    with pytest.raises(TypeError, match="omega is chosen"):
        solve(omega=1.0)
    with pytest.raises(ValueError, match="contexts"):
        solve(context=0.5)
    with pytest.raises(TypeError, match="solve"):
        SolverTuner(omega=(0.5, 1.9))(3)
    looking = SolverTuner(omega=(0.5, 1.9), contexts=(0, 1), rng=0)(bowl)
    with pytest.raises(ValueError, match="NaN"):
        looking(context=float("nan"))
    assert looking.calls == 0


def test_costs_of_another_kind_are_refused():
    one, other = (
        SolverTuner(x=(1.0, 2.0), loss=loss, rng=0)(lambda x: {"iterations": 3})
        for loss in ("iterations", "seconds")
    )
    with pytest.raises(ValueError, match="its loss is iterations, not seconds"):
        other.load(one.state_dict())
    with pytest.raises(ValueError, match="no merge"):
        other.merge(one)
    with pytest.raises(TypeError, match="pass a TunedSolver"):
        other.merge(None)


def test_the_dearest_failure_is_still_a_cost():
    losses = iter([1e100, math.nan])
    solve = SolverTuner(x=(1.0, 2.0), backstop=lambda: "answer", rng=0)(lambda x: next(losses))
    assert solve() == 1e100
    assert solve() == "answer"
    assert solve.learner.rounds == 2


@pytest.mark.parametrize("norms", ["abc", 5, [[1.0], [2.0, 3.0]], [[1.0, 2.0]]], ids=str)
def test_residual_norms_are_numbers(norms):
    solve = SolverTuner(x=(1.0, 2.0))(lambda x: {"iterations": 3, "residual_norms": norms})
    with pytest.raises(TypeError, match="residual_norms"):
        solve()
