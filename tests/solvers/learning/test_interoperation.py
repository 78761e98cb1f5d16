"""SciPy's and PyAMG's solvers beside ours: the same answers, true counts, learned knobs."""

from __future__ import annotations

import json
import warnings

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import (
    IterationCounter,
    RelaxationLayer,
    SolverTuner,
    amg_cg,
    cg,
    ilu_cg,
    scipy_solver,
    solver_choices,
    solver_learner,
    ssor_cg,
    ssor_preconditioner,
    tune,
)

seeds = st.integers(0, 1000)
omegas = st.floats(0.2, 1.9)
functions = [
    "cg",
    "bicg",
    "bicgstab",
    "cgs",
    "gmres",
    "lgmres",
    "minres",
    "qmr",
    "tfqmr",
    "gcrotmk",
]


def jumps(rng, side=12, contrast=4.0):
    """Return a diffusion operator with coefficients that vary over orders of magnitude."""
    return GridOperator.diffusion(10.0 ** rng.uniform(0, contrast, (side, side)))


def matrices(rng):
    grid = jumps(rng, contrast=1.0)
    return [grid, grid.tosparse(), grid.sparse, GridOperator.laplacian((12, 12), 0.3)]


def relative_residual(A, x, b):
    return np.linalg.norm((b - A @ x.reshape(-1)).reshape(-1)) / np.linalg.norm(b)


@hypothesis.settings(max_examples=10)
@given(seed=seeds, omega=omegas)
def test_the_preconditioner_is_hermitian_positive_definite(seed, omega):
    rng = np.random.default_rng(seed)
    for A in matrices(rng):
        M = ssor_preconditioner(A, omega)
        dense = M @ np.eye(144)
        np.testing.assert_allclose(dense, dense.T, atol=1e-12 * np.abs(dense).max())
        assert np.linalg.eigvalsh(dense)[0] > 0


@given(seed=seeds, omega=omegas, kind=st.sampled_from(["float64", "complex128"]))
def test_the_preconditioner_is_what_its_formula_says(seed, omega, kind):
    rng = np.random.default_rng(seed)
    A = jumps(rng, 5, 1.0).tosparse().astype(kind)
    if kind == "complex128":
        phases = np.exp(1j * rng.uniform(0, 6, 25))
        A = scipy.sparse.csr_array(
            scipy.sparse.diags_array(phases) @ A @ scipy.sparse.diags_array(phases.conj())
        )
    dense = A.toarray()
    D, L = np.diag(np.diag(dense)), np.tril(dense, -1)
    X = D / omega + L
    M = omega / (2 - omega) * X @ np.linalg.inv(D) @ X.conj().T
    np.testing.assert_allclose(ssor_preconditioner(A, omega) @ M, np.eye(25), atol=1e-10)


def test_scipy_with_our_preconditioner_takes_the_iterations_of_ssor_cg():
    A, b = GridOperator.laplacian((31, 31)), np.ones(961)
    for omega in (1.0, 1.5, 1.8):
        solution = scipy_solver(scipy.sparse.linalg.cg)(A, b, M=ssor_preconditioner(A, omega))
        assert abs(solution.iterations - ssor_cg(A, b, omega=omega).iterations) <= 1
        sparse = A.tosparse()
        preconditioner = ssor_preconditioner(sparse, omega)
        solution = scipy_solver(scipy.sparse.linalg.cg)(sparse, b, M=preconditioner)
        assert abs(solution.iterations - ssor_cg(A, b, omega=omega).iterations) <= 1


def test_red_black_on_grids_only():
    A = GridOperator.laplacian((6, 6))
    dense = ssor_preconditioner(A, 1.2, ordering="red-black") @ np.eye(36)
    np.testing.assert_allclose(dense, dense.T, atol=1e-14)
    with pytest.raises(ValueError, match="ordering"):
        ssor_preconditioner(A.tosparse(), 1.2, ordering="red-black")
    with pytest.raises(ValueError, match="omega"):
        ssor_preconditioner(A, 2.0)
    with pytest.raises(TypeError, match="GridOperator"):
        ssor_preconditioner(np.eye(3), 1.0)


