"""A function from scattered, noisy values."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import inexact, require_finite
from structlin.bases import Basis
from structlin.sketching._random import seed_of
from structlin.tensors import _core
from structlin.tensors._domain import bases_of
from structlin.tensors._least_squares import Fit, least_squares, products, residuals
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors._report import Construction, warn_unresolved
from structlin.tensors._representation import Representation
from structlin.tensors.tucker import Tucker

T = TypeVar("T", bound=Representation)

_starts = 4
_points_per_parameter = 10
_kinds = ((True, False), (False, True), (True, True))


def fit(
    cls: type[T],
    points: Any,
    values: Any,
    domain: Any = None,
    *,
    ranks: int | Sequence[int] | None = None,
    degrees: int | Sequence[int] | None = None,
    tol: float = 1e-10,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> T:
    """Return the function that fits values at scattered points.

    Parameters
    ----------
    points : (N, d) array
        Where the function is known, inside the box.
    values : (N,) array
        Values there, with noise or without.
    domain : sequence of intervals, (d, 2) array or None
        The box, as for `ChebTucker`; by default the smallest one that holds the points.
    ranks, degrees : int or sequence of int, optional
        The ranks, and the polynomial degree of every axis. What is not given is chosen: it grows as
        long as that lowers the error at a tenth of the points, kept apart for that.
    tol : float
        The root mean square error, relative to the largest value, that is small enough.
    rng : None, int or numpy.random.Generator
        For the random starts, and for the points kept apart.
    max_bytes : int
        The largest array allowed.

    Returns
    -------
    ChebTucker
        Its ``error_estimate`` is the root mean square of what is left of the values at a tenth of
        the points, which were kept apart, relative to the largest value: the noise, if there is
        any. It has converged if that is ``tol``, or if what is left looks like noise: it is
        smaller than the values, points near to each other do not have it in common, and it was not
        a lack of points that stopped the growth. In the end all points are used.

    Raises
    ------
    ValueError
        If there are too few different points for the parameters, a point lies outside the box,
        shapes disagree, or an entry is NaN or infinite.

    Notes
    -----
    Core and factors are found together by damped Gauss-Newton steps on the squared differences plus
    a penalty of rough functions, whose weight follows the evidence of the values. For ``p``
    parameters a step costs ``O(N p²)``; the choice of ranks and degrees uses ten points per
    parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker
    >>> x = np.random.default_rng(0).uniform(-1, 1, (400, 2))
    >>> f = ChebTucker.fit(x, np.sin(x[:, 0] - x[:, 1]), [(-1, 1), (-1, 1)], rng=0)
    >>> bool(abs(f(0.5, 0.2) - np.sin(0.3)) < 1e-8)
    True
    """
    points, values = _checked(points, values)
    xp, (count, d) = namespace(points, values), points.shape
    bases = bases_of(_box(points) if domain is None else domain, d)
    _require_inside(points, bases)
    key = seed_of(rng)
    generator = np.random.default_rng(key)
    scale = float(xp.max(xp.abs(values)))
    eps = float(xp.finfo(values.dtype).eps)
    if not tol >= eps:
        raise ValueError(f"tol is {tol:g}: {values.dtype} holds {eps:.1e}, ask for that or more")
    search = _Search(points, values / (scale or 1.0), bases, tol, generator, max_bytes)
    fixed_sizes = None if degrees is None else [n + 1 for n in _per_axis(degrees, d, "degrees", 0)]
    fixed_ranks = None if ranks is None else _per_axis(ranks, d, "ranks", 1)
    found, error, noise = search.best(fixed_sizes, fixed_ranks)
    report = Construction(
        method="fit",
        tol=max(tol, error / 10),
        converged=error <= tol or noise,
        error_estimate=error,
        evaluations=count,
        iterations=search.steps,
        seed=key,
    )
    warn_unresolved(report, "pass more points, or other ranks and degrees")
    core = found.core * scale if scale else found.core * 0
    return cls(core, found.factors, bases, report=report)


class _Search:
    """The growth of ranks and degrees."""

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
        found, enough = self._grown_up(sizes, ranks)
        found = self._fitted(found.core, found.factors, self._train, found.stiffness, 1e-3, 20)
        errors = self._errors(found)
        if ranks is None:
            # what is below the noise, or the tolerance
            level = max(0.3 * _rms(errors), self.tol) / 10
            small = Tucker(found.core, found.factors).recompress(level)
            found = self._fitted(small.core, list(small.factors), self._train, found.stiffness)
            errors = self._errors(found)
        noise = enough and self._is_noise(found, errors)
        every = self.xp.concat([self._train, self._test])
        final = self._fitted(found.core, found.factors, every, found.stiffness)
        return final, _rms(errors), noise

    def _grown_up(
        self, sizes: Sequence[int] | None, ranks: Sequence[int] | None
    ) -> tuple[Fit, bool]:
        """Return a fit of sizes and ranks that suit, and whether there were points enough."""
        now_sizes = [5] * self.ndim if sizes is None else list(sizes)
        now_ranks = [min(2, n) for n in now_sizes] if ranks is None else list(ranks)
        if sizes is None and ranks is not None:
            now_sizes = [max(n, r + 2) for n, r in zip(now_sizes, ranks, strict=True)]
        if sizes is None and ranks is None:
            while parameters(now_sizes, now_ranks) > 0.9 * self.different and max(now_sizes) > 1:
                now_sizes = [max(n - 1, 1) for n in now_sizes]
                now_ranks = [1] * self.ndim
        self._require_points(now_sizes, now_ranks)
        found = self._started(now_sizes, now_ranks, self._part(now_sizes, now_ranks))
        errors, front, enough = self._errors(found), found, True
        # what may grow, sizes or ranks or both; what was best last time comes first
        kinds = [
            (more_sizes, more_ranks)
            for more_sizes, more_ranks in _kinds
            if (sizes is None or not more_sizes) and (ranks is None or not more_ranks)
        ]
        while kinds and _rms(errors) > self.tol:
            enough = True
            tried: list[tuple[float, int, Any, Fit]] = []
            for k, kind in enumerate(kinds):
                bigger = self._grown(front, *kind)
                if bigger is None:
                    continue
                shape = [U.shape[0] for U in bigger[1]], bigger[0].shape
                if 1.5 * parameters(*shape) > 0.9 * self.different:
                    enough = False
                    continue
                fitted = self._fitted(*bigger, self._part(*shape), front.stiffness / 100)
                squares = self._errors(fitted)
                tried.append((_rms(squares), k, squares, fitted))
                if _rms(squares) < 0.3 * _rms(errors):
                    break
            better = [each for each in tried if _better(each[2], errors)]
            if better:
                _, k, errors, found = min(better, key=operator.itemgetter(0))
                front = found
                kinds.insert(0, kinds.pop(k))
            elif not tried or self._is_noise(found, errors):
                break
            else:  # it may be that only much higher degrees help
                front = min(tried, key=lambda each: (kinds[each[1]][1], each[0]))[3]
        return found, enough

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

    def _is_noise(self, found: Fit, errors: Any) -> bool:
        """Tell whether what is left of values has nothing in common at neighbouring points.

        Noise that is larger than the function itself is not told from a function that varies
        faster than the points can show.
        """
        xp = self.xp
        values = on_host(xp.abs(self._taken(self.values, self._test)))
        if not _better(errors, values**2):
            return False
        most = min(1000, max(10**8 // self._train.shape[0], 100))
        test = self._test[:most]
        there = self._taken(self._scaled, self._train)
        near, step = [], max(2**22 // there.shape[0], 1)
        for start in range(0, test.shape[0], step):
            here = self._taken(self._scaled, test[start : start + step])
            squares: Any = 0.0
            for k in range(self.ndim):
                squares = squares + (here[:, k, None] - there[None, :, k]) ** 2
            near.append(xp.argmin(squares, axis=1))
        neighbours = self._taken(self._train, xp.concat(near))
        both = xp.conj(self._left(found, test)) * self._left(found, neighbours)
        products = on_host(xp.real(both))
        return bool(np.sum(products) <= 3 * np.linalg.norm(products))

    def _part(self, sizes: Sequence[int], ranks: Sequence[int]) -> Any:
        return self._train[: _points_per_parameter * parameters(sizes, ranks) + 500]

    def _vanders(self, sizes: Sequence[int], part: Any) -> list[Any]:
        cure = "pass fewer points, or raise max_bytes"
        shape = (len(part), max(sizes))
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
                start, factors, vanders, values, 1e-9 * len(part), rest=1e-2, most_steps=20
            )
            self.steps += fitted.steps
            found.append(fitted)
            if fitted.residual <= self.tol:
                break
        return min(found, key=lambda fitted: fitted.residual)

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
                f"there are {self.different} different points, and degrees {[n - 1 for n in sizes]} with ranks "
                f"{list(ranks)} have {wanted} parameters: pass at least {wanted} points, better "
                f"{2 * wanted}, or smaller degrees and ranks"
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


def _checked(points: Any, values: Any) -> tuple[Any, Any]:
    xp = namespace(points, values)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"points has shape {tuple(points.shape)}: (N, d) is expected")
    if values.ndim != 1 or values.shape[0] != points.shape[0]:
        raise ValueError(
            f"points has shape {tuple(points.shape)} and values has shape {tuple(values.shape)}: "
            "a value is needed for every row"
        )
    if points.shape[0] == 0:
        raise ValueError("there are no points: pass one or more")
    points, values = inexact(points), inexact(values)
    if xp.isdtype(points.dtype, "complex floating"):
        raise TypeError("points is complex: coordinates are real")
    require_finite("points", points)
    require_finite("values", values)
    return points, values


def _box(points: Any) -> list[tuple[float, float]]:
    xp = namespace(points)
    low, high = xp.min(points, axis=0), xp.max(points, axis=0)
    box = [(float(low[k]), float(high[k])) for k in range(points.shape[1])]
    for axis, (a, b) in enumerate(box):
        if a == b:
            raise ValueError(
                f"axis {axis} of points has the only coordinate {a:g}: leave it out, or pass domain"
            )
    return box


def _require_inside(points: Any, bases: Sequence[Basis]) -> None:
    xp = namespace(points)
    for axis, basis in enumerate(bases):
        x = points[:, axis]
        outside = (x < basis.low) | (x > basis.high)
        if not basis.periodic and bool(xp.any(outside)):
            n = int(xp.argmax(xp.astype(outside, xp.int8)))
            raise ValueError(
                f"point {n} has the coordinate {float(x[n]):g} on axis {axis}, outside "
                f"[{basis.low:g}, {basis.high:g}]: widen domain"
            )


def _per_axis(given: int | Sequence[int], d: int, name: str, least: int) -> list[int]:
    each = [given] * d if isinstance(given, int | np.integer) else list(given)
    if len(each) != d:
        raise ValueError(f"{name} has {len(each)} entries, and points has {d} columns")
    for n in each:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < least:
            raise ValueError(f"{name} is {given!r}: pass integers of {least} or more")
    return [int(n) for n in each]
