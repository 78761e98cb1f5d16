"""Instances of stored, diagonal, sparse and other elementary matrices."""

from __future__ import annotations

import importlib

import numpy as np

from structlin.matrices import (
    Banded,
    BlockDiagonal,
    Dense,
    Diagonal,
    Foreign,
    Hadamard,
    Householder,
    Identity,
    LinearOperator,
    Permutation,
    Sparse,
    Triangular,
    Zero,
)
from structlin.testing._draws import Draw, power_of_two, square, structure


@structure(Dense)
def dense(draw: Draw, m: int, n: int) -> LinearOperator:
    return Dense(draw.entries(m, n))


@structure(Dense, fits=square)
def hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    A = Dense(draw.entries(n, n))
    return A + A.H


@structure(Diagonal, fits=square)
def diagonal(draw: Draw, m: int, n: int) -> LinearOperator:
    return Diagonal(draw.entries(n))


@structure(Identity, fits=square)
def identity(draw: Draw, m: int, n: int) -> LinearOperator:
    return Identity(n, like=draw.entries(1))


@structure(Sparse, sizes=range(1, 4), numpy_only=True)
def sparse(draw: Draw, m: int, n: int) -> LinearOperator:
    form = draw.choice(["csr", "csc", "coo", "lil"])
    coo = importlib.import_module("scipy.sparse").coo_array(draw.entries(m, n))
    return Sparse(coo.asformat(form))


@structure(Foreign, sizes=range(1, 4), numpy_only=True)
def foreign(draw: Draw, m: int, n: int) -> LinearOperator:
    theirs = importlib.import_module("scipy.sparse.linalg")
    return Foreign(theirs.aslinearoperator(draw.entries(m, n)))


@structure(Zero)
def zero(draw: Draw, m: int, n: int) -> LinearOperator:
    return Zero((m, n), like=draw.entries(1))


@structure(Permutation, fits=square)
def permutation(draw: Draw, m: int, n: int) -> LinearOperator:
    indices = draw.asarray(np.asarray(draw.permutation(n), dtype=np.int64))
    return Permutation(indices, dtype=draw.dtype)


@structure(Triangular, fits=square)
def triangular(draw: Draw, m: int, n: int) -> LinearOperator:
    lower, unit = draw.choice([False, True]), draw.choice([False, True])
    return Triangular(draw.entries(n, n), lower=lower, unit_diagonal=unit)


@structure(Banded, sizes=range(7), fits=square)
def banded(draw: Draw, m: int, n: int) -> LinearOperator:
    lower, upper = draw.integer(0, 3), draw.integer(0, 3)
    return Banded(draw.entries(lower + upper + 1, n), lower=lower, upper=upper)


@structure(Banded, sizes=range(7), fits=square)
def tridiagonal_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    above = draw.entries(max(n - 1, 0))
    half = Banded.tridiagonal(0 * above, draw.entries(n), above)
    # shifts make some of them definite
    return half + half.H + draw.integer(0, 20) * Identity(n, like=half)


@structure(Householder, fits=square)
def householder(draw: Draw, m: int, n: int) -> LinearOperator:
    return Householder(draw.entries(n))


@structure(Householder, fits=square)
def householder_of_any_factor(draw: Draw, m: int, n: int) -> LinearOperator:
    tau = draw.choice([0.0, 1.0, 0.5, -1.0, draw.entries(1)[0]])
    return Householder(draw.entries(n), tau)


@structure(Hadamard, sizes=(1, 2, 4, 8), fits=power_of_two)
def hadamard(draw: Draw, m: int, n: int) -> LinearOperator:
    return Hadamard(n, like=draw.entries(1))


@structure(BlockDiagonal)
def block_diagonal(draw: Draw, m: int, n: int) -> LinearOperator:
    p, q = draw.integer(0, m), draw.integer(0, n)
    return BlockDiagonal(draw.entries(p, q), draw.entries(m - p, n - q))


@structure(BlockDiagonal, fits=square)
def block_diagonal_of_operators(draw: Draw, m: int, n: int) -> LinearOperator:
    p = draw.integer(0, n)
    return BlockDiagonal(hermitian(draw, p, p), Diagonal(draw.entries(n - p)))


def _even(m: int, n: int) -> bool:
    return m % 2 == n % 2 == 0


@structure(BlockDiagonal, sizes=(0, 2, 4, 6), fits=_even)
def block_diagonal_of_stack(draw: Draw, m: int, n: int) -> LinearOperator:
    return BlockDiagonal(draw.entries(2, m // 2, n // 2))


@structure(BlockDiagonal, sizes=(0, 2, 4), fits=lambda m, n: m == n and _even(m, n))
def block_diagonal_of_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    return BlockDiagonal(*(hermitian(draw, n // 2, n // 2) for _ in range(2)))
