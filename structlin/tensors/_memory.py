"""The guard before arrays that would not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import type_name

default_bytes = 2**32


def itemsize(dtype: Any) -> int:
    """Return the bytes of a number, of a data type of any library."""
    return int(np.dtype(type_name(dtype)).itemsize)


def require_memory(shape: Sequence[int], dtype: Any, what: str, cure: str, limit: int) -> None:
    """Raise ``MemoryError`` if an array of this shape takes more bytes than the limit."""
    wanted = math.prod(int(n) for n in shape) * itemsize(dtype)
    if wanted > limit:
        sizes = " x ".join(map(str, shape))
        raise MemoryError(
            f"{what} has {sizes} entries, {wanted / 2**30:.3g} GiB, and max_bytes allows "
            f"{limit / 2**30:.3g} GiB: {cure}"
        )
