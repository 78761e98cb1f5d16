"""Hyper-parameters of kernels on lattices by maximal likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.solvers._maximum_likelihood import Learning, maximised
from structlin.solvers.lattice._gram import Gram, Points
from structlin.solvers.lattice._product_kernel import ProductKernel

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
    # of moderate numbers, as squares of scales may overflow
    slopes = gram.slopes() / gram.shifted[:, None] * gram.multiplicities[:, None]
    power = xp.sum(gram.spectrum.power(values), axis=1) * magnitude / gram.shifted * magnitude
    return 0.5 * on_host(xp.sum(slopes * (power[:, None] - outputs), axis=0))


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
    n = values.shape[0]
    # the common factor of scale and noise that the likelihood prefers, so that units do not matter
    given = Gram(kernel, noise, points, values)
    given.require_regular()
    fit = float(np.mean(on_host(given.quadratic(values)))) / n
    unit = math.log(fit) if fit > 0 else 0.0
    first, bounds = kernel.theta, kernel.theta_bounds
    bounds[:-1, 1] = np.minimum(bounds[:-1, 1], kernel.log_largest_weight(points.dimension))
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

    # back to the units of the values
    unit = 2 * math.log(magnitude)
    run, learning = maximised(
        objective,
        first,
        bounds,
        lambda value: -n * value - 0.5 * values.size * unit,
        starts=starts,
        maxiter=maxiter,
        progress=progress,
        rng=rng,
    )
    found, level = parameters(run.x)
    found = found.with_theta(found.theta + unit * (np.arange(p) == p - 1))
    return found, level * magnitude * magnitude, learning
