"""Finite differences for ``−∂^α/∂|x|^α``: entries by difference of indices, and their symbols.

Everything is for spacing 1, in double precision on the host; a spacing ``h`` divides by ``h^α``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Scheme(NamedTuple):
    """A formula of second order for the Riesz derivative."""

    least: float  # the order of differentiation is greater than this, and at most 2
    column: Callable[[float, int], Any]
    symbol: Callable[[float, Any], Any]


def _centred(alpha: float, n: int) -> Any:
    # g_k = (−1)^k Γ(α + 1) / (Γ(α/2 − k + 1) Γ(α/2 + k + 1)), by their ratios
    k = np.arange(1.0, n)
    middle = math.gamma(alpha + 1) / math.gamma(alpha / 2 + 1) ** 2
    return middle * np.append(1.0, np.cumprod((k - 1 - alpha / 2) / (k + alpha / 2)))


def _centred_symbol(alpha: float, angles: Any) -> Any:
    return np.abs(2 * np.sin(angles / 2)) ** alpha


def _grunwald(alpha: float, n: int) -> Any:
    # weights of Grünwald's formula shifted by one and by none, whose mean of weights α/2 and
    # 1 − α/2 is of second order; w_k stands at u_(i+1−k)
    k = np.arange(1.0, n + 2)
    g = np.append(1.0, np.cumprod(1 - (alpha + 1) / k))
    w = alpha / 2 * g + (1 - alpha / 2) * np.append(0.0, g[:-1])
    column = w[1:].copy()
    column[0] *= 2
    column[1:2] += w[0]
    return column[:n] / (2 * math.cos(math.pi * alpha / 2))


def _grunwald_symbol(alpha: float, angles: Any) -> Any:
    wave = np.exp(1j * np.asarray(angles))
    mean = alpha / 2 + (1 - alpha / 2) * wave
    return np.real(mean / wave * (1 - wave) ** alpha) / math.cos(math.pi * alpha / 2)


schemes = {
    "centred": Scheme(0.0, _centred, _centred_symbol),
    "grunwald": Scheme(1.0, _grunwald, _grunwald_symbol),
}
