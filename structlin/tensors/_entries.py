"""What tensors that are not stored as arrays have in common: they are asked for their entries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin.tensors._blocks import by_blocks
from structlin.tensors._indices import places
from structlin.tensors._memory import default_bytes, require_memory


class Entries:
    """A tensor with an array library ``xp`` and a ``device`` that makes its entries when asked."""

    __array_ufunc__ = None  # NumPy's scalars then leave `2.0 * T` to this class

    shape: tuple[int, ...]
    dtype: Any
    _cure = "take a part of it by indexing, or raise max_bytes"

    @property
    def size(self) -> int:
        """The number of entries of the tensor."""
        return math.prod(self.shape)

    def full(self, *, max_bytes: int = default_bytes) -> Any:
        """Return the tensor as an array.

        Raises
        ------
        MemoryError
            If it takes more than ``max_bytes``.
        """
        require_memory(self.shape, self.dtype, "the tensor", self._cure, max_bytes)
        return self._full()

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
        count, step = indices.shape[0], self._points_at_once()
        return by_blocks(lambda block: self._at(indices[block, :]), count, step)

    def _full(self) -> Any:
        """Return all entries."""
        raise NotImplementedError

    def _points_at_once(self) -> int:
        """Return how many places make a block."""
        raise NotImplementedError

    def _at(self, indices: Any) -> Any:
        """Return the entries at a block of places, none of them negative."""
        raise NotImplementedError

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
