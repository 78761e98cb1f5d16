"""Cores of sums and products of tensor trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace


def corners(a: Any, b: Any, *, first: bool, last: bool, middle: bool) -> Any:
    """Return the core with one in its first corner and the other in its last.

    The first core of a train has one row of blocks and the last one column; ``middle`` tells
    whether the axes of the tensor are put side by side as well.
    """
    xp = namespace(a, b)
    (r, n, s), (p, m, q) = a.shape, b.shape
    shape = (r if first else r + p, n + m if middle else n, s if last else s + q)
    out = xp.zeros(shape, dtype=xp.result_type(a.dtype, b.dtype), device=device(a, b))
    out[:r, :n, :s] = a
    if first and last and not middle:
        return out + b
    out[shape[0] - p :, shape[1] - m :, shape[2] - q :] = b
    return out


def products(a: Sequence[Any], b: Sequence[Any], *, kronecker: bool) -> list[Any]:
    """Return cores of the Kronecker product, or of the entrywise one, of two trains."""
    xp, cores = namespace(*a, *b), []
    for A, B in zip(a, b, strict=True):
        (r, n, s), (p, m, q) = A.shape, B.shape
        if kronecker:
            both = A[:, None, :, None, :, None] * B[None, :, None, :, None, :]
            n = n * m
        else:
            both = A[:, None, :, :, None] * B[None, :, :, None, :]
        cores.append(xp.reshape(both, (r * p, n, s * q)))
    return cores
