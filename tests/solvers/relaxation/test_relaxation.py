"""Relaxation and conjugate gradients: properties on all array libraries, and bad input."""

from __future__ import annotations

import time
import warnings

import array_api_strict
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, GridOperator
from structlin.solvers import cg, jacobi, sor, ssor_cg

GRID_SOLVERS = {
    "sor": lambda A, b, **kwargs: sor(A, b, omega=1.4, **kwargs),
    "ssor_cg": lambda A, b, **kwargs: ssor_cg(A, b, omega=1.4, **kwargs),
    "jacobi": lambda A, b, **kwargs: jacobi(A, b, omega=0.9, **kwargs),
    "cg": cg,
}
ORDERINGS = ("lexicographic", "reverse", "red-black")


def csr(A: GridOperator) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array(A.todense())


@pytest.fixture(params=list(GRID_SOLVERS))
def solver(request):
    return GRID_SOLVERS[request.param]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("sides", ["dirichlet", "neumann", "periodic", ("neumann", "periodic")])
def test_solutions_meet_their_tolerance(solver, library, dtype, sides, rng):
    b = rng.standard_normal((4, 6))
    if "complex" in dtype:
        b = b + 1j * rng.standard_normal((4, 6))
    A = GridOperator.laplacian(
        (4, 6), shift=0.7, weights=(1.0, 0.5), sides=sides, like=library.asarray(b, dtype)
    )
    b = library.asarray(b, dtype)
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-10
    solution = solver(A, b, rtol=rtol)
    assert solution.converged
    assert solution.x.dtype == b.dtype
    assert solution.x.shape == b.shape
    x = library.to_numpy(solution.x).ravel()
    residual = library.to_numpy(b).ravel() - library.to_numpy(A.todense()) @ x
    assert np.linalg.norm(residual) <= 1.001 * rtol * np.linalg.norm(library.to_numpy(b))
    rounding = 100 * np.finfo(dtype).eps  # of a residual whose terms are of order one
    np.testing.assert_allclose(
        solution.residual_norms[-1], np.linalg.norm(residual), rtol=1e-2, atol=rounding
    )
    assert len(solution.residual_norms) == solution.iterations + 1


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("grid", [(9,), (5, 6), (3, 4, 5), (1, 7), (1, 1)])
@given(seed=st.integers(0, 2**32), variable=st.booleans())
def test_grid_and_sparse_matrix_agree(ordering, grid, seed, variable):
    rng = np.random.default_rng(seed)
    if variable:
        A = GridOperator.diffusion(rng.uniform(0.1, 2.0, grid), shift=0.5)
    else:
        A = GridOperator.laplacian(grid, shift=0.5)
    b = rng.standard_normal(A.shape[0])
    on_grid = sor(A, b, omega=1.3, ordering=ordering)
    # the first-fit colours of a grid's graph are its red and black points
    by_rows = sor(csr(A), b, omega=1.3, ordering=ordering)
    assert on_grid.iterations == by_rows.iterations
    np.testing.assert_allclose(on_grid.x, by_rows.x, atol=1e-12)
    np.testing.assert_allclose(on_grid.residual_norms, by_rows.residual_norms, atol=1e-10)
    preconditioned = ssor_cg(A, b, omega=1.3, ordering=ordering)
    assert preconditioned.iterations == ssor_cg(csr(A), b, omega=1.3, ordering=ordering).iterations
    np.testing.assert_allclose(preconditioned.x, on_grid.x, atol=1e-6)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_slices_do_not_change_the_iterates(ordering, rng):
    A = GridOperator.laplacian((12, 11), shift=0.1)
    b = rng.standard_normal(132)
    whole = sor(A, b, omega=1.6, ordering=ordering)
    iterates = []
    sliced = sor(A, b, omega=1.6, ordering=ordering, callback=iterates.append)
    timed = sor(A, b, omega=1.6, ordering=ordering, time_limit=60.0)
    assert whole.iterations == sliced.iterations == timed.iterations == len(iterates)
    assert np.array_equal(whole.x, sliced.x)
    assert np.array_equal(whole.x, timed.x)
    np.testing.assert_allclose(whole.residual_norms, sliced.residual_norms, rtol=1e-8)


def test_multicolor_on_a_matrix_that_two_colours_do_not_suffice_for(rng):
    line = scipy.sparse.diags_array(
        [-1.0, -1.0, 5.0, -1.0, -1.0], offsets=[-2, -1, 0, 1, 2], shape=(30, 30)
    ).tocsr()
    b = rng.standard_normal(30)
    solution = sor(line, b, omega=1.2, ordering="multicolor")
    assert solution.converged
    np.testing.assert_allclose(line @ solution.x, b, atol=1e-6)
    with pytest.raises(ValueError, match="needs 3 colours"):
        sor(line, b, omega=1.2, ordering="red-black")


