"""Linear maps of known structure learned from data, beside dense regression and solvers."""

import sys
import time
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.sparse.linalg

from structlin.bases import Grid
from structlin.matrices import BlockToeplitz, Kronecker, Monarch
from structlin.operators import (
    FourierMultiplier,
    GreensFunction,
    MultigridOperator,
    RandomFeatureOperator,
    datasets,
    fit_kronecker,
    fit_monarch,
    fit_toeplitz,
    fit_tucker_multiplier,
    relative_errors,
)
from structlin.tensors import Tucker

try:
    from sklearn.linear_model import Ridge
except ImportError:
    Ridge = None


def dense_regression(X: Any, Y: Any) -> Callable[[Any], Any]:
    """Return the map that scikit-learn's ridge regression, or NumPy's least squares, finds."""
    if Ridge is not None:
        model = Ridge(alpha=1e-10, fit_intercept=False).fit(X, Y)
        return lambda Z: Z @ model.coef_.T
    matrix = np.linalg.lstsq(X, Y, rcond=None)[0]
    return lambda Z: Z @ matrix


def poisson(F: Any) -> Any:
    """Solve ``-Δu = F`` by second differences; forcings and solutions have the ends as well."""
    inner, axes = (slice(None), *(slice(1, -1),) * (F.ndim - 1)), tuple(range(1, F.ndim))
    total: Any = 0.0
    for axis, n in enumerate(F.shape[1:]):
        values = (2 - 2 * np.cos(np.arange(1, n - 1) * np.pi / (n - 1))) * (n - 1) ** 2
        total = total + values.reshape(tuple(-1 if a == axis else 1 for a in range(F.ndim - 1)))
    u = np.zeros_like(F)
    spectrum = scipy.fft.dstn(F[inner], type=1, axes=axes) / total
    u[inner] = scipy.fft.idstn(spectrum, type=1, axes=axes)
    return u


def few_samples(record: harness.Record) -> None:
    """Fit each structure to a few samples with 1 % of noise, beside dense regression."""
    rng = np.random.default_rng(0)
    n, samples = 256, 100
    U = [rng.standard_normal(31) + 1j * rng.standard_normal(31) for _ in range(2)]
    factors = [np.stack([u, u[::-1].conj()], axis=1) for u in U]
    cases: dict[str, tuple[Any, tuple[int, ...], Callable[[Any, Any], Any]]] = {
        "Toeplitz": (BlockToeplitz(rng.standard_normal(2 * n - 1)), (n,), fit_toeplitz),
        "Kronecker": (
            Kronecker(*(rng.standard_normal((16, 16)) for _ in range(2))),
            (16, 16),
            fit_kronecker,
        ),
        "Monarch": (
            Monarch(*(rng.standard_normal((16, 16, 16)) for _ in range(2))),
            (n,),
            lambda X, Y: fit_monarch(X, Y, 16),
        ),
        "Tucker multiplier": (
            FourierMultiplier(Tucker(np.eye(2, dtype=complex), factors), (32, 32)),
            (32, 32),
            lambda X, Y: fit_tucker_multiplier(X, Y, ranks=2),
        ),
    }
    for name, (A, shape, fit) in cases.items():
        X = rng.standard_normal((samples + 200, *shape))
        clean = (A @ X.reshape(len(X), -1).T).T
        Y = clean + 0.01 * np.std(clean) * rng.standard_normal(clean.shape)
        tables = Y.reshape(len(Y), *shape)
        start = time.perf_counter()
        found = fit(X[:samples], tables[:samples])
        seconds = time.perf_counter() - start
        predicted = found.predict(X[samples:]).reshape(200, -1)
        error = float(np.mean(relative_errors(predicted, clean[samples:])))
        dense = dense_regression(X[:samples].reshape(samples, -1), Y[:samples])
        other = float(
            np.mean(relative_errors(dense(X[samples:].reshape(200, -1)), clean[samples:]))
        )
        record.figure(f"{name}, {samples} noisy samples: error", error, at_most=0.02)
        record.figure(f"{name}: error of dense ridge regression", other)
        record.figure(f"{name}: held-out error as told", found.held_out_error)
        record.figure(f"{name}: time of the fit", seconds, "s")
        record.figure(f"{name}: numbers fitted", float(found.operator.parameters))


