"""Conjugate gradients: optimality, preconditioners that change, proposed directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, GridOperator
from structlin.solvers import cg, fgmres, spectral_interval
from tests.solvers.krylov.methods import hermitian, relative_residual, vector

KINDS = ["float64", "complex128"]


def iterates_of(A, b, **options):
    found = []
    cg(A, b, callback=lambda x: found.append(x.copy()), **options)
    return found


def least_energy(A, b, basis):
    """Return the combination of the columns whose error has the least energy norm."""
    y = np.linalg.solve(basis.conj().T @ A @ basis, basis.conj().T @ b)
    return basis @ y


@given(n=st.integers(2, 10), seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
def test_iterates_have_the_least_energy_of_their_krylov_space(n, seed, kind):
    rng = np.random.default_rng(seed)
    A, b = hermitian(rng.uniform(1.0, 4.0, n), rng, kind), vector(n, rng, kind)
    columns = [b]
    for x in iterates_of(A, b)[: n - 1]:
        expected = least_energy(A, b, np.linalg.qr(np.stack(columns, 1))[0])
        np.testing.assert_allclose(x, expected, atol=1e-6 * np.linalg.norm(b))
        columns.append(A @ columns[-1])


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
def test_iterates_have_the_least_energy_of_the_directions_proposed(seed, kind):
    rng = np.random.default_rng(seed)
    n = 8
    A, b = hermitian(rng.uniform(1.0, 4.0, n), rng, kind), vector(n, rng, kind)
    proposed = []

    def propose(r):
        proposed.append(vector(n, rng, kind))
        return proposed[-1]

    iterates = iterates_of(A, b, direction=propose, memory=n, rtol=1e-6, maxiter=n)
    for k, x in enumerate(iterates[: n - 1], 1):
        expected = least_energy(A, b, np.linalg.qr(np.stack(proposed[:k], 1))[0])
        np.testing.assert_allclose(x, expected, atol=1e-6 * np.linalg.norm(b))


@pytest.mark.parametrize("memory", [1, 2, 5])
def test_directions_that_are_stored_change_nothing_for_a_fixed_preconditioner(memory, rng):
    A = GridOperator.diffusion(rng.uniform(0.1, 2.0, (9, 8)), shift=0.1)
    b, M = rng.standard_normal(72), Diagonal(rng.uniform(0.5, 2.0, 72))
    expected, found = cg(A, b, preconditioner=M), cg(A, b, preconditioner=M, memory=memory)
    assert abs(found.iterations - expected.iterations) <= 2  # later, rounding errors differ
    np.testing.assert_allclose(found.residual_norms[:15], expected.residual_norms[:15], rtol=1e-6)
    assert found.choices == {"memory": memory}


def test_a_preconditioner_that_changes_needs_memory(rng):
    A, b = GridOperator.laplacian((15, 15)), rng.standard_normal(225)

    def inner(r):  # conjugate gradients to a low accuracy are not linear in r
        return cg.quiet(A, r, rtol=0.3).x

    flexible = cg(A, b, preconditioner=inner, memory=1)
    assert flexible.converged
    assert flexible.iterations < cg.quiet(A, b, preconditioner=inner).iterations
    assert flexible.iterations <= 15


def test_a_preconditioner_that_is_not_hermitian_needs_memory(rng):
    A, b = GridOperator.laplacian((12, 12)), rng.standard_normal(144)
    lower = np.linalg.inv(np.tril(A.todense()))  # a sweep of Gauss–Seidel
    assert relative_residual(A, b, cg(A, b, preconditioner=lower, memory=10).x) <= 1.01e-8


def test_the_best_direction_ends_it(rng):
    A = hermitian(rng.uniform(0.1, 9.0, 30), rng)
    b = rng.standard_normal(30)
    solution = cg(A, b, direction=lambda r: -5.0 * np.linalg.solve(A, r))  # length and sign
    assert solution.iterations == 1
    assert solution.choices == {"memory": 2, "refused": 0}


@pytest.mark.parametrize(
    "useless",
    [
        np.zeros_like,
        lambda r: np.full_like(r, np.nan),
        lambda r: np.full_like(r, np.inf),
    ],
)
def test_useless_directions_give_way_to_the_residual(useless, rng):
    A, b = GridOperator.laplacian((9, 9)), rng.standard_normal(81)
    M = Diagonal(rng.uniform(0.5, 2.0, 81))
    expected = cg(A, b, preconditioner=M)
    solution = cg(A, b, preconditioner=M, direction=useless)
    assert solution.converged
    assert abs(solution.iterations - expected.iterations) <= 2
    assert solution.choices["refused"] == solution.iterations


def test_a_direction_that_never_changes_does_not_stop_the_iteration(rng):
    A, b = GridOperator.laplacian((9, 9)), rng.standard_normal(81)
    solution = cg(A, b, direction=lambda r: b)
    assert solution.converged
    assert 0 < solution.choices["refused"] < solution.iterations or solution.iterations < 60


@pytest.mark.parametrize("method", [cg, fgmres])
def test_directions_that_were_learned_pay(method, rng):
    A = GridOperator.diffusion(rng.uniform(0.1, 2.0, 120))
    modes = np.sin(np.outer(np.arange(1, 121), np.arange(1, 31)) * np.pi / 121)
    solutions = np.stack([cg(A, modes @ w).x for w in rng.standard_normal((40, 30))], 1)
    high = spectral_interval(A, rng=0)[1]
    # least squares for the errors that earlier residuals belonged to; beyond them, Richardson's
    learned = (solutions - A @ solutions / high) @ np.linalg.pinv(A @ solutions, rcond=1e-8)
    b = modes @ rng.standard_normal(30) + 1e-3 * rng.standard_normal(120)
    solution = method(A, b, direction=lambda r: r / high + learned @ r)
    assert relative_residual(A, b, solution.x) <= 1.001e-8
    assert solution.iterations < 0.3 * cg(A, b).iterations


def test_directions_work_in_every_array_library(library, rng):
    A = GridOperator.laplacian((6, 5), like=library.asarray(np.ones(1)))
    b = library.asarray(rng.standard_normal(30))
    solution = cg(A, b, direction=lambda r: r + 0.3 * (A @ r), memory=2)
    assert solution.converged
    x = library.to_numpy(solution.x)
    dense = library.to_numpy(A.todense())
    assert relative_residual(dense, library.to_numpy(b), x) <= 1.001e-8


def test_few_eigenvalues_take_few_iterations(rng):
    A = hermitian(np.repeat([1.0, 3.0, 10.0], 8), rng)
    b = rng.standard_normal(24)
    assert cg(A, b).iterations == 3
    assert cg(A, b, memory=1).iterations == 3


@pytest.mark.parametrize("options", [{}, {"memory": 2}, {"direction": lambda r: r}])
def test_an_indefinite_matrix_is_a_breakdown(options):
    with pytest.warns(ConvergenceWarning, match="positive definite"):
        solution = cg(Diagonal(np.array([1.0, -1.0])), np.ones(2), **options)
    assert solution.status == "breakdown"
    assert np.isfinite(solution.x).all()


def test_a_singular_system_that_has_a_solution_is_solved(rng):
    A = GridOperator.laplacian((7, 6), sides="neumann")
    b = rng.standard_normal(42)
    b -= b.mean()
    for memory in (None, 2):
        solution = cg(A, b, memory=memory)
        assert relative_residual(A, b, solution.x) <= 1.01e-8
        assert abs(solution.x.mean()) <= 1e-8  # nothing of the null space comes in
