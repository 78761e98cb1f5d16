"""What the machine allows: probes that run in the rounds beside the contestants."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numba
import numpy as np
from _threads import THREADS


@dataclass(frozen=True)
class Limit:
    """What the machine allows: a probe, and how its time scales to the contestants' work.

    Attributes
    ----------
    probe : callable
        Runs in the rounds like a contestant.
    scale : float
        Seconds of the limit for one second of the probe.
    binds : collection of str, optional
        The contestants that cannot be faster; all of them if not given. An empty collection makes
        a yardstick, which may be beaten.
    """

    probe: Callable[[], Any]
    scale: float
    binds: Collection[str] | None = None


def gemm(
    flops: float,
    size: int = 1024,
    dtype: str = "float64",
    binds: Collection[str] | None = None,
) -> Limit:
    """Return the time of ``flops`` operations at the rate of a square matrix product."""
    A, B, C = _matrices(size, dtype)
    per_flop = 4 if np.dtype(dtype).kind == "c" else 1
    return Limit(lambda: np.matmul(A, B, out=C), flops / (2 * size**3 * per_flop), binds)


@functools.cache
def _matrices(size: int, dtype: str) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((size, size)).astype(dtype) for _ in range(3)]


def _triad(a: Any, b: Any, c: Any) -> None:
    for i in numba.prange(a.size):
        a[i] = b[i] + 0.5 * c[i]


def _update(a: Any, b: Any) -> None:
    for i in numba.prange(a.size):
        a[i] = 0.5 * a[i] + b[i]


def _read(a: Any) -> float:
    total = 0.0
    for i in numba.prange(a.size):
        total += a[i]
    return total


_streams: dict[str, tuple[Any, int, int]] = {
    "triad": (_triad, 3, 24),
    "update": (_update, 2, 24),
    "read": (_read, 1, 8),
}


def bandwidth(
    kind: Literal["triad", "update", "read"],
    moved: float,
    footprint: float,
    binds: Collection[str] | None = None,
) -> Limit:
    """Return the time that moving ``moved`` bytes takes at the rate of a streaming loop.

    Parameters
    ----------
    kind : str
        ``"triad"`` (``a = b + s c``, counted as 24 bytes an entry, though the memory also reads
        ``a`` before it is written, so that work in place may beat it), ``"update"``
        (``a = s a + b``, 24 bytes) or ``"read"`` (a sum, 8 bytes). A limit that binds has to have
        the contestants' mix of reading and writing.
    moved : float
        Bytes that a contestant cannot but read and write.
    footprint : float
        Bytes of the loop's arrays together: those of the contestant, or `out_of_cache()`.
    binds : collection of str, optional
        As in `Limit`.
    """
    loop, arrays, per_entry = _compiled(kind)
    length = max(1, int(footprint / (8 * arrays)))
    operands = _operands(arrays, length)
    return Limit(lambda: loop(*operands), moved / (per_entry * length), binds)


@functools.cache
def _compiled(kind: str) -> tuple[Callable[..., Any], int, int]:
    plain, arrays, per_entry = _streams[kind]
    # fastmath lets the sum use the vector unit; a parallel loop costs microseconds to start
    return numba.njit(fastmath=True, parallel=THREADS > 1)(plain), arrays, per_entry


@functools.cache
def _operands(arrays: int, length: int) -> list[Any]:
    return [np.ones(length) for _ in range(arrays)]


def out_of_cache() -> int:
    """Return a footprint in bytes that no cache of this machine holds."""
    last = max(caches().values(), default=1 << 26)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(4 * last, 1 << 30), memory // 4)


def caches() -> dict[str, int]:
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / f).read_text().strip() for f in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = int(size.rstrip("K")) * 1024
    return found
