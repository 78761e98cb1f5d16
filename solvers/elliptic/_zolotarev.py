"""The best shifts of alternating directions, for spectra in two intervals."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np


def zolotarev_shifts(
    first: tuple[float, float], second: tuple[float, float], tol: float
) -> tuple[Any, Any]:
    """Return the shifts with ``∏ |(x − q)(y − p)/((x + p)(y + q))| <= tol``.

    Parameters
    ----------
    first, second : (low, high)
        Positive intervals, of ``x`` and of ``y``.
    tol : float

    Returns
    -------
    q, p : (J,) array
        In the first and in the second interval.

    Notes
    -----
    For intervals ``[1, α]``, ``q_j = p_j = α dn((2j − 1) K/(2J))`` with Jacobi's function of the
    modulus ``k² = 1 − α⁻²``; others are mapped there by a rational function of degree one. With the
    cross-ratio ``γ = (1 + α)²/(4α)`` it takes ``J = ⌈log(16γ) log(4/tol)/π²⌉``.

    References
    ----------
    .. [1] D. Fortunato and A. Townsend, "Fast Poisson solvers for spectral methods", IMA J. Numer.
       Anal. 40 (2020), section 3.
    """
    (a, b), (c, d) = first, second
    ratio = (a + d) * (b + c) / ((a + c) * (b + d))
    alpha = -1 + 2 * ratio + 2 * math.sqrt(max(ratio * ratio - ratio, 0.0))
    alpha = max(alpha, 1 + 1e-8)  # both intervals are points: any number near 1
    count = max(1, math.ceil(math.log(16 * ratio) * math.log(4 / tol) / math.pi**2))
    w = alpha * _dn((2 * np.arange(1, count + 1) - 1) / (2 * count), alpha)
    return _mapped(w, a, b, c, alpha), -_mapped(-w, a, b, c, alpha)


def _mapped(w: Any, a: float, b: float, c: float, alpha: float) -> Any:
    """Map −1, 1 and α to −c, a and b, and so −α to the other end of its interval."""
    if a == b:
        return np.where(w > 0, a, -c)
    # cross-ratios are kept
    scale = ((w + 1) * (1 - alpha)) / ((w - alpha) * 2) * (a + c) / (a - b)
    return (-c - scale * b) / (1 - scale)


def _dn(part: Any, alpha: float) -> Any:
    """Return ``dn(part K)`` of Jacobi, of the complementary modulus ``1/α``.

    The sum over ``n`` of ``sech(π (u − 2nK)/(2K'))``, times ``π/(2K')``: all terms are positive,
    and no digit is lost where the modulus is almost 1.
    """
    special = importlib.import_module("scipy.special")
    m = alpha**-2
    K, other = float(special.ellipkm1(m)), float(special.ellipk(m))
    terms = 1 + math.ceil(40 * other / (math.pi * K))
    n = np.arange(-terms, terms + 1)
    u = part[:, None] * K - 2 * n * K
    return math.pi / (2 * other) * np.sum(1 / np.cosh(math.pi * u / (2 * other)), axis=1)
