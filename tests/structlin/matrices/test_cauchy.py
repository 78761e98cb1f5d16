"""Cauchy matrices: against Hilbert's, whose inverse and determinant are known exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Cauchy,
    Product,
    cholesky,
    diagonal,
    eigh,
    explain,
    inv,
    is_hermitian,
    logdet,
    slogdet,
    solve,
)


def hilbert(n: int, dtype: str = "float64") -> Cauchy:
    return Cauchy(np.arange(1, n + 1, dtype=dtype), -np.arange(n, dtype=dtype))


def exact_logdet_of_hilbert(n: int) -> float:
    """Return ``log Π k!⁴ / Π (2k+1)!…``, the determinant by its closed form in integers."""
    determinant = Fraction(1)
    for k in range(n):
        # det Hₖ₊₁ / det Hₖ = k!⁴ / ((2k)! (2k+1)!)
        step = Fraction(math.factorial(k) ** 4, math.factorial(2 * k) * math.factorial(2 * k + 1))
        determinant *= step
    return math.log(determinant.numerator) - math.log(determinant.denominator)


# entries and products


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (1, 1), (0, 3), (3, 0)])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_entries(library: Any, rng: Any, shape: tuple[int, int], dtype: str) -> None:
    x, y = rng.standard_normal(shape[0]).astype(dtype), rng.standard_normal(shape[1]).astype(dtype)
    if dtype.startswith("complex"):
        x, y = x + 1j, y * np.exp(0.3j)
    D = 1 / (x[:, None] - y)
    A = Cauchy(library.asarray(x), library.asarray(y))
    np.testing.assert_array_equal(library.to_numpy(A.todense()), D)
    np.testing.assert_array_equal(library.to_numpy(A.T.todense()), D.T)
    np.testing.assert_array_equal(library.to_numpy(A.H.todense()), D.conj().T)
    np.testing.assert_array_equal(library.to_numpy(diagonal(A)), np.diag(D))


def test_structure_is_kept() -> None:
    A = Cauchy(np.arange(6), np.arange(4) + 0.5)
    for B in (A.T, A.H, A[::2, 1:], A[np.array([3, 3]), :], A.T[1:, :]):
        assert isinstance(B, Cauchy)
    assert float(A[2, 1]) == 1 / (2 - 1.5)
    np.testing.assert_array_equal(A[2, ::-1], A.todense()[2, ::-1])
    np.testing.assert_array_equal(A[1:3, 1], A.todense()[1:3, 1])


def test_large_products_are_formed_in_blocks(rng: Any) -> None:
    x, y = np.sort(rng.standard_normal(1500)), rng.standard_normal(900) + 1j
    A, D = Cauchy(x, y), 1 / (x[:, None] - y)
    assert 1500 * 900 > 2**20
    b, c = rng.standard_normal((900, 2)), rng.standard_normal(1500)
    np.testing.assert_allclose(A @ b, D @ b, atol=1e-11)
    np.testing.assert_allclose(A.H @ c, D.conj().T @ c, atol=1e-11)
    assert "_array" not in vars(A)


def test_operands_of_higher_precision() -> None:
    x, y = np.float32([1, 2, 3]), np.float32([0.25, 0.5])
    result = Cauchy(x, y) @ np.ones(2)
    assert result.dtype == np.float64
    exact = (1 / (np.float64(x)[:, None] - np.float64(y))).sum(axis=1)
    np.testing.assert_allclose(result, exact, rtol=1e-15)
    right = solve(Cauchy(x[:2], y), np.ones(2))
    expected = np.linalg.solve(1 / (np.float64(x[:2])[:, None] - np.float64(y)), np.ones(2))
    np.testing.assert_allclose(right, expected, rtol=1e-13)


# Hilbert's matrix


@pytest.mark.parametrize("n", [1, 2, 5, 8, 12, 14])
def test_inverse_of_hilberts_matrix(n: int) -> None:
    # every entry to n eps, though the condition number reaches 1e20
    exact = scipy.linalg.invhilbert(n, exact=True).astype(float)
    inverse = inv(hilbert(n))
    assert isinstance(inverse, Product)
    bound = 20 * n * np.finfo(float).eps
    np.testing.assert_allclose(inverse.todense(), exact, rtol=bound)
    np.testing.assert_allclose(solve(hilbert(n), np.eye(n)), exact, rtol=bound)
    np.testing.assert_allclose(inverse.H.todense(), exact.T, rtol=bound)


@pytest.mark.parametrize("n", [1, 2, 6, 20, 100])
def test_determinant_of_hilberts_matrix(n: int) -> None:
    expected = exact_logdet_of_hilbert(n)
    assert float(logdet(hilbert(n))) == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_hilberts_matrix_is_symmetric_and_positive() -> None:
    A = hilbert(5)
    assert is_hermitian(A)
    expected = scipy.linalg.eigvalsh(scipy.linalg.hilbert(5))
    np.testing.assert_allclose(eigh(A).sorted().eigenvalues, expected, atol=1e-14)
    L = cholesky(A).todense()
    np.testing.assert_allclose(L @ L.T, scipy.linalg.hilbert(5), atol=1e-14)


def test_an_inverse_beyond_the_range_of_numbers() -> None:
    for n in (240, 1000):  # the diagonals are in range and their product is not; neither is
        with pytest.raises(np.linalg.LinAlgError, match="exceed the range"):
            solve(hilbert(n), np.cos(np.arange(n)))


# systems


@pytest.mark.parametrize("n", [2, 30, 500])
def test_alternating_points_lose_nothing(library: Any, rng: Any, n: int) -> None:
    # condition numbers of 2 to 4: the solution is as accurate as one of LU
    x, y = np.arange(n) * 1.0, np.arange(n) + 0.5
    D = 1 / (x[:, None] - y)
    A = Cauchy(library.asarray(x), library.asarray(y))
    z = rng.standard_normal((n, 2))
    found = library.to_numpy(solve(A, library.asarray(D @ z)))
    np.testing.assert_allclose(found, z, atol=1e-13)
    found = library.to_numpy(inv(A).H @ library.asarray(D.T @ z))
    np.testing.assert_allclose(found, z, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("complex_points", [False, True])
def test_solutions_and_determinants_scale(rng: Any, scale: float, complex_points: bool) -> None:
    n = 7
    x, y = rng.standard_normal(n), rng.standard_normal(n)
    if complex_points:
        x, y = x + 1j * rng.standard_normal(n), y + 1j * rng.standard_normal(n)
    A, D = Cauchy(scale * x, scale * y), 1 / (scale * x[:, None] - scale * y)
    z = rng.standard_normal(n)
    bound = 100 * n * np.finfo(float).eps * np.linalg.cond(D)
    for B, dense in ((A, D), (A.T, D.T), (A.H, D.conj().T)):
        error = np.linalg.norm(solve(B, dense @ z) - z)
        assert error <= bound * np.linalg.norm(z)
        sign, logabsdet = np.linalg.slogdet(dense)
        np.testing.assert_allclose(complex(slogdet(B).sign), sign, atol=bound)
        assert float(slogdet(B).logabsdet) == pytest.approx(logabsdet, abs=bound)


@pytest.mark.parametrize(("x", "y", "name"), [([1, 1], [2, 3], "x"), ([1, 2], [3, 3], "y")])
def test_points_that_repeat_are_singular(library: Any, x: Any, y: Any, name: str) -> None:
    A = Cauchy(library.asarray(x), library.asarray(y))
    with pytest.raises(np.linalg.LinAlgError, match=f"a point of {name} repeats"):
        solve(A, library.asarray(np.ones(2)))
    with pytest.raises(np.linalg.LinAlgError, match=f"a point of {name} repeats"):
        inv(A)
    assert float(slogdet(A).sign) == 0
    assert float(slogdet(A).logabsdet) == -math.inf


@pytest.mark.parametrize(
    ("x", "y", "hermitian"),
    [
        (np.array([1.0, 3.0, 4.0]), -np.array([1.0, 3.0, 4.0]), True),
        (np.array([1.0, 3.0]) + 0.1, 0.1 - np.array([1.0, 3.0]), False),  # rounded sums differ
        (np.array([1 + 2j, 3 - 1j]), -np.array([1 - 2j, 3 + 1j]), True),
        (np.array([1 + 2j, 3 - 1j]), -np.array([1 + 2j, 3 - 1j]), False),
        (np.array([1.0, 3.0]), np.array([-1.0, -2.0]), False),
    ],
)
def test_what_counts_as_hermitian(x: Any, y: Any, hermitian: bool) -> None:
    A = Cauchy(x, y)
    assert is_hermitian(A) == hermitian
    if hermitian:
        np.testing.assert_array_equal(A.todense(), A.todense().conj().T)


# bad arguments


def test_points_in_common(library: Any) -> None:
    with pytest.raises(ValueError, match=r"x\[2\] equals y\[0\]"):
        Cauchy(library.asarray([1.0, 2.0, 5.0]), library.asarray([5.0, 7.0]))
    with pytest.raises(ValueError, match=r"x\[0\] equals y\[1\]"):
        Cauchy(library.asarray([2j]), library.asarray([5.0 + 0j, 2j]))
    with pytest.raises(ValueError, match=r"x\[0\] equals y\[0\]"):
        Cauchy(library.asarray([0.0]), library.asarray([-0.0]))


def test_bad_points() -> None:
    with pytest.raises(ValueError, match=r"y has shape \(1, 2\)"):
        Cauchy(np.ones(2), np.zeros((1, 2)))
    A = Cauchy(np.array([1.0, math.inf]), np.array([2.0, 3.0]))
    for call in (lambda: solve(A, np.ones(2)), lambda: slogdet(A)):
        with pytest.raises(ValueError, match=r"x has a NaN or Inf at \[1\]"):
            call()


def test_explanation() -> None:
    assert "explicit inverse" in explain("solve", hilbert(3)).how


def test_points_that_are_no_arrays() -> None:
    for x, y in ((None, np.ones(2)), (np.ones(2), 3.0)):
        with pytest.raises(TypeError, match="no array among the arguments"):
            Cauchy(x, y)
