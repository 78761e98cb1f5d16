"""Instances of the sketching operators, whole ones and blocks of larger ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from structlin.matrices import LinearOperator
from structlin.sketching import (
    SRCT,
    SRHT,
    CountSketch,
    Gaussian,
    KhatriRaoSketch,
    KroneckerSketch,
    Rademacher,
    SparseStack,
    TensorSketch,
)
from structlin.testing._draws import Draw, structure

_sizes = (0, 1, 2, 3, 5, 12)
_composite = (0, 1, 2, 4, 6, 12)


def _drawn(draw: Draw, make: Callable[..., Any], m: int, n: int, **options: Any) -> LinearOperator:
    """Return a sketch, or a block of a larger one, of a key and of the library under test."""
    first, behind = draw.integer(0, 2), draw.integer(0, 2)
    with warnings.catch_warnings():  # of CountSketch, and of more rows than columns
        warnings.simplefilter("ignore")
        S = make(m, first + n + behind, rng=draw.integer(0, 99), like=draw.entries(1), **options)
    part: LinearOperator = S.block(first, first + n)
    return part


def _tensor(draw: Draw, make: Callable[..., Any], m: int, n: int, **options: Any) -> LinearOperator:
    dims = draw.factors(n, draw.integer(1, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        S: LinearOperator = make(m, dims, rng=draw.integer(0, 99), like=draw.entries(1), **options)
    return S


@structure(Gaussian, sizes=_sizes)
def gaussian_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _drawn(draw, Gaussian, m, n)


@structure(Rademacher, sizes=_sizes)
def rademacher_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _drawn(draw, Rademacher, m, n)


@structure(SparseStack, sizes=_sizes)
def sparse_stack_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    zeta = draw.choice([k for k in range(1, m + 1) if m % k == 0] or [8])
    return _drawn(draw, SparseStack, m, n, nonzeros=zeta)


@structure(CountSketch, sizes=_sizes)
def count_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _drawn(draw, CountSketch, m, n)


@structure(SRCT, sizes=_sizes)
def srct_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _drawn(draw, SRCT, m, n)


@structure(SRHT, sizes=_sizes)
def srht_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _drawn(draw, SRHT, m, n)


@structure(KhatriRaoSketch, sizes=_composite)
def khatri_rao_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    base = draw.choice(["rademacher", "gaussian", "spherical"])
    return _tensor(draw, KhatriRaoSketch, m, n, base=base)


@structure(KroneckerSketch, sizes=_composite)
def kronecker_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _tensor(draw, KroneckerSketch, m, n)


@structure(TensorSketch, sizes=_composite)
def tensor_sketch(draw: Draw, m: int, n: int) -> LinearOperator:
    return _tensor(draw, TensorSketch, m, n)