@pytest.mark.parametrize("name", functions)
@given(seed=seeds, warm=st.booleans(), scale=st.sampled_from([1.0, 1e-150, 1e150]))
def test_scipys_solvers_return_solutions(name, seed, warm, scale):
    rng = np.random.default_rng(seed)
    A = GridOperator.laplacian((7, 7), 0.3)
    b = scale * rng.standard_normal(49)
    x0 = scale * rng.standard_normal(49) if warm else None
    solution = scipy_solver(getattr(scipy.sparse.linalg, name))(A, b, x0=x0, rtol=1e-7)
    assert solution.converged
    assert relative_residual(A, solution.x / scale, b / scale) <= 1e-7 * (1 + 1e-6)
    assert len(solution.residual_norms) == solution.iterations + 1
    assert solution.iterations > 0


def test_counts_are_those_of_the_function():
    # well conditioned, so that rounding decides nothing
    A, b = GridOperator.laplacian((12, 12)).tosparse(), np.arange(144.0)
    count = IterationCounter()
    scipy.sparse.linalg.cg(A, b, rtol=1e-8, callback=count)
    solution = scipy_solver(scipy.sparse.linalg.cg)(A, b)
    assert abs(solution.iterations - count.iterations) <= 1  # its residual is a recursion
    ours = cg(A, b)
    assert abs(solution.iterations - ours.iterations) <= 2
    shared = min(20, len(ours.residual_norms))
    np.testing.assert_allclose(
        solution.residual_norms[:shared], ours.residual_norms[:shared], rtol=1e-6
    )


@pytest.mark.parametrize("name", functions)
def test_limits_of_scipys_solvers(name):
    A, b = jumps(np.random.default_rng(0), 20), np.ones(400)
    solve = scipy_solver(getattr(scipy.sparse.linalg, name))
    with pytest.warns(ConvergenceWarning, match=name):
        few = solve(A, b, maxiter=3)
    assert few.status == "max_iterations"
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        late = solve(A, b, time_limit=1e-9)
    assert (late.status, late.iterations) == ("time_limit", 1)
    assert solve(A, 0 * b).iterations == 0
    assert solve(A, b, maxiter=0, rtol=1.0).iterations == 0


@pytest.mark.parametrize(("maxiter", "restart"), [(1, 20), (7, 20), (14, 7)])
def test_restarted_iterations_keep_the_limit(maxiter, restart):
    solve = scipy_solver(scipy.sparse.linalg.gmres, restart=restart)
    with pytest.warns(ConvergenceWarning):
        solution = solve(GridOperator.laplacian((20, 20)), np.ones(400), maxiter=maxiter)
    assert solution.iterations == maxiter


def test_scipys_solvers_keep_shape_type_and_callback():
    A = GridOperator.laplacian((7, 7), 0.3, like=np.empty(0, np.float32))
    b = np.ones((7, 7), np.float32)
    seen = []
    solution = scipy_solver(scipy.sparse.linalg.cg)(A, b, rtol=1e-4, callback=seen.append)
    assert (solution.x.shape, solution.x.dtype) == ((7, 7), np.float32)
    assert [x.shape for x in seen] == solution.iterations * [(7, 7)]
    with pytest.raises(ValueError, match="rtol"):
        scipy_solver(scipy.sparse.linalg.cg)(A, b, rtol=1e-12)
    with pytest.raises(ValueError, match="NaN"):
        scipy_solver(scipy.sparse.linalg.cg)(A, np.nan * b)


