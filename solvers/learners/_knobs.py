"""Knobs: continuous parameters of a solver, on the scale on which they act evenly."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any, Literal, get_args

Scale = Literal["linear", "log", "relaxation"]


class Knob:
    """The range of a parameter.

    Parameters
    ----------
    bounds : (low, high)
        The range.
    scale : {"linear", "log", "relaxation"}
        Even steps are taken of ``x``, of ``ln x``, or of ``ln(x/(2 − x))``.

    Attributes
    ----------
    low, high : float
        The range.
    half : float
        Half of its length on that scale.

    Raises
    ------
    ValueError
        If the range is empty, not finite, or outside what the scale allows.
    TypeError
        If it is no pair of real numbers.
    """

    def __init__(self, bounds: Any, scale: Scale = "linear") -> None:
        if scale not in get_args(Scale):
            known = ", ".join(repr(name) for name in get_args(Scale))
            raise ValueError(f"scale is {scale!r}: pass one of {known}")
        try:
            low, high = bounds
        except (TypeError, ValueError):
            raise TypeError(f"bounds is {bounds!r}: pass (low, high)") from None
        if not (isinstance(low, numbers.Real) and isinstance(high, numbers.Real)):
            raise TypeError(f"bounds is {bounds!r}: pass two real numbers")
        self.low, self.high = float(low), float(high)
        self.scale: Scale = scale
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise ValueError(f"bounds from {low} to {high}: the range must be finite")
        if scale != "linear" and not self.low > 0:
            raise ValueError(f"bounds from {low}: scale {scale!r} needs positive values")
        if scale == "relaxation" and not self.high < 2:
            raise ValueError(f"bounds up to {high}: scale 'relaxation' needs values below 2")
        first, last = self._forward(self.low), self._forward(self.high)
        self.half = (last - first) / 2
        self._middle = first + self.half
        if not 0 < self.half < math.inf:
            raise ValueError(f"bounds from {low} to {high}: the range must be wider than rounding")

    def _forward(self, value: float) -> float:
        if self.scale == "linear":
            return value
        return math.log(value) if self.scale == "log" else math.log(value / (2 - value))

    @property
    def neutral(self) -> float:
        """The place where to begin: the middle, or what is nearest to 1 on the relaxation scale."""
        if self.scale != "relaxation":
            return 0.0
        return self.place(min(max(1.0, self.low), self.high))

    def place(self, value: Any) -> float:
        """Return the place in ``[-1, 1]`` of a value.

        Raises
        ------
        ValueError
            If it is outside the range.
        TypeError
            If it is no real number.
        """
        if not isinstance(value, numbers.Real):
            raise TypeError(f"start is {value!r}: pass a real number")
        if not self.low <= float(value) <= self.high:
            raise ValueError(f"start is {value}: pass a number from {self.low} to {self.high}")
        place = (self._forward(float(value)) - self._middle) / self.half
        return min(max(place, -1.0), 1.0)

    def value(self, place: float) -> float:
        """Return the value at a place in ``[-1, 1]``."""
        scaled = self._middle + place * self.half
        if self.scale == "log":
            scaled = math.exp(scaled)
        elif self.scale == "relaxation":
            scaled = 2 / (1 + math.exp(-scaled))
        return min(max(scaled, self.low), self.high)


def checked_knobs(
    bounds: Any, scale: Any
) -> tuple[tuple[str, ...] | None, tuple[Knob, ...], dict[str, Any]]:
    """Return names (None for a single knob without a name), knobs, and settings ready for JSON.

    Parameters
    ----------
    bounds : (low, high), or mapping of names to such pairs
        The ranges.
    scale : str, or mapping of names to str
        One scale for all knobs, or that of each; linear by default.

    Raises
    ------
    ValueError
        If there is no knob, a scale belongs to none, or as `Knob` does.
    """
    if not isinstance(bounds, Mapping):
        knob = Knob(bounds, scale)
        return None, (knob,), {"bounds": [knob.low, knob.high], "scale": scale}
    if not bounds:
        raise ValueError("bounds is empty: at least one knob is needed")
    scales = dict(scale) if isinstance(scale, Mapping) else dict.fromkeys(bounds, scale)
    if unknown := sorted(set(scales) - set(bounds)):
        raise ValueError(f"scale has {unknown[0]!r}, which bounds has not")
    names = tuple(bounds)
    knobs = tuple(Knob(bounds[name], scales.get(name, "linear")) for name in names)
    return (
        names,
        knobs,
        {
            "bounds": {name: [k.low, k.high] for name, k in zip(names, knobs, strict=True)},
            "scale": {name: k.scale for name, k in zip(names, knobs, strict=True)},
        },
    )
