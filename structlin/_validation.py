"""Checks of user input that every wing shares: what came, what was expected, what to do."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import array_api_compat as compat
import numpy as np

from structlin._backend import dtype_of, namespace


def inexact(x: Any, xp: ModuleType | None = None) -> Any:
    """Return ``x`` as a floating-point array: integers and booleans become float64.

    Floating-point and complex arrays of single and double precision come back as they are.
    """
    xp = namespace(x) if xp is None else xp
    if require_inexact(x.dtype, xp):
        return x
    return xp.astype(x, xp.float64)


def require_array(name: str, x: Any, expected: str = "an array") -> None:
    """Raise ``TypeError`` unless ``x`` is an array."""
    namespace(x)
    if not compat.is_array_api_obj(x):
        raise TypeError(f"{name} is a {type(x).__name__}: pass {expected}")


def number_or_array(name: str, x: Any, expected: str) -> Any:
    """Return Python's and NumPy's numbers as Python's, arrays as they are, and refuse the rest."""
    if isinstance(x, np.generic):
        x = x.item()
    if not isinstance(x, int | float | complex) and not compat.is_array_api_obj(x):
        raise TypeError(f"{name} is a {type(x).__name__}: pass {expected}")
    return x


def called(name: str, f: Any, coordinates: Mapping[str, Any]) -> Any:
    """Return ``f(*coordinates.values())``; a wrong number of arguments is told by names."""
    try:
        return f(*coordinates.values())
    except TypeError as error:
        try:
            inspect.signature(f).bind(*coordinates.values())
        except TypeError as mismatch:
            names = ", ".join(coordinates)
            raise TypeError(
                f"{name} is called with {names}, and does not take that: {mismatch}"
            ) from error
        except ValueError:  # functions without a signature
            pass
        raise


def require_inexact(dtype: Any, xp: ModuleType) -> bool:
    """Tell whether a data type is floating-point; raise unless it is that, integer or boolean."""
    if xp.isdtype(dtype, ("real floating", "complex floating")):
        if xp.finfo(dtype).bits not in (32, 64):
            raise TypeError(
                f"dtype {dtype} is not supported: use single or double precision, real or complex"
            )
        return True
    if xp.isdtype(dtype, ("integral", "bool")):
        return False
    raise TypeError(f"dtype {dtype} is not numeric: pass integers, floats or complex numbers")


def require_finite(name: str, x: Any) -> None:
    """Raise ``ValueError`` that names the argument and the first index with NaN or Inf.

    ``x`` is an array, or a sparse matrix of SciPy or CuPy.
    """
    stored = x.data if hasattr(x, "tocoo") else x
    place = first_nonfinite(stored)
    if place is None:
        return
    if stored is x:
        index = _index(place, x.shape)
    else:
        entries = x.tocoo()
        place = first_nonfinite(entries.data)
        index = [int(entries.row[place]), int(entries.col[place])]
    where = ", ".join(map(str, index))
    raise ValueError(f"{name} has a NaN or Inf at [{where}]: every entry must be finite")


def require_finite_samples(name: str, x: Any) -> None:
    """Raise ``ValueError`` that names the first sample (n, …) with a NaN or Inf."""
    place = first_nonfinite(x)
    if place is not None:
        sample, *index = _index(place, x.shape)
        where = ", ".join(map(str, index))
        raise ValueError(
            f"sample {sample} of {name} has a NaN or Inf at [{where}]: every entry must be finite"
        )


def _index(place: int, shape: tuple[int, ...]) -> list[int]:
    """Return the index of a place in C order."""
    index: list[int] = []
    for size in reversed(shape):
        place, i = divmod(place, size)
        index.insert(0, i)
    return index


def first_nonfinite(x: Any) -> int | None:
    """Return the place of the first NaN or Inf in C order; None where all entries are finite."""
    xp = namespace(x)
    if not require_inexact(x.dtype, xp):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if bool(xp.isfinite(xp.sum(x))):  # read once, and nothing is written
            return None
    good = xp.isfinite(x)  # sums of finite entries may overflow
    if bool(xp.all(good)):
        return None
    return int(xp.argmin(xp.astype(xp.reshape(good, (-1,)), xp.int8)))


def require_count(name: str, value: Any, *, least: int = 1) -> int:
    """Return a whole number, or raise ``ValueError`` if it is none or too small."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} is {value!r}: pass a whole number of {least} or more")
    return int(value)


def require_real(name: str, value: Any) -> float:
    """Return a finite real number, or raise ``ValueError``."""
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}: pass a finite real number")
    return float(value)


def require_positive(name: str, value: Any) -> float:
    """Return a positive number, or raise ``ValueError``."""
    if not isinstance(value, numbers.Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} is {value!r}: pass a positive number")
    return float(value)


def require_tolerance(name: str, value: Any) -> float:
    """Return a number from 0 to below 1, or raise ``ValueError``."""
    if not isinstance(value, numbers.Real) or not 0 <= float(value) < 1:
        raise ValueError(f"{name} is {value!r}: pass a number of 0 or more, below 1")
    return float(value)


def require_cast(before: Any, after: Any, xp: ModuleType) -> Any:
    """Return the data type of this library to which numbers of another are converted.

    Raises
    ------
    TypeError
        If it is no floating-point type, or a real one and the numbers are complex.
    """
    known = dtype_of(xp, after)
    if not require_inexact(known, xp):
        raise TypeError(f"dtype {after} is no floating-point type: pass one, real or complex")
    if xp.isdtype(before, "complex floating") and xp.isdtype(known, "real floating"):
        raise TypeError(f"dtype {after} cannot hold complex numbers: take the real part of entries")
    return known


@functools.cache
def common_type(xp: ModuleType, *dtypes: Any) -> Any:
    """Return the data type to which these promote, integers as float64."""
    found = []
    for dtype in dtypes:
        known = dtype_of(xp, dtype)
        found.append(known if require_inexact(known, xp) else dtype_of(xp, "float64"))
    return xp.result_type(*found)
