"""Radial kernels against their closed forms."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.special import erf

from structlin.tensors import (
    GaussianKernel,
    InverseMultiquadric,
    LongRangeCoulomb,
    LongRangeSlater,
    RadialKernel,
)

widths = st.floats(0.1, 3)
tolerances = st.sampled_from([1e-3, 1e-6, 1e-9, 1e-12])


def summed(kernel, tol, r):
    exponents, weights = kernel.quadrature(tol, float(np.max(r)))
    return weights @ np.exp(-exponents[:, None] * r**2), len(weights)


@given(widths, tolerances, st.floats(0.1, 8))
def test_quadratures_meet_their_tolerance(width, tol, radius):
    r = np.linspace(1e-6, radius, 301)
    for kernel, exact in (
        (GaussianKernel(width), np.exp(-((r / width) ** 2))),
        (LongRangeCoulomb(width), erf(r / width) / r),
        (InverseMultiquadric(width), 1 / np.sqrt(r**2 + width**2)),
        (InverseMultiquadric(width, 2), 1 / (r**2 + width**2)),
        (InverseMultiquadric(width, 5), (r**2 + width**2) ** -2.5),
    ):
        found, _ = summed(kernel, tol, r)
        assert np.max(np.abs(found - exact)) <= 3 * tol * exact[0]


@given(widths, st.floats(0.2, 3))
def test_ranges_add_up(sigma, decay):
    r = np.linspace(1e-3, 6, 101)
    for kernel, exact in (
        (LongRangeCoulomb(sigma), 1 / r),
        (LongRangeCoulomb(sigma, decay), np.exp(-decay * r) / r),
        (LongRangeSlater(sigma, decay), np.exp(-decay * r)),
    ):
        error = np.abs(kernel(r) + kernel.remainder(r) - exact)
        assert np.max(error) <= 1e-12 * max(float(kernel(np.zeros(1))[0]), 1)
        assert abs(kernel.remainder(np.asarray([12 * sigma]))[0]) < 1e-12


def test_other_libraries_have_the_same_values(library):
    r = np.linspace(1e-2, 3, 40)
    for kernel in (
        GaussianKernel(0.7),
        InverseMultiquadric(0.5, 3),
        LongRangeCoulomb(0.4),
        LongRangeCoulomb(0.4, 1.2),
        LongRangeSlater(0.4, 1.2),
    ):
        found = library.to_numpy(kernel(library.asarray(r)))
        np.testing.assert_allclose(found, kernel(r), rtol=0, atol=1e-12 * kernel(r)[0])
        if hasattr(kernel, "remainder"):
            found = library.to_numpy(kernel.remainder(library.asarray(r)))
            np.testing.assert_allclose(found, kernel.remainder(r), rtol=1e-12, atol=1e-12)


def test_values_at_zero():
    zero = np.zeros(1)
    assert LongRangeCoulomb(0.2)(zero)[0] == pytest.approx(2 / (0.2 * math.sqrt(math.pi)))
    assert InverseMultiquadric(0.5, 2)(zero)[0] == 4
    assert GaussianKernel(0.5)(zero)[0] == 1


def test_distances_that_are_integers():
    r = np.arange(3)
    for kernel in (LongRangeCoulomb(0.4), LongRangeSlater(0.4, 1.2), InverseMultiquadric(0.5)):
        np.testing.assert_array_equal(kernel(r), kernel(r.astype(float)))


@pytest.mark.parametrize(
    ("sigma", "tol", "most"), [(0.4, 1e-4, 14), (0.4, 1e-8, 20), (0.2, 1e-4, 18), (0.2, 1e-8, 28)]
)
def test_few_gaussians_are_enough(sigma, tol, most):
    _, count = summed(LongRangeCoulomb(sigma), tol, np.linspace(1e-9, 2 * math.sqrt(3), 9))
    assert count <= most


def test_kernels_are_values():
    assert LongRangeCoulomb(0.2) == pickle.loads(pickle.dumps(LongRangeCoulomb(0.2)))
    assert repr(LongRangeCoulomb(0.2)) == "LongRangeCoulomb(sigma=0.2, screening=0.0)"
    assert issubclass(GaussianKernel, RadialKernel)


def test_bad_parameters():
    for make in (
        lambda: LongRangeCoulomb(0.0),
        lambda: LongRangeCoulomb(-1.0),
        lambda: LongRangeCoulomb(math.nan),
        lambda: LongRangeCoulomb(1.0, -0.5),
        lambda: LongRangeSlater(1.0, 0.0),
        lambda: GaussianKernel(math.inf),
        lambda: InverseMultiquadric(0.0),
        lambda: InverseMultiquadric(1.0, 0),
    ):
        with pytest.raises(ValueError, match="must be"):
            make()
    with pytest.raises(TypeError, match="integer"):
        InverseMultiquadric(1.0, 1.5)
