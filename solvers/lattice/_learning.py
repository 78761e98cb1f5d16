"""Hyper-parameters of kernels on lattices by maximal likelihood."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.sketching._random import seed_of
from structlin.solvers.lattice._gram import Gram, Points
from structlin.solvers.lattice._product_kernel import ProductKernel

# how far from the first start the others lie at most, in logarithms
_spread = math.log(10.0)
# between which numbers the noise is learned, over the mean square of the values
_noises = 1e-14, 1e2


def log_likelihood(gram: Gram, values: Any, magnitude: float) -> float:
    """Return the log likelihood of ``magnitude`` times the values, (n, k) in natural order."""
    n, outputs = map(int, values.shape)
    fit = float(gram.xp.sum(gram.quadratic(values))) * magnitude * magnitude
    constant = gram.log_determinant + n * math.log(2 * math.pi)
    return -0.5 * (fit + outputs * constant)


def log_likelihood_gradient(gram: Gram, values: Any, magnitude: float) -> Any:
    """Return its derivatives by ``theta`` and the logarithm of the noise, on the host."""
    xp, outputs = gram.xp, values.shape[1]
    weights = gram.multiplicities / gram.shifted
    power = xp.sum(gram.spectrum.power(values), axis=1) / gram.shifted
    slopes = gram.slopes()
    fit = on_host(xp.sum(slopes * (weights * power)[:, None], axis=0)) * magnitude * magnitude
    return 0.5 * (fit - outputs * on_host(xp.sum(slopes * weights[:, None], axis=0)))


@dataclass(frozen=True)
class Learning:
    """How hyper-parameters were learned.

    Attributes
    ----------
    converged : bool
        Whether the best start ended where the likelihood no longer rises.
    iterations, evaluations : int
        Of L-BFGS in all starts together, and how often the likelihood was computed.
    starts : tuple of float
        The log likelihood that each start reached, the given parameters first.
    seed : int
        Of the starts after the first.
    message : str
        What ended the best start.
    """

    converged: bool
    iterations: int
    evaluations: int
    starts: tuple[float, ...]
    seed: int
    message: str


def learned(
    kernel: ProductKernel,
    noise: float,
    points: Points,
    values: Any,
    magnitude: float,
    *,
    starts: int,
    maxiter: int,
    progress: bool | None,
    rng: Any,
) -> tuple[ProductKernel, float, Learning]:
    """Return the kernel and the noise of the greatest likelihood found, and how.

    Parameters
    ----------
    kernel, noise : ProductKernel, float
        The first start. Noise of zero stays zero.
    points : Lattice or DigitalNet
    values : (n, k) array
        In natural order, of magnitude one.
    magnitude : float
        What they are to be multiplied by.
    starts, maxiter, progress, rng
        As for `LatticeGP.fit`.
    """
    seed = seed_of(rng)
    generator = np.random.default_rng(seed)
    minimize = importlib.import_module("scipy.optimize").minimize
    tqdm = importlib.import_module("tqdm.auto").tqdm
    n = values.shape[0]
    # the common factor of scale and noise that the likelihood prefers, so that units do not matter
    given = Gram(kernel, noise, points, values)
    given.require_regular()
    fit = float(np.mean(on_host(given.quadratic(values)))) / n
    unit = math.log(fit) if fit > 0 else 0.0
    first, bounds = kernel.theta, kernel.theta_bounds
    first[-1] += unit
    if noise > 0:
        first = np.append(first, math.log(noise) + unit)
        bounds = np.vstack((bounds, np.log(_noises)))
    first = np.clip(first, bounds[:, 0], bounds[:, 1])
    p = len(kernel.theta)

    def parameters(z: Any) -> tuple[ProductKernel, float]:
        return kernel.with_theta(z[:p]), float(np.exp(z[p])) if noise > 0 else 0.0

    def objective(z: Any) -> tuple[float, Any]:
        gram = Gram(*parameters(z), points, values)
        if gram.noise == 0 and gram.clipped:  # a spectrum that falls below the rounding errors
            return math.inf, np.zeros_like(z)
        value = log_likelihood(gram, values, 1.0)
        return -value / n, -log_likelihood_gradient(gram, values, 1.0)[: len(z)] / n

    runs = []
    silent = progress is False
    delay = 1.0 if progress is None else 0.0
    with tqdm(total=starts * maxiter, desc="kernel", disable=silent, delay=delay) as bar:
        for start in range(starts):
            moved = generator.uniform(-_spread, _spread, len(first)) if start else 0.0
            run = minimize(
                objective,
                np.clip(first + moved, bounds[:, 0], bounds[:, 1]),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                callback=lambda _: bar.update(),
                options={"maxiter": maxiter},
            )
            runs.append(run)
            bar.update((start + 1) * maxiter - bar.n)
    best = min(runs, key=lambda run: run.fun)
    # back to the units of the values
    unit = 2 * math.log(magnitude)
    found, level = parameters(best.x)
    found = found.with_theta(found.theta + unit * (np.arange(p) == p - 1))
    reached = tuple(-n * float(run.fun) - 0.5 * values.size * unit for run in runs)
    learning = Learning(
        bool(best.success),
        sum(run.nit for run in runs),
        sum(run.nfev for run in runs),
        reached,
        seed,
        str(best.message),
    )
    return found, level * magnitude * magnitude, learning
