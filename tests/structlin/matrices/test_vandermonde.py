"""Vandermonde matrices: against numpy.vander, exact rational arithmetic and roots of unity."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from structlin.matrices import (
    Inverse,
    Vandermonde,
    cond,
    diagonal,
    explain,
    inv,
    logdet,
    lstsq,
    slogdet,
    solve,
)


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("columns", [None, 0, 1, 3, 9, 64, 65, 200])
def test_entries_and_products_are_numpys(
    library: Any, rng: Any, columns: int | None, increasing: bool
) -> None:
    nodes = rng.uniform(-1, 1, 7)
    D = np.vander(nodes, columns, increasing=increasing)
    A = Vandermonde(library.asarray(nodes), columns, increasing=increasing)
    np.testing.assert_allclose(library.to_numpy(A.todense()), D, rtol=1e-13)
    np.testing.assert_allclose(library.to_numpy(diagonal(A)), np.diag(D), rtol=1e-13)
    X, Y = rng.standard_normal((D.shape[1], 2)), rng.standard_normal((7, 2))
    bound = 1e-14 * max(D.shape)
    np.testing.assert_allclose(library.to_numpy(A @ library.asarray(X)), D @ X, atol=bound)
    np.testing.assert_allclose(library.to_numpy(A.T @ library.asarray(Y)), D.T @ Y, atol=bound)
    for j in {0, D.shape[1] // 2, D.shape[1] - 1} & set(range(D.shape[1])):
        np.testing.assert_allclose(library.to_numpy(A[:, j]), D[:, j], rtol=1e-13)
        np.testing.assert_allclose(float(A[3, j]), D[3, j], rtol=1e-13)


def test_products_of_many_nodes_go_in_blocks(rng: Any) -> None:
    nodes = np.exp(2j * np.pi * rng.uniform(size=5000))
    D, A = np.vander(nodes, 150), Vandermonde(nodes, 150)
    x, y = rng.standard_normal(150), rng.standard_normal(5000)
    np.testing.assert_allclose(A @ x, np.polyval(x, nodes), atol=1e-11)
    np.testing.assert_allclose(A.H @ y, D.conj().T @ y, atol=1e-10)
    np.testing.assert_allclose(A.T @ y, D.T @ y, atol=1e-10)


def test_rows_keep_the_structure() -> None:
    A = Vandermonde(np.arange(5.0), 3, increasing=True)
    part = A[1:4, :]
    assert isinstance(part, Vandermonde)
    np.testing.assert_array_equal(part.todense(), np.vander([1.0, 2.0, 3.0], 3, increasing=True))
    assert repr(part) == "<Vandermonde 3x3 float64 = increasing>"


def test_powers_of_zero_and_integers_are_exact() -> None:
    A = Vandermonde(np.array([0, -3, 2]), 5)
    np.testing.assert_array_equal(A.todense(), np.vander([0, -3, 2], 5))
    np.testing.assert_array_equal(A[:, 4], np.ones(3))
    np.testing.assert_array_equal(A[:, 0], [0, 81, 16])
    np.testing.assert_array_equal(diagonal(A), [0, -27, 4])


# systems


def exact_coefficients(nodes: list[Fraction], values: list[Fraction]) -> list[Fraction]:
    """Return the coefficients of the interpolant by Lagrange's formula, increasing."""
    n = len(nodes)
    result = [Fraction(0)] * n
    for i in range(n):
        basis, scale = [Fraction(1)], values[i]
        for j in range(n):
            if j != i:
                shifted = [Fraction(0), *basis]
                basis = [a - nodes[j] * b for a, b in zip(shifted, [*basis, 0], strict=True)]
                scale /= nodes[i] - nodes[j]
        result = [r + scale * b for r, b in zip(result, basis, strict=True)]
    return result


@pytest.mark.parametrize("n", [5, 12, 20])
def test_positive_nodes_are_solved_beyond_the_condition_number(n: int) -> None:
    # Higham 1987: for 0 < x₁ < … < xₙ and signs that alternate, each entry to n eps or so;
    # the condition numbers reach 1e20
    nodes = [Fraction(i + 1, 8) for i in range(n)]
    values = [Fraction((-1) ** i * (i % 3 + 1)) for i in range(n)]
    exact = np.array([float(c) for c in exact_coefficients(nodes, values)])
    shuffled = np.random.default_rng(n).permutation(n)
    A = Vandermonde(np.array(nodes, dtype=float)[shuffled], increasing=True)
    found = solve(A, np.array(values, dtype=float)[shuffled])
    np.testing.assert_allclose(found, exact, rtol=30 * n * np.finfo(float).eps)


@pytest.mark.parametrize("n", [16, 64, 256])
def test_roots_of_unity_in_any_order(n: int, rng: Any) -> None:
    # the unitary DFT times √n: Björck and Pereyra's algorithm in the natural order is off by 1e+90
    nodes = np.exp(-2j * np.pi * np.arange(n) / n)
    A = Vandermonde(nodes, increasing=True)
    b = rng.standard_normal(n)
    np.testing.assert_allclose(solve(A, b), np.fft.ifft(b), atol=1e-13)
    np.testing.assert_allclose(solve(A.T, b), np.fft.ifft(b), atol=1e-13)
    np.testing.assert_allclose(solve(A.H, b), np.fft.fft(b) / n, atol=1e-13)
    np.testing.assert_allclose(inv(A).H @ b, np.fft.fft(b) / n, atol=1e-13)


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("kind", ["real", "complex", "positive", "negative", "shifted"])
def test_solutions_of_all_systems(library: Any, rng: Any, kind: str, increasing: bool) -> None:
    n = 8
    nodes = {
        "real": rng.uniform(-1, 1, n),
        "complex": rng.standard_normal(n) + 1j * rng.standard_normal(n),
        "positive": rng.uniform(0, 2, n),
        "negative": -rng.uniform(0, 2, n),
        "shifted": 2 + rng.permutation(n) / 4,
    }[kind]
    D = np.vander(nodes, increasing=increasing)
    A = Vandermonde(library.asarray(nodes), increasing=increasing)
    x = rng.standard_normal((n, 2))
    # normwise, with the slack of a factorisation
    bound = 100 * n * np.finfo(float).eps * np.linalg.cond(D) * np.linalg.norm(x)
    for B, dense in ((A, D), (A.T, D.T), (A.H, D.conj().T)):
        b = dense @ x
        error = np.linalg.norm(library.to_numpy(solve(B, library.asarray(b))) - x)
        assert error <= bound
        assert np.linalg.norm(library.to_numpy(inv(B) @ library.asarray(b)) - x) <= bound
    assert isinstance(inv(A), Inverse)


