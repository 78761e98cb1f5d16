"""The Walsh–Hadamard transform: exact on integers, whatever the route."""

from __future__ import annotations

import importlib

import numba
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from structlin._backend import kernel
from structlin._kernels.walsh import walsh_transform
from tests.conftest import LIBRARIES, ArrayLibrary

types = ["float32", "float64", "complex64", "complex128"]


def integers(n: int, k: int, dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.integers(-8, 9, (n, k)).astype(dtype)
    return X + 1j * rng.integers(-8, 9, (n, k)) if dtype.startswith("complex") else X


@pytest.mark.parametrize("dtype", types)
@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
def test_it_is_the_product_with_scipys_matrix(n: int, dtype: str, library: ArrayLibrary) -> None:
    X = integers(n, 3, dtype).astype(dtype)
    Y = kernel(library.xp, walsh_transform)(library.asarray(X))
    assert Y.dtype == library.dtype(dtype)
    np.testing.assert_array_equal(library.to_numpy(Y), scipy.linalg.hadamard(n) @ X)


# pieces, tiles, tiles that are cut off, columns longer than a piece, two rounds of tiles
shapes = [(2**13, 1), (2**13, 3), (2**12, 7), (64, 4100), (16, 9000), (2**21, 1), (0, 0), (8, 0)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(("n", "k"), shapes)
def test_the_twin_does_what_the_plain_function_does(n: int, k: int, dtype: str) -> None:
    X = integers(n, k, dtype).astype(dtype)
    xp = LIBRARIES["numpy"].xp
    made = kernel(xp, walsh_transform)(X)
    assert kernel(xp, walsh_transform) is not walsh_transform
    np.testing.assert_array_equal(made, walsh_transform(X))


@given(st.integers(0, 14), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_twice_it_is_a_multiple_of_the_identity(bits: int, k: int, seed: int) -> None:
    n = 2**bits
    X = np.random.default_rng(seed).standard_normal((n, k))
    transform = kernel(LIBRARIES["numpy"].xp, walsh_transform)
    Y = transform(X)
    np.testing.assert_allclose(transform(Y) / n, X, atol=1e-14 * (bits + 1))
    np.testing.assert_allclose(np.linalg.norm(Y), np.sqrt(n) * np.linalg.norm(X), rtol=1e-13)


def test_bits_depend_neither_on_threads_nor_on_other_columns(rng: np.random.Generator) -> None:
    X = rng.standard_normal((2**17, 6))
    twin = importlib.import_module("structlin._kernels.walsh_numba").walsh_transform
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = twin(X)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(twin(X), alone)
    np.testing.assert_array_equal(twin(X[:, 2:3]), alone[:, 2:3])
    np.testing.assert_array_equal(twin(np.asfortranarray(X)), alone)


def test_the_operand_stays_as_it_was() -> None:
    X = np.ones((2**13, 2))
    X.flags.writeable = False
    kernel(LIBRARIES["numpy"].xp, walsh_transform)(X)
    assert np.all(X == 1)
