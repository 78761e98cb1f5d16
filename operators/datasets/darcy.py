"""Darcy's flow through a medium of two permeabilities: from the medium to the pressure."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._validation import require_count
from structlin.bases import Grid, dct
from structlin.operators.datasets._arguments import divisor
from structlin.operators.datasets._cache import Samples, samples
from structlin.operators.datasets._data import OperatorData
from structlin.solvers import Poisson


def darcy(
    n: int = 1200,
    *,
    resolution: int = 29,
    fine: int = 421,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``a ↦ u`` of ``−∇·(a ∇u) = 1`` on the unit square, ``u = 0`` on its sides.

    Parameters
    ----------
    n : int
        How many samples.
    resolution : int
        Nodes along each axis, of which the intervals divide those of the fine grid.
    fine : int
        Nodes along each axis of the grid on which the equation is solved: 113 take a tenth of the
        time of the published 421, and make other media from the same seed.
    rng, cache, progress
        See `burgers`.

    Returns
    -------
    OperatorData
        Inputs and outputs are (n, resolution, resolution), sides included.

    Notes
    -----
    The permeability ``a`` is 12 where a Gaussian process of mean zero and covariance
    ``9 (−Δ + 9)⁻²`` (Neumann sides, without its mean) is not negative, and 3 elsewhere. Second
    differences with arithmetic means of ``a`` between nodes; conjugate gradients preconditioned
    by a sine transform, to a residual of 1e-10: about 24 iterations.

    References
    ----------
    .. [1] Z. Li et al., "Fourier neural operator for parametric partial differential equations",
       ICLR 2021.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> datasets.darcy(2, fine=57, rng=1, cache=False)
    <OperatorData darcy: 2 samples, 29x29 → 29x29>
    """
    intervals = require_count("fine", fine, least=3) - 1
    coarse = require_count("resolution", resolution, least=3) - 1
    step = divisor("resolution − 1 =", coarse, "fine − 1 =", intervals)

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        square = Grid.uniform([(0, 1), (0, 1)], fine)
        for _ in range(count):
            a = random_medium(generator, fine)
            solver = Poisson(square, coef=a, mean="arithmetic", method="pcg", rtol=1e-10)
            u = solver.solve(1.0)
            yield a[None, ::step, ::step].copy(), u[None, ::step, ::step].copy()

    kept = {"resolution": resolution, "fine": fine}
    inputs, outputs = samples("darcy", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress)
    grid = Grid.uniform([(0, 1), (0, 1)], resolution)
    return OperatorData(inputs, outputs, grid, grid, "darcy", {**kept, "n": n, "rng": rng})


def random_medium(generator: np.random.Generator, fine: int) -> NDArray[np.float64]:
    """Return a random permeability, (fine, fine)."""
    k = np.arange(fine)
    size = 3 * fine / (math.pi**2 * (k[:, None] ** 2 + k**2) + 9)
    size[0, 0] = 0.0
    process = dct(size * generator.standard_normal((fine, fine)), type=3)
    return np.where(process >= 0, 12.0, 3.0)