def test_single_precision_operators_solve_in_the_precision_of_the_right_hand_side() -> None:
    nodes = np.array([1, 2, 4, 8], dtype=np.float32)
    exact = np.array([1.0, -2.0, 3.0, 1 / 3])
    found = solve(Vandermonde(nodes), np.vander([1.0, 2, 4, 8]) @ exact)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_equal_nodes_are_singular(library: Any) -> None:
    A = Vandermonde(library.asarray([1.0, 2.0, 1.0]))
    for call in (lambda: solve(A, library.asarray(np.ones(3))), lambda: inv(A)):
        with pytest.raises(np.linalg.LinAlgError, match="a node repeats"):
            call()
    assert float(slogdet(A).sign) == 0
    assert float(slogdet(A).logabsdet) == -math.inf


def test_nodes_that_are_no_numbers() -> None:
    A = Vandermonde(np.array([1.0, math.nan]))
    for call in (lambda: solve(A, np.ones(2)), lambda: slogdet(A), lambda: lstsq(A, np.ones(2))):
        with pytest.raises(ValueError, match=r"nodes has a NaN or Inf at \[1\]"):
            call()


# determinants


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("increasing", [False, True])
def test_determinants_are_exact(n: int, increasing: bool) -> None:
    nodes = np.random.default_rng(n).permutation(n)
    exact = math.prod(int(nodes[j]) - int(nodes[i]) for j in range(n) for i in range(j))
    if not increasing:
        exact *= (-1) ** (n * (n - 1) // 2)
    sign, logabsdet = slogdet(Vandermonde(nodes, increasing=increasing))
    assert float(sign) == np.sign(exact)
    assert float(logabsdet) == pytest.approx(math.log(abs(exact)), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_determinants_scale_and_do_not_overflow(scale: float) -> None:
    # nodes s·(0, 1, …, n−1): s^(n(n−1)/2) Π k!, far beyond the largest double
    n = 60
    A = Vandermonde(scale * np.arange(n), increasing=True)
    expected = sum(math.lgamma(k + 1) for k in range(n)) + n * (n - 1) / 2 * math.log(scale)
    assert float(logdet(A)) == pytest.approx(expected, rel=1e-13)


def test_determinant_of_roots_of_unity() -> None:
    n = 200
    A = Vandermonde(np.exp(-2j * np.pi * np.arange(n) / n), increasing=True)
    sign, logabsdet = np.linalg.slogdet(np.fft.fft(np.eye(n)))
    np.testing.assert_allclose(complex(slogdet(A).sign), sign, atol=1e-11)
    assert float(slogdet(A).logabsdet) == pytest.approx(logabsdet, rel=1e-12)
    assert abs(abs(complex(slogdet(A).sign)) - 1) < 1e-15


# least squares


def test_fits_are_numpys(rng: Any) -> None:
    nodes, b = rng.uniform(-1, 1, 50), rng.standard_normal(50)
    np.testing.assert_allclose(lstsq(Vandermonde(nodes, 5), b), np.polyfit(nodes, b, 4), rtol=1e-10)


def test_fits_of_more_rows_than_are_made_dense(library: Any, rng: Any) -> None:
    nodes = np.cos(np.arange(5000))
    coefficients = rng.standard_normal(6)
    A = Vandermonde(library.asarray(nodes), 6, increasing=True)
    b = library.asarray(np.vander(nodes, 6, increasing=True) @ coefficients)
    np.testing.assert_allclose(library.to_numpy(lstsq(A, b)), coefficients, rtol=1e-11)
    assert "singular value" in explain("lstsq", A).how


def test_wide_fits_are_of_least_norm(rng: Any) -> None:
    nodes, b = rng.uniform(-1, 1, 3), rng.standard_normal(3)
    expected = np.linalg.pinv(np.vander(nodes, 6)) @ b
    np.testing.assert_allclose(lstsq(Vandermonde(nodes, 6), b), expected, atol=1e-12)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"nodes have shape \(2, 2\)"):
        Vandermonde(np.ones((2, 2)))
    with pytest.raises(ValueError, match="negative"):
        Vandermonde(np.ones(2), -1)


def test_condition_is_that_of_the_dense_matrix() -> None:
    nodes = np.linspace(0, 1, 5)
    expected = np.linalg.cond(np.vander(nodes))
    assert float(cond(Vandermonde(nodes))) == pytest.approx(expected, rel=1e-10)
    assert "Björck" in explain("solve", Vandermonde(nodes)).how


def test_solutions_out_of_range_are_refused() -> None:
    A = Vandermonde(np.array([0.0, 1e-300, 2e-300]))
    for operator in (A, A.T, A.H):
        with pytest.raises(np.linalg.LinAlgError, match="exceed the range of the data type"):
            solve(operator, np.array([1.0, 2.0, 4.0]))
