"""Residuals of least squares and their gradients, in one pass over the matrix."""

from __future__ import annotations

from typing import Any

from structlin._backend import is_numpy, namespace

# bytes of a block of rows, which stays in a CPU's cache between the two products with it
_cached = 2**21


def residual_gradient(A: Any, B: Any, X: Any) -> tuple[Any, Any]:
    """Return ``Aᴴ (B − A X)`` and the sums of squares of the residual's columns.

    Parameters
    ----------
    A : (m, n) array
        The matrix.
    B : (m, k) array
        Right-hand sides.
    X : (n, k) array
        Approximate solutions, of the data type of ``B``.

    Returns
    -------
    gradient : (n, k) array
        Of the data type of ``X``.
    squares : (k,) array
        Real.
    """
    xp = namespace(X)
    m, n = A.shape
    rows = max(64, _cached // (8 * max(1, n))) if is_numpy(xp) else max(1, m)
    is_complex = xp.isdtype(X.dtype, "complex floating")
    gradient, squares = 0 * X, xp.sum(xp.abs(X[:0, :]) ** 2, axis=0)
    for start in range(0, m, rows):
        stop = min(start + rows, m)
        block = xp.astype(A[start:stop, :], X.dtype, copy=False)
        R = B[start:stop, :] - xp.matmul(block, X)
        across = xp.matrix_transpose(block)
        # the conjugate of the residual is smaller than that of the block
        gradient = gradient + (
            xp.conj(xp.matmul(across, xp.conj(R))) if is_complex else xp.matmul(across, R)
        )
        squares = squares + xp.sum(xp.abs(R) ** 2, axis=0)
    return gradient, squares
