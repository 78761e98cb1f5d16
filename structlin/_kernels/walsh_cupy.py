"""GPU twin of the Walsh–Hadamard transform; the CUDA source is ``walsh.cu``."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import cupy as cp
import numpy as np

_real_types = {"float32": "float", "float64": "double"}
_threads = 256
# numbers of a piece or tile, which shared memory holds, and levels of a tile
_near, _tile_levels = 2**12, 8
# blocks of a launch
_most = 2**20


def walsh_transform(X: Any) -> Any:
    """Return the product with the Hadamard matrix of Sylvester's construction."""
    n = X.shape[0]
    out = cp.array(X, order="C", copy=True)
    if not out.size:
        return out
    real = X.real.dtype
    target = out.view(real).ravel()
    step = target.size // n
    rows = min(n, 1 << (max(_near // step, 1).bit_length() - 1))
    if rows > 1:
        piece = np.int32(rows * step), np.int32(step)
        _launch("near_levels", real, n // rows, (target, np.int64(n // rows), *piece))
    while rows < n:
        tall = min(n // rows, 2**_tile_levels)
        width, inner = max(1, _near // tall), rows * step
        across = -(-inner // width)
        tiles = n // (rows * tall) * across
        sizes = np.int64(tiles), np.int64(inner), np.int64(across), np.int32(tall), np.int32(width)
        _launch("far_levels", real, tiles, (target, *sizes))
        rows *= tall
    return out


def _launch(name: str, real: Any, blocks: int, arguments: tuple[Any, ...]) -> None:
    shared = _near * real.itemsize
    kernel = _module(real.name).get_function(name)
    kernel((min(blocks, _most),), (_threads,), arguments, shared_mem=shared)


@functools.cache
def _module(dtype: str) -> Any:
    source = resources.files("structlin._kernels").joinpath("walsh.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17", f"-DREAL={_real_types[dtype]}"))