def test_a_scipy_solver_learns_its_preconditioner():
    A = GridOperator.laplacian((24, 24)).tosparse()
    solver = scipy_solver(scipy.sparse.linalg.cg)
    rng = np.random.default_rng(0)

    @SolverTuner(omega=(0.5, 1.95), rng=0)
    def solve(A, b, *, omega):
        return solver(A, b, M=ssor_preconditioner(A, omega))

    counts = [solve(A, rng.standard_normal(576)).iterations for _ in range(60)]
    b = rng.standard_normal(576)
    fixed = [ssor_cg(A, b, omega=omega).iterations for omega in np.linspace(0.5, 1.95, 30)]
    assert np.mean(counts[-20:]) <= 1.1 * min(fixed)


@hypothesis.settings(max_examples=8)
@given(seed=seeds, shaped=st.booleans())
def test_all_choices_of_solvers_agree(seed, shaped):
    rng = np.random.default_rng(seed)
    for A in matrices(rng):
        b = rng.standard_normal(A.shape[0])
        if shaped and isinstance(A, GridOperator):
            b = b.reshape(A.grid)
        for name, solve in solver_choices(A).items():
            knobs = {"omega": 1.2} if name in ("sor", "ssor_cg") else {}
            solution = solve(A, b, rtol=1e-6, **knobs)
            assert solution.converged, name
            assert solution.x.shape == b.shape
            assert relative_residual(A, solution.x, b.reshape(-1)) <= 1e-6 * (1 + 1e-6)


def test_choices_fit_the_matrix(library):
    like = library.asarray(np.empty(0))
    fits = solver_choices(GridOperator.laplacian((5, 5), like=like))
    assert {"cg", "sor", "ssor_cg", "fast_sine"} <= set(fits)
    assert ("ilu_cg" in fits) == (library.name == "numpy")
    assert "fast_sine" not in solver_choices(GridOperator.laplacian((5, 5), sides="neumann"))
    assert list(solver_choices(np.eye(3))) == ["cg"]
    with pytest.raises(TypeError, match="array"):
        solver_choices("matrix")


def test_the_choice_of_a_solver_is_learned():
    """Losses are operations: about 25 n an iteration, and 60 n for the direct solver."""
    A = GridOperator.laplacian((20, 20))
    solvers = {name: solver_choices(A)[name] for name in ("sor", "ssor_cg", "fast_sine")}

    def cost(solution):
        return 60.0 if solution.iterations == 0 else 25.0 * solution.iterations

    layer = RelaxationLayer(solvers, learner=solver_learner(solvers, rng=0), loss=cost)
    rng = np.random.default_rng(0)
    chosen = [layer.solve(A, rng.standard_normal(400)).choices for _ in range(60)]
    assert [choice["solver"] for choice in chosen[-20:]].count("fast_sine") >= 18
    assert {choice["solver"] for choice in chosen} == set(solvers)
    every = solver_learner(solver_choices(A), contexts=[(0, 1), (0, 1)], rng=0)
    state = json.loads(json.dumps(every.state_dict()))
    again = type(every).from_state_dict(state)
    assert [every.ask((0.5, 0.1)).value for _ in range(20)] == [
        again.ask((0.5, 0.1)).value for _ in range(20)
    ]
    for names in ([], ["best"]):
        with pytest.raises(ValueError, match="solvers is"):
            solver_learner(names)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex128"])
def test_incomplete_factors_precondition(kind):
    rng = np.random.default_rng(0)
    A = jumps(rng, 20).tosparse().astype(kind)
    b = rng.standard_normal(400).astype(kind)
    solution = ilu_cg(A, b, rtol=1e-4)
    assert solution.x.dtype == kind
    assert solution.iterations < 0.2 * cg(A, b, rtol=1e-4, maxiter=10**5).iterations
    accurate, loose = (ilu_cg(A, b, rtol=1e-4, drop_tol=drop).iterations for drop in (1e-5, 0.05))
    assert accurate <= loose


