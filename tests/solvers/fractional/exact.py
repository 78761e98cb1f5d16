"""Functions on the line whose fractional Laplacians are known."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import hyp1f1


def gaussian(x: np.ndarray) -> np.ndarray:
    return np.exp(-(x**2))


def laplacian_of_gaussian(x: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``(−Δ)^(α/2) exp(−x²)``, the inverse Fourier transform of ``|ξ|^α √π exp(−ξ²/4)``."""
    middle = 2**alpha * math.gamma((1 + alpha) / 2) / math.sqrt(math.pi)
    return middle * hyp1f1((1 + alpha) / 2, 0.5, -(x**2))


def exit_time(x: np.ndarray, alpha: float) -> np.ndarray:
    """Return the solution on [−1, 1] for right-hand side 1 (R. K. Getoor, 1961)."""
    return np.maximum(1 - x**2, 0) ** (alpha / 2) / math.gamma(alpha + 1)


def orders(errors: list[float]) -> np.ndarray:
    """Return the observed orders of errors, each for half the spacing of the one before."""
    return np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))
