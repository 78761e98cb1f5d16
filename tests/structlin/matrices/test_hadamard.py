"""Hadamard matrices: against SciPy's, and what follows from H H = n I."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Hadamard,
    Kronecker,
    Scaled,
    cond,
    diagonal,
    eigh,
    inv,
    norm,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from tests.conftest import ArrayLibrary


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 32, 128, 512])
def test_entries_are_those_of_scipy(n: int, library: ArrayLibrary) -> None:
    A = Hadamard(n, like=library.asarray(np.ones(1, dtype=np.float32)))
    expected = scipy.linalg.hadamard(n)
    assert A.dtype == library.dtype("float32")
    np.testing.assert_array_equal(library.to_numpy(A.todense()), expected)
    x = np.arange(n, dtype=np.float32)
    np.testing.assert_array_equal(library.to_numpy(A @ library.asarray(x)), expected @ x)


@pytest.mark.parametrize("n", [1, 2, 4, 32])
def test_functions_of_the_dense_matrix(n: int) -> None:
    A, D = Hadamard(n), scipy.linalg.hadamard(n).astype(float)
    np.testing.assert_allclose(slogdet(A), np.linalg.slogdet(D), rtol=1e-12, atol=1e-12)
    for ord in ("fro", "nuc", 1, 2, np.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-12)
        np.testing.assert_allclose(cond(A, ord), np.linalg.cond(D, ord), rtol=1e-10)
    np.testing.assert_array_equal(diagonal(A), np.diag(D))
    assert trace(A) == np.trace(D)
    assert rank(A) == n
    np.testing.assert_allclose(eigh(A).sorted().eigenvalues, np.linalg.eigvalsh(D), atol=1e-11)
    np.testing.assert_allclose(solve(A, D), np.eye(n), atol=1e-13)


def test_it_is_its_own_inverse_up_to_scale(rng: np.random.Generator) -> None:
    A, x = Hadamard(2**16), rng.standard_normal(2**16)
    assert A.H is A
    assert A.T is A
    assert isinstance(inv(A), Scaled)
    np.testing.assert_allclose(A @ (A @ x), 2**16 * x, atol=1e-9)
    np.testing.assert_allclose(solve(A, A @ x), x, atol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(A @ x), 256 * np.linalg.norm(x))
    U, S, Vh = svd(A)
    np.testing.assert_allclose(U @ (S * (Vh @ x)), A @ x, atol=1e-9)
    assert set(svdvals(A)) == {256.0}


def test_sizes_beyond_any_memory() -> None:
    A = Hadamard(2**100)
    assert A.shape == (2**100, 2**100)
    np.testing.assert_allclose(slogdet(A).logabsdet, 2**99 * 100 * np.log(2))
    assert A[2**99, 2**99] == -1
    assert norm(A, 2) == 2**50


def test_it_is_a_kronecker_product() -> None:
    A = Kronecker(Hadamard(8), np.eye(3))
    expected = np.kron(scipy.linalg.hadamard(8), np.eye(3))
    np.testing.assert_array_equal(A.todense(), expected)


@pytest.mark.parametrize("n", [0, 3, 12, -4])
def test_sizes_that_are_no_power_of_two_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"n is {n}: .* is a power of two"):
        Hadamard(n)
