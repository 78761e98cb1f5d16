"""Kronecker products with vectors and blocks of vectors, beside the peers and the GEMM rate."""

import itertools
import math
import os
import string
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np

import structlin

os.environ["CUPY_PYLOPS"] = "0"  # these are NumPy arrays: PyLops need not try for a GPU
try:
    import pylops
except ImportError:
    pylops = None
try:
    import pykronecker
except ImportError:
    pykronecker = None
try:
    import pyfastkron.fastkronnumpy as fastkron
except ImportError:
    fastkron = None
try:
    import linear_operator
    import torch
except ImportError:
    linear_operator = torch = None

CASES = {
    "32³": [(32, 32)] * 3,
    "8⁶": [(8, 8)] * 6,
    "100³": [(100, 100)] * 3,
    "512²": [(512, 512)] * 2,
    "(64×16)³": [(64, 16)] * 3,
}
# no slower than what NumPy offers and than the same modes on another BLAS
ALWAYS = {
    "einsum(optimize=True)": 0.95,
    "einsum, path known": 0.95,
    "tensordot": 0.95,
    "pyfastkron": 0.95,
    "torch, matmul modes": 0.9,
}
# and this much faster in single cases of float64; "GEMM" is the limit's rate
BARS = {
    ("32³", 1): {
        "einsum(optimize=True)": 1.4,
        "pyfastkron": 1.8,
        "linear_operator": 2.0,
        "pykronecker": 5.0,
        "pylops": 25.0,
        "GEMM": 0.5,
    },
    ("8⁶", 1): {"GEMM": 0.3},
}
# the limit is that of NumPy's BLAS
OTHER_BLAS = ("torch, matmul modes", "linear_operator")
# PyLops takes columns one by one, which with 64 of them means seconds
SLOW = {"100³", "8⁶", "512²", "(64×16)³"}


def einsum_subscripts(factors: int) -> str:
    rows, columns = string.ascii_letters[:factors], string.ascii_letters[factors : 2 * factors]
    pairs = ",".join(f"{r}{c}" for r, c in zip(rows, columns, strict=True))
    return f"{pairs},{columns}Z->{rows}Z"


def by_einsum(factors: list[Any], X: Any, path: Any) -> Any:
    columns = [A.shape[1] for A in factors]
    subscripts = einsum_subscripts(len(factors))
    Y = np.einsum(subscripts, *factors, X.reshape(*columns, -1), optimize=path)
    return Y.reshape(-1, *X.shape[1:])


def einsum_path(factors: list[Any], X: Any) -> Any:
    tensor = X.reshape(*(A.shape[1] for A in factors), -1)
    path, _ = np.einsum_path(einsum_subscripts(len(factors)), *factors, tensor, optimize=True)
    return path


def by_tensordot(factors: list[Any], X: Any) -> Any:
    Y = X.reshape(*(A.shape[1] for A in factors), -1)
    for A in factors:  # each factor's axis leads, and goes to the end
        Y = np.tensordot(Y, A, axes=(0, 1))
    return np.moveaxis(Y, 0, -1).reshape(-1, *X.shape[1:])


