"""The nearest Toeplitz and circulant matrices: against least squares over a basis."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from structlin.matrices import BlockToeplitz, Circulant, Kronecker, Toeplitz
from structlin.matrices.nearest.toeplitz import nearest_circulant, nearest_toeplitz
from tests.conftest import ArrayLibrary


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 7), (7, 3), (1, 5)])
def test_nearest_toeplitz_is_the_projection(
    shape: tuple[int, int], library: ArrayLibrary, rng: np.random.Generator
) -> None:
    W = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    T, error = nearest_toeplitz(library.asarray(W))
    basis = np.array([np.eye(*shape, k=k).ravel() for k in range(1 - shape[0], shape[1])])
    best, *_ = np.linalg.lstsq(basis.T + 0j, W.ravel(), rcond=None)
    D = library.to_numpy(T.todense())
    np.testing.assert_allclose(D.ravel(), basis.T @ best, atol=1e-13)
    assert isinstance(T, Toeplitz)
    misfit = np.linalg.norm(W - D) / np.linalg.norm(W)
    assert float(error) == pytest.approx(misfit, rel=1e-12, abs=1e-15)


def test_nearest_circulant_is_the_projection(
    library: ArrayLibrary, rng: np.random.Generator
) -> None:
    n = 6
    W = rng.standard_normal((n, n))
    C, error = nearest_circulant(library.asarray(W))
    basis = np.array([scipy.linalg.circulant(e).ravel() for e in np.eye(n)])
    D = library.to_numpy(C.todense())
    np.testing.assert_allclose(D.ravel(), basis.T @ (basis @ W.ravel()) / n, atol=1e-14)
    assert isinstance(C, Circulant)
    assert float(error) == pytest.approx(np.linalg.norm(W - D) / np.linalg.norm(W), rel=1e-12)


def test_structured_matrices_are_their_own(rng: np.random.Generator) -> None:
    T = Toeplitz(rng.standard_normal(5), rng.standard_normal(4))
    found, error = nearest_toeplitz(T)
    np.testing.assert_allclose(found.todense(), T.todense(), rtol=1e-14)
    assert error < 1e-15
    C = Circulant(rng.standard_normal(5))
    found, error = nearest_circulant(C)
    np.testing.assert_allclose(found.todense(), C.todense(), rtol=1e-13)
    assert error < 1e-15


def test_toeplitz_matrices_are_not_made_dense(rng: np.random.Generator) -> None:
    T = Toeplitz(rng.standard_normal(6), rng.standard_normal(6))
    A, B = nearest_circulant(T), nearest_circulant(T.todense())
    np.testing.assert_allclose(A.operator.todense(), B.operator.todense(), atol=1e-14)
    assert float(A.relative_error) == pytest.approx(float(B.relative_error), rel=1e-12)
    # of I + the shifts, the circulant matrix misses 1/n of each shift, and fills its corner
    n = 10**6
    c = np.zeros(n)
    c[:2] = 1
    expected = np.sqrt(2 * (n - 1) / n / (3 * n - 2))
    assert float(nearest_circulant(Toeplitz(c)).relative_error) == pytest.approx(expected)
    two = nearest_circulant(BlockToeplitz(rng.standard_normal((3, 5)))).operator
    assert two.column.shape == (2, 3)


def test_sparse_matrices_and_operators() -> None:
    W = scipy.sparse.diags_array([np.arange(1.0, 5), np.ones(3)], offsets=[0, 1])
    T, error = nearest_toeplitz(W)
    np.testing.assert_allclose(T.todense(), scipy.linalg.toeplitz([2.5, 0, 0, 0], [0, 1, 0, 0]))
    assert error == pytest.approx(np.sqrt(5 / 33))
    K = Kronecker(np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(nearest_circulant(K).operator.column, [0, 0.5, 0, 0.5])


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_empty_matrices(shape: tuple[int, int], library: ArrayLibrary) -> None:
    W = library.asarray(np.zeros(shape))
    T, error = nearest_toeplitz(W)
    assert T.shape == shape
    assert float(error) == 0
    if shape[0] == shape[1]:
        assert nearest_circulant(W).operator.shape == shape


def test_zero() -> None:
    assert nearest_toeplitz(np.zeros((2, 3))).relative_error == 0
    assert nearest_circulant(Toeplitz(np.zeros(3))).relative_error == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match="2x3: circulant matrices are square"):
        nearest_circulant(np.ones((2, 3)))
    for nearest in (nearest_toeplitz, nearest_circulant):
        with pytest.raises(ValueError, match=r"W has a NaN or Inf at \[0, 1\]"):
            nearest(np.array([[1.0, np.inf], [0.0, 1.0]]))
