"""A basis for one axis of a tensor, by the method that suits it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin.tensors._arrays.dense_tensor import DenseTensor
from structlin.tensors._arrays.ranges import (
    by_gram,
    by_qr,
    by_sketch,
    rank_within,
    sketch_width,
    turned,
)
from structlin.tensors._arrays.unfoldings import projected, sides

# how much cheaper a random sketch has to be than squares before it is taken unasked
_gain = 3


@dataclass(frozen=True)
class Step:
    """Orthonormal columns ``U`` for one axis, what they leave as a squared norm, and how they came.

    ``left`` is NaN where it is not known to its rounding errors.
    """

    U: Any
    left: float
    how: str


def reduced(data: DenseTensor, T: Any, axis: int, method: str, seed: int | None) -> Step:
    """Return a basis for an axis of ``T``, which is the array of ``data`` or a part of it."""
    limit = data.squares_tell
    left, n, right = sides(T, axis)
    if method in ("auto", "gram") and left * right <= n:
        return _by_qr(data, T, axis, "svd, as the fibres are few")
    if method == "auto":
        if data.tol is not None and data.tol < limit:
            why = f"qr, as tol is below the {limit:.1g} that squares can tell"
            return _by_qr(data, T, axis, why)
        if seed is not None and _long(data, T, axis):
            return _by_sketch(data, T, axis, seed, "randomized, as the axis is long for its rank")
        return _by_gram(data, T, axis)
    if method == "gram":
        return _by_gram(data, T, axis)
    if method == "randomized" and seed is not None:
        return _by_sketch(data, T, axis, seed, method)
    return _by_qr(data, T, axis, method)


def wants_seed(data: DenseTensor, method: str) -> bool:
    """Tell whether random numbers are needed."""
    if method == "auto":
        axes = range(data.ndim)
        return data.tol is None and any(_long(data, data.array, axis) for axis in axes)
    return method in ("randomized", "fibres")


def _long(data: DenseTensor, T: Any, axis: int) -> bool:
    left, n, right = sides(T, axis)
    width = sketch_width(data.most(axis))
    # n² N + 9 n³ operations for squares and their eigenvectors, 6 n N l for three products
    return 2 * width < n and n + 9 * n * n / (left * right) > _gain * 6 * width


def _by_gram(data: DenseTensor, T: Any, axis: int) -> Step:
    U, squares = by_gram(T, axis)
    rank, left = rank_within(squares, data.budget or 0.0, data.most(axis))
    told = (data.squares_tell * data.size) ** 2 / data.ndim
    if data.tol is None and left < told and rank < len(squares):
        return _beyond_squares(data, T, axis, U)
    seen = 1e4 * float(data.xp.finfo(T.dtype).eps) * data.size**2
    return Step(U[:, :rank], left if left > seen else math.nan, "gram")


def _beyond_squares(data: DenseTensor, T: Any, axis: int, U: Any) -> Step:
    """Return a basis where the rank leaves less than squares can tell, from their eigenvectors.

    Those of more than the rank are turned towards singular vectors, and singular values of the
    projection tell how many are needed. Where these are rounding errors, the whole is factorised.
    """
    why = "as the rank leaves less than squares can tell"
    before, n, behind = sides(T, axis)
    width = sketch_width(data.most(axis))
    if 2 * width < min(n, before * behind):
        Q = turned(T, axis, U[:, :width])
        V, squares = by_qr(projected(T, Q, axis), axis)
        rank, _ = rank_within(squares, 0.0, data.most(axis))
        rounding = 1e4 * float(data.xp.finfo(T.dtype).eps)
        if squares[rank - 1] > rounding**2 * squares[0]:
            basis = data.xp.matmul(Q, V[:, :rank])
            return Step(basis, math.nan, f"gram and a step of subspace iteration, {why}")
    return _by_qr(data, T, axis, f"qr, {why}")


def _by_qr(data: DenseTensor, T: Any, axis: int, how: str) -> Step:
    U, squares = by_qr(T, axis)
    rank, left = rank_within(squares, data.budget or 0.0, data.most(axis))
    return Step(U[:, :rank], left, how)


def _by_sketch(data: DenseTensor, T: Any, axis: int, seed: int, how: str) -> Step:
    budget, rank = data.budget, None if data.ranks is None else data.ranks[axis]
    found = by_sketch(T, axis, rank, budget, seed)
    if found is None:
        return _by_qr(data, T, axis, "qr, as a sketch would be no smaller")
    Q, outside = found
    V, squares = by_qr(projected(T, Q, axis), axis)
    inside = 0.0 if budget is None else max(budget - outside, 0.0)
    kept, left = rank_within(squares, inside, data.most(axis))
    return Step(namespace(Q).matmul(Q, V[:, :kept]), left + outside, how)
