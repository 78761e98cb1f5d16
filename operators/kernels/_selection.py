"""Hyper-parameters by closed-form leave-one-out, whole orbits out."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.operators.kernels._blocks import blocked, factor
from structlin.operators.kernels._functions import kernels, squared_distances
from structlin.operators.kernels._groups import Group

# where the search starts, and between what it stays; chosen on small problems, not on benchmarks
first: dict[str, tuple[float, ...]] = {
    "metric": (0.0, 0.5),
    "length_scale": (1.0, 4.0, 16.0),
    "nugget": (1e-10, 1e-6, 1e-3),
}
_scales, _nuggets, _metrics = (1 / 16, 1024.0), (1e-13, 1.0), (0.0, 1.0)
# among how many samples distances are compared
_first_rows = 400
# part of the squares of outputs that errors are counted without
_ignored = 1e-11


@dataclass(frozen=True)
class Choice:
    """The hyper-parameters of a kernel, and the error that leaving samples out shows.

    Attributes
    ----------
    kernel : str
    metric : float
        The exponent: features are multiplied by that power of their standard deviations.
    length_scale : float
        In units of the median distance of two samples.
    nugget : float
        What is added to the diagonal of the kernel matrix, which is one.
    leave_one_out : float
        The mean relative error at samples left out, with all their images under a symmetry.
    """

    kernel: str
    metric: float
    length_scale: float
    nugget: float
    leave_one_out: float = math.inf


class Trial:
    """The data of a search, and what has been computed for the last few questions.

    Parameters
    ----------
    features : sequence of (n, r) array
        Of the samples, and of their images.
    spread : (r,) array
        The standard deviations of features, descending.
    targets : sequence of (d n, c) array
        The part of the outputs that every block of the group sees, compressed.
    sizes : (n,) array
        The norms of the outputs.
    group : Group
    counted : (n,) array, optional
        One for samples whose errors count; by default all of them.
    """

    def __init__(
        self,
        features: Sequence[Any],
        spread: Any,
        targets: Sequence[Any],
        sizes: Any,
        group: Group,
        counted: Any = None,
    ) -> None:
        self.features, self.spread, self.targets = features, spread, targets
        self.sizes, self.group, self.counted = sizes, group, counted
        self.known: dict[tuple[str, float, float, float], float] = {}
        self._distances: tuple[Any, Any] = (None, None)
        self._grams: tuple[Any, Any] = (None, None)

    def among(self, count: int, rng: np.random.Generator) -> Trial:
        """Return the trial of some samples, itself if there are no more."""
        n = self.sizes.shape[0]
        if n <= count:
            return self
        xp = namespace(self.sizes)
        places = xp.asarray(np.sort(rng.permutation(n)[:count]), device=self.sizes.device)

        def taken(rows: Any) -> Any:
            return xp.take(rows, places, axis=0)

        targets = []
        for Y in self.targets:
            parts = [taken(Y[a * n : (a + 1) * n, :]) for a in range(Y.shape[0] // n)]
            targets.append(xp.concat(parts, axis=0))
        counted = None if self.counted is None else taken(self.counted)
        features = [taken(Z) for Z in self.features]
        return Trial(features, self.spread, targets, taken(self.sizes), self.group, counted)

    def measured(self, features: Sequence[Any], counted: Any) -> Trial:
        """Return the trial with other features, which are taken as they are."""
        xp = namespace(self.sizes)
        spread = xp.ones(features[0].shape[1], dtype=xp.float64, device=self.sizes.device)
        return Trial(features, spread, self.targets, self.sizes, self.group, counted)

    def error(self, choice: Choice) -> float:
        """Return the mean relative error of leaving samples out; Inf if nothing can be solved."""
        key = (choice.kernel, choice.metric, choice.length_scale, choice.nugget)
        if key not in self.known:
            self.known[key] = self._error(choice)
        return self.known[key]

    def _error(self, choice: Choice) -> float:
        xp = namespace(self.sizes)
        total: Any = 0.0
        grams = self._kernels(choice)
        for irreducible, Y in zip(self.group.irreducibles, self.targets, strict=True):
            A = blocked(grams, irreducible)
            A = xp.asarray(A, copy=True) if self.group.order == 1 else A
            block = factor(A, Y, choice.nugget, irreducible.matrices.shape[1])
            if block is None:
                return math.inf
            total = total + xp.sum(block.residuals() ** 2, axis=(1, 2))
        errors = xp.sqrt(total / self.group.order) / self.sizes
        mean = mean_of(errors, self.counted)
        return mean if math.isfinite(mean) else math.inf

    def _kernels(self, choice: Choice) -> list[Any]:
        if self._distances[0] != choice.metric:
            weights = metric_weights(self.spread, choice.metric)
            Z = [z * weights for z in self.features]
            squares = [squared_distances(Z[0], z) for z in Z]
            unit = median_distance(Z[0]) ** 2
            self._distances = (choice.metric, [s / unit for s in squares])
            self._grams = (None, None)
        key = (choice.kernel, choice.length_scale)
        if self._grams[0] != key:
            function = kernels[choice.kernel]
            scaled = [s / choice.length_scale**2 for s in self._distances[1]]
            self._grams = (key, [function(s) for s in scaled])
        found: list[Any] = self._grams[1]
        return found


def mean_of(errors: Any, counted: Any) -> float:
    """Return the mean of the errors of samples that count; of all where none are told."""
    xp = namespace(errors)
    if counted is None:
        return float(xp.mean(errors))
    return float(xp.sum(errors * counted)) / float(xp.sum(counted))


def metric_weights(spread: Any, exponent: float) -> Any:
    """Return the deviations, relative to the largest, to that power; ones if there are none."""
    xp = namespace(spread)
    largest = float(spread[0])
    return (spread / largest) ** exponent if largest > 0 else xp.ones_like(spread)


def median_distance(Z: Any) -> float:
    """Return the median distance of two rows among the first ones; 1 if they are all equal."""
    xp = namespace(Z)
    some = Z[: min(Z.shape[0], _first_rows), :]
    squares = xp.reshape(squared_distances(some, some), (-1,))
    middle = float(xp.sort(squares)[squares.shape[0] // 2])
    top = middle or float(xp.max(squares))
    return math.sqrt(top) if top > 0 else 1.0


def coarse(trial: Trial, open_choices: dict[str, Sequence[Any]], bar: Any) -> Choice:
    """Return the best of a grid of hyper-parameters."""
    best = None
    for metric in open_choices["metric"]:
        for name in open_choices["kernel"]:
            for scale in open_choices["length_scale"]:
                for nugget in open_choices["nugget"]:
                    made = Choice(name, metric, scale, nugget)
                    made = replace(made, leave_one_out=trial.error(made))
                    bar.update()
                    if best is None or made.leave_one_out < best.leave_one_out:
                        best = made
    if best is None:
        raise ValueError("no hyper-parameters to choose from: pass one value or more of each")
    return best


def descend(trial: Trial, start: Choice, free: dict[str, bool], bar: Any) -> Choice:
    """Return a choice that no single step improves: factors of 2 and 10, and quarters.

    Steps start from a choice among coarse ones; a direction that improves is followed on.
    """
    best = replace(start, leave_one_out=trial.error(start))
    moves = [name for name in ("nugget", "length_scale", "metric") if free[name]]
    waiting = list(moves)
    while waiting:
        name = waiting.pop(0)
        improved = False
        for sign in (1, -1):
            while (step := _moved(best, name, sign)) is not None:
                made = replace(step, leave_one_out=trial.error(step))
                bar.update()
                if made.leave_one_out >= best.leave_one_out * (1 - 1e-3):
                    break
                best, improved = made, True
            if improved:
                break
        if improved:  # what else may have moved with it
            waiting = [other for other in moves if other != name]
    return best


def _moved(choice: Choice, name: str, sign: int) -> Choice | None:
    if name == "metric":
        value = choice.metric + 0.25 * sign
        return replace(choice, metric=value) if _metrics[0] <= value <= _metrics[1] else None
    if name == "nugget":
        value = choice.nugget * 10.0**sign
        return replace(choice, nugget=value) if _nuggets[0] <= value <= _nuggets[1] else None
    value = choice.length_scale * 2.0**sign
    return replace(choice, length_scale=value) if _scales[0] <= value <= _scales[1] else None


def progress_bar(*, progress: bool | None) -> Any:
    """Return a bar that shows after a second unless told otherwise."""
    tqdm = importlib.import_module("tqdm.auto").tqdm
    return tqdm(
        desc="hyper-parameters",
        unit="trial",
        disable=progress is False,
        delay=1 if progress is None else 0,
        leave=False,
    )


def compressed(Y: Any) -> Any:
    """Return fewer columns whose rows have the same lengths, up to what is ignored."""
    xp = namespace(Y)
    n, m = Y.shape
    if m <= n:
        squares, directions = xp.linalg.eigh(xp.matmul(xp.matrix_transpose(Y), Y))
        count = _count(squares)
        return xp.matmul(Y, directions[:, m - count :])
    squares, directions = xp.linalg.eigh(xp.matmul(Y, xp.matrix_transpose(Y)))
    count = _count(squares)
    top = squares[n - count :]
    return directions[:, n - count :] * xp.sqrt(xp.where(top > 0, top, xp.zeros_like(top)))


def _count(squares: Any) -> int:
    """Return how many of the ascending squares all but the ignored part needs."""
    xp = namespace(squares)
    total = xp.cumulative_sum(xp.where(squares > 0, squares, xp.zeros_like(squares)))
    needed = total > _ignored * total[-1]
    return max(int(xp.sum(xp.astype(needed, xp.int64))), 1)
