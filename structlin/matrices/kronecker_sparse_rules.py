"""What is computed with Kronecker-sparse matrices block by block, and with chains of them."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin._backend import is_numpy, scipy_of
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, coarser
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices._indices import Index, take
from structlin.matrices._pade import exponential
from structlin.matrices.decompositions import not_hermitian
from structlin.matrices.dense import cholesky_factor
from structlin.matrices.functions import (
    cholesky,
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    lstsq,
    norm,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.kronecker_sparse import KroneckerSparse, KroneckerSparseChain
from structlin.matrices.operations import is_hermitian, select, transpose
from structlin.matrices.rules import answer, rule
from structlin.matrices.systems import at_once, negligible

# With b = c the permutations of rows and columns that sort the entries into blocks are the same:
# whatever holds for block-diagonal matrices holds here.


def _has_square_blocks(A: KroneckerSparse) -> bool:
    return A.pattern.b == A.pattern.c


_by_block: dict[str, Any] = {"memory": "2 a b c d"}
_by_square_block: dict[str, Any] = {"when": _has_square_blocks, **_by_block}


@rule(solve, KroneckerSparse, how="LU of each block", cost="2/3 a d b³", **_by_square_block)
def _solve(A: KroneckerSparse, B: Any) -> Any:
    blocks = A.blocks
    if coarser(A, B):
        blocks = A.xp.astype(blocks, B.dtype)  # the precision of the result
    require_finite("A", A.values)
    return A.unstacked(at_once(A, A.xp.linalg.solve, blocks, A.stacked(B, A.pattern.b)))


@rule(inv, KroneckerSparse, how="inverse of each block", cost="2 a d b³", **_by_square_block)
def _inv(A: KroneckerSparse) -> KroneckerSparse:
    require_finite("A", A.values)
    return KroneckerSparse.from_blocks(at_once(A, A.xp.linalg.inv, A.blocks))


@rule(slogdet, KroneckerSparse, how="sum over the blocks", cost="2/3 a d b³", **_by_square_block)
def _slogdet(A: KroneckerSparse) -> Any:
    require_finite("A", A.values)
    sign, logarithm = A.xp.linalg.slogdet(A.blocks)
    return A.xp.prod(sign), A.xp.sum(logarithm)


def _hermitian_blocks(A: KroneckerSparse) -> Any:
    """Return the blocks of ``(A + Aᴴ) / 2``, which has to be close to ``A``."""
    require_finite("A", A.values)
    if not is_hermitian(A):
        raise not_hermitian(A)
    return hermitian_part(A.blocks, A.xp)


def _in_order(A: KroneckerSparse, values: Any) -> Any:
    """Return one number for each block and column (a, d, c), in the order of columns (a, c, d)."""
    return A.xp.reshape(A.xp.permute_dims(values, (0, 2, 1)), (-1,))


@rule(
    eigh,
    KroneckerSparse,
    how="eigendecomposition of each block, if A = Aᴴ holds",
    cost="9 a d b³",
    **_by_square_block,
)
def _eigh(A: KroneckerSparse) -> Any:
    w, V = A.xp.linalg.eigh(_hermitian_blocks(A))
    return _in_order(A, w), KroneckerSparse.from_blocks(V)


def _has_eig(A: KroneckerSparse) -> bool:
    return _has_square_blocks(A) and not is_hermitian(A) and hasattr(A.xp.linalg, "eig")


@rule(
    eig,
    KroneckerSparse,
    when=_has_eig,
    how="eigendecomposition of each block",
    cost="25 a d b³",
    **_by_block,
)
def _eig(A: KroneckerSparse) -> Any:
    require_finite("A", A.values)
    w, V = A.xp.linalg.eig(A.blocks)
    return _in_order(A, w), KroneckerSparse.from_blocks(V)


@rule(
    cholesky,
    KroneckerSparse,
    how="Cholesky factor of each block, if A = Aᴴ holds",
    cost="a d b³/3",
    **_by_square_block,
)
def _cholesky(A: KroneckerSparse) -> KroneckerSparse:
    # entries of a block keep their order, so that its lower triangle lies in that of A
    return KroneckerSparse.from_blocks(cholesky_factor(A, _hermitian_blocks(A)))


@rule(
    expm,
    KroneckerSparse,
    how="scaling and squaring of each block",
    cost="20 a d b³ and more",
    **_by_square_block,
)
def _expm(A: KroneckerSparse) -> KroneckerSparse:
    xp, (a, b, _, d) = A.xp, A.pattern
    require_finite("A", A.values)
    if 0 in A.pattern:
        return A
    if is_numpy(xp):
        return KroneckerSparse.from_blocks(scipy_of(xp, "linalg").expm(A.blocks))
    parts = [exponential(A.blocks[i, e, :, :], xp) for i in range(a) for e in range(d)]
    return KroneckerSparse.from_blocks(xp.reshape(xp.stack(parts), (a, d, b, b)))


@rule(trace, KroneckerSparse, how="sum of the diagonal", cost="a b d", **_by_square_block)
def _trace(A: KroneckerSparse) -> Any:
    return A.xp.sum(diagonal(A))


@rule(diagonal, KroneckerSparse, how="the stored entries", cost="a b d", **_by_square_block)
def _diagonal(A: KroneckerSparse) -> Any:
    blocks = A.xp.permute_dims(A.values, (0, 3, 1, 2))
    return A.xp.asarray(_in_order(A, A.xp.linalg.diagonal(blocks)), copy=True)


# and with b ≠ c they are still orthogonal


@rule(
    svd,
    KroneckerSparse,
    how="singular value decomposition of each block",
    cost="about 10 a d b c min(b, c)",
    **_by_block,
)
def _svd(A: KroneckerSparse) -> Any:
    U, S, Vh = _thin_svd(A, A.blocks)
    return KroneckerSparse.from_blocks(U), _in_order(A, S), KroneckerSparse.from_blocks(Vh)


def _thin_svd(A: KroneckerSparse, blocks: Any) -> Any:
    require_finite("A", A.values)
    return A.xp.linalg.svd(blocks, full_matrices=False)


@rule(
    svdvals,
    KroneckerSparse,
    how="singular values of each block",
    cost="about 4 a d b c min(b, c)",
    **_by_block,
)
def _svdvals(A: KroneckerSparse) -> Any:
    require_finite("A", A.values)
    return _in_order(A, A.xp.linalg.svdvals(A.blocks))


@rule(
    lstsq,
    KroneckerSparse,
    how="V ((Uᴴ b) / σ) in each block",
    cost="about 10 a d b c min(b, c)",
    **_by_block,
)
def _lstsq(A: KroneckerSparse, B: Any) -> Any:
    xp, blocks = A.xp, A.blocks
    if coarser(A, B):
        blocks = xp.astype(blocks, B.dtype)  # the precision of the result
    U, S, Vh = _thin_svd(A, blocks)
    zero = negligible(S, A.shape, xp, A.dtype)[..., None]
    C = xp.matmul(adjoint_of(U, xp), A.stacked(B, A.pattern.b))
    C = xp.where(zero, 0, C / xp.where(zero, 1, S[..., None]))
    return A.unstacked(xp.matmul(adjoint_of(Vh, xp), C))


@rule(
    norm,
    KroneckerSparse,
    how="fro, 1 and inf: sums of the entries",
    cost="a b c d",
    memory="a b c d",
    may_decline=True,
)
def _norm(A: KroneckerSparse, ord: str | float) -> Any:
    if ord == "fro":
        return A._scalar(euclidean(A.values), A.real_dtype)
    if ord in (1, math.inf):
        return A.xp.max(A.xp.sum(A.xp.abs(A.values), axis=1 if ord == 1 else 2))
    return NotImplemented


@rule(select, KroneckerSparse)
def _select(A: KroneckerSparse, rows: Index, columns: Index) -> Any:
    xp, (a, b, c, d) = A.xp, A.pattern
    if not isinstance(rows, int):
        return select(transpose(A), columns, rows) if isinstance(columns, int) else NotImplemented
    i, j, e = rows // (b * d), rows // d % b, rows % d
    if isinstance(columns, int):
        met = columns // (c * d) == i and columns % d == e
        return A.values[i, j, columns // d % c, e] if met else A._scalar(0.0)
    copies = xp.arange(a, device=A.device)[:, None, None] == i
    spaces = xp.arange(d, device=A.device)[None, None, :] == e
    row = xp.where(copies & spaces, A.values[i, j, :, e][None, :, None], A._scalar(0.0))
    return take(xp.reshape(row, (a * c * d,)), columns, xp)


# chains


def _all_square(A: KroneckerSparseChain) -> bool:
    return all(map(_has_square_blocks, A.factors))


def _is_narrow(A: KroneckerSparseChain) -> bool:
    return min(factor.shape[1] for factor in A.factors) < A.shape[0]


_factors = operator.attrgetter("factors")
_by_factor: dict[str, Any] = {
    "when": _all_square,
    "cost": "that of the factors",
    "memory": "that of the factors",
    "parts": _factors,
}
_narrow: dict[str, Any] = {"when": _is_narrow, "how": "singular", "cost": "0", "memory": "0"}


@rule(solve, KroneckerSparseChain, how="factor after factor", **_by_factor)
def _solve_chain(A: KroneckerSparseChain, B: Any) -> Any:
    for factor in A.factors:
        B = answer(solve, factor, then=(B,))
    return B


@rule(inv, KroneckerSparseChain, how="the inverses in reverse order", **_by_factor)
def _inv_chain(A: KroneckerSparseChain) -> LinearOperator:
    return KroneckerSparseChain(*map(inv, reversed(A.factors)))


@rule(slogdet, KroneckerSparseChain, how="sum over the factors", **_by_factor)
def _slogdet_chain(A: KroneckerSparseChain) -> Any:
    signs, logarithms = zip(*map(slogdet, A.factors), strict=True)
    return functools.reduce(operator.mul, signs), functools.reduce(operator.add, logarithms)


def _refuse(A: KroneckerSparseChain, *_: Any) -> Any:
    raise singular(A, "a factor has fewer columns than the product has rows")


rule(solve, KroneckerSparseChain, **_narrow)(_refuse)
rule(inv, KroneckerSparseChain, **_narrow)(_refuse)
rule(slogdet, KroneckerSparseChain, **_narrow)(
    lambda A: (A._scalar(0.0), A._scalar(-math.inf, A.real_dtype))
)
