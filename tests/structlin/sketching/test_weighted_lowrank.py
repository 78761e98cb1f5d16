"""Weighted approximation of low rank against the dense formula and against perturbations."""

import numpy as np
import pytest
import scipy.sparse

from structlin.matrices import Dense, Diagonal
from structlin.sketching import weighted_lowrank
from tests.structlin.sketching._spectra import DTYPES, normal, roundoff
from tests.structlin.sketching.test_svd import Hidden


def weighted_error(A, X, weights=None, gram=None):
    R = A - X
    weights = np.ones(A.shape[0]) if weights is None else weights
    gram = np.eye(A.shape[1]) if gram is None else gram
    gram = np.diag(gram) if gram.ndim == 1 else gram
    return np.sqrt(np.einsum("i,ij,jk,ik->", weights, R, gram, R.conj()).real)


def best_error(A, k, weights=None, gram=None):
    """Return the error of the best approximation, with a Cholesky-free root of the Gram matrix."""
    weights = np.ones(A.shape[0]) if weights is None else weights
    gram = np.eye(A.shape[1]) if gram is None else gram
    gram = np.diag(gram) if gram.ndim == 1 else gram
    U, s, _ = np.linalg.svd(gram)
    M = np.sqrt(weights)[:, None] * A @ (U * np.sqrt(s))
    return np.linalg.norm(np.linalg.svd(M, compute_uv=False)[k:])


def gram_of(rng, n, rank, dtype="float64"):
    L = normal(rng, (n, rank), dtype)
    G = L @ L.conj().T
    return (G + G.conj().T) / 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("columns", ["none", "vector", "matrix"])
def test_optimal(library, rng, dtype, rows, columns):
    A = normal(rng, (14, 10), dtype)
    weights = rng.random(14).astype(A.real.dtype) if rows else None
    gram = {
        "none": None,
        "vector": rng.random(10).astype(A.real.dtype),
        "matrix": gram_of(rng, 10, 15, dtype),
    }[columns]
    moved = (None if x is None else library.asarray(x) for x in (weights, gram))
    result = weighted_lowrank(
        library.asarray(A), 4, **dict(zip(("row_weights", "column_gram"), moved, strict=True))
    )
    X = library.to_numpy(result.operator.todense())
    assert X.dtype == A.dtype
    assert np.linalg.matrix_rank(X) == 4
    best = best_error(A, 4, weights, gram)
    size = weighted_error(A, 0 * A, weights, gram)
    assert weighted_error(A, X, weights, gram) == pytest.approx(best, rel=100 * roundoff(dtype))
    assert result.error_estimate == pytest.approx(best / size, rel=100 * roundoff(dtype))


@pytest.mark.parametrize("form", ["operator", "hidden", "sparse", "diagonal"])
def test_containers(rng, form):
    A = normal(rng, (12, 9))
    weights, gram = rng.random(12), gram_of(rng, 9, 12)
    if form == "diagonal":
        gram = np.diag(rng.random(9))
    taken, given = {
        "operator": (A, Dense(gram)),
        "hidden": (Hidden(A), gram),
        "sparse": (scipy.sparse.csr_array(A), scipy.sparse.csr_array(gram)),
        "diagonal": (scipy.sparse.csr_array(A), Diagonal(np.diag(gram))),
    }[form]
    method = "krylov" if form == "hidden" else "auto"
    result = weighted_lowrank(taken, 3, row_weights=weights, column_gram=given, method=method)
    error = weighted_error(A, result.operator.todense(), weights, gram)
    assert error == pytest.approx(best_error(A, 3, weights, gram), rel=1e-6)


