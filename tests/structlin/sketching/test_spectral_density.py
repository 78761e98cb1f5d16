"""Spectral densities against spectra that are known."""

import numpy as np
import pytest
import scipy.sparse

from structlin import Toeplitz
from structlin.sketching import spectral_density

KERNELS = ["jackson", "gaussian"]


def toeplitz(library, n=1000):
    """Return the second difference, whose eigenvalues are those of a chain."""
    column = np.zeros(n)
    column[:2] = 2.0, -1.0
    values = 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    return Toeplitz(library.asarray(column)), values


@pytest.mark.parametrize("kernel", KERNELS)
def test_cumulative_distribution(kernel, library):
    A, values = toeplitz(library)
    result = spectral_density(A, kernel=kernel, rng=0)
    points = np.linspace(-1.0, 5.0, 301)
    shares = np.searchsorted(values, points, side="right") / len(values)
    x = library.asarray(points)
    found = library.to_numpy(result.cumulative(x))
    error = library.to_numpy(result.cumulative_error(x))
    # single steps are 1/60 of the weight of a probe: the staircase of a few is as coarse
    assert np.max(np.abs(found - shares)) <= (0.02 if kernel == "jackson" else 0.06)
    assert found[0] == 0
    assert found[-1] == pytest.approx(1, abs=1e-12)
    assert np.all(np.diff(found) >= -1e-12)
    assert 0 < result.error_estimate < 0.05
    assert np.max(error) < 0.05


@pytest.mark.parametrize("kernel", KERNELS)
def test_density_is_normalised_and_near(kernel, library):
    A, _ = toeplitz(library)
    result = spectral_density(A, kernel=kernel, rng=0)
    points = np.linspace(-1.0, 5.0, 4001)
    density = library.to_numpy(result.density(library.asarray(points)))
    assert np.trapezoid(density, points) == pytest.approx(1.0, abs=0.02)
    inside = (points > 0.5) & (points < 3.5)
    # of a long chain it is 1 / (π √(x (4 − x)))
    limit = 1 / (np.pi * np.sqrt(points[inside] * (4 - points[inside])))
    assert np.max(np.abs(density[inside] - limit)) < 0.05
    error = library.to_numpy(result.density_error(library.asarray(points)))
    assert np.all(error[inside] < 0.03)
    assert np.all(error[inside] > 0)


def test_moments(library):
    A, values = toeplitz(library)
    result = spectral_density(A, rng=0)
    found = library.to_numpy(result.moments(3))
    np.testing.assert_allclose(found, [1, values.mean(), np.mean(values**2)], rtol=0.02)
    # on a diagonal matrix, signs have no variance
    D = scipy.sparse.diags_array(values).tocsr()
    exact = [np.mean(values**j) for j in range(8)]
    np.testing.assert_allclose(spectral_density(D, steps=4, rng=0).moments(8), exact, rtol=1e-10)


def test_errors_are_calibrated(rng):
    X = rng.standard_normal((300, 300))
    A = X + X.T
    values = np.linalg.eigvalsh(A)
    point = np.array([values[100] / 2 + values[101] / 2])
    ratios = []
    for seed in range(20):
        result = spectral_density(A, kernel="gaussian", steps=100, rng=seed)
        ratios.append((result.cumulative(point) - 101 / 300) / result.cumulative_error(point))
    # the chance of each to miss is 1 %, at 19 degrees of freedom
    assert np.sum(np.abs(ratios) <= 3) >= 18


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [0.0, 1.0, -1e200, 1e-200])
def test_multiples_of_the_identity(kernel, size):
    result = spectral_density(size * np.eye(5), kernel=kernel, rng=0)
    unit = abs(size) or 1.0
    low, high = result.cumulative(np.array([size - 0.1 * unit, size + 0.1 * unit]))
    assert (low, high) == pytest.approx((0, 1))
    assert result.lower <= size <= result.upper


def test_one_by_one_and_single_precision():
    assert spectral_density(np.full((1, 1), 2.0)).cumulative(np.array([1.0, 3.0])).tolist() == [
        0,
        1,
    ]
    A = np.diag(np.linspace(0, 1, 200)).astype(np.complex64)
    half = spectral_density(A, rng=0).cumulative(np.array([0.5]))
    assert half[0] == pytest.approx(0.5, abs=0.02)


def test_bad_input():
    with pytest.raises(ValueError, match="square"):
        spectral_density(np.ones((3, 2)))
    with pytest.raises(ValueError, match="empty"):
        spectral_density(np.ones((0, 0)))
    with pytest.raises(ValueError, match="not Hermitian"):
        spectral_density(np.triu(np.ones((3, 3))))
    with pytest.raises(ValueError, match="NaN or Inf"):
        spectral_density(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="choose"):
        spectral_density(np.eye(3), kernel="box")
    with pytest.raises(ValueError, match="two probes"):
        spectral_density(np.eye(3), probes=1)
    with pytest.raises(ValueError, match="moments up to"):
        spectral_density(np.eye(3), degree=6)
    with pytest.raises(ValueError, match="positive"):
        spectral_density(np.eye(3), width=0.0)
    with pytest.raises(ValueError, match="points"):
        spectral_density(np.eye(3)).density(np.ones((2, 2)))
    assert "SpectralDensity" in repr(spectral_density(np.eye(3)))


@pytest.mark.parametrize("shift", [0.0, 1000.0])
@pytest.mark.parametrize("n", [100, 300, 400])
def test_the_ends_of_the_interval_are_no_poles(n, shift):
    for seed in range(5):
        found = spectral_density(np.diag(np.linspace(0.0, 1.0, n) + shift), rng=seed)
        x = np.linspace(found.lower, found.upper, 500)
        y = found.density(x)
        assert y.max() < 2
        assert np.trapezoid(y, x) == pytest.approx(1, abs=1e-3)
