"""Matrices of low rank, and hierarchical ones, from products with random smooth vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin.bases import Grid
from structlin.matrices import LowRank
from structlin.matrices._base import adjoint_of, conjugate
from structlin.operators._storage import storable
from structlin.operators.structured._cluster_tree import Box, Cluster, ClusterTree
from structlin.operators.structured.hierarchical_low_rank import Block, HierarchicalLowRank, Leaf

Product = Callable[[Any], Any]


@storable
@dataclass(frozen=True)
class Ranks:
    """What is kept of a block: at most so many columns, and values above a part of the largest."""

    rank: int
    oversampling: int
    tol: float

    @property
    def probes(self) -> int:
        """How many random vectors a block is multiplied with."""
        return self.rank + self.oversampling


def forcings(
    grid: Grid, box: Box, count: int, length_scale: float, rng: np.random.Generator
) -> Any:
    """Return (count, …) samples of a Gaussian process on a box of a grid, on the host.

    Along every axis it is a series of cosines, as many as there are points, with the spectrum
    ``(1 + (π j ℓ)²/5)^{-3}`` of Matérn's process with ν = 5/2, ``ℓ`` being the length scale
    relative to the sides of the box: smooth, and any number of samples is independent.
    """
    samples = rng.standard_normal((count, *(b - a for a, b in box)))
    for axis, (a, b) in enumerate(box):
        nodes = on_host(grid.axes[axis])[a:b]
        side = nodes[-1] - nodes[0]
        t = (nodes - nodes[0]) / side if side > 0 else nodes * 0.0
        j = np.arange(b - a)
        series = np.cos(np.pi * np.outer(t, j)) * (1 + (np.pi * j * length_scale) ** 2 / 5) ** -1.5
        samples = np.moveaxis(np.tensordot(samples, series, axes=((axis + 1,), (1,))), -1, axis + 1)
    return samples


def low_rank(apply: Product, adjoint: Product, probes: Any, ranks: Ranks) -> LowRank:
    """Return the matrix by a randomised singular value decomposition; ``probes`` is (n, k)."""
    xp = namespace(probes)
    Q, _ = xp.linalg.qr(apply(probes))
    return LowRank(*_truncated(Q, adjoint(Q), ranks))


def _truncated(Q: Any, Z: Any, ranks: Ranks) -> tuple[Any, Any]:
    """Return factors of ``Q Zᴴ``, for orthonormal columns ``Q``, without what is negligible."""
    xp = namespace(Q)
    W, s, Vh = xp.linalg.svd(Z, full_matrices=False)
    largest = float(s[0]) if s.shape[0] else 0.0
    kept = int(xp.count_nonzero(s > ranks.tol * largest)) if largest else 0
    kept = min(kept, ranks.rank)
    # Z = W s Vh, so that Q Zᴴ = (Q Vhᴴ s) Wᴴ
    left = xp.matmul(Q, adjoint_of(Vh[:kept, :], xp)) * xp.astype(s[:kept], Q.dtype)
    return left, W[:, :kept]


def peeled(
    apply: Product,
    adjoint: Product | None,
    tree: ClusterTree,
    probe: Callable[[Cluster, int], Any],
    ranks: Ranks,
) -> HierarchicalLowRank:
    """Return a hierarchical matrix from its products, the largest blocks first.

    Parameters
    ----------
    apply, adjoint : callable
        ``A X`` and ``Aᴴ X`` for (n, k) blocks in the order of the tree. Without the second one,
        ``A`` is symmetric.
    tree : ClusterTree
        The blocks.
    probe : callable
        Gives (size, k) random columns for a cluster.
    ranks : Ranks
        How many columns, and what is kept.

    Notes
    -----
    Columns that live on all right halves of a level are mapped to the left halves by the blocks of
    this level, and by larger ones, which are known already and taken away.
    """
    blocks: list[Block] = []
    for pairs in tree.levels:
        forward = [(left, right) for left, right in pairs]
        found = _level(apply, adjoint, forward, blocks, tree, probe, ranks)
        if adjoint is None:
            xp = namespace(found[0][2])
            found += [(c, r, conjugate(V, xp), conjugate(U, xp)) for r, c, U, V in found]
        else:
            backward = [(right, left) for left, right in pairs]
            found += _level(apply, adjoint, backward, blocks, tree, probe, ranks)
        blocks += found
    return HierarchicalLowRank(_leaves(apply, blocks, tree, probe), blocks, tree.order)


def _level(
    apply: Product,
    adjoint: Product | None,
    pairs: Sequence[tuple[Cluster, Cluster]],
    known: Sequence[Block],
    tree: ClusterTree,
    probe: Callable[[Cluster, int], Any],
    ranks: Ranks,
) -> list[Block]:
    """Return the blocks of rows of the first and columns of the second clusters of the pairs."""
    n, k = len(tree.order), ranks.probes
    like = probe(pairs[0][1], 1)
    xp = namespace(like)
    X = _spread([(c, probe(c, k)) for _, c in pairs], n, like)
    Y = apply(X) - _sum_of(known, X)
    bases = [(r, xp.linalg.qr(Y[r.start : r.stop, :])[0]) for r, _ in pairs]
    F = _spread(bases, n, Y)
    if adjoint is None:  # Aᴴ F is the conjugate of A times that of F
        F = conjugate(F, xp)
        Z = conjugate(apply(F) - _sum_of(known, F), xp)
    else:
        Z = adjoint(F) - _sum_of(known, F, adjoint=True)
    found: list[Block] = []
    for (r, c), (_, Q) in zip(pairs, bases, strict=True):
        U, V = _truncated(Q, Z[c.start : c.stop, : Q.shape[1]], ranks)
        found.append(((r.start, r.stop), (c.start, c.stop), U, V))
    return found


def _leaves(
    apply: Product, blocks: Sequence[Block], tree: ClusterTree, probe: Callable[..., Any]
) -> list[Leaf]:
    """Return the blocks on the diagonal, from one column of each at a time."""
    like = probe(tree.leaves[0], 1)
    xp = namespace(like)
    units = [
        (leaf, xp.eye(leaf.size, dtype=like.dtype, device=like.device)) for leaf in tree.leaves
    ]
    X = _spread(units, len(tree.order), like)
    Y = apply(X) - _sum_of(blocks, X)
    return [
        ((leaf.start, leaf.stop), Y[leaf.start : leaf.stop, : leaf.size]) for leaf in tree.leaves
    ]


def _spread(parts: Sequence[tuple[Cluster, Any]], n: int, like: Any) -> Any:
    """Return the (n, k) block with these rows at their clusters, and zeros elsewhere."""
    xp = namespace(like)
    width = max(int(columns.shape[1]) for _, columns in parts)
    whole = xp.zeros((n, width), dtype=parts[0][1].dtype, device=like.device)
    for cluster, columns in parts:
        whole[cluster.start : cluster.stop, : columns.shape[1]] = columns
    return whole


def _sum_of(blocks: Sequence[Block], X: Any, *, adjoint: bool = False) -> Any:
    """Return the product with the sum of blocks that are known, or with its adjoint."""
    xp = namespace(X)
    dtype = blocks[0][2].dtype if blocks else X.dtype
    dtype = xp.result_type(dtype, X.dtype)
    Y = xp.zeros(X.shape, dtype=dtype, device=X.device)
    for rows, columns, U, V in blocks:
        if adjoint:
            rows, columns, U, V = columns, rows, V, U
        (a, b), (c, d) = rows, columns
        part = xp.astype(X[c:d, :], dtype)
        wide = [xp.astype(F, dtype, copy=False) for F in (U, V)]
        Y[a:b, :] = Y[a:b, :] + xp.matmul(wide[0], xp.matmul(adjoint_of(wide[1], xp), part))
    return Y


def from_pairs(X: Any, Y: Any, ranks: Ranks, *, symmetric: bool) -> LowRank:
    """Return the matrix of low rank that maps columns ``X`` (n, s) to ``Y``, as far as they tell.

    A symmetric one is ``Y (Xᵀ Y)⁺ Yᵀ``, which knows of its rows what it knows of its columns;
    another one ``Y X⁺``. Singular values below a part ``eps^(1/2)`` are taken as rounding errors.
    """
    xp = namespace(X)
    middle = xp.matmul(xp.matrix_transpose(X), Y) if symmetric else X
    W, s, Vh = xp.linalg.svd(middle, full_matrices=False)
    cut = math.sqrt(float(xp.finfo(s.dtype).eps)) * float(s[0])
    kept = int(xp.count_nonzero(s > cut))  # none of zeros
    left = xp.matmul(Y, adjoint_of(Vh[:kept, :], xp)) / xp.astype(s[:kept], Y.dtype)
    right = xp.matmul(conjugate(Y, xp), W[:, :kept]) if symmetric else W[:, :kept]
    Q, R = xp.linalg.qr(left)
    return LowRank(*_truncated(Q, xp.matmul(right, adjoint_of(R, xp)), ranks))
