"""LU factorisations of band matrices by LAPACK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from structlin._backend import namespace, scipy_of


class LU(NamedTuple):
    """The pivots, the number of exchanges of rows, and what solves by the factors."""

    pivots: Any
    exchanges: int
    solve: Callable[[Any], Any]


def band_lu(bands: Any, lower: int, upper: int) -> LU:
    """Factorise a matrix whose bands are in LAPACK's order; zero pivots are left to the caller."""
    n = bands.shape[1]
    # SciPy's wrapper of the tridiagonal routine, which is some ten times faster, needs three rows
    return _tridiagonal(bands) if lower == upper == 1 and n > 2 else _general(bands, lower, upper)


def _tridiagonal(bands: Any) -> LU:
    lapack = scipy_of(namespace(bands), "linalg.lapack")
    (gttrf,) = lapack.get_lapack_funcs(("gttrf",), (bands,))
    *factors, rows, _ = gttrf(bands[2, :-1], bands[1, :], bands[0, 1:])

    def solve(B: Any) -> Any:
        (gttrs,) = lapack.get_lapack_funcs(("gttrs",), (bands, B))
        return gttrs(*factors, rows, B)[0]

    exchanges = np.count_nonzero(rows != np.arange(1, bands.shape[1] + 1))  # counted from 1
    return LU(factors[1], int(exchanges), solve)


def _general(bands: Any, lower: int, upper: int) -> LU:
    lapack = scipy_of(namespace(bands), "linalg.lapack")
    (gbtrf,) = lapack.get_lapack_funcs(("gbtrf",), (bands,))
    fill = np.zeros((lower, bands.shape[1]), dtype=bands.dtype)
    lu, rows, _ = gbtrf(np.concatenate((fill, bands)), lower, upper)

    def solve(B: Any) -> Any:
        (gbtrs,) = lapack.get_lapack_funcs(("gbtrs",), (lu, B))
        return gbtrs(lu, lower, upper, B, rows)[0]

    exchanges = np.count_nonzero(rows != np.arange(bands.shape[1]))
    return LU(lu[lower + upper, :], int(exchanges), solve)
