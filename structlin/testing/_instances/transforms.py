"""Instances of transforms, Vandermonde and Cauchy matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.matrices import DCT, DFT, DST, Cauchy, LinearOperator, Vandermonde
from structlin.matrices._base import conjugate
from structlin.testing._draws import Draw, square, structure


@structure(DFT, sizes=(0, 1, 2, 3, 4, 6, 12), fits=square)
def dft(draw: Draw, m: int, n: int) -> LinearOperator:
    return DFT(
        draw.factors(n, draw.integer(1, 3)),
        norm=draw.choice(["backward", "ortho", "forward"]),
        inverse=draw.choice([False, True]),
        like=draw.entries(1),
    )


@structure(DCT, sizes=range(9), fits=square)
def dct(draw: Draw, m: int, n: int) -> LinearOperator:
    return DCT(n, type=draw.integer(1 if n != 1 else 2, 4), like=draw.entries(1))


@structure(DST, sizes=range(9), fits=square)
def dst(draw: Draw, m: int, n: int) -> LinearOperator:
    return DST(n, type=draw.integer(1, 4), like=draw.entries(1))


def _nodes(draw: Draw, count: int, least: int) -> Any:
    # no tiny ones: LAPACK's balancing spoils the eigenvectors of matrices of tiny powers
    quarters: Any = np.asarray([draw.integer(least, 6) for _ in range(count)]) / 4
    if draw.dtype.startswith("complex"):
        quarters = quarters + 0.25j * np.asarray([draw.integer(least, 6) for _ in range(count)])
    return draw.asarray(quarters.astype(draw.dtype))


@structure(Vandermonde, sizes=range(7))
def vandermonde(draw: Draw, m: int, n: int) -> LinearOperator:
    return Vandermonde(_nodes(draw, m, -6), n, increasing=draw.choice([False, True]))


@structure(Vandermonde, fits=square)
def vandermonde_of_positive(draw: Draw, m: int, n: int) -> LinearOperator:
    return Vandermonde(_nodes(draw, n, 0))


@structure(Cauchy, sizes=range(7))
def cauchy(draw: Draw, m: int, n: int) -> LinearOperator:
    # entries are multiples of 1/16, so that no point is one of the other side
    return Cauchy(draw.entries(m), draw.entries(n) + 1 / 32)


@structure(Cauchy, fits=square)
def cauchy_of_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    x = draw.entries(n) + 5  # the sums of two have positive real parts
    return Cauchy(x, -conjugate(x, namespace(x)))
