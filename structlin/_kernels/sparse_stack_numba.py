"""CPU twins of the products with stacked CountSketches.

Complex numbers are pairs of real ones, and the operand is seen as the memory it lies in, with
strides: one compiled function for each precision serves every layout.

Two ways lead to the same bits, because both add the rows to a sum in their order. *Scatter* goes
through the rows and adds each where it hits: the faster one while the caches hold the sums.
*Gather* copies tiles of some columns into the nearer cache and goes through the sums, which it
writes less often. Threads share the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from structlin._kernels.threads import in_threads

_U, _V = np.uint64, np.uint32
_one = np.uint64(1)

# bytes of sums beyond which they are gathered
_large = 2**24
# bytes of sums, and of rows, that a thread then has in its cache at a time
_sums_in_cache = 2**21
_rows_in_cache = 2**20
# bytes of a row that are worth the way to them, and as many as are any use
_narrow, _wide = 256, 1024
# hits of a sum by a tile from which on gathering is worth it
_enough = 3
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
    d, nonzeros = Y.shape[0], hits.shape[1]
    if 0 in (*X.shape, d):
        return Y
    made = np.require(Y, requirements=["C", "A", "W"])
    X = np.require(X, requirements=["A"])  # lives as long as its memory is read
    memory, *layout = _memory(X)
    sums = made.view(memory.dtype)
    rows, columns = X.shape[0], sums.shape[1]
    hits = np.ascontiguousarray(hits)

    size = memory.itemsize
    width = min(max(_sums_in_cache // (size * d), _narrow // size), _wide // size, columns)
    tile = min(_rows_in_cache // (size * width), rows)
    gather = sums.nbytes > _large and tile * nonzeros >= _enough * d and columns >= _share
    if gather:
        tiles = -(-rows // tile)
        ends = np.empty((tiles, d), dtype=np.uint32)
        order = np.empty((tiles, tile * nonzeros + 3 * d), dtype=np.uint32)

        def plan(low: int, high: int) -> None:
            _plan(hits, tile, low, high, ends, order)

        in_threads(plan, tiles, 4 * hits.size)

    def add(low: int, high: int) -> None:
        if gather:
            blocks = -(-(high - low) // width)
            share = -(-(high - low) // blocks)
            _gather(sums, memory, *layout, rows, tile, share, ends, order, low, high)
        else:
            _scatter(sums, memory, *layout, hits, low, high)

    in_threads(add, columns, hits.size * columns, _share)
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


@njit(cache=True, nogil=True)
def _plan(hits, tile, low, high, ends, order):  # type: ignore[no-untyped-def]
    """Sort the hits of every tile by the sums they go to, their rows in order.

    ``order`` has twice the row within the tile, plus one for the sign; ``ends[q]`` stands behind
    the last of sum ``q``. The number of each sum is filled up to fours by the row behind the tile.
    """
    rows, nonzeros = hits.shape
    d = ends.shape[1]
    places = np.empty(d, dtype=np.uint32)
    filler = _V(2 * tile + 1)
    for k in range(low, high):
        first, last = k * tile, min(k * tile + tile, rows)
        end, sequence = ends[k], order[k]
        end[:] = 0
        for i in range(first, last):
            for t in range(nonzeros):
                end[_U(hits[i, t] >> 1)] += _V(1)
        total = _V(0)
        for q in range(d):
            places[q] = total
            behind = total + end[q]
            total += (end[q] + _V(3)) // _V(4) * _V(4)
            sequence[behind:total] = filler
            end[q] = total
        for i in range(first, last):
            for t in range(nonzeros):
                hit = _V(hits[i, t])
                place = _U(hit >> _V(1))
                sequence[_U(places[place])] = _V(i - first) << _V(1) | hit & _V(1)
                places[place] += _V(1)


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


@njit(cache=True, nogil=True, fastmath={"contract"})
def _gather(  # type: ignore[no-untyped-def]
    sums, memory, origin, row_step, column_step, parts, rows, tile, width, ends, order, low, high
):
    d = sums.shape[0]
    block = np.empty((d, width), dtype=sums.dtype)
    packed = np.empty((tile + 1, width), dtype=sums.dtype)
    packed[tile] = 0  # taken away from a sum, it changes not even the sign of a zero
    for start in range(low, high, width):
        w = min(width, high - start)
        for q in range(d):
            block[q, :w] = sums[q, start : start + w]
        for k in range(ends.shape[0]):
            first = k * tile
            last = min(first + tile, rows)
            _pack(packed, memory, origin, row_step, column_step, parts, first, last, start, w)
            p = _U(0)
            for q in range(d):
                end = _U(ends[k, q])
                while p < end:
                    e0, e1 = _U(order[k, p]), _U(order[k, p + _one])
                    e2, e3 = _U(order[k, p + _U(2)]), _U(order[k, p + _U(3)])
                    s0, s1 = _sign(sums, e0), _sign(sums, e1)
                    s2, s3 = _sign(sums, e2), _sign(sums, e3)
                    i0, i1, i2, i3 = e0 >> _one, e1 >> _one, e2 >> _one, e3 >> _one
                    for j in range(w):
                        two = (block[q, j] + s0 * packed[i0, j]) + s1 * packed[i1, j]
                        block[q, j] = (two + s2 * packed[i2, j]) + s3 * packed[i3, j]
                    p += _U(4)
        for q in range(d):
            sums[q, start : start + w] = block[q, :w]


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
