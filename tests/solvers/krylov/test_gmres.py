"""GMRES and its flexible form: optimality, restarts, breakdowns, proposed directions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import cg, fgmres, gmres
from tests.solvers.krylov.methods import relative_residual, vector

KINDS = ["float64", "complex128"]


def general(n, rng, kind="float64"):
    """Return a matrix that is neither Hermitian nor normal, and not too ill-conditioned."""
    X = rng.standard_normal((n, n)) / np.sqrt(n)
    if "complex" in kind:
        X = X + 1j * rng.standard_normal((n, n)) / np.sqrt(n)
    return 3 * np.eye(n) + X


def least_residual(A, b, directions):
    basis = np.linalg.qr(np.stack(directions, 1))[0]
    return basis @ np.linalg.lstsq(A @ basis, b)[0]


@given(
    n=st.integers(2, 9),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(KINDS),
    method=st.sampled_from([gmres, fgmres]),
)
def test_iterates_have_the_least_residual_of_their_krylov_space(n, seed, kind, method):
    rng = np.random.default_rng(seed)
    A, b, M = general(n, rng, kind), vector(n, rng, kind), general(n, rng, kind)
    iterates = []
    solution = method(A, b, preconditioner=M, callback=lambda x: iterates.append(x.copy()))
    columns = [M @ b]
    for x in iterates[: n - 1]:
        expected = least_residual(A, b, columns)
        np.testing.assert_allclose(x, expected, atol=1e-6 * np.linalg.norm(b))
        columns.append(M @ A @ columns[-1])
    np.testing.assert_allclose(
        solution.residual_norms[1:], [np.linalg.norm(b - A @ x) for x in iterates], atol=1e-9
    )
    assert solution.iterations <= n


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
def test_directions_see_the_residual_and_all_of_them_are_used(seed, kind):
    rng = np.random.default_rng(seed)
    n = 8
    A, b = general(n, rng, kind), vector(n, rng, kind)
    residuals, directions, iterates = [], [], [np.zeros(n)]

    def propose(r):
        residuals.append(r)
        directions.append(vector(n, rng, kind))
        return directions[-1]

    def note(x):
        iterates.append(x.copy())

    fgmres.quiet(A, b, direction=propose, callback=note, maxiter=n - 1)
    if len(directions) == len(iterates) - 1:  # none has come after a useless one
        for k, (x, r) in enumerate(zip(iterates, residuals, strict=False)):
            np.testing.assert_allclose(r, b - A @ x, atol=1e-8 * np.linalg.norm(b))
            if k:
                expected = least_residual(A, b, directions[:k])
                np.testing.assert_allclose(x, expected, atol=1e-6 * np.linalg.norm(b))


@pytest.mark.parametrize("restart", [1, 3, 10, 100])
@pytest.mark.parametrize("method", [gmres, fgmres])
def test_restarts(method, restart, rng):
    A, b = general(40, rng), rng.standard_normal(40)
    solution = method(A, b, restart=restart)
    assert relative_residual(A, b, solution.x) <= 1.001e-8
    counted = []
    scipy.sparse.linalg.gmres(
        A, b, restart=restart, rtol=1e-8, callback=counted.append, callback_type="pr_norm"
    )
    assert abs(solution.iterations - len(counted)) <= 1
    assert solution.choices == {"restart": restart}


@pytest.mark.parametrize("method", [gmres, fgmres])
def test_a_cyclic_shift_needs_as_many_iterations_as_rows(method):
    A, b = np.roll(np.eye(12), 1, axis=0), np.eye(12)[0]
    solution = method(A, b)
    assert solution.iterations == 12
    np.testing.assert_allclose(solution.residual_norms[:12], 1.0)
    with pytest.warns(ConvergenceWarning, match="stagnated"):
        assert method(A, b, restart=11).iterations == 11


@pytest.mark.parametrize("method", [gmres, fgmres])
def test_singular_matrices(method, rng):
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        solution = method(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([1.0, 0.0]))
    assert solution.residual_norms[-1] == 1
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        method(np.zeros((3, 3)), np.ones(3))
    A = GridOperator.laplacian((7, 6), sides="neumann")
    b = rng.standard_normal(42)
    with pytest.warns(ConvergenceWarning, match=r"breakdown|stagnated"):
        solution = method(A, b)
    assert solution.residual_norms[-1] <= np.linalg.norm(b)
    b -= b.mean()
    assert relative_residual(A, b, method(A, b).x) <= 1.01e-8


def test_the_flexible_method_takes_a_preconditioner_that_changes(rng):
    A, b = GridOperator.laplacian((15, 15)), rng.standard_normal(225)

    def inner(r):
        return cg.quiet(A, r, rtol=0.2).x

    solution = fgmres(A, b, preconditioner=inner)
    assert relative_residual(A, b, solution.x) <= 1.001e-8
    assert solution.iterations <= 15


def test_the_best_direction_ends_it(rng):
    A, b = general(20, rng), rng.standard_normal(20)
    solution = fgmres(A, b, direction=lambda r: -7.0 * np.linalg.solve(A, r))
    assert solution.iterations == 1
    assert solution.choices == {"restart": 30, "refused": 0}


@pytest.mark.parametrize("useless", [np.zeros_like, lambda r: np.full_like(r, np.nan)])
def test_useless_directions_give_way_to_those_of_arnoldi(useless, rng):
    A, b = general(40, rng), rng.standard_normal(40)
    expected, solution = gmres(A, b, restart=5), fgmres(A, b, restart=5, direction=useless)
    assert solution.iterations == expected.iterations
    np.testing.assert_allclose(solution.residual_norms, expected.residual_norms, rtol=1e-6)
    assert solution.choices["refused"] == solution.iterations


def test_directions_that_are_always_the_same_do_not_stop_the_iteration(rng):
    A, b = general(40, rng), rng.standard_normal(40)
    assert fgmres(A, b, direction=lambda r: b).converged
    # the residual of a rotation says nothing about where to go
    A, b = np.kron(np.eye(10), np.array([[0.0, 1.0], [-1.0, 0.0]])), rng.standard_normal(20)
    solution = fgmres(A, b, direction=lambda r: r)
    assert solution.converged
    assert solution.choices["refused"] >= 1


@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_every_array_library(library, kind, rng):
    A, b = general(20, rng, kind), vector(20, rng, kind)
    there = library.asarray(A)
    for options in ({}, {"direction": lambda r: r}):
        method = fgmres if options else gmres
        solution = method(there, library.asarray(b), restart=7, **options)
        assert relative_residual(A, b, library.to_numpy(solution.x)) <= 1.001e-8


@pytest.mark.parametrize("solve", [gmres, fgmres])
def test_what_a_singular_system_allows_is_kept(solve, rng):
    A = GridOperator.laplacian((4, 6), sides="neumann")
    b = rng.standard_normal(24)
    b += 1e-7 - b.mean()  # what no residual can be rid of
    with pytest.warns(ConvergenceWarning):
        solution = solve(A, b, rtol=1e-10)
    least = 1e-7 * np.sqrt(24)
    assert least * 0.99 < np.linalg.norm(b - A @ solution.x) < 0.01 * np.linalg.norm(b)
