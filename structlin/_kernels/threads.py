"""Compiled loops in threads of their own: they release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba

S = TypeVar("S")
T = TypeVar("T")

# loops of fewer steps end before a thread has started
_worthwhile = 2**20


def in_threads(loop: Callable[[int, int], None], size: int, steps: float, least: int = 1) -> None:
    """Run ``loop(low, high)`` over consecutive ranges that make up ``range(size)``.

    There are as many as numba has threads, of ``least`` each or more, and one where the whole has
    few ``steps``. Unlike numba's parallel loops, this may be called by several threads at once.
    """
    threads = 1 if steps < _worthwhile else min(numba.get_num_threads(), size // least)
    if threads < 2:
        loop(0, size)
        return
    bounds = [k * size // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(loop, bounds[:-1], bounds[1:]))


def in_order(make: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """Yield ``make(item)`` of all items, which should be equal work: one to a thread at a time.

    What is left when every thread has had equally many is made with all threads, item by item.
    """
    threads = numba.get_num_threads()
    shared = len(items) - len(items) % threads if threads > 1 else 0

    def alone(item: S) -> T:
        numba.set_num_threads(1)  # of this thread, which ends with the pool
        return make(item)

    if shared:
        with ThreadPoolExecutor(threads) as pool:
            for k in range(0, shared, threads):
                yield from pool.map(alone, items[k : k + threads])
    yield from map(make, items[shared:])
