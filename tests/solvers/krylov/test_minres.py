"""The minimum residual method: optimality, indefinite and singular matrices."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, GridOperator
from structlin.solvers import cg, minres
from tests.solvers.krylov.methods import hermitian, orthogonal, relative_residual, vector

KINDS = ["float64", "complex128"]


def indefinite(n, rng):
    return rng.uniform(1.0, 4.0, n) * np.where(np.arange(n) % 3 == 0, -1.0, 1.0)


@given(
    n=st.integers(2, 9),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(KINDS),
    preconditioned=st.booleans(),
)
def test_iterates_have_the_least_residual_of_their_krylov_space(n, seed, kind, preconditioned):
    rng = np.random.default_rng(seed)
    A, b = hermitian(indefinite(n, rng), rng, kind), vector(n, rng, kind)
    M = hermitian(rng.uniform(0.5, 2.0, n), rng, kind) if preconditioned else np.eye(n)
    root = np.linalg.cholesky(M).conj().T  # ‖r‖ in the product of M is ‖root r‖
    iterates = []
    minres(A, b, preconditioner=M, callback=lambda x: iterates.append(x.copy()))
    columns = [M @ b]
    for x in iterates[: n - 1]:
        basis = np.linalg.qr(np.stack(columns, 1))[0]
        y = np.linalg.lstsq(root @ A @ basis, root @ b)[0]
        np.testing.assert_allclose(x, basis @ y, atol=1e-5 * np.linalg.norm(b))
        columns.append(M @ A @ columns[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_indefinite_systems_are_solved(kind, rng):
    A, b = hermitian(indefinite(40, rng), rng, kind), vector(40, rng, kind)
    solution = minres(A, b)
    assert relative_residual(A, b, solution.x) <= 1.001e-8
    assert (np.diff(solution.residual_norms) <= 1e-12).all()
    M = hermitian(rng.uniform(0.5, 2.0, 40), rng, kind)
    solution = minres(A, b, preconditioner=M)
    assert relative_residual(A, b, solution.x) <= 1.001e-8


def test_counts_agree_with_scipy(rng):
    A, b = GridOperator.laplacian((15, 15), shift=-0.5), rng.standard_normal(225)
    solution = minres(A, b)
    iterates = []
    scipy.sparse.linalg.minres(
        A.todense(), b, rtol=1e-14, callback=lambda x: iterates.append(x.copy())
    )
    norms = [np.linalg.norm(b - A @ x) for x in iterates]
    np.testing.assert_allclose(solution.residual_norms[1:40], norms[:39], rtol=1e-6)


def test_residuals_are_below_those_of_conjugate_gradients(rng):
    A, b = GridOperator.laplacian((12, 12)), rng.standard_normal(144)
    ours, theirs = minres(A, b).residual_norms, cg(A, b).residual_norms
    shorter = min(len(ours), len(theirs))
    assert (ours[:shorter] <= theirs[:shorter] * (1 + 1e-8)).all()


def test_every_array_library(library, rng):
    shift = rng.choice([-6.0, 1.0], (6, 5))
    A = GridOperator.laplacian((6, 5), shift=library.asarray(shift))
    b = rng.standard_normal((6, 5))
    M = Diagonal(library.asarray(rng.uniform(0.5, 2.0, 30)))
    solution = minres(A, library.asarray(b), preconditioner=M)
    dense = library.to_numpy(A.todense())
    assert relative_residual(dense, b.ravel(), library.to_numpy(solution.x).ravel()) <= 1.001e-8


def test_a_singular_system_that_has_a_solution_is_solved(rng):
    A = GridOperator.laplacian((7, 6), sides="neumann")
    b = rng.standard_normal(42)
    b -= b.mean()
    solution = minres(A, b)
    assert relative_residual(A, b, solution.x) <= 1.01e-8
    assert abs(solution.x.mean()) <= 1e-8  # nothing of the null space comes in


@pytest.mark.parametrize("rank", [5, 20, 38])
def test_without_a_solution_the_residual_is_the_least(rank, rng):
    Q = orthogonal(40, rng)
    values = indefinite(40, rng) * (np.arange(40) < rank)
    b = rng.standard_normal(40)
    with pytest.warns(ConvergenceWarning, match="stagnated"):
        solution = minres((Q * values) @ Q.T, b)
    least = np.linalg.norm(Q[:, rank:].T @ b)
    assert solution.residual_norms[-1] == pytest.approx(least, rel=1e-6)
    assert np.linalg.norm(solution.x) <= 100 * np.linalg.norm(b)


def test_a_right_hand_side_in_the_null_space(rng):
    with pytest.warns(ConvergenceWarning, match="stagnated"):
        solution = minres(GridOperator.laplacian((6, 6), sides="neumann"), np.ones(36))
    assert solution.residual_norms[-1] <= 6 * (1 + 1e-12)
    with pytest.warns(ConvergenceWarning, match="stagnated"):
        minres(np.zeros((3, 3)), np.ones(3))


def test_a_preconditioner_that_is_not_definite_is_a_breakdown(rng):
    A, b = np.diag([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 3.0])
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        minres(A, b, preconditioner=-np.eye(3))
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        minres(A, b, preconditioner=np.diag([1.0, 1.0, -0.01]))
