"""Helmholtz' equation in a square: from the speed of sound to the pressure."""

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
from structlin.operators.datasets._elements import Elements


def helmholtz(
    n: int = 2200,
    *,
    resolution: int = 101,
    rng: Any = 0,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool | None = None,
) -> OperatorData:
    """Make samples of ``c ↦ u`` of ``−Δu − (ω/c)² u = 0`` on the unit square, ω = 1000.

    Parameters
    ----------
    n : int
        How many samples.
    resolution : int
        Nodes along each axis; below 101 a wave has fewer than twelve.
    rng, cache, progress
        See `burgers`.

    Returns
    -------
    OperatorData
        Inputs and outputs are (n, resolution, resolution), sides included: ``x`` first.

    Notes
    -----
    The speed is ``c = 20 + tanh g``, where ``g`` is a Gaussian process of mean zero and covariance
    ``(−Δ + 9)⁻²`` with Neumann sides: its hundred largest modes without the mean. The outward
    derivative of ``u`` is one at the side ``y = 1`` for ``|x − ½| < 0.15``, and zero elsewhere.

    Bilinear finite elements with four Gauss points in each. GMRES, preconditioned by the same
    elements with a constant speed, which the eigenvectors of both axes diagonalise: about 13
    iterations for a residual of 1e-10.

    References
    ----------
    .. [1] M. V. de Hoop, D. Z. Huang, E. Qian, A. M. Stuart, "The cost-accuracy trade-off in
       operator learning with neural networks", J. Mach. Learn. 1, 2022.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> data = datasets.helmholtz(2, resolution=41, rng=1, cache=False)
    >>> data
    <OperatorData helmholtz: 2 samples, 41x41 → 41x41>
    """
    require_count("resolution", resolution, least=3)

    def blocks(generator: np.random.Generator, count: int) -> Iterator[Samples]:
        x = np.linspace(0, 1, resolution)
        elements = Elements(resolution)
        load = np.zeros((resolution, resolution))
        load[:, -1] = _hats(x, 0.35, 0.65)
        for _ in range(count):
            c = 20 + np.tanh(random_field(generator, x))
            yield c[None], elements.solve((1000 / c) ** 2, load)[None]

    kept = {"resolution": resolution}
    inputs, outputs = samples(
        "helmholtz", 1, n, kept, blocks, rng=rng, cache=cache, progress=progress
    )
    grid = Grid.uniform([(0, 1), (0, 1)], resolution)
    return OperatorData(inputs, outputs, grid, grid, "helmholtz", {**kept, "n": n, "rng": rng})


def random_field(generator: np.random.Generator, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a Gaussian process on the grid of nodes ``x`` along both axes, by its modes."""
    k = np.arange(20)  # the hundred smallest k₁² + k₂² have none above 12
    squares = k[:, None] ** 2 + k**2
    first, second = np.unravel_index(np.argsort(squares, axis=None, kind="stable"), squares.shape)
    modes = first[1:101], second[1:101]  # the first one is the mean
    both = (modes[0] > 0) & (modes[1] > 0)
    size = np.where(both, 2, math.sqrt(2)) / (math.pi**2 * squares[modes] + 9)
    coefficients = np.zeros(squares.shape)
    coefficients[modes] = size * generator.standard_normal(100)
    cosines = np.cos(math.pi * k[:, None] * x)
    field: NDArray[np.float64] = cosines.T @ coefficients @ cosines
    return field


def _hats(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return the integrals of the hat functions of even nodes over an interval."""
    h = float(x[1] - x[0])

    low_part, high_part = (np.clip((end - x) / h, -1, 1) for end in (low, high))
    # ∫ 1 − |s| from −1 to t is ½ + t − t|t|/2
    both: NDArray[np.float64] = h * (
        high_part - low_part - (high_part * abs(high_part) - low_part * abs(low_part)) / 2
    )
    return both
