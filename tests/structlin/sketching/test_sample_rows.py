from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st
from scipy.stats import chi2

from structlin.matrices import Diagonal
from structlin.sketching import RowBlocks, RowSample, leverage_scores, sample_rows

methods = ["iid", "systematic", "bernoulli"]
weights = np.array([5, 1, 0, 3, 0.2, 0.1, 1, 1])


def inclusion(weights, k):
    """min(1, c w), by bisection for c."""
    low, high = 0.0, 1e6
    for _ in range(200):
        c = (low + high) / 2
        low, high = (c, high) if np.minimum(1, c * weights).sum() < k else (low, c)
    return np.minimum(1, c * weights)


@pytest.mark.parametrize("method", methods)
def test_rows_come_as_often_as_their_weights_say(method):
    k, runs = 4, 800
    counts = np.zeros(8)
    for seed in range(runs):
        S = sample_rows(weights, k, method=method, rng=seed)
        np.add.at(counts, S.indices, 1)
        chances = k * weights / weights.sum() if method == "iid" else inclusion(weights, k)
        np.testing.assert_allclose(S.weights, chances[S.indices] ** -0.5)
    expected = runs * chances
    variance = expected if method == "iid" else expected * (1 - chances)
    free = variance > 1e-9
    assert np.all(counts[~free] == expected[~free])
    # sums of squares of 7 numbers that are normal or less spread: 1e-4 each
    statistic = np.sum((counts - expected)[free] ** 2 / variance[free])
    assert statistic < 1.5 * chi2.isf(1e-4, free.sum())


def test_systematic_samples_are_of_the_size_asked_for(library):
    w = library.asarray(weights)
    for k in range(8):
        S = sample_rows(w, k, method="systematic", rng=k)
        indices = library.to_numpy(S.indices)
        assert len(set(indices.tolist())) == len(indices) == k
        assert 2 not in indices
    np.testing.assert_allclose(library.to_numpy(S.weights), 1)


@pytest.mark.parametrize("method", methods)
def test_the_same_rows_everywhere(library, method):
    S = sample_rows(library.asarray(weights), 5, method=method, rng=11)
    np.testing.assert_array_equal(
        library.to_numpy(S.indices), sample_rows(weights, 5, method=method, rng=11).indices
    )
    assert S.seed == sample_rows(weights, 5, rng=11).seed


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_products(library, dtype):
    A = np.random.default_rng(0).standard_normal((8, 3)).astype(dtype)
    S = sample_rows(library.asarray(weights), 6, rng=0)
    dense = library.to_numpy(S.todense())
    Y = S @ library.asarray(A)
    np.testing.assert_allclose(library.to_numpy(Y), dense @ A, rtol=1e-6)
    X = np.random.default_rng(1).standard_normal((6, 2)).astype(dtype)
    np.testing.assert_allclose(
        library.to_numpy(S.H @ library.asarray(X)), dense.T @ X, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(
        library.to_numpy(S.apply(library.asarray(A))), library.to_numpy(Y)
    )


def test_complex_weights():
    S = RowSample(np.array([2, 0]), np.array([1j, 2 + 1j]), 3)
    np.testing.assert_array_equal(S.todense(), S @ np.eye(3))
    np.testing.assert_array_equal(S.H @ np.eye(2), (S @ np.eye(3)).conj().T)


def test_every_container_gives_the_same_rows():
    A = np.random.default_rng(0).standard_normal((5000, 3))
    S = RowSample(np.array([4999, 3, 17, 3, 0]), np.array([1.0, 2, 3, 4, 5]), 5000)
    expected = S.weights[:, None] * A[S.indices]
    for container in (
        A,
        scipy.sparse.csc_array(A),
        RowBlocks(A, chunk=999),
        Diagonal(np.ones(5000)) @ scipy.sparse.csr_array(A),
    ):
        np.testing.assert_allclose(S.apply(container), expected, rtol=1e-14)


@given(st.integers(1, 30), st.integers(0, 100))
def test_uniform_samples(m, seed):
    S = sample_rows(m, m, method="systematic", rng=seed)
    np.testing.assert_array_equal(S.indices, np.arange(m))
    S = sample_rows(m, 7, rng=seed, like=np.empty(0, dtype=np.float32))
    np.testing.assert_allclose(S.weights, np.sqrt(m / 7), rtol=1e-6)
    assert S.dtype == np.float32


def test_leverage_samples_embed():
    # spikes that uniform samples would miss
    A = np.vstack([np.eye(5), 0.1 * np.random.default_rng(0).standard_normal((4000, 5))])
    Q, _ = np.linalg.qr(A)
    s = np.linalg.svd(sample_rows(leverage_scores(A), 400, rng=0) @ Q, compute_uv=False)
    assert 0.7 < s.min() < s.max() < 1.3


def test_extreme_weights():
    for scale in (1e-300, 1e300):
        S = sample_rows(scale * weights, 5, rng=0)
        np.testing.assert_array_equal(S.indices, sample_rows(weights, 5, rng=0).indices)
        np.testing.assert_allclose(S.weights, sample_rows(weights, 5, rng=0).weights)


def test_bad_input():
    with pytest.raises(ValueError, match="k is 8 but 7 rows"):
        sample_rows(weights, 8, method="systematic")
    with pytest.raises(ValueError, match=r"weights\[1\] is negative"):
        sample_rows(np.array([1.0, -1.0]), 1)
    with pytest.raises(ValueError, match="NaN or Inf"):
        sample_rows(np.array([1.0, np.nan]), 1)
    with pytest.raises(ValueError, match="all weights are zero"):
        sample_rows(np.zeros(3), 1)
    with pytest.raises(ValueError, match="method is 'poisson'"):
        sample_rows(np.ones(3), 1, method="poisson")
    with pytest.raises(ValueError, match="one dimension"):
        sample_rows(np.ones((3, 2)), 1)
    with pytest.raises(ValueError, match="not negative"):
        sample_rows(np.ones(3), -1)
    with pytest.raises(ValueError, match="an index is not among"):
        RowSample(np.array([3]), np.ones(1), 3)
    with pytest.raises(ValueError, match="needs 3 rows in A"):
        RowSample(np.array([2]), np.ones(1), 3).apply(np.ones((4, 1)))
    with pytest.raises(ValueError, match="weights is -3"):
        sample_rows(-3, 1)


@pytest.mark.parametrize("method", methods)
def test_no_rows(method, library):
    for m in (0, 3):
        S = sample_rows(library.asarray(np.full(m, 1e308)), 0, method=method)
        assert S.shape == (0, m)


def test_the_sample_as_a_sparse_matrix():
    S = sample_rows(weights, 20, rng=0)
    sparse = S.tosparse()
    assert sparse.shape == S.shape
    assert sparse.nnz == 20
    np.testing.assert_array_equal(sparse.toarray(), S.todense())
