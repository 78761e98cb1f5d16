"""Sums of shifted kernels as functions, against the sums themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import erf

from structlin._errors import ConvergenceWarning
from structlin.tensors import (
    ChebTucker,
    Fourier,
    GaussianKernel,
    InverseMultiquadric,
    LongRangeCoulomb,
    LongRangeSlater,
)


def charges(N, d, seed=0, spread=1.0, dtype="float64"):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-spread, spread, (N, d))
    weights = rng.choice([-1.0, 1.0], N)
    if np.dtype(dtype).kind == "c":
        weights = weights * np.exp(1j * rng.uniform(0, 6, N))
    return centres.astype(np.zeros(1, dtype).real.dtype), weights.astype(dtype)


def direct(kernel, centres, weights, points):
    r = np.sqrt(sum((x[:, None] - c) ** 2 for x, c in zip(points.T, centres.T, strict=True)))
    return kernel(r) @ weights


def error_of(f, kernel, centres, weights, box, count=4000):
    """Return the largest error relative to the largest value, at the centres too."""
    rng = np.random.default_rng(99)
    low, high = np.asarray(box, dtype=float).T
    points = low + (high - low) * rng.random((count, len(box)))
    points[: len(centres)] = np.clip(centres[:count], low, high)
    exact = direct(kernel, centres.astype(float), weights, points)
    return np.max(np.abs(f(*points.T) - exact)) / np.max(np.abs(exact))


def coulomb(sigma):
    return lambda r: np.where(
        r > 0, erf(r / sigma) / np.where(r > 0, r, 1), 2 / (sigma * math.sqrt(math.pi))
    )


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-12])
def test_long_range_potential(tol):
    centres, weights = charges(1000, 3)
    box = [(-1, 1)] * 3
    f = ChebTucker.from_kernel_sum(LongRangeCoulomb(0.2), centres, weights, box, tol=tol, rng=0)
    assert f.converged
    assert f.error_estimate <= tol
    assert error_of(f, coulomb(0.2), centres, weights, box) <= tol
    assert max(f.ranks) <= {1e-4: 22, 1e-8: 34, 1e-12: 46}[tol]
    assert f.report.seed == 0


kernels = st.sampled_from(
    [
        GaussianKernel(0.5),
        GaussianKernel(2.0),
        InverseMultiquadric(0.4),
        InverseMultiquadric(0.7, 2),
        LongRangeCoulomb(0.4),
        LongRangeCoulomb(0.5, 1.0),
        LongRangeSlater(0.5, 2.0),
    ]
)


@settings(max_examples=12)
@given(
    kernel=kernels,
    N=st.integers(1, 30),
    d=st.integers(1, 3),
    tol=st.sampled_from([1e-3, 1e-6, 1e-9]),
    spread=st.sampled_from([0.0, 0.5, 3.0]),
    dtype=st.sampled_from(["float64", "complex128"]),
    seed=st.integers(0, 9),
)
def test_kernels_boxes_and_centres(library, kernel, N, d, tol, spread, dtype, seed):
    centres, weights = charges(N, d, seed, spread, dtype)
    box = [(-1.0, 1.0), (-0.5, 2.0), (0.0, 0.7)][:d]
    f = ChebTucker.from_kernel_sum(
        kernel, library.asarray(centres), library.asarray(weights), box, tol=tol, rng=seed
    )
    assert f.dtype == library.dtype(dtype)
    assert f.converged
    points = np.random.default_rng(seed).uniform(*np.transpose(box), (200, d))
    found = library.to_numpy(f(*(library.asarray(x) for x in points.T)))
    exact = direct(kernel, centres, weights, points)
    assert np.max(np.abs(found - exact)) <= 2 * tol * np.max(np.abs(exact))


def test_centres_far_outside_and_long_boxes():
    centres, weights = charges(50, 2)
    centres = centres * [1.0, 400.0] + [7.0, 500.0]
    box = [(5, 6), (1e-3, 1e3)]
    kernel = InverseMultiquadric(200.0)
    f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-7, rng=0)
    assert error_of(f, kernel, centres, weights, box) <= 1e-7


def test_five_variables():
    centres, weights = charges(8, 5)
    kernel, box = GaussianKernel(1.0), [(-1, 1)] * 5
    f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-5, rng=0)
    points = np.random.default_rng(1).uniform(-1, 1, (200, 5))
    squares = np.sum((points[:, None, :] - centres) ** 2, axis=2)
    values = np.exp(-squares) @ weights
    assert f.converged
    assert np.max(np.abs(f(*points.T) - values)) <= 1e-5 * np.max(np.abs(values))


def test_four_variables():
    centres, weights = charges(20, 4)
    box, kernel = [(-1, 1)] * 4, GaussianKernel(1.5)
    f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-6, rng=0)
    assert error_of(f, kernel, centres, weights, box) <= 1e-6


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales(scale):
    centres, weights = charges(40, 2)
    box, kernel = [(-1, 1)] * 2, GaussianKernel(0.8)
    f = ChebTucker.from_kernel_sum(kernel, centres, scale * weights, box, tol=1e-8, rng=0)
    assert f.converged
    assert error_of(f * (1 / scale), kernel, centres, weights, box) <= 1e-8


def test_single_precision():
    centres, weights = charges(40, 3, dtype="float32")
    box, kernel = [(-1, 1)] * 3, GaussianKernel(0.8)
    f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-5, rng=0)
    assert f.dtype == np.float32
    assert error_of(f, kernel, centres, weights, box, 500) <= 2e-5
    with pytest.raises(ValueError, match="float32 holds"):
        ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-10)


def test_zeros_and_no_terms():
    box, kernel = [(-1, 1)] * 2, GaussianKernel(0.8)
    centres = np.zeros((2, 2))
    for weights in (np.zeros(2), np.array([1.0, -1.0]), np.zeros(0)):
        f = ChebTucker.from_kernel_sum(kernel, centres[: len(weights)], weights, box)
        assert f.ranks == (1, 1)
        assert f.converged
        assert float(f(0.3, 0.4)) == 0


def test_a_dipole_loses_digits_and_says_so():
    # two opposite charges at a distance of 1e-9: nine digits cancel
    centres = np.array([[0.1, 0.2], [0.1 + 1e-9, 0.2]])
    weights = np.array([1.0, -1.0])
    box, kernel = [(-1, 1)] * 2, GaussianKernel(0.8)
    f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-4, rng=0)
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 500))
    gap = centres[1, 0] - centres[0, 0]
    slope = 2 * (x - 0.1) / 0.64 * np.exp(-((x - 0.1) ** 2 + (y - 0.2) ** 2) / 0.64)
    exact = -gap * slope
    assert np.max(np.abs(f(x, y) - exact)) <= 1e-4 * np.max(np.abs(exact))
    with pytest.warns(ConvergenceWarning, match="cancel"):
        f = ChebTucker.from_kernel_sum(kernel, centres, weights, box, tol=1e-11, rng=0)
    assert not f.converged
    assert 1e-11 < f.error_estimate < 1e-3


def test_bad_input():
    box, kernel = [(-1, 1)] * 2, GaussianKernel(0.8)
    centres, weights = charges(4, 2)

    def build(centres=centres, weights=weights, box=box, kernel=kernel, **options):
        return ChebTucker.from_kernel_sum(kernel, centres, weights, box, **options)

    bad = centres.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"centres has a NaN or Inf at \[2, 1\]"):
        build(centres=bad)
    with pytest.raises(ValueError, match=r"weights has a NaN or Inf at \[0\]"):
        build(weights=weights * np.array([np.inf, 1, 1, 1]))
    with pytest.raises(ValueError, match=r"\(N, d\)"):
        build(weights=weights[:3])
    with pytest.raises(ValueError, match="2 axes"):
        build(box=[(-1, 1)])
    with pytest.raises(ValueError, match="periodic"):
        build(box=[(-1, 1), Fourier(0, 1)])
    with pytest.raises(ValueError, match="tol"):
        build(tol=0.0)
    with pytest.raises(ValueError, match="float64 holds"):
        build(tol=1e-17)
    with pytest.raises(TypeError, match="RadialKernel"):
        build(kernel=np.exp)
    with pytest.raises(TypeError, match="real"):
        build(centres=centres + 1j)
    with pytest.raises(MemoryError, match="narrow"):
        build(kernel=GaussianKernel(1e-9))
    with pytest.raises(MemoryError, match="narrow"):  # found before any table is made
        build(kernel=InverseMultiquadric(1e-3, 4))
