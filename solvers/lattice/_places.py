"""Where points are made: the library, the device and the precision of an array of the user's."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact


def place_of(like: Any = None) -> tuple[ModuleType, Any, Any]:
    """Return array library, device and real data type; NumPy and float64 by default."""
    like = np.empty(0) if like is None else inexact(like)
    xp = namespace(like)
    dtype = like.dtype
    if xp.isdtype(dtype, "complex floating"):
        raise TypeError("coordinates are real: pass a real array as like")
    return xp, device(like), dtype
