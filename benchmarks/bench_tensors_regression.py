"""Functional regression: accuracy against what an oracle can do, calibration, and time.

Functions are drawn from the model: three axes of 30, 40 and 60 coordinates, rank 2, Matérn 3/2 with
length scale 0.4, noise of a tenth of the standard deviation. Errors are those of the noise-free
function at held-out places.

Two oracles know all hyperparameters:

- *started at the truth*: the same posterior, found from the true functions and core, with the true
  length scales and noise held: what is left is the uncertainty that any start has.
- *tangent*: the exact Gaussian smoother of all functions and the core together in the model
  linearised at their true values, which no estimate can have: a bound of the local error.
"""

from __future__ import annotations

import sys
import time

import harness  # first: the threads are pinned before NumPy reads them

# isort: split
import numpy as np

from structlin.covariance import Matern
from structlin.tensors import FunctionalTucker
from structlin.tensors._regression.coupling import FullCoupling
from structlin.tensors._regression.smoother import Functions
from structlin.tensors._regression.sweeps import sweep
from structlin.tensors._regression.variational import Posterior

SIZES, RANKS, LENGTH, NOISE = (30, 40, 60), (2, 2, 2), 0.4, 0.1
KERNEL = Matern(1.5, LENGTH)


def problem(seed, count, held_out=3000, sizes=SIZES):
    """Draw functions, core, places, values; the last ``held_out`` places are for testing."""
    rng = np.random.default_rng(seed)
    functions = []
    for n, r in zip(sizes, RANKS, strict=True):
        K = KERNEL(np.arange(n) / n) + 1e-10 * np.eye(n)
        functions.append(np.linalg.cholesky(K) @ rng.standard_normal((n, r)))
    core = rng.standard_normal(int(np.prod(RANKS)))
    total = count + held_out
    places = np.stack([rng.integers(n, size=total) for n in sizes], axis=1)
    rows = [U[places[:, k]] for k, U in enumerate(functions)]
    f = FullCoupling(RANKS).joined(rows) @ core
    sigma = NOISE * np.std(f)
    y = f[:count] + sigma * rng.standard_normal(count)
    return places, places / np.array(sizes), y, f, sigma, functions, core


def rms(x):
    return float(np.sqrt(np.mean(x**2)))


def tangent(places, y, f, sigma, functions, core):
    """Return the error at the held-out places of the smoother in the linearised model."""
    coupling, count = FullCoupling(RANKS), len(y)
    blocks, priors = [], []
    for axis, U in enumerate(functions):
        rows = [V[places[:, k]] for k, V in enumerate(functions) if k != axis]
        a = coupling.joined(rows) @ coupling.unfolded(core, axis)
        n, r = U.shape
        J = np.zeros((len(places), n, r))
        J[np.arange(len(places)), places[:, axis]] = a
        blocks.append(J.reshape(len(places), -1))
        K = KERNEL(np.arange(n) / n) + 1e-10 * np.eye(n)
        priors.append(np.kron(np.linalg.inv(K), np.eye(r)))
    blocks.append(coupling.joined([U[places[:, k]] for k, U in enumerate(functions)]))
    priors.append(np.eye(coupling.size))
    J = np.hstack(blocks)
    truth = np.concatenate([*(U.reshape(-1) for U in functions), core])
    P = np.zeros((len(truth),) * 2)
    place = 0
    for prior in priors:
        here = slice(place, place + len(prior))
        P[here, here] = prior
        place += len(prior)
    noise = y - f[:count]
    H = J[:count].T @ J[:count] / sigma**2 + P
    shift = np.linalg.solve(H, J[:count].T @ noise / sigma**2 - P @ truth)
    return rms(J[count:] @ shift)


def at_the_truth(places, y, f, sigma, functions, core, sizes=SIZES):
    """Return the error of the posterior that starts at the truth, with true hyperparameters."""
    count = len(y)
    axes = [
        Functions(np.arange(n) / n, KERNEL, U.copy(), 2**32)
        for n, U in zip(sizes, functions, strict=True)
    ]
    posterior = Posterior(FullCoupling(RANKS), axes)
    posterior.core, posterior.precision = core.copy(), 1 / sigma**2
    columns = [np.ascontiguousarray(places[:count, k]) for k in range(3)]
    for _ in range(100):
        sweep(posterior, columns, y)
    mean, _ = posterior.at(places[count:] / np.array(sizes))
    return rms(mean - f[count:])


