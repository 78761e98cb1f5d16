"""Sums of Kronecker products, beside dense linear algebra."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.covariance import Matern, SquaredExponential
from structlin.solvers.gp import KroneckerGP
from structlin.solvers.gp._few import FewValues
from structlin.solvers.gp._incomplete import Incomplete
from structlin.solvers.gp._sums import SumOfProducts, sum_of_products

SE = SquaredExponential
WHITE = SE(1e-6)  # the identity on nodes that are further apart

SHAPE = (9, 8, 7)
FIRST = (Matern(2.5, 0.3), SE(0.4), SE(0.5, variance=2.0))
ROUGH = (Matern(0.5, 0.3), Matern(0.5, 0.2), Matern(0.5, 0.1))
EXACT = {
    "differ on one axis": ((FIRST, (Matern(0.5, 0.1), *FIRST[1:])), 1e-3, "common eigenvectors"),
    "three differ on one axis": (
        (FIRST, (Matern(0.5, 0.1), *FIRST[1:]), (SE(0.1), *FIRST[1:])),
        1e-3,
        "common eigenvectors",
    ),
    "correlated noise": (
        (FIRST, (WHITE, Matern(0.5, 0.2), WHITE)),
        1e-3,
        "generalised eigenvectors",
    ),
    "correlated noise first": (
        ((WHITE, Matern(0.5, 0.2), WHITE), FIRST),
        1e-3,
        "generalised eigenvectors",
    ),
    "no other noise": ((FIRST, ROUGH), 0.0, "generalised eigenvectors"),
}
ITERATED = {
    "two": (((Matern(2.5, 0.3), Matern(1.5, 0.4), SE(0.5)), ROUGH), 1e-2),
    "three": ((FIRST, ROUGH, (SE(0.1), SE(0.3), SE(0.2))), 1e-2),
}


def dense(terms, axes, others=None):
    """Return ``Σ ⊗ K`` between the points of two grids."""
    others = axes if others is None else others
    return sum(
        functools.reduce(np.kron, [k(x, y) for k, x, y in zip(term, axes, others, strict=True)])
        for term in terms
    )


def likelihood(terms, axes, noise, values):
    S = dense(terms, axes)
    S = S + noise * np.eye(len(S))
    y = values.reshape(len(values), -1)
    constant = np.linalg.slogdet(S)[1] + len(S) * math.log(2 * math.pi)
    return -0.5 * (np.sum(y * np.linalg.solve(S, y.T).T) + len(y) * constant)


def problem(seed, outputs=2):
    rng = np.random.default_rng(seed)
    axes = tuple(np.sort(rng.uniform(0, 1, n)) for n in SHAPE)
    return axes, rng.standard_normal((outputs, *SHAPE)), rng


def apart(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def solved(terms, axes, noise, values):
    S = dense(terms, axes) + noise * np.eye(values[0].size)
    return np.linalg.solve(S, values.reshape(len(values), -1).T).T.reshape(values.shape)


@pytest.mark.parametrize("name", EXACT)
def test_what_can_be_exact_is_exact(name):
    terms, noise, method = EXACT[name]
    axes, values, rng = problem(0)
    grid = Grid(*axes)
    given = SumOfProducts(grid, terms, values, noise)
    assert given.report.method == method
    assert given.exact
    assert apart(given.weights, solved(terms, axes, noise, values)) < 1e-9
    assert given.log_likelihood() == pytest.approx(likelihood(terms, axes, noise, values), rel=1e-9)

    new = tuple(rng.uniform(0, 1, n) for n in (4, 3, 5))
    crosses = [[k(x, y) for k, x, y in zip(term, new, axes, strict=True)] for term in terms]
    C = dense(terms, new, axes)
    S = dense(terms, axes) + noise * np.eye(values[0].size)
    expected = np.einsum("ij,ji->i", C, np.linalg.solve(S, C.T)).reshape(4, 3, 5)
    np.testing.assert_allclose(given.variance_reduction(crosses), expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        given.inverse_diagonal().ravel(), np.linalg.inv(S).diagonal(), rtol=1e-7
    )
    assert apart(given.solve(values), given.weights) == 0


@pytest.mark.parametrize("name", [*EXACT, "few"])
def test_the_gradient_is_that_of_the_likelihood(name):
    terms, noise = ITERATED["two"] if name == "few" else EXACT[name][:2]
    axes, values, rng = problem(1)
    S = dense(terms, axes) + noise * np.eye(values[0].size)
    values = (np.linalg.cholesky(S) @ rng.standard_normal((values[0].size, 2))).T.reshape(
        values.shape
    )
    make = FewValues if name == "few" else SumOfProducts
    found = make(Grid(*axes), terms, values, noise).log_likelihood_gradient()
    start = np.concatenate([k.theta for term in terms for k in term])

    def at(theta, log_noise):
        changed, used = [], 0
        for term in terms:
            kernels = []
            for k in term:
                kernels.append(k.with_theta(theta[used : used + len(k.theta)]))
                used += len(k.theta)
            changed.append(kernels)
        return likelihood(changed, axes, noise * math.exp(log_noise), values)

    h = 1e-5
    expected = [
        (at(start + h * e, 0.0) - at(start - h * e, 0.0)) / (2 * h) for e in np.eye(len(start))
    ]
    expected.append((at(start, h) - at(start, -h)) / (2 * h))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", ITERATED)
def test_others_are_iterated_and_estimated(name):
    terms, noise = ITERATED[name]
    axes, values, _ = problem(2)
    grid = Grid(*axes)
    given = SumOfProducts(grid, terms, values, noise, rng=0)
    assert not given.exact
    assert apart(given.weights, solved(terms, axes, noise, values)) < 1e-9
    assert given.report.converged
    assert given.report.iterations <= 60

    error = abs(given.log_likelihood() - likelihood(terms, axes, noise, values))
    told = given.report.choices["log determinant"]
    assert error < 5 * told.error_estimate

    crosses = [[k.gram(x) for k, x in zip(term, axes, strict=True)] for term in terms]
    K = dense(terms, axes)
    S = K + noise * np.eye(len(K))
    expected = np.einsum("ij,ji->i", K, np.linalg.solve(S, K)).reshape(SHAPE)
    found = given.variance_reduction(crosses)
    stated = given.report.choices.get("variance error", 0.0)
    assert np.max(np.abs(found - expected)) < 6 * stated + 1e-7

    few = [[k(x[:2], x) for k, x in zip(term, axes, strict=True)] for term in terms]
    np.testing.assert_allclose(given.variance_reduction(few), expected[:2, :2, :2], rtol=1e-7)


def test_the_way_is_chosen_by_size_and_smoothness():
    rng = np.random.default_rng(3)
    grid = Grid(*(np.linspace(0, 1, n) for n in (60, 50)))
    values = rng.standard_normal((1, 60, 50))
    smooth = ((SE(0.1), SE(0.5)), (SE(0.5), SE(0.1)))
    made = sum_of_products(grid, smooth, values, 1e-3, rng=0)
    assert isinstance(made, Incomplete)
    assert made.exact
    rough = ((Matern(1.5, 0.3), Matern(1.5, 0.3)), (Matern(0.5, 0.2), Matern(0.5, 0.2)))
    made = sum_of_products(grid, rough, values, 1e-3, rng=0)
    assert isinstance(made, SumOfProducts)
    assert made.report.converged
    small = Grid(*(x[:20] for x in grid.axes))
    assert isinstance(sum_of_products(small, rough, values[:, :20, :20], 1e-3), FewValues)


def test_both_ways_of_a_smooth_sum_agree():
    rng = np.random.default_rng(4)
    grid = Grid(*(np.linspace(0, 1, n) for n in (30, 25)))
    values = rng.standard_normal((1, 30, 25))
    terms = ((SE(0.1), SE(0.5)), (SE(0.5), SE(0.1)))
    one, other, third = (
        FewValues(grid, terms, values, 1e-2),
        Incomplete(grid, terms, values, 1e-2),
        SumOfProducts(grid, terms, values, 1e-2),
    )
    assert apart(other.weights, one.weights) < 1e-9
    assert apart(third.weights, one.weights) < 1e-8
    assert other.log_likelihood() == pytest.approx(one.log_likelihood(), rel=1e-9)


def test_kronecker_gp_takes_a_list_of_products(library):
    axes, values, _ = problem(5, outputs=1)
    terms = EXACT["differ on one axis"][0]
    gp = KroneckerGP([list(term) for term in terms], 0.01)
    grid = tuple(library.asarray(x) for x in axes)
    gp.fit(grid, library.asarray(values[0]))
    expected = solved(terms, axes, 0.01, values)
    mean = library.to_numpy(gp.posterior().mean)
    np.testing.assert_allclose(mean.ravel(), dense(terms, axes) @ expected.ravel(), atol=1e-8)
    assert gp.log_marginal_likelihood() == pytest.approx(
        likelihood(terms, axes, 0.01, values), rel=1e-9
    )


@pytest.mark.parametrize("name", ["two", "differ on one axis", "correlated noise"])
def test_it_runs_on_every_library(library, name):
    terms, noise = ITERATED[name] if name in ITERATED else EXACT[name][:2]
    axes, values, _ = problem(6)
    grid = Grid(*(library.asarray(x) for x in axes))
    given = SumOfProducts(grid, terms, library.asarray(values), noise, rng=0)
    assert apart(library.to_numpy(given.weights), solved(terms, axes, noise, values)) < 1e-9
    assert math.isfinite(given.log_likelihood())
    assert np.all(np.isfinite(given.log_likelihood_gradient()))
    crosses = [[k.gram(x) for k, x in zip(term, grid.axes, strict=True)] for term in terms]
    assert given.variance_reduction(crosses).shape == SHAPE


def test_a_singular_sum_is_told():
    grid = Grid(np.linspace(0, 1, 60), np.linspace(0, 1, 50))
    terms = ((SE(0.5), SE(0.5)), (SE(0.3), SE(0.4)))
    with pytest.raises(ValueError, match="singular to rounding"):
        sum_of_products(grid, terms, np.ones((1, 60, 50)), 0.0)
