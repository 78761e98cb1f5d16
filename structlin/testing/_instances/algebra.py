"""Instances of sums, products, multiples, adjoints, inverses and submatrices."""

from __future__ import annotations

from structlin.matrices import (
    Adjoint,
    Dense,
    Diagonal,
    Inverse,
    Kronecker,
    LinearOperator,
    Product,
    Scaled,
    Selected,
    Sum,
    Transpose,
)
from structlin.testing._draws import Draw, square, structure
from structlin.testing._instances.kronecker import (
    kronecker as _kronecker,
    kronecker_of_squares as _kronecker_of_squares,
)


@structure(Sum, sizes=range(1, 4))
def sum_of_two(draw: Draw, m: int, n: int) -> LinearOperator:
    return Sum(Kronecker(draw.entries(m, n), draw.entries(1, 1)), Dense(draw.entries(m, n)))


@structure(Product)
def product(draw: Draw, m: int, n: int) -> LinearOperator:
    k = draw.integer(1, 3)
    return Product(draw.entries(m, k), Kronecker(draw.entries(k, k)), draw.entries(k, n))


@structure(Product, fits=square)
def product_of_squares(draw: Draw, m: int, n: int) -> LinearOperator:
    return Product(draw.entries(n, n), Diagonal(draw.entries(n)))


@structure(Scaled, sizes=(0, 1, 2, 4, 6), fits=square)
def multiple(draw: Draw, m: int, n: int) -> LinearOperator:
    return Scaled(draw.choice([2, -0.5, 0, 1.5j]), _kronecker_of_squares(draw, m, n))


@structure(Adjoint, sizes=(0, 1, 2, 4, 6))
def adjoint(draw: Draw, m: int, n: int) -> LinearOperator:
    return Adjoint(_kronecker(draw, n, m))


@structure(Transpose, sizes=(0, 1, 2, 4, 6), fits=square)
def transpose(draw: Draw, m: int, n: int) -> LinearOperator:
    return Transpose(_kronecker_of_squares(draw, n, m))


@structure(Inverse, fits=square)
def inverse(draw: Draw, m: int, n: int) -> LinearOperator:
    # eigenvalues stay near 32: entries are at most 4 √2 in modulus
    return Inverse(Dense(draw.entries(n, n)) + 32 * Diagonal(draw.entries(n) * 0 + 1))


@structure(Selected)
def selected(draw: Draw, m: int, n: int) -> LinearOperator:
    A = Dense(draw.entries(2 * m + 1, n + 2))
    rows = draw.choice([range(m), range(2 * m, m, -1), range(1, 2 * m + 1, 2)])
    columns = [draw.integer(0, n + 1) for _ in range(n)]
    return Selected(A, rows, draw.asarray(columns or [0])[:n])
