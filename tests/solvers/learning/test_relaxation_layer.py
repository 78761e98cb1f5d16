"""The layer answers as its solver does, learns from the cost, and never returns a wrong answer."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import RelaxationLayer, Solution, TsallisINF, cg, sor, ssor_cg

seeds = st.integers(0, 1000)


def poisson(side=6, shift=0.5):
    return GridOperator.laplacian((side, side), shift)


def residual(A, x, b):
    return np.linalg.norm(b - A @ x)


def failing(status, iterations=7):
    """Return a solver that fails after some iterations, far from any answer."""

    def solver(A, b, *, omega, x0, rtol, atol, maxiter, time_limit):
        norms = np.linalg.norm(b) * np.arange(1.0, iterations + 2)
        return Solution(np.full(b.shape, np.nan), status, iterations, norms, {"omega": omega})

    return solver


@pytest.mark.parametrize("solver", [sor, ssor_cg])
@given(seed=seeds, shift=st.floats(0, 2, allow_subnormal=False), warm=st.booleans())
def test_answers_as_the_solver_does_with_the_chosen_parameter(solver, seed, shift, warm):
    rng = np.random.default_rng(seed)
    A, b = poisson(shift=shift), rng.standard_normal(36)
    x0 = rng.standard_normal(36) if warm else None
    layer = RelaxationLayer([0.8, 1.1, 1.4], solver=solver, rng=seed)
    solution = layer.solve(A, b, x0)
    arm = solution.choices["arm"]
    assert solution.choices["omega"] == [0.8, 1.1, 1.4][arm]
    assert solution.choices["backstop"] is None
    alone = solver(A, b, omega=solution.choices["omega"], x0=x0)
    np.testing.assert_array_equal(solution.x, alone.x)
    np.testing.assert_array_equal(solution.residual_norms, alone.residual_norms)
    assert layer.iterations == alone.iterations
    assert layer.counts.tolist() == [i == arm for i in range(3)]


@given(seed=seeds)
def test_the_loss_is_one_less_than_the_iterations(seed):
    layer = RelaxationLayer(rng=seed)
    solution = layer.solve(poisson(), np.ones(36))
    state = layer.learner.state_dict()
    assert (state["rounds"], state["total"]) == (1, solution.iterations - 1)


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_learns_to_prefer_good_parameters(solver):
    A = poisson(10, shift=0.0)
    layer = RelaxationLayer([0.1, 0.5, 1.0, 1.6, 1.9, 1.98], solver=solver, rng=0)
    rng = np.random.default_rng(1)
    for _ in range(600):
        layer.solve(A, rng.standard_normal(100))
    costs = np.array([solver(A, np.ones(100), omega=omega).iterations for omega in layer.omegas])
    expected = layer.learner.probabilities @ costs
    assert expected < 0.5 * (costs.mean() + costs.min())
    assert layer.counts.sum() == 600


def test_same_seed_same_choices_whatever_the_context():
    A, b = poisson(), np.ones(36)
    one, other = RelaxationLayer(rng=7), RelaxationLayer(rng=7)
    for k in range(20):
        first = one.solve(A, b)
        assert other.solve(A, b, context={"step": k}).choices == first.choices


def test_lives_where_its_arguments_live(library):
    A = GridOperator.laplacian((3, 4), 0.5, like=library.asarray(np.empty(0)))
    b = library.asarray(np.ones(12))
    layer = RelaxationLayer([1.0, 1.2], rng=0)
    solution = layer.solve(A, b, rtol=1e-6)
    assert solution.x.device == b.device
    assert solution.converged
    assert layer.learner.rounds == 1


def test_options_reach_the_solver():
    layer = RelaxationLayer(rng=0)
    solution = layer.solve(poisson(), np.ones(36), ordering="lexicographic")
    assert solution.choices["ordering"] == "lexicographic"


@pytest.mark.parametrize("solver", [sor, ssor_cg])
def test_nothing_is_learned_where_nothing_was_to_do(solver):
    A = poisson()
    layer = RelaxationLayer(solver=solver, rng=0)
    assert layer.solve(A, np.zeros(36)).iterations == 0
    solved = cg(A, np.ones(36), rtol=1e-12).x
    assert layer.solve(A, np.ones(36), solved, rtol=0, atol=1e-8).iterations == 0
    assert layer.learner.rounds == 0
    np.testing.assert_allclose(layer.learner.probabilities, np.full(20, 1 / 20))


@pytest.mark.parametrize("status", ["diverged", "breakdown", "max_iterations", "time_limit"])
def test_failures_are_answered_by_the_backstop_and_charged(status):
    A, b = poisson(), np.random.default_rng(0).standard_normal(36)
    layer = RelaxationLayer(solver=failing(status), rng=0)
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
    assert layer.failures == 1
    known_bound = 6 if status in ("max_iterations", "time_limit") else 999
    assert layer.learner.state_dict()["total"] == known_bound


def test_the_backstop_goes_on_from_the_better_start():
    """Sweeps that were cut short are not thrown away."""
    A, b = poisson(shift=0.0), np.ones(36)
    layer = RelaxationLayer([1.0], rng=0)
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
    for layer in (RelaxationLayer(solver=failing("diverged"), rng=0), RelaxationLayer([1.9])):
        solution = layer.solve(A, b, x0, rtol=1e-6, maxiter=40)
        assert solution.converged
        assert residual(A, solution.x, b) <= 1.01e-6 * np.linalg.norm(b)


def test_wrapped_solvers_are_called_and_partial_ones_are_quiet():
    A, b = poisson(), np.ones(36)
    called = []

    @functools.wraps(sor)
    def wrapped(*args, **kwargs):
        called.append(kwargs["omega"])
        return sor(*args, **kwargs, ordering="lexicographic")

    assert RelaxationLayer(solver=wrapped, rng=0).solve(A, b).choices["ordering"] == "lexicographic"
    assert len(called) == 1
    partial = functools.partial(sor, ordering="lexicographic")
    solution = RelaxationLayer(solver=partial, rng=0).solve(A, b, maxiter=17)  # warnings are errors
    assert solution.choices["backstop"] == "max_iterations"
    assert solution.converged


def test_a_layer_is_a_solver():
    layer = RelaxationLayer(rng=0)
    assert layer(poisson(), np.ones(36)).converged
    assert layer.counts.sum() == 1


def test_a_failing_backstop_warns_and_says_so():
    layer = RelaxationLayer(rng=0)
    with pytest.warns(ConvergenceWarning, match="max_iterations") as caught:
        solution = layer.solve(poisson(20, 0.0), np.ones(400), maxiter=3)
    assert caught[0].filename == __file__
    assert not solution.converged
    assert solution.iterations == 6


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e-24), ("float64", 1e-320), ("float64", 1e200)]
)
def test_the_backstop_takes_right_hand_sides_of_any_size(dtype, size):
    layer = RelaxationLayer(rng=0)
    A, b = GridOperator.laplacian((8, 8), dtype=dtype), np.full(64, size, dtype)
    solution = layer.solve(A, b, rtol=1e-5, maxiter=11)
    assert solution.converged
    assert layer.failures == 1


@pytest.mark.parametrize("part", ["solver", "backstop"])
def test_what_is_no_solution_is_refused(part):
    with pytest.raises(TypeError, match=f"{part} is None: pass a function"):
        RelaxationLayer(**{part: None})
    nothing = RelaxationLayer(**{part: lambda A, b, **options: None})
    with pytest.raises(TypeError, match="returned None: a solver returns a Solution"):
        nothing.solve(poisson(), np.ones(36), maxiter=1)
    blind = Solution(np.zeros(36), "diverged", 0, np.array([]))
    with pytest.raises(ValueError, match="returned no residual_norms"):
        RelaxationLayer(**{part: lambda A, b, **options: blind}).solve(
            poisson(), np.ones(36), maxiter=1
        )


def test_an_indefinite_matrix_never_yields_a_wrong_answer():
    A, b = poisson(shift=-2.0), np.random.default_rng(0).standard_normal(36)
    for seed in range(5):
        layer = RelaxationLayer(rng=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solution = layer.solve(A, b)
        assert layer.failures == 1
        assert not solution.converged or residual(A, solution.x, b) <= 1e-7 * np.linalg.norm(b)


def test_an_error_leaves_the_layer_usable():
    layer = RelaxationLayer(rng=0)
    with pytest.raises(ValueError, match="NaN"):
        layer.solve(poisson(), np.full(36, np.nan))
    assert layer.solve(poisson(), np.ones(36)).converged
    assert (layer.learner.rounds, layer.counts.sum()) == (1, 1)


def solve_some(layer, count):
    A, b = GridOperator.laplacian((5, 5), 0.1), np.ones(25)
    return [layer.solve(A, b).choices["omega"] for _ in range(count)]


@given(seed=seeds, before=st.integers(0, 30))
def test_saved_state_continues_the_same_sequence(seed, before):
    layer = RelaxationLayer([1.0, 1.3, 1.6], rng=seed)
    solve_some(layer, before)
    restored = RelaxationLayer.from_state_dict(json.loads(json.dumps(layer.state_dict())))
    assert repr(restored) == repr(layer)
    assert solve_some(restored, 20) == solve_some(layer, 20)
    assert restored.state_dict() == layer.state_dict()


def test_another_process_continues_the_same_sequence():
    layer = RelaxationLayer(rng=3)
    solve_some(layer, 30)
    program = (
        "import json, sys\n"
        "import numpy as np\n"
        "from structlin.matrices import GridOperator\n"
        "from structlin.solvers import RelaxationLayer\n"
        "layer = RelaxationLayer.from_state_dict(json.load(sys.stdin))\n"
        "A, b = GridOperator.laplacian((5, 5), 0.1), np.ones(25)\n"
        "omegas = [layer.solve(A, b).choices['omega'] for _ in range(30)]\n"
        "print(json.dumps([omegas, layer.state_dict()]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(layer.state_dict()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [solve_some(layer, 30), layer.state_dict()]


def test_a_learner_of_ones_own():
    class Cyclic:
        arms = 3

        def __init__(self, k=0):
            self.k, self.told = k, []

        def ask(self):
            self.k += 1
            return self.k % 3

        def tell(self, arm, loss):
            self.told.append((arm, loss))

        def state_dict(self):
            return {"k": self.k}

    layer = RelaxationLayer([1.0, 1.3, 1.6], Cyclic())
    assert solve_some(layer, 4) == [1.3, 1.6, 1.0, 1.3]
    assert [arm for arm, _ in layer.learner.told] == [1, 2, 0, 1]
    restored = RelaxationLayer.from_state_dict(
        layer.state_dict(), learner=lambda state: Cyclic(state["k"])
    )
    assert solve_some(restored, 1) == [1.6]


def test_repr():
    assert (
        repr(RelaxationLayer())
        == "<RelaxationLayer 20 omegas in [1, 1.95], 0 solves, 0 iterations>"
    )


@pytest.mark.parametrize(
    ("omegas", "message"),
    [
        ([1.0, 2.0], r"omegas\[1\] is 2: it must lie inside \(0, 2\)"),
        ([0.0, 1.0], r"omegas\[0\] is 0"),
        ([-0.5], "is -0.5"),
        ([1.0, float("nan")], r"omegas\[1\] is nan"),
        ([], "at least one"),
        (1.5, r"shape \(\)"),
        ([[1.0, 1.5]], r"shape \(1, 2\)"),
    ],
)
def test_omegas_must_lie_inside_zero_and_two(omegas, message):
    with pytest.raises(ValueError, match=message):
        RelaxationLayer(omegas)


@pytest.mark.parametrize("omegas", [[1.0, 1 + 1j], np.array([1 + 0j]), ["1.0"], [None], [10**400]])
def test_omegas_must_be_real(omegas):
    with pytest.raises(TypeError, match=r"omegas has dtype .*: pass a list of real numbers"):
        RelaxationLayer(omegas)


def test_omegas_are_a_copy_and_read_only():
    omegas = np.array([1.0, 1.5])
    layer = RelaxationLayer(omegas)
    omegas[0] = 3.0
    assert layer.omegas.tolist() == [1.0, 1.5]
    with pytest.raises(ValueError, match="read-only"):
        layer.omegas[0] = 3.0


def test_the_learner_needs_one_arm_for_each_omega():
    with pytest.raises(ValueError, match="4 arms for 20 omegas"):
        RelaxationLayer(learner=TsallisINF(4))


def test_rng_belongs_to_the_default_learner():
    with pytest.raises(ValueError, match="rng seeds the default learner"):
        RelaxationLayer(learner=TsallisINF(20), rng=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "TsallisINF"}, "'TsallisINF' of version 1"),
        ({"version": 0}, "version 0"),
        ({"omegas": [1.0, 2.5]}, "inside"),
        ({"omegas": [1.0, 1.1]}, "3 arms for 2 omegas"),
        ({"omegas": None}, "omegas has dtype object"),
        ({"counts": [1, 2]}, "do not match"),
        ({"counts": [1, 2, -3]}, "negative"),
        ({"iterations": -1}, "negative"),
        ({"failures": 0.5}, "float"),
        ({"learner": {}}, "no entry 'kind'"),
        ({"learner": None}, "NoneType"),
    ],
)
def test_corrupted_states_are_refused(change, message):
    state = {**RelaxationLayer([1.0, 1.3, 1.6]).state_dict(), **change}
    with pytest.raises(ValueError, match=message):
        RelaxationLayer.from_state_dict(state)


def test_incomplete_states_are_refused():
    state = RelaxationLayer().state_dict()
    del state["counts"]
    with pytest.raises(ValueError, match="no entry 'counts'"):
        RelaxationLayer.from_state_dict(state)
