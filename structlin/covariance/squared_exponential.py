"""The squared exponential covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from structlin._backend import namespace
from structlin.covariance._lags import real_numbers, scaled
from structlin.covariance._radial import Radial


@dataclass(frozen=True)
class SquaredExponential(Radial):
    """The covariance ``variance exp(-(x - y)² / (2 length_scale²))`` of smooth functions.

    Parameters
    ----------
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
    The spectral density is ``variance √(2π) l exp(-2 (π l f)²)`` with ``l`` the length scale.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press, 2006, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredExponential(2.0)(np.array([0.0, 2.0])).round(3)
    array([[1.   , 0.607],
           [0.607, 1.   ]])
    """

    length_scale: float = 1.0
    variance: float = 1.0

    derivatives: ClassVar[float] = math.inf
    _far: ClassVar[float] = 1000.0  # exp(-500000) is zero in every precision

    def spectral_density(self, frequencies: Any) -> Any:
        """Return the power per unit of frequency, which is Gaussian."""
        frequencies = real_numbers("frequencies", frequencies)
        xp = namespace(frequencies)
        z = scaled(frequencies, math.pi * self.length_scale, self._far)
        return self.variance * math.sqrt(2 * math.pi) * self.length_scale * xp.exp(-2 * z * z)

    def _slope(self, u: Any, power: int, order: int) -> Any:
        gaussian = namespace(u).exp(-u * u / 2)
        return u**power * gaussian if power else gaussian
