"""Indices of entries and of parts of a tensor."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import EllipsisType, ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace


class Indexed(ABC):
    """A tensor that is not stored entry by entry: what it says of single entries.

    Subclasses have ``shape``, ``xp`` and ``device``.
    """

    __array_ufunc__ = None  # NumPy's scalars then leave `2.0 * T` to this class

    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of entries of the tensor."""
        return math.prod(self.shape)

    def at(self, indices: Any) -> Any:
        """Return the entries at these places.

        Parameters
        ----------
        indices : (N, d) array of int
            A place in every row; negative indices count from the end.

        Returns
        -------
        (N,) array

        Raises
        ------
        IndexError
            If a place is outside of the tensor.
        """
        indices = places(indices, self.shape, namespace(self), device(self))
        count, step = int(indices.shape[0]), self._points_at_once()
        parts = [
            self._at(indices[start : min(start + step, count), :])
            for start in range(0, max(count, 1), step)
        ]
        return parts[0] if len(parts) == 1 else namespace(self).concat(parts)

    @abstractmethod
    def _points_at_once(self) -> int:
        """Return how many places make a block."""

    @abstractmethod
    def _at(self, indices: Any) -> Any:
        """Return the entries at a block of places, none of them negative."""

    def _at_arrays(self, keys: Sequence[Any]) -> Any:
        """Return the entries at arrays of indices, which are broadcast against each other."""
        xp, where = namespace(self), device(self)
        if any(isinstance(key, slice) for key in keys):
            raise IndexError(
                "arrays of indices and slices are mixed: pass an array or an integer for every axis"
            )
        arrays = xp.broadcast_arrays(*(xp.asarray(key, device=where) for key in keys))
        rows = xp.stack([xp.reshape(array, (-1,)) for array in arrays], axis=1)
        return xp.reshape(self.at(rows), tuple(arrays[0].shape))


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
