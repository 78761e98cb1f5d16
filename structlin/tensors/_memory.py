"""The guard before arrays that would not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

default_bytes = 2**32


def require_memory(shape: Sequence[int], dtype: Any, what: str, cure: str, limit: int) -> None:
    """Raise ``MemoryError`` if an array of this shape takes more bytes than the limit."""
    itemsize = np.dtype(str(dtype).rpartition(".")[2]).itemsize
    wanted = math.prod(int(n) for n in shape) * itemsize
    if wanted > limit:
        sizes = " x ".join(str(n) for n in shape)
        raise MemoryError(
            f"{what} has {sizes} entries, {wanted / 2**30:.3g} GiB, and max_bytes allows "
            f"{limit / 2**30:.3g} GiB: {cure}"
        )
