"""Checks of samples of functions: arrays whose first axis counts them."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace
from structlin._validation import inexact, require_array, require_finite_samples


def require_samples(name: str, x: Any, shape: tuple[int, ...] | None = None) -> Any:
    """Return samples (n, …) as a floating-point array, checked; there may be none.

    Raises
    ------
    TypeError
        If they are no array, or not numbers.
    ValueError
        If there is no axis of samples, one is not of the shape asked for, or one has a NaN or Inf:
        the message names it.
    """
    require_array(name, x, "an array with samples along its first axis")
    if x.ndim < 2 or 0 in x.shape[1:]:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}: samples stand along the first axis and have a "
            "number or more each, as in (n, points)"
        )
    if shape is not None and tuple(x.shape[1:]) != tuple(shape):
        raise ValueError(
            f"samples of {name} have shape {tuple(x.shape[1:])} but {tuple(shape)} is expected: "
            f"pass (n, {', '.join(map(str, shape))})"
        )
    x = inexact(x)
    require_finite_samples(name, x)
    return x


def in_double(x: Any) -> Any:
    """Return a floating-point array in double precision, real or complex as it is."""
    xp = namespace(x)
    is_complex = xp.isdtype(x.dtype, "complex floating")
    return xp.astype(x, xp.complex128 if is_complex else xp.float64, copy=False)
