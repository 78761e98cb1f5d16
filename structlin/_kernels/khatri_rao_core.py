"""Sums of many tensors of rank one, as one small array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import device, is_numpy, namespace

# bytes of a block of products: on the CPU it stays in the cache until it is multiplied
_cached, _ample = 2**21, 2**28


def khatri_rao_core(weights: Any, factors: Sequence[Any]) -> Any:
    """Return ``Σ_q weights[q] factors[0][:, q] ⊗ factors[1][:, q] ⊗ …``.

    Parameters
    ----------
    weights : (R,) array
        Weights of the terms.
    factors : sequence of (rk, R) arrays
        A column for every term, of the data type of the weights.

    Returns
    -------
    (r1, …, rd) array
        The sum.

    Notes
    -----
    Matrix products between the Khatri–Rao products of the first and of the other factors, over
    blocks of terms: ``2 R Π rk`` operations.
    """
    xp, shape = namespace(weights, *factors), [int(U.shape[0]) for U in factors]
    cut = halves(shape)
    rows, columns = math.prod(shape[:cut]), math.prod(shape[cut:])
    out = xp.zeros((rows, columns), dtype=weights.dtype, device=device(weights))
    step = block_of_terms(rows + columns, weights)
    terms = int(weights.shape[0])
    for start in range(0, terms, step):
        part = slice(start, min(start + step, terms))
        blocks = [U[:, part] for U in factors]
        left = _products([weights[None, part], *blocks[:cut]])
        right = _products([*blocks[cut:]] or [xp.ones_like(weights[None, part])])
        out = out + xp.matmul(left, xp.matrix_transpose(right))
    return xp.reshape(out, tuple(shape))


def halves(shape: Sequence[int]) -> int:
    """Return how many axes to take first, so that the products of both parts are small."""
    return min(range(1, len(shape) + 1), key=lambda k: math.prod(shape[:k]) + math.prod(shape[k:]))


def block_of_terms(rows: int, like: Any) -> int:
    """Return how many columns with so many rows make a block."""
    xp = namespace(like)
    itemsize = xp.finfo(like.dtype).bits // 8 * (1 + xp.isdtype(like.dtype, "complex floating"))
    return max(16, (_cached if is_numpy(xp) else _ample) // (itemsize * max(rows, 1)))


def _products(blocks: Sequence[Any]) -> Any:
    """Return the products of all rows of the first block with all of the others."""
    xp, out = namespace(*blocks), blocks[0]
    for block in blocks[1:]:
        both = out[:, None, :] * block[None, :, :]
        out = xp.reshape(both, (out.shape[0] * block.shape[0], out.shape[1]))
    return out
