"""What the two kinds of core have in common: arrays, and tensor trains.

Every function here takes either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin._kernels import tucker_points
from structlin._norm import column_norms, norm as norm_of_array
from structlin.matrices._base import conjugate
from structlin.tensors._arrays.truncation import truncated as truncated_array
from structlin.tensors._arrays.unfoldings import mode_product
from structlin.tensors._trains.sweeps import move_left, move_right
from structlin.tensors.tensor_train import TensorTrain

# entries up to which a core is an array: of any number of axes, and of up to four
_few, _many = 100, 10**6


def mode_products(core: Any, matrices: Sequence[Any]) -> Any:
    """Return the core times a matrix (m, r) along every axis; None leaves an axis alone."""
    if isinstance(core, TensorTrain):
        return core.mode_products(matrices)
    # those that make the tensor smaller come first
    growth = {
        axis: matrix.shape[0] / max(matrix.shape[1], 1)
        for axis, matrix in enumerate(matrices)
        if matrix is not None
    }
    for axis in sorted(growth, key=growth.__getitem__):
        core = mode_product(core, matrices[axis], axis)
    return core


def direct_sum(a: Any, b: Any) -> Any:
    """Return the core with one in its first corner and the other in its last."""
    a, b = of_one_kind(a, b)
    if isinstance(a, TensorTrain):
        return a.direct_sum(b)
    xp = namespace(a, b)
    shape = tuple(m + n for m, n in zip(a.shape, b.shape, strict=True))
    out = xp.zeros(shape, dtype=xp.result_type(a.dtype, b.dtype), device=device(a, b))
    out[tuple(slice(0, n) for n in a.shape)] = a
    out[tuple(slice(n, None) for n in a.shape)] = b
    return out


def kronecker(a: Any, b: Any) -> Any:
    """Return the core of the entrywise product: entry (i s + k, …) is ``a[i, …] b[k, …]``."""
    a, b = of_one_kind(a, b)
    if isinstance(a, TensorTrain):
        return a.kronecker(b)
    xp, d = namespace(a, b), a.ndim
    both = xp.tensordot(a, b, axes=0)
    order = tuple(axis for pair in zip(range(d), range(d, 2 * d), strict=True) for axis in pair)
    shape = tuple(m * n for m, n in zip(a.shape, b.shape, strict=True))
    return xp.reshape(xp.permute_dims(both, order), shape)


def inner(a: Any, b: Any) -> Any:
    """Return ``Σ conj(a) b``, a scalar array."""
    a, b = of_one_kind(a, b)
    if isinstance(a, TensorTrain):
        return a.inner(b)
    xp = namespace(a, b)
    return xp.sum(conjugate(a, xp) * b)


def norm(core: Any) -> float:
    """Return the Frobenius norm, on the host."""
    return float(core.norm()) if isinstance(core, TensorTrain) else norm_of_array(core)


def slice_norms(core: Any, axis: int, matrix: Any = None) -> Any:
    """Return the Frobenius norms of all slices along one axis, of the core or it times a matrix."""
    xp = namespace(core, matrix)
    if isinstance(core, TensorTrain):
        cores = list(core.cores)
        for k in range(len(cores) - 1, axis, -1):
            move_left(cores, k)
        for k in range(axis):
            move_right(cores, k)
        core, axis = cores[axis], 1
    front = xp.moveaxis(core, axis, 0)
    unfolded = xp.reshape(front, (front.shape[0], math.prod(front.shape[1:])))
    slices = unfolded if matrix is None else xp.matmul(matrix, unfolded)
    return column_norms(xp.matrix_transpose(slices))


def conjugated(core: Any) -> Any:
    """Return the entrywise conjugate."""
    return core.conj() if isinstance(core, TensorTrain) else conjugate(core, namespace(core))


def real_part(core: Any) -> Any:
    """Return the real part of every entry of a complex core."""
    xp = namespace(core)
    if not isinstance(core, TensorTrain):
        return xp.real(core)
    # a + bi as the matrix [[a, −b], [b, a]], of which the upper left entry is wanted
    last, parts = core.ndim - 1, []
    for k, part in enumerate(core.cores):
        a, b = xp.real(part), xp.imag(part)
        left = a if k == 0 else xp.concat([a, b], axis=0)
        right = -b if k == 0 else xp.concat([-b, a], axis=0)
        parts.append(left if k == last else xp.concat([left, right], axis=2))
    return TensorTrain(parts)


def transposed(core: Any, axes: Sequence[int], tol: float) -> Any:
    """Return the core with its axes in another order.

    ``tol`` bounds the error of a train in the Frobenius norm; there is none in arrays.
    """
    if isinstance(core, TensorTrain):
        return core.transposed(axes, tol)
    return namespace(core).permute_dims(core, tuple(axes))


def contracted(core: Any, axis: int, vector: Any) -> Any:
    """Return ``Σⱼ vector[j] core[…, j, …]``, which has one axis less."""
    if isinstance(core, TensorTrain):
        return core.contracted(axis, vector)
    xp = namespace(core, vector)
    dtype = xp.result_type(core.dtype, vector.dtype)
    core, vector = xp.astype(core, dtype, copy=False), xp.astype(vector, dtype, copy=False)
    return xp.tensordot(core, vector, axes=((axis,), (0,)))


def truncated(core: Any, tol: float = 0.0, ranks: Sequence[int] | None = None) -> Any:
    """Return a smaller core and an orthonormal (r, s) matrix per axis that leads back to it.

    ``tol`` bounds the error in the Frobenius norm, relative to that of the core.
    """
    if isinstance(core, TensorTrain):
        return core.truncated(tol, ranks)
    return truncated_array(core, tol, ranks)


def entries(core: Any, rows: Sequence[Any]) -> Any:
    """Return ``Σ core[i, j, …] rows[0][p, i] rows[1][p, j] …`` of every point ``p``."""
    if isinstance(core, TensorTrain):
        return core.entries(rows)
    return tucker_points.entries(core, rows)


def formed(core: Any) -> Any:
    """Return the core as an array."""
    return core.full() if isinstance(core, TensorTrain) else core


def simplified(core: Any, tol: float) -> Any:
    """Return the core in the kind that is the easier to work with.

    Five axes or more make a train, unless there are few entries, and fewer axes an array, unless
    there are many. ``tol`` bounds the error in the Frobenius norm, relative to that of the core.
    """
    if isinstance(core, TensorTrain):
        return core.full() if core.size <= (_few if core.ndim > 4 else _many) else core
    if core.ndim > 4 and math.prod(core.shape) > _few:
        return TensorTrain.from_array(core, tol)
    return core


def of_one_kind(a: Any, b: Any) -> tuple[Any, Any]:
    """Return both cores as they are, or as trains if one of them is one."""
    if isinstance(a, TensorTrain) and not isinstance(b, TensorTrain):
        return a, TensorTrain.from_array(b)
    if isinstance(b, TensorTrain) and not isinstance(a, TensorTrain):
        return TensorTrain.from_array(a), b
    return a, b
