"""The layer answers as its solver does, learns from the cost, and never returns a wrong answer."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import json
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import (
    Choice,
    Multigrid,
    Outcome,
    RelaxationLayer,
    Solution,
    TsallisINF,
    cg,
    sor,
    ssor_cg,
)
from tests.solvers.learning.systems import OMEGAS, bandit, costing, failing, poisson, residual

seeds = st.integers(0, 1000)


def only(mapping):
    """Return the only value."""
    (value,) = mapping.values()
    return value


@pytest.mark.parametrize("solver", [sor, ssor_cg])
@given(seed=seeds, shift=st.floats(0, 2, allow_subnormal=False), warm=st.booleans())
def test_answers_as_the_solver_does_with_the_chosen_parameter(solver, seed, shift, warm):
    rng = np.random.default_rng(seed)
    A, b = poisson(shift=shift), rng.standard_normal(36)
    x0 = rng.standard_normal(36) if warm else None
    layer = RelaxationLayer(solver, learner=bandit(), rng=seed)
    solution = layer.solve(A, b, x0)
    assert solution.choices["omega"] == OMEGAS[solution.choices["arm"]]
    assert solution.choices["backstop"] is None
    alone = solver(A, b, omega=solution.choices["omega"], x0=x0)
    np.testing.assert_array_equal(solution.x, alone.x)
    np.testing.assert_array_equal(solution.residual_norms, alone.residual_norms)
    assert layer.iterations == alone.iterations
    row = layer.report().rows[0]
    assert (row.solves, row.iterations, row.last) == (1, alone.iterations, alone.iterations)


@given(seed=seeds)
def test_the_loss_is_the_iterations(seed):
    layer = RelaxationLayer(learner=TsallisINF([1.0, 1.3]), rng=seed)
    solution = layer.solve(poisson(), np.ones(36))
    assert only(layer.learners).rounds == layer.history.solves == 1
    assert layer.history.total == solution.iterations


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_learns_to_prefer_good_parameters(solver):
    A = poisson(10, shift=0.0)
    omegas = [0.1, 0.5, 1.0, 1.6, 1.9, 1.98]
    layer = RelaxationLayer(solver, learner=bandit(omegas))
    rng = np.random.default_rng(1)
    for _ in range(400):
        layer.solve(A, rng.standard_normal(100))
    costs = np.array([solver(A, np.ones(100), omega=omega).iterations for omega in omegas])
    expected = only(layer.learners).probabilities @ costs
    assert expected < 0.5 * (costs.mean() + costs.min())
    row = layer.report().rows[0]
    assert row.solves == 400
    assert row.last < row.first


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_the_default_learner_learns(solver):
    """After 60 solves, no worse than the best of a grid by more than a third."""
    A = poisson(12, shift=0.05)
    layer = RelaxationLayer(solver, rng=0)
    rng = np.random.default_rng(1)
    right_hand_sides = [rng.standard_normal(144) for _ in range(80)]
    learned = [layer.solve(A, b).iterations for b in right_hand_sides][60:]
    fixed = [
        [solver(A, b, omega=omega).iterations for b in right_hand_sides[60:]]
        for omega in np.linspace(1, 1.9, 7)
    ]
    assert np.sum(learned) < 1.34 * np.sum(fixed, axis=1).min()


def test_same_seed_same_choices():
    A, b = poisson(), np.ones(36)
    one, other, third = (RelaxationLayer(rng=seed) for seed in (7, 7, 8))
    for _ in range(20):
        first = one.solve(A, b)
        assert other.solve(A, b).choices == first.choices
        third.solve(A, b)
    assert third.history.values.tolist() != one.history.values.tolist()


def test_a_seeded_learner_makes_a_seeded_layer():
    A, b = poisson(), np.ones(36)
    runs = []
    for _ in range(2):
        layer = RelaxationLayer(learner=bandit(rng=3))
        runs.append([layer.solve(A, b).choices["omega"] for _ in range(20)])
    assert runs[0] == runs[1]


def test_a_learner_that_knows_something_is_taken_with_what_it_knows():
    learner = bandit(rng=0)
    for _ in range(500):
        play = learner.ask()
        learner.tell(play, [90, 10, 50][play.arm])
    layer = RelaxationLayer(learner=learner)
    layer.solve(poisson(), np.ones(36))
    assert only(layer.learners).rounds == 501
    assert learner.rounds == 500


def test_lives_where_its_arguments_live(library):
    A = GridOperator.laplacian((3, 4), 0.5, like=library.asarray(np.empty(0)))
    b = library.asarray(np.ones(12))
    for solver in (sor, functools.partial(ssor_cg, ordering="red-black")):
        layer = RelaxationLayer(solver, rng=0)
        for _ in range(3):
            solution = layer.solve(A, b, rtol=1e-6)
        assert solution.x.device == b.device
        assert solution.converged
        assert only(layer.learners).rounds == 3


def test_options_reach_the_solver():
    layer = RelaxationLayer(rng=0)
    solution = layer.solve(poisson(), np.ones(36), ordering="lexicographic")
    assert solution.choices["ordering"] == "lexicographic"


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_nothing_is_learned_where_nothing_was_to_do(solver):
    A = poisson()
    layer = RelaxationLayer(solver, learner=bandit())
    assert layer.solve(A, np.zeros(36)).iterations == 0
    solved = cg(A, np.ones(36), rtol=1e-12).x
    assert layer.solve(A, np.ones(36), solved, rtol=0, atol=1e-8).iterations == 0
    for learner in layer.learners.values():
        assert learner.rounds == 0
        np.testing.assert_allclose(learner.probabilities, np.full(3, 1 / 3))
    assert len(layer.report()) == layer.history.solves == 0


@pytest.mark.parametrize("status", ["diverged", "breakdown", "max_iterations", "time_limit"])
def test_failures_are_answered_by_the_backstop_and_charged(status):
    A, b = poisson(), np.random.default_rng(0).standard_normal(36)
    layer = RelaxationLayer(failing(status), learner=TsallisINF(list(OMEGAS)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution = layer.solve(A, b, maxiter=1000)
    assert solution.converged
    assert residual(A, solution.x, b) <= 1e-8 * np.linalg.norm(b)
    alone = cg(A, b)
    assert solution.iterations == 7 + alone.iterations == layer.iterations
    assert solution.residual_norms.size == solution.iterations + 1
    np.testing.assert_allclose(solution.residual_norms[8:], alone.residual_norms[1:])
    assert solution.choices["backstop"] == status
    known_bound = 7 if status in ("max_iterations", "time_limit") else 1000
    assert layer.history.total == known_bound
    row = layer.report().rows[0]
    assert layer.failures == row.backstops == row.censored == 1


def test_the_backstop_goes_on_from_the_better_start():
    """Sweeps that were cut short are not thrown away."""
    A, b = poisson(shift=0.0), np.ones(36)
    layer = RelaxationLayer(learner=bandit([1.0]))
    solution = layer.solve(A, b, maxiter=20)
    swept = sor.__wrapped__(A, b, omega=1.0, maxiter=20)
    alone = cg(A, b, x0=swept.x, rtol=0, atol=1e-8 * np.linalg.norm(b))
    assert solution.choices["backstop"] == "max_iterations"
    np.testing.assert_array_equal(solution.x, alone.x)


@given(seed=seeds, near=st.booleans())
def test_the_backstop_meets_the_tolerance(seed, near):
    rng = np.random.default_rng(seed)
    A, b = poisson(), rng.standard_normal(36)
    x0 = (cg(A, b, rtol=1e-4).x if near else 100 * rng.standard_normal(36)).copy()
    slow = RelaxationLayer(learner=bandit([1.9]))
    for layer in (RelaxationLayer(failing("diverged"), learner=bandit()), slow):
        solution = layer.solve(A, b, x0, rtol=1e-6, maxiter=40)
        assert solution.converged
        assert residual(A, solution.x, b) <= 1.01e-6 * np.linalg.norm(b)


def test_exceptions_are_answered_by_the_backstop_and_kept(caplog):
    class Broken(ArithmeticError):
        pass

    def solver(A, b, *, omega, **options):
        if omega > 1.2:
            raise Broken("no pivot")
        return sor(A, b, omega=omega, **options)

    A, b = poisson(), np.ones(36)
    layer = RelaxationLayer(solver, learner=bandit())
    solutions = [layer.solve(A, b) for _ in range(60)]
    failed = [s for s in solutions if s.choices["backstop"] == "error"]
    assert failed
    assert all(s.converged for s in solutions)
    assert all(isinstance(s.choices["error"], Broken) for s in failed)
    assert "no pivot" in caplog.text
    assert len(failed) == layer.failures == layer.report().rows[0].censored
    assert only(layer.learners).probabilities[2] < 0.1

    def hopeless(A, b, **options):
        raise OSError("the backstop, too")

    layer = RelaxationLayer(solver, learner=bandit([1.5]), backstop=hopeless)
    with pytest.raises(OSError, match="the backstop, too") as caught:
        layer.solve(A, b)
    assert isinstance(caught.value.__cause__, Broken)


def test_a_singular_factorisation_is_no_bad_input():
    def solver(A, b, *, omega, **options):
        raise np.linalg.LinAlgError("singular")

    solution = RelaxationLayer(solver, learner=bandit()).solve(poisson(), np.ones(36))
    assert solution.choices["backstop"] == "error"


def test_wrapped_solvers_are_called_and_partial_ones_are_quiet():
    A, b = poisson(), np.ones(36)
    called = []

    @functools.wraps(sor)
    def wrapped(*args, **kwargs):
        called.append(kwargs["omega"])
        return sor(*args, **kwargs, ordering="lexicographic")

    layer = RelaxationLayer(wrapped, learner=bandit())
    assert layer.solve(A, b).choices["ordering"] == "lexicographic"
    assert len(called) == 1
    partial = functools.partial(sor, ordering="lexicographic")
    # warnings are errors
    solution = RelaxationLayer(partial, learner=bandit([1.0])).solve(A, b, maxiter=17)
    assert solution.choices["backstop"] == "max_iterations"
    assert solution.converged


def test_a_layer_is_a_solver():
    layer = RelaxationLayer(rng=0)
    assert layer(poisson(), np.ones(36)).converged
    assert layer.history.solves == 1


def test_methods_of_what_holds_the_matrix_are_called_without_it():
    A = poisson(20, 0.0)
    b = np.random.default_rng(0).standard_normal(400)
    multigrid = Multigrid(A)
    layer = RelaxationLayer(multigrid.solve, learner=bandit([0.7, 1.0, 1.3]))
    for _ in range(5):
        solution = layer.solve(A, b)
        assert solution.choices["backstop"] is None
        assert solution.iterations == multigrid.solve(b, omega=solution.choices["omega"]).iterations
        assert residual(A, solution.x, b) <= 1.001e-8 * np.linalg.norm(b)
    assert next(iter(layer.learners)).solver == "Multigrid.solve"


def test_plays_that_are_mappings_are_keywords():
    learner = Choice({"backward-forward": bandit([1.2])}, name="sweep_order")
    solution = RelaxationLayer(ssor_cg, learner=learner).solve(poisson(), np.ones(36))
    assert solution.choices["sweep_order"] == "backward-forward"
    assert solution.choices["omega"] == 1.2


def test_other_knobs():
    def solver(A, b, *, sweeps, **options):
        return sor(A, b, omega=1.0 + 0.1 * sweeps, **options)

    layer = RelaxationLayer(solver, learner=TsallisINF([1, 2, 4]), knob="sweeps")
    assert layer.solve(poisson(), np.ones(36)).choices["sweeps"] in (1, 2, 4)
    with pytest.raises(ValueError, match="the range of 'sweeps' is not known: pass a learner"):
        RelaxationLayer(solver, knob="sweeps")
    with pytest.raises(TypeError, match="knob is 3: pass the name"):
        RelaxationLayer(knob=3)


def test_a_failing_backstop_warns_and_says_so():
    layer = RelaxationLayer(rng=0)
    with pytest.warns(ConvergenceWarning, match="max_iterations") as caught:
        solution = layer.solve(poisson(20, 0.0), np.ones(400), maxiter=3)
    assert caught[0].filename == __file__
    assert not solution.converged
    assert solution.iterations == 6


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e-24), ("float64", 1e-300), ("float64", 1e200)]
)
def test_the_backstop_takes_right_hand_sides_of_any_size(dtype, size):
    layer = RelaxationLayer(rng=0)
    A, b = GridOperator.laplacian((8, 8), dtype=dtype), np.full(64, size, dtype)
    solution = layer.solve(A, b, rtol=1e-5, maxiter=11)
    assert solution.converged
    assert layer.failures == 1


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_units_do_not_matter(size):
    plain = RelaxationLayer(rng=0)
    scaled = RelaxationLayer(rng=0)
    for k in range(10):
        A = GridOperator.laplacian((6, 6), size * k / 10, weights=size)
        one = plain.solve(poisson(shift=k / 10), np.ones(36))
        other = scaled.solve(A, np.ones(36) / size)
        assert other.choices["omega"] == pytest.approx(one.choices["omega"], rel=1e-6)
        assert other.converged


@pytest.mark.parametrize("part", ["solver", "backstop"])
def test_what_is_no_solution_is_refused(part):
    with pytest.raises(TypeError, match=f"{part} is None: pass a function"):
        RelaxationLayer(**{part: None})

    def nothing(A, b, **options):
        return None

    def blind(A, b, **options):
        return Solution(np.zeros(36), "diverged", 0, np.array([]))

    A, b = poisson(), np.ones(36)
    with pytest.raises(TypeError, match="returned None: a solver returns a Solution"):
        RelaxationLayer(**{part: nothing}).solve(A, b, maxiter=1)
    with pytest.raises(ValueError, match="returned no residual_norms"):
        RelaxationLayer(**{part: blind}).solve(A, b, maxiter=1)


def test_an_indefinite_matrix_never_yields_a_wrong_answer():
    A, b = poisson(shift=-2.0), np.random.default_rng(0).standard_normal(36)
    for seed in range(3):
        layer = RelaxationLayer(rng=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solution = layer.solve(A, b)
        assert layer.failures == 1
        assert not solution.converged or residual(A, solution.x, b) <= 1e-7 * np.linalg.norm(b)


@pytest.mark.parametrize(
    ("A", "b", "error", "message"),
    [
        (poisson(), np.full(36, np.nan), ValueError, "b has a NaN"),
        (poisson(), np.ones(35), ValueError, "b has shape"),
        (poisson(), [1.0] * 36, TypeError, "b is a list"),
        (poisson(), None, TypeError, "b is a NoneType"),
        (None, np.ones(36), TypeError, "A is a NoneType"),
        (scipy.sparse.diags_array([1.0, np.nan]).tocsr(), np.ones(2), ValueError, "A has a"),
        (scipy.sparse.diags_array([1.0, -1.0]).tocsr(), np.ones(2), ValueError, "the diagonal"),
        (np.eye(3), np.ones(3), TypeError, "relaxation needs a GridOperator"),
    ],
    ids=str,
)
def test_an_error_is_the_solvers_own_and_leaves_the_layer_usable(A, b, error, message):
    layer = RelaxationLayer(rng=0)
    with pytest.raises(error, match=message):
        layer.solve(A, b)
    with pytest.raises(ValueError, match="rtol is -1"):
        layer.solve(poisson(), np.ones(36), rtol=-1)
    assert layer.history.solves == len(layer.report()) == 0
    assert layer.solve(poisson(), np.ones(36)).converged
    assert layer.history.solves == len(layer.report()) == 1


def test_losses():
    A, b = poisson(), np.ones(36)
    counted = RelaxationLayer(learner=bandit([1.0]))
    k = counted.solve(A, b).iterations
    assert counted.history.total == k
    modelled = RelaxationLayer(learner=bandit([1.0]), loss="flops")
    modelled.solve(A, b)
    assert modelled.history.total == k * 2 * (36 * 5 + 36)
    timed = RelaxationLayer(learner=bandit([1.0]), loss="seconds")
    timed.solve(A, b)
    assert timed.history.solves == 0  # it may have compiled
    timed.solve(A, b)
    assert 0 < timed.history.total < 10
    own = RelaxationLayer(learner=bandit([1.0]), loss=lambda solution: solution.iterations**2)
    own.solve(A, b)
    assert own.history.total == k**2
    with pytest.raises(ValueError, match="loss is 'money': pass one of iterations, flops, seconds"):
        RelaxationLayer(loss="money")
    with pytest.raises(ValueError, match="no model of the operations of solver"):
        RelaxationLayer(failing("diverged"), learner=bandit(), loss="flops")
    with pytest.raises(ValueError, match="loss is nan"):
        RelaxationLayer(learner=bandit(), loss=lambda solution: float("nan")).solve(A, b)


def test_ask_and_tell_late_and_out_of_order():
    A, b = poisson(), np.ones(36)
    layer = RelaxationLayer(learner=TsallisINF(list(OMEGAS)))
    decisions = [layer.ask(A, b) for _ in range(4)]
    assert all(decision.solver == "sor" for decision in decisions)
    solutions = [sor(A, b, **decision.parameters) for decision in decisions]
    layer.tell(decisions[2], solutions[2])
    layer.tell(decisions[0], 17.0)
    layer.tell(decisions[1], Outcome(40.0, censored=True))
    layer.tell(decisions[3], Solution(b, "converged", 0, np.ones(1)))  # nothing was to do
    assert layer.history.total == solutions[2].iterations + 57
    row = layer.report().rows[0]
    assert (row.solves, row.censored) == (3, 1)
    with pytest.raises(ValueError, match="told before"):
        layer.tell(decisions[0], 17.0)
    timed = RelaxationLayer(learner=bandit(), loss="seconds")
    with pytest.raises(ValueError, match="a solution does not tell its seconds"):
        timed.tell(timed.ask(A, b), solutions[0])


def test_several_threads():
    A = poisson()
    layer = RelaxationLayer(learner=bandit())

    def work(seed):
        b = np.random.default_rng(seed).standard_normal(36)
        return sum(layer.solve(A, b, group=seed % 2).iterations for _ in range(20))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(work, range(8)))
    assert layer.iterations == layer.history.total == total
    assert [row.solves for row in layer.report().rows] == [80, 80]


def test_context_of_the_user():
    """The best parameter is that of the context."""
    layer = RelaxationLayer(
        costing(lambda A, omega, rtol: 10 + int(100 * abs(omega - A.best))),
        contexts=(1.0, 1.8),
        rng=0,
    )

    class Matrix:
        shape = (4, 4)

        def __init__(self, best):
            self.best = best

    rng = np.random.default_rng(0)
    costs = []
    for _ in range(150):
        best = rng.uniform(1.0, 1.8)
        costs.append(layer.solve(Matrix(best), np.ones(4), context=best).iterations)
    if layer.learner.contexts is not None:
        assert np.mean(costs[-50:]) < 0.8 * np.mean(costs[:10])


def test_contexts_are_checked():
    A, b = poisson(), np.ones(36)
    for layer in (
        RelaxationLayer(rng=0),
        RelaxationLayer(rng=0, contextual=False),
        RelaxationLayer(learner=bandit()),
    ):
        with pytest.raises(ValueError, match=r"pass contexts=\(low, high\), the range"):
            layer.solve(A, b, context=0.3)
    with pytest.raises(ValueError, match="has its own, or looks at none"):
        RelaxationLayer(learner=bandit(), contexts=(0, 1))


def test_the_default_loss_can_be_compared():
    assert RelaxationLayer().loss == "iterations"
    assert RelaxationLayer({"sor": sor}, learner=Choice({"sor": bandit()})).loss == "iterations"
    two = RelaxationLayer({"sor": sor, "cg": cg}, learner=Choice({"sor": bandit(), "cg": None}))
    assert two.loss == "seconds"
    assert str(two.report()).startswith("mean seconds")


def test_the_knob_is_a_parameter_of_the_solver():
    with pytest.raises(TypeError, match=r"cg has no parameter 'omega' .* by knob=; it has A, b"):
        RelaxationLayer(cg)

    def solver(A, b, *, weight, x0, rtol, atol):
        return sor(A, b, omega=weight, x0=x0, rtol=rtol, atol=atol)

    with pytest.raises(TypeError, match=r"solver has no parameter 'omega' .* weight"):
        RelaxationLayer(solver, learner=bandit()).solve(poisson(), np.ones(36))
    layer = RelaxationLayer(solver, learner=bandit(), knob="weight")
    assert layer.solve(poisson(), np.ones(36)).converged


def test_repr():
    layer = RelaxationLayer(learner=bandit())
    assert repr(layer) == "<RelaxationLayer sor omega, TsallisINF: nothing solved>"
    layer.solve(poisson(), np.ones(36))
    assert repr(layer).startswith("<RelaxationLayer sor omega, TsallisINF: 1 solves, ")


def test_what_is_no_learner_is_refused():
    with pytest.raises(TypeError, match="learner is 'best': pass a Learner"):
        RelaxationLayer(learner="best")
    with pytest.raises(ValueError, match="there are several solvers: pass a learner"):
        RelaxationLayer({"sor": sor, "cg": cg})
    with pytest.raises(ValueError, match="the learner chose the solver 'lu'"):
        RelaxationLayer(learner=Choice({"lu": None})).solve(poisson(), np.ones(36))
    with pytest.raises(ValueError, match="solver is an empty mapping"):
        RelaxationLayer({}, learner=bandit())


def returning(**changes):
    """Return a solver of one's own whose solution has some entries of a user's choice."""

    def solver(A, b, *, omega, x0, rtol, atol, maxiter, time_limit):
        solution = sor(A, b, omega=omega, rtol=rtol)
        return dataclasses.replace(solution, **changes)

    return solver


@pytest.mark.parametrize(
    "changes",
    [
        {"x": np.full(36, np.nan)},
        {"residual_norms": np.array([1.0, np.nan])},
        {"x": np.full(36, np.nan), "status": "max_iterations"},
        {"x": None, "status": "max_iterations"},
    ],
    ids=["nan", "nan-residual", "nan-failed", "no-iterate"],
)
def test_what_is_not_finite_is_no_answer(changes):
    layer = RelaxationLayer(returning(**changes), learner=bandit(), rng=0)
    A, b = poisson(), np.ones(36)
    solution = layer.solve(A, b)
    assert residual(A, solution.x, b) <= 1.001e-8 * np.linalg.norm(b)
    assert solution.choices["backstop"] == changes.get("status", "breakdown")
    (row,) = layer.report().rows
    assert row.censored == row.backstops == 1


def test_iterations_are_whole_numbers():
    layer = RelaxationLayer(returning(iterations=np.int64(5)), learner=bandit(), rng=0)
    assert type(layer.solve(poisson(), np.ones(36)).iterations) is int
    json.dumps(layer.state_dict())
    for wrong in (2.5, None, -1, np.nan):
        layer = RelaxationLayer(returning(iterations=wrong), learner=bandit(), rng=0)
        with pytest.raises(TypeError, match=f"iterations={wrong}"):
            layer.solve(poisson(), np.ones(36))


def test_what_the_layer_chooses_is_not_given():
    layer = RelaxationLayer(rng=0)
    with pytest.raises(TypeError, match="omega is chosen by the layer"):
        layer.solve(poisson(), np.ones(36), omega=1.5)
    with pytest.raises(ValueError, match="knob is 'rtol'"):
        RelaxationLayer(learner=bandit(), knob="rtol")


def test_nothing_is_learned_from_an_attempt_without_iterations():
    layer = RelaxationLayer(rng=0)
    with pytest.warns(ConvergenceWarning):
        solution = layer.solve(poisson(), np.ones(36), maxiter=0)
    assert solution.choices["backstop"] == "max_iterations"
    assert layer.history.solves == 0


def test_a_cost_that_is_refused_counts_for_nothing():
    layer, elsewhere = RelaxationLayer(rng=0), RelaxationLayer(rng=0)
    decision = layer.ask(poisson(), np.ones(36))
    solution = sor(poisson(), np.ones(36), **decision.parameters)
    layer.tell(decision, solution)
    with pytest.raises(ValueError, match="told before"):
        layer.tell(decision, solution)
    assert layer.iterations == solution.iterations
    with pytest.raises(TypeError, match="decision is None"):
        layer.tell(None, solution)
    elsewhere.tell(layer.ask(poisson(), np.ones(36)), solution)  # of a kind unknown there
    assert elsewhere.iterations == solution.iterations
