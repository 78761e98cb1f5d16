"""One Hypothesis strategy per structure: its entry here gives it every shared test.

A strategy is a function of a draw function and of ``entries``, which draws an array of a shape in
the array library and data type under test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import scipy.sparse
import scipy.sparse.linalg
from hypothesis.strategies import SearchStrategy

from structlin.matrices import (
    Adjoint,
    Dense,
    Diagonal,
    Foreign,
    GridOperator,
    Identity,
    Inverse,
    Kronecker,
    KroneckerSum,
    LinearOperator,
    Product,
    Scaled,
    Selected,
    Sparse,
    Sum,
    Transpose,
)
from structlin.testing import arrays
from tests.conftest import ArrayLibrary

sides = st.integers(0, 4)
few = st.integers(1, 3)

STRUCTURES: dict[str, Callable[..., LinearOperator]] = {}
NUMPY_ONLY = {"sparse", "foreign"}


def structure(build: Callable[..., LinearOperator]) -> Callable[..., LinearOperator]:
    STRUCTURES[build.__name__] = build
    return build


def instances(name: str, library: ArrayLibrary, dtype: str) -> SearchStrategy[LinearOperator]:
    """Return the strategy of a structure in an array library and a data type."""

    @st.composite
    def instance(draw: Any) -> LinearOperator:
        def entries(*shape: int) -> Any:
            return draw(arrays(shape, dtype, asarray=library.asarray))

        return STRUCTURES[name](draw, entries)

    return instance()


@structure
def dense(draw: Any, entries: Any) -> LinearOperator:
    return Dense(entries(draw(sides), draw(sides)))


@structure
def hermitian(draw: Any, entries: Any) -> LinearOperator:
    n = draw(sides)
    A = Dense(entries(n, n))
    return A + A.H


@structure
def diagonal(draw: Any, entries: Any) -> LinearOperator:
    return Diagonal(entries(draw(sides)))


@structure
def identity(draw: Any, entries: Any) -> LinearOperator:
    return Identity(draw(sides), like=entries(1))


@structure
def kronecker(draw: Any, entries: Any) -> LinearOperator:
    return Kronecker(*(entries(draw(few), draw(few)) for _ in range(draw(few))))


@structure
def kronecker_of_squares(draw: Any, entries: Any) -> LinearOperator:
    return Kronecker(*(entries(n, n) for n in draw(st.lists(few, min_size=1, max_size=3))))


@structure
def kronecker_of_hermitian(draw: Any, entries: Any) -> LinearOperator:
    return Kronecker(*(hermitian(draw, entries) for _ in range(draw(few))))


@structure
def kronecker_of_operators(draw: Any, entries: Any) -> LinearOperator:
    ends = Identity(draw(few), like=entries(1)), Diagonal(entries(draw(few)))
    return Kronecker(ends[0], entries(draw(sides), draw(sides)), ends[1])


@structure
def kronecker_sum(draw: Any, entries: Any) -> LinearOperator:
    return KroneckerSum(*(entries(n, n) for n in draw(st.lists(few, min_size=1, max_size=3))))


@structure
def kronecker_sum_of_hermitian(draw: Any, entries: Any) -> LinearOperator:
    return KroneckerSum(*(hermitian(draw, entries) for _ in range(draw(few))))


@structure
def kronecker_sum_of_operators(draw: Any, entries: Any) -> LinearOperator:
    n = draw(few)
    return KroneckerSum(Identity(draw(few), like=entries(1)), entries(n, n), Diagonal(entries(2)))


@structure
def sum_of_two(draw: Any, entries: Any) -> LinearOperator:
    m, n = draw(few), draw(few)
    return Sum(Kronecker(entries(m, n), entries(1, 1)), Dense(entries(m, n)))


@structure
def product(draw: Any, entries: Any) -> LinearOperator:
    k = draw(few)
    return Product(entries(draw(sides), k), Kronecker(entries(k, k)), entries(k, draw(sides)))


@structure
def product_of_squares(draw: Any, entries: Any) -> LinearOperator:
    n = draw(sides)
    return Product(entries(n, n), Diagonal(entries(n)))


@structure
def multiple(draw: Any, entries: Any) -> LinearOperator:
    return Scaled(draw(st.sampled_from([2, -0.5, 0, 1.5j])), kronecker_of_squares(draw, entries))


@structure
def adjoint(draw: Any, entries: Any) -> LinearOperator:
    return Adjoint(kronecker(draw, entries))


@structure
def transpose(draw: Any, entries: Any) -> LinearOperator:
    return Transpose(kronecker_of_squares(draw, entries))


@structure
def inverse(draw: Any, entries: Any) -> LinearOperator:
    n = draw(sides)
    # eigenvalues stay near 32: entries are at most 4 √2 in modulus
    return Inverse(Dense(entries(n, n)) + 32 * Diagonal(entries(n) * 0 + 1))


@structure
def selected(draw: Any, entries: Any) -> LinearOperator:
    A = Dense(entries(4, 5))
    rows = draw(st.sampled_from([range(4), range(3, -1, -1), range(0, 4, 2), range(0)]))
    columns = draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    return Selected(A, rows, A.xp.asarray(columns, device=A.device))


@structure
def sparse(draw: Any, entries: Any) -> LinearOperator:
    form = draw(st.sampled_from(["csr", "csc", "coo", "lil"]))
    return Sparse(scipy.sparse.coo_array(entries(draw(few), draw(few))).asformat(form))


@structure
def foreign(draw: Any, entries: Any) -> LinearOperator:
    A = entries(draw(few), draw(few))
    return Foreign(scipy.sparse.linalg.aslinearoperator(A))


@structure
def grid_uniform(draw: Any, entries: Any) -> LinearOperator:
    grid = draw(st.lists(few, min_size=1, max_size=3))
    sides = [draw(st.sampled_from(["dirichlet", "neumann", "periodic"])) for _ in grid]
    return GridOperator.laplacian(grid, shift=entries(1), weights=0.5, sides=sides)


@structure
def grid_variable(draw: Any, entries: Any) -> LinearOperator:
    m, n = draw(few), draw(few)
    return GridOperator((m, n), (entries(m + 1, n), entries(m, n + 1)), entries(m, n))
