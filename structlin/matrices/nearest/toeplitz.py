"""The Toeplitz and the circulant matrix that are nearest to a matrix."""

from __future__ import annotations

from typing import Any

from structlin._backend import device
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices.block_toeplitz import BlockToeplitz, frequencies
from structlin.matrices.circulant import Circulant
from structlin.matrices.functions import norm
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.toeplitz import Toeplitz
from structlin.matrices.toeplitz_rules import optimal_circulant


def nearest_toeplitz(W: Any) -> Nearest:
    """Return the Toeplitz matrix nearest to a matrix in the Frobenius norm.

    Parameters
    ----------
    W : (m, n) array, sparse matrix or operator
        The matrix. It is made dense.

    Returns
    -------
    Nearest
        ``operator``, a `Toeplitz` of the means along the diagonals of ``W``, and
        ``relative_error``, ``‖W − operator‖ / ‖W‖``.

    Raises
    ------
    ValueError
        If ``W`` has NaN or Inf.

    Notes
    -----
    The Toeplitz matrices are a subspace, and the projection onto it takes means along diagonals.
    It costs ``m n`` additions.

    Examples
    --------
    >>> import numpy as np
    >>> T, error = nearest_toeplitz(np.array([[1.0, 2.0], [5.0, 3.0]]))
    >>> T.todense()
    array([[2., 2.],
           [5., 2.]])
    """
    A, dense = _formed(W)
    xp, (m, n) = A.xp, A.shape
    if not (m and n):
        return _measured(dense, Toeplitz(dense[:, 0] if n else _empty(A, m), _empty(A, n)), A)
    means = _diagonal_sums(dense, xp) / frequencies(A, m, n)
    return _measured(dense, Toeplitz(means[n - 1 :], xp.flip(means[:n])), A)


def nearest_circulant(W: Any) -> Nearest:
    """Return the circulant matrix nearest to a matrix in the Frobenius norm.

    Parameters
    ----------
    W : (n, n) array, sparse matrix or operator
        The matrix. It is made dense unless it is a `BlockToeplitz` with square levels; then the
        circulant matrix has the same levels.

    Returns
    -------
    Nearest
        ``operator``, a `Circulant` of the means along the diagonals of ``W`` that wrap around,
        and ``relative_error``, ``‖W − operator‖ / ‖W‖``.

    Raises
    ------
    ValueError
        If ``W`` is not square, or has NaN or Inf.

    Notes
    -----
    It costs ``n²`` additions, and ``O(n)`` where ``W`` is Toeplitz. The projection of a positive
    definite matrix is positive definite, which makes it a preconditioner.

    References
    ----------
    T. F. Chan, "An optimal circulant preconditioner for Toeplitz systems", SIAM J. Sci. Stat.
    Comput. 9 (1988).

    Examples
    --------
    >>> import numpy as np
    >>> C, error = nearest_circulant(np.array([[1.0, 2.0], [4.0, 3.0]]))
    >>> C.column
    array([2., 3.])
    """
    A = aslinearoperator(W)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"W is {size_text(A.shape)}: circulant matrices are square")
    if isinstance(A, BlockToeplitz) and A.square_levels and A.shape[0]:
        require_finite("W", A.coefficients)
        C = optimal_circulant(A)
        size = norm(A)
        return Nearest(C, norm(A - C) / size if float(size) else size)
    A, dense = _formed(A)
    xp, n = A.xp, A.shape[0]
    if n == 0:
        return _measured(dense, Circulant(_empty(A, 0)), A)
    sums = _diagonal_sums(dense, xp)
    wrapped = xp.concat([xp.zeros_like(sums[:1]), sums[: n - 1]])
    return _measured(dense, Circulant((sums[n - 1 :] + wrapped) / n), A)


def _formed(W: Any) -> tuple[LinearOperator, Any]:
    A = aslinearoperator(W)
    dense = A.todense()
    require_finite("W", dense)
    return A, dense


def _empty(A: LinearOperator, n: int) -> Any:
    return A.xp.zeros(n, dtype=A.dtype, device=A.device)


def _diagonal_sums(W: Any, xp: Any) -> Any:
    """Return the sums over the entries ``W[i, j]`` of equal ``i − j``, from ``1 − n`` on."""
    m, n = W.shape
    # Rows of length m + n in reverse order, read as rows of length m + n - 1, move one place to
    # the right from row to row: a diagonal becomes a column.
    zeros = xp.zeros((m, m), dtype=W.dtype, device=device(W))
    filled = xp.concat([xp.flip(W, axis=1), zeros], axis=1)
    aligned = xp.reshape(filled, (-1,))[: m * (m + n - 1)]
    return xp.sum(xp.reshape(aligned, (m, m + n - 1)), axis=0)


def _measured(W: Any, operator: LinearOperator, A: LinearOperator) -> Nearest:
    size = euclidean(W)
    error = euclidean(W - operator.todense()) / size if size else 0.0
    return Nearest(operator, A._scalar(error, A.real_dtype))
