"""Sums over the spectrum of ``⊗ⱼ Kⱼ + noise``: likelihood, gradient and diagonals, slab by slab.

The spectrum of the sum is ``D[a, b, …] = λ₁[a] λ₂[b] … + noise``. On the host it is never stored:
rows or slabs of it stay in the cache. Everything is in units in which the largest ``λⱼ`` are 1,
and is summed in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels import kronecker_eigen

_slab = 2**15
"""Numbers in a slab on the host: a few of them share the cache of one core. Of 2¹⁰ to 2²² numbers,
2¹⁴ to 2¹⁶ were fastest for the sums and `Spectrum.inverse`, with two, three and four axes."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The eigenvalues ``D`` of ``⊗ⱼ Kⱼ + noise`` on a grid, as a matrix of slabs of rows.

    Attributes
    ----------
    eigenvalues : sequence of (n_j,) array
        Of every axis, in float64.
    noise : float
        What is added to their products.
    """

    eigenvalues: Sequence[Any]
    noise: float

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(self.eigenvalues[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """How many eigenvalues every axis has."""
        return tuple(int(values.shape[0]) for values in self.eigenvalues)

    def slabs(self) -> Iterator[tuple[slice, Any]]:
        """Yield slices of the rows, which are all axes but the last, and ``D`` on them."""
        last = self.eigenvalues[-1]
        leading = outer_product(self.eigenvalues[:-1], last)
        rows = leading.shape[0]
        height = max(1, _slab // last.shape[0]) if is_numpy(self.xp) else rows
        for start in range(0, rows, height):
            here = slice(start, start + height)
            yield here, leading[here, None] * last + self.noise

    def divided(self, T: Any) -> tuple[Any, float, float]:
        """Divide the (count, n_1, …, n_d) array ``T`` by ``D``; it may be written over.

        Returns
        -------
        array
            ``T / D``, of the shape and precision of ``T``.
        float
            ``Σ T² / D``.
        float
            ``Σ log D``.
        """
        divide = kernel(self.xp, kronecker_eigen.divided)
        last = self.eigenvalues[-1]
        leading = outer_product(self.eigenvalues[:-1], last)
        made, squares, logarithms = [], 0.0, 0.0
        rows = self._rows(T)
        for k in range(T.shape[0]):
            C, share, logarithms = divide(rows[k, ...], leading, last, self.noise)
            made.append(C[None, ...])
            squares += share
        C = made[0] if len(made) == 1 else self.xp.concat(made)
        return self.xp.reshape(C, T.shape), squares, logarithms

    def inverse(self, dtype: Any) -> Any:
        """Return ``1 / D`` as a (1, n_1, …, n_d) array."""
        xp = self.xp
        made = xp.empty(
            (math.prod(self.shape[:-1]), self.shape[-1]),
            dtype=dtype,
            device=self.eigenvalues[0].device,
        )
        for here, D in self.slabs():
            made[here, :] = xp.astype(1 / D, dtype, copy=False)
        return xp.reshape(made, (1, *self.shape))

    def traces(self) -> tuple[list[Any], float]:
        """Return what the derivatives of ``Σ log D`` are made of.

        Returns
        -------
        list of (n_j,) array
            For every axis the derivatives by its eigenvalues, ``Σ Πₗ≠ⱼ λₗ / D`` over the others.
        float
            The derivative by the noise, ``Σ 1/D``.
        """
        xp, last = self.xp, self.eigenvalues[-1]
        leading = outer_product(self.eigenvalues[:-1], last)
        along_last, rows, total = xp.zeros_like(last), [], 0.0
        for here, D in self.slabs():
            R = 1 / D
            along_last = along_last + xp.matmul(leading[here], R)
            rows.append(xp.matmul(R, last))
            total = total + xp.sum(R)
        rest = xp.concat(rows)
        made = []
        for j in range(len(self.eigenvalues) - 1):
            before = outer_product(self.eigenvalues[:j], last)
            behind = outer_product(self.eigenvalues[j + 1 : -1], last)
            tensor = xp.reshape(rest, (before.shape[0], -1, behind.shape[0]))
            made.append(xp.matmul(before, xp.matmul(tensor, behind)))
        return [*made, along_last], float(total)

    def gram(self, C: Any, axis: int, amplitude: float) -> Any:
        """Return the (n_j, n_j) array ``Σ C[…, a, …] C[…, b, …] Πₗ≠ⱼ λₗ`` over all but one axis.

        ``C`` is (count, n_1, …, n_d), taken in units of ``amplitude``.
        """
        xp, like = self.xp, self.eigenvalues[0]
        n = self.shape[axis]
        before = outer_product(self.eigenvalues[:axis], like) ** 0.5
        behind = outer_product(self.eigenvalues[axis + 1 :], like) ** 0.5 / amplitude
        left, right = before.shape[0], behind.shape[0]
        tensors = xp.reshape(C, (C.shape[0], left, n, right))
        width, height = right, left
        if is_numpy(xp):
            width = min(right, max(n, 8 * _slab // n))  # fewer columns than n cost more to add up
            height = max(1, 8 * _slab // (n * width))
        total = xp.zeros((n, n), dtype=xp.float64, device=like.device)
        for k in range(C.shape[0]):
            for i in range(0, left, height):
                for j in range(0, right, width):
                    rows, columns = slice(i, i + height), slice(j, j + width)
                    H = xp.astype(tensors[k, rows, :, columns], xp.float64, copy=False)
                    H = H * before[rows, None, None] * behind[columns]
                    H = xp.reshape(xp.permute_dims(H, (1, 0, 2)), (n, -1))
                    total = total + xp.matmul(H, xp.matrix_transpose(H))
        return total

    def squares(self, C: Any, amplitude: float) -> float:
        """Return ``Σ C²`` of a (count, n_1, …, n_d) array in units of ``amplitude``."""
        xp = self.xp
        matrices, total = self._rows(C), 0.0
        for here, _ in self.slabs():
            part = xp.astype(matrices[:, here, :], xp.float64, copy=False) / amplitude
            total = total + xp.sum(part * part)
        return float(total)

    def _rows(self, T: Any) -> Any:
        return self.xp.reshape(T, (T.shape[0], -1, self.shape[-1]))


def outer_product(vectors: Sequence[Any], like: Any) -> Any:
    """Return the entries ``Π vⱼ[iⱼ]`` in C order; of no vectors, a single 1."""
    xp = namespace(like)
    made = xp.ones_like(like[:1])
    for vector in vectors:
        made = xp.reshape(made[:, None] * vector, (-1,))
    return made