def test_a_singular_factorisation_is_a_breakdown():
    A = scipy.sparse.csr_array(np.array([[1.0, 1.0], [1.0, 1.0]]))
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        assert ilu_cg(A, np.ones(2)).status == "breakdown"


def test_bad_input_of_the_choices():
    A, b = GridOperator.laplacian((4, 4)), np.ones(16)
    with pytest.raises(ValueError, match="drop_tol"):
        ilu_cg(A, b, drop_tol=2.0)
    with pytest.raises(ValueError, match="fill_factor"):
        ilu_cg(A, b, fill_factor=0.5)
    with pytest.raises(ValueError, match="NaN"):
        ilu_cg(A, np.nan * b)
    with pytest.raises(ValueError, match=r"A\.data"):
        ilu_cg(np.nan * A.tosparse(), b)
    with pytest.raises(TypeError, match="ndarray"):
        ilu_cg(np.eye(16), b)
    with pytest.raises(ValueError, match="method"):
        amg_cg(A, b, method="other")
    with pytest.raises(ValueError, match="shape"):
        ilu_cg(A, np.ones(3))


# PyAMG


@pytest.fixture
def hierarchy():
    pyamg = pytest.importorskip("pyamg")
    return pyamg.ruge_stuben_solver(GridOperator.laplacian((40, 40)).tosparse())


def test_callbacks_and_preconditioners_serve_pyamg(hierarchy):
    from pyamg.krylov import cg as pyamg_cg

    A, b = hierarchy.levels[0].A, np.ones(1600)
    count, norms = IterationCounter(lambda x: np.linalg.norm(b - A @ x)), []
    hierarchy.solve(b, tol=1e-8, callback=count, residuals=norms)
    assert count.iterations == len(norms) - 1
    np.testing.assert_allclose(count.residual_norms, norms[1:], rtol=1e-12)
    steps = []
    _, code = pyamg_cg(A, b, tol=1e-8, M=ssor_preconditioner(A, 1.7), callback=steps.append)
    assert code == 0
    assert abs(len(steps) - ssor_cg(A, b, omega=1.7, rtol=1e-8).iterations) <= 1
    with pytest.raises(TimeoutError):
        hierarchy.solve(b, tol=0.0, callback=IterationCounter(time_limit=1e-9))


@pytest.mark.parametrize("accel", [None, "cg"])
@pytest.mark.parametrize(
    ("smoother", "knobs"),
    [
        (None, {}),
        ("jacobi", {}),
        ("chebyshev", {}),
        ("gauss_seidel", {"iterations": [1, 2], "sweep": ["forward", "backward", "symmetric"]}),
        ("sor", {"omega": (0.5, 1.5), "iterations": [1, 2]}),
        ("richardson", {}),
    ],
    ids=str,
)
def test_tuned_hierarchies_solve(hierarchy, smoother, knobs, accel):
    solver = tune(hierarchy, smoother, accel=accel, rng=0, **knobs)
    A, rng = hierarchy.levels[0].A, np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PyAMG warns of unsymmetric preconditioners
        for _ in range(6):
            b = rng.standard_normal(1600)
            solution = solver.solve(b)
            assert solution.converged
            assert relative_residual(A, solution.x, b) <= 1e-8 * (1 + 1e-6)
            assert len(solution.residual_norms) == solution.iterations + 1
    assert solver.tuned.learner.rounds == 6
    assert solution.choices["smoother"] == (smoother or "sor")


def test_learns_the_smoother_of_a_hierarchy(hierarchy):
    solver = tune(hierarchy, "jacobi", rng=0)
    rng = np.random.default_rng(0)
    counts = [solver.solve(rng.standard_normal(1600)).iterations for _ in range(60)]
    b = rng.standard_normal(1600)
    fixed = []
    for omega in np.linspace(0.3, 1.9, 17):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            one = tune(hierarchy, "jacobi", omega=[omega], rng=0).solve(b)
        fixed.append(one.iterations)
    assert np.mean(counts[-20:]) <= 1.1 * min(fixed)


