"""Compiled twin of `structlin._kernels.tsallis`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from structlin._kernels import tsallis

_max_steps = tsallis.max_steps
_tolerance = tsallis.tolerance


@njit(cache=True)
def tsallis_probabilities(losses: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Compiled twin of `structlin._kernels.tsallis.tsallis_probabilities`."""
    d = losses.size
    half = rate / 2
    least = losses.min()
    p = np.empty(d)
    shift = 1.0
    for _ in range(_max_steps):
        squares = 0.0
        cubes = 0.0
        for i in range(d):
            root = 1 / (half * (losses[i] - least) + shift)
            squares += root * root
            cubes += root * root * root
        step = squares * (math.sqrt(squares) - 1) / cubes
        if step <= _tolerance * shift:
            break
        shift += step
    total = 0.0
    for i in range(d):
        root = 1 / (half * (losses[i] - least) + shift)
        p[i] = root * root
        total += p[i]
    for i in range(d):
        p[i] /= total
    return p
