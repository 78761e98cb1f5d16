"""Functions of several variables from their values at few points."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import device
from structlin._errors import ConvergenceError, ConvergenceWarning
from structlin.bases import Basis
from structlin.sketching._random import seed_of
from structlin.tensors import _core
from structlin.tensors._adaptive.box import Box
from structlin.tensors._adaptive.fibres import Fibres
from structlin.tensors._adaptive.samples import Samples
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors._report import Construction
from structlin.tensors.cross import tt_cross
from structlin.tensors.tensor_train import TensorTrain

_rounds = 12  # cores, at most
_safety = 0.1  # the part of the tolerance that fibres, degrees and ranks may lose each
_much = 2**24, 2**22  # operations for a basis, values for the core: more for smooth functions only
_enough = 2  # batches in a row without a new fibre
_tests = 250  # random points at which the result is tested, at least
_most_tests = 2000  # new ones in a round, at most
_kept_tests = 500  # those with the largest errors, which the next core has to pass as well
_compared = 50  # those that tell whether truncation matters
_growth = 2.0  # of the largest value, above which its summit is looked for
_climb, _climbers = 60, 16  # steps towards it, and points in each
_pursuit, _steps, _pursuers = 500, 24, 8  # values for each step to the largest error, steps, points
_block = 2**20  # entries of the core that are evaluated at a time
_large_core = 10**4  # entries above which a core of five axes or more becomes a train


def build(
    evaluate: Callable[..., Any],
    bases: Sequence[Basis],
    tol: float,
    rng: Any = None,
    *,
    like: Any = None,
    max_degree: int = 4096,
    max_bytes: int = default_bytes,
    method: str = "chebtucker",
) -> tuple[Any, list[Any], tuple[Basis, ...], Construction]:
    """Return core, factors, bases and report of a function.

    Parameters
    ----------
    evaluate : callable
        Takes an array of shape (N,) for every variable, and returns one.
    bases : sequence of Basis
        The box.
    tol : float
        The error relative to the largest value.
    rng : None, int or numpy.random.Generator, optional
        Makes the random points.
    like : array, optional
        Gives the array library and the device of the points; by default NumPy.
    max_degree : int
        The largest degree along an axis.
    max_bytes : int
        The largest core.
    method : str
        What the report calls it.

    Raises
    ------
    ValueError
        If a value is NaN or Inf, or the tolerance is below the rounding errors of the values.
    ConvergenceError
        If the values grow without bound as the grids are refined.
    MemoryError
        If the core would take more than ``max_bytes``.
    """
    if not 0 < tol < 1:
        raise ValueError(f"tol is {tol!r}: a number between 0 and 1 is needed")
    builder = Builder(Samples(evaluate, like), bases, tol, seed_of(rng), max_degree, max_bytes)
    core, factors = builder.run()
    report = Construction(
        method=method,
        tol=tol,
        converged=builder.resolved and builder.error <= tol,
        error_estimate=builder.error,
        evaluations=builder.samples.count,
        iterations=builder.iterations,
        seed=builder.seed,
    )
    return core, factors, builder.bases, report


class Builder:
    """One construction, step by step.

    Attributes
    ----------
    axes : list of Fibres
        What is known along every axis.
    level : float
        The relative residual below which a fibre is a combination of others.
    hot : list of lists of (d,) arrays
        Points near which the next fibres along every axis are looked for.
    resolved : bool
        Whether the degrees were high enough.
    error : float
        The largest relative error at the test points.
    iterations : int
        How many cores were made.
    """

    def __init__(
        self,
        samples: Samples,
        bases: Sequence[Basis],
        tol: float,
        seed: int,
        max_degree: int,
        max_bytes: int,
    ) -> None:
        self.samples = samples
        self.bases = tuple(bases)
        self.tol = tol
        self.seed = seed
        self.max_bytes = max_bytes
        self.rng = np.random.default_rng(seed)
        d = len(self.bases)
        self.axes = [
            Fibres(samples, basis, axis, d, max_degree) for axis, basis in enumerate(self.bases)
        ]
        least = max(len(fibres.points) for fibres in self.axes) - 1
        if max_degree < least:
            raise ValueError(f"max_degree is {max_degree}: {least} or more, for the first grids")
        self.box = Box(self.bases, self.rng)
        self.level = _safety * tol
        self.hot: list[list[Any]] = [[] for _ in range(d)]
        self.resolved = True
        self.error = 0.0
        self.iterations = 0
        self._grid_values: tuple[list[Any], Any] = [], None  # on the nodes, of the last core
        self._scale = 0.0  # the largest value on the first grids

    def run(self) -> tuple[Any, list[Any]]:
        """Return core and factors."""
        xp, samples = self.samples.xp, self.samples
        self._start()
        points = self.box.tests(_tests)
        exact = samples(points)
        before: list[int] = []
        while True:
            self.iterations += 1
            self._explore()
            if not all(fibres.rank for fibres in self.axes):
                return self._zero()
            self._climb()
            values = self._train() if self._is_train() else self._core()
            count = samples.count // 10 - len(points) if self.resolved else 0
            count = min(max(count, _tests // 4), _most_tests)
            fresh = self.box.tests(count, samples.peak)
            points = np.concatenate([points, fresh])
            exact = xp.concat([exact, samples(fresh)])
            core, factors, errors = self._compressed(values, points, exact)
            self.error = float(np.max(errors))
            hopeless = not self.resolved or self.level > self.tol  # degrees, or noise
            hopeless = hopeless or self.iterations == _rounds
            if self.error <= self.tol or hopeless:
                points, exact, errors = self._pursued(core, factors, points, exact, errors)
                self.error = float(np.max(errors))
                if self.error <= self.tol or hopeless:
                    return core, factors
            ranks = [fibres.rank for fibres in self.axes]
            self._visit(points, exact, errors)
            if not self.resolved:
                return core, factors
            order = np.argsort(-errors)[:_kept_tests]
            points = points[order]
            exact = xp.take(exact, xp.asarray(order, device=device(exact)))
            same = ranks == [fibres.rank for fibres in self.axes]
            if same and (ranks == before or not any(self.hot)):  # hot points gave nothing either
                least = max(self._eps(), self._noise())
                if self.level <= least:
                    return core, factors
                self.level = max(self.level / 3, least)
            before = ranks

    def _start(self) -> None:
        """Look at fibres through the centre, and on edges and along them."""
        seeds = self.box.seeds()
        for fibres in self.axes:
            anchors = seeds.copy()
            anchors[:, fibres.axis] = self.box.low[fibres.axis]
            self._offer(fibres, np.unique(anchors, axis=0))
        least = 10 * self._eps()
        if self.tol < least:
            raise ValueError(
                f"tol={self.tol:.3g} is below the rounding errors of {self.samples.dtype} values: "
                f"ask for {least:.2g} or more, or return values of double precision"
            )

    def _noise(self) -> float:
        """Return the level below which fibres differ by noise."""
        return 10 * max(fibres.noise for fibres in self.axes)  # interpolants make more of it

    def _eps(self) -> float:
        return float(self.samples.xp.finfo(self.samples.dtype).eps)

    def _offer(self, fibres: Fibres, anchors: Any) -> bool:
        found = fibres.offer(anchors, 3 * self.level, self.rng)
        self._tell(fibres, found)
        return bool(found)

    def _tell(self, fibres: Fibres, found: list[Any]) -> None:
        for other in self.axes:
            if other is not fibres:
                self.hot[other.axis] = (self.hot[other.axis] + found)[-3:]

    def _visit(self, points: Any, exact: Any, errors: Any) -> None:
        """Look at the fibres through the points with the largest errors."""
        xp = self.samples.xp
        order = np.argsort(-errors)
        worst = order[:3]
        values = xp.take(exact, xp.asarray(worst, device=device(exact)))
        for fibres in self.axes:
            found, resolved = fibres.examine(points[worst], values, 3 * self.level, self.tol)
            self.resolved = self.resolved and resolved
            self._tell(fibres, found)
        more = order[3 : max(fibres.rank for fibres in self.axes) // 8]
        for hot in self.hot:
            hot.extend(points[more[errors[more] > self.tol]])

    def _explore(self) -> None:
        """Find all fibres, and resolve them."""
        while True:
            clean = [0] * len(self.axes)
            while min(clean) < _enough or any(self.hot):
                for fibres in self.axes:
                    hot, self.hot[fibres.axis] = self.hot[fibres.axis], []
                    if clean[fibres.axis] >= _enough and not hot:
                        continue
                    anchors = self._anchors(max(2, fibres.rank // 4))
                    if hot:
                        anchors = np.concatenate([hot, anchors])
                    found = self._offer(fibres, anchors)
                    clean[fibres.axis] = 0 if found else clean[fibres.axis] + 1
                    much = fibres.work > _much[0] or self._core_size() > _much[1]
                    if found and much and fibres.is_rough(self.level):
                        self.resolved = False  # there are kinks: ranks would go on to grow
                        return
                self._require_memory()
            self._scale = self._scale or self.samples.largest
            if self.samples.largest and not all(fibres.rank for fibres in self.axes):
                self._visit_summit()  # all that is not zero lies between the points of the grids
            sizes = [len(fibres.points) for fibres in self.axes]
            fine = [fibres.resolve(self.level) for fibres in self.axes if fibres.rank]
            self.resolved = self.resolved and all(fine)
            self.level = max(self.level, self._noise())
            done = not any(self.hot) and sizes == [len(fibres.points) for fibres in self.axes]
            if done or not self.resolved:
                return

    def _visit_summit(self) -> None:
        summit = self.samples.peak[None, :]
        self._visit(summit, self.samples(summit), np.asarray([math.inf]))

    def _climb(self) -> None:
        """Follow values that grow, or are not resolved, to a summit; raise if there is none."""
        samples = self.samples
        if self.resolved and samples.largest <= _growth * self._scale:
            return
        size, history, before = 0.25, [samples.largest], samples.largest
        for _ in range(_climb):
            samples(self.box.around(samples.peak, size, _climbers))
            size = size if samples.largest > history[-1] else size / 2
            history.append(samples.largest)
        if samples.largest > _growth * history[_climb // 2]:
            point = ", ".join(f"{x:.6g}" for x in samples.peak)
            raise ConvergenceError(
                f"f grows without bound, to {samples.largest:.3g} near ({point}): it seems to have "
                "a pole there; take a domain where f is bounded"
            )
        self._scale = samples.largest
        if samples.largest > _growth * before:  # a summit that no fibre has seen
            self._visit_summit()
            self._explore()

    def _require_memory(self) -> None:
        if not self._is_train():
            ranks = [fibres.rank for fibres in self.axes]
            cure = "ask for less by tol, split the domain, or raise max_bytes"
            require_memory(ranks, self.samples.dtype, "the core", cure, self.max_bytes)

    def _is_train(self) -> bool:
        return len(self.axes) >= 5 and math.prod(fibres.rank for fibres in self.axes) > _large_core

    def _core_size(self) -> int:
        """Return how many values the core needs; trains need few."""
        return 0 if self._is_train() else math.prod(fibres.rank for fibres in self.axes)

    def _anchors(self, count: int) -> Any:
        """Return random points, a quarter of them on nodes of all axes."""
        points = self.box.points(count, self.samples.peak)
        on_nodes = np.arange(count) % 4 == int(self.rng.integers(4))
        for fibres in self.axes:
            if fibres.rank:
                nodes = fibres.points[self.rng.choice(fibres.nodes, count)]
                points[:, fibres.axis] = np.where(on_nodes, nodes, points[:, fibres.axis])
        return points

    def _compressed(self, values: Any, points: Any, exact: Any) -> tuple[Any, list[Any], Any]:
        """Return core and factors, truncated as far as that does not matter, and the errors."""
        xp, loss = self.samples.xp, _safety * self.tol
        core, factors = self._tensor(values, loss)
        errors = self._errors(core, factors, points, exact)
        while np.max(errors) > self.tol and loss > _safety**4 * self.tol:
            # the largest error can be many times that in the norm of the coefficients
            loss = loss / 10
            worst = np.argsort(-errors)[:_compared]
            few = xp.take(exact, xp.asarray(worst, device=device(exact)))
            more = self._tensor(values, loss)
            if np.max(self._errors(*more, points[worst], few)) > np.max(errors) / 2:
                break
            core, factors = more
            errors = self._errors(core, factors, points, exact)
        return core, factors, errors

    def _tensor(self, values: Any, loss: float) -> tuple[Any, list[Any]]:
        """Return core and orthonormal factors of the interpolant of values at the nodes."""
        xp, size = self.samples.xp, self.samples.largest
        matrices, factors = [], []
        for fibres in self.axes:
            # coefficients of the functions that are one at a node and zero at the others: Q R M⁻¹
            Q, R = xp.linalg.qr(fibres.coefficients(loss))
            nodes = xp.asarray(fibres.nodes, device=device(Q))
            M = xp.take(fibres.Q, nodes, axis=0)
            R = xp.matrix_transpose(xp.linalg.solve(xp.matrix_transpose(M), xp.matrix_transpose(R)))
            matrices.append(R)
            factors.append(Q)
        core = _core.mode_products(values / size, matrices)
        core, small = _core.truncated(core, loss)
        core = _core.simplified(core, loss)
        return core * size, [xp.matmul(Q, U) for Q, U in zip(factors, small, strict=True)]

    def _core(self) -> Any:
        """Return the values at all combinations of nodes; those that are known are used again."""
        xp = self.samples.xp
        nodes = [fibres.points[fibres.nodes] for fibres in self.axes]
        new = np.ones([len(x) for x in nodes], dtype=bool)
        old_nodes, old = self._grid_values
        pairs = list(zip(old_nodes, nodes, strict=False))
        if pairs and all(np.array_equal(before, x[: len(before)]) for before, x in pairs):
            new[tuple(slice(0, len(x)) for x in old_nodes)] = False
        missing = np.flatnonzero(new)
        parts = []
        for start in range(0, len(missing), _block):
            places = np.unravel_index(missing[start : start + _block], new.shape)
            points = [x[place] for x, place in zip(nodes, places, strict=True)]
            parts.append(self.samples(np.stack(points, axis=-1)))
        values = xp.concat(parts) if parts else xp.reshape(old, (-1,))[:0]
        if not np.all(new):
            values = xp.concat([xp.reshape(old, (-1,)), values])
        order = np.argsort(np.concatenate([np.flatnonzero(~new), missing]))
        values = xp.take(values, xp.asarray(order, device=device(values)))
        values = xp.reshape(values, new.shape)
        self._grid_values = nodes, values
        for fibres in self.axes:
            fibres.keeps_nodes = True
        return values

    def _train(self) -> Any:
        """Return the values at all combinations of nodes as a tensor train."""
        nodes = [fibres.points[fibres.nodes] for fibres in self.axes]

        def entries(indices: Any) -> Any:
            return self.samples(np.stack([x[i] for x, i in zip(nodes, indices.T, strict=True)], 1))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the result itself is tested
            found = tt_cross(
                entries,
                [len(x) for x in nodes],
                tol=max(self.level, 10 * self._eps()),
                rng=self.rng,
                max_bytes=self.max_bytes,
            )
        return found.tensor

    def _errors(self, core: Any, factors: Sequence[Any], points: Any, exact: Any) -> Any:
        """Return the relative errors at points, on the host."""
        xp = self.samples.xp
        entries = 1 if isinstance(core, TensorTrain) else math.prod(core.shape[1:])  # of a point
        widest = max(entries, *(factor.shape[0] for factor in factors))
        block = max(2**22 // widest, 1)
        out: list[float] = []
        for start in range(0, len(points), block):
            part = slice(start, min(start + block, len(points)))
            rows = []
            for fibres, factor in zip(self.axes, factors, strict=True):
                x = np.ascontiguousarray(points[part, fibres.axis])
                V = fibres.basis.vander(xp.asarray(x, device=device(factor)), factor.shape[0])
                rows.append(xp.matmul(xp.astype(V, factor.dtype), factor))
            gaps = xp.abs(_core.entries(core, rows) - exact[part])
            out += [float(gaps[k]) for k in range(gaps.shape[0])]
        return np.asarray(out) / self.samples.largest

    def _pursued(
        self, core: Any, factors: Sequence[Any], points: Any, exact: Any, errors: Any
    ) -> tuple[Any, Any, Any]:
        """Add points ever closer to the one with the largest error; return all, with the errors.

        Errors at kinks and tips are far larger than at random points. There are few steps where
        few values have been taken.
        """
        xp, size = self.samples.xp, 0.25
        for _ in range(min(self.samples.count // _pursuit, _steps) if self.resolved else _steps):
            worst = int(np.argmax(errors))
            near = self.box.around(points[worst], size, _pursuers)
            values = self.samples(near)
            more = self._errors(core, factors, near, values)
            size = size if np.max(more) > errors[worst] else size / 4
            points, exact = np.concatenate([points, near]), xp.concat([exact, values])
            errors = np.concatenate([errors, more])
        return points, exact, errors

    def _zero(self) -> tuple[Any, list[Any]]:
        """Return zero: the function is, or it is not zero at so few points that no grid sees it."""
        xp, d = self.samples.xp, len(self.bases)
        self.error = 1.0 if self.samples.largest else 0.0
        like = {"dtype": self.samples.dtype, "device": self.samples.device}
        return xp.zeros((1,) * d, **like), [xp.ones((1, 1), **like) for _ in range(d)]
