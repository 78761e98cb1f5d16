from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st
from scipy.sparse.linalg import LinearOperator

from structlin.matrices import LowRank
from structlin.sketching import RowBlocks, cur, interpolative


def decaying(m=300, n=120, decay=2.0, seed=0, dtype=float):
    """A matrix with singular values 1, 2^-decay, 3^-decay, …"""
    rng = np.random.default_rng(seed)

    def basis(rows, columns):
        X = rng.standard_normal((rows, columns))
        if np.issubdtype(dtype, np.complexfloating):
            X = X + 1j * rng.standard_normal((rows, columns))
        return np.linalg.qr(X)[0]

    k = min(m, n)
    s = np.arange(1.0, k + 1) ** -decay
    return ((basis(m, k) * s) @ basis(n, k).conj().T).astype(dtype)


def optimum(A, k):
    return np.linalg.norm(np.linalg.svd(A, compute_uv=False)[k:])


@pytest.mark.parametrize("k", [1, 10, 40])
def test_error_is_near_the_optimum(k, library):
    A = decaying()
    found = interpolative(library.asarray(A), k, rng=0)
    J, X = (library.to_numpy(part) for part in found)
    assert len(set(J.tolist())) == len(J) == k
    error = np.linalg.norm(A - A[:, J] @ X)
    assert error < 5 * optimum(A, k)
    np.testing.assert_array_equal(X[:, J], np.eye(k))
    # 16 probes: the estimate is off by more than a factor of two once in 900 times
    assert 0.5 < found.error_estimate / (error / np.linalg.norm(A)) < 2
    assert found.passes == 1


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_other_precisions(library, dtype):
    A = decaying(dtype=np.dtype(dtype))
    J, X = (library.to_numpy(part) for part in interpolative(library.asarray(A), 12, rng=0))
    assert X.dtype == dtype
    assert np.linalg.norm(A - A[:, J] @ X) < 5 * optimum(A, 12)


@pytest.mark.parametrize("shape", [(300, 120), (120, 300)])
@pytest.mark.parametrize("tol", [0.3, 1e-2, 1e-3])
def test_tolerance(shape, tol):
    A = decaying(*shape)
    size = np.linalg.norm(A)
    for seed in range(25):
        found = interpolative(A, tol=tol, rng=seed)
        J, X = found
        assert np.linalg.norm(A - A[:, J] @ X) <= tol * size
        assert found.error_estimate <= tol
    enough = next(k for k in range(121) if optimum(A, k) <= tol * size)
    assert len(J) <= 3 * enough + 2


@pytest.mark.parametrize("tol", [1e-13, 0.0])
def test_tolerances_near_rounding_errors_take_what_they_need(tol):
    A = decaying(500, 60, decay=8.0)
    J, X = interpolative(A, tol=tol, rng=0)
    assert np.linalg.norm(A - A[:, J] @ X) <= tol * np.linalg.norm(A)


@pytest.mark.slow
def test_tolerance_in_a_hundred_seeds():
    A = decaying(400, 300, decay=1.0)
    held = 0
    for seed in range(100):
        J, X = interpolative(A, tol=0.2, rng=seed)
        held += np.linalg.norm(A - A[:, J] @ X) <= 0.2 * np.linalg.norm(A)
    assert held >= 99


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 50))
def test_exact_rank_is_found(m, n, seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(0, min(m, n) + 1))
    A = rng.standard_normal((m, r)) @ rng.standard_normal((r, n))
    J, X = interpolative(A, tol=1e-10, rng=seed)
    assert len(J) == r
    np.testing.assert_allclose(A[:, J] @ X, A, atol=1e-8)
    J, X = interpolative(A, min(m, n), rng=seed)  # more columns than the rank
    np.testing.assert_allclose(A[:, J] @ X, A, atol=1e-8)


def test_more_columns_than_the_rank_of_a_large_matrix():
    A = decaying()[:, :4] @ np.random.default_rng(0).standard_normal((4, 120))
    J, X = interpolative(A, 20, rng=0)
    np.testing.assert_allclose(A[:, J] @ X, A, atol=1e-12)
    C, U, R = cur(A, 20, rng=0)
    np.testing.assert_allclose(C @ (U @ R), A, atol=1e-9)


def test_every_container_gives_the_same():
    A = decaying()
    A[np.abs(A) < 1e-4] = 0
    J, X = interpolative(A, 10, rng=0)
    K, U = cur(A, 10, rng=0).columns, cur(A, 10, rng=0).U
    u, s, vh = np.linalg.svd(A, full_matrices=False)
    for container in (
        scipy.sparse.csr_array(A),
        RowBlocks(A, chunk=70),
        LowRank(u * s, vh.T),
    ):
        found = interpolative(container, 10, rng=0)
        np.testing.assert_array_equal(found.indices, J)
        np.testing.assert_allclose(found.coefficients, X, atol=1e-8)
        other = cur(container, 10, rng=0)
        np.testing.assert_array_equal(other.columns, K)
        np.testing.assert_allclose(other.U, U, rtol=1e-6, atol=1e-6)
    blocks = RowBlocks(A, chunk=70)
    assert interpolative(blocks, 10, rng=0).passes == blocks.passes == 1
    blocks = RowBlocks(A, chunk=70)
    assert cur(blocks, 10, rng=0).passes == blocks.passes == 3


