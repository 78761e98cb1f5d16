"""Combinations of modes that are evaluated only where they are asked for."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import device, is_cupy, is_numpy, namespace
from structlin.solvers.reduced.basis import POD


class Lookup:
    """The rows of a basis at the places that have been asked for so far.

    Parameters
    ----------
    basis : POD
    """

    def __init__(self, basis: POD) -> None:
        self.basis = basis
        xp = self.xp = namespace(basis.modes)
        n = basis.rows.shape[1]
        where = device(basis.modes)
        self.n = n
        self.position = xp.full(n, -1, dtype=xp.int64, device=where)
        self.places = xp.zeros(0, dtype=xp.int64, device=where)
        self._restore()

    def _restore(self) -> None:
        xp = self.xp
        # (places, r), contiguous: products with coefficients read it from end to end
        self.rows = xp.asarray(xp.take(self.basis.rows, self.places, axis=1).T, copy=True)
        offset = self.basis.offset
        self.offset = None if offset is None else xp.take(offset, self.places)

    def find(self, indices: Any) -> Any:
        """Return where indices, of any shape, stand among the rows; new ones are added."""
        xp = self.xp
        found = _take(self.position, indices, xp)
        if not math.prod(indices.shape) or not bool(xp.min(found) < 0):
            return found
        flat = xp.reshape(indices, (-1,))
        new = xp.unique_values(xp.where(flat < 0, flat + self.n, flat))
        if bool((new[0] < 0) | (new[-1] >= self.n)):
            raise IndexError(f"indices are not all between {-self.n} and {self.n - 1}")
        new = new[_take(self.position, new, xp) < 0]
        first = self.places.shape[0]
        self.places = xp.concat((self.places, xp.astype(new, xp.int64)))
        marks = xp.arange(first, first + new.shape[0], dtype=xp.int64, device=device(self.places))
        if is_numpy(xp) or is_cupy(xp):
            self.position[new] = marks
        else:
            for k in range(new.shape[0]):
                self.position[int(new[k])] = first + k
        self._restore()
        return _take(self.position, indices, xp)

    def rows_at(self, indices: Any) -> Any:
        """Return the rows of the basis, (…, r), at indices of any shape."""
        return _take(self.rows, self.find(indices), self.xp)


class ReducedState:
    """The field ``V c`` (and the mean), of which entries are computed when they are asked for.

    It is what callables of a `ReducedModel` get for ``u``: ``u[indices]`` for an integer array of
    any shape, of places in C order; negative ones count from the end, as in NumPy.

    Attributes
    ----------
    coefficients : (r,) array
        ``c``.
    shape : tuple of int
        ``(n,)``.
    """

    def __init__(self, lookup: Lookup, coefficients: Any) -> None:
        self._lookup = lookup
        self.coefficients = coefficients
        self.shape = (lookup.n,)
        self.dtype = coefficients.dtype
        self._values: Any = None

    def __getitem__(self, indices: Any) -> Any:
        lookup = self._lookup
        if not hasattr(indices, "shape"):
            raise TypeError(f"u[{indices!r}]: pass an array of integers, places in C order")
        if not lookup.xp.isdtype(indices.dtype, "integral"):
            raise TypeError(f"u[…] with {indices.dtype}: pass an array of integers, no mask")
        place = lookup.find(indices)
        if self._values is None or self._values.shape[0] != lookup.rows.shape[0]:
            values = lookup.xp.matmul(lookup.rows, self.coefficients)
            self._values = values if lookup.offset is None else values + lookup.offset
        return _take(self._values, place, lookup.xp)

    def __repr__(self) -> str:
        r = self.coefficients.shape[0]
        return f"<ReducedState of {self.shape[0]} entries, {r} coefficients>"


def _take(x: Any, indices: Any, xp: Any) -> Any:
    """Return the entries or rows of an array at indices of any shape."""
    if is_numpy(xp) or is_cupy(xp):
        return x[indices]
    flat = xp.take(x, xp.reshape(indices, (-1,)), axis=0)
    return xp.reshape(flat, (*indices.shape, *x.shape[1:]))
