"""Hyper-parameters of kernels on grids by maximal likelihood."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin.covariance import Covariance
from structlin.solvers._maximum_likelihood import Learning, flat, maximised
from structlin.solvers.gp._conditioning import Conditioning, Term

_widest = math.log(1e10)
"""How far parameters without bounds of their own may move from the first start."""

Build = Callable[[Sequence[Term], Any], Conditioning]


def learned(
    build: Build,
    first: Conditioning,
    *,
    starts: int,
    maxiter: int,
    progress: bool | None,
    rng: Any,
) -> tuple[Conditioning, Learning]:
    """Return the conditioning with the kernels and the noise of greatest likelihood found.

    Parameters
    ----------
    build : callable
        ``build(terms, noise)`` conditions on the data.
    first : Conditioning
        What it made of the given kernels and noise. The noise is learned if it is a positive
        number, otherwise it stays.
    starts, maxiter : int
    progress : bool or None
        Whether to show a bar; by default after a second.
    rng : see `seed_of`

    Raises
    ------
    ValueError
        If all values equal the prior mean, so that the likelihood has no maximum, or there is
        nothing to learn.

    Notes
    -----
    The likelihood per value is maximised over ``theta``. Before the first step, kernels and noise
    are multiplied by the number that the likelihood prefers, known in closed form: ``valuesᵀ S⁻¹
    values`` over the number of values. So the scale of the values does not matter. Parameters
    without limits may change by a factor of 1e10, frequencies by 23 cycles over the length of the
    axis: at these ends nothing has converged.
    """
    objective = _Objective(build, _rescaled(build, first))
    if len(objective.start) == 0:
        raise ValueError("there is nothing to learn: every parameter is fixed, and so is the noise")
    run, learning = maximised(
        objective,
        objective.start,
        objective.bounds(),
        objective.log_likelihood,
        starts=starts,
        maxiter=maxiter,
        progress=progress,
        rng=rng,
    )
    if learning.log_likelihood == -math.inf:
        raise ArithmeticError("no likelihood could be computed near the given kernels")
    astray = objective.astray(run.x, run.jac)
    if astray:
        learning = replace(learning, converged=False)
        warnings.warn(
            f"learning of hyper-parameters stopped at the end of the range of {', '.join(astray)}, "
            "where the likelihood still rises: begin nearer to the data, or limit parameters",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif not learning.converged:
        warnings.warn(
            f"learning of hyper-parameters stopped after {run.nit} steps: {learning.message}; "
            "raise maxiter, or bound the parameters",
            ConvergenceWarning,
            stacklevel=3,
        )
    return objective.conditioned(run.x), learning


def _rescaled(build: Build, given: Conditioning) -> Conditioning:
    """Return the conditioning with kernels and noise in units of the values."""
    xp, size = given.xp, given.quadratic_form() / (given.outputs * given.observations)
    if not bool(xp.any(given.values != 0)):
        raise ValueError(
            "all values equal the prior mean: the likelihood grows without bound as the variance "
            "falls; learn from other values, or pass optimize=False"
        )
    if not 0 < size < math.inf:
        raise ValueError(
            f"values up to {float(xp.max(xp.abs(given.values))):.1e} are out of proportion to the "
            "kernels and the noise: begin with variances near the square of that"
        )
    if not isinstance(given.noise, float):
        return given
    terms = []
    for term in given.terms:
        scalable = [j for j, kernel in enumerate(term) if _scales(kernel, size)]
        if not scalable:
            return given
        j = scalable[0]
        terms.append((*term[:j], size * term[j], *term[j + 1 :]))
    return build(terms, size * given.noise)


def _scales(kernel: Covariance, factor: float) -> bool:
    """Tell whether a multiple of a kernel differs by nothing but parameters that are learned."""
    scaled, lag = factor * kernel, np.zeros(1)
    low, high = scaled.theta_bounds.reshape(-1, 2).T
    if not np.all((low <= scaled.theta) & (scaled.theta <= high)):
        return False
    restored = scaled.with_theta(kernel.theta).at(lag)[0]
    return math.isclose(restored, kernel.at(lag)[0], rel_tol=1e-9)


class _Objective:
    """The negative log likelihood per value, and its gradient, as functions of a vector.

    The vector has the ``theta`` of all kernels, frequencies in cycles per length of the axis, and
    the logarithm of the noise if that is learned.
    """

    failed = 1e25
    """The value where no likelihood can be computed."""

    def __init__(self, build: Build, first: Conditioning) -> None:
        self._build = build
        self._terms = first.terms
        self._noise = first.noise
        self._learns_noise = isinstance(first.noise, float) and first.noise > 0
        self._count = first.outputs * first.observations
        units = []
        for term in first.terms:
            for kernel, (low, high) in zip(term, first.grid.sides, strict=True):
                span = high - low if high > low else 1.0
                units += [1 / span if "frequenc" in name else 1.0 for name in kernel.names]
        self._units = np.asarray([*units, 1.0] if self._learns_noise else units)
        theta = [kernel.theta for term in first.terms for kernel in term]
        noise = [[math.log(first.noise)]] if self._learns_noise else []
        self.start = np.concatenate([*theta, *noise]) / self._units

    def _given_bounds(self) -> Any:
        own = [kernel.theta_bounds for term in self._terms for kernel in term]
        free = [[[-math.inf, math.inf]]] if self._learns_noise else []
        return np.concatenate([*own, *free]) / self._units[:, None]

    def bounds(self) -> Any:
        """Return the (p, 2) bounds of the vector."""
        made = self._given_bounds()
        made[:, 0] = np.maximum(made[:, 0], np.minimum(self.start, made[:, 1]) - _widest)
        made[:, 1] = np.minimum(made[:, 1], np.maximum(self.start, made[:, 0]) + _widest)
        return made

    def astray(self, vector: Any, slope: Any) -> list[str]:
        """Return the names of what would leave bounds that nobody asked for."""
        names = [name for term in self._terms for kernel in term for name in kernel.names]
        names += ["noise"] if self._learns_noise else []
        ours = self.bounds() != self._given_bounds()
        outward = np.stack([slope > flat, slope < -flat], axis=1)
        wrong = np.any(ours & outward & (self.bounds() == vector[:, None]), axis=1)
        return [name for name, found in zip(names, wrong, strict=True) if found]

    def log_likelihood(self, value: float) -> float:
        """Return the log likelihood of a value of the objective."""
        return -value * self._count if value < self.failed else -math.inf

    def conditioned(self, vector: Any) -> Conditioning:
        """Return the conditioning with the parameters of a vector."""
        theta, terms, used = vector * self._units, [], 0
        for term in self._terms:
            kernels = []
            for kernel in term:
                kernels.append(kernel.with_theta(theta[used : used + len(kernel.theta)]))
                used += len(kernel.theta)
            terms.append(tuple(kernels))
        noise = math.exp(theta[-1]) if self._learns_noise else self._noise
        return self._build(terms, noise)

    def __call__(self, vector: Any) -> tuple[float, Any]:
        try:
            given = self.conditioned(vector)
            value, slope = given.log_likelihood(), given.log_likelihood_gradient()
        except (ValueError, ArithmeticError):  # indefinite, singular or out of range
            return self.failed, np.zeros_like(self.start)
        slope = slope if self._learns_noise else slope[:-1]
        if not (math.isfinite(value) and np.all(np.isfinite(slope))):
            return self.failed, np.zeros_like(self.start)
        return -value / self._count, -slope * self._units / self._count
