"""Log-determinants and traces by random vectors, beside imate, SuperLU and each other."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from _threads import THREADS

from structlin.sketching import logdet, trace, trace_of_function

SIZE, SHIFT = 200, 0.01
PROBES, STEPS, SEEDS = 30, 30, 100


def laplacian(size: int) -> tuple[Any, Any]:
    """Return the shifted Laplacian of a square grid, and its eigenvalues."""
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(size, size))
    values = 2 - 2 * np.cos(np.pi * np.arange(1, size + 1) / (size + 1))
    A = scipy.sparse.kronsum(line, line) + SHIFT * scipy.sparse.eye_array(size * size)
    return A.tocsr(), np.add.outer(values, values).ravel() + SHIFT


def peer(name: str, A: Any) -> Callable[[], Any]:
    function = getattr(importlib.import_module("imate"), name)
    A = scipy.sparse.csr_matrix(A)
    options = {"min_num_samples": PROBES, "max_num_samples": PROBES, "lanczos_degree": STEPS}
    options["num_threads"] = THREADS
    return lambda: function(A, method="slq", **options)


def factorised(A: Any) -> float:
    factors = scipy.sparse.linalg.splu(
        A.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return float(np.sum(np.log(factors.U.diagonal())))


def quadratures(record: harness.Record) -> None:
    A, values = laplacian(SIZE)
    options: dict[str, Any] = {"probes": PROBES, "steps": STEPS, "rng": 0}
    cases = {
        "logdet": (np.log, lambda: logdet(A, method="slq", **options)),
        "traceinv": (np.reciprocal, lambda: trace_of_function(A, np.reciprocal, **options)),
    }
    for name, (f, ours) in cases.items():
        exact = np.sum(f(values))
        runs: dict[str, Callable[[], Any]] = {"structlin": ours}
        try:
            runs["imate"] = peer(name, A)
        except ImportError:
            record.missing("imate")
        # the vectors are read three times and written once at every step
        moved = 4 * 8 * A.shape[0] * PROBES * STEPS
        record.race(
            f"{name}, n = {A.shape[0]}, {PROBES} probes of {STEPS} steps",
            runs,
            limits={
                "vectors": harness.bandwidth(
                    "triad", moved=moved, footprint=16 * A.shape[0] * PROBES, binds=[]
                )
            },
            bars=[("structlin", "imate", 1.0)] if "imate" in runs else [],
            rounds=15,
            seconds=20.0,
        )
        result = ours()
        record.figure(
            f"{name}: error in standard errors",
            float(abs(result.value - exact) / result.error_estimate),
            at_most=3.0,
        )
    record.race(
        f"exact logdet, n = {A.shape[0]}",
        {"structlin": lambda: logdet(A).value, "SuperLU, not predicted": lambda: factorised(A)},
        bars=[("structlin", "SuperLU, not predicted", 0.6)],
        agree=1e-12,
        rounds=9,
        seconds=15.0,
    )


def calibration(record: harness.Record) -> None:
    A, values = laplacian(50)
    exact = np.sum(np.log(values))
    results = [logdet(A, method="slq", rng=seed) for seed in range(SEEDS)]
    inside = sum(bool(abs(one.value - exact) <= 3 * one.standard_error) for one in results)
    record.figure(
        "logdet within 3 standard errors", inside, f"of {SEEDS} seeds", at_least=0.97 * SEEDS
    )
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((500, 500)))
    spectrum = 1.0 / np.arange(1, 501) ** 2
    B, exact = (Q * spectrum) @ Q.T, np.sum(spectrum)
    for matvecs in (30, 60, 90, 180):
        error: dict[str, float] = {}
        for method in ("xtrace", "xnystrace", "hutch++", "hutchinson"):
            found = [trace(B, method=method, matvecs=matvecs, rng=seed) for seed in range(SEEDS)]
            off = np.array([one.value - exact for one in found])
            error[method] = float(np.sqrt(np.mean(off**2)) / exact)
            bound = np.array([3 * one.standard_error for one in found])
            record.figure(
                f"{method}, {matvecs} products: within 3 standard errors",
                int(np.sum(abs(off) <= bound)),
                f"of {SEEDS} seeds",
                at_least=0.97 * SEEDS if method in ("xtrace", "xnystrace") else None,
            )
            record.figure(f"{method}, {matvecs} products: relative RMS error", error[method])
        record.figure(
            f"XTrace's error over Hutch++'s, {matvecs} products",
            error["xtrace"] / error["hutch++"],
            at_most=0.7,
        )


def main() -> int:
    record = harness.Record("sketching_trace", "Log-determinants and traces by random vectors")
    quadratures(record)
    calibration(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
