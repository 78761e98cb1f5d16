"""QR factorizations with column pivoting."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from structlin._backend import is_numpy, scipy_of
from structlin.matrices._base import adjoint_of


def pivoted_qr(A: Any, xp: ModuleType, rank: int | None = None) -> tuple[Any, Any, Any]:
    """Return ``Q, R, pivots`` of ``A[:, pivots] = Q R``, by LAPACK on NumPy.

    Parameters
    ----------
    A : (m, n) array
        The matrix.
    xp : module
        Its array library.
    rank : int, optional
        Columns of ``Q`` and rows of ``R`` that are wanted; by default ``min(m, n)``.

    Returns
    -------
    Q : (m, k) array
    R : (k, n) array
    pivots : (n,) array of int64
    """
    k = min(A.shape) if rank is None else rank
    if is_numpy(xp) and 0 not in A.shape:
        Q, R, pivots = scipy_of(xp, "linalg").qr(
            A, mode="economic", pivoting=True, check_finite=False
        )
        return Q[:, :k], R[:k, :], xp.astype(pivots, xp.int64)
    return _plain(A, k, xp)


def trailing_norms(R: Any, xp: ModuleType) -> Any:
    """Return the Frobenius norms of ``R[k:, k:]``, for ``k = 0, 1, …`` up to all its rows.

    Entries have to be of a size whose square is a number.
    """
    rows = xp.sum(xp.abs(R) ** 2, axis=1)
    zero = xp.zeros(1, dtype=rows.dtype, device=R.device)
    return xp.sqrt(xp.flip(xp.cumulative_sum(xp.concat([zero, xp.flip(rows)]))))


def numerical_rank(R: Any, xp: ModuleType) -> int:
    """Return how many pivots of a triangle are not negligible: above ``n eps`` times the first.

    Few columns count as 16. The rows of the matrix do not matter: those that come later would make
    pivots negligible that are far above rounding errors.
    """
    if 0 in R.shape:
        return 0
    sizes = xp.abs(xp.linalg.diagonal(R))
    floor = max(16, R.shape[1]) * xp.finfo(R.dtype).eps * sizes[0]
    return int(xp.sum(xp.astype((sizes > floor), xp.int64)))


def _plain(A: Any, k: int, xp: ModuleType) -> tuple[Any, Any, Any]:
    # modified Gram-Schmidt, each chosen column again against those before it
    m, n = A.shape
    like: dict[str, Any] = {"dtype": A.dtype, "device": A.device}
    Q, order = xp.zeros((m, k), **like), []
    left = A / (float(xp.max(xp.abs(A))) or 1.0) if k else A  # squares are numbers
    free = xp.ones(n, dtype=xp.bool, device=A.device)
    columns = xp.arange(n, device=A.device)
    for j in range(k):
        sizes = xp.where(free, xp.linalg.vector_norm(left, axis=0), -1.0)
        p = int(xp.argmax(sizes))
        order.append(p)
        free = free & (columns != p)
        q = left[:, p : p + 1]
        for _ in range(2):
            q = q - Q @ (adjoint_of(Q, xp) @ q)
        size = xp.linalg.vector_norm(q)
        q = q / xp.where(size > 0, size, 1)
        Q[:, j : j + 1] = q
        left = left - q @ (adjoint_of(q, xp) @ left)
    rest = xp.nonzero(free)[0]
    first = xp.asarray(order, dtype=rest.dtype, device=A.device)
    pivots = xp.astype(xp.concat([first, rest]), xp.int64)
    R = adjoint_of(Q, xp) @ xp.take(A, pivots, axis=1)
    return Q, xp.triu(R), pivots