def by_torch(factors: list[Any], X: Any) -> Any:
    left, sizes = 1, [A.shape[1] for A in factors]
    for i, A in enumerate(factors):
        n, right = sizes[i], math.prod(sizes[i + 1 :]) * (X.numel() // math.prod(sizes))
        X = X.reshape(left, n) @ A.T if right == 1 else A @ X.reshape(left, n, right)
        left, sizes[i] = left * A.shape[0], A.shape[0]
    return X


def least_flops(shapes: list[tuple[int, int]], vectors: int) -> int:
    """Return the operations of the best order of modes."""

    def cost(order: tuple[int, ...]) -> int:
        sizes = [n for _, n in shapes]
        total = 0
        for i in order:
            total += 2 * shapes[i][0] * math.prod(sizes) * vectors
            sizes[i] = shapes[i][0]
        return total

    return min(map(cost, set(itertools.permutations(range(len(shapes))))))


def extra_memory(run: Callable[[], Any]) -> int:
    """Return the peak of the arrays that a call allocates, its result included, in bytes."""
    run()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    result = run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return peak - before


def contestants(factors: list[Any], X: Any) -> dict[str, Callable[[], Any]]:
    K = structlin.Kronecker(*factors)
    path = einsum_path(factors, X)
    runs = {
        "structlin": lambda: K @ X,
        "einsum(optimize=True)": lambda: by_einsum(factors, X, True),
        "einsum, path known": lambda: by_einsum(factors, X, path),
        "tensordot": lambda: by_tensordot(factors, X),
    }
    if pylops is not None:
        operators = [pylops.MatrixMult(A) for A in factors]
        P = operators[-1]
        for A in operators[-2::-1]:
            P = pylops.Kronecker(A, P)
        runs["pylops"] = lambda: P @ X
    if pykronecker is not None and all(A.shape[0] == A.shape[1] for A in factors):
        Q = pykronecker.KroneckerProduct(factors)
        runs["pykronecker"] = lambda: Q @ X
    if fastkron is not None:
        block = X.reshape(X.shape[0], -1)
        runs["pyfastkron"] = lambda: fastkron.gekmm(factors, block).reshape(-1, *X.shape[1:])
    if torch is not None:
        tensors, T = [torch.from_numpy(A) for A in factors], torch.from_numpy(X)
        parts = [linear_operator.to_linear_operator(A) for A in tensors]
        L = linear_operator.operators.KroneckerProductLinearOperator(*parts)
        rows = K.shape[0]
        runs["torch, matmul modes"] = lambda: by_torch(tensors, T).reshape(rows, *X.shape[1:])
        runs["linear_operator"] = lambda: L @ T
    return runs


def main() -> int:
    record = harness.Record("kronecker", "Kronecker products")
    rng = np.random.default_rng(1)
    for dtype, (name, shapes), vectors in itertools.product(
        ("float64", "float32"), CASES.items(), (1, 64)
    ):
        factors = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        columns = math.prod(n for _, n in shapes)
        X = rng.standard_normal(columns if vectors == 1 else (columns, vectors)).astype(dtype)
        runs = contestants(factors, X)
        if vectors > 1 and name in SLOW:
            runs.pop("pylops", None)
        wanted = [("structlin", peer, bar) for peer, bar in ALWAYS.items() if peer in runs]
        if dtype == "float64":
            single = BARS.get((name, vectors), {})
            wanted += [("structlin", peer, bar) for peer, bar in single.items()]
        bound = [run for run in runs if run not in OTHER_BLAS]
        case = f"{name}, {vectors} vector{'s' * (vectors > 1)}, {dtype}"
        record.race(
            case,
            runs,
            limits={"GEMM": harness.gemm(least_flops(shapes, vectors), dtype=dtype, binds=bound)},
            bars=[bar for bar in wanted if bar[1] in (*runs, "GEMM")],
            agree=1e-12 if dtype == "float64" else 1e-4,
            seconds=4.0,
        )
        rows = math.prod(m for m, _ in shapes)
        record.figure(
            f"extra memory, {case}",
            extra_memory(runs["structlin"]) / (X.itemsize * vectors * max(rows, columns)),
            "× max(input, output)",
            at_most=2.05,
        )
    slow = "too slow for the rounds with 64 vectors on " + ", ".join(sorted(SLOW))
    peers = {
        "pylops": (pylops, slow),
        "pykronecker": (pykronecker, "takes no rectangular factors: (64×16)³"),
        "pyfastkron": (fastkron, ""),
        "torch and linear_operator": (torch, ""),
    }
    for peer, (module, reason) in peers.items():
        if module is None:
            record.missing(peer)
        elif reason:
            record.missing(peer, reason)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
