"""Integrands: their values, and substitutions that make them periodic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace, on_host
from structlin._validation import first_nonfinite, require_array
from structlin.solvers.lattice._coordinates import below_one

Substitution = Callable[[Any], tuple[Any, Any]]

# Up to so many coordinates, lattices come with the smooth substitution. The variance of its factor
# is 1.5^d − 1: from here on, errors were larger and intervals held less often than with the tent.
_smooth_coordinates = 5


def substitution_of(d: int) -> tuple[Substitution, int]:
    """Return the substitution for ``d`` coordinates, and up to which order it serves."""
    return (_sine, 2) if d <= _smooth_coordinates else (_tent, 1)


def _sine(T: Any) -> tuple[Any, Any]:
    """Return ``t − sin(2π t) / 2π`` and the product of its derivatives."""
    xp = namespace(T)
    factors = xp.prod(1.0 - xp.cos(2 * math.pi * T), axis=1)
    return _inside(T - xp.sin(2 * math.pi * T) / (2 * math.pi)), factors


def _tent(T: Any) -> tuple[Any, Any]:
    """Return ``1 − |2 t − 1|``, which passes over the interval twice."""
    return _inside(1.0 - namespace(T).abs(2.0 * T - 1.0)), None


def _inside(X: Any) -> Any:
    """Return points that are off the boundary, where integrands may be infinite."""
    xp = namespace(X)
    return xp.clip(X, float(xp.finfo(X.dtype).smallest_normal), below_one(X.dtype, xp))


def values_at(
    f: Callable[[Any], Any],
    X: Any,
    substitution: Substitution | None,
    known: int,
) -> tuple[Any, bool]:
    """Return the values at points as (n, outputs) array, and whether there was but one column."""
    xp = namespace(X)
    X, weight = (X, None) if substitution is None else substitution(X)
    made = f(X)
    if not hasattr(made, "ndim"):
        raise TypeError(f"f returned a {type(made).__name__}: it returns an array, a row a point")
    if made.ndim not in (1, 2) or made.shape[0] != X.shape[0] or 0 in made.shape:
        raise ValueError(
            f"f returned shape {tuple(made.shape)} for {X.shape[0]} points: it returns a value, or "
            "a row of outputs, for each"
        )
    namespace(made, X)
    require_array("what f returned", made)
    place = first_nonfinite(made)
    if place is not None:
        row = place // (made.shape[1] if made.ndim == 2 else 1)
        where = ", ".join(f"{float(x):g}" for x in on_host(X[row, :]))
        raise ValueError(f"f is NaN or Inf at ({where}), evaluation {known + row}")
    if xp.isdtype(made.dtype, "complex floating"):
        raise TypeError("f is complex: integrate real and imaginary part as two outputs")
    columns = made[:, None] if made.ndim == 1 else made
    columns = xp.astype(columns, xp.float64)  # a copy: f may use its memory again
    return (columns if weight is None else columns * weight[:, None]), made.ndim == 1
