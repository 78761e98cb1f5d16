"""A function along lines that are parallel to an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin.tensors._blocks import by_blocks
from structlin.tensors.tensor_train import TensorTrain

# entries of the products in a block of lines
_block = 2**22


def line_coefficients(core: Any, rows: Sequence[Any], axis: int) -> Any:
    """Return what is left of the core on lines: weights of the functions of one variable.

    Parameters
    ----------
    core : (r1, …, rd) array or TensorTrain
        The core.
    rows : sequence of (N, rk) arrays
        The functions of the other variables where the lines are; that of the axis is not read.
    axis : int
        To which the lines are parallel.

    Returns
    -------
    (N, r) array
    """
    count = rows[axis - 1].shape[0]
    if isinstance(core, TensorTrain):
        widest = max(part.shape[1] * max(part.shape[0], part.shape[2]) for part in core.cores)
    else:
        widest = math.prod(core.shape) // max(core.shape[axis - 1], 1)
    of_block: Callable[..., Any] = (
        _through_train if isinstance(core, TensorTrain) else _through_array
    )
    step = max(_block // max(widest, 1), 1)
    return by_blocks(
        lambda block: of_block(core, [row[block, :] for row in rows], axis), count, step
    )


def _through_array(core: Any, rows: Sequence[Any], axis: int) -> Any:
    xp = namespace(core)
    out = xp.moveaxis(core, axis, -1)
    others = [row for k, row in enumerate(rows) if k != axis]
    if not others:
        return xp.broadcast_to(core[None, :], (rows[axis].shape[0], core.shape[0]))
    for number, row in enumerate(others):
        if not number:
            out = xp.tensordot(row, out, axes=1)
            continue
        count, r = row.shape
        flat = xp.reshape(out, (count, r, math.prod(out.shape[2:])))
        out = xp.reshape(xp.matmul(row[:, None, :], flat), (count, *out.shape[2:]))
    return out


def _through_train(train: TensorTrain, rows: Sequence[Any], axis: int) -> Any:
    xp, count = train.xp, rows[axis - 1].shape[0]
    left = xp.ones((count, 1), dtype=train.dtype, device=device(train))
    for row, part in zip(rows[:axis], train.cores[:axis], strict=True):
        r, n, s = part.shape
        both = xp.reshape(left[:, :, None] * row[:, None, :], (count, r * n))
        left = xp.matmul(both, xp.reshape(part, (r * n, s)))
    right = xp.ones((count, 1), dtype=train.dtype, device=device(train))
    behind = zip(rows[axis + 1 :], train.cores[axis + 1 :], strict=True)
    for row, part in reversed(list(behind)):
        r, n, s = part.shape
        both = xp.reshape(row[:, :, None] * right[:, None, :], (count, n * s))
        right = xp.matmul(both, xp.matrix_transpose(xp.reshape(part, (r, n * s))))
    r, n, s = train.cores[axis].shape
    out = xp.reshape(xp.matmul(left, xp.reshape(train.cores[axis], (r, n * s))), (count, n, s))
    return xp.matmul(out, right[:, :, None])[:, :, 0]
