"""Hierarchical factorisation of a matrix into a chain of Kronecker-sparse factors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from structlin._backend import device
from structlin._kernels.monarch import first_direction
from structlin.matrices._base import adjoint_of
from structlin.matrices.patterns import Pattern, Seam, transposed


def factorise(W: Any, patterns: Sequence[Pattern], forward: bool, xp: Any) -> list[Any]:
    """Return the values of factors on these patterns whose product is close to a matrix.

    Each split takes the leftmost factor off what remains: of every block of the product the best
    approximation ``U (Uᴴ M)`` of the seam's rank, with ``U`` to the left and ``Uᴴ M`` to go on
    with.
    """
    if not forward:
        W, patterns = xp.matrix_transpose(W), transposed(patterns)
    rest, found = on_support(W, functools.reduce(Pattern.fused, patterns), xp), []
    for i, pattern in enumerate(patterns[:-1]):
        seam = Seam(pattern, functools.reduce(Pattern.fused, patterns[i + 1 :]))
        U, rest = _truncated(seam.blocks(rest, xp), seam.rank, xp)
        found.append(seam.left_values(U, xp))
        rest = seam.right_values(rest, xp)
    found.append(rest)
    if not forward:
        found = [xp.permute_dims(values, (0, 2, 1, 3)) for values in reversed(found)]
    return found


def largest_tail(W: Any, patterns: Sequence[Pattern], forward: bool, xp: Any) -> Any:
    """Return a lower bound of the distance of a matrix to every product of such factors.

    Any such product has, at every seam of the chain, blocks of the rank of that seam; so no
    product is closer than the singular values beyond it, and what lies off the support.
    """
    if not forward:
        W, patterns = xp.matrix_transpose(W), transposed(patterns)
    whole = functools.reduce(Pattern.fused, patterns)
    values = on_support(W, whole, xp)
    tails = [xp.zeros((), dtype=xp.finfo(W.dtype).dtype, device=device(W))]
    for i in range(1, len(patterns)):
        left, right = (
            functools.reduce(Pattern.fused, side) for side in (patterns[:i], patterns[i:])
        )
        seam = Seam(left, right)
        if not seam.redundant:
            sigma = xp.linalg.svdvals(seam.blocks(values, xp))
            tails.append(xp.linalg.vector_norm(sigma[..., seam.rank :]))
    outside = xp.linalg.vector_norm(W - embedded(values, xp))
    return xp.hypot(outside, xp.max(xp.stack(tails)))


def on_support(W: Any, pattern: Pattern, xp: Any) -> Any:
    """Return the entries of a matrix on a pattern, (a, b, c, d)."""
    a, b, c, d = pattern
    apart = xp.permute_dims(xp.reshape(W, (a, b, d, a, c, d)), (1, 4, 2, 5, 0, 3))
    apart = xp.permute_dims(xp.linalg.diagonal(apart), (0, 1, 4, 2, 3))
    return xp.permute_dims(xp.linalg.diagonal(apart), (2, 0, 1, 3))


def embedded(values: Any, xp: Any) -> Any:
    """Return the matrix (abd, acd) with these entries on its pattern and zeros elsewhere."""
    a, b, c, d = values.shape
    one = functools.partial(xp.eye, dtype=xp.bool, device=device(values))
    support = one(a)[:, None, None, :, None, None] & one(d)[None, None, :, None, None, :]
    spread = xp.permute_dims(values, (0, 1, 3, 2))[:, :, :, None, :, None]
    zero = xp.zeros((), dtype=values.dtype, device=device(values))
    return xp.reshape(xp.where(support, spread, zero), (a * b * d, a * c * d))


def _truncated(M: Any, rank: int, xp: Any) -> tuple[Any, Any]:
    """Return ``U`` (…, p, r) with orthonormal columns and ``Uᴴ M``: the best rank r of each block.

    Where ``min(p, q) < r``, columns of zeros fill ``U`` up, and rows of zeros ``Uᴴ M``.
    """
    (*stack, p, q), small = M.shape, min(M.shape[-2:])
    if rank == 1 < small:
        U = first_direction(M)
        return U, xp.matmul(adjoint_of(U, xp), M)
    if rank < small:
        U, S, Vh = xp.linalg.svd(M, full_matrices=False)
        return U[..., :rank], S[..., :rank, None] * Vh[..., :rank, :]
    if p <= q:
        one = xp.eye(p, dtype=M.dtype, device=device(M))
        U, R = xp.broadcast_to(one, (*stack, p, p)), M
    else:
        U, R = xp.linalg.qr(M)
    if rank > small:
        empty = functools.partial(xp.zeros, dtype=M.dtype, device=device(M))
        U = xp.concat((U, empty((*stack, p, rank - small))), axis=-1)
        R = xp.concat((R, empty((*stack, rank - small, q))), axis=-2)
    return U, R
