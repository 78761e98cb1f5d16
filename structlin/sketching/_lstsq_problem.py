"""A least squares problem, and coordinates in which its matrix is nearly orthonormal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from structlin._backend import is_numpy, kernel
from structlin._kernels import residual_gradient
from structlin._norm import column_norms
from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.matrices._base import adjoint_of
from structlin.sketching._krylov import adjoint_product
from structlin.sketching._pcg import dots
from structlin.sketching.row_blocks import RowBlocks, Summand
from structlin.sketching.sparse_stack import SparseStack

# rows of A whose products are summed at a time, a divisor of those of a superblock
_rows = 4096
# columns of an operator that are made at a time
_columns = 64


def powers_of_two(sizes: Any, xp: Any) -> Any:
    """Return powers of two close to positive numbers, and 1 for zeros: dividing changes no digit.

    They are ``2^k`` with ``|k| ≤ 1000`` (100 in single precision), so that reciprocals exist.
    """
    limit = 1000.0 if xp.finfo(sizes.dtype).bits == 64 else 100.0
    exponents = xp.round(xp.log2(xp.where(sizes > 0, sizes, 1)))
    return 2.0 ** xp.clip(exponents, -limit, limit)


class Problem:
    """Least squares ``min ‖b − A x‖² + μ ‖x‖²`` for several ``b``, each of size about 1.

    Parameters
    ----------
    A : (m, n) operator
        The matrix.
    B : (m, k) array
        Right-hand sides, of the data type in which is computed.

    Attributes
    ----------
    units : (k,) array
        Powers of two by which the right-hand sides were divided.
    norms : (k,) array
        Norms of the right-hand sides thereafter.
    shift : float
        ``√μ``, which may be changed.
    passes : int
        How often the matrix was read, or multiplied with a block of vectors.
    kept : pair of arrays or None
        ``W⁻¹`` and ``(A W)ᴴ (A W)``, once this was worked out for some coordinates ``W``.
    """

    def __init__(self, A: LinearOperator, B: Any) -> None:
        self.xp = xp = A.xp
        self.A = A
        self.dtype = B.dtype
        self.units = powers_of_two(column_norms(B), xp)
        self.B = B / self.units
        self.norms = column_norms(self.B)
        self.shift = 0.0
        self.passes = 0
        self.kept: tuple[Any, Any] | None = None

    def sketch(self, rows: int, seed: int) -> tuple[Any, Any]:
        """Return the triangle of a sketch ``S A = Q R``, and ``Qᴴ S B``.

        The matrix is its own sketch where this would not have fewer rows.
        """
        xp, A = self.xp, self.A
        m, n = A.shape
        self.passes += 1
        if rows >= m:
            array = A.array if isinstance(A, Dense) else A.todense()
            return self._triangle(xp.astype(array, self.dtype, copy=False), self.B)
        S = SparseStack(rows, m, rng=seed, dtype=self.dtype, like=self.B)
        if isinstance(A, Dense | Sparse | RowBlocks):
            sketch = S.apply(A)
        else:  # its columns are fewer than the rows of the sketch
            parts = []
            for start in range(0, n, _columns):
                width = min(_columns, n - start)
                some = xp.eye(n, width, k=-start, dtype=self.dtype, device=A.device)
                parts.append(S @ (A @ some))
            sketch = xp.concat(parts, axis=1)
        return self._triangle(sketch, S @ self.B)

    def _triangle(self, sketch: Any, sides: Any) -> tuple[Any, Any]:
        xp, n = self.xp, sketch.shape[1]
        if is_numpy(xp) and 0 < sides.shape[1] < n < sketch.shape[0]:
            # the triangle of both has both, without Q
            R: Any = np.linalg.qr(np.concatenate([sketch, sides], axis=1), mode="r")
            return R[:n, :n], R[:n, n:]
        Q, R = xp.linalg.qr(sketch)
        return R, adjoint_of(Q, xp) @ sides

    def gradient(self, X: Any) -> tuple[Any, Any]:
        """Return ``Aᴴ(B − A X) − μ X`` and the columns' sums of squares of residuals, in one pass.

        ``μ ‖x‖²`` counts among them.
        """
        xp, shift = self.xp, self.shift
        G, squares = self._gradient(self.B, X)
        if shift:
            G = G - shift * (shift * X)
            squares = squares + dots(shift * X, shift * X)
        return G, xp.astype(squares, self.norms.dtype, copy=False)

    def gram_product(self, X: Any) -> Any:
        """Return ``AᴴA X + μ X``, in one pass."""
        G, _ = self._gradient(None, X)
        return self.shift * (self.shift * X) - G

    def _gradient(self, B: Any, X: Any) -> tuple[Any, Any]:
        """Return ``Aᴴ(B − A X)`` and sums of squares; ``B`` is zero where it is None."""
        A, xp = self.A, self.xp
        self.passes += 1
        if B is None and isinstance(A, Dense | RowBlocks):
            # one number stands for all
            B = xp.broadcast_to(0 * X[:1, :], (A.shape[0], X.shape[1]))
        local = kernel(xp, residual_gradient.residual_gradient)
        if isinstance(A, Dense):
            return local(A.array, B, X)  # type: ignore[no-any-return]
        if isinstance(A, RowBlocks):

            def add(total: Any, block: Any, start: int) -> Any:
                for i, j in _pieces(block.shape[0]):
                    G, squares = local(block[i:j, :], B[start + i : start + j, :], X)
                    total = total[0] + G, total[1] + squares
                return total

            zero = (0 * X, 0 * self.norms[: X.shape[1]])
            merged = Summand(lambda: zero, add, _rows, _add_pairs)
            return A.one_pass([merged])[0][0]  # type: ignore[no-any-return]
        product = A @ X
        R = -product if B is None else B - product
        return adjoint_product(A, R, "the solver"), dots(R, R)

    def gram(self, M: Any) -> Any:
        """Return ``(A M)ᴴ (A M)``, in one pass: of a matrix, or of a vector as its diagonal."""
        A, xp, dtype = self.A, self.xp, self.dtype

        def of_block(block: Any) -> Any:
            block = xp.astype(block, dtype, copy=False)
            Y = block * M if M.ndim == 1 else xp.matmul(block, M)
            return xp.matmul(adjoint_of(Y, xp), Y)

        def add(total: Any, block: Any, start: int = 0) -> Any:
            for i, j in _pieces(block.shape[0]):
                total = total + of_block(block[i:j, :])
            return total

        self.passes += 1
        zero = xp.zeros((M.shape[-1], M.shape[-1]), dtype=dtype, device=A.device)
        if isinstance(A, RowBlocks):
            return A.one_pass([Summand(lambda: zero, add, _rows)])[0][0]
        if isinstance(A, Dense):
            return add(zero, A.array)
        Y = A @ M
        return xp.matmul(adjoint_of(Y, xp), Y)


def _pieces(rows: int) -> Iterator[tuple[int, int]]:
    """Return pieces of so many rows: the same, whatever blocks a matrix is read by."""
    return itertools.pairwise([*range(0, rows, _rows), rows])


def _add_pairs(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    return one[0] + other[0], one[1] + other[1]