def greens_functions(record: harness.Record) -> None:
    """Learn Green's functions from a solver, and apply them."""
    for n in (257, 1025, 4097):
        grid = Grid(np.linspace(0, 1, n))
        start = time.perf_counter()
        learned = GreensFunction(rank=2, rng=0).learn(poisson, grid)
        seconds = time.perf_counter() - start
        record.figure(f"Green's function, {n} points: solves", float(learned.solves))
        record.figure(f"Green's function, {n} points: error", learned.error_estimate, at_most=1e-10)
        record.figure(f"Green's function, {n} points: time to learn", seconds, "s")
    dense = learned.operator.todense()
    f = np.random.default_rng(0).standard_normal((n, 16))
    record.race(
        f"a learned Green's function on {n} points, applied to 16 forcings",
        {"structlin": lambda: learned.operator @ f, "dense matrix": lambda: dense @ f},
        limits={
            "read": harness.bandwidth(
                "read", moved=8 * learned.operator.parameters, footprint=dense.nbytes, binds=[]
            )
        },
        bars=[("structlin", "dense matrix", 1.0)],
        agree=1e-6,
        seconds=20.0,
    )
    grid = Grid.uniform([(0, 1)] * 2, 33)
    for rank in (8, 16, 32):
        learned = GreensFunction(rank=rank, rng=0).learn(poisson, grid)
        name = f"Green's function, 33² points, rank {rank}"
        record.figure(f"{name}: error", learned.error_estimate)
        record.figure(f"{name}: solves, of {grid.size}", float(learned.solves))


def multigrid(record: harness.Record) -> None:
    """Fit multigrid cycles to five solutions, and solve with them."""
    rng = np.random.default_rng(0)
    for n in (33, 65, 129, 257):
        F = rng.standard_normal((5, n, n))
        U = poisson(F)
        start = time.perf_counter()
        learned = MultigridOperator().fit(F, U, grid=Grid.uniform([(0, 1)] * 2, n))
        seconds = time.perf_counter() - start
        record.figure(
            f"multigrid, {n}², 5 samples: held-out error", learned.held_out_error, at_most=1e-6
        )
        record.figure(f"multigrid, {n}²: residual a cycle leaves", learned.rate, at_most=0.15)
        record.figure(f"multigrid, {n}²: numbers fitted", float(learned.parameters))
        record.figure(f"multigrid, {n}²: time of the fit", seconds, "s")
    m = n - 2
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))
    eye = scipy.sparse.eye_array(m)
    A = ((scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line)) * (n - 1) ** 2).tocsc()
    b = F[0, 1:-1, 1:-1].ravel()
    record.race(
        f"{n}², one forcing",
        {
            "structlin, cycles from 5 solutions": lambda: learned.predict(F[:1])[0, 1:-1, 1:-1],
            "splu, factorised each time": lambda: (
                scipy.sparse.linalg.splu(A).solve(b).reshape(m, m)
            ),
        },
        limits={"DST pair": harness.Limit(lambda: poisson(F[:1]), 1.0, binds=[])},
        agree=1e-5,
        rounds=7,
        seconds=30.0,
    )


def random_features(record: harness.Record) -> None:
    """Learn Burgers' equation by random features, beside the linear map."""
    data = datasets.burgers(n=1200, rng=0)
    train, test = data.split(1000, 200)
    for features in (128, 512):
        start = time.perf_counter()
        model = RandomFeatureOperator(features=features, rng=0)
        model.fit(train.inputs, train.outputs, grid=train.grid)
        seconds = time.perf_counter() - start
        found = model.predict(test.inputs)
        name = f"Burgers, 1000 samples, {features} random features"
        record.figure(f"{name}: error", float(np.mean(relative_errors(found, test.outputs))))
        record.figure(f"{name}: error as told", model.cross_validation_error)
        record.figure(f"{name}: time of the fit", seconds, "s")
    linear = dense_regression(train.inputs, train.outputs)(test.inputs)
    record.figure(
        "Burgers: error of linear regression", float(np.mean(relative_errors(linear, test.outputs)))
    )


def main() -> int:
    """Run all of it."""
    record = harness.Record("structured", "Structured linear maps learned from data, float64")
    few_samples(record)
    greens_functions(record)
    multigrid(record)
    random_features(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
