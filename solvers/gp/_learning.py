"""Hyper-parameters by maximal likelihood: L-BFGS from one start or several."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin.covariance import Covariance
from structlin.sketching._random import seed_of
from structlin.solvers.gp._conditioning import Conditioning, Term

_widest = math.log(1e10)
"""How far parameters without bounds of their own may move from the first start."""
_spread = math.log(10.0)
"""How far from the first start the others lie at most."""

Build = Callable[[Sequence[Term], Any], Conditioning]


@dataclass(frozen=True)
class Learning:
    """How hyper-parameters were learned.

    Attributes
    ----------
    converged : bool
        Whether the best start ended where the likelihood no longer rises.
    iterations, evaluations : int
        Steps of L-BFGS, and computations of likelihood and gradient, in all starts together.
    log_likelihood : float
        The greatest one found.
    reached : tuple of float
        The log likelihood at the end of each start, the given kernels first; −inf where none could
        be computed.
    seed : int
        Of the starts after the first.
    message : str
        What ended the best start.
    """

    converged: bool
    iterations: int
    evaluations: int
    log_likelihood: float
    reached: tuple[float, ...]
    seed: int
    message: str


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
    values`` over the number of values. So the scale of the values does not matter.
    """
    seed = seed_of(rng)
    generator = np.random.default_rng(seed)
    objective = _Objective(build, _rescaled(build, first))
    if len(objective.start) == 0:
        raise ValueError("there is nothing to learn: every parameter is fixed, and so is the noise")
    bounds = objective.bounds()
    minimize = importlib.import_module("scipy.optimize").minimize
    tqdm = importlib.import_module("tqdm.auto").tqdm
    runs, found = [], []
    with tqdm(
        total=starts * maxiter,
        desc="hyper-parameters",
        unit="step",
        disable=progress is False,
        delay=1 if progress is None else 0,
        leave=False,
    ) as bar:
        for start in range(starts):
            away = generator.uniform(-_spread, _spread, objective.start.shape) if start else 0.0
            run = minimize(
                objective,
                np.clip(objective.start + away, *bounds.T),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                callback=lambda _: bar.update(),
                options={"maxiter": maxiter},
            )
            bar.update((start + 1) * maxiter - bar.n)
            runs.append(run)
            found.append(objective.conditioned(run.x) if run.fun < objective.failed else None)
    reached = [-math.inf if one is None else one.log_likelihood() for one in found]
    which = int(np.argmax(reached))
    best, run = found[which], runs[which]
    if best is None:
        raise ArithmeticError("no likelihood could be computed near the given kernels")
    result = Learning(
        bool(run.success),
        sum(one.nit for one in runs),
        sum(one.nfev for one in runs),
        reached[which],
        tuple(reached),
        seed,
        str(run.message),
    )
    if not result.converged:
        warnings.warn(
            f"learning of hyper-parameters stopped after {run.nit} steps: {result.message}; raise "
            "maxiter, or bound the parameters",
            ConvergenceWarning,
            stacklevel=3,
        )
    return best, result


def _rescaled(build: Build, given: Conditioning) -> Conditioning:
    """Return the conditioning with kernels and noise in units of the values."""
    size = given.quadratic_form() / (given.outputs * given.observations)
    if not size > 0:
        raise ValueError(
            "all values equal the prior mean: the likelihood grows without bound as the variance "
            "falls; learn from other values, or pass optimize=False"
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

    def bounds(self) -> Any:
        """Return the (p, 2) bounds of the vector."""
        own = [kernel.theta_bounds for term in self._terms for kernel in term]
        free = [[[-math.inf, math.inf]]] if self._learns_noise else []
        made = np.concatenate([*own, *free]) / self._units[:, None]
        made[:, 0] = np.maximum(made[:, 0], np.minimum(self.start, made[:, 1]) - _widest)
        made[:, 1] = np.minimum(made[:, 1], np.maximum(self.start, made[:, 0]) + _widest)
        return made

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