def test_rows_by_the_transpose():
    A = decaying(200, 300)
    J, X = interpolative(A.T, 20, rng=0)
    assert np.linalg.norm(A - X.T @ A[J]) < 5 * optimum(A, 20)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales(scale, library):
    A = decaying()
    scaled = library.asarray(A * scale)
    for options in ({"rank": 10}, {"tol": 1e-2}):
        J, X = map(library.to_numpy, interpolative(scaled, **options, rng=0))
        K, Y = map(library.to_numpy, interpolative(library.asarray(A), **options, rng=0))
        np.testing.assert_array_equal(J, K)
        np.testing.assert_allclose(X, Y, atol=1e-10)
    C, U, R = map(library.to_numpy, cur(scaled, 10, rng=0))
    error = np.linalg.norm((C / scale) @ (U * scale) @ (R / scale) - A)
    assert error < 10 * optimum(A, 10)


def test_zero_and_empty():
    for A in (np.zeros((100, 40)), np.zeros((3, 5))):
        found = interpolative(A, tol=1e-3, rng=0)
        assert found.indices.shape == (0,)
        assert found.coefficients.shape == (0, A.shape[1])
        assert found.error_estimate == 0
        J, X = interpolative(A, 2, rng=0)
        np.testing.assert_array_equal(A[:, J] @ X, A)
        C, U, R = cur(A, 2, rng=0)
        np.testing.assert_array_equal(C @ U @ R, A)
    assert interpolative(np.ones((0, 4)), 0).coefficients.shape == (0, 4)
    assert cur(np.ones((4, 0)), 0).C.shape == (4, 0)


@pytest.mark.parametrize("k", [1, 10, 25])
@pytest.mark.parametrize("dtype", [float, complex])
def test_cur_is_near_the_optimum(k, dtype, library):
    A = decaying(400, 150, dtype=dtype)
    found = cur(library.asarray(A), k, rng=1)
    C, U, R = (library.to_numpy(part) for part in found)
    np.testing.assert_array_equal(C, A[:, library.to_numpy(found.columns)])
    np.testing.assert_array_equal(R, A[library.to_numpy(found.rows)])
    error = np.linalg.norm(A - C @ (U @ R))
    best = np.linalg.norm(A - C @ np.linalg.pinv(C) @ A @ np.linalg.pinv(R) @ R)
    assert error < 1.5 * best
    assert error < 10 * optimum(A, k)
    assert 0.5 < found.error_estimate / (error / np.linalg.norm(A)) < 2


def test_cur_of_a_small_matrix_is_direct():
    A = decaying(20, 12)
    found = cur(A, 12)
    assert found.seed is None
    blocks = RowBlocks(A)
    assert cur(blocks, 12).passes == blocks.passes == 1
    np.testing.assert_allclose(found.C @ (found.U @ found.R), A, atol=1e-11)


def test_results_tell_what_they_are():
    A = decaying()
    assert "10 of 120 columns" in repr(interpolative(A, 10, rng=0))
    assert "10 columns and rows" in repr(cur(A, 10, rng=0))


@pytest.mark.parametrize("function", [interpolative, cur])
def test_bad_input(function):
    with pytest.raises(ValueError, match=r"rank is 5, but A is 8x4: .* min\(m, n\) = 4"):
        function(np.ones((8, 4)), 5)
    with pytest.raises(ValueError, match="NaN or Inf"):
        function(np.full((8, 4), np.inf), 2)
    forward = LinearOperator((200, 9), matvec=lambda x: np.ones(200) * x.sum(), dtype=float)
    with pytest.raises(NotImplementedError, match=f"{function.__name__} needs it"):
        function(forward, 2)


def test_rank_or_tolerance():
    A = np.ones((8, 4))
    for options in ({}, {"rank": 1, "tol": 0.1}):
        with pytest.raises(ValueError, match="either rank or tol"):
            interpolative(A, **options)
    for tol in (-1.0, np.nan):
        with pytest.raises(ValueError, match="not negative"):
            interpolative(A, tol=tol)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float64, 1e-8), (np.float32, 5e-4)])
@pytest.mark.parametrize("m", [800, 70])
def test_a_larger_rank_does_not_make_cur_worse(m, dtype, limit):
    x, y = np.linspace(0, 1, m), np.linspace(0, 1, 60)
    A = (1 / (1 + x[:, None] + 3 * y)).astype(dtype)  # singular values fall by 37 at each step
    for k in (10, 15, 25):
        found = cur(A, k, rng=0)
        error = np.linalg.norm(A - found.operator.todense()) / np.linalg.norm(A)
        assert found.operator.dtype == dtype
        assert error < limit
        assert 0.3 < found.error_estimate / error < 3
