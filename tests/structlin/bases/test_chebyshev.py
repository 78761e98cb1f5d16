"""Chebyshev series against numpy.polynomial.chebyshev, in every array library and precision."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.polynomial import chebyshev

from structlin.bases import Chebyshev

dtypes = st.sampled_from(["float32", "float64", "complex64", "complex128"])
intervals = st.sampled_from([(-1.0, 1.0), (0.0, 2.5), (-5.0, 1.0), (1e-3, 1e3), (-3e-7, -1e-7)])
lengths = st.integers(0, 40)


def sample(n, r, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, r)) + 1j * rng.standard_normal((n, r))
    return (values if dtype.startswith("complex") else values.real).astype(dtype)


def located(basis, x):
    return (2 * x - basis.low - basis.high) / basis.width


def close(result, expected, dtype, size):
    """Compare to 50 rounding errors of numbers of a size."""
    assert result.dtype == np.dtype(dtype)
    atol = 50 * np.finfo(dtype).eps * max(size, 1e-300)
    np.testing.assert_allclose(result, expected, rtol=0, atol=atol)


@given(interval=intervals, n=lengths)
def test_points_are_ascending_and_nested(library, interval, n):
    basis = Chebyshev(*interval)
    x = library.to_numpy(basis.points(n, library.asarray(np.ones(1))))
    assert x.shape == (n,)
    assert x.dtype == np.float64
    if n > 1:
        expected = -np.cos(np.pi * np.arange(n) / (n - 1))
        np.testing.assert_allclose(located(basis, x), expected, rtol=0, atol=1e-14)
        assert (x[0], x[-1]) == interval
        assert np.all(np.diff(x) > 0)
        np.testing.assert_array_equal(basis.points(basis.refined(n))[::2], x)
    elif n == 1:
        assert x[0] == pytest.approx(sum(interval) / 2)


@given(dtype=dtypes, interval=intervals, n=lengths, m=st.integers(0, 50), seed=st.integers(0, 100))
def test_values_and_coefficients(library, dtype, interval, n, m, seed):
    basis, C = Chebyshev(*interval), sample(n, 2, dtype, seed)
    moved = library.asarray(C)
    values = library.to_numpy(basis.values(moved, m))
    expected = chebyshev.chebvander(located(basis, basis.points(m)), max(n - 1, 0))[:, :n] @ C
    close(values, expected.reshape(m, 2), dtype, n * np.sum(np.abs(C)))
    back = library.to_numpy(basis.coefficients(basis.values(moved)))
    close(back, C, dtype, 1 + np.sum(np.abs(C)))
    vander = library.to_numpy(basis.vander(library.asarray(basis.points(m)), n))
    assert vander.shape == (m, n)
    np.testing.assert_allclose(vander @ C, expected, rtol=0, atol=1e-5 * (1 + np.sum(np.abs(C))))


@given(dtype=dtypes, interval=intervals, n=lengths, seed=st.integers(0, 100))
def test_calculus(library, dtype, interval, n, seed):
    basis, C = Chebyshev(*interval), sample(n, 3, dtype, seed)
    half, sizes = basis.width / 2, np.sum(np.abs(C))
    wide = C.astype(complex)
    derivative = library.to_numpy(basis.derivative(library.asarray(C)))
    if n > 1:
        close(derivative, chebyshev.chebder(wide) / half, dtype, n * n * sizes / half)
    else:
        close(derivative, np.zeros((n, 3)), dtype, 0)
    same, integral = basis.antiderivative(library.asarray(C))
    assert same == basis
    expected = half * chebyshev.chebint(wide, lbnd=-1) if n else np.zeros((2, 3))
    close(library.to_numpy(integral), expected, dtype, half * sizes)


@given(
    dtype=dtypes,
    interval=intervals,
    n=st.integers(1, 30),
    part=st.sampled_from([(0, 0.5), (0.3, 0.4)]),
)
def test_restriction(library, dtype, interval, n, part):
    basis, C = Chebyshev(*interval), sample(n, 2, dtype)
    low, high = (basis.low + share * basis.width for share in part)
    smaller, D = basis.restricted(library.asarray(C), low, high)
    assert smaller.interval == (low, high)
    x = np.linspace(low, high, 33)
    expected = chebyshev.chebval(located(basis, x), C.astype(complex)).T
    result = chebyshev.chebval(located(smaller, x), library.to_numpy(D).astype(complex)).T
    assert D.dtype == library.dtype(dtype)
    np.testing.assert_allclose(
        result, expected, rtol=0, atol=50 * n * np.finfo(dtype).eps * np.sum(np.abs(C))
    )


@given(dtype=dtypes, n=st.integers(1, 12), m=st.integers(1, 12))
def test_products(library, dtype, n, m):
    basis, C, D = Chebyshev(), sample(n, 2, dtype), sample(m, 3, dtype, 1)
    result = library.to_numpy(basis.product(library.asarray(C), library.asarray(D)))
    expected = np.zeros((n + m - 1, 6), complex)
    for i in range(2):
        for j in range(3):
            product = chebyshev.chebmul(C[:, i].astype(complex), D[:, j].astype(complex))
            expected[: len(product), 3 * i + j] = product
    close(result, expected, dtype, np.sum(np.abs(C)) * np.sum(np.abs(D)))


@given(interval=intervals, n=lengths)
def test_integrals_weights_and_gram(library, interval, n):
    basis, like = Chebyshev(*interval), library.asarray(np.ones(1))
    nodes, w = np.polynomial.legendre.leggauss(n + 1)
    w = w * basis.width / 2
    T = chebyshev.chebvander(nodes, max(n - 1, 0))[:, :n]
    tol = {"rtol": 0, "atol": 1e-13 * basis.width}
    np.testing.assert_allclose(library.to_numpy(basis.integrals(n, like)), w @ T, **tol)
    np.testing.assert_allclose(library.to_numpy(basis.gram(n, like)), T.T * w @ T, **tol)
    weights = library.to_numpy(basis.weights(n, like))
    assert np.all(weights > 0)
    values = chebyshev.chebvander(located(basis, basis.points(n)), max(n - 1, 0))[:, :n]
    np.testing.assert_allclose(weights @ values, w @ T, rtol=0, atol=1e-11 * basis.width)


def test_clenshaw_curtis_with_three_points_is_simpsons_rule():
    np.testing.assert_allclose(Chebyshev().weights(3), np.asarray([1, 4, 1]) / 3)


def test_integers_are_numbers_in_double_precision():
    basis, C = Chebyshev(), np.asarray([[1], [2], [3]])
    for result in (
        basis.values(C),
        basis.coefficients(C),
        basis.derivative(C),
        basis.antiderivative(C)[1],
        basis.restricted(C, 0, 1)[1],
    ):
        assert result.dtype == np.float64


@pytest.mark.parametrize(
    ("low", "high"), [(1, 1), (2, 1), (0, np.inf), (np.nan, 1), (0, float("nan")), (-1e308, 1e308)]
)
def test_bad_intervals(low, high):
    with pytest.raises(ValueError, match="ends must be finite, and the first one the smaller"):
        Chebyshev(low, high)


def test_ends_that_are_no_numbers():
    with pytest.raises(TypeError, match="must be real numbers"):
        Chebyshev("a", 1)
