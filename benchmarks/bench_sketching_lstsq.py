"""Least squares by sketching, beside LAPACK: time, and backward errors.

The bars are meant for two free cores: ``BENCH_THREADS=2``.
"""

import math
import sys
from functools import partial
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.linalg

from structlin.sketching import lstsq

CONDITIONS = 10.0 ** np.arange(2, 15, 2)
RESIDUALS = (1e-12, 1e-8, 1e-4, 1.0)


def tall(m: int, n: int, condition: float, residual: float) -> tuple[Any, Any]:
    """Return a matrix of about this condition number, in place of random numbers, and a side."""
    rng = np.random.default_rng(n)
    A = rng.standard_normal((m, n))
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    M = V * np.geomspace(1, 1 / condition, n) @ V.T / math.sqrt(m)
    for start in range(0, m, 10_000):
        A[start : start + 10_000] = A[start : start + 10_000] @ M
    x = rng.standard_normal(n) / math.sqrt(n)
    return A, A @ x + residual / math.sqrt(m) * rng.standard_normal(m)


def backward_error(A: Any, b: Any, x: Any, triangle: Any) -> float:
    """Return the estimate of Karlson and Waldén, relative to ‖A‖_F."""
    _, s, Vh = np.linalg.svd(triangle)
    r, size = b - A @ x, np.linalg.norm(s)
    theta = size / np.linalg.norm(b)
    weight = theta / math.sqrt(1 + theta**2 * np.linalg.norm(x) ** 2)
    parts = (Vh @ (A.T @ r)) / np.sqrt(s**2 + weight**2 * (r @ r))
    return float(weight * np.linalg.norm(parts) / size)


def accuracy(record: harness.Record, m: int, n: int) -> None:
    """Record the worst backward error over condition numbers and residuals, beside gelsd's."""
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((m, n + 1)))[0]
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    methods = ("auto", "spir", "fossils")
    worst, ratios = dict.fromkeys(methods, 0.0), dict.fromkeys(methods, 0.0)
    for condition in CONDITIONS:
        A = U[:, :n] * np.geomspace(1, 1 / condition, n) @ V.T
        triangle = np.linalg.qr(A, mode="r")
        for residual in RESIDUALS:
            b = A @ (V @ rng.standard_normal(n) / math.sqrt(n)) + residual * U[:, n]
            x = scipy.linalg.lstsq(A, b, check_finite=False)[0]
            floor = max(1e-16, backward_error(A, b, x, triangle))
            for method in methods:
                error = backward_error(A, b, lstsq(A, b, method=method, rng=1).x, triangle)
                worst[method] = max(worst[method], error)
                ratios[method] = max(ratios[method], error / floor)
    for method in methods:
        record.figure(f"largest backward error over the grid, {m}x{n}, {method}", worst[method])
        name = f"… relative to that of gelsd or 1e-16, {m}x{n}, {method}"
        record.figure(name, ratios[method], at_most=3.0)


def race(record: harness.Record, m: int, n: int, bars: dict[str, float]) -> None:
    """Race with LAPACK's drivers, which have to take so many times as long."""
    A, b = tall(m, n, 1e8, 1e-3)
    found: dict[str, Any] = {}

    def ours(method: str) -> Any:
        found[method] = lstsq(A, b, method=method, rng=0)
        return found[method].x

    def lapack(driver: str) -> Any:
        found[driver] = scipy.linalg.lstsq(A, b, lapack_driver=driver, check_finite=False)[0]
        return found[driver]

    contestants = {f"structlin, {name}": partial(ours, name) for name in ("auto", "cholqr", "spir")}
    contestants |= {f"scipy.linalg.lstsq, {name}": partial(lapack, name) for name in bars}
    record.race(
        f"{m}x{n}",
        contestants,
        limits={
            "2 m n² operations of gemm": harness.gemm(2.0 * m * n * n, binds=[]),
            "A read once": harness.bandwidth("read", A.nbytes, harness.out_of_cache()),
        },
        bars=[
            ("structlin, auto", f"scipy.linalg.lstsq, {name}", bar) for name, bar in bars.items()
        ],
        rounds=3,
    )
    triangle = np.linalg.qr(A, mode="r")
    for name in ("auto", "gelsd"):
        x = found[name] if name == "gelsd" else found[name].x
        record.figure(f"backward error, {m}x{n}, {name}", backward_error(A, b, x, triangle))
    record.figure(f"passes over A, {m}x{n}, {found['auto'].method}", found["auto"].passes)


def main() -> int:
    record = harness.Record("sketching_lstsq", "Least squares, condition number 1e8, float64")
    accuracy(record, 4000, 100)
    race(record, 200_000, 500, {"gelsd": 1.3, "gelsy": 3.0})
    race(record, 200_000, 1000, {"gelsd": 2.0})
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
