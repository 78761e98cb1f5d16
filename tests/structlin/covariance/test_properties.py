"""What every covariance function satisfies, on every array library."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings, strategies as st

from structlin.covariance import Product
from tests.structlin.covariance.kernels import kernels, simple

every = pytest.mark.parametrize("name", kernels)
few = settings(max_examples=8)
vectors = st.lists(st.floats(-5, 5), min_size=1, max_size=8).map(np.array)


def highest(kernel, most=8):
    return int(min(kernel.derivatives, most))


def block(kernel, x):
    """Return the covariance of the function and, where there is one, its derivative."""
    if kernel.derivatives < 2:
        return kernel(x)
    parts = [[kernel.derivative(x, order=(a, b)) for b in (0, 1)] for a in (0, 1)]
    return np.block(parts)


@every
@few
@given(data=st.data(), x=vectors)
def test_covariances_are_symmetric_and_positive(name, data, x):
    kernel = data.draw(kernels[name])
    K = block(kernel, x)
    np.testing.assert_allclose(K, K.T, rtol=0, atol=1e-14 * np.abs(K).max())
    # rounding errors of the entries, times the size
    assert np.linalg.eigvalsh(K)[0] >= -1e-14 * K.shape[0] * np.abs(K).max()
    for order in range(highest(kernel) // 2 + 1):
        diagonal = np.diag(kernel.derivative(x, order=(order, order)))
        np.testing.assert_array_equal(kernel.variances(x, order), diagonal)


@every
@few
@given(data=st.data(), start=st.floats(0.2, 4), length=st.floats(0.05, 0.2), side=st.booleans())
def test_integrals_of_derivatives_are_differences(name, data, start, length, side):
    kernel = data.draw(kernels[name])
    nodes, weights = np.polynomial.legendre.leggauss(40)  # exact for these, to rounding
    z = (start + length * (nodes + 1) / 2) * (-1 if side else 1)
    ends = np.array([start, start + length]) * (-1 if side else 1)
    signed = weights * (ends[1] - ends[0]) / 2
    for order in range(1, highest(kernel) + 1):
        values = kernel.at(z, order)
        before = kernel.at(ends, order - 1)
        # what is small at z beside its value at zero has been cancelled there
        size = max(np.abs(kernel.at(np.append(z, 0.0), m)).max() for m in (order - 1, order))
        assert abs(signed @ values - (before[1] - before[0])) <= 1e-11 * size


@every
@few
@given(data=st.data(), x=vectors, y=vectors)
def test_derivatives_are_those_of_the_difference(name, data, x, y):
    kernel = data.draw(kernels[name])
    a = data.draw(st.integers(0, highest(kernel, 4)))
    b = data.draw(st.integers(0, min(4, highest(kernel) - a)))
    found = kernel.derivative(x, y, order=(a, b))
    lags = x[:, None] - y[None, :]
    np.testing.assert_array_equal(found, (-1) ** b * kernel.at(lags, a + b))
    exchanged = kernel.derivative(y, x, order=(b, a)).T
    np.testing.assert_allclose(found, exchanged, rtol=0, atol=1e-13 * np.abs(found).max())
    assert found.shape == (len(x), len(y))


@every
@few
@given(data=st.data(), n=st.integers(1, 9), spacing=st.floats(1e-3, 2), offset=st.floats(-9, 9))
def test_the_row_of_even_points_is_that_of_the_matrix(name, data, n, spacing, offset):
    kernel = data.draw(kernels[name])
    x = offset + spacing * np.arange(n)
    K = kernel(x)
    # lags have rounding errors of the coordinates, times the steepness of the covariance
    tolerance = 1e-11 * kernel.variances(x[:1])[0]
    np.testing.assert_allclose(kernel.gram(x), K, rtol=0, atol=tolerance)
    np.testing.assert_allclose(kernel.row(n, spacing), K[:, 0], rtol=0, atol=tolerance)
    uneven = np.sort(np.append(x, offset + 0.3 * spacing))
    np.testing.assert_array_equal(kernel.gram(uneven), kernel(uneven))
    if kernel.derivatives >= 1:
        slope = kernel.derivative(x, order=(1, 0))[:, 0]
        close = 1e-10 * np.abs(kernel.at(np.linspace(-3, 3, 50), 2 if highest(kernel) > 1 else 1))
        np.testing.assert_allclose(kernel.row(n, spacing, 1), slope, rtol=0, atol=close.max())


@every
@few
@given(data=st.data(), x=vectors, y=vectors)
def test_gradients_are_slopes(name, data, x, y):
    kernel = data.draw(kernels[name])
    theta, h = kernel.theta, 3e-5
    gradients = list(kernel.theta_gradients(x, y))
    assert len(gradients) == len(kernel.names) == len(theta) == len(kernel.theta_bounds)
    for step, found in zip(h * np.eye(len(theta)), gradients, strict=True):
        up, down, up2, down2 = (kernel.with_theta(theta + c * step)(x, y) for c in (1, -1, 2, -2))
        slope = (8 * (up - down) - (up2 - down2)) / (12 * h)
        # phases of a few hundred lose digits, and have a large fifth derivative (times h⁴/30)
        size = kernel.variances(x[:1])[0]
        curved = any("frequencies" in n or "period" in n for n in kernel.names)
        np.testing.assert_allclose(found, slope, rtol=0, atol=(1e-6 if curved else 1e-8) * size)


@every
@few
@given(data=st.data())
def test_gradients_of_even_points_come_from_a_row(name, data):
    kernel, x = data.draw(kernels[name]), np.linspace(-1, 2, 7)
    pairs = zip(kernel.theta_gradients(x), kernel.theta_gradients(x, x), strict=True)
    for even, every_entry in pairs:
        np.testing.assert_allclose(even, every_entry, rtol=0, atol=1e-12 * 100)


@every
@few
@given(data=st.data())
def test_theta_goes_there_and_back(name, data):
    kernel = data.draw(kernels[name])
    again = kernel.with_theta(kernel.theta)
    np.testing.assert_allclose(again.theta, kernel.theta, rtol=1e-14, atol=1e-15)
    x = np.linspace(0, 2, 5)
    np.testing.assert_allclose(again(x), kernel(x), rtol=0, atol=1e-12 * kernel(x)[0, 0])
    moved = kernel.theta + 0.1
    np.testing.assert_allclose(kernel.with_theta(moved).theta, moved, rtol=1e-13, atol=1e-14)
    low, high = kernel.theta_bounds.T
    assert np.all((low < kernel.theta) & (kernel.theta < high))


@pytest.mark.parametrize("name", [name for name in simple if name != "periodic"])
@settings(max_examples=4)
@given(data=st.data(), f=st.floats(0.05, 1.5))
def test_spectral_densities_are_transforms(name, data, f):
    kernel = data.draw(simple[name])
    found = kernel.spectral_density(np.array([f, -f]))
    assert found[0] == found[1] >= 0
    # an integral over half periods, and a series of them that is accelerated
    total, _ = scipy.integrate.quad(
        lambda z: kernel.at(np.array([z]))[0], 0, np.inf, weight="cos", wvar=2 * np.pi * f
    )
    assert abs(found[0] - 2 * total) <= 1e-7 * kernel.variances(np.zeros(1))[0]


@pytest.mark.parametrize("name", [name for name in simple if name != "periodic"])
@settings(max_examples=4)
@given(data=st.data())
def test_spectral_densities_integrate_to_the_variance(name, data):
    kernel = data.draw(simple[name])
    # in the logarithm of the frequency all are smooth, and fall exponentially on both sides
    t = np.arange(-60.0, 80.0, 0.01)
    total = 2 * np.trapezoid(kernel.spectral_density(np.exp(t)) * np.exp(t), t)
    np.testing.assert_allclose(total, kernel.variances(np.zeros(1))[0], rtol=1e-9)


@every
@settings(max_examples=2)
@given(data=st.data())
def test_every_library_and_precision(name, data, library):
    kernel = data.draw(kernels[name])
    x, y = np.array([-1.0, 0.0, 0.25, 2.0]), np.linspace(0, 1, 3)
    order = (highest(kernel, 8) // 2, highest(kernel, 8) - highest(kernel, 8) // 2)
    order = min(order[0], 4), min(order[1], 4)

    def everything(x, y):
        yield kernel(x, y)
        yield kernel.variances(x)
        yield kernel.gram(y)
        yield kernel.at(x, 0)
        yield kernel.row(4, 0.5, like=x)
        yield kernel.derivative(x, y, order=order)
        yield from kernel.theta_gradients(x)
        yield from kernel.theta_gradients(y)
        if name in simple and name != "periodic":
            yield kernel.spectral_density(x + 3)

    moved = [library.asarray(x), library.asarray(y)]
    single = [library.asarray(x, np.float32), library.asarray(y, np.float32)]
    variance = kernel.variances(x)[0]
    rows = zip(everything(x, y), everything(*moved), everything(*single), strict=True)
    for expected, found, rough in rows:
        size = max(np.abs(expected).max(), variance)
        np.testing.assert_allclose(library.to_numpy(found), expected, rtol=0, atol=1e-12 * size)
        assert found.dtype == library.dtype("float64")
        assert rough.dtype == library.dtype("float32")
        np.testing.assert_allclose(library.to_numpy(rough), expected, rtol=0, atol=1e-3 * size)


@every
@few
@given(data=st.data(), power=st.sampled_from([-150, -6, 6, 150]))
def test_multiples_scale(name, data, power):
    kernel, x = data.draw(kernels[name]), np.linspace(0, 2, 4)
    expected = 10.0**power * kernel(x)
    np.testing.assert_allclose((10.0**power * kernel)(x), expected, rtol=1e-12)
    assert isinstance(kernel, Product) or (kernel * 2.0).names == kernel.names


@every
@given(data=st.data())
@settings(max_examples=3)
def test_no_points_and_one_point(name, data):
    kernel = data.draw(kernels[name])
    assert kernel.gram(np.zeros(0)).shape == (0, 0)
    assert kernel(np.zeros(0), np.ones(3)).shape == (0, 3)
    np.testing.assert_array_equal(kernel.gram(np.ones(1)), kernel(np.ones(1)))
    np.testing.assert_array_equal(kernel.at(np.array([3])), kernel.at(np.array([3.0])))
