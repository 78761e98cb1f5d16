"""Features of spectral lines: each line a narrow bump of spectral density."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import on_host
from structlin.covariance import SpectralMixture
from structlin.solvers.gp_pde._features import Features

line_width = 0.225
"""Standard deviation of a line that is not pure, in cycles per side; chosen by trial."""


def gaussian_mixture(
    centre: float, half_side: float, frequencies: Any, sds: Any, widths: Any, nodes: int = 16
) -> Features:
    """Return features whose spectral density is a sum of Gaussian bumps.

    Parameters
    ----------
    centre, half_side : float
        The middle of the axis and half its length.
    frequencies : (q,) array_like
        Where the bumps are, in cycles per unit of length.
    sds : (q,) array_like
        The prior standard deviation of every component.
    widths : (q,) array_like
        The standard deviations of the bumps, in cycles per unit of length.
    nodes : int
        How many frequencies a bump is sampled at.

    Returns
    -------
    Features
        Component ``q`` is the ``q``-th bump.

    Notes
    -----
    The covariance ``s² exp(−2π² w² d²) cos(2π μ d)`` is the mean of ``s² cos(ω d)`` over
    ``ω ~ N(2π μ, (2π w)²)``, which is taken by Gauss–Hermite quadrature. A bump at zero is even:
    half its nodes suffice.
    """
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / np.sum(weights)
    omegas: list[NDArray[Any]] = []
    scales: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    for q, (mu, sd, width) in enumerate(zip(frequencies, sds, widths, strict=True)):
        omega, share = 2 * np.pi * (mu + width * points), weights
        if mu == 0:
            half = omega >= 0
            omega, share = omega[half], np.where(omega == 0, 1.0, 2.0)[half] * weights[half]
        omegas.append(omega)
        scales.append(sd * np.sqrt(share))
        labels.append(np.full(len(omega), q))
    return Features(
        centre, half_side, np.concatenate(omegas), np.concatenate(scales), np.concatenate(labels)
    )


def kernel_features(kernel: SpectralMixture, x: Any) -> Features:
    """Return features whose covariance on an axis is a spectral mixture.

    Parameters
    ----------
    kernel : SpectralMixture
        Of Gaussian or Student-t bumps.
    x : (n,) array
        Nodes of the axis.

    Returns
    -------
    Features
        Component ``q`` is the ``q``-th bump.

    Notes
    -----
    Gaussian bumps are integrated over by Gauss–Hermite quadrature. The tails of Student-t bumps are
    too heavy for a Gauss rule: they are sampled on an even grid of frequencies up to Nyquist, fine
    enough for the covariance to repeat only ten length scales beyond the side.
    """
    centre, half_side = _axis(x)
    frequencies, widths = np.asarray(kernel.frequencies), np.asarray(kernel.widths)
    sds = np.sqrt(np.asarray(kernel.weights))
    if kernel.family == "gaussian":
        return gaussian_mixture(centre, half_side, np.abs(frequencies), sds, widths)
    side = 2 * half_side
    nyquist = 0.5 * max(len(x) - 1, 1) / side
    omegas, scales, labels = [], [], []
    for q, (mu, sd, width) in enumerate(zip(frequencies, sds, widths, strict=True)):
        step = 1 / (side + 10 / (2 * np.pi * width))
        grid = step * np.arange(int(nyquist / step) + 1)
        density = _student((grid - mu) / width) + _student((grid + mu) / width)
        density[0] *= 0.5
        omegas.append(2 * np.pi * grid)
        scales.append(sd * np.sqrt(density / np.sum(density)))
        labels.append(np.full(len(grid), q))
    return Features(
        centre, half_side, np.concatenate(omegas), np.concatenate(scales), np.concatenate(labels)
    )


def _student(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the density of 5 degrees of freedom, up to a factor."""
    return np.asarray((1 + z * z / 5) ** -3)


def _axis(x: Any) -> tuple[float, float]:
    nodes = on_host(x)
    half = 0.5 * float(nodes[-1] - nodes[0])
    return 0.5 * float(nodes[0] + nodes[-1]), half if half > 0 else 1.0
