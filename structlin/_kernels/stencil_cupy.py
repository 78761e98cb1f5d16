"""GPU twin of the red-black relaxation; the CUDA source stands in ``stencil.cu``."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import cupy as cp
import numpy as np

from structlin._kernels import stencil
from structlin._norm import norm

_real_types = {"float32": "float", "float64": "double"}
_threads = (64, 4)

# laid out as the structures in stencil.cu
_box_type = np.dtype([(name, np.int32) for name in ("n0", "n1", "n2", "wrap0", "wrap1", "wrap2")])
_weight_type = np.dtype([("values", np.uint64), ("strides", np.int64, 3)])


def relax_red_black(
    x: Any,
    b: Any,
    diagonal: Any,
    weights: stencil.Weights,
    periodic: stencil.Flags,
    omega: float,
    target: float,
    ceiling: float,
    norms: Any,
) -> tuple[Any, int]:
    """Sweep red points, then black ones, until a residual norm leaves ``[target, ceiling]``.

    Every norm is brought to the host, which waits for the sweep. Complex data and grids of more
    planes than a launch has blocks go through the plain twin.
    """
    leading = 3 - x.ndim
    box = (1,) * leading + x.shape
    if x.dtype.name not in _real_types or box[0] > 65535 or box[1] > 65535 * _threads[1]:
        return stencil.relax_red_black(
            x, b, diagonal, weights, periodic, omega, target, ceiling, norms
        )
    x, b = cp.array(x, order="C"), cp.ascontiguousarray(b)
    r = cp.empty_like(x)
    nothing = cp.zeros((1, 1, 1), x.dtype)
    arrays = [nothing] * leading
    arrays += [cp.ascontiguousarray(w.reshape((1,) * leading + w.shape)) for w in weights]
    d = cp.ascontiguousarray(diagonal.reshape((1,) * leading + diagonal.shape))
    description = (
        _structure(_box_type, *box, *(False,) * leading, *periodic),
        *(_structure(_weight_type, w.data.ptr, _strides(w)) for w in (d, *arrays)),
    )
    module = _module(x.dtype.name)
    relax, residual = module.get_function("relax_color"), module.get_function("write_residual")
    halves = (-(-((box[2] + 1) // 2) // _threads[0]), -(-box[1] // _threads[1]), box[0])
    lines = (-(-box[2] // _threads[0]), *halves[1:])
    step = x.dtype.type(omega)
    for k in range(1, norms.size):
        for color in range(2):
            relax(halves, (*_threads, 1), (x, b, *description, step, np.int32(color)))
        residual(lines, (*_threads, 1), (r, x, b, *description))
        norms[k] = norm(r)
        if not target <= norms[k] <= ceiling:
            return x, k
    return x, norms.size - 1


def _strides(w: Any) -> list[int]:
    return [s // w.itemsize if n > 1 else 0 for s, n in zip(w.strides, w.shape, strict=True)]


def _structure(kind: Any, *fields: Any) -> Any:
    """Return one structure, as the host array that CuPy passes to a kernel by value."""
    return np.array([fields], dtype=kind)


@functools.cache
def _module(dtype: str) -> Any:
    source = resources.files("structlin._kernels").joinpath("stencil.cu").read_text()
    return cp.RawModule(code=source, options=("--std=c++17", f"-DREAL={_real_types[dtype]}"))
