"""The functions of one variable that a function of several variables is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin.bases import Basis, chop
from structlin.matrices._base import adjoint_of
from structlin.sketching._pivoting import pivoted_qr
from structlin.tensors._adaptive.samples import Samples

_first = 17  # degrees or frequencies of the first grid: fewer do not show whether they decay
_swap = 10.0  # coefficients in the fibres above which one of them is exchanged
_steady = 1.25  # a plateau of noise starts and stands on the next grid where it did, within this
_rough = 0.25  # part of the digits that half of the degrees have to bring; geometric decay: half
_checks = 6  # places between the nodes at which an interpolant is tested, at least


class Fibres:
    """A basis of the restrictions of a function to lines along one axis.

    A fibre is the restriction to the line through an anchor, which is a point of the box. Only
    fibres that are no combinations of the others, to a tolerance, are kept; these alone are
    resolved on finer grids.

    Attributes
    ----------
    points : (n,) array
        The grid of the axis, on the host.
    anchors : (r, d) array
        A point on every line, on the host.
    values : (n, r) array
        The fibres.
    Q : (n, r) array
        An orthonormal basis of them.
    R : (r, r) array
        The triangle with ``unit Q R`` equal to the fibres.
    unit : float
        The largest value when it was made.
    nodes : (r,) array of int
        Places of the grid from which combinations of the fibres are interpolated, on the host.
    keeps_nodes : bool
        Whether nodes are only added to those that are there, because values on them are known.
    noise : float
        The size of noise in the fibres, relative to the largest value, where it was seen.
    """

    def __init__(
        self, samples: Samples, basis: Basis, axis: int, ndim: int, max_degree: int
    ) -> None:
        self.samples = samples
        self.basis = basis
        self.axis = axis
        self.max_degree = max_degree
        self.points = basis.points(basis.length(_first))
        self.anchors = np.empty((0, ndim))
        self.values: Any = None
        self.Q: Any = None
        self.R: Any = None
        self.unit = 0.0
        self.nodes = np.empty(0, dtype=np.int64)
        self.keeps_nodes = False
        self.noise = 0.0

    @property
    def rank(self) -> int:
        """How many fibres there are."""
        return len(self.anchors)

    @property
    def work(self) -> int:
        """Operations, up to a factor, for the basis of the fibres."""
        return len(self.points) * self.rank**2

    def offer(self, anchors: Any, level: float, rng: np.random.Generator) -> list[Any]:
        """Add those fibres through anchors that the others do not give, to a relative level.

        Where that takes less than all values of a fibre, its interpolant from the nodes is tested
        at places between them, and only fibres that fail are evaluated on the whole grid.

        Returns
        -------
        list of (d,) arrays
            For every fibre that was added, the point on it where the others were worst, and for
            those that took the place of smaller ones, their largest values.
        """
        n, r, xp = len(self.points), self.rank, self.samples.xp
        between = self._between(rng)
        places = np.concatenate([self.nodes, between])
        if r == 0 or 2 * len(places) >= n:
            return self._extend(anchors, self._at(anchors, np.arange(n)), level)
        values = self._at(anchors, places)
        weights = xp.linalg.solve(_rows(self.Q, self.nodes), values[:r, :])
        residual = values[r:, :] - xp.matmul(_rows(self.Q, between), weights)
        found = independent(residual, self._floor(level))
        if not found:
            sizes = xp.max(xp.abs(self._weights(weights)), axis=0)
            column = int(xp.argmax(sizes))
            if not float(sizes[column]) > _swap:
                return []
            whole = anchors[column : column + 1]
            return self._extend(whole, self._at(whole, np.arange(n)), level)
        columns = [column for column, _ in found]
        others = np.setdiff1d(np.arange(n), places)
        known = xp.take(values, xp.asarray(columns, device=device(values)), axis=1)
        values = xp.concat([known, self._at(anchors[columns], others)])
        order = np.argsort(np.concatenate([places, others]))
        self._append(anchors[columns], _rows(values, order))
        return self._on_lines(anchors[columns], between[[row for _, row in found]])

    def examine(self, points: Any, exact: Any, level: float, tol: float) -> tuple[list[Any], bool]:
        """Offer the fibres through points with known values, once the grid resolves them.

        The grid is refined as long as the interpolants of these fibres miss the values by more
        than a relative tolerance.

        Returns
        -------
        found : list of (d,) arrays
            As `offer` returns.
        resolved : bool
            Whether the largest degree was enough.
        """
        xp, resolved = self.samples.xp, True
        values = self._at(points, np.arange(len(self.points)))
        where = xp.asarray(points[:, self.axis].copy(), device=device(exact))
        while True:
            C = self.basis.coefficients(values)
            V = xp.astype(self.basis.vander(where, C.shape[0]), C.dtype)
            gap = xp.abs(xp.sum(V * xp.matrix_transpose(C), axis=1) - exact)
            if float(xp.max(gap)) <= tol * self.samples.largest:
                break
            known = [(self.anchors, self.values)] if self.rank else []
            finer = self._refined([(points, values), *known])
            if finer is None:
                resolved = False
                break
            values = finer[0]
            if known:
                self._hold(finer[1])
        return self._extend(points, values, level), resolved

    def resolve(self, level: float) -> bool:
        """Refine the grid until all fibres are resolved to a relative level; tell if they are."""
        values, kept_before, before = self.values, 0, math.inf
        while True:
            kept, plateau = self._decay(values, level)
            steady = kept < _steady * kept_before and before < _steady * plateau
            # far enough, or not any further on a finer grid: that is noise
            resolved = plateau <= level or steady
            kept_before, before = kept, plateau
            finer = None if resolved else self._refined([(self.anchors, values)])
            if finer is None:
                break
            values = finer[0]
        self.noise = plateau if resolved else 0.0
        if values is not self.values:
            self._hold(values)
        return resolved

    def is_rough(self, level: float) -> bool:
        """Tell whether the coefficients fall by a power of the degree, down to a relative level.

        Those of functions with kinks and jumps do, and their ranks are as large as the degrees.
        """
        sizes = self.basis.sizes(self.basis.coefficients(self.values)) / self.samples.largest
        envelope = np.maximum.accumulate(sizes[::-1])[::-1]
        kept = max(int(np.sum(envelope > level)), 1)
        here, middle = envelope[kept - 1], envelope[kept // 2]
        return bool(here / middle > (here / envelope[0]) ** _rough)

    def coefficients(self, tol: float) -> Any:
        """Return the coefficients of the functions that are ``Q`` on the grid.

        Those that come last are left out, as long as they add less than ``tol`` times the largest
        value to any fibre.
        """
        sizes = self.basis.sizes(self.basis.coefficients(self.values))
        tails = np.cumsum(sizes[::-1])[::-1]
        kept = int(np.sum(tails > tol * self.samples.largest))
        return self.basis.coefficients(self.Q)[: self.basis.length(max(kept, 1)), :]

    def _decay(self, values: Any, level: float) -> tuple[int, float]:
        """Return how many coefficients come before a plateau or the level; all, if none does.

        Where there is a plateau, the second result is the root mean square of noise that has it,
        over the largest value.
        """
        sizes = self.basis.sizes(self.basis.coefficients(values)) / self.samples.largest
        n = len(sizes)
        last = max(n // 10, 5)
        if np.max(sizes[-last:]) <= level / 3:
            return n - last, 0.0
        eps = float(self.samples.xp.finfo(values.dtype).eps)
        kept = chop(sizes, min(max(level / float(np.max(sizes)), 2 * eps), 0.1))
        if kept == n:
            return n, math.inf
        return kept, math.sqrt(float(np.mean(sizes[kept:] ** 2)) * n / 2)

    def _refined(self, fibres: list[tuple[Any, Any]]) -> list[Any] | None:
        """Go to the next grid, unless it is too fine, and return the fibres on it."""
        n = self.basis.refined(len(self.points))
        if n > self.max_degree + 1:
            return None
        self.points = self.basis.points(n)
        self.nodes = 2 * self.nodes
        new = np.arange(1, n, 2)
        order = np.argsort(np.concatenate([np.arange(0, n, 2), new]))
        xp = self.samples.xp
        return [
            _rows(xp.concat([values, self._at(anchors, new)]), order) for anchors, values in fibres
        ]

    def _at(self, anchors: Any, places: Any) -> Any:
        points = np.repeat(np.asarray(anchors)[None, :, :], len(places), axis=0)
        points[:, :, self.axis] = self.points[places][:, None]
        values = self.samples(np.reshape(points, (-1, points.shape[-1])))
        return self.samples.xp.reshape(values, (len(places), len(anchors)))

    def _extend(self, anchors: Any, values: Any, level: float) -> list[Any]:
        """Add what is needed of fibres on the whole grid."""
        xp, residual = self.samples.xp, values
        for _ in range(2 if self.rank else 0):
            residual = residual - xp.matmul(self.Q, xp.matmul(adjoint_of(self.Q, xp), residual))
        found = independent(residual, self._floor(level))
        found = found[: len(self.points) - self.rank]
        columns = [column for column, _ in found]
        if columns:
            kept = xp.take(values, xp.asarray(columns, device=device(values)), axis=1)
            self._append(anchors[columns], kept)
        worst = [row for _, row in found]
        swapped = self._exchanged(values) if self.rank and len(anchors) else {}
        for place, column in swapped.items():
            self.anchors[place] = anchors[column]
            self.values[:, place] = values[:, column]
            columns.append(column)
            worst.append(int(xp.argmax(xp.abs(values[:, column]))))
        if swapped:
            self._hold(self.values)
        return self._on_lines(anchors[columns], np.asarray(worst, dtype=np.int64))

    def _floor(self, level: float) -> float:
        """Return what is nothing but rounding errors; subnormal numbers are nothing else."""
        largest, least = (
            self.samples.largest,
            self.samples.xp.finfo(self.samples.dtype).smallest_normal,
        )
        return level * largest if largest >= float(least) else largest

    def _weights(self, projections: Any) -> Any:
        """Return combinations of the fibres, given the coefficients of ``Q``."""
        return self.samples.xp.linalg.solve(self.R, projections / self.unit)

    def _exchanged(self, values: Any) -> dict[int, int]:
        """Return which of these fibres should replace which, such that no combination is large.

        Those that are large multiples of one fibre, plus others, are put in its place.
        """
        xp = self.samples.xp
        out: dict[int, int] = {}
        weights = self._weights(xp.matmul(adjoint_of(self.Q, xp), values))
        while True:
            sizes = xp.reshape(xp.abs(weights), (-1,))
            place, column = divmod(int(xp.argmax(sizes)), weights.shape[1])
            if not float(xp.max(sizes)) > _swap:
                return out
            out[place] = column
            # what the combinations are, with the new fibre for the old one
            row = weights[place : place + 1, :] / weights[place, column]
            weights = weights - xp.matmul(weights[:, column : column + 1], row)
            weights[place : place + 1, :] = row

    def _on_lines(self, anchors: Any, places: Any) -> list[Any]:
        points = anchors.copy()
        points[:, self.axis] = self.points[places]
        return list(points)

    def _append(self, anchors: Any, values: Any) -> None:
        self.anchors = np.concatenate([self.anchors, anchors])
        xp = self.samples.xp
        self._hold(values if self.values is None else xp.concat([self.values, values], axis=1))

    def _hold(self, values: Any) -> None:
        self.values = values
        self.unit = self.samples.largest
        self.Q, self.R = self.samples.xp.linalg.qr(values / self.unit)
        self.nodes = self._nodes()

    def _nodes(self) -> Any:
        """Return places where the rows of the basis are well conditioned, by pivoted QR."""
        xp, known = self.samples.xp, len(self.nodes)
        columns = adjoint_of(self.Q, xp)
        fresh = _pivots(columns, self.rank, xp)
        if not self.keeps_nodes:
            return fresh
        Z = xp.linalg.qr(adjoint_of(_rows(self.Q, self.nodes), xp))[0]
        rest = columns - xp.matmul(Z, xp.matmul(adjoint_of(Z, xp), columns))
        kept = np.concatenate([self.nodes, _pivots(rest, self.rank - known, xp)])
        worst = [float(xp.linalg.svdvals(_rows(self.Q, nodes))[-1]) for nodes in (kept, fresh)]
        return kept if worst[0] > worst[1] / 4 else fresh

    def _between(self, rng: np.random.Generator) -> Any:
        """Return places of the grid that are no nodes, one at random between some of them."""
        free = np.setdiff1d(np.arange(len(self.points)), self.nodes)
        parts = np.split(free, np.searchsorted(free, np.sort(self.nodes)))
        chosen = [int(rng.choice(part)) for part in parts if len(part)]
        rng.shuffle(chosen)
        wanted = max(_checks, self.rank // 3)
        more = rng.choice(free, min(max(wanted - len(chosen), 0), len(free)), replace=False)
        return np.unique(np.concatenate([chosen[:wanted], more]).astype(np.int64))


def independent(residual: Any, floor: float) -> list[tuple[int, int]]:
    """Return columns that are no combinations of others, each with the row of its largest entry.

    They are chosen one after the other by the largest entry of what is left of them, as long as it
    is above the floor.
    """
    xp = namespace(residual)
    found: list[tuple[int, int]] = []
    columns = residual.shape[1]
    while len(found) < min(residual.shape):
        sizes = xp.abs(residual)
        row, column = divmod(int(xp.argmax(xp.reshape(sizes, (-1,)))), columns)
        largest = float(sizes[row, column])
        if largest <= floor:
            break
        found.append((column, row))
        q = residual[:, column : column + 1] / largest
        q = q / xp.linalg.vector_norm(q)
        residual = residual - xp.matmul(q, xp.matmul(adjoint_of(q, xp), residual))
        residual[:, column] = 0
    return found


def _rows(X: Any, places: Any) -> Any:
    xp = namespace(X)
    return xp.take(X, xp.asarray(places, device=device(X)), axis=0)


def _pivots(A: Any, count: int, xp: Any) -> Any:
    if count == 0:
        return np.empty(0, dtype=np.int64)
    _, _, pivots = pivoted_qr(A, xp, count)
    return np.asarray([int(pivots[k]) for k in range(count)], dtype=np.int64)
