"""Bounds on iteration counts hold, and their numbers are those of the matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceError
from structlin.matrices import GridOperator
from structlin.solvers import (
    SplittingNumbers,
    jacobi_radius,
    near_asymptotic_tau,
    omega_young,
    sor,
    sor_energy_bound,
    sor_iteration_bound,
    splitting_numbers,
    ssor_cg,
    ssor_cg_iteration_bound,
)
from structlin.solvers.relaxation import bounds, splitting

OMEGAS = (0.6, 1.0, 1.3, 1.6, 1.9)


@pytest.mark.parametrize("ordering", ["lexicographic", "red-black"])
@given(seed=st.integers(0, 1000), omega=st.floats(0.2, 1.95))
def test_the_energy_norm_of_a_sweep_is_bounded(ordering, seed, omega):
    rng = np.random.default_rng(seed)
    A = GridOperator.diffusion(rng.uniform(0.1, 2.0, (4, 5)), shift=rng.uniform(0, 1))
    known = splitting_numbers(A, ordering=ordering)
    dense = A.todense()
    if ordering == "red-black":
        order = np.argsort(np.indices((4, 5)).sum(0).ravel() % 2, kind="stable")
        dense = dense[np.ix_(order, order)]
    W = np.tril(dense, -1) + np.diag(np.diag(dense)) / omega
    root = scipy.linalg.sqrtm(dense).real
    error = np.eye(20) - root @ np.linalg.solve(W, root)  # similar to I − W⁻¹ A
    bound = known.sweep_bound(omega)
    assert np.linalg.norm(error, 2) ** 2 <= 1 - bound + 1e-9
    D = np.diag(np.diag(dense))
    M = omega / (2 - omega) * W @ np.linalg.solve(D, W.T)
    values = scipy.linalg.eigh(dense, M, eigvals_only=True)
    assert bound - 1e-9 <= values[0]
    assert values[-1] <= 1 + 1e-9
    # no parameter has a better bound than the one that the numbers name
    assert bound <= known.sweep_bound(known.omega) * (1 + 1e-12)


@pytest.mark.parametrize("c", [0.0, 0.45])
def test_counts_stay_below_their_bounds(c):
    A = GridOperator.laplacian((10, 10), shift=c)
    known, beta = splitting_numbers(A), jacobi_radius(A)
    assert known.condition == pytest.approx(np.linalg.cond(A.todense()))
    for b in (np.ones(100), np.cos(np.arange(1.0, 101.0))):
        tau = near_asymptotic_tau(A, b, OMEGAS)
        assert 0 < tau < 0.5
        for omega in OMEGAS:
            sweeps = sor(A, b, omega=omega, ordering="lexicographic").iterations
            assert sweeps <= sor_iteration_bound(omega, beta, 1e-8, tau=tau)
            assert sweeps <= sor_energy_bound(known, omega, 1e-8)
            iterations = ssor_cg(A, b, omega=omega).iterations
            assert iterations <= ssor_cg_iteration_bound(known, omega, 1e-8)
    assert sor_energy_bound(A, 1.5, 1e-8) == pytest.approx(sor_energy_bound(known, 1.5, 1e-8))


@given(st.floats(0.3, 0.99), st.floats(0.0, 0.9), st.floats(1e-12, 0.1))
def test_the_surrogate_is_least_at_youngs_parameter(beta, tau, rtol):
    best = omega_young(beta)
    least = sor_iteration_bound(best, beta, rtol, tau=tau)
    assert least == pytest.approx(
        1 + math.log(rtol) / math.log(best - 1 + tau * (2 - best)), rel=1e-4
    )
    for omega in np.linspace(0.5, 1.95, 30):
        assert sor_iteration_bound(omega, beta, rtol, tau=tau) >= least * (1 - 1e-4)


def test_a_diagonal_matrix_needs_one_sweep():
    assert sor_iteration_bound(1.0, 0.0, 1e-8, tau=0.0) == 1.0
    A = scipy.sparse.diags_array([1.0, 2.0, 4.0])
    known = splitting_numbers(A)
    assert known.condition == pytest.approx(4.0)
    assert known.omega == pytest.approx(1.0)
    assert known.sweep_bound(1.0) == pytest.approx(1.0)
    assert splitting_numbers(scipy.sparse.csr_array((0, 0))).condition == 1.0


def test_large_matrices_go_by_lanczos(monkeypatch, rng):
    A = GridOperator.diffusion(rng.uniform(0.1, 2.0, (9, 8)), shift=0.1)
    exact = splitting_numbers(A, ordering="red-black")
    for module in (bounds, splitting):
        monkeypatch.setattr(module, "dense_rows", 10)
    found = splitting_numbers(A, ordering="red-black", rng=1)
    for name in ("condition", "diagonal", "coupling"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-5)
    with pytest.raises(ValueError, match="72 rows"):
        near_asymptotic_tau(A, np.ones(72), [1.0])


def test_orderings_have_different_distances_from_their_rate():
    A, b = GridOperator.laplacian((10, 10), shift=0.45), np.ones(100)
    found = [near_asymptotic_tau(A, b, [1.33], ordering=o) for o in ("lexicographic", "red-black")]
    assert found[1] != found[0]
    assert near_asymptotic_tau(scipy.sparse.eye_array(3).tocsr(), np.ones(3), [1.0]) == 0.0


def test_bad_input_is_told(library):
    known = SplittingNumbers(10.0, 5.0, 0.0)
    for function in (sor_energy_bound, ssor_cg_iteration_bound):
        for rtol in (0.0, 1.0, math.nan, None):
            with pytest.raises(ValueError, match="0 < rtol < 1"):
                function(known, 1.0, rtol)
        with pytest.raises(ValueError, match="0 < omega < 2"):
            function(known, 2.0, 1e-8)
    for tau in (-0.1, 1.0, math.nan, "a"):
        with pytest.raises(ValueError, match="0 <= tau < 1"):
            sor_iteration_bound(1.0, 0.5, 1e-8, tau=tau)
    with pytest.raises(ValueError, match="not positive definite"):
        splitting_numbers(GridOperator.laplacian((5, 5), shift=-1.0))
    with pytest.raises(ValueError, match="not positive definite"):
        splitting_numbers(scipy.sparse.diags_array([1.0, -1.0]))
    with pytest.raises(ValueError, match="NaN or Inf"):
        splitting_numbers(scipy.sparse.csr_array([[np.nan]]))
    with pytest.raises(TypeError, match="GridOperator or a SciPy"):
        splitting_numbers(np.eye(3))
    with pytest.raises(ConvergenceError, match="max_iterations"):
        near_asymptotic_tau(GridOperator.laplacian((30, 30)), np.ones(900), [0.01])
    if library.name != "numpy":
        A = GridOperator.laplacian((3, 4), like=library.asarray(np.ones(1)))
        with pytest.raises(TypeError, match="on the CPU only"):
            splitting_numbers(A)


@pytest.mark.parametrize("omega", [1e-300, 1e-17, 1.0, 2 - 1e-15])
@pytest.mark.parametrize("rtol", [5e-324, 1e-8, 1 - 1e-15])
def test_bounds_are_numbers_at_all_extremes(omega, rtol):
    known = splitting_numbers(GridOperator.laplacian((5, 5)))
    for bound in (
        sor_iteration_bound(omega, 1 - 1e-16, rtol, tau=1 - 1e-15),
        sor_energy_bound(known, omega, rtol),
        ssor_cg_iteration_bound(known, omega, rtol),
    ):
        assert bound >= 1


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((0.5, 1.0, 0.0), "condition"),
        ((np.nan, 1.0, 0.0), "condition"),
        ((2.0, 0.0, 0.0), "diagonal"),
        ((2.0, 1.0, -5.0), "coupling"),
        ((2.0, 1.0, np.inf), "coupling"),
        (("2", 1.0, 0.0), "condition"),
    ],
)
def test_numbers_that_no_matrix_has_are_refused(values, name):
    with pytest.raises(ValueError, match=f"{name} is"):
        SplittingNumbers(*values)


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize("options", [{"shift": -1.0}, {"sides": "neumann"}])
def test_matrices_that_are_not_definite_are_refused_at_any_size(n, options):
    with pytest.raises(ValueError, match="not positive definite"):
        splitting_numbers(GridOperator.laplacian((n, n), **options))


def test_matrices_that_are_not_hermitian_are_refused():
    with pytest.raises(ValueError, match="not Hermitian"):
        splitting_numbers(scipy.sparse.csr_array(np.array([[2.0, 1.0], [0.0, 2.0]])))
    with pytest.raises(ValueError, match="2x3: a square matrix is needed"):
        splitting_numbers(scipy.sparse.csr_array(np.ones((2, 3))))
