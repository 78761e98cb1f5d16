"""The rational quadratic covariance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from structlin._backend import namespace
from structlin.covariance._bessel import bessel
from structlin.covariance._lags import real_numbers, scaled
from structlin.covariance._radial import Radial


@dataclass(frozen=True)
class RationalQuadratic(Radial):
    """The covariance ``variance (1 + (x - y)² / (2 alpha length_scale²))^(-alpha)``.

    It is a mixture of squared exponentials of many length scales.

    Parameters
    ----------
    alpha : float
        How alike the length scales are; the limit of large ``alpha`` is the squared exponential.
    length_scale : float
        Over what distance the function changes.
    variance : float
        The variance of the function at every point.

    Raises
    ------
    ValueError
        If a parameter is not positive.

    Notes
    -----
    With ``b = √(2 alpha) length_scale`` the spectral density is ``2 variance √π b / Γ(alpha)``
    times ``zᵃ K_a(2 z)`` with ``a = alpha - 1/2`` and ``z = π b f``: infinite at zero where
    ``alpha`` is 1/2 or less.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press, 2006, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> RationalQuadratic(0.5)(np.array([0.0, 1.0])).round(3)
    array([[1.   , 0.707],
           [0.707, 1.   ]])
    """

    alpha: float = 1.0
    length_scale: float = 1.0
    variance: float = 1.0

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "alpha": (0.0, math.inf),
        **Radial.bounds,
    }
    derivatives: ClassVar[float] = math.inf
    _far: ClassVar[float] = 1e15  # its square is finite in single precision

    def spectral_density(self, frequencies: Any) -> Any:
        """Return the power per unit of frequency, a Matérn function of the frequency."""
        frequencies = real_numbers("frequencies", frequencies)
        xp = namespace(frequencies)
        reach = math.sqrt(2 * self.alpha) * self.length_scale
        far = 1000.0 + 60.0 * math.sqrt(self.alpha)  # there is no power beyond
        r = scaled(xp.abs(frequencies), 2 * math.pi * reach, far)
        finite = self.alpha > 0.5
        inner = r if finite else xp.where(r > 0, r, xp.ones_like(r))
        scale = self.variance * math.sqrt(math.pi) * reach
        found = scale * bessel(0, self.alpha - 0.5, inner, -math.lgamma(self.alpha))
        return found if finite else xp.where(r > 0, found, math.inf * xp.ones_like(r))

    def _slope(self, u: Any, power: int, order: int) -> Any:
        # g(s) = (1 + s/alpha)^(-alpha); no power of u is formed alone, which could overflow
        xp = namespace(u)
        factor = math.prod((self.alpha + i) / self.alpha for i in range(order))
        logarithm = xp.log1p(u * u / (2 * self.alpha))
        falls = factor * xp.exp((power / 2 - order - self.alpha) * logarithm)
        return falls * (u * xp.exp(-logarithm / 2)) ** power if power else falls

    def _gradient(self, lags: Any, parameter: str, index: int) -> Any:
        if parameter != "alpha":
            return super()._gradient(lags, parameter, index)
        xp = namespace(lags)
        u = scaled(lags, self.rate, self._far)
        t = u * u / (2 * self.alpha)
        return self.alpha * (t / (1 + t) - xp.log1p(t)) * self._at(lags, 0)
