"""Sketches of tall dense matrices, beside SciPy, other sketches, and reading the matrix once.

The bars are for two threads, ``BENCH_THREADS=2``. SciPy's sparse products have one thread whatever
is asked for; its transform and NumPy's products have as many as the rest.
"""

import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.linalg
from _threads import THREADS

from structlin.sketching import Gaussian, SparseStack

# rows, columns: how much faster than SciPy's product by columns
BARS = {(200_000, 1000): 2.2, (1_000_000, 200): 1.6}
OURS = "SparseStack, ζ = 8"
TRANSFORM, GAUSSIAN = 1 / 10, 1 / 40  # the share of the matrix that they sketch


def transform(A: Any, d: int, rng: Any) -> Any:
    """Return a cosine transform's sketch of all rows: signs, transform, choice of rows."""
    signs = rng.choice([-1.0, 1.0], A.shape[0])
    mixed = scipy.fft.dct(signs[:, None] * A, axis=0, norm="ortho", workers=THREADS)
    return mixed[rng.choice(A.shape[0], d, replace=False)]


def contestants(A: Any, stored: Any) -> dict[str, Callable[[], Any]]:
    m, n = A.shape
    d, by_rows = 4 * n, stored.tocsr()
    few = np.ascontiguousarray(A[:, : round(TRANSFORM * n)])
    top = A[: round(GAUSSIAN * m)]
    rng = np.random.default_rng(2)
    return {
        # made anew in every call: all of them but the stored ones draw their random numbers
        OURS: lambda: SparseStack(d, m, rng=1) @ A,
        "SparseStack, ζ = 4": lambda: SparseStack(d, m, nonzeros=4, rng=1) @ A,
        "SparseStack, ζ = 1": lambda: SparseStack(d, m, nonzeros=1, rng=1) @ A,
        "scipy CSC, stored": lambda: stored @ A,
        "scipy CSR, stored": lambda: by_rows @ A,
        "scipy clarkson_woodruff_transform": lambda: scipy.linalg.clarkson_woodruff_transform(
            A, d, rng=rng
        ),
        "scipy.fft cosine transform": lambda: transform(few, d, rng),
        "Gaussian": lambda: Gaussian(d, m, rng=1).block(0, top.shape[0]) @ top,
    }


def bars(by_columns: float) -> list[tuple[str, str, float]]:
    return [
        (OURS, "scipy CSC, stored", by_columns),
        (OURS, "scipy CSR, stored", 3.0),
        (OURS, "scipy.fft cosine transform", 6.0),
        (OURS, "Gaussian", 20.0),
        (OURS, "read once", 1 / 5),
        ("SparseStack, ζ = 4", OURS, 1.6),
        ("SparseStack, ζ = 1", "scipy clarkson_woodruff_transform", 1.8),
    ]


def main() -> int:
    record = harness.Record("sketching_operators", "Sketches of tall matrices, d = 4 n, float64")
    rng = np.random.default_rng(1)
    for (m, n), by_columns in BARS.items():
        A = rng.standard_normal((m, n))
        S = SparseStack(4 * n, m, rng=1)
        stored = S.tosparse()
        runs = contestants(A, stored)
        error = np.max(np.abs(S @ A - stored @ A)) / np.max(np.abs(stored @ A))
        record.figure(f"{m} x {n}: difference from the stored matrix", error, at_most=1e-13)
        once = harness.bandwidth(
            "read",
            moved=A.nbytes,
            footprint=A.nbytes,
            binds=[name for name in runs if name.startswith(("SparseStack", "scipy C"))],
        )
        record.race(
            f"{m} x {n}",
            runs,
            limits={"read once": once},
            bars=bars(by_columns),
            units={"scipy.fft cosine transform": TRANSFORM, "Gaussian": GAUSSIAN},
            rounds=9,
            seconds=75.0,
        )
        words = harness.Limit(lambda S=S, m=m: S._hits(0, m), 1.0, binds=[])  # type: ignore[misc]
        record.race(
            f"{m} x {n}, the share of the random numbers",
            {OURS: runs[OURS]},
            limits={"random numbers": words},
            rounds=5,
        )
    record.missing("PARLA, RandBLAS", "the one needs NumPy 1, the other has no Python interface")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
