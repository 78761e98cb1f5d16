"""The zero matrix: what it does to sums and products, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    Zero,
    cholesky,
    cond,
    eigh,
    expm,
    inv,
    logdet,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
)
from tests.conftest import ArrayLibrary


def test_sums_leave_it_out(library: ArrayLibrary) -> None:
    A = Kronecker(library.asarray(np.ones((2, 2))), library.asarray(np.eye(3)))
    zero = Zero(A.shape, like=A)
    assert A + zero is A
    assert zero + A is A
    assert A - zero is A
    assert isinstance(zero + zero, Zero)


def test_sums_keep_the_precision_that_it_brings() -> None:
    A = Dense(np.ones((2, 2), dtype=np.float32))
    assert (A + Zero((2, 2))).dtype == np.float64
    assert (Zero((2, 2), dtype=np.complex64) + A).dtype == np.complex64


@pytest.mark.parametrize("A", [Diagonal(np.ones(3)), Dense(np.ones((3, 3))), 2 * Identity(3)])
def test_products_vanish(A: Dense) -> None:
    assert (A @ Zero((3, 5))).shape == (3, 5)
    assert (Zero((5, 3), dtype=np.float32) @ A).shape == (5, 3)
    for product in (A @ Zero((3, 5)), Zero((5, 3), dtype=np.float32) @ A, 3j * Zero((3, 3))):
        assert isinstance(product, Zero)
    assert (Zero((5, 3), dtype=np.float32) @ A).dtype == np.float64
    assert (3j * Zero((3, 3), dtype=np.float32)).dtype == np.complex64


def test_it_is_singular_unless_it_is_empty() -> None:
    for refused in (lambda A: solve(A, np.ones(2)), inv):
        with pytest.raises(np.linalg.LinAlgError, match="Zero 2x2 float64> is singular"):
            refused(Zero((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
        cholesky(Zero((2, 2)))
    assert slogdet(Zero((2, 2))) == (0.0, -np.inf)
    empty = Zero((0, 0))
    assert solve(empty, np.ones((0, 3))).shape == (0, 3)
    assert inv(empty).shape == cholesky(empty).shape == (0, 0)
    assert logdet(empty) == 0.0
    assert cond(Zero((4, 3))) == np.inf


def test_it_costs_nothing_at_any_size() -> None:
    n = 2**80
    A = Zero((n, 3 * n))
    assert pinv(A).shape == (3 * n, n)
    assert rank(A) == norm(A) == norm(A, "nuc") == 0
    U, S, Vh = svd(A)
    assert (U.shape, S.shape, Vh.shape) == ((n, 0), (0,), (0, 3 * n))
    assert isinstance(expm(Zero((n, n))), Identity)
    assert A[n - 1, 2 * n] == 0
    with pytest.raises(ValueError, match="fits no machine"):
        A.todense()


def test_least_squares_and_spectrum() -> None:
    A = Zero((3, 2), dtype=np.complex64)
    np.testing.assert_array_equal(lstsq(A, np.ones(3)), np.zeros(2))
    np.testing.assert_array_equal(svdvals(A), np.zeros(2, dtype=np.float32))
    w, V = eigh(Zero((2, 2)))
    np.testing.assert_array_equal(w, [0, 0])
    np.testing.assert_array_equal(V.todense(), np.eye(2))
