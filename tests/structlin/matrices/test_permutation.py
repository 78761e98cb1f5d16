"""Permutation matrices: against fancy indexing, and permutations counted by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.matrices import (
    Dense,
    Permutation,
    cond,
    eigh,
    inv,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.matrices.permutation import parity
from tests.conftest import ArrayLibrary


def _inversions(p: tuple[int, ...]) -> int:
    return sum(a > b for a, b in itertools.combinations(p, 2))


@pytest.mark.parametrize("n", range(6))
def test_parity_is_that_of_the_number_of_inversions(n: int, library: ArrayLibrary) -> None:
    for p in itertools.islice(itertools.permutations(range(n)), 60):
        indices = library.asarray(np.array(p, dtype=np.int64))
        assert parity(indices) == (-1) ** _inversions(p)


def test_parity_of_long_cycles() -> None:
    for n in (1, 2, 1023, 1024, 1025):  # one cycle of n takes n - 1 exchanges
        assert parity(np.roll(np.arange(n), 1)) == (-1) ** (n - 1)


def test_the_determinant_is_that_of_lapack(rng: np.random.Generator) -> None:
    for n in (7, 20, 61):
        A = Permutation(rng.permutation(n))
        sign, logabsdet = slogdet(A)
        assert logabsdet == 0
        assert sign == np.linalg.slogdet(np.eye(n)[A.indices])[0]


@given(p=st.permutations(range(7)), q=st.permutations(range(7)))
def test_products_and_inverses_are_permutations(p: list[int], q: list[int]) -> None:
    A, B = Permutation(np.array(p)), Permutation(np.array(q))
    x = np.arange(7.0)
    np.testing.assert_array_equal(A @ x, x[p])
    np.testing.assert_array_equal((A @ B) @ x, x[q][p])
    for made in (A @ B, A.T, A.H, inv(A), pinv(A)):
        assert isinstance(made, Permutation)
    np.testing.assert_array_equal(solve(A, x[p]), x)
    np.testing.assert_array_equal((A.T @ A).indices, range(7))


def test_dense_matrices_are_permuted_at_once(library: ArrayLibrary) -> None:
    entries = np.arange(9.0).reshape(3, 3)
    A = Permutation(library.asarray(np.array([2, 0, 1])))
    B = Dense(library.asarray(entries, dtype=np.float32))
    assert isinstance(A @ B, Dense)
    assert isinstance(B @ A, Dense)
    assert (A @ B).dtype == library.dtype("float64")
    np.testing.assert_array_equal(library.to_numpy((A @ B).todense()), entries[[2, 0, 1]])
    expected = entries @ np.eye(3)[[2, 0, 1]]
    np.testing.assert_array_equal(library.to_numpy((B @ A).todense()), expected)


def test_numbers_that_need_no_matrix(rng: np.random.Generator) -> None:
    A = Permutation(rng.permutation(100_000))
    assert norm(A, 2) == norm(A, 1) == norm(A, np.inf) == 1
    assert norm(A, "nuc") == rank(A) == 100_000
    np.testing.assert_allclose(norm(A) ** 2, 100_000)
    assert cond(A) == 1
    assert set(svdvals(A)) == {1.0}
    assert trace(A) == np.count_nonzero(A.indices == np.arange(100_000))
    assert A[5, int(A.indices[5])] == 1


def test_involutions_have_eigenvectors_in_closed_form(rng: np.random.Generator) -> None:
    n = 10_000  # above the limit of the dense way
    p = np.arange(n)
    pairs = rng.permutation(n)[: n // 2].reshape(2, -1)
    p[pairs[0]], p[pairs[1]] = pairs[1], pairs[0]
    A = Permutation(p)
    w, V = eigh(A)
    assert np.count_nonzero(w == -1) == pairs.shape[1]
    X = rng.standard_normal((n, 2))
    np.testing.assert_allclose(V @ (w[:, None] * (V.H @ X)), A @ X, atol=1e-14)
    np.testing.assert_allclose(V.H @ (V @ X), X, atol=1e-14)


def test_what_is_no_permutation_is_refused(library: ArrayLibrary) -> None:
    cases = {
        "sorted, they have 1 where 2 is due": [0, 1, 1],
        "sorted, they have 3 where 2 is due": [0, 3, 1],
        "sorted, they have -1 where 0 is due": [0, 1, -1],
    }
    for message, indices in cases.items():
        with pytest.raises(ValueError, match=message):
            Permutation(library.asarray(np.array(indices)))
    with pytest.raises(ValueError, match="one dimension"):
        Permutation(library.asarray(np.zeros((2, 2), dtype=np.int64)))
    with pytest.raises(TypeError, match=r"dtype .*float64: they need integers"):
        Permutation(library.asarray(np.array([0.0, 1.0])))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_any_integers_do(dtype: type) -> None:
    A = Permutation(np.array([2, 0, 1], dtype=dtype), dtype=np.float32)
    assert A.dtype == np.float32
    np.testing.assert_array_equal(A.T @ (A @ np.arange(3.0)), np.arange(3.0))
    assert slogdet(A).sign == 1
