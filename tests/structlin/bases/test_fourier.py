"""Trigonometric series against their definition, in every array library and precision."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.polynomial import chebyshev

from structlin.bases import Chebyshev, Fourier

dtypes = st.sampled_from(["float32", "float64", "complex64", "complex128"])
intervals = st.sampled_from([(0.0, 2 * np.pi), (-1.0, 1.0), (-5.0, 1.0), (1e-3, 1e3), (0.0, 1e-7)])
lengths = st.integers(0, 24)


def sample(n, r, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, r)) + 1j * rng.standard_normal((n, r))
    return (values if dtype.startswith("complex") else values.real).astype(dtype)


def functions(basis, x, n):
    """Return ``1, cos θ, sin θ, cos 2θ, …`` at points."""
    angles = 2 * np.pi * np.outer((x - basis.low) / basis.width, (np.arange(n) + 1) // 2)
    k = np.arange(n)
    return np.where(k == 0, 1.0, np.where(k % 2 == 1, np.cos(angles), np.sin(angles)))


def evaluated(basis, C, x):
    if basis.periodic:
        return functions(basis, x, C.shape[0]) @ C
    t = (2 * x - basis.low - basis.high) / basis.width
    return chebyshev.chebvander(t, C.shape[0] - 1) @ C


@given(interval=intervals, n=lengths)
def test_points_are_ascending_and_nested(library, interval, n):
    basis = Fourier(*interval)
    x = library.to_numpy(basis.points(n, library.asarray(np.ones(1))))
    np.testing.assert_allclose(x, basis.low + basis.width * np.arange(n) / max(n, 1), rtol=1e-14)
    np.testing.assert_array_equal(basis.points(basis.refined(n))[::2], x)


@given(dtype=dtypes, interval=intervals, n=lengths, m=lengths, seed=st.integers(0, 100))
def test_values_and_coefficients(library, dtype, interval, n, m, seed):
    basis, C = Fourier(*interval), sample(n, 2, dtype, seed)
    moved, eps = library.asarray(C), 50 * np.finfo(dtype).eps * (1 + np.sum(np.abs(C)))
    values = basis.values(moved, m)
    assert values.dtype == library.dtype(dtype)
    expected = functions(basis, basis.points(m), n) @ C
    np.testing.assert_allclose(library.to_numpy(values), expected, rtol=0, atol=n * eps)
    vander = library.to_numpy(basis.vander(library.asarray(basis.points(m)), n))
    assert vander.shape == (m, n)
    np.testing.assert_allclose(vander @ C, expected, rtol=0, atol=n * eps)
    back = basis.coefficients(basis.values(moved))
    assert back.dtype == library.dtype(dtype)
    np.testing.assert_allclose(library.to_numpy(back), C, rtol=0, atol=eps)


@given(dtype=dtypes, interval=intervals, n=lengths, seed=st.integers(0, 100))
def test_calculus(library, dtype, interval, n, seed):
    basis, C = Fourier(*interval), sample(n, 2, dtype, seed)
    eps = 100 * (n + 1) * np.finfo(dtype).eps * np.sum(np.abs(C))
    x = np.linspace(*interval, 23)
    D = basis.derivative(library.asarray(C))
    assert D.dtype == library.dtype(dtype)
    speed = 2 * np.pi / basis.width
    padded = np.concatenate([C, np.zeros((1 - n % 2, 2))]) if n else C
    k = np.arange(padded.shape[0])
    waves = functions(basis, x, padded.shape[0])
    slopes = np.zeros_like(waves)
    slopes[:, 1::2] = -waves[:, 2::2]
    slopes[:, 2::2] = waves[:, 1::2]
    expected = slopes * speed * ((k + 1) // 2) @ padded
    np.testing.assert_allclose(
        evaluated(basis, library.to_numpy(D), x), expected, rtol=0, atol=speed * eps
    )
    whole, A = basis.antiderivative(library.asarray(C))
    assert whole == Chebyshev(*interval)
    assert A.dtype == library.dtype(dtype)
    result = evaluated(whole, library.to_numpy(A), x)
    back = whole.derivative(A)
    np.testing.assert_allclose(result[0], 0, rtol=0, atol=basis.width * eps)
    np.testing.assert_allclose(
        evaluated(whole, library.to_numpy(back), x)[1:-1],
        (functions(basis, x, n) @ C)[1:-1],
        rtol=0,
        atol=20 * eps,
    )


def test_small_columns_keep_their_digits(library):
    C = np.zeros((11, 3))
    C[1, 0] = C[10, 1] = 1
    units, x = np.array([1, 1e-14, 1]), np.linspace(0, 3, 50)
    part, D = Fourier(-1, 4).restricted(library.asarray(C * units), 0, 3)
    found = evaluated(part, library.to_numpy(D), x) / units
    np.testing.assert_allclose(found, functions(Fourier(-1, 4), x, 11) @ C, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 9, 64, 401])
@pytest.mark.parametrize("part", [(0.0, 1.0), (0.2, 0.3), (0.5, 0.5001)])
def test_restriction(library, dtype, n, part):
    basis, C = Fourier(-1, 4), sample(n, 2, dtype) / n
    low, high = (basis.low + share * basis.width for share in part)
    smaller, D = basis.restricted(library.asarray(C), low, high)
    assert smaller == Chebyshev(low, high)
    assert D.dtype == library.dtype(dtype)
    x = np.linspace(low, high, 97)
    np.testing.assert_allclose(
        evaluated(smaller, library.to_numpy(D), x),
        functions(basis, x, n) @ C,
        rtol=0,
        atol=50 * np.finfo(dtype).eps * np.sum(np.abs(C)),
    )
    assert D.shape[0] < np.pi * n * (part[1] - part[0]) / 2 * 1.5 + 60


@given(dtype=dtypes, n=st.integers(1, 12), m=st.integers(1, 12))
def test_products(library, dtype, n, m):
    basis, C, D = Fourier(0, 1), sample(n, 2, dtype), sample(m, 3, dtype, 1)
    result = basis.product(library.asarray(C), library.asarray(D))
    assert result.dtype == library.dtype(dtype)
    x = np.linspace(0, 1, 41)
    left, right = functions(basis, x, n) @ C, functions(basis, x, m) @ D
    np.testing.assert_allclose(
        evaluated(basis, library.to_numpy(result), x),
        (left[:, :, None] * right[:, None, :]).reshape(41, 6),
        rtol=0,
        atol=50 * np.finfo(dtype).eps * np.sum(np.abs(C)) * np.sum(np.abs(D)),
    )


@given(interval=intervals, n=st.integers(0, 20))
def test_integrals_weights_and_gram(library, interval, n):
    basis, like = Fourier(*interval), library.asarray(np.ones(1))
    m = 2 * n + 1  # equal weights integrate products of all frequencies exactly
    waves = functions(basis, basis.low + basis.width * np.arange(m) / m, n)
    tol = {"rtol": 0, "atol": 1e-12 * basis.width}
    expected = np.sum(waves, axis=0) * basis.width / m
    np.testing.assert_allclose(library.to_numpy(basis.integrals(n, like)), expected, **tol)
    gram = waves.T @ waves * basis.width / m
    np.testing.assert_allclose(library.to_numpy(basis.gram(n, like)), gram, **tol)
    weights = library.to_numpy(basis.weights(n, like))
    values = functions(basis, basis.points(n), n)
    np.testing.assert_allclose(weights @ values, expected, **tol)


def test_sizes_have_an_entry_for_every_frequency():
    sizes = Fourier().sizes(np.asarray([[1.0], [-2.0], [3.0], [4.0]]))
    np.testing.assert_array_equal(sizes, [1.0, 3.0, 4.0])
    assert [Fourier().length(count) for count in range(4)] == [0, 1, 3, 5]
