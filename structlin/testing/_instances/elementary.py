"""Instances of stored, diagonal and sparse matrices."""

from __future__ import annotations

import importlib

from structlin.matrices import Dense, Diagonal, Foreign, Identity, LinearOperator, Sparse
from structlin.testing._draws import Draw, square, structure


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
