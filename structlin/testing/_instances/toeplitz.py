"""Instances of circulant, Toeplitz and Hankel matrices."""

from __future__ import annotations

from structlin.matrices import BlockToeplitz, Circulant, Hankel, Hartley, LinearOperator, Toeplitz
from structlin.testing._draws import Draw, square, structure

_composite = (0, 1, 2, 4, 6, 12)


@structure(Circulant, fits=square)
def circulant(draw: Draw, m: int, n: int) -> LinearOperator:
    return Circulant(draw.entries(n))


@structure(Circulant, fits=square)
def circulant_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    A = Circulant(draw.entries(n))
    return A + A.H


@structure(Circulant, sizes=_composite, fits=square)
def circulant_multilevel(draw: Draw, m: int, n: int) -> LinearOperator:
    A = Circulant(draw.entries(*draw.factors(n, draw.integer(2, 3))))
    return draw.choice([A, A + A.H])


@structure(Toeplitz)
def toeplitz(draw: Draw, m: int, n: int) -> LinearOperator:
    return Toeplitz(draw.entries(m), draw.entries(n))


@structure(Toeplitz, fits=square)
def toeplitz_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    A = Toeplitz(draw.entries(n))
    return A + A.H


@structure(Hankel)
def hankel(draw: Draw, m: int, n: int) -> LinearOperator:
    return Hankel(draw.entries(m), draw.entries(n))


@structure(BlockToeplitz, sizes=_composite)
def block_toeplitz(draw: Draw, m: int, n: int) -> LinearOperator:
    count = draw.integer(1, 3)
    levels = list(zip(draw.factors(m, count), draw.factors(n, count), strict=True))
    return BlockToeplitz(draw.entries(*(max(r + c - 1, 0) for r, c in levels)), levels)


@structure(BlockToeplitz, sizes=_composite, fits=square)
def block_toeplitz_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    sides = draw.factors(n, draw.integer(2, 3))
    A = BlockToeplitz(draw.entries(*(max(2 * k - 1, 0) for k in sides)))
    return A + A.H


@structure(Hartley, sizes=_composite, fits=square)
def hartley(draw: Draw, m: int, n: int) -> LinearOperator:
    return Hartley(draw.factors(n, draw.integer(1, 3)), like=draw.entries(1))
