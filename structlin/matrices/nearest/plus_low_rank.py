"""The nearest sums of a diagonal or sparse matrix and one of low rank, by alternating steps."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from structlin._backend import scipy_of
from structlin._errors import ConvergenceWarning
from structlin._norm import norm as euclidean
from structlin.matrices._base import adjoint_of
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.dense import Dense
from structlin.matrices.low_rank import LowRank, entries
from structlin.matrices.low_rank_update import DiagonalPlusLowRank, SparsePlusLowRank
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.nearest.low_rank import as_rank, relative
from structlin.matrices.operations import aslinearoperator, is_hermitian
from structlin.matrices.systems import square


def nearest_diagonal_plus_lowrank(
    W: Any, rank: int, *, tol: float = 1e-8, max_iterations: int = 1000
) -> Nearest:
    """Approximate a square matrix by a diagonal one plus one of low rank.

    Parameters
    ----------
    W : (n, n) array, sparse matrix or operator
        The matrix, which is made dense.
    rank : int
        The largest rank of the second term, not negative.
    tol : float, default 1e-8
        The iteration stops when a step lowers the relative error by less than ``tol`` of it, or
        when the error is of the size of the rounding errors.
    max_iterations : int, default 1000
        The largest number of steps.

    Returns
    -------
    Nearest
        ``operator``, a `DiagonalPlusLowRank`, and ``relative_error``.

    Raises
    ------
    ValueError
        If ``W`` is not square or has NaN or Inf, or the rank is negative.

    Warns
    -----
    ConvergenceWarning
        If the error still falls after the last step.

    Notes
    -----
    Alternating projections: the nearest matrix of low rank to ``W − D`` by truncated singular
    values (truncated eigenvalues if ``W`` is Hermitian), then ``D = diag(W − L)``. No step raises
    the error in the Frobenius norm; the limit is a stationary point, in general not the global
    minimum. A step costs ``O(n³)``.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.diag([1.0, 2.0, 3.0, 4.0]) + np.ones((4, 4))
    >>> operator, relative_error = nearest_diagonal_plus_lowrank(W, 1)
    >>> operator
    <DiagonalPlusLowRank 4x4 float64 = Diagonal + rank 1>
    >>> bool(relative_error < 1e-6)
    True
    """
    W = square(W, "nearest_diagonal_plus_lowrank")
    xp, array = W.xp, entries(W, "W")
    truncated = _truncated_hermitian if is_hermitian(Dense(array)) else _truncated

    def diagonal_part(residual: Any) -> Any:
        return xp.linalg.diagonal(residual) * one

    one = xp.eye(array.shape[0], dtype=array.dtype, device=W.device)
    D, low, error = _alternated(
        array, min(as_rank(rank), *W.shape), diagonal_part, truncated, tol, max_iterations, xp
    )
    D = xp.asarray(xp.linalg.diagonal(D), copy=True)
    return Nearest(DiagonalPlusLowRank(D, low.U, V=low.V), relative(error, euclidean(array), W))


def nearest_sparse_plus_lowrank(
    W: Any, rank: int, nnz: int, *, tol: float = 1e-8, max_iterations: int = 1000
) -> Nearest:
    """Approximate a matrix by a sparse one plus one of low rank.

    Parameters
    ----------
    W : (m, n) array, sparse matrix or operator
        The matrix, which is made dense; of NumPy or CuPy, which have sparse matrices.
    rank : int
        The largest rank of the second term, not negative.
    nnz : int
        The largest number of stored entries of the first term, not negative.
    tol : float, default 1e-8
        The iteration stops when a step lowers the relative error by less than ``tol`` of it, or
        when the error is of the size of the rounding errors.
    max_iterations : int, default 1000
        The largest number of steps.

    Returns
    -------
    Nearest
        ``operator``, a `SparsePlusLowRank`, and ``relative_error``.

    Raises
    ------
    ValueError
        If ``W`` has NaN or Inf, or one of the numbers is negative.
    TypeError
        If the array library has no sparse matrices.

    Warns
    -----
    ConvergenceWarning
        If the error still falls after the last step.

    Notes
    -----
    Alternating projections, as in [1]_ but without randomness: the nearest matrix of low rank to
    ``W − S`` by truncated singular values, then the ``nnz`` largest entries of ``W − L`` (of equal
    ones the first by rows). No step raises the error in the Frobenius norm; the limit is a
    stationary point, in general not the global minimum. A step costs ``O(m n min(m, n))``.

    References
    ----------
    .. [1] T. Zhou and D. Tao, "GoDec: randomized low-rank & sparse matrix decomposition in noisy
       case", Proceedings of ICML 2011, 33–40.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.ones((6, 6))
    >>> W[1, 2] = 9.0
    >>> operator, relative_error = nearest_sparse_plus_lowrank(W, 1, 1)
    >>> operator.base
    <Sparse 6x6 float64 = 1 entries>
    """
    W = aslinearoperator(W)
    xp, array, nnz = W.xp, entries(W, "W"), operator.index(nnz)
    if nnz < 0:
        raise ValueError(f"nnz is {nnz}: it cannot be negative")
    sparse = scipy_of(xp, "sparse")

    def largest(residual: Any) -> Any:
        flat = xp.reshape(residual, (-1,))
        order = xp.argsort(xp.abs(flat), descending=True, stable=True)[:nnz]
        kept = xp.zeros_like(flat)
        kept[order] = flat[order]
        return xp.reshape(kept, residual.shape)

    S, low, error = _alternated(
        array, min(as_rank(rank), *W.shape), largest, _truncated, tol, max_iterations, xp
    )
    return Nearest(
        SparsePlusLowRank(sparse.csr_matrix(S), low.U, V=low.V),
        relative(error, euclidean(array), W),
    )


def _truncated(array: Any, k: int, xp: ModuleType) -> LowRank:
    U, S, Vh = xp.linalg.svd(array, full_matrices=False)
    left = U[:, :k] * xp.astype(S[:k], U.dtype)
    return LowRank(left, adjoint_of(Vh[:k, :], xp))


def _truncated_hermitian(array: Any, k: int, xp: ModuleType) -> LowRank:
    w, V = xp.linalg.eigh(hermitian_part(array, xp))
    largest = xp.argsort(xp.abs(w), descending=True)[:k]
    V = xp.take(V, largest, axis=1)
    return LowRank(V * xp.astype(xp.take(w, largest), V.dtype), V)


def _alternated(
    W: Any,
    k: int,
    project: Callable[[Any], Any],
    truncated: Callable[[Any, int, ModuleType], LowRank],
    tol: float,
    max_iterations: int,
    xp: ModuleType,
) -> tuple[Any, LowRank, float]:
    """Return both terms and the norm of what they miss."""
    if max_iterations < 1:
        raise ValueError(f"max_iterations is {max_iterations}: at least one step is needed")
    size = euclidean(W)
    eps = float(xp.finfo(W.dtype).eps)
    first, last = xp.zeros_like(W), math.inf
    for _ in range(max_iterations):
        low = truncated(W - first, k, xp)
        residual = W - low.todense()
        first = project(residual)
        error = euclidean(residual - first)
        if last - error <= tol * error or error <= 10 * eps * size:
            break
        last = error
    else:
        warnings.warn(
            f"the error still falls after {max_iterations} steps: raise max_iterations or tol",
            ConvergenceWarning,
            stacklevel=3,
        )
    return first, low, error
