"""One sweep of SOR beside PyAMG, plain loops over sparse rows and the memory; the bandit."""

import sys
from typing import Any

import harness

# isort: split
import numba
import numpy as np
import scipy.sparse

from structlin._kernels import csr_numba, red_black_numba, stencil_numba
from structlin._norm import norm
from structlin.solvers import TsallisINF

try:
    import pyamg
except ImportError:
    pyamg = None

OMEGA = 1.9
TOGETHER = 8  # sweeps in one pass
SOME = 4  # sweeps in one call, of the kernel that hands the grid in and out
MANY = 100  # sweeps in one call, as a solver makes it: copies, norms and all
ROW_BYTES = 88  # of one row of the matrix and what it touches: 5 entries, x twice, b, indptr


def laplacian(m: int) -> Any:
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))
    eye = scipy.sparse.eye_array(m)
    A = (scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line)).tocsr()
    return scipy.sparse.csr_matrix((A.data, A.indices.astype("i4"), A.indptr.astype("i4")))


@numba.njit
def plain_rows(x: Any, b: Any, indptr: Any, indices: Any, data: Any, omega: float) -> None:
    for i in range(b.size):
        seen = b[i]
        diagonal = 1.0
        for p in range(indptr[i], indptr[i + 1]):
            if indices[p] == i:
                diagonal = data[p]
            else:
                seen -= data[p] * x[indices[p]]
        x[i] += omega * (seen / diagonal - x[i])


def race(record: harness.Record, m: int, seconds: float) -> None:
    n = m * m
    A = laplacian(m)
    # no zeros: pages that were never written would be read from the cache
    rng = np.random.default_rng(1)
    start, b = rng.standard_normal((2, m, m))
    grid = (np.full((1, 1), 4.0), (np.ones((1, 1)),) * 2, (False, False))
    one, fused = (red_black_numba.Split(start, b, *grid) for _ in range(2))
    middle = np.empty(n, np.int32)
    csr_numba.diagonal_positions(A.indptr, A.indices, middle)
    step = OMEGA / A.diagonal()
    increments, x_rows, x_plain, x_amg = np.zeros(n), *(start.ravel().copy() for _ in range(3))
    rhs = b.ravel().copy()

    def rows() -> None:
        # a second sweep would be taken to check the first one's norm: limits leave nothing to check
        csr_numba.relax(
            x_rows, rhs, A.indptr, middle, A.indices, A.data, step, increments,
            0.0, np.inf, np.empty(2),
        )  # fmt: skip

    def whole(function: Any, sweeps: int) -> Any:
        norms = np.empty(sweeps + 1)
        norms[0] = norm(b)
        return function(start, b, *grid, OMEGA, 0.0, np.inf, norms)[0]

    contestants = {
        "red-black, one sweep": lambda: one.sweep(OMEGA, 1, np.zeros((1, 2))),
        "red-black, 8 sweeps in one pass": lambda: fused.sweep(OMEGA, TOGETHER, np.zeros((8, 2))),
        "red-black, 100 sweeps as `sor` runs them": lambda: whole(
            stencil_numba.relax_red_black, MANY
        ),
        "lexicographic grid": lambda: whole(stencil_numba.relax_lexicographic, SOME),
        "sparse rows": rows,
        "plain numba rows": lambda: plain_rows(x_plain, rhs, A.indptr, A.indices, A.data, OMEGA),
    }
    single = ["red-black, one sweep"]
    bars = [
        ("red-black, one sweep", "triad, same footprint", 1.0),
    ]
    if pyamg is None:
        record.missing("pyamg")
    else:
        sor = pyamg.relaxation.relaxation.sor
        contestants["PyAMG sor"] = lambda: sor(A, x_amg, rhs, OMEGA, iterations=1)
        bars += [
            ("red-black, one sweep", "PyAMG sor", 10.0),
            ("red-black, 8 sweeps in one pass", "PyAMG sor", 15.0),
            ("sparse rows", "PyAMG sor", 1.0),
        ]
    record.race(
        f"{m}², one sweep",
        contestants,
        units={
            "red-black, 8 sweeps in one pass": TOGETHER,
            "red-black, 100 sweeps as `sor` runs them": MANY,
            "lexicographic grid": SOME,
        },
        limits={
            # one sweep reads x and b and writes x
            "update in place, same footprint": harness.bandwidth("update", 24 * n, 16 * n, single),
            "triad, same footprint": harness.bandwidth("triad", 24 * n, 24 * n, []),
            "triad, out of cache": harness.bandwidth("triad", 24 * n, harness.out_of_cache(), []),
            "reading the matrix": harness.bandwidth(
                "read", (ROW_BYTES - 24) * n, (ROW_BYTES - 24) * n, ["sparse rows", "PyAMG sor"]
            ),
        },
        bars=bars if m == 1024 else [],
        seconds=seconds,
    )


def decisions(record: harness.Record) -> None:
    for estimator in ("reduced-variance", "importance-weighted"):
        learner = TsallisINF(20, estimator=estimator, rng=0)
        losses = np.linspace(5.0, 60.0, 20)

        def decide(learner: TsallisINF = learner, losses: Any = losses) -> None:
            arm = learner.ask()
            learner.tell(arm, losses[arm])

        for _ in range(2000):
            decide()
        times = record.race(
            f"20 arms, one decision and its update, {estimator}", {"TsallisINF": decide}
        )
        record.figure(
            f"decision and update, {estimator}",
            1e6 * times["TsallisINF"].median,
            "µs",
            at_most=10.0,
        )


def main() -> int:
    record = harness.Record("sor", "SOR sweeps with the 5-point Laplacian, float64, and the bandit")
    race(record, 1024, 60.0)
    race(record, 4096, 90.0)
    decisions(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