def test_weights_of_zero_and_singular_gram_matrices(library, rng):
    A = normal(rng, (12, 9))
    weights = rng.random(12)
    weights[[0, 5]] = 0
    for gram in (gram_of(rng, 9, 6), np.array([0.0, 1, 2, 0, 1, 1, 3, 1, 1])):
        result = weighted_lowrank(
            library.asarray(A),
            3,
            row_weights=library.asarray(weights),
            column_gram=library.asarray(gram),
        )
        X = library.to_numpy(result.operator.todense())
        best = best_error(A, 3, weights, gram)
        assert weighted_error(A, X, weights, gram) == pytest.approx(best, rel=1e-9)
        # of least norm: nothing where nothing matters
        np.testing.assert_array_equal(X[[0, 5]], 0)
        null = np.linalg.svd(np.diag(gram) if gram.ndim == 1 else gram)[2]
        null = null[np.linalg.matrix_rank(np.diag(gram) if gram.ndim == 1 else gram) :]
        np.testing.assert_allclose(X @ null.T, 0, atol=1e-9)


def test_no_other_is_better(rng):
    A = normal(rng, (10, 8))
    weights, gram = rng.random(10), gram_of(rng, 8, 8)
    X = weighted_lowrank(A, 2, row_weights=weights, column_gram=gram).operator
    best = weighted_error(A, X.todense(), weights, gram)
    U, V = X.U.array, X.V.array
    for size in (1e-3, 1e-1, 1):
        for _ in range(20):
            other = (U + size * normal(rng, U.shape)) @ (V + size * normal(rng, V.shape)).T
            assert weighted_error(A, other, weights, gram) >= best


def test_scales_of_weights(rng):
    A = normal(rng, (10, 8))
    weights, gram = rng.random(10), gram_of(rng, 8, 8)
    X = weighted_lowrank(A, 2, row_weights=weights, column_gram=gram).operator.todense()
    for a, b, c in ((1e200, 1, 1), (1e-200, 1, 1), (1, 1e200, 1), (1, 1e-200, 1), (1, 1, 1e100)):
        result = weighted_lowrank(c * A, 2, row_weights=a * weights, column_gram=b * gram)
        np.testing.assert_allclose(result.operator.todense() / c, X, rtol=1e-8, atol=1e-9)


def test_trivial(library):
    A = library.asarray(np.ones((4, 3)))
    zero = library.asarray(np.zeros(4))
    result = weighted_lowrank(A, 2, row_weights=zero)
    np.testing.assert_array_equal(library.to_numpy(result.operator.todense()), 0)
    assert result.error_estimate == 0
    assert weighted_lowrank(A, 0).operator.shape == (4, 3)
    empty = library.asarray(np.ones((0, 3)))
    assert weighted_lowrank(empty, 0, column_gram=library.asarray(np.eye(3))).error_estimate == 0
    assert "rank 2" in repr(result)


def test_bad_input(rng):
    A = normal(rng, (4, 3))
    with pytest.raises(ValueError, match=r"rank is 4.*= 3"):
        weighted_lowrank(A, 4)
    with pytest.raises(ValueError, match=r"row_weights has shape \(3,\).*4 weights"):
        weighted_lowrank(A, 1, row_weights=np.ones(3))
    with pytest.raises(TypeError, match="no array"):
        weighted_lowrank(A, 1, row_weights=2.0)
    with pytest.raises(ValueError, match=r"negative weight at \[1\]"):
        weighted_lowrank(A, 1, row_weights=np.array([1.0, -1, 0, 0]))
    with pytest.raises(ValueError, match="NaN or Inf"):
        weighted_lowrank(A, 1, column_gram=np.array([1.0, np.nan, 0]))
    with pytest.raises(ValueError, match="complex"):
        weighted_lowrank(A, 1, row_weights=1j * np.ones(4))
    with pytest.raises(ValueError, match="column_gram is 4x4"):
        weighted_lowrank(A, 1, column_gram=np.eye(4))
    with pytest.raises(ValueError, match="not Hermitian"):
        weighted_lowrank(A, 1, column_gram=np.triu(np.ones((3, 3))))
    with pytest.raises(ValueError, match="has the eigenvalue -1"):
        weighted_lowrank(A, 1, column_gram=np.diag([1.0, 1, -1]))
