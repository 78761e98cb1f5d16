"""Normal numbers and signs made of random words."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import device, namespace


def normals(words: Any, dtype: Any) -> Any:
    """Return standard normal numbers: each pair of words gives two.

    Parameters
    ----------
    words : (count, 2 pairs) array of uint32
        Random words.
    dtype : data type
        Of the result, which is rounded from double precision.

    Returns
    -------
    (count, 2 pairs) array
        The largest that can come is 6.76.

    Notes
    -----
    The transform of Box and Muller: ``√(−2 log u) (cos φ, sin φ)``, where ``u`` and ``φ / 2π`` are
    the midpoints of the cells of ``2⁻³²`` that the two words number. Sine and cosine are taken of
    what is left of ``φ`` after whole quarters, exactly, so that small values are as exact as
    large ones.
    """
    xp = namespace(words)
    pairs = xp.reshape(words, (words.shape[0], words.shape[1] // 2, 2))
    u = (xp.astype(pairs[:, :, 0], xp.float64) + 0.5) * 2.0**-32
    radius = xp.sqrt(-2.0 * xp.log(u))
    turned = xp.astype(pairs[:, :, 1], xp.int64) + 2**29
    quarters = turned >> 30
    rest = xp.astype(turned - (quarters << 30) - 2**29, xp.float64) + 0.5
    angle = rest * (2.0 * math.pi * 2.0**-32)
    c, s = xp.cos(angle), xp.sin(angle)
    odd = (quarters & 1) == 1
    x = xp.where(odd, s, c) * xp.astype(1 - ((quarters + 1) & 2), xp.float64)
    y = xp.where(odd, c, s) * xp.astype(1 - (quarters & 2), xp.float64)
    both = xp.stack((radius * x, radius * y), axis=-1)
    return xp.astype(xp.reshape(both, words.shape), dtype)


def signs(words: Any, dtype: Any) -> Any:
    """Return 32 signs of every word: 0 gives +1, the lowest bit comes first.

    Parameters
    ----------
    words : (count, calls) array of uint32
        Random words.
    dtype : data type
        Of the result.

    Returns
    -------
    (count, 32 calls) array
        Numbers ±1.
    """
    xp = namespace(words)
    count, calls = words.shape
    places = xp.arange(32, dtype=xp.uint32, device=device(words))
    bits = (words[:, :, None] >> places) & 1
    return xp.reshape(1 - 2 * xp.astype(bits, dtype), (count, 32 * calls))
