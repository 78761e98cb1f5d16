"""The covariance of periodic functions."""

from __future__ import annotations

import functools
import importlib
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from structlin._backend import namespace
from structlin.covariance._parameters import Parametric


@dataclass(frozen=True)
class Periodic(Parametric):
    """The covariance ``variance exp(-2 sin²(π (x - y) / period) / length_scale²)``.

    Parameters
    ----------
    period : float
        After what distance the function repeats.
    length_scale : float
        How fast the function changes within a period; a pure number.
    variance : float
        The variance of the function at every point.

    Raises
    ------
    ValueError
        If a parameter is not positive.

    Notes
    -----
    It is the squared exponential covariance between points of a circle. All power is at multiples
    of the frequency ``1/period``, so that there is no density: see `spectral_lines`.

    References
    ----------
    .. [1] D. J. C. MacKay, "Introduction to Gaussian processes", in Neural Networks and Machine
       Learning, Springer, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> Periodic(2.0)(np.array([0.0, 1.0, 2.0]))[0].round(3)
    array([1.   , 0.135, 1.   ])
    """

    period: float = 1.0
    length_scale: float = 1.0
    variance: float = 1.0

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "period": (0.0, math.inf),
        "length_scale": (0.0, math.inf),
        "variance": (0.0, math.inf),
    }
    derivatives: ClassVar[float] = math.inf

    def spectral_density(self, frequencies: Any) -> Any:
        """Raise ``ValueError``: the power of a periodic function is that of lines."""
        raise ValueError(
            f"{self!r} has no spectral density: its power is in lines, see spectral_lines"
        )

    def spectral_lines(self, count: int) -> tuple[Any, Any]:
        """Return the first spectral lines, of frequencies that are not negative.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        frequencies : (count,) array
            The multiples of ``1/period``, of NumPy.
        powers : (count,) array
            What they contribute to the variance: ``k(z) = Σ powers cos(2π frequencies z)``.
        """
        # exp(c (cos θ - 1)) = e⁻ᶜ (I₀(c) + 2 Σ Iₙ(c) cos nθ), with Bessel functions (DLMF 10.35.2)
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise ValueError(f"count is {count!r}: pass how many lines, 0 or more")
        special = importlib.import_module("scipy.special")
        n = np.arange(count)
        powers = self.variance * special.ive(n, self.length_scale**-2)
        return n / self.period, np.where(n > 0, 2 * powers, powers)

    def _at(self, lags: Any, order: int) -> Any:
        # with c = 1/length_scale² and g = exp(c (cos θ - 1)):  g' = -c sin(θ) g, and by the rule
        # of Leibniz  g⁽ᵐ⁺¹⁾ = -c Σᵢ binom(m, i) sin(θ + iπ/2) g⁽ᵐ⁻ⁱ⁾
        xp = namespace(lags)
        angle, rate = self._angle(lags), self.length_scale**-2
        half = xp.sin(angle / 2)
        found = [self.variance * xp.exp(-2 * rate * half * half)]
        sine, cosine = (xp.sin(angle), xp.cos(angle)) if order else (angle, angle)
        circle = (sine, cosine, -sine, -cosine)
        for m in range(order):
            terms = (math.comb(m, i) * circle[i % 4] * found[m - i] for i in range(m + 1))
            found.append(-rate * functools.reduce(operator.add, terms))
        return (2 * math.pi / self.period) ** order * found[order]

    def _gradient(self, lags: Any, parameter: str, index: int) -> Any:
        if parameter != "length_scale":
            return super()._gradient(lags, parameter, index)
        half = namespace(lags).sin(self._angle(lags) / 2)
        return 4 * self.length_scale**-2 * half * half * self._at(lags, 0)

    def _angle(self, lags: Any) -> Any:
        """Return ``2π lags / period``, without whole turns: they would cost digits."""
        xp = namespace(lags)
        turns = lags / self.period
        return 2 * math.pi * (turns - xp.round(turns))
