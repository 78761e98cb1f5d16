"""GPU twins of the products with stacked CountSketches; the CUDA source is ``sparse_stack.cu``.

A sum has one thread, which adds the rows in their order: the bits are those of the CPU.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import cupy as cp
import numpy as np

_real_types = {"float32": "float", "float64": "double"}
_threads = (64, 4)
# blocks of a launch along its second axis
_most = 65_535


def add_hits(Y: Any, X: Any, hits: Any) -> Any:
    """Return ``Y`` with the rows of ``X`` added where they hit, one after the other."""
    if 0 in (*X.shape, Y.shape[0]):
        return Y
    made = cp.ascontiguousarray(Y)
    real = X.real.dtype
    ends, order = _plan(hits, Y.shape[0])
    steps = [np.int64(stride // real.itemsize) for stride in X.strides]
    parts = X.itemsize // real.itemsize
    d, n = Y.shape[0], parts * Y.shape[1]
    arguments = made, X, *steps, np.int32(parts), ends, order, np.int32(d), np.int32(n)
    _launch("add_hits", real, d, n, arguments)
    if made is not Y:
        Y[...] = made
    return Y


def _plan(hits: Any, d: int) -> tuple[Any, Any]:
    """Return where the hits of each sum end, and all hits by sum, their rows in order.

    A hit of a sum is twice the row, plus one for the sign.
    """
    flat = hits.astype(cp.int64).ravel()
    rows = cp.arange(flat.size, dtype=cp.int64) // hits.shape[1]
    keys = cp.sort((flat >> 1 << 32) | (rows << 1) | (flat & 1))
    limits = cp.arange(1, d + 1, dtype=cp.int64) << 32
    return cp.searchsorted(keys, limits).astype(cp.int64), (keys & 0xFFFFFFFF).astype(cp.int32)


def gather_hits(Y: Any, hits: Any) -> Any:
    """Return, for every row of hits, the sum of the rows of ``Y`` with their signs."""
    rows, nonzeros = hits.shape
    out = cp.zeros((rows, Y.shape[1]), dtype=Y.dtype)
    if out.size and Y.size:
        real = Y.real.dtype
        n = Y.shape[1] * (Y.itemsize // real.itemsize)
        sizes = map(np.int32, (nonzeros, rows, n))
        arguments = out, cp.ascontiguousarray(Y), cp.ascontiguousarray(hits), *sizes
        _launch("gather_hits", real, rows, n, arguments)
    return out


def _launch(name: str, real: Any, rows: int, n: int, arguments: tuple[Any, ...]) -> None:
    blocks = -(-n // _threads[0]), min(-(-rows // _threads[1]), _most)
    _module(real.name).get_function(name)(blocks, _threads, arguments)


@functools.cache
def _module(dtype: str) -> Any:
    source = resources.files("structlin._kernels").joinpath("sparse_stack.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17", f"-DREAL={_real_types[dtype]}"))
