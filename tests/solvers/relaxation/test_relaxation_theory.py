"""Young's theory: formulas against matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin.matrices import GridOperator
from structlin.solvers import jacobi_radius, omega_young, sor_spectral_radius


def radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


def jacobi_matrix(A):
    return np.eye(len(A)) - A / np.diag(A)[:, None]


@given(st.floats(0.0, 0.999), st.floats(0.01, 1.99))
def test_no_parameter_beats_youngs(beta, omega):
    best = sor_spectral_radius(omega_young(beta), beta)
    assert math.isclose(best, omega_young(beta) - 1, abs_tol=1e-6)
    assert sor_spectral_radius(omega, beta) >= best - 1e-6


@pytest.mark.parametrize("omega", [0.5, 1.0, 1.3, 1.56, 1.8])
@pytest.mark.parametrize("grid", [(5,), (4, 3), (3, 2, 3)])
def test_spectral_radius_of_the_iteration_matrix(grid, omega):
    A = GridOperator.laplacian(grid, shift=0.2).todense()
    W = np.tril(A, -1) + np.diag(np.diag(A)) / omega
    exact = radius(np.eye(len(A)) - np.linalg.solve(W, A))
    assert math.isclose(sor_spectral_radius(omega, radius(jacobi_matrix(A))), exact, rel_tol=1e-6)


@pytest.mark.parametrize("sides", ["dirichlet", "neumann", "periodic", ("periodic", "dirichlet")])
@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.floats(0.01, 2.0), st.floats(0.1, 3.0))
def test_jacobi_radius_on_grids(sides, grid, shift, weight):
    A = GridOperator.laplacian(grid, shift=shift, weights=(1.0, weight), sides=sides)
    exact = radius(jacobi_matrix(A.todense()))
    assert math.isclose(jacobi_radius(A), exact, rel_tol=1e-10, abs_tol=1e-12)


def test_jacobi_radius_by_lanczos(rng):
    A = GridOperator.diffusion(rng.uniform(0.5, 2.0, (18, 17)), shift=0.1)
    exact = radius(jacobi_matrix(A.todense()))
    assert math.isclose(jacobi_radius(A, rng=1), exact, rel_tol=1e-6)
    assert jacobi_radius(A, rng=1) == jacobi_radius(A, rng=1)
    sparse = scipy.sparse.csr_array(A.todense())
    assert math.isclose(jacobi_radius(sparse, rng=1), exact, rel_tol=1e-6)


def test_jacobi_radius_on_every_library(library):
    like = library.asarray(np.ones(1))
    A = GridOperator.laplacian((6, 5), like=like)
    expected = 0.5 * (math.cos(math.pi / 7) + math.cos(math.pi / 6))
    assert math.isclose(jacobi_radius(A), expected, rel_tol=1e-14)
    varied = GridOperator.diffusion(library.asarray(np.linspace(1, 2, 6).reshape(2, 3)))
    exact = radius(jacobi_matrix(library.to_numpy(varied.todense())))
    assert math.isclose(jacobi_radius(varied), exact, rel_tol=1e-12)


@pytest.mark.parametrize("beta", [-0.1, 1.0, 2.0, math.nan])
def test_radii_outside_the_theory_are_refused(beta):
    with pytest.raises(ValueError, match="0 <= beta < 1"):
        omega_young(beta)
    with pytest.raises(ValueError, match="0 <= beta < 1"):
        sor_spectral_radius(1.0, beta)


def test_bad_matrices_are_refused():
    with pytest.raises(ValueError, match="0 < omega < 2"):
        sor_spectral_radius(2.0, 0.5)
    with pytest.raises(ValueError, match="3x4"):
        jacobi_radius(np.ones((3, 4)))
    with pytest.raises(ValueError, match="row 1"):
        jacobi_radius(np.diag([1.0, -1.0]))
    with pytest.raises(ValueError, match="positive"):
        jacobi_radius(GridOperator.laplacian((3, 3), shift=-5.0))
    assert jacobi_radius(np.zeros((0, 0))) == 0.0


def test_matrices_outside_the_theory_are_refused(rng):
    for A in (np.array([[2.0, 1.5], [-1.5, 2.0]]), np.array([[2, 1j], [1j, 2]])):
        with pytest.raises(ValueError, match="not Hermitian"):
            jacobi_radius(A)
    skew = scipy.sparse.diags_array([1.0, 4.0, -1.0], offsets=[-1, 0, 1], shape=(300, 300))
    with pytest.raises(ValueError, match="not Hermitian"):
        jacobi_radius(skew)
    with pytest.raises(ValueError, match="NaN or Inf"):
        jacobi_radius(np.array([[2.0, np.nan], [np.nan, 2.0]]))
    for beta in (None, "a", [0.5]):
        with pytest.raises(ValueError, match="beta is"):
            omega_young(beta)


def test_a_diagonal_matrix_has_radius_zero():
    assert jacobi_radius(scipy.sparse.eye_array(300)) == 0.0
    assert jacobi_radius(np.diag([1.0, 2.0])) < 1e-15
