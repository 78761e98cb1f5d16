"""Block diagonal matrices."""

from __future__ import annotations

import bisect
import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat as compat

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, size_text, times
from structlin.matrices._indices import Index, take
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, as_diagonal, rule_of_shifts
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import rule


class BlockDiagonal(LinearOperator):
    """A matrix of blocks along the diagonal, which may be rectangular.

    Parameters
    ----------
    *blocks : (mᵢ, nᵢ) array, sparse matrix or operator
        At least one; or a single (b, m, n) array of blocks of equal size. Blocks that are block
        diagonal themselves are taken apart, and operators are applied by their own structure.

    Attributes
    ----------
    stack : (b, m, n) array or None
        The blocks, where all of them are arrays of one size. An array of three dimensions is not
        copied: leave it unchanged.
    blocks : tuple of LinearOperator
        The blocks; arrays have become `Dense`.

    Raises
    ------
    ValueError
        If there are no blocks.

    Notes
    -----
    The blocks stand side by side: ``A[m₁ + … + mᵢ₋₁ + r, n₁ + … + nᵢ₋₁ + s]`` is entry ``[r, s]``
    of block ``i``. Every function works block by block, and on all blocks of a stack at once.

    Examples
    --------
    >>> import numpy as np
    >>> BlockDiagonal(np.ones((1, 2)), np.full((2, 1), 3.0)) @ np.array([1.0, 2.0, 4.0])
    array([ 3., 12., 12.])
    >>> BlockDiagonal(np.ones((100, 2, 3)))
    <BlockDiagonal 200x300 float64 = 100 blocks of 2x3>
    """

    stack: Any

    def __init__(self, *blocks: Any) -> None:
        if len(blocks) == 1 and compat.is_array_api_obj(blocks[0]) and blocks[0].ndim == 3:
            xp = namespace(blocks[0])
            stack = inexact(xp.asarray(blocks[0]), xp)
            # no blocks at all are one block without entries
            self.stack = stack if stack.shape[0] else xp.reshape(stack[:, :0, :0], (1, 0, 0))
            b, m, n = self.stack.shape
            super().__init__((b * m, b * n), like=self.stack)
            return
        if not blocks:
            raise ValueError("BlockDiagonal() has no blocks: give one matrix at least")
        parts = map(aslinearoperator, blocks)
        kept = tuple(
            block for P in parts for block in (P.blocks if isinstance(P, BlockDiagonal) else (P,))
        )
        rows, columns = zip(*(block.shape for block in kept), strict=True)
        super().__init__((sum(rows), sum(columns)), like=kept)
        self.stack = None
        # triangular blocks are dense ones too, but know better
        arrays = [block.array for block in kept if type(block) is Dense]
        if len(arrays) == len(kept) and len({block.shape for block in kept}) == 1:
            wide = (self.xp.astype(x, self.dtype, copy=False) for x in arrays)
            self.stack = self.xp.stack(list(wide))
        else:
            self._blocks = kept

    @functools.cached_property
    def blocks(self) -> tuple[LinearOperator, ...]:
        """The blocks, as operators."""
        if self.stack is None:
            return self._blocks
        return tuple(Dense(self.stack[i, ...]) for i in range(self.stack.shape[0]))

    @property
    def parameters(self) -> int:
        """How many numbers the blocks store."""
        return sum(block.parameters for block in self.blocks)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each block."""
        if self.stack is None:
            return [block.shape for block in self.blocks]
        return [tuple(self.stack.shape[1:])] * self.stack.shape[0]

    @functools.cached_property
    def _rows(self) -> list[int]:
        """The row where each block begins, and the last one ends."""
        return list(itertools.accumulate((m for m, _ in self.shapes), initial=0))

    @functools.cached_property
    def _columns(self) -> list[int]:
        return list(itertools.accumulate((n for _, n in self.shapes), initial=0))

    def _matmat(self, X: Any) -> Any:
        if self.stack is not None:
            return _stacked_product(self.stack, X, self.xp)
        parts = zip(self.blocks, cut(X, self._columns), strict=True)
        return self.xp.concat([block._matmat(part) for block, part in parts])

    def _rmatmat(self, X: Any) -> Any:
        xp = self.xp
        if self.stack is None:
            parts = zip(self.blocks, cut(X, self._rows), strict=True)
            return xp.concat([block._rmatmat(part) for block, part in parts])
        transposed = xp.matrix_transpose(self.stack)
        if not self.is_complex:
            return _stacked_product(transposed, X, xp)
        # the conjugates of the operands are smaller than that of the matrix
        return xp.conj(_stacked_product(transposed, xp.conj(X), xp))

    def _block(self, i: int) -> LinearOperator:
        """Return a block, without making operators of the others."""
        return self.blocks[i] if self.stack is None else Dense(self.stack[i, ...])

    @functools.cached_property
    def _hermitian(self) -> bool:
        if self.stack is None:
            return all(map(is_hermitian, self.blocks))
        xp, stack = self.xp, self.stack
        if stack.shape[1] != stack.shape[2]:
            return False
        if 0 in stack.shape:
            return True
        if not bool(xp.all(xp.isfinite(stack))):
            return False
        gaps = xp.abs(stack - adjoint_of(stack, xp))
        sizes = xp.max(xp.abs(stack), axis=(1, 2))
        return bool(xp.all(xp.max(gaps, axis=(1, 2)) <= 100 * xp.finfo(stack.dtype).eps * sizes))

    @functools.cached_property
    def _svd(self) -> tuple[Any, Any, Any]:
        """Thin singular value decompositions of the stack, kept for the next right-hand side."""
        require_finite("A", self.stack)
        U, S, Vh = self.xp.linalg.svd(self.stack, full_matrices=False)
        return U, S, Vh

    def _formula(self) -> str:
        if self.stack is not None:
            b, m, n = self.stack.shape
            return f"{b} blocks of {size_text((m, n))}"
        sizes = [size_text(shape) for shape in self.shapes]
        if len(sizes) > 8:
            sizes[3:-1] = ["…"]
        return f"blocks of {', '.join(sizes)}"


def cut(X: Any, ends: Sequence[int]) -> list[Any]:
    """Return the rows of ``X`` between each end and the next."""
    return [X[start:stop, ...] for start, stop in itertools.pairwise(ends)]


def _stacked_product(stack: Any, X: Any, xp: Any) -> Any:
    b, m, n = stack.shape
    Y = xp.matmul(stack, xp.reshape(X, (b, n, X.shape[1])))
    return xp.reshape(Y, (b * m, X.shape[1]))


def all_square(A: BlockDiagonal) -> bool:
    """Tell whether every block is square."""
    if A.stack is not None:
        return bool(A.stack.shape[1] == A.stack.shape[2])
    return all(m == n for m, n in A.shapes)


# algebra


def _each(
    A: BlockDiagonal, stacked: Callable[[Any], Any], blockwise: Callable[[Any], Any]
) -> BlockDiagonal:
    if A.stack is not None:
        return BlockDiagonal(stacked(A.stack))
    return BlockDiagonal(*map(blockwise, A.blocks))


@rule(adjoint, BlockDiagonal)
def _adjoint(A: BlockDiagonal) -> BlockDiagonal:
    return _each(A, lambda S: adjoint_of(S, A.xp), adjoint)


@rule(transpose, BlockDiagonal)
def _transpose(A: BlockDiagonal) -> BlockDiagonal:
    return _each(A, A.xp.matrix_transpose, transpose)


@rule(scale, BlockDiagonal)
def _scale(A: BlockDiagonal, scalar: complex) -> BlockDiagonal:
    return _each(A, lambda S: times(S, scalar, A.xp), lambda block: scale(block, scalar))


rule(is_hermitian, BlockDiagonal)(lambda A: A._hermitian)


@rule(add, BlockDiagonal, BlockDiagonal)
def _add(A: BlockDiagonal, B: BlockDiagonal) -> Any:
    if A.stack is not None and B.stack is not None and A.stack.shape == B.stack.shape:
        return BlockDiagonal(A.stack + B.stack)
    if A.shapes != B.shapes:
        return NotImplemented
    return BlockDiagonal(*map(operator.add, A.blocks, B.blocks))


@rule(multiply, BlockDiagonal, BlockDiagonal)
def _multiply(A: BlockDiagonal, B: BlockDiagonal) -> Any:
    if A.stack is not None and B.stack is not None:
        (b, m, k), (d, inner, n) = A.stack.shape, B.stack.shape
        # two thin factors may be smaller than their product
        if (b, k) == (d, inner) and m * n <= m * k + k * n:
            return BlockDiagonal(A.xp.matmul(A.stack, B.stack))
        return NotImplemented
    if [n for _, n in A.shapes] != [m for m, _ in B.shapes]:
        return NotImplemented
    return BlockDiagonal(*map(operator.matmul, A.blocks, B.blocks))


def _diagonals(A: Diagonal, ends: Sequence[int]) -> list[Diagonal]:
    return [Diagonal(part) for part in cut(A.entries, ends)]


@rule(multiply, Diagonal, BlockDiagonal)
def _scaled_rows(A: Diagonal, B: BlockDiagonal) -> BlockDiagonal:
    if B.stack is not None:
        return BlockDiagonal(A.xp.reshape(A.entries, (*B.stack.shape[:2], 1)) * B.stack)
    return BlockDiagonal(*map(operator.matmul, _diagonals(A, B._rows), B.blocks))


@rule(multiply, BlockDiagonal, Diagonal)
def _scaled_columns(A: BlockDiagonal, B: Diagonal) -> BlockDiagonal:
    if A.stack is not None:
        b, _, n = A.stack.shape
        return BlockDiagonal(A.stack * A.xp.reshape(B.entries, (b, 1, n)))
    return BlockDiagonal(*map(operator.matmul, A.blocks, _diagonals(B, A._columns)))


@rule(add, BlockDiagonal, Diagonal)
def _add_diagonal(A: BlockDiagonal, B: Diagonal) -> Any:
    if not all_square(A):
        return NotImplemented
    if A.stack is None:
        return BlockDiagonal(*map(operator.add, A.blocks, _diagonals(B, A._rows)))
    b, n, _ = A.stack.shape
    one = A.xp.eye(n, dtype=B.dtype, device=A.device)
    return BlockDiagonal(A.stack + one * A.xp.reshape(B.entries, (b, n, 1)))


rule(add, Diagonal, BlockDiagonal)(lambda A, B: _add_diagonal(B, A))
rule_of_shifts(BlockDiagonal, lambda A, one: _add_diagonal(A, as_diagonal(one)))


@rule(select, BlockDiagonal)
def _select(A: BlockDiagonal, rows: Index, columns: Index) -> Any:
    if not isinstance(rows, int):
        return select(A.T, columns, rows) if isinstance(columns, int) else NotImplemented
    i = bisect.bisect_right(A._rows, rows) - 1
    start, stop = A._columns[i], A._columns[i + 1]
    within = select(A._block(i), rows - A._rows[i], range(stop - start))
    row = A.xp.zeros(A.shape[1], dtype=A.dtype, device=A.device)
    row[start:stop] = A.xp.astype(within, A.dtype, copy=False)
    return row[columns] if isinstance(columns, int) else take(row, columns, A.xp)
