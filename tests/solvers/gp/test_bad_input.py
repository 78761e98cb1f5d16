"""Strange input of Gaussian processes on grids: what must work, and what must be told clearly."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.bases import Grid
from structlin.covariance import Matern, SquaredExponential
from structlin.solvers.gp import KroneckerGP, _incomplete, _sums
from structlin.solvers.gp._few import FewValues
from structlin.solvers.gp._incomplete import Incomplete
from structlin.solvers.gp._near_identity import conjugate_gradients
from structlin.solvers.gp._sums import SumOfProducts

X, Y_NODES = np.linspace(0.0, 1.0, 6), np.linspace(0.0, 2.0, 5)
KERNELS = [SquaredExponential(0.5), Matern(1.5)]
SUM = [KERNELS, [Matern(0.5, 0.7), SquaredExponential(0.2)]]
HOLES = np.arange(30).reshape(6, 5) % 4 > 0


def values():
    return np.random.default_rng(0).standard_normal((6, 5))


def fitted(kernels=KERNELS, noise=0.1, Y=None, **how):
    return KroneckerGP(kernels, noise).fit((X, Y_NODES), values() if Y is None else Y, **how)


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(
    ("kernels", "mask"), [(KERNELS, None), (KERNELS, HOLES), (SUM, None), (SUM, HOLES)]
)
def test_copies_and_pickles_do_the_same(monkeypatch, copied, few, kernels, mask):
    if not few:
        monkeypatch.setattr(_incomplete, "most_values", 0)
        monkeypatch.setattr(_sums, "most_values", 0)
    gp = fitted(kernels, mask=mask, rng=0)
    post = gp.posterior(np.asarray([0.3]), np.asarray([0.1, 1.7]))
    kept = copied(post)
    assert np.array_equal(kept.mean, post.mean)
    gp.log_marginal_likelihood(grad=True)
    twin = copied(gp)
    assert np.array_equal(twin.posterior().variance, gp.posterior().variance)
    twin.extend(np.asarray([1.5]), np.ones((1, 5)))
    assert twin.grid.shape == (7, 5)


def test_orders_of_derivatives_may_be_of_numpy():
    gp = fitted()
    wanted = gp.posterior(order=(1, 0)).mean
    assert np.array_equal(gp.posterior(order=np.asarray([1, 0])).mean, wanted)
    assert np.array_equal(gp.posterior(order=(np.int64(1), 0)).mean, wanted)
    for order in (1, (1.0, 0), (1, -1), (1,), "ab"):
        with pytest.raises(ValueError, match="pass 2 integers"):
            gp.posterior(order=order)


def test_no_points_have_an_empty_covariance():
    assert fitted().posterior().covariance(np.zeros(0, int)).shape == (0, 0)
    assert fitted().posterior().covariance(np.zeros((0, 2), int)).shape == (0, 0)


def test_samples_that_do_not_fit_are_refused_before_they_are_drawn():
    with pytest.raises(MemoryError):
        fitted().posterior().sample(10**15)


def test_an_axis_that_does_not_fit_is_named(monkeypatch):
    def gram(kernel, x):
        raise MemoryError

    monkeypatch.setattr(Matern, "gram", gram)
    with pytest.raises(MemoryError, match="axis 1 has 5 nodes"):
        fitted()


def test_variances_of_noise_are_real():
    with pytest.raises(TypeError, match="complex"):
        fitted(noise_var=np.full((6, 5), 1j))


@pytest.mark.parametrize("factor", [1e200, 1e-200])
@pytest.mark.parametrize("mask", [None, HOLES])
def test_kernels_out_of_range_are_told(factor, mask):
    with pytest.raises(ValueError, match="variances of the kernels"):
        fitted([factor * k for k in KERNELS], mask=mask)


@pytest.mark.parametrize("mask", [None, HOLES])
def test_factors_of_kernels_may_cancel(mask):
    made = fitted([1e200 * KERNELS[0], 1e-200 * KERNELS[1]], mask=mask).posterior()
    wanted = fitted(mask=mask).posterior()
    np.testing.assert_allclose(made.mean, wanted.mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(made.variance, wanted.variance, rtol=1e-10)


def test_leave_one_out_with_values_missing():
    Y = values()
    loo = fitted(mask=HOLES).leave_one_out()
    assert np.array_equal(np.isnan(loo.mean), ~HOLES)
    i, j = np.argwhere(HOLES)[7]
    without = HOLES.copy()
    without[i, j] = False
    left = fitted(mask=without).posterior()
    assert loo.mean[i, j] == pytest.approx(left.mean[i, j], rel=1e-9)
    assert loo.variance[i, j] == pytest.approx(left.variance[i, j] + 0.1, rel=1e-9)
    density = -((Y[i, j] - loo.mean[i, j]) ** 2) / loo.variance[i, j] / 2
    density -= np.log(2 * np.pi * loo.variance[i, j]) / 2
    assert loo.log_density[i, j] == pytest.approx(density, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_variances_of_sums_keep_their_digits_in_any_unit(unit):
    grid = Grid(X, Y_NODES)
    new = np.asarray([0.25, 0.9]), np.asarray([0.4])

    def reduction(size):
        terms = [(size**2 * first, second) for first, second in SUM]
        made = SumOfProducts(grid, terms, values()[None], 0.1 * size**2, rng=0)
        crosses = [[k(s, x) for k, s, x in zip(t, new, grid.axes, strict=True)] for t in terms]
        return made.variance_reduction(crosses) / size**2

    np.testing.assert_allclose(reduction(unit), reduction(1.0), rtol=1e-8)


@pytest.mark.parametrize("unit", [1e-200, 1e160])
def test_learning_tells_values_out_of_proportion(unit):
    with pytest.raises(ValueError, match="out of proportion"):
        fitted(Y=unit * values(), optimize=True)


def test_learning_tells_what_ends_at_the_end_of_its_range():
    kernels = [KERNELS[0].limited(variance=(0.5, 1.5)), KERNELS[1].fixed("variance")]
    with pytest.warns(ConvergenceWarning, match="the range of noise"):
        gp = fitted(kernels, Y=1e7 * values(), optimize=True)
    assert not gp.learning.converged


def test_the_noise_in_use_is_the_one_learned():
    Y = np.sin(3 * X)[:, None] + 0.1 * values()
    learned = fitted(Y=Y, noise=5.0, noise_var=0.02, optimize=True)
    assert learned.noise < 0.1
    value = learned.log_marginal_likelihood()
    again = fitted(learned.kernels[0], learned.noise, Y)
    assert again.log_marginal_likelihood() == pytest.approx(value, rel=1e-9)


def test_noise_as_small_as_rounding_errors_of_the_covariance_still_counts():
    x = np.linspace(0.0, 2.0, 300)
    mask = np.arange(300) % 10 != 3
    Y = np.where(mask, np.sin(3 * x), 0.0)[None]
    given = Grid(x), ((Matern(3.7, 0.6, 2.6),),), Y, 1e-11, mask
    found, wanted = Incomplete(*given, rng=0), FewValues(*given)
    assert found.log_likelihood() == pytest.approx(wanted.log_likelihood(), abs=0.5)
    largest = np.max(np.abs(wanted.weights))
    np.testing.assert_allclose(found.weights, wanted.weights, rtol=0, atol=0.02 * largest)


@pytest.mark.parametrize("mask", [None, HOLES])
@pytest.mark.parametrize("noise_var", [None, np.full((6, 5), 0.2)])
def test_what_is_written_over_arrays_after_the_fit_does_not_matter(mask, noise_var):
    how = {"mask": mask, "noise_var": noise_var}
    own = {name: None if array is None else array.copy() for name, array in how.items()}
    x, Y = X.copy(), values()
    gp = KroneckerGP(KERNELS, 0.1).fit((x, Y_NODES), Y, **own)
    for array in (x, Y, *own.values()):
        if array is not None:
            array[...] = 0
    found, wanted = gp.posterior(), fitted(**how).posterior()
    assert np.array_equal(found.mean, wanted.mean)
    assert np.array_equal(found.variance, wanted.variance)
    assert np.array_equal(found.sample(2, rng=0), wanted.sample(2, rng=0))


def test_a_fit_that_fails_leaves_the_one_before():
    gp = fitted(Y=np.ones((6, 5, 2)), optimize=False)
    wanted = gp.posterior().mean
    with pytest.raises(ValueError, match="NaN"):
        gp.fit((X, Y_NODES), np.full((6, 5), np.nan))
    with pytest.raises(ValueError, match="equal the prior mean"):
        gp.fit((X, Y_NODES), np.zeros((6, 5)), optimize=True)
    assert np.array_equal(gp.posterior().mean, wanted)


@pytest.mark.parametrize("unit", [1e-25, 1e25])
@pytest.mark.parametrize("mask", [None, HOLES])
def test_variances_beyond_single_precision_are_told(unit, mask):
    Y = (unit * values()).astype(np.float32)
    with pytest.raises(ValueError, match="other units of Y"):
        fitted([unit**2 * KERNELS[0], KERNELS[1]], 0.1 * unit**2, Y, mask=mask)


@pytest.mark.parametrize("unit", [1e-160, 1.0, 1e160])
def test_iterations_converge_in_any_unit(unit):
    diagonal = np.linspace(1.0, 9.0, 40)[:, None]
    B = unit * np.random.default_rng(0).standard_normal((40, 2))
    X, _, residual = conjugate_gradients(lambda X: diagonal * X, B, 200)
    assert residual <= 1e-10
    np.testing.assert_allclose(X / unit, B / diagonal / unit, rtol=0, atol=1e-9)
