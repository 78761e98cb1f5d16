from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from structlin.matrices import Identity
from structlin.sketching import sampled_matmul


def factors(n=60, decay=1.0, dtype=float):
    rng = np.random.default_rng(0)
    sizes = np.arange(1, n + 1) ** -decay
    A, B = rng.standard_normal((5, n)) * sizes, rng.standard_normal((n, 4))
    if np.issubdtype(dtype, np.complexfloating):
        A = A + 1j * rng.standard_normal((5, n)) * sizes
    return A.astype(dtype), B.astype(dtype)


@pytest.mark.parametrize("method", ["wta", "cr"])
def test_no_bias_and_a_true_error_estimate(method):
    A, B = factors()
    exact, runs = A @ B, 800
    results = [sampled_matmul(A, B, 12, method=method, rng=seed) for seed in range(runs)]
    errors = np.array([result.value - exact for result in results])
    deviation = errors.std(axis=0) / np.sqrt(runs)
    assert np.all(np.abs(errors.mean(axis=0)) < 4.5 * deviation)  # 20 entries: once in 7000 times
    mean_square = np.mean(np.sum(errors**2, axis=(1, 2)))
    estimated = np.mean([result.error_estimate**2 for result in results])
    np.testing.assert_allclose(estimated, mean_square, rtol=0.1)


def test_a_head_pays_where_sizes_fall_quickly():
    A, B = factors(decay=2.0)

    def mean_square(method):
        return np.mean(
            [
                np.sum((sampled_matmul(A, B, 10, method=method, rng=seed).value - A @ B) ** 2)
                for seed in range(200)
            ]
        )

    assert mean_square("wta") < 0.2 * mean_square("cr")
    result = sampled_matmul(A, B, 10, rng=0)
    assert 0 < result.head < 10
    assert np.all(result.weights[: result.head] == 1)


def test_the_head_makes_the_bound_smallest():
    A, B = factors(decay=1.5)
    sizes = np.sort(np.linalg.norm(A, axis=0) * np.linalg.norm(B, axis=1))[::-1]
    bounds = [sizes[c:].sum() ** 2 / (9 - c) for c in range(9)]
    assert sampled_matmul(A, B, 9, rng=0).head == np.argmin(bounds)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_all_products_are_exact(library, dtype):
    A, B = factors(dtype=np.dtype(dtype))
    A[:, 7] = 0
    result = sampled_matmul(library.asarray(A), library.asarray(B), 59)
    value = library.to_numpy(result.value)
    assert value.dtype == dtype
    np.testing.assert_allclose(value, A @ B, atol=100 * np.finfo(dtype).eps)
    assert result.error_estimate == 0
    assert result.seed is None
    sampled = sampled_matmul(library.asarray(A), library.asarray(B), 20, rng=5)
    np.testing.assert_allclose(
        library.to_numpy(sampled.value), sampled_matmul(A, B, 20, rng=5).value, rtol=1e-5, atol=1e-5
    )


def test_sparse_factors():
    A, B = factors()
    expected = sampled_matmul(A, B, 20, rng=3)
    found = sampled_matmul(scipy.sparse.csr_array(A), scipy.sparse.coo_array(B), 20, rng=3)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(found.indices, expected.indices)
    mixed = sampled_matmul(scipy.sparse.csc_array(A), B, 20, rng=3)
    np.testing.assert_allclose(mixed.value, expected.value, rtol=1e-12, atol=1e-14)


def test_extreme_scales_zero_and_empty():
    A, B = factors()
    result = sampled_matmul(1e200 * A, 1e-200 * B, 9, rng=1)
    plain = sampled_matmul(A, B, 9, rng=1)
    np.testing.assert_allclose(result.value, plain.value)
    np.testing.assert_allclose(result.error_estimate, plain.error_estimate)
    np.testing.assert_array_equal(sampled_matmul(0 * A, B, 3).value, np.zeros((5, 4)))
    assert sampled_matmul(np.ones((2, 0)), np.ones((0, 3)), 1).value.shape == (2, 3)
    assert "5x4" in repr(plain)


def test_bad_input():
    A, B = factors()
    with pytest.raises(ValueError, match="needs 60 rows in B"):
        sampled_matmul(A, B[:5], 3)
    with pytest.raises(ValueError, match="k is 0"):
        sampled_matmul(A, B, 0)
    with pytest.raises(ValueError, match="'wta' or 'cr'"):
        sampled_matmul(A, B, 3, method="top")
    with pytest.raises(TypeError, match="B is a Identity"):
        sampled_matmul(A, Identity(60), 3)
    A[0, 1] = np.inf
    with pytest.raises(ValueError, match="A has a NaN or Inf"):
        sampled_matmul(A, B, 3)
