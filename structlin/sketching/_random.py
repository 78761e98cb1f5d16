"""Seeds, and random numbers that are functions of seed, stream and place."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import philox, variates


def seed_of(rng: Any) -> int:
    """Return the 64-bit key of a sketch.

    Parameters
    ----------
    rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
        As for `numpy.random.default_rng`, but an integer below 2⁶⁴ is the key itself: what was
        made with the key of a result is made again. None takes entropy of the system: the key is
        kept in whatever is made with it. A generator is advanced by one draw.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if isinstance(rng, bool | float):
        raise TypeError(f"rng is {rng!r}: pass None, an integer or a numpy.random.Generator")
    if isinstance(rng, int | np.integer) and 0 <= rng < 2**64:
        return int(rng)
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

    Raises
    ------
    ValueError
        If a coordinate is 2⁶⁴ or more.
    """
    if start + count > 2**64:
        raise ValueError(
            f"coordinate {start + count - 1} has no random numbers: those below 2⁶⁴ have"
        )
    low, high = first // 4, -(-(first + wanted) // 4)
    make = kernel(xp, philox.words)
    words = make(seed, stream, start, count, low, high - low, xp, where)
    return words[:, first - 4 * low : first - 4 * low + wanted]


def indices(words: Any, size: int, xp: ModuleType) -> Any:
    """Return integers below ``size`` (at most 2³¹) by the upper 31 bits of the words.

    The multiplication favours some by ``size / 2³¹`` at most.
    """
    return xp.astype((xp.astype(words >> 1, xp.uint64) * size) >> 31, xp.int64)


def uniforms(words: Any, xp: ModuleType) -> Any:
    """Return numbers in the open interval (0, 1), the midpoints of 2³² cells, in float64."""
    return (xp.astype(words, xp.float64) + 0.5) * 2.0**-32


def normals(
    seed: int,
    stream: int,
    start: int,
    count: int,
    wanted: int,
    xp: ModuleType,
    where: Any,
    dtype: Any = None,
) -> Any:
    """Return standard normal numbers of consecutive coordinates, in float64 if not told otherwise.

    Returns
    -------
    (count, wanted) array
        Each pair of words gives two numbers; the largest that can come is 6.76.
    """
    words = random_words(seed, stream, start, count, 0, wanted + wanted % 2, xp, where)
    make = kernel(xp, variates.normals)
    return make(words, xp.float64 if dtype is None else dtype)[:, :wanted]


def signs(
    seed: int,
    stream: int,
    start: int,
    count: int,
    wanted: int,
    xp: ModuleType,
    where: Any,
    dtype: Any,
) -> Any:
    """Return random signs ±1 of consecutive coordinates.

    Returns
    -------
    (count, wanted) array
        Each word gives 32 of them.
    """
    words = random_words(seed, stream, start, count, 0, -(-wanted // 32), xp, where)
    return kernel(xp, variates.signs)(words, dtype)[:, :wanted]


def distinct(seed: int, stream: int, size: int, wanted: int) -> Any:
    """Return different integers below ``size``, the first ones of an endless random sequence.

    Whatever appears again in the sequence is left out, so that every choice of ``wanted`` of them
    is as probable as any other (up to ``size / 2⁶⁴``), and fewer of them are the first of more.
    Once all have come, the next ``size`` ones begin with a new sequence.

    Returns
    -------
    (wanted,) array of int64
        On the host: they are made of the seed alone.

    Raises
    ------
    ValueError
        If numbers are wanted, but there are none below ``size``.
    """
    if wanted and size < 1:
        raise ValueError(f"{wanted} integers below {size} are wanted: there are none")
    xp = namespace(np.empty(0))
    rounds = [np.empty(0, dtype=np.int64)]
    for start in range(0, wanted, max(size, 1)):
        needed = min(size, wanted - start)
        found, drawn = np.empty(0, dtype=np.int64), 0
        while found.size < needed:
            count = max(2 * needed, drawn)
            words = random_words(seed, stream, drawn, count, 2 * len(rounds), 2, xp, "cpu")
            places = words[:, 0] + (words[:, 1].astype(np.uint64) << 32)
            found = np.concatenate((found, (places % size).astype(np.int64)))
            _, first = np.unique(found, return_index=True)
            found, drawn = found[np.sort(first)], drawn + count
        rounds.append(found[:needed])
    return np.concatenate(rounds)
