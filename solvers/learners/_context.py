"""Contexts: what is known of a system beforehand, in a stated range, and polynomials of it."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ContextSpace:
    """The box in which contexts lie.

    Parameters
    ----------
    bounds : (low, high), or sequence of such pairs
        The range of the context, or of each of its components.

    Attributes
    ----------
    bounds : tuple of (float, float)
        One pair for each component.

    Raises
    ------
    ValueError
        If a range is empty or not finite.
    """

    def __init__(self, bounds: Sequence[Any]) -> None:
        pairs = list(bounds)
        if len(pairs) == 2 and all(isinstance(end, numbers.Real) for end in pairs):
            pairs = [pairs]
        try:
            self.bounds = tuple((float(low), float(high)) for low, high in pairs)
        except (TypeError, ValueError):
            raise ValueError(
                f"contexts is {bounds!r}: pass (low, high), or such a pair for each component"
            ) from None
        for low, high in self.bounds:
            if not (math.isfinite(high - low) and low < high):
                raise ValueError(f"contexts from {low} to {high}: the range must be finite")
        self._scales = tuple((low, 2 / (high - low)) for low, high in self.bounds)

    def inside(self, context: Any) -> tuple[tuple[float, ...], bool]:
        """Return the nearest context of the range, and whether it had to be moved there.

        Raises
        ------
        ValueError
            If there is none, it has another length, or is NaN.
        TypeError
            If it is not made of real numbers.
        """
        if isinstance(context, float) and len(self.bounds) == 1:
            values: tuple[float, ...] = (context,)
            low, high = self.bounds[0]
            if low <= context <= high:  # nothing to do, as a rule
                return values, False
        else:
            values = self._values(context)
        moved = []
        clipped = False
        for value, (low, high) in zip(values, self.bounds, strict=True):
            if low <= value <= high:
                moved.append(value)
            elif value != value:
                raise ValueError("context is NaN: pass a number, or no context to this learner")
            else:
                moved.append(low if value < low else high)
                clipped = True
        return tuple(moved), clipped

    def _values(self, context: Any) -> tuple[float, ...]:
        if context is None:
            raise ValueError("this learner looks at a context: pass context=…")
        try:
            # a tuple is known to be a sequence at once, an array is not
            is_number = not isinstance(context, tuple) and np.ndim(context) == 0
            given = [context] if is_number else list(context)
            values = tuple(float(value) for value in given)
        except (TypeError, ValueError):
            raise TypeError(f"context is {context!r}: pass real numbers") from None
        if len(values) != len(self.bounds):
            raise ValueError(
                f"context has {len(values)} components, but the range has {len(self.bounds)}"
            )
        return values

    def scaled(self, context: tuple[float, ...]) -> tuple[float, ...]:
        """Return the context's place in ``[-1, 1]^d``."""
        return tuple(
            [  # a list is made sooner than a generator
                (value - low) * scale - 1
                for value, (low, scale) in zip(context, self._scales, strict=True)
            ]
        )


def total_degree(components: int, degree: int) -> NDArray[np.int64]:
    """Return the exponents of all monomials up to a degree, the constant first: (p, components)."""
    exponents = [
        powers
        for powers in itertools.product(range(degree + 1), repeat=components)
        if sum(powers) <= degree
    ]
    exponents.sort(key=lambda powers: (sum(powers), powers))
    return np.array(exponents, dtype=np.int64).reshape(len(exponents), components)
