"""The Monarch matrix nearest to a matrix: the best low rank of every block."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin._backend import kernel
from structlin._kernels.monarch import rank_one
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices._base import size_text
from structlin.matrices.dense import Dense
from structlin.matrices.fallback import dense_limit, fits
from structlin.matrices.operations import aslinearoperator


def factors(
    W: Any, blocks: int | tuple[int, int], rank: int
) -> tuple[Any, Any, Any, tuple[int, int]]:
    """Return the two stacks, the relative error and the shape of ``W``, see `Monarch.nearest`."""
    A = aslinearoperator(W)
    if not isinstance(A, Dense) and not fits(A):
        raise ValueError(
            f"W is {A!r}: above {dense_limit} rows or columns only an array is approximated, such "
            "as W.todense()"
        )
    xp, array, (m, n) = A.xp, A.array if isinstance(A, Dense) else A.todense(), A.shape
    b, k = _counts(blocks, A.shape)
    s, p = -(-m // b), -(-n // k)
    if not 1 <= operator.index(rank) <= max(min(s, p), 1):
        raise ValueError(f"rank is {rank}: blocks of {size_text((s, p))} need 1 to {min(s, p)}")
    size = norm(array)
    if not math.isfinite(size):
        require_finite("W", array)
        raise ValueError("the norm of W overflows: divide W by a large number first")
    if (b * s, k * p) != (m, n):
        padded = xp.zeros((b * s, k * p), dtype=array.dtype, device=A.device)
        padded[:m, :n] = array
        array = padded
    # row s·b_count + b and column k·p_count + p
    pieces = xp.permute_dims(xp.reshape(array, (s, b, k, p)), (1, 2, 0, 3))
    unit = max(size, float(xp.finfo(A.real_dtype).smallest_normal))
    left, right, misfit = _best(pieces, rank, unit, xp)
    L = xp.reshape(xp.permute_dims(left, (0, 2, 1, 3)), (b, s, k * rank))
    R = xp.reshape(xp.permute_dims(right, (1, 2, 0, 3)), (k, rank * b, p))
    return L, R, A._scalar(misfit * (unit / size if size else 0.0), A.real_dtype), (m, n)


def _counts(blocks: int | tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    b, k = blocks if isinstance(blocks, tuple) else (blocks, blocks)
    m, n = shape
    counts = operator.index(b), operator.index(k)
    if not (1 <= counts[0] <= max(m, 1) and 1 <= counts[1] <= max(n, 1)):
        raise ValueError(
            f"blocks is {blocks}: a matrix {size_text(shape)} has 1 to {m} blocks in L and 1 to "
            f"{n} in R; divisors of these need no padding"
        )
    return counts


def _best(pieces: Any, rank: int, unit: float, xp: Any) -> tuple[Any, Any, float]:
    """Return factors (b, k, s, c) and (b, k, c, p) of the blocks, and what they leave."""
    b, k, s, p = pieces.shape
    if 0 in (s, p):
        zeros = functools.partial(xp.zeros, dtype=pieces.dtype, device=pieces.device)
        return zeros((b, k, s, rank)), zeros((b, k, rank, p)), 0.0
    if rank == 1:
        u, v, misfit = kernel(xp, rank_one)(pieces, unit)
        return u[..., None], v[..., None, :], norm(misfit)
    pieces = pieces / unit
    U, S, Vh = xp.linalg.svd(pieces, full_matrices=False)
    root = xp.astype(xp.sqrt(S[..., :rank]), pieces.dtype)
    left, right = U[..., :rank] * root[..., None, :], root[..., None] * Vh[..., :rank, :]
    misfit = norm(pieces - xp.matmul(left, right))
    root_of_unit = math.sqrt(unit)
    return left * root_of_unit, right * root_of_unit, misfit
