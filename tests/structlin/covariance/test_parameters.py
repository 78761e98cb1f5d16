"""Parameters of covariance functions, their limits, combinations, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin.covariance import (
    Matern,
    Periodic,
    Product,
    RationalQuadratic,
    SpectralMixture,
    SquaredExponential,
    Sum,
)

x = np.linspace(0, 1, 5)
line = SpectralMixture([1, 2], [0, 3.0], [0.1, 0.2])


def test_theta_has_logarithms_of_positive_parameters():
    assert SquaredExponential(2.0, 3.0).names == ("length_scale", "variance")
    np.testing.assert_allclose(SquaredExponential(2.0, 3.0).theta, np.log([2, 3]))
    assert line.names[:3] == ("weights[0]", "weights[1]", "frequencies[0]")
    np.testing.assert_allclose(line.theta, [0, math.log(2), 0, 3, *np.log([0.1, 0.2])])
    assert line.with_theta([0, 0, -1, 2, 0, 0]) == SpectralMixture([1, 1], [-1, 2], [1, 1])
    assert RationalQuadratic(2.0).parameters == {"alpha": 2, "length_scale": 1, "variance": 1}


def test_limits():
    kernel = Matern(2.5, 0.5).limited(length_scale=(0.1, 2.0))
    np.testing.assert_allclose(kernel.theta_bounds, [np.log([0.1, 2]), [-np.inf, np.inf]])
    kernel = kernel.with_theta([0.0, 0.0]).limited(variance=(0, 5))
    np.testing.assert_allclose(kernel.theta_bounds, [np.log([0.1, 2]), [-np.inf, np.log(5)]])
    found = line.limited(frequencies=(-5, 5)).theta_bounds
    np.testing.assert_allclose(found[2:4], [[-5, 5], [-5, 5]])


def test_fixed_parameters_are_left_out():
    kernel = Periodic(2.0, 0.5, 3.0).fixed("period").fixed("variance")
    assert kernel.names == ("length_scale",)
    assert kernel.with_theta([0.0]).parameters == {"period": 2, "length_scale": 1, "variance": 3}
    assert len(list(kernel.theta_gradients(x))) == 1
    nothing = kernel.fixed()
    assert nothing.theta.shape == (0,)
    assert nothing.theta_bounds.shape == (0, 2)
    assert nothing.with_theta([]) == nothing
    assert line.fixed("frequencies").names == (
        "weights[0]", "weights[1]", "widths[0]", "widths[1]"
    )  # fmt: skip


def test_sums_products_and_multiples():
    a, b, c = SquaredExponential(0.3), Matern(1.5), Periodic(0.7)
    np.testing.assert_allclose((a + b + c)(x), a(x) + b(x) + c(x))
    np.testing.assert_allclose((a * b * c)(x), a(x) * b(x) * c(x))
    np.testing.assert_allclose((2 * (a + b) * c)(x), 2 * (a(x) + b(x)) * c(x))
    assert 3 * a == SquaredExponential(0.3, 3.0) == a * 3
    assert 2.0 * line == SpectralMixture([2, 4], [0, 3.0], [0.1, 0.2])
    assert (a + b) + c == a + (b + c) == Sum((a, b, c))
    assert (a * b) * c == Product((a, b, c))
    assert (a + b).derivatives == (a * b).derivatives == 2
    assert (a + b * c).names == (
        "parts[0].length_scale",
        "parts[0].variance",
        "parts[1].parts[0].length_scale",
        "parts[1].parts[0].variance",
        "parts[1].parts[1].period",
        "parts[1].parts[1].length_scale",
        "parts[1].parts[1].variance",
    )
    np.testing.assert_allclose(
        (a + b).spectral_density(x), a.spectral_density(x) + b.spectral_density(x)
    )
    assert repr(Sum((a, b)) * c).startswith("(SquaredExponential(length_scale=0.3")
    assert hash(a + b) == hash(Sum((a, b)))


def test_parts_keep_their_limits():
    a = SquaredExponential(0.3).fixed("variance") * Matern(1.5).limited(variance=(0.5, 2))
    assert a.names == ("parts[0].length_scale", "parts[1].length_scale", "parts[1].variance")
    np.testing.assert_allclose(a.theta_bounds[2], np.log([0.5, 2]))
    np.testing.assert_allclose(a.with_theta(a.theta + 1).theta, a.theta + 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SquaredExponential(0.0), "length_scale is 0"),
        (lambda: RationalQuadratic(-1.0), "alpha is -1"),
        (lambda: Periodic(math.inf), "period is inf"),
        (lambda: SpectralMixture([1], [0, 1], [1]), "1 weights, 2 frequencies, 1 widths"),
        (lambda: SpectralMixture([], [], []), "0 weights"),
        (lambda: SpectralMixture([1], [0], [0]), r"widths\[0\] is 0"),
        (lambda: SpectralMixture([1], [np.nan], [1]), r"frequencies\[0\] is nan"),
        (lambda: SpectralMixture([1], [0], [1], family="normal"), "'gaussian' or 'student'"),
        (lambda: Matern().limited(variance=(2, 3)), "variance is 1, outside of its limits 2 and 3"),
        (lambda: Matern().limited(nu=(1, 3)), "has no parameter 'nu': it has length_scale"),
        (lambda: Matern().fixed("width"), "has no parameter 'width'"),
        (lambda: Matern().with_theta([0.0]), "learns length_scale, variance: pass 2 numbers"),
        (lambda: Matern().with_theta([0.0, np.nan]), "variance is nan"),
        (lambda: (Matern() + Matern()).with_theta([0.0]), "pass 4 numbers"),
        (lambda: -1.0 * Matern(), "-1.0 times a covariance is none"),
        (lambda: SquaredExponential()(np.array([0, np.nan])), r"x has a NaN or Inf at \[1\]"),
        (lambda: SquaredExponential()(x, np.ones((2, 2))), r"y is \(2, 2\)"),
        (lambda: SquaredExponential().at(x, 9), "is 9: pass one from 0 to 8"),
        (lambda: SquaredExponential().derivative(x, order=(5, 0)), "is 5: pass one from 0 to 4"),
        (lambda: SquaredExponential().at(x, -1), "is -1"),
        (lambda: Matern(1.5).derivative(x, order=(2, 1)), r"order 3 of Matern\(nu=1.5"),
        (lambda: (Matern(0.5) * SquaredExponential()).at(x, 1), r"it has 0 continuous"),
    ],
)
def test_what_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SquaredExponential((1.0,)), r"length_scale is \(1.0,\): pass a number"),
        (lambda: SquaredExponential(True), "length_scale is True"),
        (lambda: SpectralMixture(1.0, 0.0, 1.0), "weights is 1.0: pass a sequence"),
        (lambda: SquaredExponential() + 1.0, "unsupported operand"),
        (lambda: SquaredExponential().at(x, 1.5), "is 1.5: pass an integer"),
        (lambda: SquaredExponential()(1j * x), "x has complex numbers"),
    ],
)
def test_what_is_of_the_wrong_kind(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_the_density_of_a_product_has_no_closed_form():
    with pytest.raises(NotImplementedError, match="no closed form"):
        (Matern() * Matern()).spectral_density(x)
