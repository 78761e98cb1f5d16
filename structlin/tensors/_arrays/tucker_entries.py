"""What a Tucker tensor is made of, its entries and its parts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, type_name
from structlin._validation import common_type
from structlin.matrices._base import size_text
from structlin.tensors import _core
from structlin.tensors._entries import Entries
from structlin.tensors._indices import inside, places, spread
from structlin.tensors._memory import itemsize
from structlin.tensors._report import Compression
from structlin.tensors.tensor_train import TensorTrain

# bytes of a block of the tensor, and entries of the products in a block of points
_block, _at_once = 2**26, 2**20


class TuckerEntries(Entries):
    """A core and a matrix for every axis, and what they are entry by entry."""

    _cure = "go through its blocks(), take a part of it by indexing, or raise max_bytes"

    def __init__(
        self, core: Any, factors: Sequence[Any], *, report: Compression | None = None
    ) -> None:
        factors = list(factors)
        self.xp: ModuleType = namespace(core, *factors)
        self.device: Any = device(core, *factors)
        if len(factors) != core.ndim:
            raise ValueError(
                f"the core has {core.ndim} axes, and there are {len(factors)} factors: one factor "
                "is needed for every axis"
            )
        for axis, factor in enumerate(factors):
            if factor.ndim != 2 or factor.shape[1] != core.shape[axis]:
                raise ValueError(
                    f"factor {axis} has shape {tuple(factor.shape)}, and the core has shape "
                    f"{tuple(core.shape)}: the factor needs two axes and {core.shape[axis]} columns"
                )
        self.dtype = common_type(self.xp, core.dtype, *(factor.dtype for factor in factors))
        if isinstance(core, TensorTrain):
            self.core: Any = core.astype(self.dtype)
        else:
            self.core = self.xp.astype(core, self.dtype, copy=False)
        self.factors = tuple(self.xp.astype(U, self.dtype, copy=False) for U in factors)
        self.shape = tuple(int(U.shape[0]) for U in factors)
        self.ranks = tuple(int(U.shape[1]) for U in factors)
        self.ndim = len(factors)
        self.report = report

    def __repr__(self) -> str:
        sizes, ranks = size_text(self.shape), size_text(self.ranks)
        kind = ", tensor-train core" if isinstance(self.core, TensorTrain) else ""
        return f"<Tucker {sizes} {type_name(self.dtype)}, ranks {ranks}{kind}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.core, list(self.factors)), {"report": self.report}

    @property
    def parameters(self) -> int:
        """How many numbers are stored."""
        train = isinstance(self.core, TensorTrain)
        stored = self.core.parameters if train else math.prod(self.core.shape)
        return int(stored) + sum(n * r for n, r in zip(self.shape, self.ranks, strict=True))

    @property
    def nbytes(self) -> int:
        """How many bytes are stored."""
        return self.parameters * itemsize(self.dtype)

    def _full(self) -> Any:
        return _core.formed(_core.mode_products(self.core, self.factors))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not is_numpy(self.xp):
            raise TypeError("the tensor is not on the host: take full() and move that")
        if copy is False:
            raise ValueError("the tensor is not stored as an array: it cannot come without a copy")
        return np.asarray(self.full(), dtype=dtype)

    def blocks(self, *, max_bytes: int = _block) -> Iterator[tuple[tuple[slice, ...], Any]]:
        """Yield the tensor block by block, in C order.

        Parameters
        ----------
        max_bytes : int
            The largest size of a block; blocks have one entry at least.

        Yields
        ------
        slices : tuple of slice
            Where the block is.
        block : array
            What is there.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import Tucker
        >>> T = Tucker(np.ones((1, 1)), [np.ones((4, 1)), np.arange(3.0)[:, None]])
        >>> out = np.zeros(T.shape)  # or numpy.lib.format.open_memmap(...)
        >>> for where, block in T.blocks(max_bytes=48):
        ...     out[where] = block
        >>> out.sum(axis=0)
        array([0., 4., 8.])
        """
        left = max(max_bytes // itemsize(self.dtype), 1)
        steps = []
        for n in reversed(self.shape):  # later axes whole, as long as they fit
            steps.append(max(min(n, left), 1))
            left //= steps[-1]
        cuts = [
            [slice(start, min(start + step, n)) for start in range(0, n, step)]
            for n, step in zip(self.shape, reversed(steps), strict=True)
        ]
        for where in itertools.product(*cuts):
            rows = [U[part, :] for U, part in zip(self.factors, where, strict=True)]
            yield where, _core.formed(_core.mode_products(self.core, rows))

    def _points_at_once(self) -> int:
        return max(_at_once // max(math.prod(self.ranks[1:]), 1), 1)

    def _at(self, indices: Any) -> Any:
        rows = [self.xp.take(U, indices[:, k], axis=0) for k, U in enumerate(self.factors)]
        return _core.entries(self.core, rows)

    def __getitem__(self, key: Any) -> Any:
        xp, keys = self.xp, spread(key, self.ndim)
        keys = [xp.asarray(k, device=self.device) if isinstance(k, list) else k for k in keys]
        arrays = [axis for axis, k in enumerate(keys) if getattr(k, "ndim", 0)]
        if len(arrays) > 1:
            return self._at_arrays(keys)
        factors, gone = list(self.factors), {}
        for axis, k in enumerate(keys):
            if axis in arrays:
                factors[axis] = xp.take(factors[axis], self._selected(k, axis), axis=0)
            elif isinstance(k, slice):
                factors[axis] = factors[axis][k, :]
            else:
                gone[axis] = factors[axis][inside(k, axis, self.shape[axis]), :]
        return self._contracted(factors, gone)

    def _selected(self, key: Any, axis: int) -> Any:
        """Return the indices of an array or mask for one axis, none negative."""
        xp, n = self.xp, self.shape[axis]
        if key.ndim != 1:
            raise IndexError(f"the index of axis {axis} has {key.ndim} dimensions: it needs one")
        if xp.isdtype(key.dtype, "bool"):
            if key.shape[0] != n:
                raise IndexError(
                    f"a mask of {key.shape[0]} entries is given for {n} of axis {axis}"
                )
            return xp.nonzero(key)[0]
        if 0 in key.shape:
            return xp.astype(key, xp.int64)
        return places(key[:, None], (n,), xp, self.device)[:, 0]

    def _contracted(self, factors: Sequence[Any], gone: Mapping[int, Any]) -> Any:
        """Return the tensor with other factors, and without the axes of these vectors."""
        if len(gone) == self.ndim:
            return _core.entries(self.core, [gone[axis][None, :] for axis in range(self.ndim)])[0]
        core = self.core
        for axis in sorted(gone, reverse=True):
            core = _core.contracted(core, axis, gone[axis])
        return type(self)(core, [U for axis, U in enumerate(factors) if axis not in gone])
