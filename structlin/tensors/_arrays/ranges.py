"""Orthonormal bases of what the fibres of an array along one axis span."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, on_host, scipy_of
from structlin.matrices._base import adjoint_of
from structlin.sketching._orth import orthonormalize
from structlin.sketching._random import distinct, normals
from structlin.tensors._arrays.unfoldings import pieces, sides

# rows of a block reflector
_panel = 16
# fibres among which some are chosen by an entry of each
_pool = 2**12
# columns of a random basis beyond the rank
_oversampling = 10


def by_gram(T: Any, axis: int) -> tuple[Any, Any]:
    """Return the left singular vectors of the unfolding and the squares of its singular values.

    The squares are eigenvalues of ``M Mᴴ``, on the host and in falling order; rounding errors
    of about ``eps`` times the first one make them useless, and negative, below.
    """
    xp, (_, n, _) = namespace(T), sides(T, axis)
    gram = xp.zeros((n, n), dtype=T.dtype, device=device(T))
    for piece in pieces(T, axis):
        gram = gram + xp.matmul(piece, adjoint_of(piece, xp))  # half the work: BLAS sees A Aᵀ
    squares, U = xp.linalg.eigh(gram)
    return xp.flip(U, axis=1), on_host(squares)[::-1]


def by_qr(T: Any, axis: int) -> tuple[Any, Any]:
    """Return the left singular vectors of the unfolding and the squares of its singular values.

    The singular values are exact to ``eps`` times the first one: they are those of the triangle
    ``R`` in ``Mᴴ = Q R``, or of ``M`` itself where it has few columns.
    """
    xp, (left, n, right) = namespace(T), sides(T, axis)
    if left * right <= n:
        front = xp.reshape(xp.moveaxis(T, axis, 0), (n, left * right))
    else:
        front = adjoint_of(_triangle(T, axis), xp)
    U, s, _ = xp.linalg.svd(front, full_matrices=False)
    return U, on_host(s) ** 2


def _triangle(T: Any, axis: int) -> Any:
    """Return ``R`` of ``Mᴴ = Q R``: piece after piece is eliminated by what came before."""
    xp, (_, n, _) = namespace(T), sides(T, axis)
    R = xp.zeros((n, n), dtype=T.dtype, device=device(T))
    if is_numpy(xp):
        (eliminate,) = scipy_of(xp, "linalg.lapack").get_lapack_funcs(("tpqrt",), (T,))
        R = np.asfortranarray(R)
        for piece in pieces(T, axis):
            rows = np.array(adjoint_of(piece, xp), order="F")
            R, _, _, _ = eliminate(0, min(_panel, n), R, rows, overwrite_a=1, overwrite_b=1)
        return np.triu(R)
    for piece in pieces(T, axis):
        _, R = xp.linalg.qr(xp.concat([R, adjoint_of(piece, xp)]))
    return R


def by_sketch(
    T: Any, axis: int, rank: int | None, budget: float | None, seed: int
) -> tuple[Any, float] | None:
    """Return a basis that leaves no more than half the budget, and the energy that it leaves.

    With a rank and no budget it has a few columns more than the rank, and what it leaves is not
    computed: NaN. None where half of all columns would not do.
    """
    xp, (left, n, right) = namespace(T), sides(T, axis)
    wanted = 16 if rank is None else rank
    while 2 * (width := sketch_width(wanted)) < min(n, left * right):
        Y = xp.zeros((n, width), dtype=T.dtype, device=device(T))
        start = 0
        for piece in pieces(T, axis):
            count = piece.shape[1]
            omega = normals(seed, axis, start, count, width, xp, device(T), xp.finfo(T.dtype).dtype)
            Y = Y + xp.matmul(piece, xp.astype(omega, T.dtype))
            start += count
        Q = turned(T, axis, orthonormalize(Y)[0])
        if budget is None:
            return Q, float("nan")
        rest = _energy_outside(T, axis, Q)
        if rest <= budget / 2 or (rank is not None and wanted >= rank):
            return Q, rest
        wanted = 2 * wanted if rank is None else min(2 * wanted, rank)
    return None


def turned(T: Any, axis: int, Q: Any) -> Any:
    """Return a basis turned towards the leading singular vectors, by a step of subspace iteration.

    It is an orthonormal basis of ``M Mᴴ Q``.
    """
    xp, Y = namespace(T), 0 * Q
    for piece in pieces(T, axis):
        Y = Y + xp.matmul(piece, xp.matmul(adjoint_of(piece, xp), Q))
    return orthonormalize(Y)[0]


def sketch_width(rank: int) -> int:
    """Return how many columns a random basis needs for a rank."""
    return rank + _oversampling


def _energy_outside(T: Any, axis: int, Q: Any) -> float:
    xp, rest = namespace(T), 0.0
    for piece in pieces(T, axis):
        outside = piece - xp.matmul(Q, xp.matmul(adjoint_of(Q, xp), piece))
        rest += float(xp.linalg.vector_norm(outside)) ** 2
    return rest


def fibres(T: Any, axis: int, count: int, seed: int) -> Any:
    """Return random fibres as columns, half of them drawn uniformly.

    The others go through random entries, drawn with probabilities proportional to their squares:
    what is large in a small part of the tensor is found as well. A fibre may come twice.
    """
    xp, (left, n, right) = namespace(T), sides(T, axis)
    pool = distinct(seed, axis, left * right, max(min(left * right, _pool), count))
    generator = np.random.default_rng((seed, axis))
    entries = (pool // right * n + generator.integers(n, size=pool.size)) * right + pool % right
    sizes = xp.abs(xp.take(xp.reshape(T, (-1,)), xp.asarray(entries, device=device(T))))
    largest = xp.max(sizes)
    sizes = xp.astype(sizes, xp.float64) / xp.astype(xp.where(largest > 0, largest, 1), xp.float64)
    # the smallest of exponential variables, divided by the weights
    clocks = xp.asarray(generator.exponential(size=pool.size), device=device(T))
    order = xp.argsort(clocks / (sizes**2 + 1e-300))[: count // 2]
    drawn = pool[on_host(order, int)]
    pairs = [divmod(int(place), right) for place in [*pool[: count - count // 2], *drawn]]
    X = xp.reshape(T, (left, n, right))
    return xp.stack([X[i, :, j] for i, j in pairs], axis=1)


def rank_within(squares: Any, budget: float, most: int) -> tuple[int, float]:
    """Return how many squared singular values to keep, and what the others sum up to.

    At least one is kept if there is one, at most ``most``, and as few as leave no more than the
    budget.
    """
    tails = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
    above = np.flatnonzero(tails > budget)
    rank = min(max(int(above[-1]) + 1 if above.size else 0, 1), most, len(squares))
    return rank, max(float(tails[rank]), 0.0)
