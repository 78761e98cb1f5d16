"""Gaussian processes on complete grids: likelihood, mean and gradient, beside linear_operator.

The peer, a KroneckerProductAddedDiag operator, gets the same covariance matrices ready made; ours
makes them from the kernels within the time. The peer is called in two ways: as GPyTorch does, the
likelihood by ``inv_quad_logdet`` and the weights by ``solve``, which has the bar; and by hand in
the cheapest order, where the likelihood takes its quadratic form from the weights.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.linalg
from _threads import THREADS

from structlin.covariance import Matern, SquaredExponential
from structlin.solvers.gp import KroneckerGP

KERNELS = (Matern(2.5, 0.2), Matern(1.5, 0.3), SquaredExponential(0.1))
NOISE = 1e-2
PEERS = ("linear_operator, as GPyTorch calls it", "linear_operator, cheapest order")


def nodes(n: int, even: bool) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(n)
    if even:
        return tuple(np.linspace(0.0, 1.0, n) for _ in range(3))  # type: ignore[return-value]
    return tuple(np.sort(rng.uniform(0.0, 1.0, n)) for _ in range(3))  # type: ignore[return-value]


def ours(axes: Any, Y: Any) -> Any:
    gp = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    gp.log_marginal_likelihood()
    return gp.posterior().mean


def with_gradient(axes: Any, Y: Any) -> Any:
    gp = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    gp.log_marginal_likelihood(grad=True)
    return gp.posterior().mean


def peers(axes: Any, Y: Any) -> dict[str, Callable[[], Any]]:
    if importlib.util.find_spec("linear_operator") is None:
        return {}
    import torch
    from linear_operator.operators import DenseLinearOperator, KroneckerProductLinearOperator

    torch.set_num_threads(THREADS)
    grams = [torch.from_numpy(k(x)) for k, x in zip(KERNELS, axes, strict=True)]
    y, noise = torch.from_numpy(Y.reshape(-1)), torch.tensor(NOISE, dtype=torch.float64)
    constant = Y.size * math.log(2 * math.pi)

    def operators() -> tuple[Any, Any]:  # new ones: they keep their eigendecompositions
        K = KroneckerProductLinearOperator(*(DenseLinearOperator(gram) for gram in grams))
        return K, K.add_diagonal(noise)

    def as_gpytorch() -> Any:
        K, S = operators()
        form, determinant = S.inv_quad_logdet(y, logdet=True)
        float(-(form + determinant + constant) / 2)
        return (K @ S.solve(y)).numpy()

    def cheapest() -> Any:
        K, S = operators()
        weights = S.solve(y)
        float(-(weights @ y + S.logdet() + constant) / 2)
        return (K @ weights).numpy()

    return dict(zip(PEERS, (as_gpytorch, cheapest), strict=True))


def against_dense(record: harness.Record) -> None:
    rng = np.random.default_rng(9)
    axes = nodes(9, even=False)
    Y = rng.standard_normal((9, 9, 9))
    gp = KroneckerGP(KERNELS, NOISE).fit(axes, Y)
    K = np.kron(np.kron(KERNELS[0](axes[0]), KERNELS[1](axes[1])), KERNELS[2](axes[2]))
    root = scipy.linalg.cho_factor(K + NOISE * np.eye(729), lower=True)
    weights = scipy.linalg.cho_solve(root, Y.ravel())
    logarithms = 2 * np.sum(np.log(np.diag(root[0])))
    dense = -(weights @ Y.ravel() + logarithms + 729 * math.log(2 * math.pi)) / 2
    error = abs(gp.log_marginal_likelihood() / dense - 1)
    record.figure("9³, log likelihood against Cholesky, relative", error, at_most=1e-10)
    mean = (K @ weights).reshape(9, 9, 9)
    error = np.max(np.abs(gp.posterior().mean - mean)) / np.max(np.abs(mean))
    record.figure("9³, mean against Cholesky, relative", error, at_most=1e-10)


def growth(record: harness.Record, rounds: int) -> None:
    rng = np.random.default_rng(3)
    cases = [(nodes(n, even=True), rng.standard_normal((n, n, n))) for n in (50, 100)]
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds):
        for k, case in enumerate(cases):
            begin = time.perf_counter()
            ours(*case)
            seconds[k].append(time.perf_counter() - begin)
    small, large = np.median(seconds, axis=1)
    record.figure("time at 100³ over time at 50³", large / small, at_most=16.0)


def main() -> int:
    n, rounds = 100, 21
    record = harness.Record(
        "gp_kronecker", "Gaussian processes on complete grids, float64: likelihood and mean"
    )
    rng = np.random.default_rng(1)
    for even in (True, False):
        axes, Y = nodes(n, even), rng.standard_normal((n, n, n))
        rivals = peers(axes, Y)
        flops = 12.0 * n**4 / (2 if even else 1)  # six mode products; even nodes need half
        record.race(
            f"{n}³, {'even' if even else 'uneven'} nodes",
            {
                "structlin": lambda axes=axes, Y=Y: ours(axes, Y),  # type: ignore[misc]
                "structlin, gradient too": lambda axes=axes, Y=Y: with_gradient(axes, Y),  # type: ignore[misc]
                **rivals,
            },
            limits={"matrix products": harness.gemm(flops)},
            bars=[("structlin", peer, 4.0) for peer in PEERS[:1] if rivals],
            rounds=rounds,
            seconds=60.0,
            agree=1e-8,
        )
    if not rivals:
        record.missing("linear_operator")
    growth(record, rounds)
    against_dense(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
