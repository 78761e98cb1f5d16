"""Dominant singular vectors of sparse matrices by the Lanczos iterations of SciPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np


def arpack(tall: Any, k: int, size: float, seed: int) -> tuple[Any, int] | None:
    """Return the ``k`` dominant right singular vectors, and the products they took."""
    sparse = importlib.import_module("scipy.sparse.linalg")
    wide, n, passes = tall.T.conj(copy=False), tall.shape[1], 0

    def gram(x: Any) -> Any:
        nonlocal passes
        passes += 2
        # divided twice by the norm: the square may overflow or vanish
        return wide @ (tall @ (x / size)) / size

    product = sparse.LinearOperator((n, n), matvec=gram, dtype=tall.dtype)
    start = np.random.default_rng(seed).standard_normal(n).astype(tall.dtype)
    try:
        _, V = sparse.eigsh(product, k, v0=start, tol=0)
    except sparse.ArpackError:
        return None
    return V[:, ::-1], passes


def propack(tall: Any, k: int, size: float, seed: int) -> tuple[Any, int] | None:
    """Return the same by the bidiagonalization of the matrix itself."""
    sparse, passes = importlib.import_module("scipy.sparse.linalg"), 0
    wide = tall.T.conj(copy=False)

    def counted(matrix: Any) -> Callable[[Any], Any]:
        def multiply(x: Any) -> Any:
            nonlocal passes
            passes += 1
            return matrix @ x / size

        return multiply

    product = sparse.LinearOperator(
        tall.shape, matvec=counted(tall), rmatvec=counted(wide), dtype=tall.dtype
    )
    start = np.random.default_rng(seed).standard_normal(tall.shape[0]).astype(tall.dtype)
    try:
        _, s, Vh = sparse.svds(product, k, v0=start, solver="propack", maxiter=100 * k)
    except np.linalg.LinAlgError:
        return None
    return Vh[np.argsort(-s), :].T.conj(), passes
