"""Gaussian processes on lattices and nets: against dense matrices."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.solvers.lattice import (
    DigitallyShiftInvariant,
    DigitalNet,
    Lattice,
    LatticeGP,
    ShiftInvariant,
)
from tests.conftest import ArrayLibrary

CASES: dict[str, tuple[Any, Any]] = {
    "lattice": (Lattice(64, (1, 19, 29), rng=1), ShiftInvariant(2, (1.0, 0.5, 0.2), 2.0)),
    "odd lattice": (Lattice(55, (1, 34), rng=1), ShiftInvariant(1, 0.7)),
    "radical inverse": (
        Lattice(32, (1, 7), shift=0.0, order="radical inverse"),
        ShiftInvariant(3, (0.1, 3.0)),
    ),
    "net": (DigitalNet.sobol(64, 3, rng=1), DigitallyShiftInvariant(2, (1.0, 0.5, 0.2), 0.3)),
    "net of order four": (DigitalNet.sobol(32, 2, rng=1), DigitallyShiftInvariant(4, 0.4)),
    "one point": (Lattice(1, (0,), shift=0.5), ShiftInvariant()),
    "one point of a net": (DigitalNet.sobol(1, 2, rng=0), DigitallyShiftInvariant(1)),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return CASES[request.param]


def values_at(points: Any, outputs: int = 2) -> np.ndarray:
    x = points.points()
    return np.stack([np.cos(2 * np.pi * x.sum(1) + q) + x[:, 0] for q in range(outputs)], axis=1)


NOISE = 1e-3


def dense(points: Any, kernel: Any, noise: float = NOISE) -> np.ndarray:
    """Return the matrix from the kernel at all pairs of points."""
    return kernel(points.points()) + noise * np.eye(points.n)


def test_products_solutions_and_determinant(case: tuple[Any, Any]) -> None:
    points, kernel = case
    S, Y = dense(points, kernel), values_at(points)
    gp = LatticeGP(kernel, NOISE).fit(points, Y)
    np.testing.assert_allclose(gp.product(Y), S @ Y, rtol=1e-11, atol=1e-11)
    expected = np.linalg.solve(S, Y)
    np.testing.assert_allclose(gp.weights, expected, atol=1e-10 * np.abs(expected).max())
    np.testing.assert_allclose(gp.solve(Y[:, 0]), gp.weights[:, 0], rtol=1e-12, atol=1e-9)
    assert gp.log_determinant == pytest.approx(np.linalg.slogdet(S)[1], abs=1e-9)
    assert gp.report.converged
    assert gp.report.noise == NOISE
    eigenvalues = np.linalg.eigvalsh(S) - NOISE
    assert gp.report.largest == pytest.approx(eigenvalues[-1])
    assert gp.report.smallest == pytest.approx(eigenvalues[0], abs=1e-12 * eigenvalues[-1])


def test_posterior_and_integral(case: tuple[Any, Any]) -> None:
    points, kernel = case
    S, Y = dense(points, kernel), values_at(points)
    gp = LatticeGP(kernel, NOISE).fit(points, Y)
    X = np.random.default_rng(0).random((9, points.dimension))
    cross = kernel(X, points.points())
    posterior = gp.posterior(X)
    np.testing.assert_allclose(posterior.mean, cross @ np.linalg.solve(S, Y), atol=1e-10)
    covariance = kernel(X) - cross @ np.linalg.solve(S, cross.T)
    np.testing.assert_allclose(posterior.std() ** 2, np.diag(covariance), atol=1e-11)
    mean, deviation = gp.integral()
    constant = np.full(points.n, kernel.scale)  # the integral of the kernel over one argument
    np.testing.assert_allclose(mean, constant @ np.linalg.solve(S, Y), atol=1e-11)
    variance = kernel.scale - constant @ np.linalg.solve(S, constant)
    assert deviation**2 == pytest.approx(variance, abs=1e-12)


def test_likelihood_and_gradient(case: tuple[Any, Any]) -> None:
    points, kernel = case
    Y = values_at(points)
    gp = LatticeGP(kernel, NOISE).fit(points, Y)

    def density(theta: np.ndarray) -> float:
        S = dense(points, kernel.with_theta(theta[:-1]), float(np.exp(theta[-1])))
        fit = np.sum(Y * np.linalg.solve(S, Y))
        constant = np.linalg.slogdet(S)[1] + points.n * np.log(2 * np.pi)
        return -0.5 * float(fit + Y.shape[1] * constant)

    theta = np.append(kernel.theta, np.log(NOISE))
    value, gradient = gp.log_marginal_likelihood(grad=True)
    assert value == pytest.approx(density(theta), rel=1e-10)
    assert gp.log_marginal_likelihood() == value
    step = 1e-5 * np.eye(len(theta))
    slopes = [(density(theta + e) - density(theta - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(gradient, slopes, atol=1e-7 * np.abs(slopes).max() + 1e-7)


@given(
    st.integers(1, 6), st.integers(1, 3), st.sampled_from([1, 2, 3, 4]), st.integers(0, 2**32 - 1)
)
def test_solving_undoes_products(m: int, d: int, alpha: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = tuple(np.exp(rng.uniform(-3, 2, d)))
    vector = [1, *(2 * int(z) + 1 for z in rng.integers(0, 100, d - 1))]
    for points, kind in (
        (Lattice(2**m, vector, rng=seed), ShiftInvariant),
        (DigitalNet.sobol(2**m, d, rng=seed), DigitallyShiftInvariant),
    ):
        B = rng.standard_normal((2**m, 3))
        gp = LatticeGP(kind(alpha, weights), 0.1).fit(points, B)
        np.testing.assert_allclose(gp.product(gp.solve(B)), B, atol=1e-8)
        assert np.all(gp.posterior(points.points()).variance <= gp.kernel.variance(d) + 1e-9)


@pytest.mark.parametrize("name", ["lattice", "radical inverse", "net"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_library_gets_its_own_type_back(name: str, dtype: str, library: ArrayLibrary) -> None:
    points, kernel = CASES[name]
    Y = values_at(points).astype(dtype)
    gp = LatticeGP(kernel, 1e-2).fit(points, library.asarray(Y))
    expected = LatticeGP(kernel, 1e-2).fit(points, Y.astype(np.float64))
    X = np.random.default_rng(0).random((4, points.dimension)).astype(dtype)
    posterior = gp.posterior(library.asarray(X))
    tolerance = 1e-4 if dtype == "float32" else 1e-11
    for made, wanted in (
        (gp.weights, expected.weights),
        (gp.product(library.asarray(Y)), expected.product(Y.astype(np.float64))),
        (posterior.mean, expected.posterior(X.astype(np.float64)).mean),
        (posterior.std(), expected.posterior(X.astype(np.float64)).std()),
        (gp.integral()[0], expected.integral()[0]),
    ):
        assert made.dtype == library.dtype(dtype)
        np.testing.assert_allclose(
            library.to_numpy(made), wanted, atol=tolerance * np.abs(wanted).max()
        )
    value, gradient = gp.log_marginal_likelihood(grad=True)
    wanted, slopes = expected.log_marginal_likelihood(grad=True)
    assert value == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize("factor", [1e-150, 1e150])
def test_values_of_any_size(factor: float) -> None:
    points, kernel = CASES["lattice"]
    Y = values_at(points)[:, 0]
    gp, one = LatticeGP(kernel, NOISE).fit(points, factor * Y), LatticeGP(kernel, NOISE)
    one.fit(points, Y)
    np.testing.assert_allclose(gp.weights, factor * one.weights, rtol=1e-9)
    X = np.full((1, 3), 0.3)
    np.testing.assert_allclose(gp.posterior(X).mean, factor * one.posterior(X).mean, rtol=1e-9)
    gp.fit(points, factor * Y, optimize=True, rng=0)
    one.fit(points, Y, optimize=True, rng=0)
    np.testing.assert_allclose(gp.kernel.weights, one.kernel.weights, rtol=1e-2)
    assert gp.kernel.scale / factor / factor == pytest.approx(one.kernel.scale, rel=1e-2)
    # scales are then as large as squares of values: their own squares overflow
    wide, narrow = gp.integral()[1], one.integral()[1]
    assert wide / factor == pytest.approx(narrow, rel=1e-2)
    kernel = ShiftInvariant(2, one.kernel.weights, factor * factor * one.kernel.scale)
    gp = LatticeGP(kernel, factor * factor * one.noise).fit(points, factor * Y)
    gradient, expected = (g.log_marginal_likelihood(grad=True)[1] for g in (gp, one))
    np.testing.assert_allclose(gradient, expected, atol=1e-6 * len(Y))


def test_constants_much_larger_than_all_else_take_no_digits() -> None:
    # sums of functions of single coordinates are learned as small weights and a large scale
    points = Lattice(256, (1, 99), rng=0)
    X = np.random.default_rng(0).random((50, 2))

    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * x[:, 0]) + np.cos(2 * np.pi * x[:, 1])

    made = {}
    for scale in (1e4, 1e12):
        gp = LatticeGP(ShiftInvariant(2, 1 / scale, scale), 1e-8).fit(points, f(points.points()))
        made[scale] = gp.posterior(X)
        np.testing.assert_allclose(made[scale].mean, f(X), atol=1e-4)
    # they have a limit
    np.testing.assert_allclose(made[1e12].mean, made[1e4].mean, atol=1e-4)
    np.testing.assert_allclose(made[1e12].std(), made[1e4].std(), rtol=0.1, atol=1e-3)


def test_they_can_be_copied_and_pickled(case: tuple[Any, Any]) -> None:
    points, kernel = case
    gp = LatticeGP(kernel, NOISE).fit(points, values_at(points))
    X = np.full((2, points.dimension), 0.3)
    posterior = gp.posterior(X)
    for made in (copy.deepcopy(gp), pickle.loads(pickle.dumps(gp))):
        np.testing.assert_array_equal(made.posterior(X).mean, posterior.mean)
        assert made.log_marginal_likelihood() == gp.log_marginal_likelihood()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(posterior)).std(), posterior.std())


def test_posteriors_are_of_the_points_they_were_asked_for() -> None:
    points, kernel = CASES["lattice"]
    gp = LatticeGP(kernel, NOISE).fit(points, values_at(points))
    X = np.full((2, 3), 0.3)
    posterior, expected = gp.posterior(X), gp.posterior(X).mean
    X[:] = 0.7
    np.testing.assert_array_equal(posterior.mean, expected)


def test_kernels_that_overflow_are_named() -> None:
    net = DigitalNet.sobol(8, 500, rng=0)
    with pytest.raises(ValueError, match="the kernel overflows"):
        LatticeGP(DigitallyShiftInvariant(2, 5.0), 1.0).fit(net, np.ones(8))
    with pytest.raises(ValueError, match="the kernel overflows"):
        LatticeGP(ShiftInvariant(2, 1.0, 1e308), 1.0).fit(CASES["lattice"][0], np.ones(64))


def test_zero_values() -> None:
    points, kernel = CASES["lattice"]
    with pytest.raises(ValueError, match="Y is zero everywhere"):
        LatticeGP(kernel, NOISE).fit(points, np.zeros(64), optimize=True)
    gp = LatticeGP(kernel, NOISE).fit(points, np.zeros(64))
    assert np.all(gp.weights == 0)
    assert np.all(gp.posterior(np.zeros((2, 3))).mean == 0)


@pytest.mark.parametrize("name", ["lattice", "net"])
def test_learning_finds_what_drew_the_values(name: str) -> None:
    points = CASES[name][0].refined().refined().refined()  # 512 points
    truth = type(CASES[name][1])(2, (3.0, 0.3, 0.03), 2.0)
    rng = np.random.default_rng(7)
    S = dense(points, truth, 0.05)
    Y = np.linalg.cholesky(S) @ rng.standard_normal((points.n, 8))
    gp = LatticeGP(type(truth)(), 0.5).fit(points, Y, optimize=True, starts=2, rng=0)
    assert isinstance(gp.kernel.weights, tuple)
    assert len(gp.kernel.weights) == 1  # one weight for all was asked for
    start = type(truth)(2, (1.0, 1.0, 1.0))
    gp = LatticeGP(start, 0.5).fit(points, Y, optimize=True, rng=0)
    # what eight draws tell; rough parts of the function look like noise
    np.testing.assert_allclose(np.log(gp.kernel.weights), np.log(truth.weights), atol=np.log(3))
    assert 0.025 <= gp.noise <= 0.1
    assert gp.report.learning is not None
    _, gradient = gp.log_marginal_likelihood(grad=True)
    assert np.abs(gradient).max() <= 1e-2 * points.n
    reached = LatticeGP(truth, 0.05).fit(points, Y).log_marginal_likelihood()
    assert gp.log_marginal_likelihood() >= reached
    assert gp.report.learning.reached[0] == pytest.approx(gp.log_marginal_likelihood(), rel=1e-8)


def test_learning_that_stops_early_says_so() -> None:
    points, kernel = CASES["lattice"]
    with pytest.warns(ConvergenceWarning, match="learning stopped after"):
        gp = LatticeGP(kernel, NOISE).fit(points, values_at(points), optimize=True, maxiter=1)
    assert not gp.report.converged


def test_nothing_is_added_to_singular_matrices() -> None:
    # eigenvalues far below the rounding errors of the largest one
    points, kernel = Lattice(2**12, (1, 1557), shift=0.0), ShiftInvariant(4, 1e-3)
    Y = values_at(points)
    with pytest.raises(ValueError, match=r"\d+ of 4096 eigenvalues .* pass noise of"):
        LatticeGP(kernel, 0.0).fit(points, Y)
    gp = LatticeGP(kernel, 1e-6).fit(points, Y)
    assert gp.report.clipped > 0
    assert gp.report.noise == 1e-6
    assert gp.report.resolved
    assert not LatticeGP(kernel, 1e-18).fit(points, Y).report.resolved
    assert -gp.report.rounding <= gp.report.smallest <= 0
    # well-conditioned ones are interpolated
    points, kernel = CASES["odd lattice"]
    gp = LatticeGP(kernel, 0.0).fit(points, values_at(points))
    assert gp.report.clipped == 0
    np.testing.assert_allclose(gp.posterior(points.points()).mean, values_at(points), atol=1e-10)


def test_the_bound_of_rounding_errors_holds() -> None:
    # a power of two times as many digits: NumPy's long double transforms are not exact enough
    # everywhere, so the sum is formed directly
    points, kernel = Lattice(512, (1, 149, 211), shift=0.0), ShiftInvariant(2)
    gp = LatticeGP(kernel, 1e-6).fit(points, np.ones(512))
    x = np.arange(512, dtype=object)
    column = np.ones(512, dtype=np.longdouble)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    for z in points.generating_vector:
        t = np.array(x * z % 512, dtype=np.longdouble) / 512
        column *= 1 - (2 * pi) ** 4 / 24 * ((t * (1 - t)) ** 2 - np.longdouble(1) / 30)
    index = np.arange(512)
    cosines = np.cos(2 * pi * (index[:, None] * index[None, :] % 512).astype(np.longdouble) / 512)
    eigenvalues = cosines @ column
    assert abs(gp.report.smallest - eigenvalues.min()) <= gp.report.rounding
    assert abs(gp.report.largest - eigenvalues.max()) <= 1e-13 * eigenvalues.max()


def test_residual_at_a_large_size() -> None:
    """The bar of 1e-9 for smooth values, by products in extended precision."""
    n = 2**16
    points = Lattice(n, (1, 182667, 213731), shift=0.0)
    Y = np.exp(np.sin(2 * np.pi * points.points()).sum(axis=1))
    gp = LatticeGP(ShiftInvariant(2), 1e-6).fit(points, Y)
    fft = pytest.importorskip("scipy.fft")
    column = np.ones(n, dtype=np.longdouble)
    pi = np.longdouble("3.14159265358979323846264338327950288")
    for z in points.generating_vector:
        t = (np.arange(n) * z % n).astype(np.longdouble) / n
        column *= 1 - (2 * pi) ** 4 / 24 * ((t * (1 - t)) ** 2 - np.longdouble(1) / 30)
    column[0] += np.longdouble("1e-6")
    product = fft.irfft(fft.rfft(column).real * fft.rfft(gp.weights.astype(np.longdouble)), n)
    assert np.linalg.norm((product - Y).astype(float)) <= 1e-9 * np.linalg.norm(Y)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"Y": np.zeros(63)}, ValueError, r"Y has shape \(63,\) but there are 64 points"),
        ({"Y": np.zeros((64, 0))}, ValueError, "one column or more"),
        ({"Y": np.full(64, np.nan)}, ValueError, r"Y has a NaN or Inf at \[0\]"),
        ({"Y": np.zeros(64, dtype=complex)}, TypeError, "Y is complex"),
        ({"Y": [0.0] * 64}, TypeError, "list is not an array"),
        ({"points": CASES["net"][0]}, TypeError, "need points of a Lattice"),
        ({"kernel": DigitallyShiftInvariant()}, TypeError, "need points of a DigitalNet"),
        ({"kernel": ShiftInvariant(2, (1.0, 1.0))}, ValueError, "2 weights but 3 coordinates"),
        ({"kernel": 3.0}, TypeError, "kernel is a float"),
        ({"noise": -1.0}, ValueError, "noise is -1"),
        ({"noise": float("nan")}, ValueError, "noise is nan"),
    ],
)
def test_wrong_data_are_named(change: dict[str, Any], error: type, message: str) -> None:
    points, kernel = CASES["lattice"]
    chosen = {"points": points, "kernel": kernel, "noise": 1e-3, "Y": np.zeros(64)} | change
    with pytest.raises(error, match=message):
        LatticeGP(chosen["kernel"], chosen["noise"]).fit(chosen["points"], chosen["Y"])


def test_wrong_calls_are_named() -> None:
    points, kernel = CASES["lattice"]
    gp = LatticeGP(kernel, 1e-3)
    with pytest.raises(ValueError, match="call fit"):
        gp.posterior(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="call fit"):
        _ = gp.weights
    gp.fit(points, np.zeros(64))
    with pytest.raises(ValueError, match=r"X is \(1, 2\)"):
        gp.posterior(np.zeros((1, 2)))
    with pytest.raises(TypeError, match="X is complex"):
        gp.posterior(np.zeros((1, 3), dtype=complex))
    with pytest.raises(ValueError, match="B has shape"):
        gp.solve(np.zeros(3))
    with pytest.raises(ValueError, match="starts is 0"):
        gp.fit(points, np.zeros(64), optimize=True, starts=0)
    with pytest.raises(ValueError, match="Y has shape"):
        gp.fit(Lattice(8, (1, 3, 3)), np.ones(64))
    assert gp.weights.shape == (64,)  # a failed fit leaves everything as it was
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gp.posterior(np.zeros((0, 3))).mean.shape == (0,)
        assert gp.posterior(np.zeros((0, 3))).std().shape == (0,)
