"""Gram matrices of spectral mixtures on the nodes of an axis, and gradients through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from structlin._backend import device, is_cupy, is_numpy, namespace, scipy_of
from structlin.solvers.gp_pde._gp_hm.rows import Family, MixtureRows

jitter = 1e-6  # what the published method adds to every factor


class AxisLags:
    """The lags of the nodes of one axis, each once where the nodes are even.

    Parameters
    ----------
    x : (n,) array
        Nodes.
    spacing : float or None
        Their spacing where they are even: matrices are then Toeplitz, made of their first columns.
    """

    def __init__(self, x: Any, spacing: float | None) -> None:
        self.xp, self.x, self.n = namespace(x), x, int(x.shape[0])
        i = self.xp.arange(self.n, device=device(x))
        self.even = spacing is not None
        if self.even:
            self.lags = x - x[0]
            self.places = self.xp.reshape(self.xp.abs(i[:, None] - i[None, :]), (-1,))
        else:
            self.lags = self.xp.reshape(self.xp.abs(x[:, None] - x[None, :]), (-1,))
        side = self.xp.astype(i[:, None] - i[None, :], x.dtype)
        self.signs = self.xp.sign(side)

    def matrix(self, row: Any, order: int) -> Any:
        """Return the (n, n) matrix ``k^(order)(xᵢ − xⱼ)`` of its values at the lags."""
        flat = self.xp.take(row, self.places) if self.even else row
        made = self.xp.reshape(flat, (self.n, self.n))
        return made * self.signs if order % 2 else made

    def row(self, G: Any, order: int) -> Any:
        """Return the adjoint of `matrix`: the sums of entries that share a lag."""
        xp, n = self.xp, self.n
        G = G * self.signs if order % 2 else G
        if not self.even:
            return xp.reshape(G, (-1,))
        # entry (i, j) of the reversed rows moves to column i + n − 1 − j: diagonals become columns
        wide = xp.concat([xp.flip(G, axis=1), xp.zeros_like(G)], axis=1)
        turned = xp.reshape(xp.reshape(wide, (-1,))[: 2 * n * n - n], (n, 2 * n - 1))
        sums = xp.sum(turned, axis=0)
        below, above = sums[n:], xp.flip(sums[: n - 1], axis=0)
        return xp.concat([sums[n - 1 : n], below + above])


class AxisMatrices:
    """The Gram matrix of one axis, its inverse, and the matrices of derivatives.

    Attributes
    ----------
    gram : (n, n) array
        ``P = K + 1e-6 I``.
    inverse : (n, n) array
        ``P⁻¹``.
    log_determinant : array
        ``log det P``; not finite if it has no Cholesky factor.
    derivatives : list of (n, n) array or None
        ``D_a = K^(a) P⁻¹`` for the orders ``a`` from 0 to ``top``; the first is None, since the
        derivative of order zero of the values is the values.
    """

    def __init__(self, lags: AxisLags, parameters: Sequence[Any], family: Family, top: int) -> None:
        xp = lags.xp
        self.lags, self.mixture = lags, MixtureRows(lags.lags, parameters, family, top)
        kernels = [lags.matrix(row, a) for a, row in enumerate(self.mixture.rows())]
        one = xp.eye(lags.n, dtype=lags.x.dtype, device=device(lags.x))
        self.gram = kernels[0] + jitter * one
        self.inverse, self.log_determinant = _inverse(self.gram, one)
        self.derivatives = [None, *(K @ self.inverse for K in kernels[1:])]

    def gradient(self, by_gram: Any, by_derivatives: Mapping[int, Any]) -> list[Any]:
        """Return the gradients in the parameters, given those in ``P`` and in the ``D_a``."""
        cotangents = {}
        for a, G in by_derivatives.items():
            through = G @ self.inverse
            cotangents[a] = self.lags.row(through, a)
            by_gram = by_gram - self.derivatives[a].T @ through
        cotangents[0] = self.lags.row(by_gram, 0)
        return self.mixture.gradient(cotangents)


def _inverse(P: Any, one: Any) -> tuple[Any, Any]:
    """Return the inverse of a positive definite matrix and the logarithm of its determinant."""
    xp = namespace(P)
    if is_numpy(xp):
        lapack = scipy_of(xp, "linalg.lapack")
        potrf, potri = lapack.get_lapack_funcs(("potrf", "potri"), (P,))
        factor, failed = potrf(P.T, lower=0)
        if failed:
            return xp.full_like(P, xp.nan), P.dtype.type(xp.nan)
        half, _ = potri(factor, lower=0)
        half = xp.triu(half)
        inverse = half + xp.triu(half, k=1).T
        return inverse, 2 * xp.sum(xp.log(xp.linalg.diagonal(factor)))
    try:
        L = xp.linalg.cholesky(P)
    except np.linalg.LinAlgError:
        return xp.full_like(P, xp.nan), xp.sum(xp.full_like(P, xp.nan))
    if is_cupy(xp):
        root = scipy_of(xp, "linalg").solve_triangular(L, one, lower=True)
    else:
        root = xp.linalg.solve(L, one)
    return root.T @ root, 2 * xp.sum(xp.log(xp.linalg.diagonal(L)))
