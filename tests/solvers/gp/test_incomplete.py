"""Missing values and noise that varies, beside dense linear algebra."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.bases import Grid
from structlin.covariance import Matern, SquaredExponential
from structlin.solvers.gp import KroneckerGP, _weight_space
from structlin.solvers.gp._few import FewValues
from structlin.solvers.gp._incomplete import Incomplete

SE = SquaredExponential


def dense(terms, axes, others=None):
    """Return ``Σ ⊗ K`` between the points of two grids."""
    others = axes if others is None else others
    return sum(
        functools.reduce(np.kron, [k(x, y) for k, x, y in zip(term, axes, others, strict=True)])
        for term in terms
    )


def problem(rng, shape=(9, 9, 9), missing=0.4, outputs=1):
    axes = tuple(np.sort(rng.uniform(0, 1, n)) for n in shape)
    values = rng.standard_normal((outputs, *shape))
    mask = rng.random(shape) > missing
    mask.flat[0] = True
    return axes, values, mask, 10 ** rng.uniform(-4, -1, shape)


def conditioned(terms, axes, values, noise, mask, new):
    """Return mean, variance and log likelihood by dense matrices."""
    places = np.flatnonzero(mask)
    K = dense(terms, axes)[np.ix_(places, places)]
    noise = np.broadcast_to(noise, mask.shape).ravel()[places]
    S = K + np.diag(noise)
    y = values.reshape(len(values), -1)[:, places]
    alpha = np.linalg.solve(S, y.T).T
    C = dense(terms, new, axes)[:, places]
    mean = alpha @ C.T
    prior = dense(terms, new).diagonal()
    variance = prior - np.einsum("ij,ji->i", C, np.linalg.solve(S, C.T))
    n = tuple(len(x) for x in new)
    likelihood = -0.5 * (
        np.sum(y * alpha) + len(y) * (np.linalg.slogdet(S)[1] + len(places) * math.log(2 * math.pi))
    )
    weights = np.zeros((len(values), mask.size))
    weights[:, places] = alpha
    return mean.reshape(-1, *n), variance.reshape(n), likelihood, weights.reshape(values.shape)


def apart(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


TERMS = ((Matern(2.5, 0.3), SE(0.4), SE(0.5, variance=2.0)),)
TWO = (*TERMS, (SE(0.2), Matern(1.5, 0.4), SE(0.3)))


@pytest.fixture(params=["few", "factorised", "iterations"])
def way(request, monkeypatch):
    """Make the processes of one of the three ways: all agree with dense matrices."""
    if request.param == "few":
        return FewValues
    if request.param == "iterations":
        monkeypatch.setattr(_weight_space, "most_exact", 0)
    return Incomplete


@pytest.mark.parametrize("terms", [TERMS, TWO], ids=["one product", "two"])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_agrees_with_dense_matrices(way, terms, seed):
    rng = np.random.default_rng(seed)
    axes, values, mask, noise = problem(rng, outputs=2)
    values = values * mask
    grid = Grid(*axes)
    given = way(grid, terms, values, noise, mask)
    new = tuple(np.sort(rng.uniform(0, 1, n)) for n in (4, 3, 5))
    mean, variance, likelihood, weights = conditioned(terms, axes, values, noise, mask, new)
    crosses = [[k(x, y) for k, x, y in zip(term, new, axes, strict=True)] for term in terms]
    prior = dense(terms, new).diagonal().reshape(4, 3, 5)
    assert given.report.converged
    assert apart(given.weights, weights) < 1e-9
    assert np.all(given.weights[:, ~mask] == 0)
    assert apart(given.applied(crosses), mean) < 1e-9
    # iterations stop at residuals of 1e-12, and condition numbers are some 1e4
    found = prior - given.variance_reduction(crosses)
    np.testing.assert_allclose(found, variance, rtol=0, atol=1e-8)
    found = given.log_likelihood()
    told = given.report.choices.get("log determinant")
    if told is None:
        assert found == pytest.approx(likelihood, rel=1e-10)
    else:
        # two outputs: the determinant counts twice
        assert abs(found - likelihood) < 5 * told.error_estimate + 1e-8


@pytest.mark.parametrize(
    ("shape", "variance", "missing"),
    [
        ((48, 48, 48), 1e-4, 0.7),
        ((96, 48, 12), 1e-2, 0.3),
        *(
            pytest.param(shape, variance, missing, marks=pytest.mark.slow)
            for shape in [(48, 48, 48), (96, 48, 12), (64, 40, 24), (150, 40, 12)]
            for variance in (1e-2, 1e-4)
            for missing in (0.05, 0.3, 0.5, 0.7)
        ),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_smooth_functions_take_forty_iterations_at_most(shape, variance, missing, seed):
    rng = np.random.default_rng(seed)
    grid = Grid(*(np.linspace(0, 1, n) for n in shape))
    values = math.prod(np.sin((7 - j) * x + j) for j, x in enumerate(grid.mesh()))
    values = values + math.sqrt(variance) * rng.standard_normal(shape)
    mask = rng.random(shape) > missing
    terms = (tuple(SE(length) for length in (0.1, 0.15, 0.2, 0.3)[: len(shape)]),)
    report = Incomplete(grid, terms, values[None] * mask, variance, mask).report
    assert report.converged
    assert report.iterations <= 40


def test_gaps_in_one_piece_take_forty_iterations_at_most():
    rng = np.random.default_rng(3)
    shape = (36, 36, 36)
    grid = Grid(*(np.linspace(0, 1, n) for n in shape))
    mask = np.ones(shape, dtype=bool)
    mask[8:, 5:, 6:] = False
    values = rng.standard_normal((1, *shape)) * mask
    report = Incomplete(grid, ((SE(0.15), SE(0.2), SE(0.25)),), values, 1e-3, mask).report
    assert report.converged
    assert report.iterations <= 40
    assert report.choices["coupled"] > 0


def test_a_precision_that_is_a_product_takes_one_iteration(monkeypatch):
    monkeypatch.setattr(_weight_space, "most_exact", 0)
    rng = np.random.default_rng(4)
    axes = tuple(np.linspace(0, 1, n) for n in (20, 15))
    rows = rng.random(20) > 0.4
    mask = np.broadcast_to(rows[:, None], (20, 15)).copy()
    noise = 10 ** rng.uniform(-3, 0, 20)[:, None] * 10 ** rng.uniform(-3, 0, 15)
    terms = ((Matern(1.5, 0.2), Matern(2.5, 0.3)),)
    values = rng.standard_normal((1, 20, 15)) * mask
    given = Incomplete(Grid(*axes), terms, values, noise, mask)
    assert given.report.iterations <= 2
    likelihood = conditioned(terms, axes, values, noise, mask, axes)[2]
    assert given.log_likelihood() == pytest.approx(likelihood, rel=1e-9)


@pytest.mark.parametrize("terms", [TERMS, TWO], ids=["one product", "two"])
def test_the_gradient_is_that_of_the_likelihood(way, terms):
    rng = np.random.default_rng(5)
    axes, values, mask, _ = problem(rng, (7, 6, 5))
    grid, noise = Grid(*axes), 0.05
    # data of the process itself: then the estimated trace matters
    S = dense(terms, axes) + noise * np.eye(mask.size)
    values = (np.linalg.cholesky(S) @ rng.standard_normal(mask.size)).reshape(values.shape) * mask
    found = way(grid, terms, values, noise, mask).log_likelihood_gradient()

    def likelihood(vector):
        changed, used = [], 0
        for term in terms:
            kernels = []
            for k in term:
                kernels.append(k.with_theta(vector[used : used + len(k.theta)]))
                used += len(k.theta)
            changed.append(kernels)
        return conditioned(changed, axes, values, math.exp(vector[-1]), mask, axes)[2]

    start = np.concatenate([*(k.theta for term in terms for k in term), [math.log(noise)]])
    h = 1e-5
    expected = np.array(
        [
            (likelihood(start + h * e) - likelihood(start - h * e)) / (2 * h)
            for e in np.eye(len(start))
        ]
    )
    exact = way is FewValues or _weight_space.most_exact > 0
    if exact:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    else:
        # the mean of 16 draws, instead of the expectation over data, whose spread is that of the
        # score: a few times its standard deviation over √16
        assert np.linalg.norm(found - expected) < 3 * math.sqrt(mask.sum() / 16)


def test_estimated_variances_are_within_their_error(monkeypatch):
    monkeypatch.setattr(_weight_space, "most_exact", 0)
    rng = np.random.default_rng(6)
    axes, values, mask, _ = problem(rng, (12, 11, 10), missing=0.6)
    given = Incomplete(Grid(*axes), TERMS, values * mask, 0.01, mask, rng=0)
    crosses = [[k.gram(x) for k, x in zip(term, axes, strict=True)] for term in TERMS]
    reduction = given.variance_reduction(crosses)
    prior = dense(TERMS, axes).diagonal().reshape(mask.shape)
    variance = conditioned(TERMS, axes, values * mask, 0.01, mask, axes)[1]
    error = given.report.choices["variance error"]
    assert 0 < error < 0.05
    assert np.max(np.abs(prior - reduction - variance)) < 6 * error


def test_learning_with_a_mask_finds_the_length_scales(way):
    rng = np.random.default_rng(7)
    x, y = np.linspace(0, 1, 24), np.linspace(0, 1, 20)
    truth = (SE(0.2), SE(0.3).fixed("variance"))
    S = np.kron(truth[0].gram(x), truth[1].gram(y)) + 1e-10 * np.eye(480)
    values = (np.linalg.cholesky(S) @ rng.standard_normal(480)).reshape(24, 20)
    values += 0.05 * rng.standard_normal(values.shape)
    mask = rng.random(values.shape) > 0.3
    gp = KroneckerGP([SE(0.4), SE(0.4).fixed("variance")], 0.1)
    gp.fit((x, y), values, mask, optimize=True, rng=0, progress=False)
    assert gp.learning.converged
    assert gp.kernels[0][0].length_scale == pytest.approx(0.2, rel=0.3)
    assert gp.kernels[0][1].length_scale == pytest.approx(0.3, rel=0.3)
    assert gp.noise == pytest.approx(0.0025, rel=0.3)


@given(
    scale=st.sampled_from([1e-150, 1e-6, 1.0, 1e150]),
    stretch=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 100),
)
def test_units_do_not_matter(scale, stretch, seed):
    rng = np.random.default_rng(seed)
    axes, values, mask, noise = problem(rng, (6, 5))
    k = (SE(0.3), Matern(2.5, 0.4))
    kernels = [SE(0.3 * stretch, variance=scale**2), Matern(2.5, 0.4 * stretch)]
    one = KroneckerGP(list(k), 1.0).fit(axes, values[0], mask, noise)
    grid = tuple(stretch * x for x in axes)
    other = KroneckerGP(kernels, 1.0).fit(grid, scale * values[0], mask, scale**2 * noise)
    np.testing.assert_allclose(
        other.posterior().mean / scale, one.posterior().mean, rtol=0, atol=1e-8
    )


def test_missing_values_are_not_used():
    rng = np.random.default_rng(8)
    axes, values, mask, _ = problem(rng, (8, 7))
    gp = KroneckerGP([SE(0.3), SE(0.4)], 0.01)
    expected = gp.fit(axes, np.where(mask, values[0], 0), mask).posterior().mean
    garbage = gp.fit(axes, np.where(mask, values[0], 1e300), mask).posterior().mean
    gaps = gp.fit(axes, np.where(mask, values[0], np.nan), missing="nan").posterior().mean
    np.testing.assert_array_equal(garbage, expected)
    np.testing.assert_array_equal(gaps, expected)


def test_it_runs_on_every_library(library, way):
    rng = np.random.default_rng(9)
    axes, values, mask, noise = problem(rng, (8, 7, 6))
    expected = conditioned(TERMS, axes, values * mask, noise, mask, axes)
    grid = Grid(*(library.asarray(x) for x in axes))
    given = way(
        grid, TERMS, library.asarray(values * mask), library.asarray(noise), library.asarray(mask)
    )
    assert apart(library.to_numpy(given.weights), expected[3]) < 1e-9
    crosses = [[k.gram(x) for k, x in zip(term, grid.axes, strict=True)] for term in TERMS]
    reduction = library.to_numpy(given.variance_reduction(crosses))
    prior = dense(TERMS, axes).diagonal().reshape(mask.shape)
    error = given.report.choices.get("variance error", 0.0)
    np.testing.assert_allclose(prior - reduction, expected[1], rtol=0, atol=6 * error + 1e-8)
    assert np.all(np.isfinite(given.log_likelihood_gradient()))
    assert math.isfinite(given.log_likelihood())


def test_single_precision_stays_single(way):
    rng = np.random.default_rng(10)
    axes, values, mask, noise = problem(rng, (8, 7, 6))
    grid = Grid(*axes)
    given = way(grid, TERMS, (values * mask).astype(np.float32), noise, mask)
    assert given.weights.dtype == np.float32
    expected = conditioned(TERMS, axes, values * mask, noise, mask, axes)[3]
    assert apart(given.weights, expected) < 1e-4


def test_too_few_iterations_are_told(monkeypatch):
    monkeypatch.setattr(_weight_space, "most_exact", 0)
    monkeypatch.setattr(_weight_space, "_most_iterations", 3)
    rng = np.random.default_rng(11)
    axes, values, mask, noise = problem(rng)
    with pytest.warns(ConvergenceWarning, match="relative residual"):
        given = Incomplete(Grid(*axes), TERMS, values * mask, noise, mask)
    assert not given.report.converged
    assert given.report.residual > 1e-6


def test_bad_input_is_told():
    rng = np.random.default_rng(12)
    axes, values, mask, noise = problem(rng, (5, 4))
    Y = values[0]
    gp = KroneckerGP([SE(0.3), SE(0.4)], 0.01)
    with pytest.raises(ValueError, match="no point of the grid has a value"):
        gp.fit(axes, Y, np.zeros_like(mask))
    with pytest.raises(ValueError, match="mask is float64"):
        gp.fit(axes, Y, mask.astype(float))
    with pytest.raises(ValueError, match=r"mask is bool of shape \(4, 5\)"):
        gp.fit(axes, Y, mask.T)
    with pytest.raises(ValueError, match="0 or less"):
        gp.fit(axes, Y, mask, 0 * noise)
    with pytest.raises(ValueError, match="NaN or Inf"):
        gp.fit(axes, np.where(mask, np.inf, Y), missing="nan")
    with pytest.raises(ValueError, match="has to be positive"):
        Incomplete(Grid(*axes), ((SE(0.3), SE(0.4)),), values, 0.0, mask)
    even = tuple(np.linspace(0, 1, 30) for _ in range(2))
    where = np.ones((30, 30), dtype=bool)
    where[0, 0] = False
    gp = KroneckerGP([SE(3.0), SE(3.0)], 0.0)
    with pytest.raises(ValueError, match="singular to rounding"):
        gp.fit(even, np.ones((30, 30)), where)


def test_one_value_and_one_node():
    gp = KroneckerGP([SE(0.3), SE(0.4)], 0.25)
    mask = np.zeros((3, 1), dtype=bool)
    mask[1, 0] = True
    gp.fit((np.array([0.0, 0.5, 1.0]), np.array([2.0])), np.ones((3, 1)), mask)
    assert gp.posterior().mean[1, 0] == pytest.approx(0.8)
