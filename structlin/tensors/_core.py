"""What the two kinds of core have in common: arrays, and tensor trains.

Every function here takes either; a `TensorTrain` has methods of the same names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import norm as norm_of_array
from structlin.matrices import Dense
from structlin.matrices._base import conjugate
from structlin.matrices._modes import mode_product as mode_product_in_memory
from structlin.tensors._truncation import truncated as truncated_array
from structlin.tensors.tensor_train import TensorTrain


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


def mode_product(T: Any, matrix: Any, axis: int) -> Any:
    """Return an array times a matrix (m, n) along one axis of length n."""
    xp, shape = namespace(T, matrix), tuple(T.shape)
    left, right = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    dtype = xp.result_type(T.dtype, matrix.dtype)
    T, matrix = xp.astype(T, dtype, copy=False), xp.astype(matrix, dtype, copy=False)
    out = mode_product_in_memory(Dense(matrix), T, left, right)
    return xp.reshape(out, (*shape[:axis], matrix.shape[0], *shape[axis + 1 :]))


def direct_sum(a: Any, b: Any) -> Any:
    """Return the core with one in its first corner and the other in its last."""
    a, b = _of_one_kind(a, b)
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
    a, b = _of_one_kind(a, b)
    if isinstance(a, TensorTrain):
        return a.kronecker(b)
    xp, d = namespace(a, b), a.ndim
    both = xp.tensordot(a, b, axes=0)
    order = tuple(axis for pair in zip(range(d), range(d, 2 * d), strict=True) for axis in pair)
    shape = tuple(m * n for m, n in zip(a.shape, b.shape, strict=True))
    return xp.reshape(xp.permute_dims(both, order), shape)


def inner(a: Any, b: Any) -> Any:
    """Return ``Σ conj(a) b``, a scalar array."""
    a, b = _of_one_kind(a, b)
    if isinstance(a, TensorTrain):
        return a.inner(b)
    xp = namespace(a, b)
    return xp.sum(conjugate(a, xp) * b)


def norm(core: Any) -> float:
    """Return the Frobenius norm, on the host."""
    return float(core.norm()) if isinstance(core, TensorTrain) else norm_of_array(core)


def transposed(core: Any, axes: Sequence[int]) -> Any:
    """Return the core with its axes in another order."""
    if isinstance(core, TensorTrain):
        return core.transposed(axes)
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
    xp = namespace(core, *rows)
    first, *others = rows
    out = xp.tensordot(first, core, axes=1)
    for row in others:  # (N, r, …) times (N, r)
        shape = (*row.shape, *(1,) * (out.ndim - 2))
        out = xp.sum(out * xp.reshape(row, shape), axis=1)
    return out


def formed(core: Any) -> Any:
    """Return the core as an array."""
    return core.full() if isinstance(core, TensorTrain) else core


def _of_one_kind(a: Any, b: Any) -> tuple[Any, Any]:
    """Return both cores as they are, or as trains if one of them is one."""
    if isinstance(a, TensorTrain) and not isinstance(b, TensorTrain):
        return a, TensorTrain.from_array(b)
    if isinstance(b, TensorTrain) and not isinstance(a, TensorTrain):
        return TensorTrain.from_array(a), b
    return a, b
