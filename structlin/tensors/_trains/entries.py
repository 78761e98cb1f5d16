"""What a tensor train stores, and the entries of the tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Self

from structlin._backend import device, namespace, type_name
from structlin._validation import common_type, require_cast
from structlin.matrices._base import size_text
from structlin.tensors._blocks import by_blocks
from structlin.tensors._entries import Entries
from structlin.tensors._indices import inside, spread
from structlin.tensors._trains.sweeps import times_left, times_right

# entries of the products in a block of points: they stay in the cache
_block = 2**17


class TrainEntries(Entries):
    """The cores of a train, and the entries of the tensor."""

    def __init__(self, cores: Sequence[Any]) -> None:
        cores = list(cores)
        if not cores:
            raise ValueError("there are no cores: a tensor train needs one for every axis")
        xp = namespace(*cores)
        self.device: Any = device(*cores)
        before = 1
        for k, core in enumerate(cores):
            if core.ndim != 3 or core.shape[0] != before:
                raise ValueError(
                    f"core {k} has shape {tuple(core.shape)}: it needs three axes, the first of "
                    f"length {before}" + (", as the last axis of the one before" if k else "")
                )
            before = core.shape[2]
        if before != 1:
            raise ValueError(
                f"the last core has shape {tuple(cores[-1].shape)}: its last axis needs length 1"
            )
        self.dtype: Any = common_type(xp, *(core.dtype for core in cores))
        if any(core.shape[2] == 0 for core in cores):  # a sum of no terms
            like: dict[str, Any] = {"dtype": self.dtype, "device": self.device}
            cores = [xp.zeros((1, core.shape[1], 1), **like) for core in cores]
        self.cores = tuple(xp.astype(core, self.dtype, copy=False) for core in cores)
        self.shape = tuple(int(core.shape[1]) for core in cores)
        self.ranks = tuple(int(core.shape[2]) for core in cores[:-1])
        self.ndim = len(cores)

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(*self.cores)

    @property
    def parameters(self) -> int:
        """How many numbers are stored."""
        return sum(math.prod(core.shape) for core in self.cores)

    def __repr__(self) -> str:
        ranks = f", ranks {size_text(self.ranks)}" if self.ranks else ""
        return f"<{type(self).__name__} {size_text(self.shape)} {type_name(self.dtype)}{ranks}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"cores": self.cores}

    def __setstate__(self, state: dict[str, Any]) -> None:
        TrainEntries.__init__(self, state["cores"])

    def astype(self, dtype: Any) -> Self:
        """Return the tensor with another floating-point data type, complex if it is so now."""
        dtype = require_cast(self.dtype, dtype, self.xp)
        if dtype == self.dtype:
            return self
        return type(self)([self.xp.astype(core, dtype) for core in self.cores])

    # entries

    def _full(self) -> Any:
        xp = self.xp
        out = xp.ones((1, 1), dtype=self.dtype, device=self.device)
        for core in self.cores:
            r, n, s = core.shape
            out = xp.matmul(out, xp.reshape(core, (r, n * s)))
            out = xp.reshape(out, (out.shape[0] * n, s))
        return xp.reshape(out, self.shape)

    def entries(self, rows: Sequence[Any]) -> Any:
        """Return ``Σ T[i, j, …] rows[0][p, i] rows[1][p, j] …`` of every point ``p``.

        Parameters
        ----------
        rows : sequence of (N, n) arrays
            A row of weights for every point, one array for every axis.

        Returns
        -------
        (N,) array

        Notes
        -----
        ``O(N d n r²)`` operations, by products of matrices for a block of points after another.
        """
        namespace(self, *rows)  # one for all
        count = rows[0].shape[0]
        if [row.shape for row in rows] != [(count, n) for n in self.shape]:
            raise ValueError(
                f"rows have shapes {[tuple(row.shape) for row in rows]}, and the tensor has shape "
                f"{self.shape}: as many columns are needed for every axis, and equally many rows"
            )
        widest = max(n * max(r, s) for r, n, s in (core.shape for core in self.cores))
        step = max(_block // max(widest, 1), 64)
        return by_blocks(lambda block: self._entries([row[block, :] for row in rows]), count, step)

    def _entries(self, rows: Sequence[Any]) -> Any:
        xp, count = self.xp, rows[0].shape[0]
        out = xp.ones((count, 1), dtype=self.dtype, device=self.device)
        for row, core in zip(rows, self.cores, strict=True):
            r, n, s = core.shape
            if r <= s:
                both = xp.reshape(out[:, :, None] * row[:, None, :], (count, r * n))
                out = xp.matmul(both, xp.reshape(core, (r * n, s)))
            else:
                both = xp.reshape(xp.matmul(out, xp.reshape(core, (r, n * s))), (count, n, s))
                out = xp.matmul(row[:, None, :], both)[:, 0, :]
        return out[:, 0]

    def _points_at_once(self) -> int:
        widest: int = max(core.shape[0] * core.shape[2] for core in self.cores)
        return max(_block // widest, 64)

    def _at(self, indices: Any) -> Any:
        xp = self.xp
        stacks = [xp.permute_dims(core, (1, 0, 2)) for core in self.cores]
        out = xp.take(stacks[0], indices[:, 0], axis=0)
        for k, stack in enumerate(stacks[1:], start=1):
            out = xp.matmul(out, xp.take(stack, indices[:, k], axis=0))
        return out[:, 0, 0]

    def __getitem__(self, key: Any) -> Any:
        """Return an entry, a part of the tensor, or entries at arrays of indices.

        Integers drop an axis and slices keep it, as in NumPy: what is left is a tensor train, or
        an entry if nothing is. Arrays of integers, one for every axis, are broadcast against each
        other and give the array of these entries.
        """
        keys = spread(key, self.ndim)
        keys = [self.xp.asarray(k, device=self.device) if isinstance(k, list) else k for k in keys]
        if any(getattr(k, "ndim", 0) for k in keys):
            return self._at_arrays(keys)
        parts = []
        for axis, (k, core) in enumerate(zip(keys, self.cores, strict=True)):
            place = k if isinstance(k, slice) else inside(k, axis, core.shape[1])
            parts.append(core[:, place, :])
        return self._joined(parts)

    def _joined(self, parts: Sequence[Any]) -> Any:
        """Return what cores (r, n, s) and matrices (r, s), whose axis is gone, are together."""
        cores: list[Any] = []
        pending = None  # matrices that wait for the next core
        for part in parts:
            if part.ndim == 2:
                pending = part if pending is None else self.xp.matmul(pending, part)
                continue
            cores.append(part if pending is None else times_left(pending, part))
            pending = None
        if pending is not None:
            if not cores:
                return pending[0, 0]
            cores[-1] = times_right(cores[-1], pending)
        return type(self)(cores)
