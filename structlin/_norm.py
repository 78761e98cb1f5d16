"""The Euclidean norm, safe for all that numbers can hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace


def norm(r: Any) -> float:
    """Return the Euclidean norm of an array of any shape, on the host.

    Entries whose squares overflow or vanish are measured in units of the largest.
    """
    xp = namespace(r)
    with np.errstate(over="ignore"):
        size = float(xp.linalg.vector_norm(r))
    if not 1e-12 < size < math.inf and math.prod(r.shape):  # in single precision, 1e-24 is small
        largest = float(xp.max(xp.abs(r)))
        if 0 < largest < math.inf:
            return largest * float(xp.linalg.vector_norm(r / largest))
    return size


def power_of_two(x: Any) -> float:
    """Return 1, or a power of two to divide an array by, where its squares are beyond numbers.

    It is 1 for zeros, and for all whose largest entry is within a factor of 2³⁰ of 1.
    """
    xp = namespace(x)
    if not math.prod(x.shape):
        return 1.0
    parts = [x]
    if xp.isdtype(x.dtype, "complex floating"):
        parts = [xp.real(x), xp.imag(x)]  # their modulus may overflow
    # two readings, and nothing is written
    largest = max(max(float(xp.max(part)), -float(xp.min(part))) for part in parts)
    exponent = math.frexp(largest)[1]
    if abs(exponent) <= 30:
        return 1.0
    # one over the unit must be a number: complex quotients compute it
    return max(math.ldexp(1.0, exponent - 1), float(xp.finfo(x.dtype).smallest_normal))


def column_norms(X: Any) -> Any:
    """Return the Euclidean norms of the columns of a block, each measured in its largest entry."""
    xp = namespace(X)
    if 0 in X.shape:
        return xp.linalg.vector_norm(X, axis=0)
    unit = xp.max(xp.abs(X), axis=0)
    unit = xp.where(xp.isfinite(unit), unit, xp.ones_like(unit))
    least = xp.full_like(unit, float(xp.finfo(X.dtype).smallest_normal))
    unit = xp.where(unit < least, least, unit)  # the reciprocal of less may overflow
    return unit * xp.linalg.vector_norm(X / unit, axis=0)
