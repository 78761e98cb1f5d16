"""Instances of Monarch matrices."""

from __future__ import annotations

from structlin.matrices import LinearOperator, Monarch
from structlin.testing._draws import Draw, square, structure

_composite = (0, 1, 2, 4, 6, 12)


@structure(Monarch, sizes=_composite)
def monarch(draw: Draw, m: int, n: int) -> LinearOperator:
    (s, b), (k, p), c = draw.factors(m, 2), draw.factors(n, 2), draw.integer(0, 2)
    return Monarch(draw.entries(b, s, c * k), draw.entries(k, c * b, p))


@structure(Monarch, sizes=_composite)
def monarch_reversed(draw: Draw, m: int, n: int) -> LinearOperator:
    (k, p), (s, b), c = draw.factors(m, 2), draw.factors(n, 2), draw.integer(1, 2)
    return Monarch(draw.entries(k, p, c * b), draw.entries(b, c * k, s), reverse=True)


@structure(Monarch, sizes=_composite, fits=square)
def monarch_of_squares(draw: Draw, m: int, n: int) -> LinearOperator:
    # blocks of any two sizes that divide n, even where no tensor has such axes
    (k, p), (b, s) = draw.factors(n, 2), draw.factors(n, 2)
    return Monarch(draw.entries(b, s, s), draw.entries(k, p, p), reverse=draw.choice([False, True]))


@structure(Monarch, sizes=_composite)
def monarch_of_three(draw: Draw, m: int, n: int) -> LinearOperator:
    (a, b, c), (i, j, k) = draw.factors(m, 3), draw.factors(n, 3)
    if draw.choice([False, True]):
        stacks = (b * c, a, i), (i * c, b, j), (i * j, c, k)
        return Monarch(*(draw.entries(*stack) for stack in stacks))
    stacks = (a * b, c, k), (a * k, b, j), (j * k, a, i)
    return Monarch(*(draw.entries(*stack) for stack in stacks), reverse=True)
