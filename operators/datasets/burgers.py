"""Burgers' equation: from the state at the beginning to that at time one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from structlin._validation import require_positive
from structlin.bases import Grid
from structlin.operators.datasets._arguments import divisor
from structlin.operators.datasets._cache import Samples, samples
from structlin.operators.datasets._data import OperatorData
from structlin.solvers.evolution import burgers as burgers_equation, evolve

_block = 50  # samples stepped at once


def burgers(
    n: int = 1200,
    *,
    viscosity: float = 0.025,
    resolution: int = 128,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``u(·, 0) ↦ u(·, 1)`` of Burgers' equation on a periodic interval.

    Parameters
    ----------
    n : int
        How many samples.
    viscosity : float
        The positive ``ν``.
    resolution : int
        Nodes of the samples: a divisor of the 1024 on which the equation is stepped.
    rng : None, int or numpy.random.Generator, optional
        Randomness; the first samples of a seed are the same whatever `n` is.
    cache : bool or path
        Whether samples of an integer seed are kept on disk for the next time, or the folder.
    progress : bool, optional
        Whether to show a progress bar; by default after a second.

    Returns
    -------
    OperatorData
        Inputs and outputs are (n, resolution).

    Notes
    -----
    ``u_t + (u²/2)_x = ν u_xx`` on [0, 1], from
    ``u(x, 0) = Σ_k √2 σ ((2πk)² + τ²)^(−γ/2) (ξ_k cos 2πkx + η_k sin 2πkx)`` with normal ``ξ``,
    ``η``, σ = 25, τ = 5, γ = 2 and k up to 256: 400 steps of ETDRK4 on 1024 nodes, which leave
    a relative error of about 1e-8 at the default viscosity. A thousand samples take about ten
    seconds.

    References
    ----------
    .. [1] Z. Li et al., "Fourier neural operator for parametric partial differential equations",
       ICLR 2021: the problem; the process here is that of its data with another viscosity.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> datasets.burgers(3, rng=1, cache=False)
    <OperatorData burgers: 3 samples, 128 → 128>
    """
    viscosity = require_positive("viscosity", viscosity)
    step = divisor("resolution", resolution, "the nodes", _nodes)

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        grid = Grid.uniform([(0, 1)], _nodes, kind="periodic")
        equation = burgers_equation(grid, viscosity)
        for start in range(0, count, _block):
            u = random_states(generator, min(_block, count - start))
            run = evolve(equation, u, 1.0, dt=1 / 400, progress=False)
            yield u[:, ::step].copy(), run.u[:, ::step].copy()

    kept = {"viscosity": viscosity, "resolution": resolution}
    inputs, outputs = samples(
        "burgers", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress
    )
    grid = Grid.uniform([(0, 1)], resolution, kind="periodic")
    about = {**kept, "n": n, "rng": rng}
    return OperatorData(inputs, outputs, grid, grid, "burgers", about)


_nodes, _modes = 1024, 256
_sigma, _tau, _gamma = 25.0, 5.0, 2.0


def random_states(generator: np.random.Generator, count: int) -> Any:
    """Return random states, (count, 1024)."""
    k = np.arange(1, _modes + 1)
    size = math.sqrt(2) * _sigma * ((2 * math.pi * k) ** 2 + _tau**2) ** (-_gamma / 2)
    xi = generator.standard_normal((count, 2, _modes))
    c = np.zeros((count, _nodes // 2 + 1), dtype=complex)
    c[:, 1 : _modes + 1] = _nodes / 2 * size * (xi[:, 0] - 1j * xi[:, 1])
    return np.fft.irfft(c, _nodes)
