"""Covariance functions with parameters: their checks, and the vector of them for optimisers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from structlin.covariance._covariance import Covariance


class _Entry(NamedTuple):
    """One number of the parameters."""

    parameter: str
    place: int | None  # in a parameter that is a tuple
    value: float

    @property
    def name(self) -> str:
        return self.parameter if self.place is None else f"{self.parameter}[{self.place}]"


@dataclass(frozen=True)
class Parametric(Covariance):
    """A covariance function whose fields are its parameters.

    The fields of a subclass that have bounds are its parameters: numbers or tuples of numbers,
    which may be learned. Those that are positive are learned as logarithms.
    """

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Between which numbers every parameter may lie, both excluded."""

    limits: tuple[tuple[str, float, float], ...] = field(default=(), kw_only=True, repr=False)
    """Between which numbers parameters are learned; set by `limited`."""
    held: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    """Which parameters are not learned; set by `fixed`."""

    def __post_init__(self) -> None:
        for name, (low, high) in self.bounds.items():
            object.__setattr__(self, name, number(name, getattr(self, name), low, high))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in self.bounds
        }

    def replaced(self, **parameters: Any) -> Self:
        """Return the same covariance function with other parameters."""
        return replace(self, **parameters)

    def limited(self, **limits: tuple[float, float]) -> Self:
        """Return the same covariance function whose parameters are learned between limits.

        Parameters
        ----------
        **limits : (float, float)
            The least and the largest value by the name of a parameter.

        Raises
        ------
        ValueError
            If there is no such parameter, or it does not lie between its limits.
        """
        kept = {name: (low, high) for name, low, high in self.limits}
        for name, pair in limits.items():
            self._require_parameter(name)
            ends = np.asarray(pair)
            if ends.shape != (2,) or ends.dtype.kind not in "iuf":
                raise TypeError(f"the limits of {name} are {pair!r}: pass two numbers")
            low, high = ends.tolist()
            for entry in self._entries:
                if entry.parameter == name and not low <= entry.value <= high:
                    raise ValueError(
                        f"{entry.name} is {entry.value:g}, outside of its limits {low:g} and "
                        f"{high:g}: replace it first, or widen them"
                    )
            kept[name] = float(low), float(high)
        return replace(self, limits=tuple((name, *pair) for name, pair in kept.items()))

    def fixed(self, *names: str) -> Self:
        """Return the same covariance function with parameters that are not learned.

        Parameters
        ----------
        *names : str
            Parameters to leave out of ``theta``; all if there is none.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        for name in names:
            self._require_parameter(name)
        added = names or tuple(self.parameters)
        return replace(self, held=tuple(dict.fromkeys((*self.held, *added))))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters in ``theta``."""
        return tuple(entry.name for entry in self._learned)

    @property
    def theta(self) -> Any:
        """The parameters that may be learned, (p,), positive ones as their logarithms."""
        return np.asarray([self._coordinate(e.parameter, e.value) for e in self._learned], float)

    @property
    def theta_bounds(self) -> Any:
        """Between which numbers the entries of ``theta`` may be learned, (p, 2), of NumPy."""
        limits = {name: (low, high) for name, low, high in self.limits}
        pairs = [
            [self._coordinate(e.parameter, end) for end in limits.get(e.parameter, every)]
            for e in self._learned
            for every in (self.bounds[e.parameter],)
        ]
        return np.asarray(pairs, float).reshape(-1, 2)

    def with_theta(self, theta: Any) -> Self:
        """Return the same covariance function with other learned parameters."""
        changed: dict[str, Any] = self.parameters
        coordinates = self._theta_vector(theta).tolist()
        for entry, coordinate in zip(self._learned, coordinates, strict=True):
            name, k = entry.parameter, entry.place
            # up to the largest exponential in double precision
            new = math.exp(min(coordinate, 709.0)) if self._positive(name) else coordinate
            changed[name] = new if k is None else (*changed[name][:k], new, *changed[name][k + 1 :])
        return self.replaced(**changed)

    def _gradient(self, lags: Any, parameter: str, index: int) -> Any:
        """Return the derivative by one entry of ``theta``.

        This is the rule for a ``variance`` that multiplies, and for one length over which lags are
        measured. ``index`` is the place in a parameter that is a tuple.
        """
        return self._at(lags, 0) if parameter == "variance" else -lags * self._at(lags, 1)

    def _times(self, factor: float) -> Covariance:
        return self.replaced(variance=factor * self.parameters["variance"])

    def _gradients(self, lags: Any) -> Iterator[Any]:
        for entry in self._learned:
            yield self._gradient(lags, entry.parameter, entry.place or 0)

    @property
    def _entries(self) -> list[_Entry]:
        return [
            _Entry(name, k if isinstance(value, tuple) else None, one)
            for name, value in self.parameters.items()
            for k, one in enumerate(value if isinstance(value, tuple) else (value,))
        ]

    @property
    def _learned(self) -> list[_Entry]:
        return [entry for entry in self._entries if entry.parameter not in self.held]

    def _positive(self, parameter: str) -> bool:
        return self.bounds[parameter][0] >= 0

    def _coordinate(self, parameter: str, value: float) -> float:
        if not self._positive(parameter):
            return value
        return math.log(value) if value > 0 else -math.inf

    def _require_parameter(self, name: str) -> None:
        if name not in self.bounds:
            raise ValueError(f"{self!r} has no parameter {name!r}: it has {', '.join(self.bounds)}")


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return a parameter as a float; raise unless it is finite and between both."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} is {value!r}: pass a number")
    if not (math.isfinite(value) and low < value < high):
        above = f", and lie above {low:g}" if math.isfinite(low) else ""
        below = f" and below {high:g}" if math.isfinite(high) else ""
        raise ValueError(f"{name} is {value:g}: it must be finite{above}{below}")
    return float(value)
