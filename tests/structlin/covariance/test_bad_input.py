"""Strange input of covariance functions: what must work, and what must be told clearly."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.covariance import Matern, Periodic, RationalQuadratic, SquaredExponential


@pytest.mark.parametrize(("far", "dtype"), [(1e15, np.float64), (1e6, np.float32)])
def test_uneven_points_far_from_zero_are_not_taken_as_even(far, dtype):
    x = np.asarray([0.0, 0.5, 0.75, 1.5])
    kernel = SquaredExponential(0.5)
    moved = (far + x).astype(dtype)
    np.testing.assert_allclose(kernel.gram(moved), kernel(x), rtol=0, atol=1e-6)
    found, wanted = (list(kernel.theta_gradients(points)) for points in (moved, x))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [SquaredExponential, Matern, RationalQuadratic])
def test_frequencies_far_beyond_the_spectrum_have_no_power(kind):
    assert kind(length_scale=1e200).spectral_density(np.asarray([1.0]))[0] < 1e-100


@pytest.mark.parametrize(
    "covariances",
    [
        lambda x: SquaredExponential(1e-200).derivative(x, order=(1, 1)),
        lambda x: Matern(2.5, 1e-200).at(x, 2),
        lambda x: Matern(2.5, 1e-200).variances(x, 1),
        lambda x: Periodic(length_scale=1e-200)(x),
    ],
)
def test_what_leaves_the_range_of_numbers_is_told(covariances):
    with pytest.raises(ValueError, match="leaves the range of double precision"):
        covariances(np.asarray([0.0, 1.0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda k: k.with_theta(np.asarray([1j, 0])), "theta is complex"),
        (lambda k: k.with_theta("ab"), "theta is"),
        (lambda k: (k + k).with_theta(np.ones(4) * 1j), "theta is complex"),
        (lambda k: k.limited(length_scale=1.0), "pass two numbers"),
        (lambda k: k.limited(length_scale=("a", "b")), "pass two numbers"),
        (lambda k: k.limited(length_scale=(None, 2)), "pass two numbers"),
        (lambda k: k.derivative(np.ones(2), order=1), "two integers"),
        (lambda k: k.derivative(np.ones(2), order=(1, 1, 1)), "two integers"),
    ],
)
def test_what_is_of_the_wrong_kind(make, message):
    with pytest.raises(TypeError, match=message):
        make(SquaredExponential())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SquaredExponential().row(-1, 0.5), "n is -1"),
        (lambda: SquaredExponential().row(3, np.inf), "finite"),
        (lambda: Periodic().spectral_lines(-1), "count is -1"),
        (lambda: Periodic().spectral_lines(2.5), "count is 2.5"),
    ],
)
def test_counts_and_spacings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
