"""The recurrence of Chebyshev's method."""

from __future__ import annotations

import math
import numbers
from typing import Any

Vector = Any


def require_interval(interval: Any) -> tuple[float, float]:
    """Return the ends of an interval of positive numbers, or say why it is none."""
    try:
        low, high = interval
    except (TypeError, ValueError):
        low, high = None, None
    if not (
        isinstance(low, numbers.Real)
        and isinstance(high, numbers.Real)
        and 0 < float(low) <= float(high) < math.inf
    ):
        raise ValueError(
            f"interval is {interval!r}: pass (low, high) with 0 < low <= high, between which the "
            "eigenvalues are"
        )
    return float(low), float(high)


class Recurrence:
    """The steps of Chebyshev's method for eigenvalues between ``low`` and ``high``."""

    def __init__(self, low: float, high: float) -> None:
        self._middle = low / 2 + high / 2
        self._half = high / 2 - low / 2
        # the residual's polynomial falls by 1/reach an iteration, in units of half the interval
        self._reach = self._middle + math.sqrt(low) * math.sqrt(high)
        self._ratio = self._half / self._middle
        self._step: Vector = None

    @property
    def rate(self) -> float:
        """The factor an iteration by which residuals fall in the long run."""
        return self._half / self._reach

    def step(self, z: Vector) -> Vector:
        """Return what is to be added to the iterate, from its preconditioned residual."""
        if self._step is None:
            self._step = z / self._middle
            return self._step
        denominator = 2 * self._middle - self._half * self._ratio
        ratio = self._half / denominator
        self._step = (ratio * self._ratio) * self._step + (2 / denominator) * z
        self._ratio = ratio
        return self._step

    def below(self, rate: float) -> float:
        """Return the eigenvalue below the interval whose part of the residual has that rate."""
        reach = rate * self._reach
        return self._middle - (reach + self._half * (self._half / reach)) / 2
