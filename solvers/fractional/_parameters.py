"""Checks of the orders, coefficients and other numbers of fractional equations."""

from __future__ import annotations

import math
import numbers
from typing import Any

# largest logarithm of differences: numbers of double precision go to 709
_widest = 700.0


def require_number(
    name: str, value: Any, least: float, most: float, *, inclusive: bool = True
) -> float:
    """Return a real number within finite bounds, checked."""
    known = isinstance(value, numbers.Real) and math.isfinite(value)
    if not known or not (least <= value <= most) or (value == least and not inclusive):
        beyond = "from" if inclusive else "greater than"
        upto = "" if most == math.inf else f" and at most {most:g}"
        raise ValueError(f"{name} is {value!r}: pass a number {beyond} {least:g}{upto}")
    return float(value)


def require_scale(axis: int, diffusivity: float, width: float, alpha: float) -> float:
    """Return ``K/h^α``, which has to be a number of double precision."""
    exponent = math.log(diffusivity) - alpha * math.log(width)
    if not abs(exponent) < _widest:
        raise ValueError(
            f"differences along axis {axis} are about exp({exponent:.0f}), by a spacing of "
            f"{width:.3g} and a diffusivity of {diffusivity:.3g}: choose units of length in which "
            "they are nearer to 1"
        )
    return float(diffusivity / width**alpha)


def per_axis(name: str, value: Any, count: int) -> tuple[Any, ...]:
    """Return one number for every axis, from one for all or one for each."""
    if isinstance(value, numbers.Real):
        return (value,) * count
    try:
        each = tuple(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}: pass a number, or {count} of them") from None
    if len(each) != count:
        raise ValueError(f"{name} has {len(each)} entries: pass a number, or {count} of them")
    return each
