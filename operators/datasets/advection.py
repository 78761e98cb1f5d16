"""Advection of boxes and of signs: two maps that are linear, or nearly so."""

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


def advection_boxes(
    n: int = 2000,
    *,
    resolution: int = 40,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``u(·, 0) ↦ u`` of ``u_t + u_x = 0``, with a box to begin with.

    Parameters
    ----------
    n : int
        How many samples.
    resolution : int
        Nodes of the periodic interval [0, 1), and as many times in [0, 1).
    rng, cache, progress
        See `burgers`.

    Returns
    -------
    OperatorData
        Inputs (n, resolution), outputs (n, resolution, resolution): place first, then time.

    Notes
    -----
    The height is uniform in [1, 2], the width in [0.3, 0.6], the middle in [0.3, 0.7]. Times are
    multiples of the spacing, so the map is linear on the samples: a linear regression must find
    it to rounding errors.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> data = datasets.advection_boxes(2, rng=0, cache=False)
    >>> bool((data.outputs[:, 7, 7] == data.inputs[:, 0]).all())
    True
    """
    require_count("resolution", resolution, least=2)

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        height, width, middle = generator.random((count, 3)).T
        places = np.arange(resolution) / resolution
        far = np.abs(places - (0.3 + 0.4 * middle)[:, None])
        u = np.where(far <= (0.15 + 0.15 * width)[:, None], 1 + height[:, None], 0.0)
        i = np.arange(resolution)
        yield u, u[:, (i[:, None] - i) % resolution]

    kept = {"resolution": resolution}
    inputs, outputs = samples(
        "advection boxes", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress
    )
    last = 1 - 1 / resolution
    return OperatorData(
        inputs,
        outputs,
        Grid.uniform([(0, 1)], resolution, kind="periodic"),
        Grid.uniform([(0, 1), (0, last)], resolution, kind=("periodic", "node")),
        "advection boxes",
        {**kept, "n": n, "rng": rng},
    )


def advection_signs(
    n: int = 40000,
    *,
    resolution: int = 200,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``u(·) ↦ u(· − ½)``, where ``u`` is the sign of a smooth random function.

    Parameters
    ----------
    n : int
        How many samples.
    resolution : int
        Nodes of [0, 1] with both ends, though the functions are periodic: the last node repeats
        the first, as in the published set.
    rng, cache, progress
        See `burgers`.

    Returns
    -------
    OperatorData
        Inputs and outputs are (n, resolution).

    Notes
    -----
    The signs are those of a Gaussian process of mean zero and covariance ``(−Δ + 9)⁻²`` on the
    periodic interval, without its mean, of frequencies up to 50. With an even number of nodes
    ½ is no whole number of spacings, so where between two nodes a sign changes is lost: this
    bounds what any method can reach, and the mean of both next whole shifts has 11.2 % at 200
    nodes. It is there to check methods, not to compare them.

    References
    ----------
    .. [1] M. V. de Hoop, D. Z. Huang, E. Qian, A. M. Stuart, "The cost-accuracy trade-off in
       operator learning with neural networks", J. Mach. Learn. 1, 2022.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> data = datasets.advection_signs(2, rng=0, cache=False)
    >>> sorted(set(data.inputs.ravel().tolist()))
    [-1.0, 1.0]
    """
    require_count("resolution", resolution, least=2)

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        places = np.linspace(0, 1, resolution)
        before, after = _periodic_modes(places), _periodic_modes((places - 0.5) % 1)
        for start in range(0, count, 1000):
            xi = generator.standard_normal((min(1000, count - start), len(before)))
            yield np.where(xi @ before > 0, 1.0, -1.0), np.where(xi @ after > 0, 1.0, -1.0)

    kept = {"resolution": resolution}
    inputs, outputs = samples(
        "advection signs", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress
    )
    grid = Grid.uniform([(0, 1)], resolution)
    return OperatorData(
        inputs, outputs, grid, grid, "advection signs", {**kept, "n": n, "rng": rng}
    )


def _periodic_modes(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosines and sines, (100, places), by the roots of their variances."""
    k = np.arange(1, 51)[:, None]
    size = math.sqrt(2) / ((2 * math.pi * k) ** 2 + 9)
    angle = 2 * math.pi * k * places
    return np.concatenate([size * np.cos(angle), size * np.sin(angle)])
