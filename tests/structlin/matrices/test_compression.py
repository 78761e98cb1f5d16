"""The cheapest structure within a tolerance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import hadamard

from structlin.matrices import (
    Butterfly,
    Circulant,
    Compression,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Hankel,
    Kronecker,
    LowRank,
    Monarch,
    Sparse,
    SumOfKroneckers,
    Toeplitz,
    compress,
)

DTYPES = ["float32", "float64", "complex64", "complex128"]


def drawn(rng, *shape):
    return rng.standard_normal(shape)


def examples(rng):
    """Return matrices of 16 rows and columns, and the structure and size that are found."""
    i = np.arange(16)
    G, H = drawn(rng, 4, 4), drawn(rng, 4, 4)
    sparse = np.zeros((16, 16))
    sparse[rng.permutation(16)[:9], rng.permutation(16)[:9]] = 1 + rng.random(9)
    low = drawn(rng, 16, 2) @ drawn(rng, 2, 16)
    L, R = drawn(rng, 4, 4, 4), drawn(rng, 4, 4, 4)
    c = drawn(rng, 31)
    return {
        "diagonal": (np.diag(c[:16]), Diagonal, 16),
        "circulant": (c[(i[:, None] - i) % 16], Circulant, 16),
        "toeplitz": (c[i[:, None] - i + 15], Toeplitz, 31),
        "hankel": (c[i[:, None] + i], Hankel, 31),
        "sparse": (sparse, Sparse, 18),
        "kronecker": (np.kron(G, H), Kronecker, 32),
        "two kroneckers": (np.kron(G, H) + np.kron(H.T, G), SumOfKroneckers, 64),
        "low rank": (low, LowRank, 64),
        "diagonal and low rank": (10 * np.diag(c[:16]) + low, DiagonalPlusLowRank, 80),
        "monarch": (Monarch(L, R).todense(), Monarch, 128),
        "dense": (drawn(rng, 16, 16), Dense, 256),
    }


NAMES = list(examples(np.random.default_rng(0)))


def check(found, W, to_numpy=np.asarray):
    """Check everything that the result says against the matrix."""
    W = np.asarray(W)
    size = np.linalg.norm(W)
    for attempt in found.table:
        off = np.linalg.norm(W - to_numpy(attempt.operator.todense()))
        eps = float(np.finfo(W.dtype).eps)
        assert attempt.relative_error == pytest.approx(
            off / size if size else 0, rel=1e-3, abs=99 * eps
        )
        stored = attempt.operator.parameters
        assert attempt.parameters == stored * (2 if isinstance(attempt.operator, Sparse) else 1)
        assert isinstance(attempt.relative_error, float)
    assert found.relative_error <= found.tol
    (chosen,) = (attempt for attempt in found.table if attempt.operator is found.operator)
    assert chosen.relative_error == found.relative_error
    fit = [attempt for attempt in found.table if attempt.relative_error <= found.tol]
    assert chosen.parameters == min(attempt.parameters for attempt in fit)
    assert len({attempt.structure for attempt in found.table}) == len(found.table)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_each_structure_is_found(library, rng, name, dtype):
    W, kind, parameters = examples(rng)[name]
    W = W.astype(dtype) * (1 if dtype.startswith("float") else 0.6 + 0.8j)
    if kind is Sparse and library.name == "strict":
        pytest.skip("has no sparse matrices")
    W = W.astype(dtype)
    found = compress(library.asarray(W), tol=1e-4, rng=0)
    check(found, W, library.to_numpy)
    assert type(found.operator) is kind
    assert found.operator.dtype == library.dtype(dtype)
    best = min(a.parameters for a in found.table if a.operator is found.operator)
    assert best == parameters


def test_butterflies_are_found():
    found = compress(
        hadamard(8) @ np.diag(np.arange(1.0, 9)) @ hadamard(8)[[3, 1, 4, 0, 5, 2, 6, 7]]
    )
    check(found, found.table[-1].operator.todense())
    F = np.exp(-2j * np.pi * np.outer(np.arange(64), np.arange(64)) / 64)
    reverse = [int(f"{i:06b}"[::-1], 2) for i in range(64)]
    found = compress(F[:, reverse])
    assert type(found.operator) is Butterfly
    assert found.operator.parameters == 2 * 64 * 6
    check(found, F[:, reverse])


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 12), (12, 1), (7, 7), (7, 13), (2, 2), (6, 10), (3, 16)]
)
def test_all_shapes(library, rng, shape):
    for W in (drawn(rng, *shape), np.ones(shape), np.zeros(shape)):
        found = compress(library.asarray(W), rng=0)
        check(found, W, library.to_numpy)
        assert found.operator.shape == shape
        best = next(a for a in found.table if a.operator is found.operator)
        assert best.parameters <= W.size
        assert found.table[-1].structure == "Dense"


def test_what_cannot_be_cheaper_is_not_tried(rng):
    W = np.diag(np.arange(1.0, 65))
    assert [attempt.structure for attempt in compress(W).table] == ["Diagonal", "Dense"]
    table = compress(drawn(rng, 64, 64)).table
    assert max(attempt.parameters for attempt in table) == 64 * 64
    assert not any("LowRank" in attempt.structure for attempt in table)


@pytest.mark.parametrize("scale", [1e-250, 1e250])
def test_scaling_changes_nothing(rng, scale):
    for W, kind, _ in examples(rng).values():
        found = compress(scale * W, tol=1e-4, rng=0)
        assert type(found.operator) is kind


def test_no_tolerance_allows_rounding_errors(rng):
    found = compress(drawn(rng, 20, 2) @ drawn(rng, 2, 19), tol=0)
    assert isinstance(found.operator, LowRank)
    assert found.tol == 4 * np.sqrt(20) * np.finfo(float).eps
    # in single precision the default of 1e-6 is less than that
    W = (drawn(rng, 64, 2) @ drawn(rng, 2, 64)).astype("float32")
    assert isinstance(compress(W).operator, LowRank)


def test_a_larger_tolerance_never_costs_more(rng):
    i = np.arange(32)
    W = 1 / (1.5 + i[:, None] + i) + 1e-3 * np.diag(drawn(rng, 32))
    costs = []
    for tol in (0, 1e-10, 1e-6, 1e-3, 1e-1):
        found = compress(W, tol=tol)
        check(found, W)
        costs.append(next(a.parameters for a in found.table if a.operator is found.operator))
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_greens_function_of_a_square():
    # the inverse of a Kronecker sum of Laplacians is close to a short sum of Kronecker products
    T = 2 * np.eye(16) - np.eye(16, k=1) - np.eye(16, k=-1)
    G = np.linalg.inv(np.kron(T, np.eye(16)) + np.kron(np.eye(16), T))
    found = compress(G)
    check(found, G)
    assert isinstance(found.operator, SumOfKroneckers)
    assert found.operator.parameters == 7 * 2 * 16 * 16


def test_the_result_unpacks_and_prints():
    found = compress(np.diag([3.0, 4.0, 5.0]) + np.full((3, 3), 1e-3), tol=0.01)
    assert isinstance(found, Compression)
    operator, relative_error, table, tol = found
    assert isinstance(operator, Diagonal)
    assert relative_error == table[0].relative_error
    assert tol == 0.01
    assert str(found).splitlines() == [
        "structure  parameters  relative error",
        "Diagonal           3         3.5e-04 chosen",
        "Dense              9         0.0e+00",
    ]
    structure, parameters, error, made = table[0]
    assert (structure, parameters, error, made) == ("Diagonal", 3, relative_error, operator)


def test_sparse_matrices_and_operators(rng):
    S = sp.random_array((30, 30), density=0.05, rng=rng)
    assert type(compress(S).operator) is Sparse
    assert type(compress(Circulant(drawn(rng, 8)) @ Diagonal(np.ones(8))).operator) is Circulant


@pytest.mark.parametrize(
    ("W", "options", "message"),
    [
        (np.zeros((0, 3)), {}, "W is 0x3: an empty matrix cannot be compressed"),
        (np.eye(3), {"tol": -1e-3}, "tol is -0.001: it cannot be negative"),
        (np.eye(3), {"tol": float("nan")}, "tol is nan"),
        (np.array([[1.0, np.nan]]), {}, "W has"),
    ],
)
def test_impossible_wishes(W, options, message):
    with pytest.raises(ValueError, match=message):
        compress(W, **options)
