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
    ``u`` points in the `first_direction` of the block, and ``v`` is the best for it.
    """
    xp = namespace(blocks)
    B = blocks / unit
    left = first_direction(B)
    # the best right vector for this left one
    right = xp.matmul(xp.conj(xp.matrix_transpose(left)), B)
    misfit = xp.linalg.vector_norm(B - left * right, axis=(-2, -1))
    size = xp.linalg.vector_norm(right, axis=-1, keepdims=True)
    root = xp.sqrt(size) * math.sqrt(unit)
    u, v = left * root, right * (root / _nonzero(size, xp))
    return u[..., 0], v[..., 0, :], misfit


def first_direction(blocks: Any) -> Any:
    """Return a left singular vector (…, s, 1) of the largest singular value of every block.

    It is the top eigenvector of the smaller Gram matrix, or the image of that. Rounding turns it by
    ``ε σ₁² / (σ₁² − σ₂²)`` at most: where ``σ₂`` is small that costs ``ε σ₁``, and where it is not,
    ``ε`` of the error there is anyway. The vectors of higher ranks would lose what is below
    ``√ε σ₁``. A block of zeros has any unit vector, or zeros.
    """
    xp = namespace(blocks)
    adjoint = xp.conj(xp.matrix_transpose(blocks))
    if blocks.shape[-2] <= blocks.shape[-1]:
        return xp.linalg.eigh(xp.matmul(blocks, adjoint))[1][..., -1:]
    image = xp.matmul(blocks, xp.linalg.eigh(xp.matmul(adjoint, blocks))[1][..., -1:])
    return image / _nonzero(xp.linalg.vector_norm(image, axis=-2, keepdims=True), xp)


def _nonzero(x: Any, xp: Any) -> Any:
    return xp.where(x == 0, xp.ones_like(x), x)
