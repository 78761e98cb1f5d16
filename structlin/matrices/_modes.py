"""Mode products: a matrix applied to one axis of a tensor, and several of them in a row.

On NumPy the products are cut for the BLAS and the cache. Small matrices times wide blocks are
several times faster in pieces that the BLAS multiplies without copying them first; memory that has
been written is used again, since pages that are new cost more than the arithmetic on them; and a
tensor beyond the cache goes through several modes slab by slab. Other libraries get the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin.matrices._base import LinearOperator
from structlin.matrices.dense import Dense

# a factor, and the sizes of the tensor before and after its axis
Step = tuple[LinearOperator, int, int]

# multiplications in a piece: OpenBLAS multiplies up to 10⁶ without copying first
_piece = 2**19
# factors of more entries, and products of fewer multiplications, gain nothing from pieces
_small, _worthwhile = 2**11, 2**17
# rows or columns of a piece
_least = 64
# bytes of a slab, the most rows it has, so that they stay long, and the tensors that have slabs
_slab, _height, _large = 2**19, 2**9, 2**23


def mode_products(steps: Sequence[Step], X: Any, columns: int) -> Any:
    """Return what is left of a tensor after these steps; ``columns`` are an axis at its end.

    Shapes are those of the memory, in one dimension or several.
    """
    if steps and is_numpy(steps[0][0].xp):
        if X.nbytes <= _large:
            return _through(steps, X, 1, columns)
        for run in _runs(steps):
            X = run.apply(X, columns)
        return X
    for F, left, right in steps:
        X = mode_product(F, X, left, right * columns)
    return X


def mode_product(F: LinearOperator, X: Any, left: int, right: int) -> Any:
    """Return the (left, m, right) tensor ``Σⱼ F[i, j] X[:, j, :]`` of a (left, n, right) tensor.

    Shapes are those of the memory: axes of length 1 may be missing from the result.
    """
    xp, (m, n) = F.xp, F.shape
    if not isinstance(F, Dense):
        return F.matvec(xp.reshape(X, (left, n, right)))
    if is_numpy(xp):
        out = np.empty(left * m * right, dtype=np.result_type(F.dtype, X.dtype))
        return _multiply(F.array, X, left, right, out).reshape(left, m, right)
    if right == 1:
        return xp.matmul(xp.reshape(X, (left, n)), xp.matrix_transpose(F.array))
    if left == 1:
        return xp.matmul(F.array, xp.reshape(X, (n, right)))
    return xp.matmul(F.array, xp.reshape(X, (left, n, right)))


def _multiply(A: Any, X: Any, left: int, right: int, out: Any) -> Any:
    """Write the mode product of NumPy arrays into ``out``, and return it."""
    m, n = A.shape
    if not out.size or not n:
        out.fill(0)
        return out
    worthwhile = m * n * left * right >= _worthwhile
    if right == 1:
        rows = left
        A = A.T
        if worthwhile and m * n * _least < 2 * _piece:
            rows, A = _divisor(left, _least), np.ascontiguousarray(A)
        np.matmul(X.reshape(-1, rows, n), A, out=out.reshape(-1, rows, m))
        return out
    width = right
    if worthwhile and m * n < _small:
        width = _divisor(right, max(_piece // (m * n), _least))
    count = right // max(width, 1)
    pieces = X.reshape(left, n, count, width).swapaxes(1, 2)
    np.matmul(A, pieces, out=out.reshape(left, m, count, width).swapaxes(1, 2))
    return out


def _divisor(size: int, most: int) -> int:
    """Return the largest divisor up to a bound, if trying a few finds one, or the size itself."""
    least = -(-size // most)
    return next((size // k for k in range(least, 4 * least) if size % k == 0), size)


@dataclass
class _Run:
    """Steps on neighbouring axes: together one step on a tensor (left, n, right)."""

    steps: list[Step]
    left: int
    m: int
    n: int
    right: int
    height: int

    def joined(self, F: LinearOperator, left: int, right: int) -> _Run | None:
        """Return the run that goes on with a step, if that is a neighbour and the slabs fit."""
        m, n = F.shape
        height = self.height * max(m, n)
        before = left * n == self.left and right == self.m * self.right
        after = left == self.left * self.m and right * n == self.right
        if not (before or after) or height > _height:
            return None
        ends = (left, self.right) if before else (self.left, right)
        steps = [*self.steps, (F, left, right)]
        return _Run(steps, ends[0], m * self.m, n * self.n, ends[1], height)

    def apply(self, X: Any, columns: int) -> Any:
        if len(self.steps) == 1:
            return _through(self.steps, X, 1, columns)
        left, right = self.left, self.right * columns
        X = X.reshape(left, self.n, right)
        Y = np.empty((left, self.m, right), dtype=X.dtype)
        inner = [(F, before // left, behind // self.right) for F, before, behind in self.steps]
        width = _slab // (self.height * X.itemsize)
        deep, wide = max(1, width // right), min(width, right)
        for i in range(0, left, deep):
            for j in range(0, right, wide):
                here = slice(i, i + deep), slice(None), slice(j, j + wide)
                layers, _, lanes = X[here].shape
                Y[here] = _through(inner, X[here], layers, lanes).reshape(layers, self.m, lanes)
        return Y


def _through(steps: Sequence[Step], X: Any, layers: int, columns: int) -> Any:
    """Return the result of the steps for a NumPy tensor with further axes around it."""
    used, spare = None, None
    for F, left, right in steps:
        outer = layers * left, right * columns
        if isinstance(F, Dense):
            size = outer[0] * F.shape[0] * outer[1]
            fits = spare is not None and spare.size == size
            X = _multiply(F.array, X, *outer, spare if fits else np.empty(size, dtype=X.dtype))
        else:
            X = mode_product(F, X, *outer).reshape(-1)
        used, spare = X, used
    return X


def _runs(steps: Sequence[Step]) -> Iterator[_Run]:
    run: _Run | None = None
    for F, left, right in steps:
        longer = run and run.joined(F, left, right)
        if run and not longer:
            yield run
        m, n = F.shape
        run = longer or _Run([(F, left, right)], left, m, n, right, max(m, n))
    if run:
        yield run
