"""Grids on an array library, for the tests of evolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin.bases import Grid


def periodic(n: Any, length: float = 2 * math.pi, like: Any = None) -> Grid:
    """Return a periodic grid of one axis, or of as many as there are numbers of points."""
    shape = (n,) if isinstance(n, int) else tuple(n)
    return Grid.uniform([(0, length)] * len(shape), shape, kind="periodic", like=like)


def smooth(grid: Grid, rng: np.random.Generator, *batch: int, waves: int = 3) -> np.ndarray:
    """Return smooth random functions on a periodic grid, on the host."""
    noise = rng.standard_normal((*batch, *grid.shape))
    axes = tuple(range(-grid.ndim, 0))
    c = np.fft.fftn(noise, axes=axes)
    for axis, n in enumerate(grid.shape):
        k = np.abs(np.fft.fftfreq(n, 1 / n))
        c *= (k <= waves).reshape([-1 if j == axis else 1 for j in range(grid.ndim)])
    u = np.fft.ifftn(c, axes=axes).real
    return u / np.max(np.abs(u), axis=axes, keepdims=True)
