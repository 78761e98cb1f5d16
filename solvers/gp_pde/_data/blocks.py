"""Blocks of linear data on the weights of tensor-product features."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace


@dataclass(frozen=True, eq=False)
class Block:
    """Data ``values = Σ_t (⊗_j parts[t][j]) Z + sd · noise`` on weights ``Z``.

    Attributes
    ----------
    name : str
        What errors and reports call it.
    parts : tuple of tuple of (n_j, m_j) array
        For every term of the operator a matrix per axis.
    values : (n_1, …, n_d) array, or (n,) array for scattered points
        The data, in C order.
    sd : float or array
        The standard deviation of the noise; an array of the shape of the values where it differs.
    known : array of bool, optional
        Which of the values are there.
    scattered : bool
        Whether the rows of the matrices belong to points of their own, n of them on every axis,
        instead of a tensor grid.
    """

    name: str
    parts: tuple[tuple[Any, ...], ...]
    values: Any
    sd: Any
    known: Any = None
    scattered: bool = False

    @property
    def even(self) -> bool:
        """Whether all values of a tensor grid are there, with one standard deviation."""
        return self.known is None and isinstance(self.sd, float) and not self.scattered

    @property
    def count(self) -> int:
        """How many values are there."""
        if self.known is None:
            return math.prod(self.values.shape)
        xp = namespace(self.values)
        return int(xp.sum(xp.astype(self.known, xp.int64)))

    def root_weights(self) -> Any:
        """Return ``1/sd`` as an array of the shape of the values, zero where one is missing."""
        xp = namespace(self.values)
        weights = xp.ones_like(self.values) / self.sd
        return weights if self.known is None else xp.where(self.known, weights, 0 * weights)

    def data(self) -> Any:
        """Return the values, zero where they are missing."""
        if self.known is None:
            return self.values
        xp = namespace(self.values)
        return xp.where(self.known, self.values, xp.zeros_like(self.values))

    def apply(self, Z: Any) -> Any:
        """Return ``Σ_t (⊗_j parts[t][j]) Z``."""
        return sum_of(self._once(part, Z) for part in self.parts)

    def adjoint(self, Y: Any) -> Any:
        """Return the adjoint of `apply` at an array of the shape of the values."""
        if self.scattered:
            return sum_of(_scatter_adjoint(part, Y) for part in self.parts)
        return sum_of(along([A.T for A in part], Y) for part in self.parts)

    def _once(self, part: Sequence[Any], Z: Any) -> Any:
        return _scatter(part, Z) if self.scattered else along(part, Z)

    def dense(self) -> Any:
        """Return the matrix ``Σ_t ⊗_j parts[t][j]``, of a row per value (missing ones included)."""
        product = _rowwise if self.scattered else kron
        return sum_of(functools.reduce(product, part) for part in self.parts)

    def norm(self) -> float:
        """Return the root mean square of the operator's rows: the prior's size of the values."""
        if self.scattered:
            xp = namespace(self.values)
            total = sum_of(
                sum_of(
                    functools.reduce(
                        lambda a, b: a * b,
                        [xp.sum(a * b, axis=1) for a, b in zip(one, two, strict=True)],
                    )
                    for two in self.parts
                )
                for one in self.parts
            )
            return float(xp.sqrt(xp.mean(total)))
        total = 0.0
        for one in self.parts:
            for two in self.parts:
                xp = namespace(one[0])
                total += math.prod(
                    float(xp.sum(a * b)) / a.shape[0] for a, b in zip(one, two, strict=True)
                )
        return math.sqrt(max(total, 0.0))


def sum_of(arrays: Any) -> Any:
    """Return the sum of one array or more."""
    return functools.reduce(lambda a, b: a + b, arrays)


def along(matrices: Sequence[Any], Z: Any) -> Any:
    """Return ``(⊗_j A_j) Z`` for an array ``Z`` with an axis for every matrix, in C order."""
    xp = namespace(Z)
    for axis, A in enumerate(matrices):
        Z = xp.moveaxis(xp.tensordot(A, Z, axes=((1,), (axis,))), 0, axis)
    return Z


def along_some(matrices: Sequence[Any], Z: Any) -> Any:
    """Return the product with a matrix on every axis that has one."""
    for axis, A in enumerate(matrices):
        if A is not None:
            Z = along_one(A, Z, axis)
    return Z


def along_one(A: Any, Z: Any, axis: int) -> Any:
    """Return the product with a matrix on one axis."""
    xp = namespace(Z)
    return xp.moveaxis(xp.tensordot(A, Z, axes=((1,), (axis,))), 0, axis)


def _scatter(part: Sequence[Any], Z: Any) -> Any:
    """Return ``Σ_k Z[k] Π_j A_j[n, k_j]`` for every point n."""
    xp = namespace(Z)
    Y = part[0] @ xp.reshape(Z, (Z.shape[0], -1))
    for A in part[1:]:
        Y = xp.reshape(Y, (A.shape[0], A.shape[1], -1))
        Y = xp.sum(A[:, :, None] * Y, axis=1)
    return Y[:, 0] if Y.ndim == 2 else Y


def _scatter_adjoint(part: Sequence[Any], y: Any) -> Any:
    xp = namespace(y)
    rows = y[:, None]
    for A in part[1:]:
        rows = _rowwise(rows, A)
    return xp.reshape(part[0].T @ rows, tuple(A.shape[1] for A in part))


def _rowwise(A: Any, B: Any) -> Any:
    """Return the rowwise Kronecker product of two matrices."""
    xp = namespace(A)
    return xp.reshape(A[:, :, None] * B[:, None, :], (A.shape[0], -1))


def kron(A: Any, B: Any) -> Any:
    """Return the Kronecker product of two matrices."""
    xp = namespace(A)
    shape = (A.shape[0] * B.shape[0], A.shape[1] * B.shape[1])
    return xp.reshape(A[:, None, :, None] * B[None, :, None, :], shape)
