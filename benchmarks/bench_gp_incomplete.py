"""Gaussian processes on grids with gaps: iterations and time, beside the data-space iteration.

The rival is what generic libraries do: conjugate gradients with the covariance matrix of the values
and its diagonal noise, products by Kronecker factors; by hand in NumPy, and by linear_operator's
``linear_cg``. Both stop at a loose residual of 1e-8, or after 300 iterations.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
import time
from typing import Any

import harness

# isort: split
import numpy as np
from _threads import THREADS

from structlin.bases import Grid
from structlin.covariance import SquaredExponential as SE
from structlin.solvers.gp import KroneckerGP
from structlin.solvers.gp._incomplete import Incomplete
from structlin.solvers.gp._sums import sum_of_products

LENGTHS = (0.1, 0.15, 0.2)
KERNELS = tuple(SE(length) for length in LENGTHS)
SEEDS = range(3)
MOST = 300


def problem(shape: tuple[int, ...], variance: float, missing: float, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    axes = tuple(np.linspace(0.0, 1.0, n) for n in shape)
    grid = Grid(*axes)
    x, y, z = grid.mesh()
    values = np.sin(7 * x) * np.cos(5 * y) * np.sin(4 * z + 1)
    values = values + math.sqrt(variance) * rng.standard_normal(shape)
    mask = rng.random(shape) > missing
    return grid, values * mask, mask


def iterations(record: harness.Record) -> None:
    for shape in ((48, 48, 48), (96, 48, 24), (150, 40, 12)):
        for variance in (1e-2, 1e-4):
            for missing in (0.05, 0.3, 0.7):
                most = 0
                for seed in SEEDS:
                    grid, values, mask = problem(shape, variance, missing, seed)
                    given = Incomplete(grid, (KERNELS,), values[None], variance, mask)
                    most = max(most, given.report.iterations)
                size = "x".join(map(str, shape))
                name = f"{size}, noise {variance:g}, {missing:.0%} missing: iterations"
                record.figure(name, most, at_most=40)
    rng = np.random.default_rng(0)
    grid, values, mask = problem((48, 48, 48), 1e-4, 0.0, 0)
    mask[10:, 6:, 8:] = False
    noise = 10 ** rng.uniform(-4, -2, mask.shape)
    given = Incomplete(grid, (KERNELS,), values[None] * mask, noise, mask)
    name = "48³, one gap of two thirds, noise 1e-4 to 1e-2: iterations"
    record.figure(name, given.report.iterations, at_most=40)


def against_dense(record: harness.Record) -> None:
    worst = 0.0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        axes = tuple(np.sort(rng.uniform(0.0, 1.0, 9)) for _ in range(3))
        mask = rng.random((9, 9, 9)) > 0.4
        noise, Y = 10 ** rng.uniform(-4, -1, mask.shape), rng.standard_normal(mask.shape)
        gp = KroneckerGP(KERNELS, 1.0)
        K = functools.reduce(np.kron, [k.gram(x) for k, x in zip(KERNELS, axes, strict=True)])
        places = np.flatnonzero(mask)
        S = K[np.ix_(places, places)] + np.diag(noise.ravel()[places])
        mean = K[:, places] @ np.linalg.solve(S, Y.ravel()[places])
        found = gp.fit(axes, Y, mask, noise).posterior().mean.ravel()
        worst = max(worst, float(np.linalg.norm(found - mean) / np.linalg.norm(mean)))
        terms = (KERNELS,)
        given = Incomplete(Grid(*axes), terms, (Y * mask)[None], noise, mask)
        found = given.applied([[k.gram(x) for k, x in zip(KERNELS, axes, strict=True)]]).ravel()
        worst = max(worst, float(np.linalg.norm(found - mean) / np.linalg.norm(mean)))
    record.figure("9³, mean against dense, 40 % missing, relative", worst, at_most=1e-9)


def data_space(grid: Grid, values: Any, mask: Any, variance: float) -> Any:
    """Conjugate gradients with the covariance of the values."""
    grams = [k.gram(x) for k, x in zip(KERNELS, grid.axes, strict=True)]

    def product(X: Any) -> Any:
        Y = X
        for j, K in enumerate(grams):
            Y = np.moveaxis(np.tensordot(K, Y, (1, j)), 0, j)
        return mask * Y + variance * X

    x, r = np.zeros_like(values), values.copy()
    p, rr = r, np.sum(r * r)
    least = 1e-16 * rr
    for _ in range(MOST):
        q = product(p)
        step = rr / np.sum(p * q)
        x, r = x + step * p, r - step * q
        before, rr = rr, np.sum(r * r)
        if rr <= least:
            break
        p = r + rr / before * p
    return x


def linear_cg(grid: Grid, values: Any, mask: Any, variance: float) -> Any:
    import torch
    from linear_operator.operators import DenseLinearOperator, KroneckerProductLinearOperator
    from linear_operator.utils import linear_cg as solver

    torch.set_num_threads(THREADS)
    grams = [k.gram(x) for k, x in zip(KERNELS, grid.axes, strict=True)]
    K = KroneckerProductLinearOperator(*(DenseLinearOperator(torch.from_numpy(G)) for G in grams))
    there = torch.from_numpy(mask.reshape(-1, 1).astype(float))
    y = torch.from_numpy(values.reshape(-1, 1))
    made = solver(lambda X: there * (K @ X) + variance * X, y, tolerance=1e-8, max_iter=MOST)
    return made.numpy()


def main() -> int:
    record = harness.Record(
        "gp_incomplete", "Gaussian processes on grids with gaps, float64: smooth kernels"
    )
    for variance, missing in ((1e-2, 0.3), (1e-4, 0.7)):
        grid, values, mask = problem((48, 48, 48), variance, missing, 0)
        rivals = {"data space, NumPy": data_space}
        if importlib.util.find_spec("linear_operator") is not None:
            rivals["data space, linear_operator"] = linear_cg
        else:
            record.missing("data space, linear_operator")
        case = (grid, values, mask, variance)
        record.race(
            f"48³, noise {variance:g}, {missing:.0%} missing: weights",
            {
                "structlin": lambda c=case: (
                    Incomplete(  # type: ignore[misc]
                        c[0], (KERNELS,), c[1][None], c[3], c[2]
                    ).weights
                ),
                **{name: functools.partial(run, *case) for name, run in rivals.items()},
            },
            rounds=5,
            seconds=60.0,
        )
    iterations(record)
    against_dense(record)
    grid, values, mask = problem((48, 48, 48), 1e-2, 0.3, 0)
    given = Incomplete(grid, (KERNELS,), values[None], 1e-2, mask, rng=0)
    begin = time.perf_counter()
    given.log_likelihood()
    record.figure("48³, 30 % missing: log determinant", time.perf_counter() - begin, "s")
    error = given.report.choices["log determinant"].error_estimate
    record.figure("48³, 30 % missing: standard error of the log determinant", error)
    terms = (KERNELS, tuple(SE(3 * length) for length in LENGTHS))
    made = sum_of_products(grid, terms, values[None], 1e-2, rng=0)
    record.figure("48³, complete, two products: iterations", made.report.iterations)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
