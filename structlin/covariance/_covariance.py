"""What every covariance function has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np


@dataclass(frozen=True)
class Covariance(ABC):
    """The covariance of a random function of one variable between two points.

    The fields of a subclass that have bounds are its parameters: positive numbers, which may be
    learned.
    """

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Between which numbers every parameter may lie, both excluded."""

    def __post_init__(self) -> None:
        for name, (low, high) in self.bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise TypeError(f"{name} is {value!r}: pass a number")
            if not (math.isfinite(value) and low < value < high):
                raise ValueError(f"{name} is {value:g}: it must be finite, and lie above {low:g}")
            object.__setattr__(self, name, float(value))

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in self.bounds
        }

    def replaced(self, **parameters: float) -> Self:
        """Return the same covariance function with other parameters."""
        return replace(self, **parameters)

    @abstractmethod
    def __call__(self, x: Any, y: Any = None) -> Any:
        """Return the covariances between points ``x`` and points ``y``, by default ``x`` again.

        Parameters
        ----------
        x : (n,) array
        y : (m,) array, optional

        Returns
        -------
        (n, m) array
        """
