"""How many numbers each structure stores."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.sparse as sp

from structlin import matrices
from structlin.matrices import (
    DCT,
    DFT,
    DST,
    Adjoint,
    Banded,
    BlockDiagonal,
    BlockToeplitz,
    Butterfly,
    Cauchy,
    Circulant,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    FaceSplitting,
    Foreign,
    GridOperator,
    Hadamard,
    Hankel,
    Hartley,
    Householder,
    Identity,
    Inverse,
    KhatriRao,
    Kronecker,
    KroneckerSparse,
    KroneckerSparseChain,
    KroneckerSum,
    LinearOperator,
    LowRank,
    LowRankUpdate,
    Monarch,
    Permutation,
    Product,
    Scaled,
    Selected,
    SlidingUpdate,
    Sparse,
    SparsePlusLowRank,
    Sum,
    SumOfKroneckers,
    Toeplitz,
    Transpose,
    Triangular,
    Vandermonde,
    Zero,
    slogdet,
)


def a(*shape):
    """Return an array without zeros, whose entries differ."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape) ** 1.5


U, V = a(6, 2), a(6, 2) + 1

TABLE = [
    (Dense(a(4, 5)), 20),
    (Diagonal(a(6)), 6),
    (Identity(6), 0),
    (Zero((6, 4)), 0),
    (Toeplitz(a(6), a(4)), 6 + 4 - 1),
    (Toeplitz(a(6)), 11),
    (BlockToeplitz(a(5, 7), levels=((3, 3), (4, 4))), 35),
    (Circulant(a(6)), 6),
    (Circulant(a(3, 4)), 12),
    (Hankel(a(6), a(4)), 6 + 4 - 1),
    (Banded(a(3, 6), lower=1, upper=1), 18),  # with the corners that lie outside the matrix
    (Triangular(a(4, 4)), 16),  # with the half that is zero
    (BlockDiagonal(a(2, 3), a(3, 3)), 6 + 9),
    (BlockDiagonal(a(5, 2, 3)), 30),
    (BlockDiagonal(Identity(3), Diagonal(a(3)), Toeplitz(a(3), a(3))), 0 + 3 + 5),
    (Kronecker(a(2, 3), a(3, 3)), 6 + 9),
    (Kronecker(a(2, 3), Identity(100)), 6),
    (KroneckerSum(a(2, 2), a(3, 3)), 4 + 9),
    (SumOfKroneckers(*[Kronecker(a(2, 2), a(3, 3))] * 2), 26),
    (SumOfKroneckers(Kronecker(a(2, 2), a(3, 3)), Kronecker(a(2, 2), Identity(3))), 17),
    (KhatriRao(a(2, 3), a(3, 3)), 15),
    (FaceSplitting(a(3, 2), a(3, 3)), 15),
    (KroneckerSparse(a(2, 3, 4, 5)), 120),
    (KroneckerSparseChain(a(2, 3, 4, 5), a(2, 4, 2, 5)), 120 + 80),
    (Butterfly.nearest(a(8, 8)).operator, 2 * 8 * 3),
    (Monarch(a(4, 3, 4), a(4, 4, 5)), 48 + 80),
    (LowRank(U, a(4, 2)), 12 + 8),
    (LowRank(U), 12),
    (DiagonalPlusLowRank(a(6), U, V=V), 6 + 24),
    (DiagonalPlusLowRank(a(6), U), 6 + 12),
    (SparsePlusLowRank(sp.eye_array(6).tocsr(), U), 6 + 12),
    (LowRankUpdate(Toeplitz(a(6)), U), 11 + 12),
    (SlidingUpdate(Diagonal(a(6)), U), 6 + 12),
    (Householder(a(6)), 7),
    (Vandermonde(a(6)), 6),
    (Cauchy(a(6), -a(4)), 10),
    (Permutation(np.array([2, 0, 1])), 3),
    *[(transform(8), 0) for transform in (DFT, DCT, DST, Hadamard, Hartley)],
    (DFT((3, 4)), 0),
    (Sparse(sp.csr_array(np.diag(a(6)))), 6),
    (Foreign(sp.linalg.aslinearoperator(np.eye(3))), 0),
    (Sum(a(3, 3), Diagonal(a(3))), 12),
    (Product(a(2, 3), Diagonal(a(3))), 9),
    (Scaled(2.0, a(3, 3)), 10),
    *[(wrapped(Kronecker(a(3, 3), a(2, 2))), 13) for wrapped in (Transpose, Adjoint, Inverse)],
    (Selected(Dense(a(3, 4)), range(2), np.array([3, 1, 0])), 12 + 3),
    (GridOperator.laplacian((3, 4)), 2 + 1),
    (GridOperator((3, 4), [a(4, 1), a(3, 5)], shift=a(3, 4)), 4 + 15 + 12),
]


@pytest.mark.parametrize(("A", "stored"), TABLE, ids=[repr(A) for A, _ in TABLE])
def test_parameters(A, stored):
    assert A.parameters == stored
    assert isinstance(A.parameters, int)
    assert copy.deepcopy(A).parameters == stored


def test_every_structure_is_in_the_table():
    public = {
        value
        for value in vars(matrices).values()
        if isinstance(value, type) and issubclass(value, LinearOperator)
    }
    assert {type(A) for A, _ in TABLE} >= public - {LinearOperator}


@pytest.mark.parametrize(
    "A", [Circulant(a(6)), Kronecker(a(3, 3), a(2, 2)), BlockDiagonal(a(2, 2, 2) + np.eye(2))]
)
def test_what_is_worked_out_and_kept_does_not_count(A):
    before = A.parameters
    slogdet(A)
    _ = A @ np.ones(A.shape[1]), A.T, getattr(A, "blocks", None), getattr(A, "eigenvalues", None)
    assert A.parameters == before
