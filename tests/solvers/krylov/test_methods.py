"""What all Krylov methods promise: tolerances, scales, array libraries, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, GridOperator
from structlin.solvers import cg, chebyshev_iteration, fgmres, gmres
from tests.solvers.krylov.methods import METHODS, hermitian, relative_residual, vector

PROPOSED = (METHODS["cg with directions"], METHODS["fgmres with directions"])


@pytest.fixture(params=list(METHODS))
def method(request):
    return METHODS[request.param]


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("float32", (4, 6)), ("float64", (24,)), ("complex64", (24,)), ("complex128", (4, 6))],
)
def test_solutions_meet_their_tolerance(method, library, dtype, shape, rng):
    b = vector(24, rng, dtype)
    start = vector(24, rng, dtype)
    real = np.empty(0, dtype).real.dtype
    A = GridOperator.diffusion(library.asarray(rng.uniform(0.5, 2.0, (4, 6)), real))
    dense = library.to_numpy(A.todense())
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-10
    seen = []
    solution = method(
        A,
        library.asarray(b.reshape(shape)),
        x0=library.asarray(start.reshape(shape)),
        rtol=rtol,
        preconditioner=Diagonal(library.asarray(1 / np.diag(dense), real)),
        callback=seen.append,
    )
    assert solution.converged
    assert solution.x.shape == shape == seen[-1].shape
    assert solution.x.dtype == library.dtype(dtype)
    assert len(solution.residual_norms) == solution.iterations + 1 == len(seen) + 1
    x = library.to_numpy(solution.x).ravel()
    assert relative_residual(dense, b, x) <= 1.001 * rtol


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["float64", "complex128"]),
    name=st.sampled_from(list(METHODS)),
)
def test_norms_are_those_of_the_iterates(n, seed, kind, name):
    rng = np.random.default_rng(seed)
    A = hermitian(rng.uniform(0.5, 5.0, n), rng, kind)
    b, start = vector(n, rng, kind), vector(n, rng, kind)
    iterates = [start]
    solution = METHODS[name](A, b, x0=start, callback=lambda x: iterates.append(x.copy()))
    assert solution.converged
    assert relative_residual(A, b, solution.x) <= 1.001e-8
    expected = [np.linalg.norm(b - A @ x) for x in iterates]
    np.testing.assert_allclose(solution.residual_norms, expected, rtol=1e-6, atol=1e-12)
    unseen = METHODS[name](A, b, x0=start)
    assert unseen.iterations == solution.iterations
    np.testing.assert_array_equal(unseen.x, solution.x)


def test_matrices_of_all_kinds_agree(method, rng):
    A = GridOperator.laplacian((5, 4), shift=0.5)
    b = rng.standard_normal(20)
    expected = method(A, b)
    for kind in (
        A.todense(),
        scipy.sparse.csr_array(A.todense()),
        scipy.sparse.linalg.aslinearoperator(A.todense()),
    ):
        found = method(kind, b)
        assert abs(found.iterations - expected.iterations) <= 1
        np.testing.assert_allclose(found.x, expected.x, atol=1e-6)


def test_there_may_be_nothing_to_do(method, rng):
    A = hermitian(np.arange(1.0, 6.0), rng)
    zero = method(A, np.zeros(5), x0=np.ones(5))
    assert zero.converged
    assert zero.iterations == 0
    assert not zero.x.any()
    x = rng.standard_normal(5)
    there = method(A, A @ x, x0=x)
    assert there.converged
    assert there.iterations == 0
    np.testing.assert_array_equal(there.x, x)
    empty = method(np.empty((0, 0)), np.empty(0))
    assert empty.converged
    assert empty.x.shape == (0,)
    one = method(np.array([[2.0]]), np.array([3.0]))
    assert one.iterations == 1
    np.testing.assert_allclose(one.x, 1.5)


def test_limits_are_told_apart(method, rng):
    A, b = GridOperator.laplacian((9, 9)), rng.standard_normal(81)
    with pytest.warns(ConvergenceWarning, match="raise maxiter"):
        short = method(A, b, maxiter=3)
    assert (short.status, short.iterations) == ("max_iterations", 3)
    assert short.residual_norms[-1] == pytest.approx(np.linalg.norm(b - A @ short.x))
    with pytest.warns(ConvergenceWarning):
        none = method(A, b, maxiter=0)
    assert none.iterations == 0
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        late = method(A, b, time_limit=1e-9)
    assert (late.status, late.iterations) == ("time_limit", 1)
    assert late.residual_norms[-1] == pytest.approx(np.linalg.norm(b - A @ late.x))


@pytest.mark.parametrize("exponent", [-500, -100, 100, 500])
def test_units_do_not_matter(method, exponent, rng):
    A = GridOperator.laplacian((5, 6), shift=0.5)
    b, start = rng.integers(-8, 9, 30) / 1.0, rng.integers(-8, 9, 30) / 1.0
    expected = method(A, b, x0=start)
    unit = np.ldexp(1.0, exponent)
    for matrix, b_unit, x_unit in ((1.0, unit, unit), (unit, 1.0, 1 / unit), (unit, unit, 1.0)):
        found = method(matrix * A, b_unit * b, x0=x_unit * start)
        assert found.converged
        assert found.iterations == expected.iterations
        np.testing.assert_allclose(found.x / x_unit, expected.x, rtol=1e-9)


def test_units_do_not_matter_in_single_precision(method, rng):
    A = GridOperator.laplacian((5, 6), shift=0.5, dtype="float32")
    b = rng.standard_normal(30).astype("float32")
    expected = method(A, b, rtol=1e-5).x
    for unit in (np.float32(2.0**-50), np.float32(2.0**50)):
        found = method(A, b * unit, rtol=1e-5)
        assert found.x.dtype == np.float32
        np.testing.assert_allclose(found.x / unit, expected, rtol=1e-3, atol=1e-4)
        found = method(A * float(unit), b, rtol=1e-5)
        assert found.x.dtype == np.float32
        np.testing.assert_allclose(found.x * unit, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "exponent"),
    [("float32", -100), ("float32", 100), ("float64", -900), ("float64", 900)],
)
@pytest.mark.parametrize("preconditioned", [False, True])
def test_the_unit_of_the_matrix_does_not_matter(method, kind, exponent, preconditioned, rng):
    b = rng.standard_normal(42).astype(kind)
    counts, rtol = [], 1e-4 if kind == "float32" else 1e-8
    for unit in (1.0, 2.0**exponent):
        A = GridOperator.laplacian((6, 7), weights=unit, dtype=kind)
        inverse = Diagonal((np.linspace(0.5, 1, 42) / unit).astype(kind))
        options = {"preconditioner": inverse} if preconditioned else {}
        solution = method(A, b, rtol=rtol, **options)
        assert solution.converged
        counts.append(solution.iterations)
        x = solution.x.astype("float64") * unit
        assert relative_residual(GridOperator.laplacian((6, 7)), b, x) < 1.1 * rtol
    assert counts[0] == counts[1]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("name", ["cg", "flexible cg", "minres", "gmres", "fgmres", "chebyshev"])
def test_the_scale_of_a_preconditioner_does_not_matter(name, scale, rng):
    A, b = GridOperator.laplacian((5, 6)), rng.standard_normal(30)
    solution = METHODS[name](A, b, preconditioner=lambda r: scale * r)
    assert solution.converged
    assert abs(solution.iterations - METHODS[name](A, b).iterations) <= 1


def test_solutions_that_vanish_are_refused(method):
    A = GridOperator.laplacian((4,), weights=1e200)
    with pytest.raises(ValueError, match="the solution vanishes in float64: scale A or b"):
        method(A, np.full(4, 1e-150))


def test_callbacks_may_write_into_what_they_get(method, rng):
    A, b = GridOperator.laplacian((5, 6)), rng.standard_normal(30)
    solution = method(A, b, callback=lambda x: x.fill(np.nan))
    assert solution.converged
    assert solution.iterations == method(A, b).iterations


def test_the_limit_of_rounding_is_told(method):
    A = GridOperator.laplacian((20, 20))
    with pytest.warns(ConvergenceWarning, match="rounding errors"):
        solution = method(A, np.ones(400), rtol=2.3e-16)
    assert solution.status == "stagnated"
    assert solution.iterations < 1500
    assert solution.residual_norms[-1] <= 1e-11
    assert solution.residual_norms[-1] == pytest.approx(
        np.linalg.norm(np.ones(400) - A @ solution.x), rel=1e-2
    )


def test_data_are_left_alone(method, rng):
    A = hermitian(np.arange(1.0, 6.0), rng)
    b, start = rng.standard_normal(5), rng.standard_normal(5)
    for array in (A, b, start):
        array.flags.writeable = False

    def spoils(r):
        r *= 0.5
        return r

    solution = method(A, b, x0=start, preconditioner=spoils)
    assert solution.converged
    assert not np.shares_memory(solution.x, start)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_named(method, bad):
    A, b = np.diag(np.arange(1.0, 6.0)), np.ones(5)
    b[2] = bad
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[2\]"):
        method(A, b)
    with pytest.raises(ValueError, match=r"x0 has a NaN or Inf at \[2\]"):
        method(A, np.ones(5), x0=b)
    A[3, 3] = bad
    with pytest.raises(ValueError, match="has a NaN or Inf"):
        method(A, np.ones(5))


def test_arguments_are_checked(method):
    A = np.eye(5)
    with pytest.raises(ValueError, match=r"b has shape \(4,\) but A is 5x5"):
        method(A, np.ones(4))
    with pytest.raises(ValueError, match="A is 3x4: a square matrix is needed"):
        method(np.ones((3, 4)), np.ones(3))
    with pytest.raises(TypeError, match="no matrix"):
        method("A", np.ones(5))
    with pytest.raises(ValueError, match="rtol is -1"):
        method(A, np.ones(5), rtol=-1)
    with pytest.raises(ValueError, match="rtol is 1e-20"):
        method(A, np.ones(5), rtol=1e-20)
    with pytest.raises(ValueError, match="maxiter is 2"):
        method(A, np.ones(5), maxiter=2.5)
    with pytest.raises(ValueError, match="time_limit is 0"):
        method(A, np.ones(5), time_limit=0)
    with pytest.raises(TypeError, match="callback is 5"):
        method(A, np.ones(5), callback=5)
    if method in PROPOSED:
        return  # a preconditioner is not needed
    for answer in (None, 1.0, np.ones((5, 1)), 1j * np.ones(5), [1.0] * 5):
        with pytest.raises(TypeError, match="preconditioner gave"):
            method(A, np.ones(5), preconditioner=lambda r, answer=answer: answer)


def test_a_preconditioner_that_is_not_finite_ends_the_run(method):
    def broken(r):
        return np.full_like(r, np.nan)

    A = np.diag(np.arange(1.0, 6.0))
    if method in PROPOSED:
        assert method(A, np.ones(5), preconditioner=broken).converged  # it is not needed
        return
    if method is METHODS["chebyshev"]:
        with pytest.raises(ValueError, match="preconditioner"):
            method(A, np.ones(5), preconditioner=broken)
        return
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        solution = method(A, np.ones(5), preconditioner=broken)
    assert np.isfinite(solution.x).all()


@pytest.mark.parametrize("value", [0, -1, 2.5, None, True, "3"])
def test_numbers_of_vectors_are_checked(value):
    A, b = np.eye(5), np.ones(5)
    for method in (gmres, fgmres):
        with pytest.raises(ValueError, match="restart is"):
            method(A, b, restart=value)
    if value is not None:
        with pytest.raises(ValueError, match="memory is"):
            cg(A, b, memory=value)


def test_directions_are_checked():
    A, b = np.eye(5), np.ones(5)
    for method in (cg, fgmres):
        with pytest.raises(TypeError, match="direction is 5"):
            method(A, b, direction=5)
        with pytest.raises(TypeError, match="direction gave"):
            method(A, b, direction=lambda r: None)


@pytest.mark.parametrize("interval", [(0, 1), (2, 1), (1, np.inf), (np.nan, 1), 3, "ab", (1, 2, 3)])
def test_intervals_are_checked(interval):
    with pytest.raises(ValueError, match="interval is"):
        chebyshev_iteration(np.eye(5), np.ones(5), interval=interval)
