"""A number that was estimated, and how well."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin.sketching._result import Report


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Estimate(Report):
    """An estimate of a number; ``float(estimate)`` is its value, which ``f"{estimate:.3f}"`` shows.

    Attributes
    ----------
    value : float or complex
        The estimate; complex only where the number may be.
    standard_error : float
        What chance is expected to do to the value: its standard deviation, estimated; 0 where
        nothing was left to chance.
    bias : float
        What the quadrature is expected to do to the value; 0 where there is none.
    interval : (float, float)
        Where the number is to be looked for: three standard errors and the bias to both sides,
        unless the driver knows better. NaN for complex numbers.
    matvecs : int
        Products with single vectors.
    error_estimate : float
        ``standard_error + bias``, absolute, unless the driver says otherwise.
    """

    value: Any
    standard_error: float = 0.0
    bias: float = 0.0
    interval: tuple[float, float] = (math.nan, math.nan)
    matvecs: int = 0

    def __float__(self) -> float:
        return float(self.value)

    def __complex__(self) -> complex:
        return complex(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __repr__(self) -> str:
        return f"<Estimate {self.value:.8g} ± {self.error_estimate:.2g}: {self.method}>"


def estimate(value: Any, standard_error: float = 0.0, bias: float = 0.0, **report: Any) -> Estimate:
    """Return an estimate whose interval is that of three standard errors and the bias."""
    error = standard_error + bias
    if not isinstance(value, complex):
        reach = 3 * standard_error + bias
        report.setdefault("interval", (value - reach, value + reach))
    report.setdefault("error_estimate", error)
    return Estimate(value=value, standard_error=standard_error, bias=bias, **report)


def mean_and_error(values: Any) -> tuple[Any, float]:
    """Return the mean of a vector, as a Python number, and its standard error.

    Raises
    ------
    ValueError
        If it is not finite.
    """
    xp = namespace(values)
    complicated = xp.isdtype(values.dtype, "complex floating")
    values = xp.astype(values, xp.complex128 if complicated else xp.float64)
    center = xp.mean(values)
    mean = complex(center) if complicated else float(center)
    if not cmath.isfinite(mean):
        raise not_finite()
    return mean, float(standard_error(values))


def standard_error(values: Any, axis: int = 0) -> Any:
    """Return the standard error of the mean along an axis."""
    xp, count = namespace(values), values.shape[axis]
    spread = xp.linalg.vector_norm(values - xp.mean(values, axis=axis, keepdims=True), axis=axis)
    return spread / math.sqrt(count * max(count - 1, 1))


def not_finite() -> ValueError:
    """Return the error of products that are no numbers."""
    return ValueError("A takes finite vectors to NaN or Inf, or its entries are beyond numbers")
