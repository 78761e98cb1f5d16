"""A Tucker tensor whose factors are made of a few fibres of an array."""

from __future__ import annotations

from typing import Any

from structlin._backend import on_host
from structlin._norm import norm
from structlin.matrices._base import adjoint_of
from structlin.tensors._arrays.dense_tensor import DenseTensor
from structlin.tensors._arrays.ranges import fibres, rank_within
from structlin.tensors._arrays.truncation import truncated
from structlin.tensors._arrays.unfoldings import sides

# fibres for each rank, and more of them
_fibres, _more = 4, 10
# the rank that is tried first, where none is given
_first = 8


def from_fibres(data: DenseTensor, seed: int) -> tuple[Any, list[Any], float] | None:
    """Return core, factors and relative error, from random fibres along every axis.

    None where they are not few, or do not reach the tolerance.

    Notes
    -----
    The factors first have twice the columns that are wanted, and the core, which is made in one
    pass over the array, is truncated: that is nearly as accurate as the best truncation within the
    range of the fibres. The error is computed from all entries; where it misses the tolerance,
    there are twice as many fibres, once.
    """
    xp, tol = data.xp, data.tol
    first = _first if data.ranks is None else max(data.ranks)
    for rank in (first, 2 * first):
        bases = [_range(data, axis, rank, seed) for axis in range(data.ndim)]
        if any(Q is None for Q in bases):
            return None
        core = data.core(bases)
        if tol is None or data.error(core, bases) <= 0.7 * tol:
            core, turns = truncated(core, 0.7 * (tol or 0.0), data.ranks)
            factors = [xp.matmul(Q, V) for Q, V in zip(bases, turns, strict=True)]
            return core, factors, data.error(core, factors)
    return None


def _range(data: DenseTensor, axis: int, rank: int, seed: int) -> Any:
    """Return orthonormal columns near the fibres along an axis; None where those are not few."""
    T, xp = data.array, data.xp
    left, n, right = sides(T, axis)
    most = left * right
    while True:
        count = _fibres * rank + _more
        if 2 * count > min(n, most):
            return None
        sample = fibres(T, axis, count, seed)
        U, s, _ = xp.linalg.svd(sample, full_matrices=False)
        if data.budget is None:
            return U[:, : 2 * rank + _more]
        # the share of the sample in what the axis may leave
        share = data.budget * count / most / 8
        kept, _ = rank_within(on_host(s) ** 2, share, count)
        Q = U[:, :kept]
        fresh = fibres(T, axis, count, (seed + 1) % 2**64)
        outside = fresh - xp.matmul(Q, xp.matmul(adjoint_of(Q, xp), fresh))
        if norm(outside) ** 2 <= 2 * share:
            return Q
        rank *= 2
