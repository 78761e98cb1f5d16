"""How the functions of all axes make one value: through a full core, or through a diagonal one.

Second moments ``E[u uᵀ]`` are symmetric. They are *packed* into vectors, entries off the diagonal
times ``√2``, so that the inner product of two of them is that of their packed vectors. Then the
expected square of a value is the same multilinear form as its mean, with packed second moments in
place of means: of the core, and of the functions of every axis.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np


@functools.cache
def _places(size: int) -> tuple[Any, Any, Any]:
    rows, columns = np.triu_indices(size)
    return rows, columns, np.where(rows == columns, 1.0, math.sqrt(2))


def packed(M: Any) -> Any:
    """Return symmetric (..., r, r) matrices as (..., r (r + 1)/2) vectors of the same norm."""
    rows, columns, weights = _places(M.shape[-1])
    return M[..., rows, columns] * weights


def unpacked(v: Any) -> Any:
    """Return the (..., r, r) matrices of packed vectors."""
    size = math.isqrt(2 * v.shape[-1])
    rows, columns, weights = _places(size)
    M = np.empty((*v.shape[:-1], size, size))
    M[..., rows, columns] = v / weights
    M[..., columns, rows] = v / weights
    return M


class Coupling(ABC):
    """Multilinear forms ``Σ core[p, q, …] u_p v_q …`` and what is computed with them.

    Parameters
    ----------
    ranks : sequence of int
        How many functions every axis has.
    """

    def __init__(self, ranks: Sequence[int]) -> None:
        self.ranks = tuple(ranks)
        self.packed_ranks = tuple(r * (r + 1) // 2 for r in self.ranks)

    @property
    @abstractmethod
    def size(self) -> int:
        """How many entries the core has."""

    @property
    @abstractmethod
    def largest(self) -> int:
        """How many columns the joined packed rows of all axes have."""

    @abstractmethod
    def joined(self, rows: Sequence[Any]) -> Any:
        """Return the (N, width) products of rows (N, r) that multiply the entries of the core."""

    @abstractmethod
    def summed(self, rows: Sequence[Any]) -> Any:
        """Return the sum of the joined rows."""

    @abstractmethod
    def unfolded(self, core: Any, axis: int) -> Any:
        """Return the (width, r) matrix that takes the joined rows of the other axes to one axis.

        ``core`` is the vector of the entries of the core, or of their packed second moments.
        """

    @abstractmethod
    def second_moments(self, mean: Any, covariance: Any) -> Any:
        """Return the packed second moments of the core from its mean and covariance."""

    @abstractmethod
    def gram(self, total: Any) -> Any:
        """Return the (size, size) sum ``Σ b bᵀ`` of joined rows ``b`` from that of packed ones."""

    @abstractmethod
    def mixing(self, axis: int, B: Any) -> Any:
        """Return the (size, size) matrix that takes the core to its mode product with ``B``."""

    @abstractmethod
    def mixed(self, axis: int) -> Any:
        """Return which entries of ``B`` may be other than zero, an (r, r) array of bool."""

    def core_gram(self, mean: Any, covariance: Any, axis: int) -> Any:
        """Return the (r, r) expected products of the core's slices along an axis, summed."""
        units = [packed(np.eye(r))[None] for k, r in enumerate(self.ranks) if k != axis]
        return unpacked(
            self.joined(units) @ self.unfolded(self.second_moments(mean, covariance), axis)
        )[0]


class FullCoupling(Coupling):
    """A core of the shape of the ranks, its entries in C order."""

    @property
    def size(self) -> int:
        return math.prod(self.ranks)

    @property
    def largest(self) -> int:
        return math.prod(self.packed_ranks)

    def summed(self, rows: Sequence[Any]) -> Any:
        if len(rows) == 1:
            return np.sum(rows[0], axis=0)
        return (self.joined(rows[:-1]).T @ rows[-1]).reshape(-1)

    def joined(self, rows: Sequence[Any]) -> Any:
        out = np.ones((1, 1))  # there may be no rows
        for row in rows:
            out = (out[:, :, None] * row[:, None, :]).reshape(row.shape[0], -1)
        return out

    def unfolded(self, core: Any, axis: int) -> Any:
        shape = self.ranks if core.size == self.size else self.packed_ranks
        return np.moveaxis(core.reshape(shape), axis, -1).reshape(-1, shape[axis])

    def second_moments(self, mean: Any, covariance: Any) -> Any:
        d = len(self.ranks)
        M = (np.outer(mean, mean) + covariance).reshape(self.ranks * 2)
        for axis in range(d):  # the last axis of the first half joins its twin at the end
            M = np.moveaxis(M, (0, d - axis), (-2, -1))
            M = packed((M + np.swapaxes(M, -1, -2)) / 2)
        return M.reshape(-1)

    def gram(self, total: Any) -> Any:
        d, M = len(self.ranks), total.reshape(self.packed_ranks)
        for _ in range(d):  # the first axis becomes two at the end
            M = unpacked(np.moveaxis(M, 0, -1))
        order = (*range(0, 2 * d, 2), *range(1, 2 * d, 2))
        return M.transpose(order).reshape(self.size, self.size)

    def mixing(self, axis: int, B: Any) -> Any:
        matrices = [B if k == axis else np.eye(r) for k, r in enumerate(self.ranks)]
        return functools.reduce(np.kron, matrices)

    def mixed(self, axis: int) -> Any:
        return np.ones((self.ranks[axis],) * 2, dtype=bool)


class DiagonalCoupling(Coupling):
    """A core with a diagonal only: a sum of products, one for every rank."""

    @property
    def size(self) -> int:
        return self.ranks[0]

    @property
    def largest(self) -> int:
        return self.packed_ranks[0]

    def summed(self, rows: Sequence[Any]) -> Any:
        return np.sum(self.joined(rows), axis=0)

    def joined(self, rows: Sequence[Any]) -> Any:
        return functools.reduce(np.multiply, rows)

    def unfolded(self, core: Any, axis: int) -> Any:
        return np.diag(core)

    def second_moments(self, mean: Any, covariance: Any) -> Any:
        return self._once(packed(np.outer(mean, mean) + covariance))

    def gram(self, total: Any) -> Any:
        return unpacked(self._once(total))

    def mixing(self, axis: int, B: Any) -> Any:
        return B

    def mixed(self, axis: int) -> Any:
        return np.eye(self.size, dtype=bool)

    def _once(self, products: Any) -> Any:
        # the product of d packed rows has √2 to the power d off the diagonal, and one is wanted
        mixed = _places(self.size)[2] > 1
        return np.where(mixed, products * 2 ** ((1 - len(self.ranks)) / 2), products)
