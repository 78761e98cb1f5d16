"""Values of functions of several variables at scattered points, beside NumPy and a product.

The bars are meant for two free cores: ``BENCH_THREADS=2``.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import harness

# isort: split
import numpy as np
from numpy.polynomial import chebyshev

from structlin.tensors import ChebTucker

BLOCKS = (256, 512, 1024, 2048, 4096, 8192)


def function(d: int, rank: int, length: int, dtype: str = "float64") -> ChebTucker:
    """Return a function with random coefficients that decay."""
    rng = np.random.default_rng(0)
    decay = np.exp(-10 * np.arange(length) / length)[:, None]
    factors = [(rng.standard_normal((length, rank)) * decay).astype(dtype) for _ in range(d)]
    return ChebTucker(rng.standard_normal((rank,) * d).astype(dtype), factors)


def operations(f: ChebTucker) -> float:
    """Return the operations of one value: those of the series, and those of the core."""
    series = sum(2 * U.size for U in f.factors)
    return series + sum(2 * np.prod(f.ranks[:k]) for k in range(1, f.ndim + 1))


def blocked(f: ChebTucker, points: Any, block: int) -> Any:
    """Evaluate with the functions of NumPy, a block of points after another."""
    out = np.empty(points.shape[1], dtype=f.dtype)
    for start in range(0, out.size, block):
        x = points[:, start : start + block]
        first, *others = (
            chebyshev.chebvander(x[axis], len(U) - 1).astype(f.dtype, copy=False) @ U
            for axis, U in enumerate(f.factors)
        )
        total = first @ f.core.reshape(f.ranks[0], -1)
        for row in others:
            total = np.matmul(row[:, None, :], total.reshape(*row.shape, -1))[:, 0]
        out[start : start + block] = total.reshape(len(first), -1)[:, 0]
    return out


def best_block(f: ChebTucker, points: Any) -> int:
    def seconds(block: int) -> float:
        begin = time.perf_counter()
        blocked(f, points[:, : max(BLOCKS)], block)
        return time.perf_counter() - begin

    return min(BLOCKS, key=lambda block: min(seconds(block) for _ in range(3)))


def textbook(f: ChebTucker, points: Sequence[Any]) -> Any:
    """Evaluate the series by Clenshaw's recurrence, and the core by one sum."""
    rows = [chebyshev.chebval(x, U).T for x, U in zip(points, f.factors, strict=True)]
    letters = "abcdef"[: f.ndim]
    formula = ",".join([*(f"p{k}" for k in letters), letters]) + "->p"
    return np.einsum(formula, *rows, f.core, optimize=True)


def race(
    record: harness.Record,
    case: str,
    f: ChebTucker,
    N: int,
    *,
    share: float = 0.0,
    bars: Sequence[tuple[str, str, float]] = (),
) -> None:
    """Time the values at ``N`` points; NumPy's textbook way takes a share of them, if any."""
    points = np.random.default_rng(1).uniform(-1, 1, (f.ndim, N))
    block = best_block(f, points)
    few = points[:, : int(share * N)]
    exact = textbook(f, points[:, :1000])
    error = np.max(np.abs(f(*points[:, :1000]) - exact)) / np.max(np.abs(exact))
    record.figure(f"{case}: difference of structlin and NumPy", error, at_most=1e-13)
    contestants: dict[str, Callable[[], Any]] = {
        "structlin": lambda: f(*points),
        "blocked NumPy": lambda: blocked(f, points, block),
    }
    if share:
        contestants["chebval and einsum"] = lambda: textbook(f, few)
    record.race(
        f"{case}, blocks of {block} for NumPy",
        contestants,
        limits={"products": harness.gemm(N * operations(f), binds=["structlin"])},
        units={"chebval and einsum": share},
        bars=bars,
        rounds=11,
        seconds=15.0,
    )


def main() -> int:
    record = harness.Record(
        "tensors_evaluation", "Functions in Tucker form at scattered points, float64"
    )
    race(
        record,
        "1e6 points, ranks 20³, 65 coefficients",
        function(3, 20, 65),
        1_000_000,
        share=0.02,
        bars=[
            ("structlin", "products", 0.4),
            ("structlin", "blocked NumPy", 2.0),
            ("structlin", "chebval and einsum", 40.0),
        ],
    )
    slower = [("structlin", "blocked NumPy", 1.0)]
    shapes = {
        "a long-range potential, 1e5 points, ranks 31³, 58 coefficients": (3, 31, 58, 100_000),
        "1e5 points, ranks 60³, 200 coefficients": (3, 60, 200, 100_000),
        "1e5 points, ranks 5³, 20 coefficients": (3, 5, 20, 100_000),
        "1e5 points, one variable, 100 coefficients": (1, 1, 100, 100_000),
        "1e5 points, ranks 10², 60 coefficients": (2, 10, 60, 100_000),
        "1e5 points, ranks 10⁴, 30 coefficients": (4, 10, 30, 100_000),
        "1e5 points, ranks 8⁵, 20 coefficients": (5, 8, 20, 100_000),
        "1 point, ranks 20³, 65 coefficients": (3, 20, 65, 1),
    }
    for case, (d, rank, length, N) in shapes.items():
        race(record, case, function(d, rank, length), N, bars=slower)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
