"""Products of differences of points: what determinants of Vandermonde and Cauchy are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from structlin._backend import is_numpy


def row_blocks(rows: int, columns: int, xp: ModuleType) -> Iterator[slice]:
    """Yield slices of rows that have few entries together: on a CPU they stay in the cache."""
    step = max(1, (2**17 if is_numpy(xp) else 2**23) // max(columns, 1))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def row_products(
    factors: Callable[[slice], Any], rows: int, columns: int, xp: ModuleType
) -> tuple[Any, Any]:
    """Return signs and logarithms of the products of the rows of a matrix.

    ``factors`` gives the rows of a slice; the matrix is never there as a whole. A factor of zero
    gives the sign 0 and −∞.
    """
    signs, logarithms = [], []
    for block in row_blocks(rows, columns, xp) if rows else [slice(0, 0)]:
        entries = factors(block)
        moduli = xp.abs(entries)
        zero = moduli == 0
        moduli = xp.where(zero, xp.ones_like(moduli), moduli)
        signs.append(xp.prod(entries / xp.astype(moduli, entries.dtype), axis=1))
        logarithm = xp.sum(xp.log(moduli), axis=1)
        vanished = xp.any(zero, axis=1)
        logarithms.append(xp.where(vanished, xp.full_like(logarithm, -math.inf), logarithm))
    return xp.concat(signs), xp.concat(logarithms)


def unit(sign: Any, xp: ModuleType) -> Any:
    """Return a sign with the modulus 1, which long products have lost a little of, or 0."""
    modulus = xp.abs(sign)
    return sign / xp.astype(xp.where(modulus == 0, xp.ones_like(modulus), modulus), sign.dtype)


def all_distinct(points: Any, xp: ModuleType) -> bool:
    """Tell whether no point is there twice."""
    return bool(xp.unique_values(points).shape[0] == points.shape[0])
