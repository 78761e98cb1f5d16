"""A sweep of cross approximation: a basis of columns for every axis, and rows to interpolate in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin.matrices._base import adjoint_of
from structlin.sketching._pivoting import pivoted_qr
from structlin.tensors._memory import require_memory
from structlin.tensors._trains.samples import Samples

# right index sets that are few enough to take each of them once
_few = 64
# the least number of columns in a batch
_batch = 4


@dataclass
class Sweeper:
    """Makes trains of the entries of a tensor, by sweeps in both directions.

    Attributes
    ----------
    full : bool
        Whether a basis of ``max_rank`` columns was not enough.
    chosen : list of (r, k) arrays of int
        The left index sets of the last sweep; the next one, in the opposite direction, starts with
        them as its right index sets.
    """

    samples: Samples
    max_rank: int
    max_bytes: int
    full: bool = False
    chosen: list[Any] = field(default_factory=list)

    def run(self, floor: float, reverse: bool) -> list[Any]:
        """Return cores, where what every basis misses of a column is at most ``floor``.

        It is measured in units of the largest entry.
        """
        samples, flip = self.samples, -1 if reverse else 1
        shape, hot = samples.shape[::flip], samples.hot[:, ::flip]
        before = [left[:, ::-1] for left in reversed(self.chosen)]
        left = np.zeros((1, 0), dtype=np.int64)
        cores: list[Any] = []
        self.chosen = []
        for k, n in enumerate(shape[:-1]):
            rows = _grid(left, np.arange(n)[:, None])
            columns = hot[:, k + 1 :]
            if before:
                columns = np.concatenate([before[k], columns])
            columns = np.unique(columns, axis=0)
            near = before[k + 1] if len(before) > k + 1 else None
            Q = self._basis(rows, columns, near, shape[k + 1 :], flip, floor)
            pivots, core = _interpolation(Q)
            cores.append(namespace(core).reshape(core, (len(left), n, len(pivots))))
            left = rows[pivots]
            self.chosen.append(left)
        last = samples(_grid(left, np.arange(shape[-1])[:, None])[:, ::flip])
        xp = namespace(last)
        cores.append(xp.reshape(last, (len(left), shape[-1], 1)))
        if reverse:
            cores = [xp.permute_dims(core, (2, 1, 0)) for core in reversed(cores)]
        return cores

    def _basis(
        self, rows: Any, columns: Any, near: Any, right: Sequence[int], flip: int, floor: float
    ) -> Any:
        """Return an orthonormal basis of the columns of an unfolding, (m, r).

        ``columns`` are taken first. ``near`` are index sets of all axes but the first one of them.
        """
        samples, m = self.samples, len(rows)
        most = min(m, self.max_rank)
        few = math.prod(right) <= _few
        waiting = samples.rng.permutation(math.prod(right)) if few else None
        Q, given = None, True
        while True:
            rank = 0 if Q is None else Q.shape[1]
            if not given:
                count = max(_batch, rank // 4)
                if waiting is None:
                    columns = samples.random_places(count)[:, ::flip][:, -len(right) :]
                    if near is not None:
                        chosen = samples.rng.integers(0, len(near), count // 2)
                        columns[: count // 2, 1:] = near[chosen]
                else:
                    columns = np.stack(np.unravel_index(waiting[:count], right), axis=1)
                    waiting = waiting[count:]
            if not len(columns):
                break
            places = _grid(rows, columns)[:, ::flip]
            cure = "lower max_rank, or raise max_bytes"
            size = (m, rank + len(columns))
            require_memory(size, samples.dtype, "a core of the tensor train", cure, self.max_bytes)
            values = samples(places)
            xp = namespace(values)
            block = xp.reshape(values / (samples.scale or 1.0), (m, len(columns)))
            rest = _without(Q, block, xp)
            gap = xp.reshape(xp.abs(rest), (-1,))
            worst = int(xp.argmax(gap))
            if float(gap[worst]) > floor:
                samples.remember(places[worst])
                if rank == most:
                    self.full = self.full or most < m
                    break
                Q = _extended(Q, rest, floor, most, xp)
            elif not given:
                break
            given = False
            if rank == m:
                break
        if Q is None:  # next to nothing: any column does
            Q = xp.zeros((m, 1), dtype=block.dtype, device=block.device)
            Q[0, 0] = 1.0
        return Q


def _grid(left: Any, right: Any) -> Any:
    """Return every row of the one followed by every row of the other."""
    return np.concatenate(
        [np.repeat(left, len(right), axis=0), np.tile(right, (len(left), 1))], axis=1
    )


def _without(Q: Any, block: Any, xp: ModuleType) -> Any:
    """Return what a basis misses of a block of columns."""
    for _ in range(0 if Q is None else 2):
        block = block - xp.matmul(Q, xp.matmul(adjoint_of(Q, xp), block))
    return block


def _extended(Q: Any, rest: Any, floor: float, most: int, xp: ModuleType) -> Any:
    """Return the basis with the directions that it misses by more than ``floor``."""
    new, R, _ = pivoted_qr(rest, xp)
    count = int(xp.sum(xp.astype(xp.abs(xp.linalg.diagonal(R)) > floor, xp.int64)))
    rank = 0 if Q is None else Q.shape[1]
    new = new[:, : min(max(count, 1), most - rank)]
    if Q is None:
        return new
    new, _ = xp.linalg.qr(_without(Q, new, xp))
    return xp.concat([Q, new], axis=1)


def _interpolation(Q: Any) -> tuple[Any, Any]:
    """Return rows of an orthonormal basis to interpolate in, on the host, and ``Q Q[rows]⁻¹``."""
    xp, r = namespace(Q), Q.shape[1]
    _, _, order = pivoted_qr(adjoint_of(Q, xp), xp)
    order = order[:r]
    chosen = xp.take(Q, order, axis=0)
    transposed = xp.linalg.solve(xp.matrix_transpose(chosen), xp.matrix_transpose(Q))
    return on_host(order, int), xp.matrix_transpose(transposed)
