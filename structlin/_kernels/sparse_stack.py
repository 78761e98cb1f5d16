"""Products with stacked CountSketches, given by the rows they hit.

A sketch of ``d`` rows is cut into ``ζ`` parts of ``d / ζ``. Row ``i`` of a matrix hits one row
``q`` in each: ``hits[i, t]`` is ``2 q`` where it is added there, and ``2 q + 1`` where it is
subtracted; ``q`` lies in part ``t``.
"""

from __future__ import annotations

from typing import Any

from structlin._backend import device, namespace

# rows of a matrix for which the sketch is formed at a time
_tile = 256


def hits(words: Any, part: int) -> Any:
    """Return what rows hit, from one random word for each hit.

    Parameters
    ----------
    words : (rows, nonzeros) array of uint32
        The lowest bit of a word gives the sign, the others choose among the rows of the part.
    part : int
        ``d / ζ``.

    Returns
    -------
    (rows, nonzeros) array of int32
    """
    xp = namespace(words)
    first = part * xp.arange(words.shape[1], dtype=xp.uint64, device=device(words))
    row = (xp.astype(words >> 1, xp.uint64) * part >> 31) + first
    return xp.astype(2 * row + xp.astype(words & 1, xp.uint64), xp.int32)


def entries(hits: Any, rows: int, dtype: Any) -> Any:
    """Return the sketch as a (d, m) array of 0, 1 and −1."""
    xp = namespace(hits)
    zeta = hits.shape[1]
    part = rows // zeta
    added = 2 * xp.arange(rows, dtype=hits.dtype, device=device(hits))[:, None]
    blocks = []
    for t in range(zeta):
        places = added[t * part : (t + 1) * part, :]
        plus, minus = hits[:, t] == places, hits[:, t] == places + 1
        blocks.append(xp.astype(plus, dtype) - xp.astype(minus, dtype))
    return xp.concat(blocks)


def add_hits(Y: Any, X: Any, hits: Any) -> Any:
    """Return ``Y`` with every row of ``X`` added to, or subtracted from, the rows it hits.

    Parameters
    ----------
    Y : (d, n) array
        The sums so far; may be changed.
    X : (rows, n) array
        The rows, of the data type of ``Y``.
    hits : (rows, nonzeros) array of int32
        What they hit; every column of it has a part of the rows for its own.

    Returns
    -------
    (d, n) array
        The sums: ``Y`` where it could be changed. The twins add one row after the other, so that
        sums of pieces of ``X`` have the bits of the whole; this function adds them up in another
        order.
    """
    xp = namespace(Y)
    for low in range(0, X.shape[0], _tile):
        rows = slice(low, min(low + _tile, X.shape[0]))
        Y = Y + xp.matmul(entries(hits[rows, :], Y.shape[0], Y.dtype), X[rows, :])
    return Y


def gather_hits(Y: Any, hits: Any) -> Any:
    """Return, for every row of hits, the sum of the rows of ``Y`` with their signs.

    Parameters
    ----------
    Y : (d, n) array
        A block of columns.
    hits : (rows, nonzeros) array of int32
        What is added up, from the first part to the last.

    Returns
    -------
    (rows, n) array
        The product with the transpose of the sketch.
    """
    xp = namespace(Y)
    total = xp.zeros((hits.shape[0], Y.shape[1]), dtype=Y.dtype, device=device(Y))
    for t in range(hits.shape[1]):
        signed = xp.astype(1 - 2 * (hits[:, t] & 1), Y.dtype)
        total = total + signed[:, None] * xp.take(Y, hits[:, t] >> 1, axis=0)
    return total
