"""Features: derivatives, priors, and combinations of fewer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.covariance import SpectralMixture
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._priors.extension import extension_features
from structlin.solvers.gp_pde._priors.mixture import gaussian_mixture, kernel_features

wave_lists = st.lists(st.floats(0.0, 40.0), min_size=1, max_size=5)


def some_features(frequencies):
    count = len(frequencies)
    return Features(
        0.3,
        0.7,
        frequencies,
        np.linspace(1.0, 2.0, count),
        np.arange(count),
        powers=[0, 1, 3],
        power_sds=[1.0, 0.5, 2.0],
        power_lines=[count, count, count],
    )


@given(wave_lists, st.integers(0, 3))
def test_derivatives_are_limits_of_differences(frequencies, order):
    features = some_features(frequencies)
    x, h = np.linspace(-0.4, 1.0, 7), 1e-5
    slope = (features.values(x + h, order) - features.values(x - h, order)) / (2 * h)
    scale = 1 + np.max(np.abs(features.values(x, order + 3)))
    # the error of a central difference is h² f‴/6, that of rounding eps |f|/h
    assert np.max(np.abs(slope - features.values(x, order + 1))) < 1e-9 * scale


def test_waves_and_powers_in_closed_form(library):
    features = Features(1.0, 2.0, [0.0, 3.0], [1.0, 2.0], powers=[2], power_sds=[5.0])
    x = [0.25, 1.5]
    got = features.values(library.asarray(x), order=1)
    expected = [
        [0.0, -6 * math.sin(3 * (t - 1)), 6 * math.cos(3 * (t - 1)), 5 * 2 * (t - 1) / 4] for t in x
    ]
    assert got.shape == (2, features.count) == (2, 4)
    for i in range(2):
        for k in range(4):
            assert abs(float(got[i, k]) - expected[i][k]) < 1e-13


def test_components_follow_the_columns():
    features = Features(0, 1, [0.0, 3.0, 7.0], [1, 1, 1], [0, 1, 1], [1], [1.0], [2])
    assert features.components.tolist() == [0, 1, 1, 1, 1, 2]


def test_reweighting_multiplies_variances():
    features = some_features([1.0, 5.0])
    x = np.linspace(0, 1, 4)
    heavier = features.reweighted(np.log([4.0, 1.0, 9.0])).values(x)
    factors = np.sqrt(np.asarray([4.0, 1.0, 9.0])[features.components])
    np.testing.assert_allclose(heavier, features.values(x) * factors, rtol=1e-14)


def test_joined_priors_add_their_covariances():
    one, two = some_features([2.0]), some_features([3.0, 4.0])
    x = np.linspace(0, 1, 6)
    joined = one.joined(two)
    covariance = sum(f.values(x) @ f.values(x).T for f in (one, two))
    np.testing.assert_allclose(joined.values(x) @ joined.values(x).T, covariance, rtol=1e-13)
    assert len(set(joined.components.tolist())) == 5


@given(st.sampled_from([np.float64, np.float32]))
def test_compression_keeps_the_prior_and_the_precision(dtype):
    features = gaussian_mixture(0.5, 0.5, [0.0, 4.0], [1.0, 1.0], [0.4, 0.2])
    x = np.linspace(0, 1, 60).astype(dtype)
    tol = 1e-11 if dtype == np.float64 else 1e-5
    fewer = features.compressed(x, (0, 2), tol)
    assert fewer.count < features.count
    assert fewer.values(x).dtype == dtype
    for order in (0, 2):
        whole, part = features.values(x, order), fewer.values(x, order)
        difference = whole @ whole.T - part @ part.T
        assert np.max(np.abs(difference)) < 100 * tol * np.max(np.abs(whole @ whole.T))


def test_compression_stays_in_its_library(library):
    x = library.asarray([k / 30 for k in range(31)])
    fewer = gaussian_mixture(0.5, 0.5, [0.0], [1.0], [0.3]).compressed(x, tol=1e-6)
    assert 0 < fewer.count < 16
    assert fewer.values(x, 1).shape == (31, fewer.count)


def test_what_compression_forgets_is_refused():
    fewer = some_features([1.0]).compressed(np.linspace(0, 1, 9))
    with pytest.raises(ValueError, match="reweight them before"):
        fewer.reweighted([0.0, 0.0])
    with pytest.raises(ValueError, match="join them before"):
        fewer.joined(some_features([1.0]))
    with pytest.raises(ValueError, match="different axes"):
        some_features([1.0]).joined(Features(0.0, 1.0, [1.0], [1.0]))


@given(st.floats(0.0, 30.0), st.floats(0.01, 0.4))
def test_gaussian_bumps_have_their_covariance(frequency, width):
    x = np.linspace(0, 1, 9)
    values = gaussian_mixture(0.5, 0.5, [frequency], [1.5], [width]).values(x)
    d = x[:, None] - x[None, :]
    envelope = np.exp(-2 * (np.pi * width * d) ** 2)
    expected = 2.25 * envelope * np.cos(2 * np.pi * frequency * d)
    np.testing.assert_allclose(values @ values.T, expected, atol=1e-9)


def test_kernels_become_features_of_their_covariance():
    x = np.linspace(0, 1, 200)
    for family, tolerance in (("gaussian", 1e-6), ("student", 1e-3)):
        kernel = SpectralMixture([1.0, 0.5], [0.0, 9.0], [0.4, 0.5], family=family)
        values = kernel_features(kernel, x).values(x)
        expected = kernel(x)
        near = np.abs(x[:, None] - x[None, :]) <= 1.0
        assert np.max(np.abs(values @ values.T - expected)[near]) < tolerance


def test_the_extension_holds_what_is_not_periodic():
    x = np.linspace(-1, 3, 120)
    V = extension_features(x).values(x)
    f = np.exp(0.7 * x) * np.cos(5 * x)
    weights = np.linalg.lstsq(V, f, rcond=1e-13)[0]
    between = np.linspace(-1, 3, 77)
    got = extension_features(x).values(between) @ weights
    assert np.max(np.abs(got - np.exp(0.7 * between) * np.cos(5 * between))) < 1e-6


def test_an_axis_of_one_node_has_features():
    one = np.asarray([2.0])
    assert extension_features(one).values(one).shape[0] == 1
