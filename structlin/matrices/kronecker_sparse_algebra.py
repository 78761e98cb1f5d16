"""Sums, products, multiples and transposes of Kronecker-sparse matrices and their chains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin.matrices._base import times
from structlin.matrices._hermitian import equal_up_to_rounding
from structlin.matrices.diagonals import Diagonal, as_diagonal, rule_of_shifts
from structlin.matrices.kronecker_sparse import (
    KroneckerSparse,
    KroneckerSparseChain,
    fuse,
    turned,
)
from structlin.matrices.operations import add, adjoint, is_hermitian, multiply, scale, transpose
from structlin.matrices.patterns import Seam
from structlin.matrices.rules import rule


def _transposed(A: KroneckerSparse) -> KroneckerSparse:
    return KroneckerSparse(turned(A.values, A.xp)) if A.is_complex else A._mirror


rule(transpose, KroneckerSparse)(_transposed)
rule(adjoint, KroneckerSparse)(lambda A: A._mirror)
rule(transpose, KroneckerSparseChain)(
    lambda A: KroneckerSparseChain(*map(_transposed, reversed(A.factors)))
)
rule(adjoint, KroneckerSparseChain)(
    lambda A: KroneckerSparseChain(*(factor._mirror for factor in reversed(A.factors)))
)
rule(scale, KroneckerSparse)(lambda A, scalar: KroneckerSparse(times(A.values, scalar, A.xp)))


@rule(scale, KroneckerSparseChain)
def _scale_chain(A: KroneckerSparseChain, scalar: complex) -> KroneckerSparseChain:
    first, *others = A.factors
    return KroneckerSparseChain(scalar * first, *others)


@rule(is_hermitian, KroneckerSparse)
def _is_hermitian(A: KroneckerSparse) -> bool:
    if 0 in A.values.shape:
        return True
    return A.pattern.b == A.pattern.c and equal_up_to_rounding(A.values, A._mirror.values, A.xp)


@rule(add, KroneckerSparse, KroneckerSparse)
def _add(A: KroneckerSparse, B: KroneckerSparse) -> Any:
    return KroneckerSparse(A.values + B.values) if A.pattern == B.pattern else NotImplemented


@rule(add, KroneckerSparse, Diagonal)
def _add_diagonal(A: KroneckerSparse, D: Diagonal) -> Any:
    a, b, c, d = A.pattern
    if b != c:
        return NotImplemented
    one = A.xp.eye(b, dtype=A.dtype, device=A.device)[None, :, :, None]
    return KroneckerSparse(A.values + one * A.xp.reshape(D.entries, (a, b, 1, d)))


rule(add, Diagonal, KroneckerSparse)(lambda D, A: _add_diagonal(A, D))
rule_of_shifts(KroneckerSparse, lambda A, one: _add_diagonal(A, as_diagonal(one)))


@rule(multiply, Diagonal, KroneckerSparse)
def _multiply_rows(D: Diagonal, A: KroneckerSparse) -> KroneckerSparse:
    a, b, _, d = A.pattern
    return KroneckerSparse(A.xp.reshape(D.entries, (a, b, 1, d)) * A.values)


@rule(multiply, KroneckerSparse, Diagonal)
def _multiply_columns(A: KroneckerSparse, D: Diagonal) -> KroneckerSparse:
    a, _, c, d = A.pattern
    return KroneckerSparse(A.values * A.xp.reshape(D.entries, (a, 1, c, d)))


@rule(multiply, Diagonal, KroneckerSparseChain)
def _multiply_chain_rows(D: Diagonal, A: KroneckerSparseChain) -> KroneckerSparseChain:
    first, *others = A.factors
    return KroneckerSparseChain(D @ first, *others)


@rule(multiply, KroneckerSparseChain, Diagonal)
def _multiply_chain_columns(A: KroneckerSparseChain, D: Diagonal) -> KroneckerSparseChain:
    *others, last = A.factors
    return KroneckerSparseChain(*others, last @ D)


@rule(multiply, KroneckerSparse, KroneckerSparse)
def _multiply(A: KroneckerSparse, B: KroneckerSparse) -> Any:
    if not A.pattern.obstacle(B.pattern):
        seam = Seam(A.pattern, B.pattern)
    elif not B.pattern.T.obstacle(A.pattern.T):
        seam = Seam(B.pattern.T, A.pattern.T)
    else:
        return NotImplemented
    if math.prod(seam.fused) < math.prod(A.pattern) + math.prod(B.pattern):
        return fuse(A, B)
    return KroneckerSparseChain(A, B)


def _multiply_chains(A: Any, B: Any) -> Any:
    left, right = (_factors(side) for side in (A, B))
    seam = left[-1] @ right[0]
    if not isinstance(seam, (KroneckerSparse, KroneckerSparseChain)):
        return NotImplemented
    factors = *left[:-1], *_factors(seam), *right[1:]
    try:
        return KroneckerSparseChain(*factors)
    except ValueError:  # some run forward and some backward
        return NotImplemented


def _factors(A: Any) -> Sequence[KroneckerSparse]:
    return A.factors if isinstance(A, KroneckerSparseChain) else (A,)


rule(multiply, KroneckerSparseChain, KroneckerSparseChain)(_multiply_chains)
rule(multiply, KroneckerSparseChain, KroneckerSparse)(_multiply_chains)
rule(multiply, KroneckerSparse, KroneckerSparseChain)(_multiply_chains)
