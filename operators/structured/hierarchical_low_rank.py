"""Matrices whose blocks off the diagonal have low rank, at every scale."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of, conjugate
from structlin.operators._storage import stored_by

# rows and columns of a block, from start to stop, and its factors: U Vᴴ
Block = tuple[tuple[int, int], tuple[int, int], Any, Any]
# rows and columns of a block on the diagonal, and its entries
Leaf = tuple[tuple[int, int], Any]


class HierarchicalLowRank(LinearOperator):
    """A matrix of dense blocks on its diagonal and blocks ``U Vᴴ`` of low rank off it.

    Parameters
    ----------
    leaves : sequence of ((start, stop), (k, k) array)
        The dense blocks on the diagonal, which together have all rows and columns.
    blocks : sequence of ((start, stop), (start, stop), (m, r) array, (n, r) array)
        Rows, columns, ``U`` and ``V`` of the others.
    order : (size,) array of int, optional
        Row and column ``i`` of the blocks are row and column ``order[i]`` of the matrix. By
        default they are the same.

    Attributes
    ----------
    leaves, blocks, order : tuple, tuple, ndarray or None
        As given.

    Raises
    ------
    ValueError
        If there are no leaves.

    Notes
    -----
    The Green's function of an elliptic equation on ``n`` points of a line takes ranks that do not
    grow with ``n``: ``O(n log n)`` numbers, and as many operations for a product. On the points of
    a square ranks grow as ``√n``.

    Examples
    --------
    >>> import numpy as np
    >>> leaves = [((0, 1), np.eye(1)), ((1, 3), 2 * np.eye(2))]
    >>> A = HierarchicalLowRank(leaves, [((0, 1), (1, 3), np.ones((1, 1)), np.ones((2, 1)))])
    >>> A @ np.array([1.0, 2.0, 3.0])
    array([6., 4., 6.])
    """

    leaves: tuple[Leaf, ...]
    blocks: tuple[Block, ...]
    order: Any

    def __init__(
        self, leaves: Sequence[Leaf], blocks: Sequence[Block] = (), order: Any = None
    ) -> None:
        if not leaves:
            raise ValueError("a hierarchical matrix has a dense block at least: pass leaves")
        n = sum(stop - start for (start, stop), _ in leaves)
        arrays = [D for _, D in leaves] + [F for block in blocks for F in block[2:]]
        super().__init__((n, n), like=tuple(arrays))
        self.leaves = tuple((rows, self._own(D)) for rows, D in leaves)
        self.blocks = tuple((r, c, self._own(U), self._own(V)) for r, c, U, V in blocks)
        self.order = None if order is None else np.asarray(order, dtype=np.int64)

    def _own(self, x: Any) -> Any:
        return self.xp.astype(x, self.dtype, copy=False)

    @property
    def parameters(self) -> int:
        """How many numbers the blocks have."""
        arrays = [D for _, D in self.leaves] + [F for block in self.blocks for F in block[2:]]
        return sum(int(math.prod(x.shape)) for x in arrays)

    @property
    def largest_rank(self) -> int:
        """The largest rank of a block off the diagonal."""
        return max((int(U.shape[1]) for _, _, U, _ in self.blocks), default=0)

    def scaled(self, rows: Any, columns: Any) -> HierarchicalLowRank:
        """Return ``diag(rows) A diag(columns)`` for two (n,) arrays."""
        rows, columns = self._sorted(rows), self._sorted(columns)
        leaves = [((a, b), rows[a:b, None] * D * columns[None, a:b]) for (a, b), D in self.leaves]
        blocks = [
            ((a, b), (c, d), rows[a:b, None] * U, conjugate(columns, self.xp)[c:d, None] * V)
            for (a, b), (c, d), U, V in self.blocks
        ]
        return HierarchicalLowRank(leaves, blocks, self.order)

    def astype(self, dtype: Any) -> HierarchicalLowRank:
        """Return the matrix in another floating-point data type."""
        leaves = [(rows, self.xp.astype(D, dtype)) for rows, D in self.leaves]
        blocks = [
            (r, c, self.xp.astype(U, dtype), self.xp.astype(V, dtype)) for r, c, U, V in self.blocks
        ]
        return HierarchicalLowRank(leaves, blocks, self.order)

    @functools.cached_property
    def _places(self) -> tuple[Any, Any]:
        """The order, and the places of the rows in it, where the arrays are."""
        there = functools.partial(self.xp.asarray, device=self.device)
        return there(self.order), there(np.argsort(self.order))

    def _sorted(self, X: Any) -> Any:
        return X if self.order is None else self.xp.take(X, self._places[0], axis=0)

    def _matmat(self, X: Any) -> Any:
        return self._applied(X, adjoint=False)

    def _rmatmat(self, X: Any) -> Any:
        return self._applied(X, adjoint=True)

    def _applied(self, X: Any, *, adjoint: bool) -> Any:
        xp = self.xp
        X = self._sorted(X)
        Y = xp.zeros((self.shape[0], X.shape[1]), dtype=X.dtype, device=self.device)
        for (a, b), D in self.leaves:
            Y[a:b, :] = xp.matmul(self._in(adjoint_of(D, xp) if adjoint else D, X), X[a:b, :])
        for rows, columns, U, V in self.blocks:
            if adjoint:
                rows, columns, U, V = columns, rows, V, U
            (a, b), (c, d) = rows, columns
            inner = xp.matmul(self._in(adjoint_of(V, xp), X), X[c:d, :])
            Y[a:b, :] = Y[a:b, :] + xp.matmul(self._in(U, X), inner)
        return Y if self.order is None else xp.take(Y, self._places[1], axis=0)

    def _in(self, F: Any, X: Any) -> Any:
        return self.xp.astype(F, X.dtype, copy=False)

    def _formula(self) -> str:
        return f"{len(self.leaves)} leaves, {len(self.blocks)} blocks of rank {self.largest_rank}"


stored_by(HierarchicalLowRank, lambda A: (A.leaves, A.blocks, A.order))
