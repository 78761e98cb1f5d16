"""Elliptic problems with known solutions, and coefficients that are the same at every size."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from structlin.bases import Grid


def wave(grid: Grid) -> tuple[Any, Any]:
    """Return a right-hand side of ``−Δu = f`` on ``[−1, 1]²``, and ``u``, zero on the sides."""

    def u(x: Any, y: Any) -> Any:
        return np.sin(math.pi / 2 * (x + 1)) * np.sin(math.pi * (y + 1)) * np.exp(x * y)

    def f(x: Any, y: Any) -> Any:
        a, b = math.pi / 2, math.pi
        s, c = np.sin(a * (x + 1)), np.cos(a * (x + 1))
        t, d = np.sin(b * (y + 1)), np.cos(b * (y + 1))
        along_x = t * (-a * a * s + 2 * y * a * c + y * y * s)
        along_y = s * (-b * b * t + 2 * x * b * d + x * x * t)
        return -np.exp(x * y) * (along_x + along_y)

    return np.array(grid.evaluate(f)), np.array(grid.evaluate(u))


def product(grid: Grid) -> tuple[Any, Any]:
    """Return a right-hand side of ``−Δu = f`` on ``[−1, 1]³``, and ``u``, zero on the sides."""
    a = math.pi / 2
    mesh = grid.mesh()
    value = [np.sin(a * (x + 1)) * np.exp(x) for x in mesh]
    bent = [
        np.exp(x) * ((1 - a * a) * np.sin(a * (x + 1)) + 2 * a * np.cos(a * (x + 1))) for x in mesh
    ]
    u = value[0] * value[1] * value[2]
    f = -(
        bent[0] * value[1] * value[2]
        + value[0] * bent[1] * value[2]
        + value[0] * value[1] * bent[2]
    )
    return f, u


@functools.cache
def _amplitudes(smooth: bool) -> Any:
    """Return the amplitudes of products of cosines, of which the squares add up to 4."""
    k = np.arange(24)
    squares = math.pi**2 * (k[:, None] ** 2 + k**2)
    decay = np.exp(-squares / 64) if smooth else 1 / (squares + 9)
    amplitudes = np.random.default_rng(0).standard_normal((24, 24)) * decay
    amplitudes[0, 0] = 0
    return 2 * amplitudes / math.sqrt(np.sum(amplitudes**2))


def random_field(grid: Grid, *, smooth: bool) -> Any:
    """Return a random function on the unit square, of variance 1.

    Its covariance is that of the Darcy benchmark, ``(−Δ + 9)⁻²``, or that of a Gaussian of length
    a quarter, ``exp(Δ/64)`` twice.
    """
    x, y = (np.cos(np.pi * np.outer(axis, np.arange(24))) for axis in grid.axes)
    return x @ _amplitudes(smooth) @ y.T


def jumps(grid: Grid) -> Any:
    """Return a coefficient of the unit square that is 3 or 12."""
    return np.where(random_field(grid, smooth=False) >= 0, 12.0, 3.0)


def lognormal(grid: Grid) -> Any:
    """Return a coefficient of the unit square that is smooth."""
    return np.exp(random_field(grid, smooth=True))


def rough_lognormal(grid: Grid) -> Any:
    """Return a continuous coefficient of the unit square whose slopes are not."""
    return np.exp(random_field(grid, smooth=False))
