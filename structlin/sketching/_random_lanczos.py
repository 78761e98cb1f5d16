"""Lanczos' iterations from random signs: Gauss quadratures of the spectral density."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from structlin._backend import is_numpy, kernel
from structlin._kernels import lanczos
from structlin._norm import norm
from structlin.matrices import Dense, LinearOperator, Sparse, is_hermitian
from structlin.matrices._base import adjoint_of
from structlin.matrices.decompositions import not_hermitian
from structlin.sketching._leave_one_out import signed

# vectors of which products show whether a matrix without entries is Hermitian
_shown = 4


class RandomLanczos:
    """Lanczos' iterations with a Hermitian matrix, one for each of a block of random signs.

    Parameters
    ----------
    A : (n, n) LinearOperator
        The matrix, ``n > 0``. That it is Hermitian is checked: of the entries, or else of the
        products of the first vectors.
    probes : int
        Starting vectors.
    seed : int
        Of the signs.

    Attributes
    ----------
    steps : int
        How many were done.

    Raises
    ------
    ValueError
        If the matrix is not Hermitian, or takes finite vectors to NaN or Inf.

    Notes
    -----
    The vectors are not orthogonalised again. They lose orthogonality as eigenvalues converge, and
    copies of these appear, but the weights of the copies sum to the right ones, and sums of
    ``weight f(node)`` stay as accurate as rounding lets them be.
    """

    def __init__(self, A: LinearOperator, probes: int, seed: int) -> None:
        xp, n = A.xp, A.shape[0]
        self.A = A
        self.steps = 0
        self._vectors = signed(A, probes, seed) / math.sqrt(n)
        self._previous = 0 * self._vectors
        if isinstance(A, Dense | Sparse) and not is_hermitian(A):
            raise not_hermitian(A)
        self._sparse = False
        self._product: Any = None
        if isinstance(A, Sparse) and is_numpy(xp):
            self._sparse = True
            matrix = A.matrix.tocsr()
            self._unit = float(abs(matrix.data).max(initial=0.0)) or 1.0
            self._rows = matrix.indptr, matrix.indices, matrix.data / self._unit
        else:
            self._product = A @ self._vectors
            self._unit = norm(self._product) / math.sqrt(probes) or 1.0
            if not math.isfinite(self._unit):
                raise ValueError(f"{A!r} takes a finite vector to NaN or Inf")
            if not is_hermitian(A):
                self._require_hermitian(self._product)
        zero = xp.zeros(probes, dtype=xp.float64, device=A.device)
        self._gain, self._back, self._largest = zero + 1, zero, 0 * zero
        self._eps = 10 * float(xp.finfo(A.dtype).eps)
        self._alpha = self._beta = xp.zeros((0, probes), dtype=xp.float64, device=A.device)

    def _require_hermitian(self, product: Any) -> None:
        xp = self.A.xp
        few = min(_shown, product.shape[1])
        starts, images = self._vectors[:, :few], product[:, :few]
        form = adjoint_of(starts, xp) @ images
        gap = norm(form - adjoint_of(form, xp))
        if gap > math.sqrt(float(xp.finfo(self.A.dtype).eps)) * norm(images):
            raise not_hermitian(self.A)

    def advance(self, steps: int) -> None:
        """Do more steps."""
        xp = self.A.xp
        alpha, beta = self._by_rows(steps) if self._sparse else self._by_products(steps)
        self._alpha = xp.concat((self._alpha, alpha))
        self._beta = xp.concat((self._beta, beta))
        self.steps += steps

    def _by_rows(self, steps: int) -> tuple[Any, Any]:
        xp, V = self.A.xp, self._vectors
        alpha, beta = xp.empty((2, steps, V.shape[1]))
        product = xp.empty(V.shape[1], dtype=V.dtype)
        state = self._gain, self._back, self._largest
        kernel(xp, lanczos.sparse_steps)(
            *self._rows, V, self._previous, product, *state, alpha, beta, self._eps
        )
        if steps % 2:
            self._vectors, self._previous = self._previous, V
        return alpha, beta

    def _by_products(self, steps: int) -> tuple[Any, Any]:
        xp, real = self.A.xp, self.A.real_dtype
        rows = []
        for _ in range(steps):
            V, gain = self._vectors, self._gain
            W = self.A @ V if self._product is None else self._product
            self._product = None
            W = W * xp.astype(gain / self._unit, real)
            W = W - self._previous * xp.astype(self._back, real)
            alpha = _inner(V, W, xp) * gain
            W = W - V * xp.astype(alpha * gain, real)
            beta = xp.sqrt(_inner(W, W, xp))
            self._largest = xp.maximum(self._largest, xp.abs(alpha) + beta)
            beta = xp.where(beta > self._eps * self._largest, beta, xp.zeros_like(beta))
            self._vectors, self._previous, self._back = W, V, beta * gain
            self._gain = xp.where(beta > 0, 1 / xp.where(beta > 0, beta, 1.0), 0.0)
            rows.append(xp.stack((alpha, beta)))
        both = xp.stack(rows)
        return both[:, 0, :], both[:, 1, :]

    def quadrature(self, steps: int | None = None) -> tuple[Any, Any]:
        """Return nodes and weights, both (probes, steps) in double precision, of so many steps.

        Sums of ``weight f(node)`` are ``zᴴ f(A) z`` for the starting vectors ``z``, of norm one:
        exactly if ``f`` is a polynomial of degree below ``2 steps``.
        """
        xp, k = self.A.xp, self.steps if steps is None else steps
        alpha, beta = (xp.matrix_transpose(x[:k, :]) for x in (self._alpha, self._beta))
        # where an iteration has ended, nodes of weight zero are put among the others
        ends = xp.cumulative_sum(xp.astype(beta == 0, xp.float64), axis=1)
        ended = xp.concat((0 * alpha[:, :1], ends[:, : k - 1]), axis=1) > 0
        alpha = xp.where(ended, alpha[:, :1], alpha)
        one, above = (xp.eye(k, k=i, dtype=xp.float64, device=self.A.device) for i in (0, 1))
        off = beta[:, :, None] * above
        T = alpha[:, :, None] * one + off + xp.matrix_transpose(off)
        nodes, vectors = xp.linalg.eigh(T)
        weights = vectors[:, 0, :] ** 2
        # what has no weight may lie outside the spectrum, by rounding
        nodes = xp.where(weights > self._eps**2, nodes, alpha[:, :1])
        return nodes * self._unit, weights


def _inner(X: Any, Y: Any, xp: ModuleType) -> Any:
    """Return ``Re x_iᴴ y_i`` for the columns of two blocks, added in double precision."""
    parts = X * Y if not xp.isdtype(X.dtype, "complex floating") else xp.real(xp.conj(X) * Y)
    return xp.sum(parts, axis=0, dtype=xp.float64)
