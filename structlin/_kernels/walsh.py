"""The Walsh–Hadamard transform of blocks of columns, in natural order."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace


def walsh_transform(X: Any) -> Any:
    """Return the product with the Hadamard matrix of Sylvester's construction.

    Parameters
    ----------
    X : (n, k) array
        Columns, of a floating-point type, real or complex; ``n`` is a power of two.

    Returns
    -------
    (n, k) array
        ``Y[i] = Σ_j (−1)^(bits that i and j have in common) X[j]``, in memory of its own. The
        twins add in one order, that of the levels from neighbours to halves: bits depend neither
        on threads nor on the other columns.
    """
    xp = namespace(X)
    n, k = X.shape
    Y = xp.asarray(X, copy=True)
    if 0 in (n, k):
        return Y
    for level in range(n.bit_length() - 1):
        pairs = xp.reshape(Y, (n >> (level + 1), 2, k << level))
        first, second = pairs[:, 0, :], pairs[:, 1, :]
        Y = xp.stack((first + second, first - second), axis=1)
    return xp.reshape(Y, (n, k))
