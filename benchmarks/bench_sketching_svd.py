"""Truncated singular values, rank 50: dense beside scikit-learn, sparse beside SciPy's Lanczos."""

import sys
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.sparse
from scipy.sparse.linalg import svds

from structlin import sketching

try:
    from sklearn.utils.extmath import randomized_svd
except ImportError:
    randomized_svd = None

RANK = 50
# at most 0.95 times scikit-learn's time, and 1.05 times that of the better one of SciPy's
DENSE_BAR, SPARSE_BAR = 1 / 0.95, 1 / 1.05


def decaying(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return an (n, n) matrix with ``σ_j = 1/j``, and these values."""
    s = 1.0 / np.arange(1, n + 1)
    left = scipy.fft.dct(np.diag(s[rng.permutation(n)]), axis=0, norm="ortho")
    signs = 1 - 2 * rng.integers(2, size=(2, n))
    A = scipy.fft.dct(left * signs[0], axis=1, norm="ortho")
    return np.ascontiguousarray(A * signs[1][:, None]), s


def excess(A: Any, result: Any, s: Any) -> float:
    """Return by how much the error exceeds the smallest one possible, relative to that."""
    U, found, Vt = result
    return float(np.linalg.norm(A - (U * found) @ Vt) / np.linalg.norm(s[len(found) :]) - 1)


def defect(result: Any) -> float:
    U, _, Vt = result
    one = np.eye(RANK)
    return float(max(np.abs(U.T @ U - one).max(), np.abs(Vt @ Vt.T - one).max()))


def dense(record: harness.Record, n: int, rng: np.random.Generator) -> None:
    A, s = decaying(n, rng)
    runs = {"structlin": lambda: sketching.svd(A, RANK, rng=0)}
    bars = []
    if randomized_svd is not None:
        runs["scikit-learn"] = lambda: randomized_svd(A, RANK, random_state=0)
        bars = [("structlin", "scikit-learn", DENSE_BAR)]
    record.race(
        f"dense {n}², σ_j = 1/j",
        runs,
        bars=bars,
        limits={"its products as gemm": harness.gemm(8 * 2 * n * n * (RANK + 10), binds=[])},
        rounds=9,
        seconds=12.0,
    )
    ours = runs["structlin"]()
    record.figure(f"dense {n}²: excess error", excess(A, ours, s), at_most=1e-6)
    worst = float(np.max(np.abs(ours.s - s[:RANK]) / s[:RANK]))
    record.figure(f"dense {n}²: error of the values", worst, at_most=1e-4)
    record.figure(f"dense {n}²: loss of orthogonality", defect(ours), at_most=1e-13)
    record.figure(f"dense {n}²: passes", ours.passes)
    if "scikit-learn" in runs:
        theirs = excess(A, runs["scikit-learn"](), s)
        record.figure(f"dense {n}²: excess error of scikit-learn", theirs)


def sparse(record: harness.Record, case: str, A: Any) -> None:
    runs = {
        "structlin": lambda: sketching.svd(A, RANK, rng=0),
        "ARPACK": lambda: svds(A, RANK, solver="arpack"),
        "PROPACK": lambda: svds(A, RANK, solver="propack"),
    }
    try:
        runs["PROPACK"]()
    except np.linalg.LinAlgError as error:
        record.missing(f"PROPACK, {case}", str(error))
        del runs["PROPACK"]
    peers = [name for name in runs if name != "structlin"]
    record.race(
        f"sparse {case}",
        runs,
        bars=[("structlin", peer, SPARSE_BAR) for peer in peers],
        rounds=5,
        seconds=20.0,
    )
    ours = runs["structlin"]()
    s = np.sort(svds(A, RANK, solver="arpack", return_singular_vectors=False))[::-1]
    worst = float(np.max(np.abs(ours.s - s) / s))
    record.figure(f"sparse {case}: error of the values", worst, at_most=1e-6)
    record.figure(f"sparse {case}: loss of orthogonality", defect(ours), at_most=1e-13)


def main() -> int:
    record = harness.Record("sketching_svd", f"Truncated singular values, rank {RANK}, float64")
    if randomized_svd is None:
        record.missing("scikit-learn")
    rng = np.random.default_rng(1)
    for n in (2000, 5000):
        dense(record, n, rng)
    m, n = 100_000, 20_000
    A = scipy.sparse.random_array((m, n), density=1e-3, rng=rng, format="csr")
    weights = [scipy.sparse.diags_array(np.arange(1, size + 1) ** -0.5) for size in (m, n)]
    sparse(record, f"{m}x{n}, 1e-3, rows and columns fading", (weights[0] @ A @ weights[1]).tocsr())
    sparse(record, f"{m}x{n}, 1e-3, no decay", A)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
