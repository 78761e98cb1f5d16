"""Covariance functions that are functions of the squared distance."""

from __future__ import annotations

import functools
import math
import operator
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from structlin._backend import namespace
from structlin.covariance._lags import scaled
from structlin.covariance._parameters import Parametric


class Radial(Parametric):
    """A covariance ``variance g(u²/2)`` of ``u = rate (x - y)``."""

    length_scale: float
    variance: float

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "length_scale": (0.0, math.inf),
        "variance": (0.0, math.inf),
    }

    @property
    def rate(self) -> float:
        """What lags are multiplied by: one over the length scale."""
        return 1 / self.length_scale

    @property
    @abstractmethod
    def _far(self) -> float:
        """From what ``u`` on the covariance does not change any more."""

    @abstractmethod
    def _slope(self, u: Any, power: int, order: int) -> Any:
        """Return ``uᵖ (-1)ʲ g⁽ʲ⁾(u²/2)`` of power ``p`` and order ``j`` at ``u ≥ 0``.

        For a smooth ``g`` these are positive; only ``p ≤ 2 j`` is asked for.
        """

    def _at(self, lags: Any, order: int) -> Any:
        """Return the derivative, by the rule of Faà di Bruno for a function of a square.

        ``(d/du)ᵐ g(u²/2) = Σᵢ m!/(2ⁱ i! (m - 2i)!) uᵐ⁻²ⁱ g⁽ᵐ⁻ⁱ⁾(u²/2)``
        """
        xp = namespace(lags)
        u = scaled(lags, self.rate, self._far)
        size = xp.abs(u)
        scale = self.variance * self.rate**order
        terms = (
            (-1.0) ** (order - i)
            * scale
            * (math.factorial(order) // (2**i * math.factorial(i) * math.factorial(order - 2 * i)))
            * self._slope(size, order - 2 * i, order - i)
            for i in range(order // 2 + 1)
        )
        total = functools.reduce(operator.add, terms)
        return xp.sign(u) * total if order % 2 else total

    def _gradient(self, lags: Any, parameter: str, index: int) -> Any:
        if parameter != "length_scale":
            return super()._gradient(lags, parameter, index)
        u = namespace(lags).abs(scaled(lags, self.rate, self._far))
        return self.variance * self._slope(u, 2, 1)
