"""Kronecker Gaussian processes on complete grids against dense formulas and against themselves."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.bases import Grid
from structlin.covariance import Matern, Periodic, SquaredExponential
from structlin.solvers.gp import KroneckerGP

KERNELS = (Matern(2.5, 0.4, 1.3), Matern(1.5, 0.6), SquaredExponential(0.8, 0.7))
NOISE = 0.01


class Dense(NamedTuple):
    """The same process by dense linear algebra."""

    prior: Any
    crosses: Any
    noisy: Any
    values: Any

    @property
    def weights(self) -> Any:
        return np.linalg.solve(self.noisy, self.values)

    @property
    def likelihood(self) -> float:
        normal = scipy.stats.multivariate_normal(cov=self.noisy, allow_singular=False)
        return float(sum(normal.logpdf(y) for y in self.values.T))

    @property
    def covariance(self) -> Any:
        return self.prior - self.crosses @ np.linalg.solve(self.noisy, self.crosses.T)


def kron(matrices: Any) -> Any:
    made = np.ones((1, 1))
    for matrix in matrices:
        made = np.kron(made, matrix)
    return made


def dense(kernels: Any, axes: Any, new: Any, Y: Any, noise: float, order: Any = None) -> Dense:
    order = (0,) * len(axes) if order is None else order
    three = list(zip(kernels, axes, new, order, strict=True))
    size = math.prod(len(x) for x in axes)
    return Dense(
        kron(k.derivative(s, s, order=(a, a)) for k, _, s, a in three),
        kron(k.derivative(s, x, order=(a, 0)) for k, x, s, a in three),
        kron(k(x, x) for k, x, _, _ in three) + noise * np.eye(size),
        Y.reshape(size, -1),
    )


def cube(rng: Any, n: int = 9) -> tuple[Any, Any]:
    """Return axes of even, random and mirrored nodes, and values."""
    x = np.linspace(0.0, 1.0, n)
    y = np.sort(rng.uniform(0.0, 2.0, n))
    z = 1.5 - 1.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
    return (x, y, z), rng.standard_normal((n, n, n))


NEW = (np.linspace(-0.1, 0.8, 4), np.asarray([0.3, 1.7]), np.linspace(0.5, 2.9, 3))


@pytest.mark.parametrize("outputs", [1, 2])
def test_likelihood_and_gradient_equal_dense_ones(rng: Any, outputs: int) -> None:
    axes, Y = cube(rng, 9 if outputs == 1 else 6)
    Y = np.stack([Y**k for k in range(1, outputs + 1)], axis=-1)
    gp = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    reference = dense(KERNELS, axes, axes, Y, NOISE)
    value, gradient = gp.log_marginal_likelihood(grad=True)
    assert value == pytest.approx(reference.likelihood, rel=1e-10)
    # ½ αᵀ ∂S α − ½ tr(S⁻¹ ∂S), with ∂S formed
    inverse, alpha = np.linalg.inv(reference.noisy), reference.weights
    grams = [k(x) for k, x in zip(KERNELS, axes, strict=True)]
    changes = []
    for j, (kernel, x) in enumerate(zip(KERNELS, axes, strict=True)):
        for change in kernel.theta_gradients(x):
            changes.append(kron([*grams[:j], change, *grams[j + 1 :]]))
    changes.append(NOISE * np.eye(len(inverse)))
    expected = [(np.sum(alpha * (c @ alpha)) - outputs * np.sum(inverse * c)) / 2 for c in changes]
    assert len(gp.names) == len(expected)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


@pytest.mark.parametrize("outputs", [None, 1, 3])
def test_posterior_equals_dense_one(rng: Any, outputs: int | None) -> None:
    axes, Y = cube(rng, 6)
    if outputs is not None:
        Y = rng.standard_normal((*Y.shape, outputs))
    reference = dense(KERNELS, axes, NEW, Y, NOISE)
    gp = KroneckerGP(KERNELS, NOISE, mean=0.7).fit(axes, Y + 0.7)
    post = gp.posterior(*NEW)
    shape = (4, 2, 3) if outputs is None else (4, 2, 3, outputs)
    mean = (reference.crosses @ reference.weights).reshape(shape) + 0.7
    np.testing.assert_allclose(post.mean, mean, rtol=0, atol=1e-10)
    variance = np.diag(reference.covariance).reshape(4, 2, 3)
    np.testing.assert_allclose(post.variance, variance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(post.std() ** 2, variance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(post.covariance(), reference.covariance, rtol=0, atol=1e-12)
    value = gp.log_marginal_likelihood()
    assert value == pytest.approx(reference.likelihood, rel=1e-10)


def test_covariance_of_chosen_points(rng: Any) -> None:
    axes, Y = cube(rng, 5)
    post = KroneckerGP(KERNELS, NOISE).fit(axes, Y).posterior(*NEW)
    everything = post.covariance()
    chosen = np.asarray([[1, 1, 2], [3, 0, 0], [1, 1, 2]])
    flat = np.ravel_multi_index(tuple(chosen.T), (4, 2, 3))
    expected = everything[np.ix_(flat, flat)]
    np.testing.assert_allclose(post.covariance(chosen), expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(post.covariance(flat), expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(
        np.diag(everything).reshape(4, 2, 3), post.variance, rtol=0, atol=1e-13
    )


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    noise=st.sampled_from([1e-4, 1e-1, 10.0]),
    seed=st.integers(0, 2**20),
)
def test_any_shape_equals_dense(sizes: list[int], noise: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = [np.sort(rng.uniform(0, 3, n)) + np.arange(n) / n for n in sizes]
    new = [np.sort(rng.uniform(0, 3, n)) for n in rng.integers(1, 4, len(sizes))]
    Y = rng.standard_normal(sizes)
    kernels = KERNELS[: len(sizes)]
    gp = KroneckerGP(kernels, noise).fit(axes, Y)
    reference = dense(kernels, axes, new, Y, noise)
    assert gp.log_marginal_likelihood() == pytest.approx(reference.likelihood, rel=1e-10)
    post = gp.posterior(*new)
    mean = reference.crosses @ reference.weights[:, 0]
    np.testing.assert_allclose(post.mean.ravel(), mean, rtol=0, atol=1e-9)
    variance = np.diag(reference.covariance)
    np.testing.assert_allclose(post.variance.ravel(), variance, rtol=0, atol=1e-10)


def test_leave_one_out_equals_fits_without_the_value(rng: Any) -> None:
    axes, Y = cube(rng, 4)
    Y = np.stack([Y, Y**2], axis=-1)
    loo = KroneckerGP(KERNELS, NOISE, mean=0.2).fit(axes, Y).leave_one_out()
    S = dense(KERNELS, axes, axes, Y, NOISE).noisy
    for place in (0, 17, 40):
        others = np.arange(64) != place
        weights = np.linalg.solve(S[np.ix_(others, others)], S[others, place])
        index = np.unravel_index(place, (4, 4, 4))
        variance = S[place, place] - weights @ S[others, place]
        mean = 0.2 + weights @ (Y.reshape(64, 2)[others] - 0.2)
        assert loo.variance[index] == pytest.approx(variance, rel=1e-9)
        np.testing.assert_allclose(loo.mean[index], mean, rtol=0, atol=1e-9)
        density = scipy.stats.norm(mean, np.sqrt(variance)).logpdf(Y[index])
        np.testing.assert_allclose(loo.log_density[index], density, rtol=1e-9)


def test_samples_have_the_mean_and_the_covariance(rng: Any) -> None:
    axes, Y = cube(rng, 5)
    post = KroneckerGP(KERNELS, NOISE).fit(axes, Y).posterior(*(x[:2] for x in NEW))
    count = 4000
    drawn = post.sample(count, rng=7).reshape(count, -1)
    error = np.sqrt(np.max(post.variance) / count)
    assert np.max(np.abs(np.mean(drawn, axis=0) - post.mean.ravel())) < 5 * error
    covariance = np.cov(drawn.T)
    scale = np.max(post.variance) * math.sqrt(2 / count)
    assert np.max(np.abs(covariance - post.covariance())) < 5 * scale


def test_samples_are_those_of_their_seed(rng: Any) -> None:
    axes, Y = cube(rng, 4)
    Y = np.stack([Y, -Y], axis=-1)
    post = KroneckerGP(KERNELS, NOISE).fit(axes, Y).posterior(*NEW)
    drawn = post.sample(5, rng=3)
    assert drawn.shape == (5, 4, 2, 3, 2)
    np.testing.assert_allclose(post.sample(2, rng=3), drawn[:2], rtol=0, atol=1e-12)
    assert np.max(np.abs(post.sample(5, rng=4) - drawn)) > 0.01
    # outputs have their own randomness: mirrored data do not give mirrored samples
    assert np.max(np.abs(drawn[..., 0] + drawn[..., 1])) > 0.01
    assert post.sample(0, rng=3).shape == (0, 4, 2, 3, 2)


def test_samples_without_noise_meet_the_values(rng: Any) -> None:
    axes = (np.linspace(0, 1, 6), np.linspace(0, 1, 5))
    Y = rng.standard_normal((6, 5))
    gp = KroneckerGP([Matern(0.5, 0.3), Matern(1.5, 0.3)], 0.0).fit(axes, Y)
    np.testing.assert_allclose(gp.posterior().mean, Y, rtol=0, atol=1e-10)
    np.testing.assert_allclose(gp.posterior().sample(3, rng=0), Y + np.zeros((3, 1, 1)), atol=1e-8)
    assert np.max(gp.posterior().variance) < 1e-12


@pytest.mark.parametrize("order", [(1, 0), (0, 2), (1, 1)])
def test_derivatives_of_the_posterior(rng: Any, order: tuple[int, int]) -> None:
    kernels = (SquaredExponential(0.5, 2.0), Matern(2.5, 0.8))
    axes = (np.linspace(0, 1, 7), np.sort(rng.uniform(0, 1, 6)))
    new, Y = NEW[:2], rng.standard_normal((7, 6))
    gp = KroneckerGP(kernels, 0.1, mean=5.0).fit(axes, Y + 5.0)
    reference = dense(kernels, axes, new, Y, 0.1, order)
    post = gp.posterior(*new, order=order)
    np.testing.assert_allclose(
        post.mean.ravel(), (reference.crosses @ reference.weights)[:, 0], rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(post.covariance(), reference.covariance, rtol=1e-8, atol=1e-9)
    variance = np.diag(reference.covariance)
    np.testing.assert_allclose(post.variance.ravel(), variance, rtol=1e-8)
    drawn = post.sample(3000, rng=5).reshape(3000, -1)
    spread = np.cov(drawn.T) / np.sqrt(np.outer(variance, variance))
    assert np.max(np.abs(np.diag(spread) - 1)) < 5 * math.sqrt(2 / 3000)


def test_values_stand_in_c_order() -> None:
    x, y, z = np.linspace(0, 1, 8), np.linspace(0, 2, 9), np.linspace(0, 3, 10)
    grid = Grid(x, y, z)

    def f(x: Any, y: Any, z: Any) -> Any:
        return np.sin(x) + 10 * y + x * np.cos(z)

    kernels = [SquaredExponential(s, 100.0) for s in (1.0, 2.0, 3.0)]
    Y = np.stack([grid.evaluate(f), -grid.evaluate(f)], axis=-1)
    gp = KroneckerGP(kernels, 1e-8).fit(grid, Y)
    np.testing.assert_allclose(gp.posterior().mean, Y, rtol=0, atol=1e-3)
    new = Grid(np.asarray([0.35]), np.asarray([0.1, 1.3]), np.asarray([0.2, 1.1, 2.2]))
    np.testing.assert_allclose(gp.posterior(new).mean[..., 0], new.evaluate(f), rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [1e150, 1e-150])
@pytest.mark.parametrize("length", [1e6, 1e-6])
def test_scales_of_values_and_nodes_do_not_matter(rng: Any, size: float, length: float) -> None:
    axes, Y = cube(rng, 5)
    plain = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    kernels = [k.replaced(length_scale=k.length_scale * length) for k in KERNELS]
    kernels[0] = kernels[0].replaced(variance=kernels[0].variance * size * size)
    scaled = KroneckerGP(kernels, NOISE * size * size)
    scaled.fit([x * length for x in axes], Y * size)
    value, gradient = plain.log_marginal_likelihood(grad=True)
    expected = value - Y.size * math.log(size)
    found, slope = scaled.log_marginal_likelihood(grad=True)
    assert found == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=1e-8)
    a, b = plain.posterior(*NEW), scaled.posterior(*(x * length for x in NEW))
    np.testing.assert_allclose(b.mean / size, a.mean, rtol=0, atol=1e-9)
    np.testing.assert_allclose(b.std() / size, a.std(), rtol=1e-8)
    np.testing.assert_allclose(b.sample(2, rng=1) / size, a.sample(2, rng=1), rtol=0, atol=1e-7)


def test_zero_values_have_zero_mean(rng: Any) -> None:
    axes, Y = cube(rng, 4)
    gp = KroneckerGP(KERNELS, NOISE).fit(axes, 0 * Y)
    assert np.all(gp.posterior(*NEW).mean == 0)
    _, gradient = gp.log_marginal_likelihood(grad=True)
    assert np.all(np.isfinite(gradient))
    with pytest.raises(ValueError, match="equal the prior mean"):
        gp.fit(axes, 0 * Y, optimize=True)


def test_learning_finds_the_parameters_of_the_data() -> None:
    x, y = np.linspace(0, 10, 40), np.linspace(0, 10, 45)
    kernels = [Matern(2.5, 1.5, 4.0), SquaredExponential(0.8)]
    truth = KroneckerGP(kernels, 0.09)
    # Cholesky factors have no signs to choose: the data are the same on every machine
    grams = [k(t) + 1e-9 * np.eye(len(t)) for k, t in zip(kernels, (x, y), strict=True)]
    roots = [np.linalg.cholesky(C) for C in grams]
    rng = np.random.default_rng(2)
    prior = roots[0] @ rng.standard_normal((40, 45)) @ roots[1].T
    Y = prior + 0.3 * rng.standard_normal(prior.shape)
    start = [Matern(2.5, 0.5), SquaredExponential(2.0).fixed("variance")]
    gp = KroneckerGP(start, 1.0).fit((x, y), Y, optimize=True, starts=4, rng=0, progress=False)
    assert gp.learning is not None
    assert gp.learning.converged
    assert gp.noise == pytest.approx(0.09, rel=0.2)
    ((first, second),) = gp.kernels
    assert first.length_scale == pytest.approx(1.5, rel=0.3)
    assert second.length_scale == pytest.approx(0.8, rel=0.2)
    assert second.variance == 1.0
    best = gp.log_marginal_likelihood()
    assert best >= truth.fit((x, y), Y).log_marginal_likelihood()
    _, gradient = gp.log_marginal_likelihood(grad=True)
    assert np.max(np.abs(gradient)) < 1e-4 * Y.size
    assert best == pytest.approx(gp.learning.log_likelihood, rel=1e-12)


def test_bands_hold_as_many_values_as_they_promise() -> None:
    x, y = np.linspace(0, 10, 61), np.linspace(0, 10, 41)
    kernels = [Matern(1.5, 1.0, 2.0), SquaredExponential(0.7)]
    far = Grid(np.asarray([-1e4]), np.asarray([-1e4]))
    prior = KroneckerGP(kernels, 0.1).fit(far, np.zeros((1, 1))).posterior(x, y)
    truths = prior.sample(5, rng=1)
    noise = 0.3 * np.random.default_rng(2).standard_normal(truths.shape)
    outside = []
    for truth, added in zip(truths, noise, strict=True):
        gp = KroneckerGP(kernels, 0.09).fit((x[::2], y[::2]), (truth + added)[::2, ::2])
        post = gp.posterior(x[1::2], y[1::2])
        outside.append(np.abs(post.mean - truth[1::2, 1::2]) > 2 * post.std())
    assert 0.93 < 1 - np.mean(outside) < 0.975  # 0.954 of a normal distribution


def test_learning_keeps_bounds_and_starts_again(rng: Any) -> None:
    axes = (np.linspace(0, 1, 12), np.linspace(0, 1, 11))
    Y = np.sin(9 * axes[0])[:, None] * axes[1] + 0.1 * rng.standard_normal((12, 11))
    kernels = [SquaredExponential(0.5).limited(length_scale=(0.4, 0.6)), Matern(2.5, 0.5)]
    gp = KroneckerGP(kernels, 0.1).fit(axes, Y, optimize=True, starts=3, rng=5, progress=False)
    assert 0.4 <= gp.kernels[0][0].length_scale <= 0.6
    assert gp.learning is not None
    assert len(gp.learning.reached) == 3
    assert gp.learning.log_likelihood == max(gp.learning.reached)
    again = KroneckerGP(kernels, 0.1).fit(axes, Y, optimize=True, starts=3, rng=5, progress=False)
    assert again.kernels == gp.kernels
    scaled = KroneckerGP(kernels, 0.1)
    scaled.fit(axes, 1e120 * Y, optimize=True, starts=1, progress=False)
    once = KroneckerGP(kernels, 0.1).fit(axes, Y, optimize=True, progress=False)
    assert scaled.noise / 1e240 == pytest.approx(once.noise, rel=1e-3)


def test_learning_that_stops_early_is_told(rng: Any) -> None:
    axes = (np.linspace(0, 1, 12), np.linspace(0, 1, 11))
    Y = np.sin(9 * axes[0])[:, None] * axes[1] + 0.1 * rng.standard_normal((12, 11))
    gp = KroneckerGP([SquaredExponential(3.0), Matern(2.5, 3.0)], 1.0)
    with pytest.warns(ConvergenceWarning, match="raise maxiter"):
        gp.fit(axes, Y, optimize=True, maxiter=1)
    assert gp.learning is not None
    assert not gp.learning.converged


def test_clipped_eigenvalues_are_counted(rng: Any) -> None:
    axes = (np.linspace(0, 1, 40), np.linspace(0, 1, 3))
    gp = KroneckerGP([SquaredExponential(1.0), Matern(0.5, 1.0)], 1e-3)
    report = gp.fit(axes, rng.standard_normal((40, 3))).report
    assert report.method == "eigendecompositions"
    assert report.converged
    assert report.jitter == 0
    assert report.clipped[0] > 0
    assert report.clipped[1] == 0


class Parabola(SquaredExponential):
    """No covariance function: ``1 - (x - y)²`` is indefinite."""

    def _at(self, lags: Any, order: int) -> Any:
        return 1 - lags**2


def test_an_indefinite_kernel_names_its_axis(rng: Any) -> None:
    axes = (np.linspace(0, 1, 4), np.linspace(0, 3, 5))
    with pytest.raises(ValueError, match="axis 1 has the eigenvalue -"):
        KroneckerGP([Matern(0.5), Parabola()], 1.0).fit(axes, rng.standard_normal((4, 5)))


def test_no_noise_on_a_singular_matrix_is_an_error(rng: Any) -> None:
    axes = (np.linspace(0, 1, 30), np.linspace(0, 1, 3))
    for noise in (0.0, 1e-30):
        with pytest.raises(ValueError, match=r"axis 0 is singular to rounding.*pass noise"):
            KroneckerGP([SquaredExponential(1.0), Matern(0.5)], noise).fit(
                axes, rng.standard_normal((30, 3))
            )


def test_bad_values_are_told(rng: Any) -> None:
    axes, Y = cube(rng, 4)
    gp = KroneckerGP(KERNELS, NOISE)
    with pytest.raises(ValueError, match=r"\(4, 4, 3\) but the grid has \(4, 4, 4\).*C order"):
        gp.fit(axes, Y[:, :, :3])
    broken = Y.copy()
    broken[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"Y has a NaN or Inf at \[1, 2, 3\].*missing='nan'"):
        gp.fit(axes, broken)
    broken[1, 2, 3] = np.inf
    with pytest.raises(ValueError, match=r"at \[1, 2, 3\]"):
        gp.fit(axes, broken, missing="nan")
    with pytest.raises(ValueError, match="everything is masked"):
        gp.fit(axes, Y, mask=np.zeros((4, 4, 4), dtype=bool))
    with pytest.raises(ValueError, match="everything is masked"):
        gp.fit(axes, Y * np.nan, missing="nan")
    with pytest.raises(ValueError, match="pass booleans"):
        gp.fit(axes, Y, mask=np.ones((4, 4), dtype=bool))
    with pytest.raises(ValueError, match="noise_var has entries"):
        gp.fit(axes, Y, noise_var=0 * Y)
    with pytest.raises(ValueError, match="3 kernels but the grid has 2 axes"):
        gp.fit(axes[:2], Y[0])
    with pytest.raises(TypeError, match="complex"):
        gp.fit(axes, Y + 0j)
    with pytest.raises(ValueError, match="nodes 0 and 1 of axis 0 are equal"):
        gp.fit((np.zeros(4), *axes[1:]), Y)


def test_bad_parameters_are_told(rng: Any) -> None:
    for wrong, error in ((-1.0, ValueError), (np.nan, ValueError), ("1", TypeError)):
        with pytest.raises(error, match="noise"):
            KroneckerGP(KERNELS, wrong)
    with pytest.raises(TypeError, match="no covariance function"):
        KroneckerGP([Matern(0.5), 3.0], 0.1)
    with pytest.raises(TypeError, match="for every axis"):
        KroneckerGP([], 0.1)
    with pytest.raises(ValueError, match="call fit"):
        KroneckerGP(KERNELS, 0.1).posterior()
    axes, Y = cube(rng, 4)
    gp = KroneckerGP(KERNELS, 0.1).fit(axes, Y)
    with pytest.raises(ValueError, match="2 axes but the process has 3"):
        gp.posterior(*NEW[:2])
    with pytest.raises(ValueError, match="order is"):
        gp.posterior(*NEW, order=(1, 0))
    with pytest.raises(ValueError, match="Matern"):
        _ = gp.posterior(*NEW, order=(0, 2, 0)).variance
    post = gp.posterior(*NEW)
    with pytest.raises(IndexError, match=r"indices\[1\] is 24"):
        post.covariance(np.asarray([3, 24]))
    with pytest.raises(IndexError, match="3 axes"):
        post.covariance(np.asarray([[1, 1]]))
    with pytest.raises(MemoryError, match="fewer points"):
        post.covariance(max_bytes=1000)
    with pytest.raises(ValueError, match="count is"):
        post.sample(-1)


def test_single_precision_stays(rng: Any) -> None:
    axes, Y = cube(rng, 12)
    double = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    axes = tuple(x.astype(np.float32) for x in axes)
    single = KroneckerGP(KERNELS, NOISE).fit(axes, Y.astype(np.float32))
    a, b = double.posterior(*NEW), single.posterior(*(x.astype(np.float32) for x in NEW))
    assert b.mean.dtype == b.variance.dtype == b.covariance([0]).dtype == np.float32
    assert b.sample(1, rng=0).dtype == np.float32
    np.testing.assert_allclose(b.mean, a.mean, rtol=0, atol=1e-4 * np.max(np.abs(Y)))
    np.testing.assert_allclose(b.variance, a.variance, rtol=0, atol=1e-4)
    assert single.log_marginal_likelihood() == pytest.approx(
        double.log_marginal_likelihood(), rel=1e-4
    )


def test_every_array_library(library: Any, rng: Any) -> None:
    axes, Y = cube(rng, 4)
    Y = np.stack([Y, Y**2], axis=-1)
    plain = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    moved = KroneckerGP(KERNELS, NOISE)
    moved.fit([library.asarray(x) for x in axes], library.asarray(Y))
    a = plain.posterior(*NEW)
    b = moved.posterior(*(library.asarray(x) for x in NEW))
    for name in ("mean", "variance"):
        found = library.to_numpy(getattr(b, name))
        np.testing.assert_allclose(found, getattr(a, name), rtol=0, atol=1e-11)
    np.testing.assert_allclose(library.to_numpy(b.std()), a.std(), rtol=1e-9)
    np.testing.assert_allclose(
        library.to_numpy(b.covariance([3, 4])), a.covariance([3, 4]), rtol=0, atol=1e-12
    )
    slope = moved.posterior(*(library.asarray(x) for x in NEW), order=(1, 0, 0))
    wanted = plain.posterior(*NEW, order=(1, 0, 0))
    np.testing.assert_allclose(library.to_numpy(slope.std()), wanted.std(), rtol=1e-8)
    assert library.to_numpy(slope.sample(1, rng=0)).shape == (1, 4, 2, 3, 2)
    # signs of eigenvectors differ between libraries, and the samples with them
    assert library.to_numpy(b.sample(2, rng=1)).shape == (2, 4, 2, 3, 2)
    value, gradient = moved.log_marginal_likelihood(grad=True)
    expected, right = plain.log_marginal_likelihood(grad=True)
    assert value == pytest.approx(expected, rel=1e-11)
    np.testing.assert_allclose(gradient, right, rtol=1e-9)
    found, wanted = moved.leave_one_out(), plain.leave_one_out()
    for name in ("mean", "variance", "log_density"):
        got = library.to_numpy(getattr(found, name))
        np.testing.assert_allclose(got, getattr(wanted, name), rtol=0, atol=1e-10)


@settings(max_examples=10)
@given(n=st.integers(1, 12), period=st.floats(0.3, 3.0))
def test_even_nodes_use_the_mirror(n: int, period: float) -> None:
    from structlin.solvers.gp._factors import factor

    kernel = Periodic(period, 0.8) * Matern(1.5, 0.7)
    grid = Grid(np.linspace(0.0, 1.0, n))
    found = factor(kernel, grid, 0)
    K = kernel(grid.axes[0])
    Q = found.vectors
    np.testing.assert_allclose(Q.T @ Q, np.eye(n), rtol=0, atol=1e-13)
    made = (Q * found.eigenvalues) @ Q.T * found.largest
    np.testing.assert_allclose(made, K, rtol=0, atol=1e-13 * max(1.0, np.max(K) * n))


def test_no_warnings_on_plain_use(rng: Any) -> None:
    axes, Y = cube(rng, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gp = KroneckerGP(KERNELS, NOISE).fit(axes, Y, mask=np.ones((3, 3, 3), dtype=bool))
    assert gp.report.method == "eigendecompositions"
    assert "Matern" in repr(gp)
    assert "3x3x3" in repr(gp.posterior())
