"""A stand-in for Chebfun3F, for functions of three variables, written from its description.

It follows the control flow of S. Dolgov, D. Kressner and C. Strössner, "Functional Tucker
approximation using Chebyshev interpolation", SIAM J. Sci. Comput. 43 (2021), with the constants of
the constructor that Chebfun uses since 2023, and counts evaluations. Three phases:

1. On a coarse grid, blocks of fibres whose two other coordinates are on crosses of index sets are
   approximated by adaptive cross approximation with full pivoting; this gives fibres, and index
   sets for the next block. Grids that are too coarse for the rank grow, and the phase starts again.
2. The chosen fibres are refined until their coefficients have come down to a plateau.
3. Orthonormal bases of the fibres are interpolated in rows chosen by DEIM, and the core is the
   function on these rows. Thirty Halton points decide whether everything is repeated on finer
   grids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from structlin.bases import Chebyshev, chop

_eps = float(np.finfo(np.float64).eps)
_restarts = 10
_largest_grid = 5000
_basis = Chebyshev(-1, 1)


class Chebfun3F:
    """A function on the cube ``[−1, 1]³``, built from values.

    Parameters
    ----------
    f : callable
        Takes three arrays of one shape.
    eps : float
        The relative tolerance.
    seed : int
        Makes the first index sets.

    Attributes
    ----------
    core, factors : arrays
        The interpolant; the factors are coefficients.
    evaluations : int
        How many values were taken.
    """

    def __init__(self, f: Callable[..., Any], eps: float = _eps, seed: int = 0) -> None:
        self.f = f
        self.eps = eps
        self.rng = np.random.default_rng(seed)
        self.evaluations = 0
        self.floor = eps  # the absolute tolerance, which only grows
        self.core: Any = None
        self.factors: list[Any] = []
        self._build()

    def __call__(self, x: Any, y: Any, z: Any) -> Any:
        """Return the values at points."""
        out = np.empty(len(x))
        for start in range(0, len(x), 4096):
            part = slice(start, start + 4096)
            rows = [
                _basis.vander(np.asarray(t[part]), len(U)) @ U
                for t, U in zip((x, y, z), self.factors, strict=True)
            ]
            r, s, t = self.core.shape
            sums = (rows[0] @ self.core.reshape(r, s * t)).reshape(-1, s, t)
            sums = (sums * rows[1][:, :, None]).sum(axis=1)
            out[part] = (sums * rows[2]).sum(axis=1)
        return out

    def _build(self) -> None:
        sizes, ranks = [17, 17, 17], [6, 6, 6]
        for restart in range(_restarts + 1):
            fibres, others, sizes = self._find(sizes, ranks)
            ranks = [F.shape[1] for F in fibres]
            if min(ranks) == 0:
                self.core, self.factors = np.zeros((1, 1, 1)), [np.ones((1, 1))] * 3
                return
            fibres = [self._refine(F, axis, others[axis]) for axis, F in enumerate(fibres)]
            for F in fibres:
                self._raise_floor(F)
            self._interpolate(fibres)
            points = 2 * qmc.Halton(3, scramble=False).random(31)[1:] - 1
            gap = np.max(np.abs(self(*points.T) - self._values(*points.T)))
            if gap <= 10 * self.floor:
                return
            sizes = [_next(n) for n in sizes]
            ranks = [max(6, 2 * r) if r < 3 else r for r in ranks]
            if restart >= _restarts // 2:
                ranks = [2 * r for r in ranks]

    def _find(
        self, sizes: Sequence[int], ranks: Sequence[int]
    ) -> tuple[list[Any], list[Any], list[int]]:
        """Return fibres of every axis, their other coordinates, and the sizes of the grids."""
        sizes = list(sizes)
        while True:
            indices = [self._spread(r, n) for r, n in zip(ranks, sizes, strict=True)]
            grids = [_basis.points(n) for n in sizes]
            fibres: list[Any] = [None] * 3
            others: list[Any] = [None] * 3
            for _ in range(2):
                for axis in range(3):
                    sets = [grid[i] for grid, i in zip(grids, indices, strict=True)]
                    sets[axis] = grids[axis]
                    X = np.meshgrid(*sets, indexing="ij")
                    block = np.moveaxis(self._values(*X), axis, 0).reshape(sizes[axis], -1)
                    self._raise_floor(block)
                    rows, columns = _cross(block, self.floor)
                    coordinates = [
                        np.moveaxis(X[k], axis, 0)[0].reshape(-1)[columns] for k in range(3)
                    ]
                    fibres[axis], others[axis] = block[:, columns], coordinates
                    indices[axis] = rows
                if self._grow(sizes, fibres) or min(F.shape[1] for F in fibres) < 2:
                    break
            if all(len(F) == n for F, n in zip(fibres, sizes, strict=True)):
                return fibres, others, sizes
            ranks = [max(len(i), 1) for i in indices]

    def _grow(self, sizes: list[int], fibres: Sequence[Any]) -> bool:
        """Refine the grids that are too coarse for their ranks; tell whether there were any."""
        before = list(sizes)
        for axis, F in enumerate(fibres):
            while F.shape[1] * 2 * math.sqrt(2) > sizes[axis]:
                sizes[axis] = _next(sizes[axis])
        return sizes != before

    def _spread(self, r: int, n: int) -> Any:
        """Return ``r`` indices below ``n``, a random one of every box."""
        width = max(n // r, 1)
        return np.minimum(np.arange(r) * width + self.rng.integers(0, width, r), n - 1)

    def _refine(self, F: Any, axis: int, coordinates: Sequence[Any]) -> Any:
        while True:
            n = len(F)
            sizes = np.sum(np.abs(_basis.coefficients(F)), axis=1)
            if chop(sizes, self._relative(n)) < n or 2 * n - 1 > _largest_grid:
                return F
            new = _basis.points(2 * n - 1)[1::2]
            X = [np.broadcast_to(c[None, :], (n - 1, F.shape[1])) for c in coordinates]
            X[axis] = np.broadcast_to(new[:, None], (n - 1, F.shape[1]))
            finer = np.empty((2 * n - 1, F.shape[1]))
            finer[::2], finer[1::2] = F, self._values(*X)
            F = finer

    def _interpolate(self, fibres: Sequence[Any]) -> None:
        nodes, self.factors = [], []
        for F in fibres:
            Q = np.linalg.qr(F)[0]
            rows = _deim(Q)
            nodes.append(_basis.points(len(F))[rows])
            self.factors.append(_basis.coefficients(np.linalg.solve(Q[rows].T, Q.T).T))
        self.core = self._values(*np.meshgrid(*nodes, indexing="ij"))

    def _relative(self, n: int) -> float:
        return 2 * float(n) ** 0.8 * self.eps

    def _raise_floor(self, block: Any) -> None:
        """Raise the absolute tolerance to what values and slopes of a block suggest."""
        if block.size:
            n = len(block)
            steps = np.diff(_basis.points(n))[:, None]
            slope = np.max(np.abs(np.diff(block, axis=0) / steps))
            size = max(2 * slope, np.max(np.abs(block)))
            self.floor = max(self.floor, size * self._relative(n))

    def _values(self, *X: Any) -> Any:
        self.evaluations += X[0].size
        return np.asarray(self.f(*X))


def _next(n: int) -> int:
    """Return the next size of a grid after 17, 24, 33 and so on."""
    return math.floor(math.sqrt(2) ** (math.floor(2 * math.log2(n)) + 1)) + 1


def _cross(block: Any, floor: float) -> tuple[Any, Any]:
    """Return the pivots of adaptive cross approximation with full pivoting."""
    rest, rows, columns = block.copy(), [], []
    for _ in range(min(block.shape)):
        i, j = np.unravel_index(np.argmax(np.abs(rest)), rest.shape)
        if abs(rest[i, j]) < floor:
            break
        rows.append(i)
        columns.append(j)
        rest -= np.outer(rest[:, j], rest[i] / rest[i, j])
    return np.asarray(rows, dtype=int), np.asarray(columns, dtype=int)


def _deim(Q: Any) -> Any:
    """Return the rows of the discrete empirical interpolation method."""
    rows = [int(np.argmax(np.abs(Q[:, 0])))]
    for k in range(1, Q.shape[1]):
        weights = np.linalg.solve(Q[rows, :k], Q[rows, k])
        rows.append(int(np.argmax(np.abs(Q[:, k] - Q[:, :k] @ weights))))
    return np.asarray(rows)
