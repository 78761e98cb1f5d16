"""Variational inference of the functions of all axes, the core and the noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import markov
from structlin.tensors._regression.coupling import Coupling, packed, unpacked
from structlin.tensors._regression.smoother import Functions

# values have variance 1: less noise is not told from none, and leaves few digits to the smoother
noise_floor = 1e-4
_block_entries = 2**17


@dataclass
class Evidence:
    """What observations say, without the noise: sums that can be added up.

    Attributes
    ----------
    information, shifts : list of arrays
        For every axis, at every point, ``Σ E[a aᵀ]`` (n, r, r) and ``Σ y E[a]`` (n, r), where a
        value is ``a · u``.
    core_information, core_shift : (s, s) array, (s,) array
        The same for the core.
    residual : float
        The expected sum of squared residuals.
    count : int
        How many observations.
    """

    information: list[Any]
    shifts: list[Any]
    core_information: Any
    core_shift: Any
    residual: float = 0.0
    count: int = 0


class Posterior:
    """Independent Gaussian distributions of the functions of every axis and of the core.

    Parameters
    ----------
    coupling : Coupling
        How they make a value.
    axes : sequence of Functions
        The functions of every axis.

    Attributes
    ----------
    core, core_spread : (s,) array, (s, s) array
        Mean and covariance of the entries of the core.
    offset : float
        What is added to every value.
    offset_variance, offset_pull : float, (s,) array
        Its variance, and by how much the expected core falls when it rises.
    precision, core_precision : float
        Expected precision of the noise, and of the prior of the core.
    bound : float
        A lower bound of the logarithm of the probability of the values.
    """

    def __init__(self, coupling: Coupling, axes: Sequence[Functions]) -> None:
        self.coupling = coupling
        self.axes = list(axes)
        self.core = np.zeros(coupling.size)
        self.core_spread = np.zeros((coupling.size, coupling.size))
        self.offset = self.offset_variance = 0.0
        self.offset_pull = np.zeros(coupling.size)
        self.precision = 10.0
        self.core_precision = 1.0
        self.bound = -math.inf

    def nothing(self) -> Evidence:
        """Return the evidence of no observations."""
        r, s = self.coupling.ranks, self.coupling.size
        sizes = [len(functions.points) for functions in self.axes]
        return Evidence(
            information=[np.zeros((n, m, m)) for n, m in zip(sizes, r, strict=True)],
            shifts=[np.zeros((n, m)) for n, m in zip(sizes, r, strict=True)],
            core_information=np.zeros((s, s)),
            core_shift=np.zeros(s),
        )

    def of_axis(self, axis: int, places: Sequence[Any], y: Any) -> tuple[Any, Any]:
        """Return what observations say of the functions of one axis, at every point.

        Parameters
        ----------
        axis : int
        places : sequence of (N,) arrays of int
            At which point of every axis each observation is.
        y : (N,) array

        Returns
        -------
        (n, r, r) array, (n, r) array
        """
        coupling, add = self.coupling, kernel(namespace(y), markov.added)
        others = [k for k in range(len(self.axes)) if k != axis]
        mean = coupling.unfolded(self.core, axis)
        second = coupling.second_moments(self.core, self.core_spread)
        second = coupling.unfolded(second, axis)
        moments = [functions.second_moments for functions in self.axes]
        r, n = coupling.ranks[axis], len(self.axes[axis].points)
        sums, y = np.zeros((n, r + coupling.packed_ranks[axis])), y - self.offset
        for part in self._blocks(len(y)):
            rows = [self.axes[k].mean[places[k][part]] for k in others]
            shift = (coupling.joined(rows) @ mean) * y[part, None]
            rows = [moments[k][places[k][part]] for k in others]
            products = coupling.joined(rows) @ second
            if not others:
                products = np.repeat(products, len(shift), axis=0)
            add(sums, places[axis][part], np.hstack([shift, products]))
        return unpacked(sums[:, r:]), np.ascontiguousarray(sums[:, :r])

    def of_core(self, places: Sequence[Any], y: Any) -> tuple[Any, Any, Any]:
        """Return sums of ``E[b bᵀ]``, ``y E[b]`` and ``E[b]``, where a value is ``b · core``."""
        coupling, moments = self.coupling, [functions.second_moments for functions in self.axes]
        total: Any = 0.0
        sums: Any = 0.0
        for part in self._blocks(len(y)):
            rows = [functions.mean[p[part]] for functions, p in zip(self.axes, places, strict=True)]
            sums = sums + np.stack([y[part], np.ones_like(y[part])]) @ coupling.joined(rows)
            rows = [moment[p[part]] for moment, p in zip(moments, places, strict=True)]
            total = total + coupling.summed(rows)
        return coupling.gram(total), *sums

    def find_core(
        self, places: Sequence[Any], y: Any, past: Evidence | None, now: Evidence
    ) -> None:
        """Find the core given all else; complete the evidence and the bound.

        The offset is found with it where there are no earlier observations.
        """
        information, products, sums = self.of_core(places, y)
        s, prior = self.coupling.size, self.core_precision
        now.core_information = information
        if past is not None:
            now.core_information = information + past.core_information
        H = self.precision * now.core_information + prior * np.eye(s)
        self.core_spread = np.linalg.inv(H)
        if past is None:
            reply = self.precision * (self.core_spread @ np.stack([products, sums], axis=1))
            freedom = len(y) - float(sums @ reply[:, 1])
            if freedom > 1e-8 * len(y):
                self.offset = float(np.sum(y) - sums @ reply[:, 0]) / freedom
                self.offset_variance = 1 / (self.precision * freedom)
                self.offset_pull = reply[:, 1]
        y, shift = y - self.offset, products - self.offset * sums
        now.core_shift = shift if past is None else shift + past.core_shift
        self.core = self.core_spread @ (self.precision * now.core_shift)
        square = float(self.core @ self.core + np.trace(self.core_spread))
        core_cost = prior * square - s - s * math.log(prior) + float(np.linalg.slogdet(H)[1])
        moments = np.outer(self.core, self.core) + self.core_spread
        residual = float(y @ y - 2 * self.core @ shift + np.sum(moments * information))
        now.residual, now.count = residual, len(y)
        if past is not None:
            now.residual, now.count = now.residual + past.residual, now.count + past.count
        expected = now.count * math.log(self.precision / (2 * math.pi))
        expected -= self.precision * now.residual + core_cost
        self.bound = expected / 2 - sum(functions.cost for functions in self.axes)

    def find_precisions(self, now: Evidence) -> None:
        """Find the precision of the noise, and that of the prior of the core."""
        variance = max(now.residual / now.count, noise_floor**2)
        self.precision = 1 / variance
        square = float(self.core @ self.core + np.trace(self.core_spread))
        self.core_precision = self.coupling.size / max(square, 1e-12)

    def at(self, coordinates: Any) -> tuple[Any, Any]:
        """Return expected values and their variances at new coordinates, (N, d)."""
        coupling, none = self.coupling, np.zeros_like(self.core)
        core = coupling.second_moments(self.core, 0 * self.core_spread)
        spread = coupling.second_moments(none, self.core_spread)
        mean, variance = np.empty(len(coordinates)), np.empty(len(coordinates))
        for part in self._blocks(len(coordinates)):
            found = [
                functions.at(np.ascontiguousarray(coordinates[part, axis]))
                for axis, functions in enumerate(self.axes)
            ]
            expected = coupling.joined([u for u, _ in found])
            mean[part] = expected @ self.core + self.offset
            certain = [packed(u[:, :, None] * u[:, None, :]) for u, _ in found]
            unsure = [packed(C) for _, C in found]
            moments = [u + C for u, C in zip(certain, unsure, strict=True)]
            # E[f²] − E[f]², one uncertainty at a time: differences of large numbers are not taken
            sums = coupling.joined(moments) @ spread
            for k in range(len(found)):
                rows = [*moments[:k], unsure[k], *certain[k + 1 :]]
                sums = sums + coupling.joined(rows) @ core
            answer = 1 - expected @ self.offset_pull  # of a value to the offset
            variance[part] = np.maximum(sums, 0.0) + self.offset_variance * answer**2
        return mean, variance

    def _blocks(self, count: int) -> Iterator[slice]:
        """Yield ranges of observations for which what is joined has a moderate size."""
        step = max(_block_entries // self.coupling.largest, 64)
        for start in range(0, count, step):
            yield slice(start, start + step)
