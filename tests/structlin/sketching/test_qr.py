from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, strategies as st
from scipy.sparse.linalg import LinearOperator

from structlin.sketching import RowBlocks, qr


def conditioned(m=1200, n=40, cond=1e8, seed=0, dtype=float):
    """A matrix with singular values from 1 to 1/cond, evenly in the logarithm."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((size, n)))[0] for size in (m, n))
    return ((U * np.geomspace(1, 1 / cond, n)) @ V.T).astype(dtype)


def check(A, Q, R, pivots, eps):
    k = Q.shape[1]
    np.testing.assert_array_equal(np.sort(pivots), np.arange(A.shape[1]))
    assert np.linalg.norm(Q.conj().T @ Q - np.eye(k), 2) < 1000 * eps
    assert np.linalg.norm(A[:, pivots] - Q @ R) <= 1000 * eps * np.linalg.norm(A)
    np.testing.assert_array_equal(R, np.triu(R))


@pytest.mark.parametrize("cond", [1.0, 1e8, 1e12, 1e14, 1e15])
def test_orthogonal_whatever_the_condition(cond, library):
    A = conditioned(cond=cond)
    found = qr(library.asarray(A), rng=0)
    Q, R, pivots = (library.to_numpy(part) for part in found)
    check(A, Q, R, pivots, 1e-16)
    assert "preconditioned by a sketch" in found.method
    assert np.linalg.norm(Q.T @ Q - np.eye(Q.shape[1]), 2) < 10 * found.error_estimate + 1e-15
    assert found.rank == 40 or cond > 1e13


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
@pytest.mark.parametrize("pivoting", [True, False])
def test_other_precisions(library, dtype, pivoting):
    A = conditioned(cond=1e3, dtype=np.dtype(dtype))
    if A.dtype.kind == "c":
        A = A + 1j * conditioned(cond=1e3, seed=1)
        A = A.astype(dtype)
    found = qr(library.asarray(A), pivoting=pivoting, rng=0)
    Q, R, pivots = (library.to_numpy(part) for part in found)
    assert Q.dtype == R.dtype == dtype
    check(A, Q, R, pivots, np.finfo(dtype).eps)
    assert found.rank == 40


def test_pivots_reveal_the_rank_as_well_as_lapack():
    A = conditioned(cond=1e10)
    R = qr(A, rng=0).R
    expected = scipy.linalg.qr(A, mode="r", pivoting=True)[0][:40]
    ratio = np.abs(np.diagonal(R)) / np.abs(np.diagonal(expected))
    assert 0.2 < ratio.min() < ratio.max() < 5
    s = np.linalg.svd(A, compute_uv=False)
    for k in (10, 20, 30):
        assert np.linalg.norm(R[k:, k:], 2) < 10 * s[k]


def test_without_pivots_the_order_stays():
    A = conditioned(cond=1e6)
    found = qr(A, pivoting=False, rng=0)
    np.testing.assert_array_equal(found.pivots, np.arange(40))
    R = np.linalg.qr(A)[1]
    np.testing.assert_allclose(np.abs(np.diagonal(found.R)), np.abs(np.diagonal(R)), rtol=1e-8)
    check(A, *found, 1e-16)


@pytest.mark.parametrize("shape", [(400, 30), (50, 30), (30, 50)])
def test_dependent_columns(library, shape):
    m, n = shape
    rng = np.random.default_rng(0)
    A = rng.standard_normal((m, 7)) @ rng.standard_normal((7, n))
    A[:, 3] = 0
    found = qr(library.asarray(A), rng=0)
    assert found.rank == 7
    check(A, *(library.to_numpy(part) for part in found), 1e-16)
    plain = qr(library.asarray(A), pivoting=False, rng=0)
    assert "Householder" in plain.method
    check(A, *(library.to_numpy(part) for part in plain), 1e-16)


def test_short_matrices_go_to_lapack_and_say_so():
    A = conditioned(100, 40)
    found = qr(A)
    assert "LAPACK" in found.method
    assert found.seed is None
    expected = scipy.linalg.qr(A, mode="economic", pivoting=True)
    np.testing.assert_array_equal(found.pivots, expected[2])
    np.testing.assert_allclose(found.R, expected[1], atol=1e-14)
    assert "100x40 with 40 columns" in repr(found)


def test_every_container():
    A = conditioned(2000, 20, cond=1e14)
    expected = qr(A, rng=0)
    for container in (
        RowBlocks(A, chunk=333),
        scipy.sparse.csr_array(A),
        np.asfortranarray(A)[:, :],
    ):
        found = qr(container, rng=0)
        np.testing.assert_array_equal(found.pivots, expected.pivots)
        check(A, *found, 1e-16)
    blocks = RowBlocks(A, chunk=333)
    assert qr(blocks, rng=0).passes == blocks.passes == 2
    blocks = RowBlocks(np.ones((2000, 3)))
    assert qr(blocks, pivoting=False, rng=0).passes == blocks.passes == 2


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales(scale, library):
    for A in (conditioned(500, 10), conditioned(30, 10)):
        Q, R, pivots = map(library.to_numpy, qr(library.asarray(scale * A), rng=0))
        check(A, Q, R / scale, pivots, 1e-16)


def test_operators_need_no_adjoint():
    A = conditioned(500, 10)
    forward = LinearOperator(A.shape, matvec=A.__matmul__, matmat=A.__matmul__, dtype=float)
    check(A, *qr(forward, rng=0), 1e-16)


def test_columns_and_rows_of_very_different_sizes():
    A = conditioned(500, 10, cond=10) * np.geomspace(1, 1e-12, 10)
    A[:100] *= 1e-9
    check(A, *qr(A, rng=0), 1e-16)


def test_zero_and_empty():
    for A in (np.zeros((100, 4)), np.zeros((4, 4)), np.zeros((5, 0)), np.zeros((0, 3))):
        Q, R, pivots = qr(A, rng=0)
        assert Q.shape == (A.shape[0], 0)
        assert R.shape == (0, A.shape[1])
        assert pivots.shape == (A.shape[1],)
    Q, R, _ = qr(np.zeros((100, 4)), pivoting=False, rng=0)
    np.testing.assert_array_equal(Q @ R, np.zeros((100, 4)))


@given(st.integers(1, 6), st.integers(1, 60), st.integers(0, 100))
def test_any_shape(n, m, seed):
    A = np.random.default_rng(seed).integers(-3, 4, (m, n))
    check(A, *qr(A, rng=seed), 1e-16)


def test_bad_input():
    A = conditioned(100, 4)
    A[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"\[5, 2\]"):
        qr(A)
    with pytest.raises(ValueError, match="a matrix"):
        qr(np.ones(4))
