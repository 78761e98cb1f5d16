"""Matrix completion: what is recovered, and how the time grows with the observations."""

import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.sparse
import scipy.sparse.linalg

import structlin.sketching

N, RANK = 5000, 5
FRACTIONS = (0.025, 0.05, 0.1)


def problem(fraction: float) -> tuple[Any, Any, Any, Any, Any]:
    """Return factors of a matrix, places drawn with replacement, and the entries there."""
    rng = np.random.default_rng(1)
    U, V = rng.standard_normal((2, N, RANK))
    rows, cols = rng.integers(N, size=(2, round(fraction * N * N)))
    return U, V, rows, cols, np.sum(U[rows] * V[cols], axis=1)


def loop(rows: Any, cols: Any, values: Any, iterations: int) -> Any:
    """Alternating least squares, a call of `numpy.linalg.solve` for each row."""
    A = scipy.sparse.csr_array((values, (rows, cols)), shape=(N, N))
    A.data /= scipy.sparse.csr_array((np.ones_like(values), (rows, cols)), shape=(N, N)).data
    _, _, Vt = scipy.sparse.linalg.svds(A, RANK, rng=0)
    U, V = np.empty((N, RANK)), Vt.T.copy()
    sides = (A, U, V), (A.T.tocsr(), V, U)
    for _ in range(iterations):
        for B, X, Y in sides:
            for i in range(N):
                part = slice(B.indptr[i], B.indptr[i + 1])
                W = Y[B.indices[part]]
                X[i] = np.linalg.solve(W.T @ W, W.T @ B.data[part])
    return U, V


def soft_impute(rows: Any, cols: Any, values: Any, iterations: int) -> Any:
    """Hard imputation: the observations plus the model elsewhere, cut to the rank by `svds`."""
    A = scipy.sparse.csr_array((values, (rows, cols)), shape=(N, N))
    A.data /= scipy.sparse.csr_array((np.ones_like(values), (rows, cols)), shape=(N, N)).data
    rows, cols = A.tocoo().coords
    U, s, Vt = scipy.sparse.linalg.svds(A, RANK, rng=0)
    for _ in range(iterations):
        left = A.copy()
        left.data -= np.sum((U * s)[rows] * Vt.T[cols], axis=1)
        filled = scipy.sparse.linalg.LinearOperator(
            (N, N),
            matvec=lambda x, left=left, W=U * s, Vt=Vt: left @ x + W @ (Vt @ x),
            rmatvec=lambda y, left=left, W=U * s, Vt=Vt: left.T @ y + Vt.T @ (W.T @ y),
            dtype=np.float64,
        )
        U, s, Vt = scipy.sparse.linalg.svds(filled, RANK, rng=0)
    return U * s, Vt.T


def error(U: Any, V: Any, X: Any, Y: Any) -> float:
    """Return ``‖X Yᵀ − U Vᵀ‖ / ‖U Vᵀ‖`` without the matrices, to about 1e-8."""
    R = np.linalg.qr(np.hstack((X, -U)), mode="r") @ np.linalg.qr(np.hstack((Y, V)), mode="r").T
    size = np.linalg.norm(np.linalg.qr(U, mode="r") @ np.linalg.qr(V, mode="r").T)
    return float(np.linalg.norm(R) / size)


def main() -> int:
    record = harness.Record("sketching_completion", f"Completion, {N}x{N} of rank {RANK}, float64")
    ours: dict[str, Callable[[], Any]] = {}
    for fraction in FRACTIONS:
        U, V, *seen = problem(fraction)
        found = structlin.sketching.complete(*seen, (N, N), RANK, rng=0)
        name = f"{100 * fraction:g} % observed"
        record.figure(f"{name}: error", error(U, V, found.U, found.V), at_most=1e-6)
        record.figure(f"{name}: iterations", found.iterations)
        ours[name] = lambda seen=seen: structlin.sketching.complete(*seen, (N, N), RANK, rng=0)
    times = record.race("complete, to 1e-8", ours, rounds=7, seconds=30.0)
    medians = [times[name].median for name in ours]
    for k in range(len(FRACTIONS) - 1):
        growth = medians[k + 1] / medians[k] / (FRACTIONS[k + 1] / FRACTIONS[k])
        step = f"{100 * FRACTIONS[k]:g} % to {100 * FRACTIONS[k + 1]:g} %"
        record.figure(f"time over observations, {step}", growth, "of linear", at_most=1.3)

    U, V, *seen = problem(0.05)
    rounds = structlin.sketching.complete(*seen, (N, N), RANK, rng=0).iterations
    peers: dict[str, Callable[[], Any]] = {
        "structlin": ours["5 % observed"],
        "loop of numpy.linalg.solve": lambda: loop(*seen, rounds),
        "imputation by svds, 10 iterations": lambda: soft_impute(*seen, 10),
    }
    record.race(
        f"5 % observed, {rounds} iterations",
        peers,
        rounds=5,
        seconds=60.0,
        bars=[("structlin", "loop of numpy.linalg.solve", 1.0)],
    )
    record.figure("error of the loop", error(U, V, *loop(*seen, rounds)))
    record.figure("error of imputation", error(U, V, *soft_impute(*seen, 10)))
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
