"""Instances of matrices of low rank, and of sums with them."""

from __future__ import annotations

import importlib

from structlin.matrices import (
    DiagonalPlusLowRank,
    Identity,
    Kronecker,
    LinearOperator,
    LowRank,
    LowRankUpdate,
    SlidingUpdate,
    SparsePlusLowRank,
)
from structlin.testing._draws import Draw, square, structure
from structlin.testing._instances.elementary import hermitian as _hermitian

_composite = (0, 1, 2, 4, 6)

# Where a base and its update cancel, the rounding errors of a product are those of its terms, and
# not of the matrix: bases are integers, or zero, and updates are smaller than one.
_large, _small = 16.0, 1 / 128


@structure(LowRank)
def low_rank(draw: Draw, m: int, n: int) -> LinearOperator:
    r = draw.integer(0, 5)
    return LowRank(draw.entries(m, r), draw.entries(n, r))


@structure(LowRank, fits=square)
def low_rank_semidefinite(draw: Draw, m: int, n: int) -> LinearOperator:
    A = LowRank(draw.entries(n, draw.integer(0, 5)))
    return A if draw.choice([True, False]) else -A


@structure(LowRank, sizes=_composite, fits=square)
def low_rank_of_operators(draw: Draw, m: int, n: int) -> LinearOperator:
    p, q = draw.factors(n, 2)
    U = Kronecker(draw.entries(p, 1), draw.entries(q, 2))
    return LowRank(U, draw.entries(n, 2))


@structure(LowRankUpdate)
def low_rank_update(draw: Draw, m: int, n: int) -> LinearOperator:
    r, s = draw.integer(0, 2), draw.integer(0, 2)
    factors = draw.entries(m, r), draw.entries(r, s), _small / 32 * draw.entries(n, s)
    return LowRankUpdate(_large * draw.entries(m, n), *factors)


@structure(LowRankUpdate, sizes=_composite, fits=square)
def low_rank_update_of_kronecker(draw: Draw, m: int, n: int) -> LinearOperator:
    factors = (_large * draw.entries(k, k) for k in draw.factors(n, 2))
    return Kronecker(*factors) + LowRank(draw.entries(n, 1), _small * draw.entries(n, 1))


@structure(DiagonalPlusLowRank, sizes=range(7), fits=square)
def diagonal_plus_low_rank(draw: Draw, m: int, n: int) -> LinearOperator:
    r = draw.integer(0, 3)
    V = _small * draw.entries(n, r)
    return DiagonalPlusLowRank(_large * draw.entries(n), draw.entries(n, r), V=V)


@structure(DiagonalPlusLowRank, sizes=range(7), fits=square)
def diagonal_plus_low_rank_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    C = _hermitian(draw, 2, 2)
    base = draw.choice([2, 1]) * Identity(n, like=draw.entries(1))
    return DiagonalPlusLowRank(base, draw.entries(n, 2), C @ C)


@structure(SparsePlusLowRank, sizes=range(1, 6), numpy_only=True)
def sparse_plus_low_rank(draw: Draw, m: int, n: int) -> LinearOperator:
    coo = importlib.import_module("scipy.sparse").coo_array(_large * draw.entries(m, n))
    r = draw.integer(0, 2)
    return SparsePlusLowRank(coo, draw.entries(m, r), V=_small * draw.entries(n, r))


@structure(SlidingUpdate, fits=square)
def sliding_update(draw: Draw, m: int, n: int) -> LinearOperator:
    H = _hermitian(draw, n, n)  # the sum of squares cancels nowhere
    A = SlidingUpdate(H @ H, draw.entries(n, 2), window=draw.integer(2, 3), weight=0.5)
    return A.slide(draw.entries(n))
