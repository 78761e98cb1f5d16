"""The counter-based generator Philox4x32-10: random words that are functions of their place."""

from __future__ import annotations

from types import ModuleType
from typing import Any

_multipliers = 0xD2511F53, 0xCD9E8D57
_weyl = 0x9E3779B9, 0xBB67AE85
_low = 0xFFFFFFFF


def words(
    seed: int,
    stream: int,
    start: int,
    count: int,
    first: int,
    calls: int,
    xp: ModuleType,
    device: Any,
) -> Any:
    """Return the random 32-bit words of consecutive coordinates.

    Parameters
    ----------
    seed : int
        The key, 64 bits: the low half is its first word.
    stream : int
        Separates the uses that share a seed: the fourth word of the counter.
    start, count : int
        The coordinates ``start, …, start + count − 1``, below 2⁶⁴: the first two words of the
        counter, the low half first.
    first, calls : int
        The draws ``first, …, first + calls − 1`` of every coordinate: the third word.
    xp : module
        The array library.
    device : object
        Where the array is made.

    Returns
    -------
    (count, 4 calls) array of uint32
        Four words of each draw.

    References
    ----------
    J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as
    1, 2, 3", SC '11, section 3.3.
    """
    place = xp.arange(count, dtype=xp.uint64, device=device) + (start & _low)
    carried = (place >> 32) + (start >> 32)
    draw = xp.arange(first, first + calls, dtype=xp.uint64, device=device)
    ones = xp.ones((count, calls), dtype=xp.uint64, device=device)
    c0, c1 = (place & _low)[:, None] * ones, (carried & _low)[:, None] * ones
    c2, c3 = draw[None, :] * ones, stream * ones
    k0, k1 = seed & _low, seed >> 32
    for _ in range(10):
        p0, p1 = c0 * _multipliers[0], c2 * _multipliers[1]
        c0, c2 = (p1 >> 32) ^ c1 ^ k0, (p0 >> 32) ^ c3 ^ k1
        c1, c3 = p1 & _low, p0 & _low
        k0, k1 = (k0 + _weyl[0]) & _low, (k1 + _weyl[1]) & _low
    four = xp.stack((c0, c1, c2, c3), axis=-1)
    return xp.astype(xp.reshape(four, (count, 4 * calls)), xp.uint32)
