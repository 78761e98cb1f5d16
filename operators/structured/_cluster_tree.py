"""The tree of boxes of a grid: halves of halves along the longest side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structlin.bases import Grid

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Cluster:
    """The points of a box of indices, which are neighbours in the order of the tree."""

    start: int
    stop: int
    box: Box

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.stop - self.start

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box in an array of the grid's shape."""
        return tuple(slice(a, b) for a, b in self.box)


@dataclass(frozen=True, eq=False)
class ClusterTree:
    """The pairs of neighbours level by level, the leaves, and the order of the points.

    Attributes
    ----------
    levels : tuple of tuples of (Cluster, Cluster)
        The two halves of every box that is divided, the largest first.
    leaves : tuple of Cluster
        What is not divided any more.
    order : (size,) ndarray
        Place ``i`` of the tree is point ``order[i]`` of the grid in C order.
    """

    levels: tuple[tuple[tuple[Cluster, Cluster], ...], ...]
    leaves: tuple[Cluster, ...]
    order: NDArray[np.int64]


def cluster_tree(grid: Grid, leaf: int) -> ClusterTree:
    """Return the tree of a grid whose leaves have at most ``leaf`` points."""
    levels: list[tuple[tuple[Cluster, Cluster], ...]] = []
    leaves: list[Cluster] = []
    current = [Cluster(0, grid.size, tuple((0, n) for n in grid.shape))]
    while current:
        pairs = []
        for cluster in current:
            if cluster.size <= max(leaf, 1):
                leaves.append(cluster)
            else:
                pairs.append(_halves(cluster, grid))
        if pairs:
            levels.append(tuple(pairs))
        current = [half for pair in pairs for half in pair]
    leaves.sort(key=lambda cluster: cluster.start)
    index = np.arange(grid.size).reshape(grid.shape)
    order = np.concatenate([index[cluster.slices].ravel() for cluster in leaves])
    return ClusterTree(tuple(levels), tuple(leaves), order)


def _halves(cluster: Cluster, grid: Grid) -> tuple[Cluster, Cluster]:
    def length(axis: int) -> float:
        a, b = cluster.box[axis]
        low, high = grid.box[axis]
        return (b - a) * (high - low) / grid.shape[axis] if b - a > 1 else -math.inf

    axis = max(range(grid.ndim), key=length)
    a, b = cluster.box[axis]
    middle = (a + b) // 2
    left = (*cluster.box[:axis], (a, middle), *cluster.box[axis + 1 :])
    right = (*cluster.box[:axis], (middle, b), *cluster.box[axis + 1 :])
    cut = cluster.start + cluster.size * (middle - a) // (b - a)
    return Cluster(cluster.start, cut, left), Cluster(cut, cluster.stop, right)
