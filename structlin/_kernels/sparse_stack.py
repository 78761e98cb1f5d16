"""Products of stacked CountSketches, given by the rows they hit."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace


def add_hits(Y: Any, X: Any, hits: Any) -> Any:
    """Return ``Y`` with every row of ``X`` added to, or subtracted from, the rows it hits.

    Parameters
    ----------
    Y : (d, n) array
        The sums so far; may be changed.
    X : (rows, n) array
        The rows, of the data type of ``Y``.
    hits : (rows, nonzeros) array of int32
        ``2 q`` adds the row to ``Y[q]``, and ``2 q + 1`` subtracts it. The hits of a row differ.

    Returns
    -------
    (d, n) array
        The sums, row after row.
    """
    xp = namespace(Y)
    d = Y.shape[0]
    place = xp.arange(d, dtype=hits.dtype, device=getattr(hits, "device", None))
    for t in range(hits.shape[1]):
        signed = xp.astype(1 - 2 * (hits[:, t] & 1), Y.dtype)
        chosen = xp.astype((hits[:, t] >> 1)[None, :] == place[:, None], Y.dtype)
        Y = Y + xp.matmul(chosen, signed[:, None] * X)
    return Y
