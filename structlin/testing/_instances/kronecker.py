"""Instances of the Kronecker family, and of operators on grids."""

from __future__ import annotations

from structlin.matrices import (
    Diagonal,
    GridOperator,
    Identity,
    Kronecker,
    KroneckerSum,
    LinearOperator,
)
from structlin.testing._draws import Draw, square, structure
from structlin.testing._instances.elementary import hermitian as _hermitian

_composite = (0, 1, 2, 4, 6, 12)
_positive = (1, 2, 4, 6, 12)


@structure(Kronecker, sizes=_composite)
def kronecker(draw: Draw, m: int, n: int) -> LinearOperator:
    count = draw.integer(1, 3)
    sides = zip(draw.factors(m, count), draw.factors(n, count), strict=True)
    return Kronecker(*(draw.entries(*side) for side in sides))


@structure(Kronecker, sizes=_composite, fits=square)
def kronecker_of_squares(draw: Draw, m: int, n: int) -> LinearOperator:
    return Kronecker(*(draw.entries(k, k) for k in draw.factors(n, draw.integer(1, 3))))


@structure(Kronecker, sizes=_composite, fits=square)
def kronecker_of_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    return Kronecker(*(_hermitian(draw, k, k) for k in draw.factors(n, draw.integer(1, 3))))


@structure(Kronecker, sizes=_positive)
def kronecker_of_operators(draw: Draw, m: int, n: int) -> LinearOperator:
    p, q = (draw.choice([k for k in (1, 2, 3) if m % k == n % k == 0]) for _ in range(2))
    if m % (p * q) or n % (p * q):
        q = 1
    ends = Identity(p, like=draw.entries(1)), Diagonal(draw.entries(q))
    return Kronecker(ends[0], draw.entries(m // (p * q), n // (p * q)), ends[1])


@structure(KroneckerSum, sizes=_composite, fits=square)
def kronecker_sum(draw: Draw, m: int, n: int) -> LinearOperator:
    return KroneckerSum(*(draw.entries(k, k) for k in draw.factors(n, draw.integer(1, 3))))


@structure(KroneckerSum, sizes=_composite, fits=square)
def kronecker_sum_of_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    return KroneckerSum(*(_hermitian(draw, k, k) for k in draw.factors(n, draw.integer(1, 3))))


@structure(KroneckerSum, sizes=_positive, fits=square)
def kronecker_sum_of_operators(draw: Draw, m: int, n: int) -> LinearOperator:
    a, b, c = draw.factors(n, 3)
    like = draw.entries(1)
    return KroneckerSum(Identity(a, like=like), draw.entries(b, b), Diagonal(draw.entries(c)))


@structure(GridOperator, sizes=_positive, fits=square)
def grid_uniform(draw: Draw, m: int, n: int) -> LinearOperator:
    grid = draw.factors(n, draw.integer(1, 3))
    sides = [draw.choice(["dirichlet", "neumann", "periodic"]) for _ in grid]
    return GridOperator.laplacian(grid, shift=draw.entries(1), weights=0.5, sides=sides)


@structure(GridOperator, sizes=_positive, fits=square)
def grid_variable(draw: Draw, m: int, n: int) -> LinearOperator:
    p, q = draw.factors(n, 2)
    weights = draw.entries(p + 1, q), draw.entries(p, q + 1)
    return GridOperator((p, q), weights, draw.entries(p, q))
