"""Symbols: values, extremes, and the spectra they predict."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from structlin.matrices import BlockToeplitz, Toeplitz
from structlin.solvers import toeplitz_symbol


def test_values_are_sums_of_waves(library):
    rng = np.random.default_rng(0)
    column, row = rng.standard_normal((2, 4)) + 1j * rng.standard_normal((2, 4))
    row = row[:3]
    theta = np.array([0.3, 2.0, -1.0])
    expected = sum(column[k] * np.exp(1j * k * theta) for k in range(4))
    expected = expected + sum(row[k] * np.exp(-1j * k * theta) for k in range(1, 3))
    f = toeplitz_symbol(Toeplitz(library.asarray(column), library.asarray(row)))
    values = f(library.asarray(theta))
    assert_allclose(library.to_numpy(values), expected, rtol=0, atol=1e-13)
    assert not f.is_real
    assert "6 terms" in repr(f)


def test_values_of_two_angles():
    t = np.random.default_rng(1).standard_normal((3, 5))
    a, b = np.array([0.5, 1.0]), np.array([0.1, 0.2, 3.0])
    expected = [
        [
            sum(
                t[j + 1, k + 2] * np.exp(1j * (j * x + k * y))
                for j in (-1, 0, 1)
                for k in range(-2, 3)
            )
            for y in b
        ]
        for x in a
    ]
    assert_allclose(toeplitz_symbol(t)(a, b), expected, rtol=0, atol=1e-13)
    assert toeplitz_symbol(BlockToeplitz(t)).first == (-1, -2)


@given(n=st.integers(1, 12), middle=st.floats(-3, 3), side=st.floats(-3, 3))
def test_eigenvalues_of_tridiagonal_matrices_are_exact(n, middle, side):
    f = toeplitz_symbol(np.array([side, middle, side]))
    column = np.array([middle, side, *np.zeros(n)])[:n]
    exact = np.linalg.eigvalsh(Toeplitz(column).todense())
    assert_allclose(f.eigenvalues(n), exact, rtol=0, atol=1e-13 * 9)


@given(seed=st.integers(0, 100), n=st.integers(1, 12), terms=st.integers(1, 5))
def test_eigenvalues_lie_between_the_bounds(seed, n, terms):
    rng = np.random.default_rng(seed)
    half = rng.standard_normal(terms) + 1j * rng.standard_normal(terms)
    t = np.concatenate([half[::-1].conj(), rng.standard_normal(1), half])
    column = np.append(t[terms:], np.zeros(n))[:n]
    low, high = toeplitz_symbol(t).bounds(oversampling=16)
    exact = np.linalg.eigvalsh(Toeplitz(column).todense())
    slack = 0.01 * np.sum(np.abs(t))
    assert low - slack <= exact[0]
    assert exact[-1] <= high + slack


def test_predicted_spectra_are_those_of_large_matrices(library):
    # of a smooth function; the distance falls like 1/n
    k = np.arange(64)
    A = Toeplitz(library.asarray(0.5**k))
    exact = np.linalg.eigvalsh(library.to_numpy(A.todense()))
    f = toeplitz_symbol(A)
    assert_allclose(f.eigenvalues(64), exact, rtol=0, atol=0.05)
    assert_allclose(f.singular_values(64), exact[::-1], rtol=0, atol=0.05)


def test_spectra_of_one_sided_and_of_complex_matrices():
    # |1 + z/2|, and 2 sin θ
    bidiagonal = toeplitz_symbol(Toeplitz(np.array([1.0, 0.5]), np.array([1.0, 0.0])))
    values = bidiagonal.singular_values(50)
    assert_allclose((values[-1], values[0]), (0.5, 1.5), atol=1e-12)
    with pytest.raises(ValueError, match="not Hermitian"):
        bidiagonal.eigenvalues(50)
    with pytest.raises(ValueError, match="no order"):
        bidiagonal.bounds()
    skew = toeplitz_symbol(np.array([1j, 0, -1j]))
    assert skew.is_real
    assert_allclose(skew(np.array([0.5])), [2 * math.sin(0.5)])
    assert_allclose(skew.eigenvalues(4), [-2, 0, 0, 2], atol=1e-14)


def test_more_coefficients_than_samples():
    f = toeplitz_symbol(np.ones(9))
    theta = np.arange(1, 3) * math.pi / 3
    expected = 1 + 2 * sum(np.cos(k * theta) for k in range(1, 5))
    assert_allclose(f.eigenvalues(2), np.sort(expected), atol=1e-14)


def test_bad_input():
    with pytest.raises(ValueError, match="odd length"):
        toeplitz_symbol(np.ones(4))
    with pytest.raises(TypeError, match="str"):
        toeplitz_symbol("A")
    f = toeplitz_symbol(np.ones(3))
    with pytest.raises(ValueError, match="pass 1"):
        f(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="pass 1"):
        f.eigenvalues(2, 2)
    with pytest.raises(ValueError, match="one row or more"):
        f.eigenvalues(0)


def test_angles_and_samples_that_are_none():
    f = toeplitz_symbol(np.array([-1.0, 2.0, -1.0]))
    for wrong in (0.3, [0.3]):
        with pytest.raises(TypeError, match=r"pass numpy\.asarray"):
            f(wrong)
    with pytest.raises(ValueError, match=r"angles have shape \(1, 1\)"):
        f(np.ones((1, 1)))
    assert_allclose(f(np.array([0, 1])), [0, 2 - 2 * math.cos(1)], atol=1e-15)
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match="oversampling is"):
            f.bounds(oversampling=wrong)
    with pytest.raises(ValueError, match="NaN or Inf"):
        toeplitz_symbol(np.array([-1.0, np.nan, -1.0]))
