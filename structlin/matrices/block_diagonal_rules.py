"""What the public functions do with block diagonal matrices: the same with each block."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin._backend import is_numpy
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, coarser
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.block_diagonal import BlockDiagonal, all_square, cut
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
    pinv,
    rank,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import answer, rule
from structlin.matrices.systems import at_once

# rows up to which one call for all blocks, which keeps no factorisation, beats a call for each
# with the factorisation kept (on NumPy)
_small = 32

_blocks = operator.attrgetter("blocks")
_lopsided = "blocks that are not square have rank Σ min(mᵢ, nᵢ)"


def _stacked(A: BlockDiagonal) -> bool:
    return A.stack is not None and 0 not in A.stack.shape


def _stacked_squares(A: BlockDiagonal) -> bool:
    return _stacked(A) and all_square(A)


def _solved_at_once(A: BlockDiagonal) -> bool:
    return _stacked_squares(A) and (A.stack.shape[1] <= _small or not is_numpy(A.xp))


def _in_precision_of(A: BlockDiagonal, B: Any) -> BlockDiagonal:
    if not coarser(A, B):
        return A
    return BlockDiagonal(A.xp.astype(A.stack, B.dtype))


# systems


@rule(
    solve,
    BlockDiagonal,
    when=_solved_at_once,
    how="LU factorisations of all blocks at once",
    cost="2/3 Σ nᵢ³",
    memory="Σ nᵢ²",
)
def _solve_stack(A: BlockDiagonal, B: Any) -> Any:
    require_finite("A", A.stack)
    A = _in_precision_of(A, B)
    return A.xp.reshape(at_once(A, A.xp.linalg.solve, A.stack, _parts(A, B)), B.shape)


@rule(
    inv,
    BlockDiagonal,
    when=_stacked_squares,
    how="inverses of all blocks at once",
    cost="2 Σ nᵢ³",
    memory="2 Σ nᵢ²",
)
def _inv_stack(A: BlockDiagonal) -> BlockDiagonal:
    require_finite("A", A.stack)
    return BlockDiagonal(at_once(A, A.xp.linalg.inv, A.stack))


def _parts(A: BlockDiagonal, B: Any) -> Any:
    """Return the rows of ``B`` that belong to each block, as a stack."""
    b, m, _ = A.stack.shape
    return A.xp.reshape(B, (b, m, B.shape[1]))


@rule(
    lstsq,
    BlockDiagonal,
    when=_stacked,
    how="V ((Uᴴ b) / σ) of all blocks at once, U, σ and V kept",
    cost="about 10 Σ mᵢ nᵢ min(mᵢ, nᵢ)",
    memory="3 Σ mᵢ nᵢ",
)
def _lstsq_stack(A: BlockDiagonal, B: Any) -> Any:
    xp = A.xp
    U, S, Vh = _in_precision_of(A, B)._svd
    C = _inverted(S, A)[..., None] * xp.matmul(adjoint_of(U, xp), _parts(A, B))
    return xp.reshape(xp.matmul(adjoint_of(Vh, xp), C), (A.shape[1], B.shape[1]))


@rule(
    pinv,
    BlockDiagonal,
    when=_stacked,
    how="V diag(1/σ) Uᴴ of all blocks at once",
    cost="about 10 Σ mᵢ nᵢ min(mᵢ, nᵢ)",
    memory="3 Σ mᵢ nᵢ",
)
def _pinv_stack(A: BlockDiagonal) -> BlockDiagonal:
    U, S, Vh = A._svd
    V = adjoint_of(Vh, A.xp) * _inverted(S, A)[:, None, :]
    return BlockDiagonal(A.xp.matmul(V, adjoint_of(U, A.xp)))


def _zero(S: Any, A: BlockDiagonal) -> Any:
    """Tell which singular values count as zero, each measured by the largest of its block."""
    tolerance = max(A.stack.shape[1:]) * A.xp.finfo(A.dtype).eps
    return tolerance * A.xp.max(S, axis=1, keepdims=True) >= S


def _inverted(S: Any, A: BlockDiagonal) -> Any:
    xp, zero = A.xp, _zero(S, A)
    return xp.where(zero, 0, 1 / xp.where(zero, 1, S))


_by_block: dict[str, Any] = {"parts": _blocks, "memory": "that of the blocks"}


@rule(solve, BlockDiagonal, when=all_square, how="block by block", cost="Σ solve(Aᵢ)", **_by_block)
def _solve(A: BlockDiagonal, B: Any) -> Any:
    parts = zip(A.blocks, cut(B, A._rows), strict=True)
    return A.xp.concat([answer(solve, block, then=(part,)) for block, part in parts])


@rule(lstsq, BlockDiagonal, how="block by block", cost="Σ lstsq(Aᵢ)", **_by_block)
def _lstsq(A: BlockDiagonal, B: Any) -> Any:
    parts = zip(A.blocks, cut(B, A._rows), strict=True)
    return A.xp.concat([answer(lstsq, block, then=(part,)) for block, part in parts])


@rule(inv, BlockDiagonal, when=all_square, how="block by block", cost="Σ inv(Aᵢ)", **_by_block)
def _inv(A: BlockDiagonal) -> BlockDiagonal:
    return BlockDiagonal(*map(inv, A.blocks))


@rule(pinv, BlockDiagonal, how="block by block", cost="Σ pinv(Aᵢ)", **_by_block)
def _pinv(A: BlockDiagonal) -> BlockDiagonal:
    return BlockDiagonal(*map(pinv, A.blocks))


@rule(solve, BlockDiagonal, how="singular", cost="0", memory="0")
@rule(inv, BlockDiagonal, how="singular", cost="0", memory="0")
def _refuse(A: BlockDiagonal, *_: Any) -> Any:
    raise singular(A, _lopsided)


# determinant, rank and norms


@rule(
    slogdet,
    BlockDiagonal,
    when=_stacked_squares,
    how="LU factorisations of all blocks at once",
    cost="2/3 Σ nᵢ³",
    memory="Σ nᵢ²",
)
def _slogdet_stack(A: BlockDiagonal) -> Any:
    require_finite("A", A.stack)
    signs, logarithms = A.xp.linalg.slogdet(A.stack)
    return A.xp.prod(signs), A.xp.sum(logarithms)


@rule(
    slogdet,
    BlockDiagonal,
    when=all_square,
    how="sum over the blocks",
    cost="Σ slogdet(Aᵢ)",
    **_by_block,
)
def _slogdet(A: BlockDiagonal) -> Any:
    signs, logarithms = zip(*map(slogdet, A.blocks), strict=True)
    return functools.reduce(operator.mul, signs), functools.reduce(operator.add, logarithms)


@rule(slogdet, BlockDiagonal, how="singular", cost="0", memory="0")
def _slogdet_lopsided(A: BlockDiagonal) -> Any:
    return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)


@rule(
    rank,
    BlockDiagonal,
    when=_stacked,
    how="singular values of each block above max(m, n) eps σ₁",
    cost="about 4 Σ mᵢ nᵢ min(mᵢ, nᵢ)",
    memory="Σ mᵢ nᵢ",
)
def _rank_of_stack(A: BlockDiagonal) -> int:
    require_finite("A", A.stack)
    return int(A.xp.count_nonzero(~_zero(A.xp.linalg.svdvals(A.stack), A)))


@rule(rank, BlockDiagonal, how="sum over the blocks", cost="Σ rank(Aᵢ)", **_by_block)
def _rank(A: BlockDiagonal) -> int:
    return sum(map(rank, A.blocks))


@rule(
    norm,
    BlockDiagonal,
    when=_stacked,
    how="from the entries, or the singular values, of all blocks at once",
    cost="Σ mᵢ nᵢ, or svdvals",
    memory="Σ mᵢ nᵢ",
)
def _norm_of_stack(A: BlockDiagonal, ord: str | float) -> Any:
    xp = A.xp
    if ord == "fro":
        return A._scalar(euclidean(A.stack), A.real_dtype)
    if ord in (1, math.inf):
        return xp.max(xp.sum(xp.abs(A.stack), axis=1 if ord == 1 else 2))
    return xp.sum(svdvals(A)) if ord == "nuc" else xp.max(svdvals(A))


@rule(norm, BlockDiagonal, how="from those of the blocks", cost="Σ norm(Aᵢ)", **_by_block)
def _norm(A: BlockDiagonal, ord: str | float) -> Any:
    norms = A.xp.stack([norm(block, ord) for block in A.blocks])
    if ord == "fro":
        return A._scalar(euclidean(norms), A.real_dtype)
    return A.xp.sum(norms) if ord == "nuc" else A.xp.max(norms)


# decompositions


@rule(
    eigh,
    BlockDiagonal,
    when=lambda A: _stacked(A) and is_hermitian(A),
    how="eigendecompositions of all blocks at once",
    cost="9 Σ nᵢ³",
    memory="2 Σ nᵢ²",
)
def _eigh_stack(A: BlockDiagonal) -> Any:
    w, V = A.xp.linalg.eigh(hermitian_part(A.stack, A.xp))
    return A.xp.reshape(w, (-1,)), BlockDiagonal(V)


@rule(
    cholesky,
    BlockDiagonal,
    when=lambda A: _stacked(A) and is_hermitian(A),
    how="Cholesky factorisations of all blocks at once",
    cost="1/3 Σ nᵢ³",
    memory="Σ nᵢ²",
)
def _cholesky_stack(A: BlockDiagonal) -> BlockDiagonal:
    return BlockDiagonal(cholesky_factor(A, hermitian_part(A.stack, A.xp)))


@rule(
    svd,
    BlockDiagonal,
    when=_stacked,
    how="singular value decompositions of all blocks at once, kept",
    cost="about 10 Σ mᵢ nᵢ min(mᵢ, nᵢ)",
    memory="3 Σ mᵢ nᵢ",
)
def _svd_stack(A: BlockDiagonal) -> Any:
    U, S, Vh = A._svd
    return BlockDiagonal(U), A.xp.reshape(S, (-1,), copy=True), BlockDiagonal(Vh)


@rule(
    svdvals,
    BlockDiagonal,
    when=_stacked,
    how="singular values of all blocks at once",
    cost="about 4 Σ mᵢ nᵢ min(mᵢ, nᵢ)",
    memory="Σ mᵢ nᵢ",
)
def _svdvals_of_stack(A: BlockDiagonal) -> Any:
    require_finite("A", A.stack)
    return A.xp.reshape(A.xp.linalg.svdvals(A.stack), (-1,))


@rule(eigh, BlockDiagonal, when=all_square, how="block by block", cost="Σ eigh(Aᵢ)", **_by_block)
def _eigh(A: BlockDiagonal) -> Any:
    values, vectors = zip(*map(eigh, A.blocks), strict=True)
    return A.xp.concat(values), BlockDiagonal(*vectors)


@rule(eig, BlockDiagonal, when=all_square, how="block by block", cost="Σ eig(Aᵢ)", **_by_block)
def _eig(A: BlockDiagonal) -> Any:
    values, vectors = zip(*map(eig, A.blocks), strict=True)
    return A.xp.concat(values), BlockDiagonal(*vectors)


@rule(svd, BlockDiagonal, how="block by block", cost="Σ svd(Aᵢ)", **_by_block)
def _svd(A: BlockDiagonal) -> Any:
    U, S, Vh = zip(*map(svd, A.blocks), strict=True)
    return BlockDiagonal(*U), A.xp.concat(S), BlockDiagonal(*Vh)


@rule(svdvals, BlockDiagonal, how="block by block", cost="Σ svdvals(Aᵢ)", **_by_block)
def _svdvals(A: BlockDiagonal) -> Any:
    return A.xp.concat([svdvals(block) for block in A.blocks])


@rule(
    cholesky,
    BlockDiagonal,
    when=all_square,
    how="block by block",
    cost="Σ cholesky(Aᵢ)",
    **_by_block,
)
def _cholesky(A: BlockDiagonal) -> BlockDiagonal:
    return BlockDiagonal(*map(cholesky, A.blocks))


@rule(expm, BlockDiagonal, when=all_square, how="block by block", cost="Σ expm(Aᵢ)", **_by_block)
def _expm(A: BlockDiagonal) -> LinearOperator:
    return BlockDiagonal(*map(expm, A.blocks))


# entries


@rule(diagonal, BlockDiagonal, when=all_square, how="block by block", cost="n", **_by_block)
def _diagonal(A: BlockDiagonal) -> Any:
    if A.stack is not None:
        return A.xp.reshape(A.xp.linalg.diagonal(A.stack), (-1,), copy=True)
    return A.xp.concat([diagonal(block) for block in A.blocks])


@rule(trace, BlockDiagonal, when=all_square, how="block by block", cost="n", **_by_block)
def _trace(A: BlockDiagonal) -> Any:
    if A.stack is not None:
        return A.xp.sum(diagonal(A))
    return functools.reduce(operator.add, map(trace, A.blocks))
