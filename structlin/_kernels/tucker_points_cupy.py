"""GPU twin of the values at points; the CUDA source stands in ``tucker_points.cu``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources
from typing import Any

import cupy as cp
import numpy as np

from structlin._kernels import tucker_points

_real_types = {"float32": "float", "float64": "double"}
# what a block may take without asking for more
_shared_bytes = 48 * 1024
_most_blocks = 2**31 - 1


def values(core: Any, factors: Sequence[Any], bases: Sequence[Any], points: Any) -> Any:
    """Twin of `structlin._kernels.tucker_points.values`: one thread per point.

    Complex data, and ranks whose sum is beyond the shared memory of 32 threads, go through the
    plain function.
    """
    d, N = points.shape
    column = sum(U.shape[1] for U in factors) * core.dtype.itemsize
    threads = next((k for k in (128, 64, 32) if k * column <= _shared_bytes), 0)
    if core.dtype.name not in _real_types or not threads or threads * _most_blocks < N:
        return tucker_points.values(core, factors, bases, points)
    out = cp.empty(N, dtype=core.dtype)
    if not N:
        return out
    arguments = (
        out,
        cp.ascontiguousarray(points),
        np.int64(N),
        cp.ascontiguousarray(core),
        cp.concatenate([U.reshape(-1) for U in factors]),
        cp.asarray([U.shape for U in factors], dtype=cp.int32),
        cp.asarray([(basis.low, basis.high, basis.periodic) for basis in bases], dtype=cp.float64),
        np.int32(d),
    )
    kernel = _module(core.dtype.name).get_function("values_at_points")
    kernel((-(-N // threads),), (threads,), arguments, shared_mem=threads * column)
    return out


@functools.cache
def _module(dtype: str) -> Any:
    source = resources.files("structlin._kernels").joinpath("tucker_points.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17", f"-DREAL={_real_types[dtype]}"))
