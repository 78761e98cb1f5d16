"""Sweeps over the cores of a tensor train: orthogonalisation, rounding, exchange of axes.

A core is an (r, n, s) array, and a train is a list of them. A core is the centre if all cores left
of it have orthonormal columns as (r n, s) matrices, and all right of it have orthonormal rows as
(r, n s) matrices: its norm is that of the tensor, and what is cut from it is cut from the tensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from structlin._backend import namespace, on_host
from structlin._norm import norm
from structlin.matrices._base import adjoint_of
from structlin.tensors._arrays.ranges import by_gram, by_qr, rank_within
from structlin.tensors._arrays.unfoldings import projected

# what rounding errors hide, in units of eps
_rounding = 4
# what a truncation loses, in units of the errors of eigenvalues, where these are good enough
_safe = 16


def times_left(matrix: Any, core: Any) -> Any:
    """Return the core with a matrix (p, r) before its first axis."""
    xp, (r, n, s) = namespace(core), core.shape
    return xp.reshape(xp.matmul(matrix, xp.reshape(core, (r, n * s))), (matrix.shape[0], n, s))


def times_right(core: Any, matrix: Any) -> Any:
    """Return the core with a matrix (s, q) behind its last axis."""
    return namespace(core).matmul(core, matrix)


def move_right(cores: list[Any], k: int) -> None:
    """Make core ``k`` orthonormal on its left, and hand the rest on to the next one, in place."""
    xp, (r, n, s) = namespace(cores[k]), cores[k].shape
    Q, R = xp.linalg.qr(xp.reshape(cores[k], (r * n, s)))
    cores[k] = xp.reshape(Q, (r, n, Q.shape[1]))
    cores[k + 1] = times_left(R, cores[k + 1])


def move_left(cores: list[Any], k: int) -> None:
    """Make core ``k`` orthonormal on its right, and hand the rest to the one before, in place."""
    xp, (r, n, s) = namespace(cores[k]), cores[k].shape
    Q, R = xp.linalg.qr(adjoint_of(xp.reshape(cores[k], (r, n * s)), xp))
    cores[k] = xp.reshape(adjoint_of(Q, xp), (Q.shape[1], n, s))
    cores[k - 1] = times_right(cores[k - 1], adjoint_of(R, xp))


def centred(cores: Sequence[Any]) -> tuple[list[Any], float]:
    """Return the same train with its centre first and of norm one, and the norm of the tensor.

    Raises
    ------
    ValueError
        If a core has a NaN or Inf, or the tensor is too large for its data type.
    """
    cores = list(cores)
    for k in range(len(cores) - 1, 0, -1):
        move_left(cores, k)
    size = norm(cores[0])
    if not math.isfinite(size):
        raise ValueError("a core of the tensor train has a NaN or Inf, or their product overflows")
    if size > 0:
        cores[0] = cores[0] / size
    return cores, size


class Budget:
    """What a sequence of orthogonal truncations, each within the range of those before, may lose.

    Their squares add up: what one does not use is left to the others. Rounding errors are dropped
    with any tolerance. The tensor has norm one.
    """

    def __init__(self, tol: float, steps: int, dtype: Any, xp: ModuleType) -> None:
        self.square, self.steps = tol * tol, steps
        self.rounding = (_rounding * float(xp.finfo(dtype).eps)) ** 2

    @property
    def share(self) -> float:
        """What the next truncation may lose, squared."""
        return max(self.square / max(self.steps, 1), self.rounding)

    def rank(self, squares: Any, most: int | None) -> int:
        """Return how many singular values to keep, given the squares of all."""
        rank, lost = rank_within(squares, self.share, len(squares) if most is None else most)
        self.square = max(self.square - lost, 0.0)
        self.steps -= 1
        return rank

    def split(self, M: Any, most: int | None) -> tuple[Any, Any]:
        """Return ``U`` with orthonormal columns and ``Uᴴ M``, as few as the budget allows."""
        xp = namespace(M)
        U, s, Vh = xp.linalg.svd(M, full_matrices=False)
        r = self.rank(on_host(s) ** 2, most)
        return U[:, :r], xp.astype(s[:r], M.dtype)[:, None] * Vh[:r, :]


def rounded(cores: Sequence[Any], tol: float, ranks: Sequence[int | None]) -> list[Any]:
    """Return a train with smaller ranks, its centre last."""
    cores, size = centred(cores)
    xp, last = namespace(*cores), len(cores) - 1
    budget = Budget(tol, last, cores[0].dtype, xp)
    for k in range(last):
        r, n, s = cores[k].shape
        U, rest = budget.split(xp.reshape(cores[k], (r * n, s)), ranks[k])
        cores[k] = xp.reshape(U, (r, n, U.shape[1]))
        cores[k + 1] = times_left(rest, cores[k + 1])
    cores[last] = cores[last] * size
    return cores


def compressed(
    cores: Sequence[Any], tol: float, ranks: Sequence[int | None]
) -> tuple[list[Any], list[Any]]:
    """Return a train with smaller ranks and smaller axes, and an orthonormal matrix per axis.

    The matrices lead back: their mode products with the new train are the old one.
    """
    cores, size = centred(cores)
    xp, last = namespace(*cores), len(cores) - 1
    budget = Budget(tol, 2 * last + 1, cores[0].dtype, xp)
    factors = []
    for k in range(last + 1):
        r, n, s = cores[k].shape
        front = xp.reshape(xp.permute_dims(cores[k], (1, 0, 2)), (n, r * s))
        U, rest = budget.split(front, ranks[k])
        n = U.shape[1]
        factors.append(U)
        core = xp.permute_dims(xp.reshape(rest, (n, r, s)), (1, 0, 2))
        if k < last:
            U, rest = budget.split(xp.reshape(core, (r * n, s)), None)
            core = xp.reshape(U, (r, n, U.shape[1]))
            cores[k + 1] = times_left(rest, cores[k + 1])
        cores[k] = core
    cores[last] = cores[last] * size
    return cores, factors


def permuted(cores: Sequence[Any], axes: Sequence[int], tol: float) -> list[Any]:
    """Return a train whose axis ``k`` is the axis ``axes[k]`` of the given one.

    Neighbours are exchanged one after another; the exact reversal comes first where it leaves fewer
    exchanges.
    """
    xp, d = namespace(*cores), len(cores)
    order = list(range(d))
    swaps = sum(a > b for k, a in enumerate(axes) for b in axes[k + 1 :])
    if 4 * swaps > d * (d - 1):
        cores = [xp.permute_dims(core, (2, 1, 0)) for core in reversed(cores)]
        order.reverse()
        swaps = d * (d - 1) // 2 - swaps
    if not swaps:
        return list(cores)
    cores, size = centred(cores)
    centre = 0
    for goal, axis in enumerate(axes):
        here = order.index(axis)
        if here == goal:
            continue
        while centre < here:
            move_right(cores, centre)
            centre += 1
        for k in range(here, goal, -1):  # the axis goes left, and the centre with it
            pair = xp.permute_dims(xp.tensordot(cores[k - 1], cores[k], axes=1), (0, 2, 1, 3))
            r, m, n, s = pair.shape
            # errors of exchanges of different bonds need not be orthogonal to each other
            budget = Budget(tol / swaps, 1, pair.dtype, xp)
            turned = xp.matrix_transpose(xp.reshape(pair, (r * m, n * s)))
            right, left = budget.split(turned, None)
            cores[k - 1] = xp.reshape(xp.matrix_transpose(left), (r, m, right.shape[1]))
            cores[k] = xp.reshape(xp.matrix_transpose(right), (right.shape[1], n, s))
        centre = goal
        order.insert(goal, order.pop(here))
    cores[centre] = cores[centre] * size
    return cores


def decomposed(T: Any, tol: float, ranks: Sequence[int | None]) -> list[Any]:
    """Return the train of an array of one axis or more, its centre last."""
    xp, shape = namespace(T), tuple(T.shape)
    size = norm(T)
    rest = T / size if size > 0 else T
    budget = Budget(tol, len(shape) - 1, T.dtype, xp)
    cores, r = [], 1
    for k, n in enumerate(shape[:-1]):
        M = xp.reshape(rest, (r * n, math.prod(shape[k + 1 :])))
        U, rest = _of_wide(M, budget, ranks[k]) if _wide(M) else budget.split(M, ranks[k])
        cores.append(xp.reshape(U, (r, n, U.shape[1])))
        r = U.shape[1]
    return [*cores, xp.reshape(rest, (r, shape[-1], 1)) * size]


def _wide(M: Any) -> bool:
    return bool(0 < 4 * M.shape[0] < M.shape[1])


def _of_wide(M: Any, budget: Budget, most: int | None) -> tuple[Any, Any]:
    """Return ``U`` with orthonormal columns and ``Uᴴ M``; no right singular vectors are made."""
    xp, m = namespace(M), M.shape[0]
    # the eigenvalues of M Mᴴ have errors of about m eps
    gram = budget.share > _safe * m * float(xp.finfo(M.dtype).eps)
    U, squares = (by_gram if gram else by_qr)(M, 0)
    U = U[:, : budget.rank(squares, most)]
    return U, projected(M, U, 0)
