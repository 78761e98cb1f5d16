"""Products with stacks of blocks, and the best rank-1 part of every block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace


def multiply_stacks(stacks: Sequence[Any], X: Any) -> Any:
    """Return the product of stacks of blocks with a block of columns, one stack after the other.

    Parameters
    ----------
    stacks : sequence of (a, d, s, r) arrays
        Each one takes a tensor (a, r, d, columns) to one of (a, s, d, columns):
        ``Y[a, :, d, :] = stack[a, d, :, :] @ X[a, :, d, :]``, and the next one reads the same
        memory as a tensor of its own shape.
    X : (n, columns) array
        The operand, of the data type of the result.

    Returns
    -------
    (m, columns) array
        The product, in fresh memory.
    """
    xp, columns = namespace(X), X.shape[1]
    for F in stacks:
        a, d, s, r = F.shape
        T = xp.permute_dims(xp.reshape(X, (a, r, d, columns)), (0, 2, 1, 3))
        Y = xp.permute_dims(xp.matmul(F, T), (0, 2, 1, 3))
        X = xp.reshape(Y, (a * s * d, columns))
    return X


def rank_one(blocks: Any, unit: float) -> tuple[Any, Any, Any]:
    """Return vectors ``u`` and ``v`` for which ``u vᵀ`` is the best rank 1 of every block.

    Parameters
    ----------
    blocks : (a, b, s, p) array
        The blocks, finite.
    unit : float
        The unit of the work, such as the norm of all blocks: in it, no square overflows.

    Returns
    -------
    u : (a, b, s) array
    v : (a, b, p) array
        Vectors of equal norms.
    misfit : (a, b) array
        ``‖block − u vᵀ‖_F / unit``, measured and not deduced from the singular values.

    Notes
    -----
    Of ``B``, ``v`` begins as the top eigenvector of the Gram matrix ``Bᴴ B`` (or ``u`` as that of
    ``B Bᴴ``, if it is smaller). What rounding in the Gram matrix does to the vector enters
    ``‖B − u vᵀ‖`` squared, so that rank 1 loses nothing by it.
    """
    xp = namespace(blocks)
    B = blocks / unit
    adjoint = xp.conj(xp.matrix_transpose(B))
    if B.shape[-2] < B.shape[-1]:
        left = xp.linalg.eigh(xp.matmul(B, adjoint))[1][..., -1:]
    else:
        left = xp.matmul(B, xp.linalg.eigh(xp.matmul(adjoint, B))[1][..., -1:])
    left = left / _nonzero(xp.linalg.vector_norm(left, axis=-2, keepdims=True), xp)
    # the best right vector for this left one
    right = xp.matmul(xp.conj(xp.matrix_transpose(left)), B)
    misfit = xp.linalg.vector_norm(B - left * right, axis=(-2, -1))
    size = xp.linalg.vector_norm(right, axis=-1, keepdims=True)
    root = xp.sqrt(size) * math.sqrt(unit)
    u, v = left * root, right * (root / _nonzero(size, xp))
    return u[..., 0], v[..., 0, :], misfit


def _nonzero(x: Any, xp: Any) -> Any:
    return xp.where(x == 0, xp.ones_like(x), x)
