"""Matrices of low rank, beside what the shared properties cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin import explain, norm, pinv, rank, slogdet, solve, svd, svdvals
from structlin.matrices import Dense, Diagonal, Identity, Kronecker, LowRank, Zero, is_hermitian


def test_the_second_factor_is_conjugated(library):
    u, v = np.array([[1.0], [2j]]), np.array([[1.0], [1j], [3.0]])
    A = LowRank(library.asarray(u), library.asarray(v))
    np.testing.assert_array_equal(library.to_numpy(A.todense()), u @ v.conj().T)


def test_vectors_are_columns():
    A = LowRank(np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0]))
    np.testing.assert_array_equal(A.todense(), np.outer([1.0, 2.0], [3.0, 4.0, 5.0]))


def test_factors_that_do_not_match():
    with pytest.raises(ValueError, match="U is 4x2 but V is 5x3: U Vᴴ needs as many columns"):
        LowRank(np.ones((4, 2)), np.ones((5, 3)))


def test_singular_values_of_known_vectors(library, rng):
    U, V = (np.linalg.qr(rng.standard_normal((n, 3)))[0] for n in (30, 20))
    sigma = np.array([4.0, 1e-3, 1e-9])
    # a change of basis in between hides them
    C = rng.standard_normal((3, 3)) + 3 * np.eye(3)
    left, right = (U * sigma) @ C, V @ np.linalg.inv(C).T
    A = LowRank(library.asarray(left), library.asarray(right))
    found = library.to_numpy(svdvals(A))
    assert found.shape == (20,)
    # a Gram matrix would lose the third, which is below √eps of the first
    np.testing.assert_allclose(found[:3], sigma, atol=1e-14)
    assert np.all(found[3:] == 0)
    assert rank(A) == 3
    assert float(norm(A)) == pytest.approx(np.linalg.norm(sigma), rel=1e-14)
    assert float(norm(A, "nuc")) == pytest.approx(sigma.sum(), rel=1e-14)
    assert float(norm(A, 2)) == pytest.approx(4.0, rel=1e-14)


def test_small_singular_values_of_a_semidefinite_matrix():
    # σ² of the factor: 1e-24 is no rounding error of 1
    A = LowRank(np.array([[1.0, 0.0], [0.0, 1e-12], [0.0, 0.0]]))
    np.testing.assert_allclose(svdvals(A)[:2], [1.0, 1e-24], rtol=1e-14)


def test_functions_scale_to_sizes_that_are_never_dense(rng):
    n, r = 50_000, 3
    A = LowRank(rng.standard_normal((n, r)), rng.standard_normal((n, r)))
    U, S, Vh = svd(A)
    x = rng.standard_normal(n)
    np.testing.assert_allclose((U @ Diagonal(S) @ Vh) @ x, A @ x, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(A @ (pinv(A) @ (A @ x)), A @ x, rtol=1e-9, atol=1e-8)
    assert isinstance(pinv(A), LowRank)
    assert slogdet(A) == (0.0, -math.inf)
    with pytest.raises(np.linalg.LinAlgError, match="singular: its rank is at most 3"):
        solve(A, x)


def test_products_and_sums_stay_of_low_rank(rng):
    A = LowRank(rng.standard_normal((6, 2)), rng.standard_normal((4, 2)))
    K = Kronecker(rng.standard_normal((2, 2)), rng.standard_normal((2, 2)))
    for product, dense in (
        (A @ K, A.todense() @ K.todense()),
        (A.H @ Dense(np.ones((6, 3))), A.todense().T @ np.ones((6, 3))),
        (K @ A.T, K.todense() @ A.todense().T),
        (A @ A.H, A.todense() @ A.todense().T),
        (A - 3 * A, -2 * A.todense()),
        (A[1:4, ::2], A.todense()[1:4, ::2]),
    ):
        assert isinstance(product, LowRank)
        np.testing.assert_allclose(product.todense(), dense, atol=1e-12)
    assert (A @ LowRank(np.ones((4, 1)), np.ones((3, 1)))).U.shape == (6, 1)
    assert A @ Identity(4) is A
    assert isinstance(A @ Zero((4, 3)), Zero)
    assert A + Zero((6, 4)) is A


def test_factors_may_be_structured(rng):
    U = Kronecker(rng.standard_normal((40, 1)), rng.standard_normal((30, 2)))
    A = LowRank(U, rng.standard_normal((50, 2)))
    assert A.U is U
    x = rng.standard_normal(50)
    np.testing.assert_allclose(A @ x, U.todense() @ (A.V.array.T @ x))


def test_compression(rng):
    A = LowRank(rng.standard_normal((9, 2)), rng.standard_normal((7, 2)))
    twice = (A + A).compressed()
    assert twice.U.shape == (9, 2)
    np.testing.assert_allclose(twice.todense(), 2 * A.todense(), atol=1e-13)
    assert (A - A).compressed().U.shape == (9, 0)
    B = A + 1e-7 * LowRank(rng.standard_normal(9), rng.standard_normal(7))
    assert B.compressed().U.shape == (9, 3)
    assert B.compressed(tol=1e-3).U.shape == (9, 2)
    sigma = np.linalg.svd(B.todense(), compute_uv=False)
    error = np.linalg.norm((B - B.compressed(rank=1)).todense(), 2)
    assert error == pytest.approx(sigma[1], rel=1e-10)
    C = LowRank(rng.standard_normal((5, 2))).compressed()
    assert C.V is C.U


def test_hermitian_matrices_are_recognised(rng):
    U = rng.standard_normal((8, 2)) + 1j * rng.standard_normal((8, 2))
    C = np.array([[2.0, 1j], [-1j, -1.0]])
    assert is_hermitian(LowRank(U))
    assert is_hermitian(-2 * LowRank(U))
    assert is_hermitian(LowRank(U @ C, U))
    assert not is_hermitian(1j * LowRank(U))
    assert not is_hermitian(LowRank(U, U + 1e-6 * U[::-1]))


def test_nan_is_refused():
    A = LowRank(np.array([[1.0], [math.nan]]), np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"U has a NaN or Inf at \[1, 0\]"):
        svd(A)
    assert not is_hermitian(LowRank(np.array([math.nan, 1.0]), np.ones(2)))


def test_explain():
    A = LowRank(np.ones((5, 2)), np.ones((5, 2)))
    assert explain("solve", A).how == "singular"
    assert "small core" in explain("svd", A).how
    assert "as many columns as rows" in explain("solve", LowRank(np.ones((2, 2)))).how


def test_ranks_of_factors_whose_squares_overflow():
    U = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    A = LowRank(1e200 * U, 1e-200 * U)
    assert rank(A) == 2
    np.testing.assert_allclose(pinv(A).todense(), np.linalg.pinv(U @ U.T), atol=1e-14)


def test_compressed_takes_integers():
    with pytest.raises(TypeError, match="integer"):
        LowRank(np.ones(3)).compressed(rank=1.5)
