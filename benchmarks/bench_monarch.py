"""Monarch matrices, products and projection, beside the peers, memory bandwidth and GEMM rate."""

import math
import sys
import warnings
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.sparse

import structlin

try:
    import torch
except ImportError:
    torch = None
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of wavelets and of no GPU
        from lazylinop import butterfly
except (ImportError, AttributeError):  # the latter without pandas
    butterfly = None

# n, data type, vectors, and how much faster than each peer; "read" is the memory's rate
LAZYLINOP = ("lazylinop xp", "lazylinop scipy", "lazylinop torch", "lazylinop torch_sparse")
CASES: list[tuple[int, str, int, dict[str, float]]] = [
    (4096, "float64", 1, dict.fromkeys(LAZYLINOP, 1.7) | {"torch bmm": 1.9}),
    (4096, "float64", 64, dict.fromkeys((*LAZYLINOP, "torch bmm"), 1.2)),
    (65536, "float32", 1, dict.fromkeys((*LAZYLINOP, "torch bmm"), 1.0) | {"read": 0.7}),
    (65536, "float32", 64, dict.fromkeys((*LAZYLINOP, "torch bmm"), 1.0)),
]
# these have their own BLAS, or none
NUMPY_BLAS = ("structlin", "lazylinop xp", "dense")


def sparse_rows(L: Any, R: Any) -> list[Any]:
    """Return the two sparse matrices whose product the Monarch matrix is."""
    b, s, r = L.shape
    block, row, column = np.indices(L.shape)
    left = (L.ravel(), ((row * b + block).ravel(), (column * b + block).ravel()))
    k, q, p = R.shape
    block, row, column = np.indices(R.shape)
    right = (R.ravel(), ((block * q + row).ravel(), (block * p + column).ravel()))
    return [
        scipy.sparse.csr_array(left, shape=(b * s, b * r)),
        scipy.sparse.csr_array(right, shape=(k * q, k * p)),
    ]


def by_torch(L: Any, R: Any, X: Any) -> Any:
    (b, s, r), (k, _, p) = L.shape, R.shape
    t = torch.bmm(R, X.reshape(k, p, -1))
    u = t.reshape(r, b, -1).transpose(0, 1)
    return torch.bmm(L, u).transpose(0, 1).reshape(b * s, *X.shape[1:])


def contestants(L: Any, R: Any, X: Any) -> dict[str, Callable[[], Any]]:
    A = structlin.Monarch(L, R)
    first, second = sparse_rows(L, R)
    runs = {"structlin": lambda: A @ X, "scipy CSR": lambda: first @ (second @ X)}
    if A.shape[0] <= 4096:
        D = A.todense()
        runs["dense"] = lambda: D @ X
    if torch is not None:
        tensors = [torch.from_numpy(x) for x in (L, R, X)]
        runs["torch bmm"] = lambda: by_torch(*tensors)
    if butterfly is not None:
        # patterns (1, s, r, l) and (k, q, p, 1)
        values = [np.ascontiguousarray(L.transpose(1, 2, 0))[None], R[..., None]]
        for backend in ("xp", "scipy"):
            M = butterfly.ksm(values, ksm_args={"backend": backend, "params": None})
            runs[f"lazylinop {backend}"] = lambda M=M: M @ X
        if torch is not None:
            tensors_of_values = [torch.from_numpy(v) for v in values]
            for backend, name in (("xp", "torch"), ("torch_sparse", "torch_sparse")):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # sparse tensors of torch are in beta state
                    M = butterfly.ksm(
                        tensors_of_values, ksm_args={"backend": backend, "params": None}
                    )
                runs[f"lazylinop {name}"] = lambda M=M: M @ tensors[2]
    return runs


def products(record: harness.Record, rng: np.random.Generator) -> None:
    for n, dtype, vectors, bars in CASES:
        b = math.isqrt(n)
        L, R = (rng.standard_normal((b, b, b)).astype(dtype) for _ in range(2))
        X = rng.standard_normal(n if vectors == 1 else (n, vectors)).astype(dtype)
        runs = contestants(L, R, X)
        size = L.nbytes + R.nbytes
        if vectors == 1:
            read = harness.bandwidth("read", moved=size, footprint=size, binds=["structlin"])
            limits = {"read": read}
        else:
            bound = [run for run in runs if run in NUMPY_BLAS]
            limits = {"GEMM": harness.gemm(4 * n * b * vectors, dtype=dtype, binds=bound)}
        present = {**runs, **limits}
        record.race(
            f"n={n}, {vectors} vector{'s' * (vectors > 1)}, {dtype}",
            runs,
            limits=limits,
            bars=[("structlin", name, bar) for name, bar in bars.items() if name in present],
            agree=1e-12 if dtype == "float64" else 1e-4,
            seconds=30.0,
        )


def batched_svd(W: Any, b: int) -> Any:
    """Return the error of the best rank 1 of every block."""
    values = np.linalg.svd(W.reshape(b, b, b, b).transpose(1, 2, 0, 3), compute_uv=False)
    return np.asarray(math.sqrt(1 - np.sum(values[..., 0] ** 2) / np.sum(values**2)))


def by_lazylinop(W: Any, b: int, chain: Any) -> Any:
    first, second = butterfly.ksd(W, chain).ks_values
    D = structlin.Monarch(first[0].transpose(2, 0, 1), second[..., 0]).todense()
    return np.asarray(np.linalg.norm(W - D) / np.linalg.norm(W))


def projection(record: harness.Record, rng: np.random.Generator) -> None:
    n, b = 4096, 64
    W = rng.standard_normal((n, n))
    runs = {
        "structlin": lambda: structlin.Monarch.nearest(W, b).relative_error,
        "batched SVD": lambda: batched_svd(W, b),
    }
    bars = []
    if butterfly is not None:
        chain = butterfly.Chain.monarch((n, n), b, b)
        error = float(by_lazylinop(W, b, chain))
        record.figure("error of lazylinop ksd", error)
        runs["lazylinop ksd"] = lambda: butterfly.ksd(W, chain)
        bars = [("structlin", "lazylinop ksd", 5.0)]
    record.race(
        f"projection of noise, n={n}, float64",
        runs,
        limits={
            "read": harness.bandwidth("read", moved=W.nbytes, footprint=W.nbytes),
        },
        bars=bars,
        rounds=7,
        seconds=60.0,
    )
    least = float(batched_svd(W, b))
    record.figure(
        "excess over the error by SVD", float(runs["structlin"]()) / least - 1, at_most=1e-10
    )


def main() -> int:
    record = harness.Record("monarch", "Monarch matrices: products and projection")
    rng = np.random.default_rng(1)
    products(record, rng)
    projection(record, rng)
    if torch is None:
        record.missing("torch bmm")
    if butterfly is None:
        record.missing("lazylinop", "not installed, or without pandas and psutil")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
