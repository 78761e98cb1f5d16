"""Covariance functions against formulas and special functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given, strategies as st

from structlin.covariance import (
    Matern,
    Periodic,
    RationalQuadratic,
    SpectralMixture,
    SquaredExponential,
    _bessel,
)

z = np.array([-2.0, -0.3, 0.0, 1e-9, 0.1, 0.7, 5.0])


def test_formulas():
    np.testing.assert_allclose(SquaredExponential(0.7, 3).at(z), 3 * np.exp(-z * z / 0.98))
    np.testing.assert_allclose(
        RationalQuadratic(0.3, 0.7, 3).at(z), 3 * (1 + z**2 / (2 * 0.3 * 0.49)) ** -0.3
    )
    np.testing.assert_allclose(
        Periodic(1.3, 0.7, 3).at(z), 3 * np.exp(-2 * np.sin(np.pi * z / 1.3) ** 2 / 0.49)
    )
    waves = np.cos(2 * np.pi * np.outer([0.2, -3.0], z))
    gaussian = np.exp(-2 * np.pi**2 * np.outer([0.25, 0.01], z**2))  # of squared widths
    np.testing.assert_allclose(
        SpectralMixture([1, 2], [0.2, -3.0], [0.5, 0.1]).at(z), [1, 2] @ (waves * gaussian)
    )


@given(st.floats(0.05, 90), st.floats(1e-3, 30))
def test_matern_is_a_bessel_function(nu, r):
    kernel = Matern(nu, np.sqrt(2 * nu))
    logarithm = (1 - nu) * np.log(2) - scipy.special.gammaln(nu) + nu * np.log(r)
    bessel = scipy.special.kve(nu, r)
    if np.isfinite(bessel):
        expected = np.exp(logarithm - r) * bessel
        # the logarithm has rounding errors of its terms, and SciPy a few
        np.testing.assert_allclose(kernel.at(np.array([r]))[0], expected, rtol=0, atol=2e-13)


@given(st.just(0.0) | st.floats(1e-3, 30), st.floats(1e-9, 60))
def test_the_quadrature_is_the_bessel_function_of_scipy(order, r):
    r = np.array([r])
    shift = -math.lgamma(max(order, 0.1))
    found, expected = _bessel._quadrature(order, r, shift), _bessel._by_scipy(order, r, shift)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("nu", [2.1, 3.0, 3.2, 3.5, 12.5, 40.0])
def test_derivatives_of_matern_at_zero(nu):
    # moments of a Student-t density: the second and the fourth
    found = [Matern(nu, 0.5, 2.0).at(np.zeros(1), order)[0] for order in (1, 2, 3, 4)]
    second, fourth = -2 * nu / (nu - 1) * 4, 2 * 3 * nu**2 / ((nu - 1) * (nu - 2)) * 16
    np.testing.assert_allclose(found, [0, second, 0, fourth], rtol=1e-12)


@pytest.mark.parametrize("nu", [0.05, 0.5, 0.9, 1.0, 1.5, 2.0, 2.5, 3.7, 4.5])
def test_matern_has_the_derivatives_below_twice_its_smoothness(nu):
    kernel, x = Matern(nu), np.zeros(1)
    last = int(np.ceil(2 * nu)) - 1
    assert kernel.derivatives == last
    for order in range(min(last, 8) + 1):
        at_zero, near = kernel.at(np.array([0.0, 1e-300]), order)
        np.testing.assert_allclose(near, at_zero, rtol=1e-14, atol=1e-14)
    if last < 8:
        with pytest.raises(ValueError, match=rf"Matern\(nu={nu}.*: it has {last} continuous"):
            kernel.at(x, last + 1)


def test_derivatives_of_matern_five_halves():
    # by hand, with a = √5 / l
    a, z = np.sqrt(5) / 0.4, np.array([-0.8, -0.1, 0.0, 0.3, 1.1])
    E, d = np.exp(-a * np.abs(z)), np.abs(z)
    kernel = Matern(2.5, 0.4)
    np.testing.assert_allclose(kernel.at(z, 1), -(a**2) / 3 * z * (1 + a * d) * E, atol=1e-14)
    np.testing.assert_allclose(kernel.at(z, 2), -(a**2) / 3 * (1 + a * d - (a * d) ** 2) * E)
    np.testing.assert_allclose(kernel.at(z, 3), a**4 / 3 * z * (3 - a * d) * E, atol=1e-12)
    np.testing.assert_allclose(
        kernel.at(z, 4), a**4 / 3 * (3 - 5 * a * d + (a * d) ** 2) * E, rtol=1e-12
    )


def test_student_lines_are_matern_times_cosine():
    kernel = SpectralMixture([2.0], [1.5], [0.3], family="student")
    expected = 2 * Matern(2.5, 1 / (0.6 * np.pi)).at(z) * np.cos(3 * np.pi * z)
    np.testing.assert_allclose(kernel.at(z), expected, atol=1e-15)
    f = np.linspace(-4, 4, 9)

    def density(s):
        peak = scipy.special.gamma(3) / scipy.special.gamma(2.5) / np.sqrt(5 * np.pi) / 0.3
        return peak * (1 + (s / 0.3) ** 2 / 5) ** -3

    np.testing.assert_allclose(kernel.spectral_density(f), density(f - 1.5) + density(f + 1.5))


def test_limits_are_squared_exponentials():
    expected = SquaredExponential(0.7).at(z)
    for kernel in (Matern(1e5, 0.7), Matern(1e5 + 0.5, 0.7), RationalQuadratic(1e6, 0.7)):
        np.testing.assert_allclose(kernel.at(z), expected, atol=1e-5)
        single = kernel.at(z.astype(np.float32))
        np.testing.assert_allclose(single, expected, atol=1e-4)
    f = np.array([0.0, 0.3, 1.0])
    np.testing.assert_allclose(
        RationalQuadratic(1e6, 0.7).spectral_density(f),
        SquaredExponential(0.7).spectral_density(f),
        atol=1e-5,
    )


def test_spectral_density_of_a_heavy_tail_is_infinite_at_zero():
    f = np.array([0.0, 0.1])
    assert np.isinf(RationalQuadratic(0.4).spectral_density(f)[0])
    assert np.isinf(RationalQuadratic(0.5).spectral_density(f)[0])
    assert np.isfinite(RationalQuadratic(0.6).spectral_density(f)).all()


@given(st.floats(0.05, 5), st.floats(0.2, 4))
def test_lines_of_a_periodic_function(length_scale, period):
    kernel = Periodic(period, length_scale, 2.0)
    frequencies, powers = kernel.spectral_lines(200)
    waves = np.cos(2 * np.pi * np.outer(z, frequencies))
    np.testing.assert_allclose(waves @ powers, kernel.at(z), atol=1e-11)
    with pytest.raises(ValueError, match="its power is in lines"):
        kernel.spectral_density(z)


@pytest.mark.parametrize("stretch", [1e-6, 1e6, 1e100])
@pytest.mark.parametrize(
    ("make", "order"),
    [
        (lambda c: SquaredExponential(0.3 * c), 0),
        (lambda c: Matern(2.5, 0.3 * c), 1),
        (lambda c: Matern(1.7, 0.3 * c), 1),
        (lambda c: RationalQuadratic(0.8, 0.3 * c), 2),
        (lambda c: Periodic(1.1 * c, 0.5), 1),
        (lambda c: SpectralMixture([1, 2], [0, 3 / c], [0.1 / c, 0.2 / c]), 2),
    ],
)
def test_units_do_not_matter(make, order, stretch):
    x = np.array([0.0, 0.1, 0.35, 2.0])
    first, second = make(1.0), make(stretch)
    np.testing.assert_allclose(second(stretch * x), first(x), rtol=1e-9, atol=1e-13)
    scaled = second.at(stretch * x, order) * stretch**order
    np.testing.assert_allclose(scaled, first.at(x, order), rtol=1e-9, atol=1e-11)
    if make(1.0) != Periodic(1.1, 0.5):
        density = second.spectral_density(x / stretch) / stretch
        np.testing.assert_allclose(density, first.spectral_density(x), rtol=1e-9)


def test_far_points_have_nothing_in_common():
    far = np.array([0.0, 1e3, 1e20, 1e150, 1e300])
    for kernel in (SquaredExponential(1e-6), Matern(0.3), Matern(2.5, 1e-9), Matern(7.7)):
        for order in (0, int(min(kernel.derivatives, 4))):
            found = kernel.at(far, order)
            assert np.all(np.isfinite(found))
            assert np.all(np.abs(found[2:]) == 0)
    assert np.all(np.isfinite(RationalQuadratic(0.1).at(far, 4)))
