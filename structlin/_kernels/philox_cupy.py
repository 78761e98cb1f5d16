"""GPU twin of the Philox generator; the CUDA source stands in ``philox.cu``."""

from __future__ import annotations

import functools
from importlib import resources
from types import ModuleType
from typing import Any

import cupy as cp
import numpy as np

_threads = 256


def words(
    seed: int,
    stream: int,
    start: int,
    count: int,
    first: int,
    calls: int,
    xp: ModuleType,
    device: Any,
) -> Any:
    """Return the random 32-bit words of consecutive coordinates, (count, 4 calls)."""
    with cp.cuda.Device(device):
        out = cp.empty((count, 4 * calls), dtype=cp.uint32)
        if out.size:
            arguments = (
                np.uint64(seed),
                np.uint32(stream),
                np.uint64(start),
                np.uint32(first),
                np.uint32(calls),
                np.int64(count * calls),
            )
            blocks = -(-count * calls // _threads)
            _module().get_function("write_words")((blocks,), (_threads,), (out, *arguments))
        return out


@functools.cache
def _module() -> Any:
    source = resources.files("structlin._kernels").joinpath("philox.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17",))
