"""Sketches that take random rows of an orthogonal transform of numbers with random signs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin.sketching._base import SketchingOperator, by_columns
from structlin.sketching._random import distinct

# numbers that are transformed at a time, but a cache line of columns at least
_at_once = 2**20
_least_columns = 8

# products of a row and a column of the transform are reduced in 64 bits
_most_columns = 2**60

# separates the rows that are taken from the signs
_stream_of_rows = 128


class SubsampledTransform(SketchingOperator):
    """Random rows of a transform: a subclass gives `_transform`, `_weights` and `_entries`.

    Attributes
    ----------
    columns : int
        The rows of the whole matrix, of which `block` may leave some.
    size : int
        How many numbers are transformed, and how many rows there are to take.
    """

    columns: int
    size: int

    def _transform(self, X: Any, inverse: bool) -> Any:
        """Return the transform of every column of a (size, k) block, or the inverse transform."""
        raise NotImplementedError

    @property
    def _weights(self) -> Any:
        """The signs of all columns, (m,), times the norm of a row of the whole transform."""
        raise NotImplementedError

    @functools.cached_property
    def _chosen(self) -> Any:
        """The rows of the transform that are taken: (d,) integers on the host."""
        if self.size >= _most_columns:
            raise ValueError(
                f"a transform of {self.size} numbers is needed: fewer than 2⁶⁰ are possible"
            )
        size = max(self.size, 1)  # an empty matrix has rows to be sketched to as well
        return distinct(self.seed, self._stream + _stream_of_rows, size, self.shape[0])

    @property
    def _is_whole(self) -> bool:
        return self.start == 0 and self.shape[1] == self.columns and 0 not in self.shape

    def _indices(self, values: Any) -> Any:
        return self.xp.asarray(values, dtype=self.xp.int64, device=self.device)

    def _by_columns(self, function: Callable[[Any], Any], X: Any) -> Any:
        return by_columns(function, X, max(_least_columns, _at_once // self.size), self.xp)

    def _sum(self, X: Any) -> Any:
        if not self._is_whole or not X.shape[1]:
            return super()._sum(X)
        xp, m = self.xp, X.shape[0]
        chosen, weights = self._indices(self._chosen), self._weights[:, None]

        def sketch(X: Any) -> Any:
            X = xp.astype(weights * X, X.dtype, copy=False)
            if self.size > m:
                zeros = xp.zeros((self.size - m, X.shape[1]), dtype=X.dtype, device=self.device)
                X = xp.concat((X, zeros))
            return xp.take(self._transform(X, False), chosen, axis=0)

        return self._by_columns(sketch, X)

    def _rmatmat(self, X: Any) -> Any:
        if not self._is_whole or not X.shape[1]:
            return super()._rmatmat(X)
        xp, m = self.xp, self.shape[1]
        places, weights = self._places_of_rows(), self._weights[:, None] * self.scale

        def unsketch(Y: Any) -> Any:
            zero = xp.zeros((1, Y.shape[1]), dtype=Y.dtype, device=self.device)
            Y = xp.concat((Y, zero))
            spread = functools.reduce(
                lambda Z, place: Z + xp.take(Y, place, axis=0),
                places[1:],
                xp.take(Y, places[0], axis=0),
            )
            return xp.astype(weights * self._transform(spread, True)[:m, :], Y.dtype, copy=False)

        return self._by_columns(unsketch, X)

    def _places_of_rows(self) -> list[Any]:
        """Return where each row of the transform stands in the sketch: at ``d`` if it does not.

        There are several answers where rows are taken several times.
        """
        d, found = self.shape[0], []
        for low in range(0, d, self.size):
            chosen = self._chosen[low : low + self.size]
            places = np.full(self.size, d, dtype=np.int64)
            places[chosen] = np.arange(low, low + chosen.size)
            found.append(self._indices(places))
        return found


def cosines(frequencies: Any, columns: Any, size: int, xp: Any) -> Any:
    """Return ``w cos(π f (2 j + 1) / (2 n))`` with ``w = √2``, but 1 for ``f = 0``.

    They are the entries of the cosine transform of type 2, times ``√n``.

    Parameters
    ----------
    frequencies : (d,) array of int64
        The rows ``f``.
    columns : (k,) array of int64
        The columns ``j``.
    size : int
        ``n``, below 2⁶⁰.
    xp : module
        The array library.

    Returns
    -------
    (d, k) array of float64
        The entries.
    """
    # f (2 j + 1) modulo the period 4 n, of which the last factor is taken by pieces of its bits
    size = max(size, 1)
    period = 4 * size
    rows = xp.astype(frequencies, xp.uint64)[:, None]
    odd = xp.astype(2 * columns + 1, xp.uint64)[None, :]
    width = 63 - period.bit_length()
    turns = 0 * rows * odd
    for low in reversed(range(0, (2 * size).bit_length(), width)):
        piece = (odd >> low) & (2**width - 1)
        turns = ((turns << width) + rows * piece) % period
    values = xp.cos(xp.astype(turns, xp.float64) * (math.pi / (2 * size)))
    root = math.sqrt(2.0)
    return values * (root - (root - 1.0) * xp.astype(rows == 0, xp.float64))
