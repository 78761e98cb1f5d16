"""CPU twins of the products with stacked CountSketches.

Complex numbers are pairs of real ones, and the operand is seen as the memory it lies in, with
strides: one compiled function for each precision serves every layout.

The rows are gone through in order, and each is added where it hits. Threads share the columns of
the hits, which go to sums of their own, and not those of the operand: long rows are added faster
than short ones. That is also why no tiles are made, though the sums may exceed the nearer caches.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import njit

from structlin._kernels.threads import in_threads

_U, _V = np.uint64, np.uint32
_one = np.uint64(1)

# columns worth a thread
_share = 16


def hits(words: Any, part: int) -> Any:
    """Return what rows hit, from one random word for each hit."""
    out = np.empty(words.shape, dtype=np.int32)
    words = np.ascontiguousarray(words)

    def fill(low: int, high: int) -> None:
        _fill(words[low:high], np.uint64(part), out[low:high])

    in_threads(fill, words.shape[0], 2 * words.size)
    return out


@njit(cache=True, nogil=True)
def _fill(words, part, out):  # type: ignore[no-untyped-def]
    for i in range(words.shape[0]):
        for t in range(words.shape[1]):
            u = words[i, t]
            row = (_U(u >> _V(1)) * part >> _U(31)) + _U(t) * part
            out[i, t] = np.int32(row << _one | _U(u & _V(1)))


def add_hits(Y: Any, X: Any, hits: Any) -> Any:
    """Return ``Y`` with the rows of ``X`` added where they hit, one after the other."""
    nonzeros = hits.shape[1]
    if 0 in (*X.shape, Y.shape[0]):
        return Y
    made = np.require(Y, requirements=["C", "A", "W"])
    X = np.require(X, requirements=["A"])  # lives as long as its memory is read
    memory, *layout = _memory(X)
    sums = made.view(memory.dtype)
    columns = sums.shape[1]
    hits = np.ascontiguousarray(hits)
    steps = hits.size * columns

    def add_columns(low: int, high: int) -> None:
        _scatter(sums, memory, *layout, hits, low, high)

    def add_parts(low: int, high: int) -> None:
        _scatter(sums, memory, *layout, np.ascontiguousarray(hits[:, low:high]), 0, columns)

    if layout[2] == layout[3] and nonzeros >= numba.get_num_threads():
        in_threads(add_parts, nonzeros, steps)
    else:
        in_threads(add_columns, columns, steps, _share)
    if made is not Y and Y.flags.writeable:
        Y[...] = made
        return Y
    return made


class _Memory:
    """The real numbers from one address on, for `numpy.asarray`; only ever read."""

    def __init__(self, address: int, size: int, dtype: Any) -> None:
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "shape": (size,),
            "typestr": dtype.str,
        }


def _memory(X: Any) -> tuple[Any, int, int, int, int]:
    """Return the memory of an array as real numbers, and the layout of the array there.

    The layout is the place of the first entry, the steps from row to row and from column to
    column, and the real numbers of an entry.
    """
    dtype = X.real.dtype
    parts = X.itemsize // dtype.itemsize
    steps = [stride // dtype.itemsize for stride in X.strides]
    reach = [(n - 1) * step for n, step in zip(X.shape, steps, strict=True)]
    low, high = sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach) + parts
    address = X.__array_interface__["data"][0] + low * dtype.itemsize
    return np.asarray(_Memory(address, high - low, dtype)), -low, *steps, parts


# Indices are unsigned, or begin at zero on a slice, which spares the check for negative ones. A
# product with a sign is exact, so contraction to multiply-adds changes nothing.


@njit(cache=True, nogil=True)
def _pack(  # type: ignore[no-untyped-def]
    target, memory, origin, row_step, column_step, parts, first, last, low, width
):
    """Copy rows ``first`` to ``last``, and ``width`` real columns from ``low`` on."""
    if column_step == parts:
        for i in range(last - first):
            begin = origin + (first + i) * row_step + low
            source = memory[begin : begin + width]
            for j in range(width):
                target[i, j] = source[j]
        return
    for start in range(0, last - first, 64):  # a transposition in the first cache
        stop = min(start + 64, last - first)
        begin = origin + (first + start) * row_step
        for j in range(width):
            column, part = divmod(low + j, parts)
            place = begin + column * column_step + part
            for i in range(start, stop):
                target[i, j] = memory[place]
                place += row_step


@njit(cache=True, nogil=True)
def _sign(like, hit):  # type: ignore[no-untyped-def]
    return like.dtype.type(1 - 2 * np.int64(hit & _one))


@njit(cache=True, nogil=True)
def _scatter(  # type: ignore[no-untyped-def]
    sums, memory, origin, row_step, column_step, parts, hits, low, high
):
    rows = hits.shape[0]
    w = high - low
    if column_step == parts:
        _spread(sums, memory, origin + low, row_step, hits, 0, rows, low, high)
        return
    packed = np.empty((64, w), dtype=sums.dtype)
    for first in range(0, rows, 64):
        last = min(first + 64, rows)
        _pack(packed, memory, origin, row_step, column_step, parts, first, last, low, w)
        _spread(sums, packed.ravel(), 0, w, hits, first, last, low, high)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _spread(sums, memory, origin, step, hits, first, last, low, high):  # type: ignore[no-untyped-def]
    w = high - low
    for i in range(first, last):
        begin = origin + (i - first) * step
        row = memory[begin : begin + w]
        for t in range(hits.shape[1]):
            hit = _U(hits[i, t])
            sign = _sign(sums, hit)
            target = sums[hit >> _one, low:high]
            for j in range(w):
                target[j] += sign * row[j]


def gather_hits(Y: Any, hits: Any) -> Any:
    """Return, for every row of hits, the sum of the rows of ``Y`` with their signs."""
    out = np.zeros((hits.shape[0], Y.shape[1]), dtype=Y.dtype)
    if not out.size or not Y.size:
        return out
    hits = np.ascontiguousarray(hits)
    real = Y.real.dtype
    source, target = np.require(Y, requirements=["C", "A", "W"]).view(real), out.view(real)

    def gather(low: int, high: int) -> None:
        _gather_rows(source, hits[low:high], target[low:high])

    in_threads(gather, hits.shape[0], hits.size * source.shape[1])
    return out


@njit(cache=True, nogil=True, fastmath={"contract"})
def _gather_rows(source, hits, out):  # type: ignore[no-untyped-def]
    for i in range(hits.shape[0]):
        target = out[i]
        for t in range(hits.shape[1]):
            hit = _U(hits[i, t])
            sign = _sign(source, hit)
            row = source[hit >> _one]
            for j in range(target.size):
                target[j] += sign * row[j]
