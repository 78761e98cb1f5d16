"""GPU twin of `structlin._kernels.khatri_rao_core`; the CUDA source is ``khatri_rao_core.cu``."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from importlib import resources
from typing import Any

import cupy as cp
import numpy as np

from structlin._kernels import khatri_rao_core as plain

_real_types = {"float32": "float", "float64": "double"}
_tile = 64
# blocks of a launch along its second axis
_most = 65_535


def khatri_rao_core(weights: Any, factors: Sequence[Any]) -> Any:
    """Twin of `structlin._kernels.khatri_rao_core.khatri_rao_core` for 2 or 3 real factors."""
    shape, terms = [len(U) for U in factors], len(weights)
    if len(shape) not in (2, 3) or weights.dtype.name not in _real_types or 0 in (*shape, terms):
        return plain.khatri_rao_core(weights, factors)
    left, middle, *last = (cp.ascontiguousarray(U) for U in (factors[0] * weights, *factors[1:]))
    right = last[0] if last else cp.ones((1, terms), dtype=weights.dtype)
    out = cp.empty(shape, dtype=weights.dtype)
    width = math.prod(shape[1:])
    blocks = -(-shape[0] // _tile), min(-(-width // _tile), _most)
    sizes = np.int32(shape[0]), np.int32(shape[1]), np.int32(len(right)), np.int64(terms)
    run = _module(weights.dtype.name).get_function("khatri_rao_core")
    run(blocks, (16, 16), (out, left, middle, right, *sizes))
    return out


@functools.cache
def _module(dtype: str) -> Any:
    source = resources.files("structlin._kernels").joinpath("khatri_rao_core.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17", f"-DREAL={_real_types[dtype]}"))