def test_hierarchies_answer_as_they_were_where_the_smoother_fails(hierarchy):
    solver = tune(hierarchy, "jacobi", omega=[5.0], rng=0)
    b = np.random.default_rng(0).standard_normal(1600)
    solution = solver.solve(b)
    assert solution.converged
    assert solution.choices["backstop"] == "diverged"
    assert (solver.tuned.failures, solver.tuned.learner.rounds) == (1, 1)
    with pytest.warns(ConvergenceWarning):
        assert not solver.solve(b, maxiter=1).converged


@pytest.mark.parametrize("accel", [None, "cg"])
def test_nothing_is_learned_from_nothing_to_do(hierarchy, accel):
    solver = tune(hierarchy, accel=accel, rng=0)
    assert solver.solve(np.zeros(1600)).iterations == 0
    b = np.ones(1600)
    x = solver.solve(b, rtol=1e-10).x
    assert solver.solve(b, x, rtol=1e-8).iterations == 0
    assert solver.tuned.learner.rounds == 1


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_hierarchies_take_any_scale(hierarchy, scale):
    b = np.random.default_rng(0).standard_normal(1600)
    solver = tune(hierarchy, "jacobi", omega=[1.0], rng=0)
    scaled, plain = solver.solve(scale * b), solver.solve(b)
    assert scaled.iterations == plain.iterations
    np.testing.assert_allclose(scaled.x / scale, plain.x, rtol=1e-10)


def test_hierarchies_continue_from_a_state(hierarchy):
    b = np.random.default_rng(0).standard_normal(1600)
    solver = tune(hierarchy, "jacobi", rng=0)
    for _ in range(5):
        solver.solve(b)
    again = tune(hierarchy, "jacobi", rng=1).load(json.loads(json.dumps(solver.state_dict())))
    assert [solver.solve(b).choices for _ in range(3)] == [again.solve(b).choices for _ in range(3)]
    with pytest.raises(ValueError, match="jacobi"):
        tune(hierarchy, "sor").load(solver.state_dict())


def test_options_of_the_smoother_and_of_solve_are_known(hierarchy):
    with pytest.raises(TypeError, match=r"'jacobi' has no option 'degree' .* iterations, omega"):
        tune(hierarchy, "jacobi", degree=[1, 2])
    solver = tune(hierarchy, "jacobi", omega=[0.8], rng=0)
    with pytest.raises(TypeError, match="no argument 'tol': the tolerance is rtol="):
        solver.solve(np.ones(1600), tol=1e-6)
    with pytest.raises(TypeError, match=r"no argument 'maxit'$"):
        solver.solve(np.ones(1600), maxit=3)
    assert solver.tuned.calls == 0
    solver.solve(np.ones(1600))
    assert solver.best() == solver.tuned.best() == {"omega": 0.8}


def test_refuses_what_is_no_hierarchy(hierarchy):
    with pytest.raises(TypeError, match="hierarchy"):
        tune(hierarchy.levels[0].A)
    for arguments, match in [
        ({"smoother": "best"}, "smoother"),
        ({"accel": "bicgstab"}, "accel"),
        ({"cycle": "X"}, "cycle"),
        ({"loss": "best"}, "loss"),
    ]:
        with pytest.raises(ValueError, match=match):
            tune(hierarchy, **arguments)
    solver = tune(hierarchy)
    with pytest.raises(ValueError, match="shape"):
        solver.solve(np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        solver.solve(np.full(1600, np.nan))
    assert solver.tuned.calls == 0


def test_real_hierarchies_refuse_complex_vectors(hierarchy):
    solver = tune(hierarchy, "jacobi")
    with pytest.raises(TypeError, match="b is complex, but the hierarchy is real"):
        solver.solve(1j * np.ones(hierarchy.levels[0].A.shape[0]))
    assert solver.tuned.calls == 0
