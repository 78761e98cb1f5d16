"""Sketches of tensors: their rows are made of small vectors, one for each axis."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from structlin.matrices import KhatriRao, Kronecker, LinearOperator, SumOfKroneckers
from structlin.matrices.khatri_rao import hadamard, product
from structlin.sketching._base import SketchingOperator

# separates the random numbers of the axes
_streams_between = 256


class ProductSketch(SketchingOperator):
    """A sketch of vectors that are tensors: row ``i`` is ``v₁[i, :] ⊗ v₂[i, :] ⊗ …``.

    A subclass gives the ``vᵢ`` as `_factors`.

    Attributes
    ----------
    dims : tuple of int
        The sizes of the axes, of which `block` may leave some columns.
    """

    dims: tuple[int, ...]

    def __init__(
        self,
        rows: int,
        dims: Sequence[int],
        *,
        rng: Any = None,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        if not hasattr(dims, "__len__") or not len(dims):
            raise ValueError(f"dims is {dims!r}: pass the sizes of the axes, such as (20, 30)")
        self.dims = tuple(map(operator.index, dims))
        if min(self.dims) < 0:
            raise ValueError(f"dims is {self.dims}: no size is negative")
        super().__init__(rows, math.prod(self.dims), rng=rng, dtype=dtype, like=like)

    @functools.cached_property
    def _factors(self) -> tuple[Any, ...]:
        """The vectors of every axis, (d, nᵢ) each."""
        raise NotImplementedError

    def _stream_of(self, axis: int) -> int:
        return self._stream + _streams_between * axis

    @property
    def _is_whole(self) -> bool:
        whole = self.start == 0 and self.shape[1] == math.prod(self.dims)
        return whole and 0 not in self.shape

    def _places(self, start: int, stop: int) -> list[Any]:
        """Return the indices along every axis of these columns."""
        first, last = self.start + start, self.start + stop
        if last >= 2**63:
            raise ValueError(
                f"column {last - 1} has no number of 64 bits: so large a sketch is applied to "
                "Kronecker and Khatri–Rao products only"
            )
        places = self.xp.arange(first, last, dtype=self.xp.int64, device=self.device)
        return unraveled(places, self.dims)

    def _entries(self, start: int, stop: int) -> Any:
        places = self._places(start, stop)
        parts = zip(self._factors, places, strict=True)
        return hadamard([self.xp.take(F, place, axis=1) for F, place in parts])

    # products with matrices that have the same structure

    def _sketch(self, A: LinearOperator) -> Any:
        if isinstance(A, SumOfKroneckers):
            return functools.reduce(operator.add, map(self._sketch, A.terms))
        if not self._is_whole or not A.shape[1] or not isinstance(A, Kronecker | KhatriRao):
            return super()._sketch(A)
        parts = [self._part(axes, factors) for axes, factors in _groups(self.dims, A.factors)]
        return self._joined(parts, each=isinstance(A, KhatriRao))

    def _part(self, axes: range, factors: Sequence[Any]) -> Any:
        """Return the vectors of some axes times the product of some factors: (d, r)."""
        xp = self.xp
        V = xp.matrix_transpose(
            product([xp.matrix_transpose(self._factors[axis]) for axis in axes])
        )
        if isinstance(factors[0], LinearOperator):
            return Kronecker(*factors).__rmatmul__(V)
        B = product(factors)
        dtype = xp.result_type(V.dtype, B.dtype)
        return xp.matmul(xp.astype(V, dtype, copy=False), xp.astype(B, dtype, copy=False))

    def _joined(self, parts: Sequence[Any], each: bool) -> Any:
        """Return the entrywise product of (d, r) arrays, or every column of one with each other."""
        if each:
            return hadamard(parts)
        transpose = self.xp.matrix_transpose
        return transpose(product([transpose(part) for part in parts]))

    def _formula(self) -> str:
        return f"{' × '.join(map(str, self.dims))}, {super()._formula()}"


def unraveled(places: Any, dims: Sequence[int]) -> list[Any]:
    """Return the index along every axis of places in a C-ordered tensor, which may be empty."""
    found = []
    for n in reversed(dims):
        found.append(places % max(n, 1))
        places = places // max(n, 1)
    return found[::-1]


def _groups(dims: Sequence[int], factors: Sequence[Any]) -> Iterator[tuple[range, Sequence[Any]]]:
    """Yield the axes and the factors that belong together: the fewest of as many rows in all."""
    sizes = [F.shape[0] for F in factors]
    axis = factor = 0
    while axis < len(dims) and factor < len(sizes):
        first_axis, first_factor = axis, factor
        n, m = dims[axis], sizes[factor]
        axis, factor = axis + 1, factor + 1
        while n != m:
            if n < m:
                n, axis = n * dims[axis], axis + 1
            else:
                m, factor = m * sizes[factor], factor + 1
        # what is left when one of them ends has size one
        if axis == len(dims) or factor == len(sizes):
            axis, factor = len(dims), len(sizes)
        yield range(first_axis, axis), factors[first_factor:factor]
