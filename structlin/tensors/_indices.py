"""Indices of entries and of parts of a tensor."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from types import EllipsisType, ModuleType
from typing import Any

import numpy as np


def spread(key: Any, ndim: int) -> list[Any]:
    """Return an index for every axis, of what stands between square brackets."""
    keys = list(key) if isinstance(key, tuple) else [key]
    dots = [k for k, part in enumerate(keys) if isinstance(part, EllipsisType)]
    given = len(keys) - len(dots)
    if given > ndim or len(dots) > 1:
        raise IndexError(f"{given} indices and {len(dots)} ellipses for a tensor of {ndim} axes")
    place = dots[0] if dots else given
    return keys[:place] + [slice(None)] * (ndim - given) + keys[place + len(dots) :]


def inside(key: Any, axis: int, size: int) -> int:
    """Return an index that is not negative."""
    try:
        place = None if isinstance(key, bool | np.bool) else operator.index(key)
    except TypeError:
        place = None
    if place is None:
        raise IndexError(
            f"the index of axis {axis} is {key!r}: pass an integer, a slice or an array"
        )
    if not -size <= place < size:
        raise IndexError(f"index {place} of axis {axis} is outside of its {size} entries")
    return place % size


def places(indices: Any, shape: Sequence[int], xp: ModuleType, where: Any) -> Any:
    """Return places (N, d) as integers of this library that are not negative."""
    if isinstance(indices, np.ndarray | list | tuple):
        indices = xp.asarray(np.asarray(indices), device=where)
    wrong = indices.ndim != 2 or indices.shape[1] != len(shape)
    if wrong or not xp.isdtype(indices.dtype, "integral"):
        raise IndexError(
            f"indices has shape {tuple(indices.shape)} and dtype {indices.dtype}: pass integers of "
            f"shape (N, {len(shape)}), a place in every row"
        )
    sizes = xp.asarray(shape, dtype=xp.int64, device=where)
    indices = xp.astype(indices, xp.int64)
    good = xp.all((indices >= -sizes) & (indices < sizes), axis=1)
    if not bool(xp.all(good)):
        row = int(xp.argmin(xp.astype(good, xp.int8)))
        place = [int(indices[row, k]) for k in range(len(shape))]
        raise IndexError(f"row {row} of indices is {place}: the tensor has shape {tuple(shape)}")
    return xp.where(indices < 0, indices + sizes, indices)
