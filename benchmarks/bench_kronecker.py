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

CASES = {
    "32³": [(32, 32)] * 3,
    "8⁶": [(8, 8)] * 6,
    "512²": [(512, 512)] * 2,
    "(64×16)³": [(64, 16)] * 3,
}
# no slower than what NumPy offers, and this much faster than the plain call on the first case
PEERS_OF_NUMPY = ("einsum(optimize=True)", "einsum, path known", "tensordot")
BARS = {("32³", 1): [("structlin", "einsum(optimize=True)", 1.4)]}
# seconds a call: columns one by one
TOO_SLOW = {("pylops", "8⁶", 64), ("pylops", "512²", 64), ("pylops", "(64×16)³", 64)}


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
    return runs


def main() -> int:
    record = harness.Record("kronecker", "Kronecker products, float64")
    rng = np.random.default_rng(1)
    for (name, shapes), vectors in itertools.product(CASES.items(), (1, 64)):
        factors = [rng.standard_normal(shape) for shape in shapes]
        columns = math.prod(n for _, n in shapes)
        X = rng.standard_normal(columns if vectors == 1 else (columns, vectors))
        runs = contestants(factors, X)
        for peer in [peer for peer in runs if (peer, name, vectors) in TOO_SLOW]:
            del runs[peer]
        record.race(
            f"{name}, {vectors} vector{'s' * (vectors > 1)}",
            runs,
            limits={"GEMM": harness.gemm(least_flops(shapes, vectors))},
            bars=BARS.get((name, vectors), []) + [("structlin", p, 0.95) for p in PEERS_OF_NUMPY],
            agree=1e-12,
            seconds=45.0,
        )
        rows = math.prod(m for m, _ in shapes)
        record.figure(
            f"extra memory, {name}, {vectors} vector{'s' * (vectors > 1)}",
            extra_memory(runs["structlin"]) / (8 * vectors * max(rows, columns)),
            "× max(input, output)",
            at_most=2.05,
        )
    if pylops is None:
        record.missing("pylops")
    else:
        cases = ", ".join(sorted(case for _, case, _ in TOO_SLOW))
        record.missing("pylops", f"too slow for the rounds with 64 vectors on {cases}")
    if pykronecker is None:
        record.missing("pykronecker")
    else:
        record.missing("pykronecker", "takes no rectangular factors: (64×16)³")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
