"""Flow in a periodic square: from the force that drives it to its vorticity at time ten."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._validation import require_count
from structlin.bases import Grid
from structlin.operators.datasets._cache import Samples, samples
from structlin.operators.datasets._data import OperatorData
from structlin.solvers.evolution import evolve, navier_stokes as navier_stokes_equation

_block = 50  # samples stepped at once


def navier_stokes(
    n: int = 2200,
    *,
    resolution: int = 64,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``curl f ↦ ω(·, 10)`` of the Navier–Stokes equations, ν = 1/40.

    Parameters
    ----------
    n : int
        How many samples.
    resolution : int
        Nodes along each axis, 32 or more: fewer do not resolve the vorticity.
    rng, cache, progress
        See `burgers`.

    Returns
    -------
    OperatorData
        Inputs and outputs are (n, resolution, resolution) on the periodic square of side 2π.

    Notes
    -----
    ``ω_t + v·∇ω = ν Δω + curl f`` with
    ``curl f = Σ_k (ξ_k cos k·x + η_k sin k·x) / (√2 π (9 + |k|²)²)``, normal ``ξ``, ``η``, over the
    fifty shortest wavevectors up to sign: the inputs fill a space of a hundred dimensions. All
    samples begin with the same vorticity, one draw of the same process. ETDRK4 with steps of 0.1,
    which leave a relative error of about 1e-10.

    References
    ----------
    .. [1] M. V. de Hoop, D. Z. Huang, E. Qian, A. M. Stuart, "The cost-accuracy trade-off in
       operator learning with neural networks", J. Mach. Learn. 1, 2022.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> datasets.navier_stokes(2, resolution=32, rng=1, cache=False)
    <OperatorData navier stokes: 2 samples, 32x32 → 32x32>
    """
    require_count("resolution", resolution, least=32)
    grid = Grid.uniform([(0, 2 * math.pi)] * 2, resolution, kind="periodic")

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        start, modes = first_vorticity(resolution), _modes(resolution)
        for begin in range(0, count, _block):
            xi = generator.standard_normal((min(_block, count - begin), 100))
            f = (xi @ modes).reshape(-1, resolution, resolution)
            equation = navier_stokes_equation(grid, 1 / 40, forcing=f)
            states = np.broadcast_to(start, f.shape)
            yield f, evolve(equation, states, 10.0, dt=0.1, progress=False).u

    kept = {"resolution": resolution}
    inputs, outputs = samples(
        "navier stokes", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress
    )
    about = {**kept, "n": n, "rng": rng}
    return OperatorData(inputs, outputs, grid, grid, "navier stokes", about)


def first_vorticity(resolution: int) -> NDArray[np.float64]:
    """Return the vorticity with which all samples of all seeds begin."""
    xi = np.random.default_rng(42).standard_normal(100)
    return (xi @ _modes(resolution)).reshape(resolution, resolution)


def _modes(resolution: int) -> NDArray[np.float64]:
    """Return the cosines and sines, (100, points), by the roots of their variances."""
    k = np.arange(-5, 6)
    waves = np.stack(np.meshgrid(k, k, indexing="ij"), axis=-1).reshape(-1, 2)
    # of k and −k one
    waves = waves[(waves.sum(axis=1) > 0) | ((waves.sum(axis=1) == 0) & (waves[:, 0] > 0))]
    squares = np.sum(waves**2, axis=1)
    shortest = np.argsort(squares, kind="stable")[:50]
    waves, squares = waves[shortest], squares[shortest]
    x = 2 * math.pi * np.arange(resolution) / resolution
    angles = waves[:, 0, None, None] * x[:, None] + waves[:, 1, None, None] * x
    size = (1 / (math.sqrt(2) * math.pi * (9.0 + squares) ** 2))[:, None]
    flat = angles.reshape(50, -1)
    return np.concatenate([size * np.cos(flat), size * np.sin(flat)])
