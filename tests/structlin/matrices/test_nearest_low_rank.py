"""Nearest matrices of low rank, alone and beside a diagonal or sparse term."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning
from structlin.matrices import (
    Diagonal,
    DiagonalPlusLowRank,
    Kronecker,
    LowRank,
    Sparse,
    SparsePlusLowRank,
    Zero,
    is_hermitian,
)
from structlin.matrices.nearest import (
    nearest_diagonal_plus_lowrank,
    nearest_lowrank,
    nearest_sparse_plus_lowrank,
)


def with_values(rng, m, n, sigma, dtype=float):
    """Return a matrix of these singular values."""
    U, V = (np.linalg.qr(rng.standard_normal((k, len(sigma))))[0] for k in (m, n))
    return ((U * np.asarray(sigma)) @ V.T).astype(dtype)


# low rank


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(12, 12), (20, 7), (7, 20)])
def test_the_error_is_the_tail_of_the_singular_values(library, rng, shape, dtype):
    sigma = 2.0 ** -np.arange(7)
    W = with_values(rng, *shape, sigma)
    if dtype.startswith("complex"):
        W = W * np.exp(1j * np.arange(shape[1]))  # a unitary diagonal
    W = W.astype(dtype)
    eps = float(np.finfo(dtype).eps)
    for k in (0, 1, 3, 7, 9):
        A, error = nearest_lowrank(library.asarray(W), k)
        assert isinstance(A, LowRank)
        assert A.dtype == library.dtype(dtype)
        assert A.U.shape[1] == min(k, *shape)
        tail = math.sqrt(sum(sigma[k:] ** 2) / sum(sigma**2))
        assert float(error) == pytest.approx(tail, abs=1e3 * eps)
        distance = np.linalg.norm(W - library.to_numpy(A.todense())) / np.linalg.norm(W)
        assert distance == pytest.approx(tail, abs=1e3 * eps)


def test_a_tail_far_below_the_first_value(rng):
    # from ‖W‖² − Σ σ² nothing of 1e-10 would be left
    W = with_values(rng, 30, 30, [1.0, 0.5, 1e-10])
    error = nearest_lowrank(W, 2).relative_error
    assert float(error) == pytest.approx(1e-10 / math.hypot(1.0, 0.5), rel=1e-5)


@pytest.mark.parametrize("complex_values", [False, True])
def test_large_matrices_by_random_blocks(library, rng, complex_values):
    sigma = 0.8 ** np.arange(60)
    W = with_values(rng, 700, 600, sigma)
    if complex_values:
        W = W * np.exp(1j * np.arange(600))
    A, error = nearest_lowrank(library.asarray(W), 8, rng=1)
    tail = math.sqrt(sum(sigma[8:] ** 2) / sum(sigma**2))
    assert float(error) == pytest.approx(tail, rel=1e-7)
    assert np.linalg.norm(W - library.to_numpy(A.todense())) == pytest.approx(
        float(error) * np.linalg.norm(W), rel=1e-12
    )
    assert A.U.shape == (700, 8)


def test_random_blocks_are_reproducible(rng):
    W = rng.standard_normal((600, 520)) / np.arange(1, 521) ** 2
    first, again = (nearest_lowrank(W, 3, rng=5).operator.todense() for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_small_errors_of_large_operators(rng):
    # as an operator without entries, and an error that ‖W‖² − Σ σ² could not show
    W = LowRank(rng.standard_normal((800, 3)), rng.standard_normal((700, 3)))
    noise = scipy.sparse.random_array((800, 700), density=1e-3, rng=rng) * 1e-9
    A, error = nearest_lowrank(Sparse(noise) + W, 3, rng=0)
    dense = W.todense() + noise.toarray()
    expected = np.linalg.norm(dense - A.todense()) / np.linalg.norm(dense)
    assert float(error) == pytest.approx(expected, rel=1e-4)
    assert float(error) < 1e-9


def test_the_structure_of_singular_values_is_used(rng):
    factors = [rng.standard_normal((40, 30)) for _ in range(3)]
    A, error = nearest_lowrank(Kronecker(*factors), 5)
    values = [np.linalg.svd(F, compute_uv=False) for F in factors]
    sigma = np.sort(np.kron(np.kron(values[0], values[1]), values[2]))[::-1]
    assert A.shape == (64000, 27000)
    tail = np.linalg.norm(sigma[5:]) / np.linalg.norm(sigma)
    assert float(error) == pytest.approx(tail, rel=1e-12)


def test_edges():
    assert float(nearest_lowrank(np.zeros((4, 3)), 2).relative_error) == 0.0
    assert float(nearest_lowrank(Zero((600, 600)), 2).relative_error) == 0.0
    assert nearest_lowrank(np.zeros((0, 3)), 2).operator.shape == (0, 3)
    with pytest.raises(ValueError, match="rank is -1: it cannot be negative"):
        nearest_lowrank(np.eye(2), -1)
    with pytest.raises(ValueError, match=r"W has a NaN or Inf at \[1, 0\]"):
        nearest_lowrank(np.array([[1.0, 0.0], [math.inf, 1.0]]), 1)
    with pytest.raises(TypeError, match="integer"):
        nearest_lowrank(np.eye(2), 1.5)
    S = scipy.sparse.eye_array(600).tocsr()
    S.data[3] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        nearest_lowrank(S, 1)


def test_singular_values_without_decay_are_told(rng):
    W = with_values(rng, 600, 600, np.linspace(1, 0.5, 600))
    with pytest.warns(ConvergenceWarning, match="singular vectors have not settled"):
        nearest_lowrank(W, 3, rng=0)


# beside a diagonal


@pytest.mark.parametrize("hermitian", [False, True])
def test_a_diagonal_plus_low_rank_is_found_again(library, rng, hermitian):
    n = 30
    u, v = rng.standard_normal((n, 2)), rng.standard_normal((n, 2))
    W = np.diag(rng.uniform(1, 3, n)) + u @ (u if hermitian else v).T
    A, error = nearest_diagonal_plus_lowrank(library.asarray(W), 2)
    assert isinstance(A, DiagonalPlusLowRank)
    assert is_hermitian(A) == hermitian
    assert float(error) < 1e-7
    distance = np.linalg.norm(W - library.to_numpy(A.todense())) / np.linalg.norm(W)
    assert distance == pytest.approx(float(error), abs=1e-14)


def test_a_diagonal_improves_low_rank(rng):
    W = rng.standard_normal((20, 20)) + 1j * rng.standard_normal((20, 20))
    W = W + np.diag(np.arange(20.0))
    A, error = nearest_diagonal_plus_lowrank(W, 3)
    assert float(error) < float(nearest_lowrank(W, 3).relative_error)
    # stationary: the diagonal of what is missed is zero, and it has no larger singular vectors
    missed = W - A.todense()
    np.testing.assert_allclose(np.diag(missed), 0, atol=1e-12)
    low = A.update.todense()
    sigma = np.linalg.svd(low + missed, compute_uv=False)
    assert np.linalg.norm(missed) ** 2 == pytest.approx(sum(sigma[3:] ** 2), rel=1e-5)


def test_diagonals_need_squares_and_steps(rng):
    with pytest.raises(ValueError, match="A is 3x4"):
        nearest_diagonal_plus_lowrank(np.ones((3, 4)), 1)
    with pytest.raises(ValueError, match="max_iterations is 0"):
        nearest_diagonal_plus_lowrank(np.eye(3), 1, max_iterations=0)
    with pytest.warns(ConvergenceWarning, match="after 2 steps"):
        nearest_diagonal_plus_lowrank(rng.standard_normal((9, 9)), 2, max_iterations=2)
    A, error = nearest_diagonal_plus_lowrank(Diagonal(np.arange(4.0)), 0)
    assert float(error) == 0.0
    np.testing.assert_array_equal(A.todense(), np.diag(np.arange(4.0)))


# beside a sparse matrix


def test_a_sparse_plus_low_rank_is_found_again(rng):
    m, n, k = 60, 40, 2
    low = rng.standard_normal((m, k)) @ rng.standard_normal((k, n))
    S = scipy.sparse.random_array((m, n), density=0.03, rng=rng)
    S.data[:] = 20 * np.sign(S.data - 0.5)
    A, error = nearest_sparse_plus_lowrank(low + S.toarray(), k, S.nnz)
    assert isinstance(A, SparsePlusLowRank)
    assert A.base.matrix.nnz == S.nnz
    assert float(error) < 1e-7
    np.testing.assert_allclose(A.base.todense(), S.toarray(), atol=1e-4)


def test_the_largest_entries_are_kept():
    W = np.array([[3.0, -4.0], [1.0, 3.0]])
    A, error = nearest_sparse_plus_lowrank(W, 0, 2)
    np.testing.assert_array_equal(A.todense(), [[3.0, -4.0], [0.0, 0.0]])
    assert float(error) == pytest.approx(math.sqrt(10 / 35), rel=1e-15)
    with pytest.raises(ValueError, match="nnz is -1"):
        nearest_sparse_plus_lowrank(W, 1, -1)


def test_sparse_terms_keep_the_data_type(rng):
    W = (rng.standard_normal((9, 6)) + 1j * rng.standard_normal((9, 6))).astype(np.complex64)
    A, error = nearest_sparse_plus_lowrank(W, 1, 10)
    assert A.dtype == np.complex64
    assert error.dtype == np.float32
    distance = np.linalg.norm(W - A.todense()) / np.linalg.norm(W)
    assert distance == pytest.approx(float(error), rel=1e-5)


def test_libraries_without_sparse_matrices_are_told(library):
    if library.name != "strict":
        pytest.skip("has sparse matrices")
    with pytest.raises(TypeError, match="has no SciPy twin"):
        nearest_sparse_plus_lowrank(library.asarray(np.eye(3)), 1, 1)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_random_blocks_at_any_scale(scale):
    i = np.arange(600.0)
    W = np.outer(np.cos(i), np.sin(i)) + np.outer(np.cos(2 * i), np.sin(3 * i))
    _, relative_error = nearest_lowrank(W * scale, 2, rng=0)
    assert relative_error < 1e-13
