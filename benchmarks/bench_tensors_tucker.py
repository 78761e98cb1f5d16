"""Tucker tensors of a dense array: every method against TensorLy, and the products that are needed.

The tensor is the softened Newton kernel ``1/√(|x|² + 0.01)`` at the midpoints of 256³ cells of
``[−1, 1]³``, with noise of 1e-10. Rank 12 leaves 1.6e-8 of it, less than squares of singular values
can tell: the hard case for products of the tensor with itself.
"""

import sys
from collections.abc import Sequence
from typing import Any

import harness

# isort: split
import numpy as np
import tensorly

from structlin.tensors import hooi, sthosvd

N, RANK = 256, 12


def newton(n: int) -> Any:
    """Return the kernel with its noise."""
    x = 2 * (np.arange(n) + 0.5) / n - 1
    squares = x[:, None, None] ** 2 + x[:, None] ** 2 + x**2
    noise = np.random.default_rng(0).standard_normal((n, n, n))
    return 1 / np.sqrt(squares + 0.01) + 1e-10 * noise


def error(T: Any, core: Any, factors: Sequence[Any]) -> float:
    """Return the relative error in the Frobenius norm."""
    for axis, U in enumerate(factors):
        core = np.moveaxis(np.tensordot(U, core, axes=(1, axis)), 0, axis)
    return float(np.linalg.norm(T - core) / np.linalg.norm(T))


def main() -> int:
    T = newton(N)
    record = harness.Record("tensors_tucker", "Tucker tensors of a dense 256³ array, rank 12")
    sweeps = {"n_iter_max": 2, "init": "svd"}
    made = {
        "structlin, auto": lambda: sthosvd(T, ranks=RANK),
        "structlin, gram": lambda: sthosvd(T, ranks=RANK, method="gram"),
        "structlin, randomized": lambda: sthosvd(T, ranks=RANK, method="randomized", rng=0),
        "structlin, fibres": lambda: sthosvd(T, ranks=RANK, method="fibres", rng=0),
        "structlin, qr": lambda: sthosvd(T, ranks=RANK, method="qr"),
        "structlin, hooi": lambda: hooi(T, RANK),
        "structlin, tol=1e-4": lambda: sthosvd(T, tol=1e-4),
        "structlin, tol=1e-9 by qr": lambda: sthosvd(T, tol=1e-9),
    }
    peers = {"tensorly, 2 sweeps": lambda: tensorly.decomposition.tucker(T, [RANK] * 3, **sweeps)}
    # every method multiplies the tensor with a factor, and squares take half of all their products
    binding = [*made, *peers]
    squaring = ["structlin, auto", "structlin, gram"]
    limits = {
        "first product": harness.gemm(2 * RANK * N**3, binds=binding),
        "squares along one axis": harness.gemm(N**4, binds=squaring),
    }
    record.race(
        "softened Newton kernel, 256³",
        made | peers,
        limits=limits,
        bars=[("structlin, auto", "tensorly, 2 sweeps", 50.0)],
        rounds=5,
        seconds=60.0,
    )
    core, factors = peers["tensorly, 2 sweeps"]()
    theirs = error(T, core, factors)
    record.figure("error of tensorly, 2 sweeps", theirs, "")
    for name, make in made.items():
        ours = make()
        found = error(T, ours.core, ours.factors)
        at_rank = name.removeprefix("structlin, ") in ("auto", "gram", "randomized", "qr", "hooi")
        limit = {"at_most": 1.1 * theirs} if at_rank else {}
        record.figure(f"error of {name}, ranks {ours.ranks}", found, "", **limit)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
