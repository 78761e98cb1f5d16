"""Products with the eigenvectors of a Kronecker product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels.kronecker_eigen import mirror_sums
from structlin.matrices._modes import mode_product
from structlin.matrices.dense import Dense
from structlin.solvers.gp._conditioning import along_axes
from structlin.solvers.gp._factors import Factor

_nodes, _columns = 32, 256
"""Nodes, and columns to be multiplied, from which on halves are faster, both found by trial."""

_rows = 256
"""Rows of a piece that the BLAS multiplies without copying it first, found by trial."""


def into_eigenvectors(factors: Sequence[Factor], X: Any) -> Any:
    """Return ``(⊗ⱼ Qⱼᵀ) X`` for a (count, n_1, …, n_d) array."""
    halved = _halved(factors, X)
    if not any(halved):
        transposed = namespace(X).matrix_transpose
        return along_axes([transposed(f.vectors) for f in factors], X)
    return _products(factors, _sums(X, halved, in_place=False), halved, True, owned=True)


def from_eigenvectors(factors: Sequence[Factor], X: Any, *, owned: bool = False) -> Any:
    """Return ``(⊗ⱼ Qⱼ) X`` for a (count, n_1, …, n_d) array, which is written over if owned."""
    halved = _halved(factors, X)
    if not any(halved):
        return along_axes([f.vectors for f in factors], X)
    return _sums(_products(factors, X, halved, False, owned=owned), halved, in_place=True)


def _halved(factors: Sequence[Factor], X: Any) -> tuple[bool, ...]:
    """Tell which axes have eigenvectors that are even or odd, to be multiplied by halves.

    An even eigenvector times ``x`` is its first half times sums ``x[i] + x[n−1−i]``, an odd one
    its first half times differences. That halves the work.
    """
    host = is_numpy(namespace(X))
    return tuple(
        host and f.evens > 0 and n >= _nodes and X.size // n >= _columns
        for f, n in zip(factors, X.shape[1:], strict=True)
    )


def _sums(X: Any, halved: tuple[bool, ...], in_place: bool) -> Any:
    """Return the sums and differences along the axes to be halved."""
    fold = kernel(namespace(X), mirror_sums)
    count, *sizes = X.shape
    if len(sizes) > 3:
        for j, chosen in enumerate(halved):
            if chosen:
                around = count * math.prod(sizes[:j]), sizes[j], math.prod(sizes[j + 1 :])
                X = fold(X.reshape(around), (False, True, False), in_place)
                in_place = True
        return X.reshape(count, *sizes)
    three = (1,) * (3 - len(sizes)) + tuple(sizes)
    along = (False,) * (3 - len(sizes)) + halved
    if count == 1:
        return fold(X.reshape(three), along, in_place).reshape(X.shape)
    return np.stack([fold(x.reshape(three), along, in_place).reshape(x.shape) for x in X])


def _products(
    factors: Sequence[Factor], X: Any, halved: tuple[bool, ...], transposed: bool, *, owned: bool
) -> Any:
    """Return the products along all axes, of NumPy arrays; sums are taken before or after.

    The memory of ``X`` is used again if it is owned: new memory costs as much as arithmetic.
    """
    shape, spare = X.shape, None
    for j, f in enumerate(factors):
        n = shape[j + 1]
        left, right = math.prod(shape[: j + 1]), math.prod(shape[j + 2 :])
        Q = f.vectors.astype(X.dtype, copy=False)
        if halved[j]:
            X = X.reshape(left, n, right)
            out = np.empty_like(X) if spare is None else spare.reshape(X.shape)
            even, odd = Q[: n - n // 2, : f.evens], Q[: n // 2, f.evens :][::-1]
            for block, rows in ((even, slice(None, f.evens)), (odd, slice(f.evens, None))):
                _multiply(block.T if transposed else block, X[:, rows], out[:, rows])
        else:
            out = mode_product(Dense(Q.T if transposed else Q), X, left, right)
        X, spare, owned = out, (X if owned else None), True
    return X.reshape(shape)


def _multiply(A: Any, X: Any, out: Any) -> None:
    """Write the mode product with a square matrix into ``out``; both are (left, n, right)."""
    A = np.ascontiguousarray(A)
    if X.shape[2] > 1:
        np.matmul(A, X, out=out)
        return
    left, n = X.shape[0], A.shape[0]
    rows = next((size for size in range(_rows, _rows // 4, -1) if left % size == 0), left)
    pieces, made = X[:, :, 0].reshape(-1, rows, n), out[:, :, 0].reshape(-1, rows, n)
    np.matmul(pieces, np.ascontiguousarray(A.T), out=made)
