"""Sums over the observed entries of a matrix, row by row.

Row ``i`` has the entries ``starts[i], …, starts[i + 1] − 1``: ``values[p]`` stands in column
``indices[p]``, and is to be ``uᵢ · w_j``, with the rows of ``U`` and of ``W``, of equal length.

Loops over rows are what a compiler wants, so these plain functions are the source of their twins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_piece = 256


def grouped(keys: Any, starts: Any, order: Any) -> int:
    """Sort by keys, by counting: equal keys stay in order.

    ``starts`` has one entry more than there are keys. Returns the first place whose key is out of
    range, or −1.
    """
    groups = starts.size - 1
    starts[:] = 0
    for p in range(keys.size):
        if keys[p] < 0 or keys[p] >= groups:
            return p
        starts[keys[p] + 1] += 1
    for i in range(groups):
        starts[i + 1] += starts[i]
    place = starts[:groups].copy()
    for p in range(keys.size):
        order[place[keys[p]]] = p
        place[keys[p]] += 1
    return -1


def grams(starts: Any, indices: Any, W: Any, out: Any) -> None:
    """Add ``Σ conj(w_j) w_jᵀ`` over the entries of row ``i`` to ``out[i]``."""
    gathered = np.empty((_piece, W.shape[1]), W.dtype)
    for i in range(out.shape[0]):
        for low in range(starts[i], starts[i + 1], _piece):
            count = min(_piece, starts[i + 1] - low)
            for p in range(count):
                gathered[p] = W[indices[low + p]]
            X = gathered[:count]
            out[i] += np.dot(np.conj(X).T, X)


def gradients(starts: Any, indices: Any, values: Any, W: Any, U: Any, out: Any) -> float:
    """Add ``Σ conj(w_j) (value − uᵢ · w_j)`` to ``out[i]``; return the sum of squared residuals."""
    rank = W.shape[1]
    total = 0.0
    for i in range(out.shape[0]):
        u, g = U[i], out[i]
        for p in range(starts[i], starts[i + 1]):
            w = W[indices[p]]
            r = values[p]
            for a in range(rank):
                r -= u[a] * w[a]
            for a in range(rank):
                g[a] += r * np.conj(w[a])
            total += r.real * r.real + r.imag * r.imag
    return total