def accuracy(record):
    ratios, bounds, shares, noisy = [], [], [], []
    for seed in range(6):
        places, x, y, f, sigma, functions, core = problem(seed, 6000)
        count = len(y)
        model = FunctionalTucker(RANKS, rng=seed).fit(x[:count], y)
        mean, std = model.predict(x[count:], return_std=True)
        error = mean - f[count:]
        ratios.append(rms(error) / at_the_truth(places, y, f, sigma, functions, core))
        bounds.append(rms(error) / tangent(places, y, f, sigma, functions, core))
        shares.append(float(np.mean(np.abs(error) < 2 * std)))
        wide = model.predict(x[count:], return_std=True, include_noise=True)[1]
        new = f[count:] + sigma * np.random.default_rng(99 + seed).standard_normal(len(error))
        noisy.append(float(np.mean(np.abs(mean - new) < 2 * wide)))
    record.figure(
        "RMSE against the oracle started at the truth, median of 6",
        np.median(ratios),
        "",
        at_most=1.05,
    )
    record.figure("the same, worst of 6", max(ratios), "")
    record.figure("RMSE against the tangent oracle, median of 6", np.median(bounds), "")
    share = float(np.mean(shares))
    record.figure("share of the function in 2-sd bands, at least", share, "", at_least=0.92)
    record.figure("share of the function in 2-sd bands, at most", share, "", at_most=0.98)
    share = float(np.mean(noisy))
    record.figure("share of new noisy values in 2-sd bands", share, "", at_least=0.92)


def times(record):
    """Time fits, and single sweeps per observation, of few coordinates and of many."""
    for name, few in (("30, 40 and 60 coordinates", True), ("N/10 coordinates", False)):
        sweeps = {}
        for count in (10_000, 100_000, 1_000_000):
            rng = np.random.default_rng(0)
            sizes = SIZES if few else (count // 10,) * 3
            x = np.stack([rng.integers(n, size=count) / n for n in sizes], axis=1)
            y = np.sin(5 * x[:, 0]) * np.exp(x[:, 1]) + x[:, 2] * np.cos(4 * x[:, 0])
            y = y + 0.1 * rng.standard_normal(count)
            options = {} if few else {"tol": 1e9, "max_iterations": 2}  # two rounds
            start = time.perf_counter()
            model = FunctionalTucker(2, rng=0, **options).fit(x, y)
            seconds = time.perf_counter() - start
            rounds = model.report.iterations
            record.figure(f"fit in {rounds} rounds, N={count:.0e}, {name}", seconds, "s")
            start = time.perf_counter()
            model.update(x, y)
            seconds = (time.perf_counter() - start) / model.report.iterations
            sweeps[count] = seconds / count
            record.figure(f"a sweep, N={count:.0e}, {name}", seconds, "s")
        growth = sweeps[1_000_000] / sweeps[10_000]
        record.figure(f"sweep per observation, N=1e6 over N=1e4, {name}", growth, "", at_most=1.5)


def peers(record):
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern as Matern3, WhiteKernel
    except ImportError:
        return
    _, x, y, f, sigma, *_ = problem(0, 1000)
    count = len(y)
    kernel = 1.0 * Matern3([0.4] * 3, nu=1.5) + WhiteKernel(0.01)
    models = {
        "structlin": FunctionalTucker(RANKS, rng=0),
        "scikit-learn, Gaussian process": GaussianProcessRegressor(kernel, normalize_y=True),
        "scikit-learn, gradient boosting": HistGradientBoostingRegressor(random_state=0),
    }
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(x[:count], y)
        seconds = time.perf_counter() - start
        error = rms(model.predict(x[count:]) - f[count:]) / sigma
        record.figure(f"RMSE over noise, N=1000, {name}", error, "")
        record.figure(f"time of fit, N=1000, {name}", seconds, "s")


def main():
    record = harness.Record("tensors_regression", "Regression by functional Tucker, float64")
    FunctionalTucker(1, rng=0).fit(np.random.default_rng(0).uniform(size=(50, 2)), np.ones(50))
    accuracy(record)
    peers(record)
    times(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
