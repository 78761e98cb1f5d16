"""Seeds, and random numbers that are functions of seed, stream and place."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import kernel
from structlin._kernels import philox


def seed_of(rng: Any) -> int:
    """Return the 64-bit key of a sketch.

    Parameters
    ----------
    rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
        As for `numpy.random.default_rng`. None takes entropy of the system: the key is kept in
        whatever is made with it. A generator is advanced by one draw.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if isinstance(rng, bool | float):
        raise TypeError(f"rng is {rng!r}: pass None, an integer or a numpy.random.Generator")
    try:
        generator = np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"rng is {rng!r}: pass None, an integer >= 0 or a numpy.random.Generator"
        ) from error
    return int(generator.integers(2**64, dtype=np.uint64))


def random_words(
    seed: int,
    stream: int,
    start: int,
    count: int,
    first: int,
    wanted: int,
    xp: ModuleType,
    where: Any,
) -> Any:
    """Return 32-bit words ``first, …, first + wanted − 1`` of consecutive coordinates.

    Returns
    -------
    (count, wanted) array of uint32
    """
    low, high = first // 4, -(-(first + wanted) // 4)
    make = kernel(xp, philox.words)
    words = make(seed, stream, start, count, low, high - low, xp, where)
    return words[:, first - 4 * low : first - 4 * low + wanted]


def signs(words: Any, xp: ModuleType, dtype: Any) -> Any:
    """Return ±1 by the lowest bits: 0 gives +1."""
    return 1 - 2 * xp.astype(words & 1, dtype)


def indices(words: Any, size: int, xp: ModuleType) -> Any:
    """Return integers below ``size`` (at most 2³¹) by the upper 31 bits of the words.

    The multiplication favours some by ``size / 2³¹`` at most.
    """
    return xp.astype((xp.astype(words >> 1, xp.uint64) * size) >> 31, xp.int64)


def uniforms(words: Any, xp: ModuleType) -> Any:
    """Return numbers in the open interval (0, 1), the midpoints of 2³² cells, in float64."""
    return (xp.astype(words, xp.float64) + 0.5) * 2.0**-32


def normals(
    seed: int, stream: int, start: int, count: int, wanted: int, xp: ModuleType, where: Any
) -> Any:
    """Return standard normal numbers of consecutive coordinates, in float64.

    Returns
    -------
    (count, wanted) array
        Each pair of words gives two numbers by the transform of Box and Muller; the largest that
        can come is 6.76.
    """
    pairs = -(-wanted // 2)
    u = uniforms(random_words(seed, stream, start, count, 0, 2 * pairs, xp, where), xp)
    radius = xp.sqrt(-2.0 * xp.log(u[:, 0::2]))
    angle = 2.0 * math.pi * u[:, 1::2]
    both = xp.stack((radius * xp.cos(angle), radius * xp.sin(angle)), axis=-1)
    return xp.reshape(both, (count, 2 * pairs))[:, :wanted]
