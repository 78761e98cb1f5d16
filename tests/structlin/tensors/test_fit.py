"""Functions from scattered values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.bases import Fourier
from structlin.tensors import ChebTucker


def values_of(f, x):
    """Evaluate by Chebyshev series of NumPy, without the code under test."""
    rows = []
    for k, (U, (low, high)) in enumerate(zip(f.factors, f.domain, strict=True)):
        t = (2 * x[:, k] - low - high) / (high - low)
        rows.append(np.polynomial.chebyshev.chebvander(t, U.shape[0] - 1) @ U)
    out = np.tensordot(rows[0], f.core, axes=1)
    for row in rows[1:]:
        out = np.einsum("np...,np->n...", out, row)
    return out


@pytest.mark.parametrize(
    ("function", "d"),
    [
        (lambda x: np.exp(x[:, 0]) * np.sin(6 * x[:, 0]), 1),
        (lambda x: np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1] + x[:, 2]), 3),
        (lambda x: np.exp(np.sum(x, axis=1) / 3) + x[:, 0] * x[:, 3], 4),
    ],
)
def test_smooth_functions_of_low_rank_are_found(function, d, rng):
    x, new = rng.uniform(-1, 1, (1500, d)), rng.uniform(-1, 1, (500, d))
    f = ChebTucker.fit(x, function(x), [(-1, 1)] * d, rng=0)
    assert f.converged
    assert f.error_estimate <= 1e-10
    np.testing.assert_allclose(values_of(f, new), function(new), atol=1e-8)


def test_noise_is_not_fitted(rng):
    x, new = rng.uniform(0, 2, (3000, 2)), rng.uniform(0, 2, (500, 2))
    y = np.exp(x[:, 0] - x[:, 1])
    scale = np.max(y)
    f = ChebTucker.fit(x, y + 0.1 * rng.standard_normal(3000), [(0, 2), (0, 2)], rng=0)
    assert f.error_estimate * scale == pytest.approx(0.1, rel=0.1)
    # a rank-one function of few degrees has at most 20 parameters: 0.1 √(20/3000) = 0.008
    error = values_of(f, new) - np.exp(new[:, 0] - new[:, 1])
    assert np.sqrt(np.mean(error**2)) < 0.02


def test_given_ranks_and_degrees_are_kept(library, rng):
    x = rng.uniform(-1, 1, (300, 2))
    y = (1 + x[:, 0] ** 3) * (2 - x[:, 1])
    moved = library.asarray(x), library.asarray(y)
    f = ChebTucker.fit(*moved, [(-1, 1), (-1, 1)], ranks=1, degrees=(3, 2), rng=0)
    assert (f.ranks, f.degrees) == ((1, 1), (3, 2))
    assert f.xp is library.xp
    assert f.error_estimate < 1e-10


def test_complex_values_and_scale(rng):
    x = rng.uniform(-1, 1, (400, 2))
    y = 1e150 * np.exp(1j * x[:, 0]) * (1 + x[:, 1])
    f = ChebTucker.fit(x, y, [(-1, 1), (-1, 1)], rng=0)
    assert np.max(np.abs(values_of(f, x) - y)) < 1e-8 * np.max(np.abs(y))


def test_periodic_axes(rng):
    x = np.stack([rng.uniform(0, 1, 800), rng.uniform(-1, 1, 800)], axis=1)
    y = np.sin(2 * np.pi * x[:, 0]) * np.exp(x[:, 1])
    f = ChebTucker.fit(x, y, [Fourier(0, 1), (-1, 1)], rng=0)
    assert f.error_estimate < 1e-9


def test_zero_and_the_box_of_the_points(rng):
    x = rng.uniform(3, 5, (100, 2))
    f = ChebTucker.fit(x, np.zeros(100), rng=0)
    assert np.max(np.abs(values_of(f, x))) == 0
    assert f.domain == [(x[:, k].min(), x[:, k].max()) for k in range(2)]


def test_a_lack_of_points_is_told(rng):
    x = rng.uniform(-1, 1, (60, 2))
    with pytest.warns(ConvergenceWarning, match="more points"):
        f = ChebTucker.fit(x, np.cos(20 * x[:, 0] * x[:, 1]), [(-1, 1), (-1, 1)], rng=0)
    assert not f.converged


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_many_waves_are_found(noise, rng):
    # small degrees explain nothing of them
    x, new = rng.uniform(-1, 1, (1000, 1)), rng.uniform(-1, 1, (200, 1))
    y = np.sin(20 * x[:, 0]) + noise * rng.standard_normal(1000)
    f = ChebTucker.fit(x, y, [(-1, 1)], rng=0)
    assert f.converged
    error = values_of(f, new) - np.sin(20 * new[:, 0])
    # about 40 coefficients are found from 1000 values: 0.1 √0.04 = 0.02
    assert np.sqrt(np.mean(error**2)) < 1e-8 + 0.5 * noise


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (lambda x: np.sin(3 * x[:, 0]) * x[:, 1], {"degrees": 0}),
        (lambda x: np.cos(9 * (x[:, 0] + x[:, 1])), {"ranks": 1, "degrees": 3}),
        (lambda x: np.random.default_rng(1).standard_normal(len(x)), {}),
    ],
)
def test_what_is_left_and_does_not_look_like_noise_is_told(function, options, rng):
    x = rng.uniform(-1, 1, (600, 2))
    y = function(x)
    with pytest.warns(ConvergenceWarning, match="did not reach tol"):
        f = ChebTucker.fit(x, y, [(-1, 1), (-1, 1)], rng=0, **options)
    # no better than zero or so, and that is said
    left = np.sqrt(np.mean((values_of(f, x) - y) ** 2)) / np.max(np.abs(y))
    assert f.error_estimate == pytest.approx(left, rel=0.25)


def test_the_error_is_that_between_the_points(rng):
    x, new = rng.uniform(-1, 1, (80, 2)), rng.uniform(-1, 1, (1000, 2))
    y = 0.3 * rng.standard_normal(80)
    with pytest.warns(ConvergenceWarning, match="did not reach tol"):
        f = ChebTucker.fit(x, y, [(-1, 1), (-1, 1)], ranks=3, degrees=7, rng=0)
    # 80 values of noise and 39 parameters: eight values kept apart tell it to a factor of two
    assert f.error_estimate * np.max(np.abs(y)) > 0.15
    assert np.sqrt(np.mean(values_of(f, new) ** 2)) < 1


def test_equal_points_count_once(rng):
    x = rng.uniform(-1, 1, (30, 2))
    values = np.tile(np.exp(x[:, 0]), 4)
    with pytest.raises(ValueError, match="there are 30 different points"):
        ChebTucker.fit(np.tile(x, (4, 1)), values, ranks=2, degrees=9)
    with pytest.raises(ValueError, match="all points are equal"):
        ChebTucker.fit(np.tile(x[:1], (50, 1)), np.ones(50), [(-1, 1), (-1, 1)])


def test_the_same_seed_gives_the_same_function(rng):
    x = rng.uniform(-1, 1, (200, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        f, g = (ChebTucker.fit(x, np.exp(x[:, 0] * x[:, 1]), rng=4) for _ in range(2))
    np.testing.assert_array_equal(values_of(f, x), values_of(g, x))
    assert f.report.seed == 4


P = np.random.default_rng(0).uniform(-1, 1, (30, 2))


@pytest.mark.parametrize(
    ("points", "values", "options", "message"),
    [
        (P, np.ones(29), {}, "a value is needed for every row"),
        (P[:, 0], np.ones(30), {}, r"\(N, d\) is expected"),
        (P[:0], np.ones(0), {}, "there are no points"),
        (P, np.full(30, np.nan), {}, r"values has a NaN or Inf at \[0\]"),
        (P, np.ones(30), {"domain": [(-1, 1), (0, 1)]}, "outside"),
        (P, np.ones(30), {"ranks": 4, "degrees": 9}, "pass at least 64 points"),
        (P, np.ones(30), {"ranks": 0}, "ranks is 0"),
        (P, np.ones(30), {"degrees": (1, 2, 3)}, "degrees has 3 entries"),
        (P, np.ones(30), {"tol": 1e-20}, "ask for that or more"),
        (P * [1, 0], np.ones(30), {}, "axis 1 of points has the only coordinate"),
    ],
)
def test_bad_input(points, values, options, message):
    with pytest.raises(ValueError, match=message):
        ChebTucker.fit(points, values, **options)
