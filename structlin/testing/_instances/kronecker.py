"""Instances of the Kronecker family, and of operators on grids."""

from __future__ import annotations

from structlin.matrices import (
    Dense,
    Diagonal,
    FaceSplitting,
    GridOperator,
    Identity,
    KhatriRao,
    Kronecker,
    KroneckerSum,
    LinearOperator,
    SumOfKroneckers,
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


def _sides(draw: Draw, n: int) -> list[int]:
    # several numbers may cancel up to rounding, which is more than their sum tells
    return draw.factors(n, draw.integer(1, 3 if n > 1 else 1))


@structure(KroneckerSum, sizes=_composite, fits=square)
def kronecker_sum(draw: Draw, m: int, n: int) -> LinearOperator:
    return KroneckerSum(*(draw.entries(k, k) for k in _sides(draw, n)))


@structure(KroneckerSum, sizes=_composite, fits=square)
def kronecker_sum_of_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    return KroneckerSum(*(_hermitian(draw, k, k) for k in _sides(draw, n)))


@structure(KroneckerSum, sizes=_positive, fits=square)
def kronecker_sum_of_operators(draw: Draw, m: int, n: int) -> LinearOperator:
    a, b, c = draw.factors(n, 3)
    like = draw.entries(1)
    # entries are at least -4: the diagonal is not zero
    return KroneckerSum(Identity(a, like=like), draw.entries(b, b), Diagonal(draw.entries(c) + 8))


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


@structure(SumOfKroneckers, sizes=_composite)
def sum_of_kroneckers(draw: Draw, m: int, n: int) -> LinearOperator:
    count = draw.integer(1, 3 if m * n > 1 else 1)
    sides = list(zip(draw.factors(m, count), draw.factors(n, count), strict=True))
    terms = [Kronecker(*(draw.entries(*side) for side in sides)) for _ in range(count)]
    return SumOfKroneckers(terms[0], *(draw.choice([2, -0.5, 1]) * term for term in terms[1:]))


@structure(SumOfKroneckers, sizes=_composite, fits=square)
def sum_of_kroneckers_shifted(draw: Draw, m: int, n: int) -> LinearOperator:
    sides = _sides(draw, n)
    kind = draw.choice([_hermitian, _square])
    A = Kronecker(*(kind(draw, k, k) for k in sides))
    ones = Kronecker(*(Identity(k, like=A) for k in sides))
    return SumOfKroneckers(A, draw.choice([16, -0.5, 2.5j]) * ones)


@structure(SumOfKroneckers, sizes=_composite, fits=square)
def sum_of_kroneckers_of_two(draw: Draw, m: int, n: int) -> LinearOperator:
    sides = _sides(draw, n)
    return SumOfKroneckers(*(Kronecker(*(draw.entries(k, k) for k in sides)) for _ in range(2)))


@structure(SumOfKroneckers, sizes=_composite, fits=square)
def sum_of_kroneckers_definite(draw: Draw, m: int, n: int) -> LinearOperator:
    sides = _sides(draw, n)
    stiff = [_hermitian(draw, k, k) for k in sides]
    # entries of `hermitian` are at most 8 √2 in modulus
    mass = [
        _hermitian(draw, k, k) + draw.choice([1, 16]) * 8 * Identity(k, like=F)
        for k, F in zip(sides, stiff, strict=True)
    ]
    terms = [Kronecker(*mass[:i], F, *mass[i + 1 :]) for i, F in enumerate(stiff)]
    return SumOfKroneckers(*terms, draw.choice([16, -2, 0]) * Kronecker(*mass))


def _square(draw: Draw, m: int, n: int) -> LinearOperator:
    return Dense(draw.entries(n, n))


@structure(KhatriRao, sizes=_composite)
def khatri_rao(draw: Draw, m: int, n: int) -> LinearOperator:
    return KhatriRao(*(draw.entries(k, n) for k in draw.factors(m, draw.integer(1, 3))))


@structure(FaceSplitting, sizes=_composite)
def face_splitting(draw: Draw, m: int, n: int) -> LinearOperator:
    return FaceSplitting(*(draw.entries(m, k) for k in draw.factors(n, draw.integer(1, 3))))
