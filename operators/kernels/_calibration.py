"""Standard deviations that are true: posterior ones, calibrated on samples left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace

# the share of errors inside ±1.645 standard deviations of a normal distribution
_inside, _deviations = 0.9, 1.6448536269514722
# errors that are sorted, and the share of samples whose deviation is called usual
_counted, _usual = 1_000_000, 0.95


@dataclass
class Calibration:
    """What posterior deviations are multiplied by.

    Attributes
    ----------
    field : array of the shape of an output
        The root mean square of errors at samples left out, each in units of its own deviation.
    factor : float
        What makes 90 % of these errors fall within 1.645 deviations.
    usual : float
        The deviation that 95 % of the samples stay below when they are left out.
    """

    field: Any
    factor: float
    usual: float


def calibrated(
    errors: Any, variances: Any, group_maps: Sequence[Callable[[Any], Any]]
) -> Calibration:
    """Return the calibration of errors, (n, ...), at samples of posterior variance (n,)."""
    xp = namespace(errors, variances)
    n = errors.shape[0]
    deviations = xp.sqrt(variances)
    sizes = xp.abs(errors) / xp.reshape(deviations, (n, *(1 for _ in errors.shape[1:])))
    squares = xp.mean(sizes * sizes, axis=0, keepdims=True)
    # maps may change the sign of outputs, not that of squares
    images = [xp.abs(act(squares)) for act in group_maps]
    field = xp.sqrt(sum(images) / len(images))
    ratios = xp.where(field > 0, sizes / xp.where(field > 0, field, xp.ones_like(field)), -1.0)
    ordered = xp.reshape(ratios, (-1,))
    ordered = xp.sort(ordered[:: max(math.prod(ratios.shape) // _counted, 1)])
    zeros = int(xp.sum(xp.astype(ordered < 0, xp.int64)))
    count = int(ordered.shape[0]) - zeros
    place = zeros + min(int(_inside * count), count - 1)
    factor = float(ordered[place]) / _deviations if count else 1.0
    return Calibration(field[0, ...], factor, float(xp.sort(deviations)[int(_usual * n)]))