@pytest.mark.parametrize("omega", [0, 2, -1.0, 2.05, np.nan, np.inf, "1.5", None, 1j])
@pytest.mark.parametrize("method", [sor, ssor_cg])
def test_omega_is_checked_before_any_work(method, omega):
    with pytest.raises(ValueError, match=r"omega is .*0 < omega < 2"):
        method("no matrix", "no vector", omega=omega)


@pytest.mark.parametrize("entry", [0.0, -2.0, np.nan])
@pytest.mark.parametrize("method", [sor, ssor_cg])
def test_a_bad_diagonal_names_the_row(method, entry):
    dense = 4.0 * np.eye(5)
    dense[3, 3] = entry
    match = "NaN or Inf" if np.isnan(entry) else "in row 3"
    with pytest.raises(ValueError, match=match):
        method(scipy.sparse.csr_array(dense), np.ones(5), omega=1.0)
    shift = np.zeros(5)
    shift[3] = entry - 2.0
    with pytest.raises(ValueError, match="NaN or Inf" if np.isnan(entry) else "in row 3"):
        method(GridOperator.laplacian((5,), shift=shift), np.ones(5), omega=1.0)


def test_shapes_are_told(solver):
    A = GridOperator.laplacian((3, 4))
    with pytest.raises(ValueError, match=r"b has shape \(13,\) but A is 12x12"):
        solver(A, np.ones(13))
    with pytest.raises(ValueError, match=r"x0 has shape \(3,\) but A is 12x12"):
        solver(A, np.ones(12), x0=np.ones(3))
    with pytest.raises(ValueError, match=r"b has shape \(4, 3\)"):
        solver(A, np.ones((4, 3)))
    with pytest.raises(ValueError, match="A is 3x4: a square matrix is needed"):
        solver(scipy.sparse.csr_array(np.ones((3, 4))), np.ones(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_named(solver, bad):
    A = GridOperator.laplacian((5,), shift=1.0)
    b = np.ones(5)
    b[2] = bad
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[2\]"):
        solver(A, b)
    with pytest.raises(ValueError, match=r"x0 has a NaN or Inf at \[2\]"):
        solver(A, np.ones(5), x0=b)
    matrix = csr(A)
    matrix.data[0] = bad
    with pytest.raises(ValueError, match="NaN or Inf"):
        solver(matrix, np.ones(5))


def test_a_zero_right_hand_side_needs_no_iteration(solver):
    A = GridOperator.laplacian((5,), shift=1.0)
    for x0 in (None, np.ones(5)):
        solution = solver(A, np.zeros(5), x0=x0)
        assert solution.converged
        assert solution.iterations == 0
        assert np.all(solution.x == 0)


def test_a_converged_start_needs_no_iteration(solver):
    A = GridOperator.laplacian((5, 4), shift=1.0)
    x = np.linspace(1.0, 2.0, 20)
    solution = solver(A, A @ x, x0=x)
    assert solution.converged
    assert solution.iterations == 0
    assert np.array_equal(solution.x, x)


def test_divergence_is_found_early():
    A = GridOperator.laplacian((10, 10), shift=-0.2)  # indefinite
    with pytest.warns(ConvergenceWarning, match="diverged"):
        solution = sor(A, np.ones(100), omega=1.5, ordering="lexicographic")
    assert solution.status == "diverged"
    assert solution.iterations < 482  # where the residual passes 1e12


def test_indefinite_and_nonsymmetric_matrices_never_count_as_converged_falsely(rng):
    for trial in range(20):
        dense = rng.standard_normal((8, 8))
        dense[np.diag_indices(8)] = rng.uniform(0.1, 4.0, 8)
        if trial % 2:
            dense = dense + dense.T
        b = rng.standard_normal(8)
        A = scipy.sparse.csr_array(dense)
        for method in (sor, ssor_cg):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                solution = method(A, b, omega=1.2, maxiter=200)
            small = np.linalg.norm(b - dense @ solution.x) <= 1.01e-8 * np.linalg.norm(b)
            assert solution.converged == small or not solution.converged


def test_conjugate_gradients_break_down_on_an_indefinite_matrix():
    with pytest.warns(ConvergenceWarning, match="positive definite"):
        solution = cg(Diagonal(np.array([1.0, -1.0])), np.ones(2))
    assert solution.status == "breakdown"
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        cg(np.eye(2) * np.array([1.0, 2.0]), np.ones(2), preconditioner=lambda r: -r)


def test_a_singular_system_without_solution_ends():
    A = GridOperator.laplacian((6, 6), sides="neumann")  # constants are in its null space
    with pytest.warns(ConvergenceWarning, match="max_iterations"):
        solution = sor(A, np.ones(36), omega=1.0, maxiter=3000)
    assert solution.iterations == 3000


def test_a_residual_that_rises_first_is_no_divergence():
    # mixed sides: the norm of the residual stays above its first value for thousands of sweeps
    A = GridOperator.laplacian((60,), sides=[("dirichlet", "neumann")])
    solution = sor(A, np.ones(60), omega=1.0, maxiter=30_000)
    assert solution.converged
    assert solution.residual_norms.max() > solution.residual_norms[0]
    np.testing.assert_allclose(solution.x, np.linalg.solve(A.todense(), np.ones(60)), rtol=1e-4)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_the_limit_of_rounding_is_told(ordering):
    A = GridOperator.laplacian((40, 40))
    with pytest.warns(ConvergenceWarning, match="rounding errors"):
        solution = sor(A, np.ones(1600), omega=1.85, rtol=2.3e-16, ordering=ordering)
    assert solution.status == "stagnated"
    assert solution.iterations < 3000


def test_warm_starts_have_the_target_of_cold_ones(rng):
    A = GridOperator.laplacian((30, 30))
    b = np.ones(900)
    x = np.linalg.solve(A.todense(), b)
    warm = sor(A, b, omega=1.8, x0=x * (1 + 1e-4))
    cold = sor(A, b, omega=1.8)
    assert warm.converged
    assert warm.iterations < cold.iterations


def test_the_cap_is_told(solver):
    A = GridOperator.laplacian((20, 20))
    with pytest.warns(ConvergenceWarning, match=r"max_iterations.*3 iterations"):
        solution = solver(A, np.ones(400), maxiter=3)
    assert solution.status == "max_iterations"
    assert solution.iterations == 3
    assert "max_iterations" in repr(solution)
    assert "\n" not in repr(solution)
    with pytest.warns(ConvergenceWarning):
        assert solver(A, np.ones(400), maxiter=0).iterations == 0


def test_a_time_limit_ends_the_iteration():
    A = GridOperator.laplacian((400, 400))
    begin = time.perf_counter()
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        solution = sor(A, np.ones(160_000), omega=1.0, time_limit=0.05)
    assert solution.status == "time_limit"
    assert time.perf_counter() - begin < 30  # not the minutes that 10 000 sweeps would take


def test_tolerances_beyond_the_precision_are_refused(solver):
    A = GridOperator.laplacian((5,), shift=1.0, dtype="float32")
    b = np.ones(5, np.float32)
    with pytest.raises(ValueError, match="float32 resolves"):
        solver(A, b, rtol=1e-9)
    for kwargs in (
        {"rtol": -1.0},
        {"rtol": np.nan},
        {"atol": "x"},
        {"maxiter": -1},
        {"maxiter": 2.5},
        {"time_limit": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(kwargs))):
            solver(A, b, **{"rtol": 1e-3, **kwargs})


def test_integers_become_float64_and_inputs_stay(solver):
    A = GridOperator.laplacian((5,), shift=1)
    b = np.arange(5)
    x0 = np.ones(10)[::2]
    solution = solver(A, b, x0=x0)
    assert solution.x.dtype == np.float64
    assert np.array_equal(b, np.arange(5))
    assert np.all(x0 == 1)
    matrix = csr(A).astype(np.int64)
    np.testing.assert_allclose(solver(matrix, b).x, solution.x, atol=1e-7)


def test_float32_stays_float32(solver):
    A = GridOperator.laplacian((5, 5), shift=1.0, dtype="float32")
    b = np.ones((5, 5), np.float32)
    assert solver(A, b, rtol=1e-4).x.dtype == np.float32
    assert solver(csr(A), b.ravel(), rtol=1e-4).x.dtype == np.float32


def test_empty_and_single_systems(solver):
    empty = GridOperator.laplacian((0, 3))
    assert solver(empty, np.zeros(0)).x.shape == (0,)
    single = GridOperator.laplacian((1, 1))
    np.testing.assert_allclose(solver(single, np.array([8.0])).x, [2.0], rtol=1e-7)
    np.testing.assert_allclose(
        solver(scipy.sparse.csr_array([[4.0]]), np.array([8.0])).x, [2.0], rtol=1e-7
    )


def test_strided_and_fortran_vectors(solver, rng):
    A = GridOperator.laplacian((4, 6), shift=0.3)
    b = rng.standard_normal((4, 6))
    expected = solver(A, b).x
    padded = rng.standard_normal((8, 12))
    padded[::2, ::2] = b
    np.testing.assert_array_equal(solver(A, padded[::2, ::2]).x, expected)
    np.testing.assert_array_equal(solver(A, np.asfortranarray(b)).x, expected)
    np.testing.assert_array_equal(solver(A, b.ravel()).x, expected.ravel())


def test_other_matrices_get_advice():
    with pytest.raises(TypeError, match="csr_array"):
        sor(np.eye(3), np.ones(3), omega=1.0)
    with pytest.raises(ValueError, match="lexicographic"):
        sor(GridOperator.laplacian((3,)), np.ones(3), omega=1.0, ordering="zigzag")
    with pytest.raises(ValueError, match="multicolor"):
        sor(scipy.sparse.eye_array(3).tocsr(), np.ones(3), omega=1.0, ordering="zigzag")
    with pytest.raises(ValueError, match="sweep_order"):
        ssor_cg(GridOperator.laplacian((3,)), np.ones(3), omega=1.0, sweep_order="both")
    with pytest.raises(ValueError, match="backward-forward"):
        ssor_cg(
            GridOperator.laplacian((3,)),
            np.ones(3),
            omega=1.0,
            ordering="red-black",
            sweep_order="backward-forward",
        )


def test_red_black_needs_even_periods():
    A = GridOperator.laplacian((5, 4), shift=1.0, sides="periodic")
    with pytest.raises(ValueError, match="axis 0 is periodic with 5 points"):
        sor(A, np.ones(20), omega=1.0, ordering="red-black")
    assert sor(A, np.ones(20), omega=1.0).choices["ordering"] == "lexicographic"


def test_preconditioners_of_all_kinds_agree(rng):
    A = GridOperator.diffusion(rng.uniform(0.1, 3.0, (6, 6)))
    b = rng.standard_normal(36)
    inverse = 1 / np.diag(A.todense())
    kinds = (
        lambda r: inverse * r,
        Diagonal(inverse),
        np.diag(inverse),
        scipy.sparse.diags_array(inverse),
        scipy.sparse.linalg.aslinearoperator(np.diag(inverse)),
    )
    counts = {cg(A, b, preconditioner=kind).iterations for kind in kinds}
    assert len(counts) == 1
    assert cg(A, b, preconditioner=np.linalg.inv(A.todense())).iterations == 1


@pytest.mark.parametrize("exponent", [-1040, -600, -100, 100, 600, 1000])
def test_the_unit_of_the_right_hand_side_does_not_matter(solver, exponent, rng):
    A = GridOperator.laplacian((5, 6), shift=0.5)
    b = rng.integers(-8, 9, 30) / 1.0  # so coarse that no digit is lost among subnormals
    solution = solver(A, b)
    scaled = solver(A, np.ldexp(b, exponent))
    assert scaled.converged
    assert scaled.iterations == solution.iterations
    least = np.ldexp(1.0, -1073)
    expected = np.ldexp(solution.x, exponent)
    np.testing.assert_allclose(scaled.x, expected, rtol=1e-12, atol=least)
    expected = np.ldexp(solution.residual_norms, exponent)
    np.testing.assert_allclose(scaled.residual_norms, expected, rtol=1e-3, atol=least)


def test_small_and_large_numbers_in_single_precision(solver, rng):
    A = GridOperator.laplacian((5, 6), shift=0.5, dtype="float32")
    b = rng.standard_normal(30).astype("float32")
    for scale in (1e-30, 1e-15, 1e15, 1e30):
        x = solver(A, b * np.float32(scale), rtol=1e-5).x
        assert x.dtype == np.float32
        np.testing.assert_allclose(x / scale, solver(A, b, rtol=1e-5).x, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore::structlin.ConvergenceWarning")
def test_starts_beyond_all_bounds_do_no_harm(solver):
    A = GridOperator.laplacian((3, 4), shift=0.5, weights=1e10)
    b = np.ones(12)
    for scale in (1e200, 1e290):
        solution = solver(A, b, x0=np.full(12, scale), maxiter=100)
        assert np.isfinite(solution.x).all()
        if solution.converged:
            assert solution.residual_norms[-1] <= 1.1e-8 * np.sqrt(12)
    # a warm start may well be larger than the right-hand side
    small = solver(A, 1e-25 * b, x0=b, rtol=0.0, atol=1e-33)
    assert small.converged
    np.testing.assert_allclose(small.x, 1e-25 * np.linalg.solve(A.todense(), b), rtol=1e-4)


def test_a_solution_that_overflows_is_refused(solver):
    A = 1e-200 * GridOperator.laplacian((3, 4), shift=0.5)
    with pytest.raises(ValueError, match="overflows float64: scale A or b"):
        solver(A, np.full(12, 1e200))


def test_the_start_is_never_returned(solver):
    A = GridOperator.laplacian((5,), shift=0.5)
    x = np.arange(5.0)
    assert not np.shares_memory(solver(A, A @ x, x0=x).x, x)


@pytest.mark.parametrize("b", [None, 1.0, [1.0] * 5, "b", np.float64(1), scipy.sparse.eye_array(5)])
def test_what_is_no_vector_is_told(solver, b):
    A = GridOperator.laplacian((5,), shift=0.5)
    with pytest.raises((TypeError, ValueError), match=r"b (is a \w+: pass|has shape)"):
        solver(A, b)


def test_unsupported_types_get_advice(solver):
    A = GridOperator.laplacian((5,), shift=0.5)
    for dtype in ("float16", "longdouble"):
        with pytest.raises(TypeError, match="single or double precision"):
            solver(A, np.ones(5, dtype))
        with pytest.raises(TypeError, match="single or double precision"):
            GridOperator.laplacian((5,), dtype=dtype)
    assert solver(A, np.ones(5, ">f8")).converged
    with pytest.raises(TypeError, match="fill the gaps"):
        solver(A, np.ma.array(np.ones(5), mask=[0, 1, 0, 0, 0]))
    with pytest.raises(TypeError, match="callback is 5"):
        solver(A, np.ones(5), callback=5)


def test_devices_are_not_mixed(solver):
    like = array_api_strict.ones(1, device=array_api_strict.Device("device1"))
    A = GridOperator.laplacian((5,), shift=0.5, like=like)
    with pytest.raises(ValueError, match="devices"):
        solver(A, array_api_strict.ones(5))
    with pytest.raises(TypeError, match="mixed"):
        solver(A, np.ones(5))


@pytest.mark.parametrize("limit", [{"time_limit": np.inf}, {"maxiter": 10**30}])
def test_limits_may_be_as_large_as_one_likes(solver, limit):
    assert solver(GridOperator.laplacian((5,), shift=0.5), np.ones(5), **limit).converged


def test_indices_out_of_range_are_refused():
    A = csr(GridOperator.laplacian((5,), shift=0.5))
    A.indices[1] = 1000
    for ordering in ("lexicographic", "reverse", "multicolor"):
        with pytest.raises(ValueError, match="ind"):
            sor(A, np.ones(5), omega=1.0, ordering=ordering)


@pytest.mark.parametrize(
    "preconditioner",
    [lambda r: r[:, None], lambda r: None, lambda r: 1.0, lambda r: 1j * r, lambda r: list(r)],
)
def test_what_a_preconditioner_returns_is_checked(preconditioner):
    with pytest.raises(TypeError, match="preconditioner gave"):
        cg(GridOperator.laplacian((5,)), np.ones(5), preconditioner=preconditioner)


def test_a_preconditioner_changes_neither_precision_nor_residual(rng):
    A = GridOperator.laplacian((9,), shift=0.1, dtype="float32")
    b = rng.standard_normal(9).astype("float32")
    assert cg(A, b, rtol=1e-4, preconditioner=np.eye(9)).x.dtype == np.float32

    def in_place(r):
        r *= 0.5
        return r

    assert cg(A, b, rtol=1e-4, preconditioner=in_place).iterations == cg(A, b, rtol=1e-4).iterations


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_tolerances_may_be_as_small_as_numbers_are(ordering):
    # one whose residual becomes exactly zero, and one whose residual cannot
    exact = GridOperator.laplacian((4, 4), shift=1.0, weights=0.0)
    assert sor(exact, np.ones(16), omega=1.0, rtol=0.0, atol=5e-324, ordering=ordering).converged
    A = GridOperator.laplacian((4, 4))
    with pytest.warns(ConvergenceWarning):
        solution = sor(A, np.ones(16), omega=1.2, rtol=0.0, atol=5e-324, ordering=ordering)
    assert solution.residual_norms[-1] < 1e-13
