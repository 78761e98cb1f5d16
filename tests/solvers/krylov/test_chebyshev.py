"""Chebyshev's method: its polynomial, its interval, and it as a preconditioner and smoother."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.polynomial.chebyshev import chebval

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, GridOperator, diagonal
from structlin.solvers import (
    ChebyshevPreconditioner,
    cg,
    chebyshev_iteration,
    minres,
    spectral_interval,
)
from structlin.testing import check_operator
from tests.solvers.krylov.methods import hermitian, relative_residual, vector


def residual_polynomial(degree, low, high, eigenvalues):
    """Return ``T_k((h + l − 2 λ)/(h − l)) / T_k((h + l)/(h − l))``."""
    coefficients = np.eye(degree + 1)[degree]
    there = chebval((high + low - 2 * eigenvalues) / (high - low), coefficients)
    return there / chebval((high + low) / (high - low), coefficients)


@given(
    low=st.floats(0.1, 1.0),
    width=st.floats(0.1, 10.0),
    seed=st.integers(0, 2**32),
    maxiter=st.integers(1, 12),
)
def test_residuals_are_chebyshev_polynomials(low, width, seed, maxiter):
    rng = np.random.default_rng(seed)
    eigenvalues = rng.uniform(0.5 * low, low + width, 10)
    high = low + width
    b = rng.standard_normal(10)
    solution = chebyshev_iteration.quiet(
        Diagonal(eigenvalues), b, interval=(low, high), maxiter=maxiter, rtol=1e-12
    )
    if solution.iterations < maxiter:
        return
    expected = residual_polynomial(maxiter, low, high, eigenvalues) * b
    np.testing.assert_allclose(b - eigenvalues * solution.x, expected, atol=1e-9)
    polynomial = ChebyshevPreconditioner(
        Diagonal(eigenvalues), degree=maxiter, interval=(low, high)
    )
    np.testing.assert_allclose(b - eigenvalues * (polynomial @ b), expected, atol=1e-9)


def test_an_interval_of_one_point_ends_it():
    assert chebyshev_iteration(3 * np.eye(4), np.ones(4), interval=(3.0, 3.0)).iterations == 1
    assert chebyshev_iteration(3 * np.eye(4), np.ones(4), rng=0).iterations == 1


@given(n=st.integers(1, 15), seed=st.integers(0, 2**32), scaled=st.booleans())
def test_the_spectrum_of_small_matrices_is_found(n, seed, scaled):
    rng = np.random.default_rng(seed)
    A = hermitian(rng.uniform(-1.0, 4.0, n), rng, "complex128")
    M = hermitian(rng.uniform(0.5, 2.0, n), rng, "complex128") if scaled else None
    expected = np.linalg.eigvals(A if M is None else M @ A).real
    low, high = spectral_interval(A, preconditioner=M, rng=rng)
    assert low == pytest.approx(expected.min(), abs=1e-4)
    assert high == pytest.approx(expected.max(), abs=1e-4)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_the_interval_of_a_large_matrix(scale, rng):
    A = scale * GridOperator.laplacian((40, 40))
    least, greatest = (scale * (4 + s * 4 * np.cos(np.pi / 41)) for s in (-1, 1))
    for seed in range(5):
        low, high = spectral_interval(A, rng=seed)
        assert least * (1 - 1e-9) <= low <= 60 * least
        assert 0.98 * greatest <= high <= 1.05 * greatest
    assert spectral_interval(A, rng=3) == spectral_interval(A, rng=3)


def test_bad_matrices_have_no_interval():
    with pytest.raises(ValueError, match="A is 3x4"):
        spectral_interval(np.ones((3, 4)))
    with pytest.raises(ValueError, match="0x0"):
        spectral_interval(np.ones((0, 0)))
    with pytest.raises(ValueError, match="NaN or Inf"):
        spectral_interval(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="steps is 0"):
        spectral_interval(np.eye(3), steps=0)
    with pytest.raises(ValueError, match="preconditioner is not positive definite"):
        spectral_interval(np.eye(3), preconditioner=-np.eye(3))


@pytest.mark.parametrize("grid", [(150,), (45, 45), (13, 13, 13)])
def test_an_estimated_interval_costs_little(grid, rng):
    A = GridOperator.laplacian(grid)
    b = rng.standard_normal(A.shape[0])
    cosines = [np.cos(np.pi / (m + 1)) for m in grid]
    exact = tuple(sum(2 + s * 2 * c for c in cosines) for s in (-1, 1))
    best = chebyshev_iteration(A, b, interval=exact)
    for seed in range(3):
        solution = chebyshev_iteration(A, b, rng=seed)
        assert solution.iterations <= 1.3 * best.iterations
        low, high = solution.choices["interval"]
        assert 0.2 * exact[0] <= low
        assert high <= 1.1 * exact[1]


def test_jacobi_scaling_with_coefficients_that_jump(rng):
    A = GridOperator.diffusion(10.0 ** rng.uniform(-2.0, 2.0, (20, 20)))
    b = rng.standard_normal(400)
    M = Diagonal(1 / diagonal(A))
    solution = chebyshev_iteration(A, b, preconditioner=M, rng=0)
    assert relative_residual(A, b, solution.x) <= 1.01e-8
    assert solution.choices["interval"][1] == pytest.approx(2.0, rel=0.1)


def test_an_interval_that_is_too_short_is_told(rng):
    A, b = GridOperator.laplacian((9, 9)), rng.standard_normal(81)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        solution = chebyshev_iteration(A, b, interval=(0.1, 4.0))
    assert solution.status == "diverged"
    # a lower end that is too high only costs time
    assert chebyshev_iteration(A, b, interval=(1.0, 8.0)).converged


def test_an_indefinite_matrix_is_a_breakdown():
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        chebyshev_iteration(Diagonal(np.array([1.0, -1.0, 2.0])), np.ones(3), rng=0)
    with pytest.raises(ValueError, match="positive definite"):
        ChebyshevPreconditioner(Diagonal(np.array([1.0, -1.0, 2.0])), rng=0)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex128"])
def test_the_preconditioner_is_an_operator(kind, rng):
    A = hermitian(rng.uniform(1.0, 9.0, 7), rng, kind)
    scaling = Diagonal(rng.uniform(0.5, 2.0, 7).astype(A.real.dtype))
    check_operator(ChebyshevPreconditioner(A, degree=3, interval=(0.5, 18.0)))
    P = ChebyshevPreconditioner(A, degree=3, interval=(0.4, 18.0), scaling=scaling)
    check_operator(P)
    assert (np.linalg.eigvalsh(P.todense()) > 0).all()
    assert repr(P).endswith("degree 3 on (0.4, 18)>")


def test_the_preconditioner_in_every_array_library(library, rng):
    A = GridOperator.laplacian((9, 8), like=library.asarray(np.ones(1)))
    b = library.asarray(rng.standard_normal(72))
    P = ChebyshevPreconditioner(A, degree=5, rng=0)
    for method in (cg, minres):
        solution = method(A, b, preconditioner=P)
        assert solution.converged
        assert solution.iterations < 0.5 * method(A, b).iterations


def test_a_smoother_leaves_little_of_the_upper_spectrum(rng):
    A = GridOperator.laplacian((15, 15))
    high = 8.0
    P = ChebyshevPreconditioner(A, degree=3, interval=(high / 8, high))
    values, vectors = np.linalg.eigh(A.todense())
    error = vectors @ rng.standard_normal(225)
    left = vectors.T @ (error - P @ (A @ error))
    before = vectors.T @ error
    upper = values >= high / 8
    bound = abs(residual_polynomial(3, high / 8, high, np.array([high / 8]))[0])
    assert (abs(left[upper]) <= bound * abs(before[upper]) + 1e-12).all()
    assert (abs(left) <= abs(before) + 1e-12).all()


def test_arguments_of_the_preconditioner_are_checked():
    with pytest.raises(ValueError, match="degree is 0"):
        ChebyshevPreconditioner(np.eye(3), degree=0)
    with pytest.raises(ValueError, match="A is 3x4"):
        ChebyshevPreconditioner(np.ones((3, 4)))
    with pytest.raises(ValueError, match="scaling is 2x2 but A is 3x3"):
        ChebyshevPreconditioner(np.eye(3), scaling=np.eye(2))
    with pytest.raises(ValueError, match="interval is"):
        ChebyshevPreconditioner(np.eye(3), interval=(-1.0, 1.0))
    assert (ChebyshevPreconditioner(np.empty((0, 0))) @ np.empty(0)).shape == (0,)


@pytest.mark.parametrize("kind", ["float32", "complex64"])
def test_single_precision_stays(kind, rng):
    A = hermitian(rng.uniform(1.0, 3.0, 9), rng, kind)
    b = vector(9, rng, kind)
    P = ChebyshevPreconditioner(A, rng=0)
    assert (P @ b).dtype == b.dtype
    assert cg(A, b, rtol=1e-5, preconditioner=P).x.dtype == b.dtype


def test_a_singular_matrix_is_told():
    A = GridOperator.laplacian((4,), sides="neumann")
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        solution = chebyshev_iteration(A, np.array([1.0, -2.0, 3.0, -2.0]), rng=0)
    assert solution.iterations == 0
