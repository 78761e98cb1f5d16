"""Coordinates in the unit cube: their checks, precision, binary digits and random shifts."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_finite
from structlin.sketching._random import seed_of

DIGITS = 52
"""Binary digits of coordinates: as many as float64 holds exactly, whatever the point."""


def place_of(like: Any = None) -> tuple[ModuleType, Any, Any]:
    """Return array library, device and real data type; NumPy and float64 by default."""
    like = np.empty(0) if like is None else inexact(like)
    xp = namespace(like)
    dtype = like.dtype
    if xp.isdtype(dtype, "complex floating"):
        raise TypeError("coordinates are real: pass a real array as like")
    return xp, device(like), dtype


def rounded(x: Any, dtype: Any) -> Any:
    """Return coordinates of [0, 1) in a precision; those that round to one are put below it."""
    xp = namespace(x)
    if x.dtype == dtype:
        return x
    x = xp.astype(x, dtype)
    return xp.where(x < 1, x, below_one(dtype, xp))


def below_one(dtype: Any, xp: ModuleType) -> float:
    """Return the largest number below one of a data type."""
    return 1.0 - float(xp.finfo(dtype).eps) / 2


def require_real(name: str, x: Any) -> Any:
    """Return numbers as a host array of float64; raise if they are complex."""
    if np.iscomplexobj(x):
        raise TypeError(f"{name} is complex: coordinates are real")
    return np.asarray(x, dtype=np.float64)


def require_points(name: str, x: Any, dimension: int | None = None) -> int:
    """Return the number of coordinates of points of the unit cube; raise if they are none."""
    if getattr(x, "ndim", None) != 2 or dimension not in (None, x.shape[1]) or x.shape[1] == 0:
        wanted = "d" if dimension is None else dimension
        shape = tuple(x.shape) if hasattr(x, "shape") else repr(x)
        raise ValueError(f"{name} is {shape}: pass points of the unit cube, (n, {wanted})")
    require_finite(name, x)
    xp = namespace(x)
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: coordinates are real")
    if x.shape[0] and bool(xp.any((x < 0) | (x >= 1))):
        raise ValueError(
            f"{name} has coordinates outside of [0, 1): map the domain to the unit cube"
        )
    return int(x.shape[1])


def shift_of(shift: Any, dimension: int, rng: Any) -> tuple[tuple[float, ...], int | None]:
    """Return the shift as given, or one that the seed draws, and the seed."""
    if shift is None:
        seed = seed_of(rng)
        return tuple(np.random.default_rng(seed).random(dimension).tolist()), seed
    given = require_real("shift", shift)
    if given.shape not in ((), (dimension,)):
        raise ValueError(
            f"shift has shape {given.shape}: pass a number, or one for each of {dimension} "
            "coordinates"
        )
    if not np.all(np.isfinite(given)):
        raise ValueError(f"shift is {shift}: it must be finite")
    remainder = np.broadcast_to(given, (dimension,)) % 1.0
    return tuple((remainder % 1.0).tolist()), None  # that of -1e-20 is rounded to 1


def digits_of(x: Any) -> Any:
    """Return the first 52 binary digits of numbers in [0, 1) as integers."""
    xp = namespace(x)
    return xp.astype(xp.floor(xp.astype(x, xp.float64) * 2.0**DIGITS), xp.int64)
