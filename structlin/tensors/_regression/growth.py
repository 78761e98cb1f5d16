"""The growth of ranks and degrees, as long as values that are kept apart are fitted better."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin.bases import Basis
from structlin.matrices._base import conjugate
from structlin.tensors import _core
from structlin.tensors._memory import require_memory
from structlin.tensors._regression.least_squares import Fit, least_squares, products, residuals
from structlin.tensors.tucker import Tucker

_starts = 4
_points_per_parameter = 10
_pairs_looked_at = 10**8
_block_entries = 2**20
_kinds = ((True, False), (False, True), (True, True))


class Search:
    """The search of a fit of suitable ranks and degrees."""

    def __init__(
        self,
        points: Any,
        values: Any,
        bases: Sequence[Basis],
        tol: float,
        rng: np.random.Generator,
        max_bytes: int,
    ) -> None:
        self.points, self.values, self.bases = points, values, bases
        self.tol, self.rng, self.max_bytes = tol, rng, max_bytes
        self.xp, (self.count, self.ndim) = namespace(points), points.shape
        self.steps = 0
        self._scaled = self._in_unit_box()
        self._test, self._train = self._split()

    def best(
        self, sizes: Sequence[int] | None, ranks: Sequence[int] | None
    ) -> tuple[Fit, float, bool]:
        """Return the fit of all values, its error where it is not fitted, and if that is noise."""
        found, growing = self._first(sizes, ranks), True
        while growing:
            found, enough = self._grown_up(found, sizes is None, ranks is None)
            found = self._fitted(found.core, found.factors, self._train, found.stiffness, 1e-3, 20)
            errors, growing = self._errors(found), False
            if ranks is None:
                before = _rms(errors)
                found, errors = self._leaner(found, errors)
                growing = self.tol < _rms(errors) < before / 3
        # noise larger than the function is not told from one that varies faster than the points
        values = on_host(self.xp.abs(self._taken(self.values, self._test)))
        noise = enough and _better(errors, values**2) and self._is_noise(found)
        every = self.xp.concat([self._train, self._test])
        final = self._fitted(found.core, found.factors, every, found.stiffness)
        return final, _rms(errors), noise

    def _first(self, sizes: Sequence[int] | None, ranks: Sequence[int] | None) -> Fit:
        """Return a small fit to begin with, or one of the sizes and ranks that are given."""
        now_sizes = [5] * self.ndim if sizes is None else list(sizes)
        now_ranks = [min(2, n) for n in now_sizes] if ranks is None else list(ranks)
        if sizes is None and ranks is not None:
            now_sizes = [max(n, r + 2) for n, r in zip(now_sizes, ranks, strict=True)]
        if sizes is None and ranks is None:
            while parameters(now_sizes, now_ranks) > 0.9 * self.different and max(now_sizes) > 1:
                now_sizes = [max(n - 1, 1) for n in now_sizes]
                now_ranks = [1] * self.ndim
        self._require_points(now_sizes, now_ranks)
        return self._started(now_sizes, now_ranks, self._part(now_sizes, now_ranks))

    def _grown_up(self, found: Fit, grow_sizes: bool, grow_ranks: bool) -> tuple[Fit, bool]:
        """Return a fit of sizes and ranks that suit, and whether there were points enough."""
        errors, enough = self._errors(found), True
        # what may grow, sizes or ranks or both; what was best last time comes first
        kinds = [
            (more_sizes, more_ranks)
            for more_sizes, more_ranks in _kinds
            if (grow_sizes or not more_sizes) and (grow_ranks or not more_ranks)
        ]
        while kinds and _rms(errors) > self.tol:
            enough = found.residual > 0.2 * _rms(errors)
            if not enough:
                break  # parameters fit the points, and say little of what is between them
            tried: list[tuple[float, int, Any, Fit]] = []
            for k, kind in enumerate(kinds):
                bigger = self._grown(found, *kind)
                if bigger is None:
                    continue
                shape = [U.shape[0] for U in bigger[1]], bigger[0].shape
                if 1.5 * parameters(*shape) > 0.9 * self.different:
                    enough = False
                    continue
                fitted = self._fitted(*bigger, self._part(*shape), found.stiffness / 100)
                squares = self._errors(fitted)
                tried.append((_rms(squares), k, squares, fitted))
                if _rms(squares) < 0.3 * _rms(errors):
                    break
            better = [each for each in tried if _better(each[2], errors)]
            if better:
                _, k, errors, found = min(better, key=operator.itemgetter(0))
                kinds.insert(0, kinds.pop(k))
                continue
            if self._is_noise(found):
                break
            leap = self._leap(found, errors) if grow_sizes else None
            enough = leap is not None
            if leap is None:
                break
            errors, found = leap
        return found, enough

    def _leap(self, found: Fit, errors: Any) -> tuple[Any, Fit] | None:
        """Return a better fit of small ranks, where only much higher degrees help."""
        sizes, ranks = [U.shape[0] for U in found.factors], [min(r, 2) for r in found.core.shape]
        while True:
            sizes = [2 * n for n in sizes]
            if 1.5 * parameters(sizes, ranks) > 0.9 * self.different:
                return None
            fitted = self._started(sizes, ranks, self._part(sizes, ranks))
            squares = self._errors(fitted)
            if _better(squares, errors):
                return squares, fitted

    def _leaner(self, found: Fit, errors: Any) -> tuple[Fit, Any]:
        """Return a fit of smaller ranks with about the same errors, if there is one."""
        goal, level, shape = max(1.1 * _rms(errors), self.tol), 0.1, None
        while level > goal / 10:
            small = Tucker(found.core, found.factors).recompress(level)
            level /= 10
            if small.core.shape in (shape, found.core.shape):
                continue
            shape = small.core.shape
            fitted = self._fitted(small.core, list(small.factors), self._train, found.stiffness)
            squares = self._errors(fitted)
            if _rms(squares) <= goal:
                return fitted, squares
        return found, errors

    def _in_unit_box(self) -> Any:
        axes = [(self.points[:, k] - b.low) / (b.high - b.low) for k, b in enumerate(self.bases)]
        return self.xp.stack(axes, axis=1)

    def _split(self) -> tuple[Any, Any]:
        """Return which points are kept apart, and the others, both in no particular order.

        Equal points stay together: their order is that of a hash.
        """
        xp = self.xp
        hashes: Any = 0.0
        for k in range(self.ndim):
            hashes = hashes + float(self.rng.uniform(1e3, 1e4)) * self._scaled[:, k]
        hashes = hashes - xp.floor(hashes)
        order = xp.argsort(hashes)
        hashes = xp.take(hashes, order)
        self.different = 1 + int(xp.count_nonzero(hashes[1:] != hashes[:-1]))
        if self.different == 1:
            raise ValueError("all points are equal: pass two or more different ones")
        first = hashes[max(self.count // 10, 1)]
        kept = int(xp.count_nonzero(hashes < first)) or int(xp.count_nonzero(hashes <= first))
        return order[:kept], order[kept:]

    def _is_noise(self, found: Fit) -> bool:
        """Tell whether what is left of values has nothing in common at neighbouring points."""
        xp = self.xp
        there = self._taken(self._scaled, self._train)
        most = max(_pairs_looked_at // there.shape[0], 100)
        test = self._test[: min(1000, most, self._test.shape[0])]
        near, step = [], max(_block_entries // there.shape[0], 1)
        for start in range(0, test.shape[0], step):
            here = self._taken(self._scaled, test[start : min(start + step, test.shape[0])])
            squares: Any = 0.0
            for k in range(self.ndim):
                squares = squares + (here[:, k, None] - there[None, :, k]) ** 2
            near.append(xp.argmin(squares, axis=1))
        neighbours = self._taken(self._train, xp.concat(near))
        both = conjugate(self._left(found, test), xp) * self._left(found, neighbours)
        products = on_host(xp.real(both))
        return bool(np.sum(products) <= 3 * np.linalg.norm(products))

    def _part(self, sizes: Sequence[int], ranks: Sequence[int]) -> Any:
        wanted = _points_per_parameter * parameters(sizes, ranks) + 500
        return self._train[: min(wanted, self._train.shape[0])]

    def _vanders(self, sizes: Sequence[int], part: Any) -> list[Any]:
        cure = "pass fewer points, or raise max_bytes"
        shape = (part.shape[0], max(sizes))
        require_memory(shape, self.points.dtype, "the basis at the points", cure, self.max_bytes)
        points = self._taken(self.points, part)
        return [basis.vander(points[:, k], sizes[k]) for k, basis in enumerate(self.bases)]

    def _taken(self, x: Any, part: Any) -> Any:
        return self.xp.take(x, part, axis=0)

    def _fitted(
        self,
        core: Any,
        factors: Sequence[Any],
        part: Any,
        stiffness: float,
        rest: float = 1e-2,
        most_steps: int = 12,
    ) -> Fit:
        vanders = self._vanders([U.shape[0] for U in factors], part)
        values = self._taken(self.values, part)
        fitted = least_squares(
            core, factors, vanders, values, stiffness, rest=rest, most_steps=most_steps
        )
        self.steps += fitted.steps
        return fitted

    def _started(self, sizes: Sequence[int], ranks: Sequence[int], part: Any) -> Fit:
        """Return the best fit of a few random starts."""
        vanders = self._vanders(sizes, part)
        values = self._taken(self.values, part)
        size = math.sqrt(float(self.xp.mean(self.xp.abs(values) ** 2)))
        found = []
        for _ in range(_starts):
            factors = [self._random(n, min(r, n)) for n, r in zip(sizes, ranks, strict=True)]
            core = self._moved(self.rng.standard_normal(tuple(U.shape[1] for U in factors)))
            start = size * core
            fitted = least_squares(
                start, factors, vanders, values, 1e-5 * part.shape[0], rest=1e-2, most_steps=20
            )
            self.steps += fitted.steps
            found.append(fitted)
            if fitted.residual <= self.tol:
                break
        return min(found, key=lambda fitted: _rms(self._errors(fitted)))

    def _left(self, found: Fit, part: Any) -> Any:
        vanders = self._vanders([U.shape[0] for U in found.factors], part)
        return residuals(found.core, found.factors, vanders, self._taken(self.values, part))

    def _errors(self, found: Fit) -> Any:
        """Return the squared errors at the points that were kept apart, on the host."""
        return on_host(self.xp.abs(self._left(found, self._test)) ** 2)

    def _grown(self, found: Fit, sizes: bool, ranks: bool) -> tuple[Any, list[Any]] | None:
        """Return core and factors with more room; None if nothing can grow."""
        xp = self.xp
        core, factors, changed = found.core, list(found.factors), False
        part = self._part([U.shape[0] for U in factors], core.shape)
        if sizes:
            for axis, (U, basis) in enumerate(zip(factors, self.bases, strict=True)):
                weighted = xp.tensordot(U, xp.moveaxis(core, axis, 0), axes=1)
                size = basis.sizes(weighted)
                tail = float(np.max(size[-max(len(size) // 4, 1) :]))
                if tail > 0.01 * min(found.residual, float(np.max(size))):
                    n = U.shape[0]
                    more = xp.zeros((n // 2 + 1, U.shape[1]), dtype=U.dtype, device=device(U))
                    factors[axis], changed = xp.concat([U, more]), True
        room = min(4 * math.prod(core.shape) // r - r for r in core.shape)
        room = min(room, max(U.shape[0] - U.shape[1] for U in factors))
        if ranks and self.ndim > 1 and room > 0:
            more = min(max(1, min(core.shape) // 3), room)
            rest = self._rest(core, factors, part, more)
            core = _core.direct_sum(core, self._diagonal(more))
            pairs = zip(factors, rest, strict=True)
            factors, changed = [xp.concat([U, V], axis=1) for U, V in pairs], True
        return (core, factors) if changed else None

    def _rest(self, core: Any, factors: Sequence[Any], part: Any, rank: int) -> list[Any]:
        """Return factors of a sum of products, near to what core and factors leave of values."""
        vanders = self._vanders([U.shape[0] for U in factors], part)
        left = residuals(core, factors, vanders, self._taken(self.values, part))
        best: list[Any] = []
        smallest = math.inf
        for _ in range(_starts):
            start = [self._random(U.shape[0], rank) for U in factors]
            found = products(start, vanders, left, 5)
            still = residuals(self._diagonal(rank), found, vanders, left)
            size = float(self.xp.sum(self.xp.abs(still) ** 2))
            if not best or size < smallest:
                best, smallest = found, size
        return best

    def _diagonal(self, rank: int) -> Any:
        core = np.zeros((rank,) * self.ndim)
        core[(np.arange(rank),) * self.ndim] = 1.0
        return self._moved(core)

    def _random(self, n: int, r: int) -> Any:
        decay = 1 / (1 + np.arange(n)) ** 1.0
        return self._moved(decay[:, None] * self.rng.standard_normal((n, r)))

    def _moved(self, x: Any) -> Any:
        return self.xp.asarray(x, dtype=self.values.dtype, device=device(self.values))

    def _require_points(self, sizes: Sequence[int], ranks: Sequence[int]) -> None:
        wanted = parameters(sizes, ranks)
        if wanted > self.different:
            raise ValueError(
                f"there are {self.different} different points, and degrees "
                f"{[n - 1 for n in sizes]} with ranks {list(ranks)} have {wanted} parameters: pass "
                f"at least {wanted} points, better {2 * wanted}, or smaller degrees and ranks"
            )


def parameters(sizes: Sequence[int], ranks: Sequence[int]) -> int:
    """Return how many numbers determine a function of these sizes and ranks."""
    pairs = zip(sizes, ranks, strict=True)
    return math.prod(ranks) + sum((n - min(n, r)) * min(n, r) for n, r in pairs)


def _rms(squares: Any) -> float:
    return math.sqrt(float(np.mean(squares)))


def _better(new: Any, old: Any) -> bool:
    """Tell whether squared errors at the same points are smaller, and not by chance."""
    gain = old - new
    chance = 2 * float(np.std(gain)) / math.sqrt(len(gain))
    return bool(np.mean(gain) > max(min(chance, 0.5 * np.mean(old)), 0.01 * np.mean(old)))
