"""Toeplitz products with vectors and blocks of vectors, beside SciPy and the transforms alone."""

import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.linalg

import structlin

# size, vectors: how much faster than SciPy
BARS = {
    (1000, 1): 8.0,
    (4096, 1): 8.0,
    (100_003, 1): 4.0,
    (1000, 64): 5.0,
    (4096, 64): 5.0,
    (100_003, 8): 4.0,
}


def contestants(column: Any, row: Any, X: Any) -> dict[str, Callable[[], Any]]:
    A = structlin.Toeplitz(column, row)
    return {
        "structlin": lambda: A @ X,
        "scipy.linalg.matmul_toeplitz": lambda: scipy.linalg.matmul_toeplitz((column, row), X),
    }


def transforms(n: int, vectors: int, dtype: str) -> harness.Limit:
    """Return the time of one real transform and back at each vector, of the fastest length."""
    length = scipy.fft.next_fast_len(2 * n - 1, real=True)
    x = np.ones((vectors, length), dtype=dtype)
    return harness.Limit(lambda: scipy.fft.irfft(scipy.fft.rfft(x), n=length), 1.0, binds=[])


def main() -> int:
    record = harness.Record("toeplitz", "Toeplitz products, the symbol's transform kept")
    rng = np.random.default_rng(1)
    for (n, vectors), bar in BARS.items():
        column, row = rng.standard_normal((2, n))
        row[0] = column[0]
        X = rng.standard_normal(n if vectors == 1 else (n, vectors))
        for dtype in ("float64", "float32"):
            runs = contestants(*(values.astype(dtype) for values in (column, row, X)))
            moved = np.dtype(dtype).itemsize * 2 * X.size
            limits = {"transforms": transforms(n, vectors, dtype)}
            if dtype == "float64":
                # the vectors are read and written once
                limits["triad"] = harness.bandwidth("triad", moved=moved, footprint=1.5 * moved)
            record.race(
                f"n = {n}, {vectors} vector{'s' * (vectors > 1)}, {dtype}",
                runs,
                limits=limits,
                bars=[("structlin", "scipy.linalg.matmul_toeplitz", bar)],
                agree=1e-11 if dtype == "float64" else 1e-3,
                seconds=30.0,
            )
    A = structlin.Toeplitz(*rng.standard_normal((2, 1000)).astype(np.float32))
    kept = (A @ np.ones(1000, dtype=np.float32)).dtype == np.float32
    record.figure("float32 is kept", float(kept), at_least=1.0)
    record.missing("pylops", "has no Toeplitz matrix: its convolution lengthens the vectors")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
