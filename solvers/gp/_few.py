"""Conditioning on few values: a Cholesky factorisation of their covariance matrix."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.matrices import Triangular, solve
from structlin.solvers.gp._conditioning import Conditioning, Report, Term
from structlin.solvers.gp._factors import Factor, Known, factor, nodes

most_values = 2048
"""Values up to which their matrix is factorised: fractions of a second, 32 MiB."""

_block = 2**21
"""Numbers at a time where there is a row for every new point."""


class FewValues(Conditioning):
    """A Gaussian process given a few values on a grid, directly and exactly.

    Parameters
    ----------
    grid, terms, values
        As for `Conditioning`.
    noise : float or (n_1, …, n_d) array
    mask : (n_1, …, n_d) array of bool, optional
        True where there is a value.
    known : mapping, optional
        Eigendecompositions of axes, by product and axis.

    Raises
    ------
    ValueError
        If a covariance matrix of an axis is indefinite, or that of the values is singular.

    Notes
    -----
    ``m³/3`` operations for ``m`` values, and ``m²`` for each right-hand side and new point.
    """

    def __init__(
        self,
        grid: Grid,
        terms: Sequence[Term],
        values: Any,
        noise: Any,
        mask: Any = None,
        *,
        known: Known | None = None,
    ) -> None:
        super().__init__(grid, terms, values, noise)
        xp = self.xp
        self.mask = mask
        if mask is None:
            mask = xp.ones(grid.shape, dtype=xp.bool, device=values.device)
        self._at = xp.nonzero(mask)
        self._places = xp.nonzero(xp.reshape(mask, (-1,)))[0]
        m = int(self._places.shape[0])
        back = xp.cumulative_sum(xp.astype(xp.reshape(mask, (-1,)), xp.int64)) - 1
        self._back = xp.where(xp.reshape(mask, (-1,)), back, m)
        known = {} if known is None else known
        self.factors: list[list[Factor]] = [
            [known.get((t, j)) or factor(k, grid, j) for j, k in enumerate(term)]
            for t, term in enumerate(self.terms)
        ]
        self._parts = [
            [self._chosen(k.gram(nodes(grid, j)), j) for j, k in enumerate(term)]
            for term in self.terms
        ]
        S: Any = sum(functools.reduce(operator.mul, parts) for parts in self._parts)
        if isinstance(noise, float):
            added = xp.full((m,), noise, dtype=S.dtype, device=S.device)
        else:
            added = xp.astype(self._observed(noise[None, ...])[0, :], S.dtype, copy=False)
        S = S + xp.eye(m, dtype=S.dtype, device=S.device) * added[:, None]
        try:
            L = xp.linalg.cholesky(S)
            if not bool(xp.all(xp.isfinite(L))):
                raise np.linalg.LinAlgError
        except np.linalg.LinAlgError:
            least = float(xp.finfo(S.dtype).eps) * m * float(xp.max(xp.linalg.diagonal(S)))
            raise ValueError(
                f"the covariance matrix of the {m} values is singular to rounding: pass noise of "
                f"{least:.1e} or more, or rougher kernels"
            ) from None
        self._triangle = Triangular(L)
        self._diagonal = xp.linalg.diagonal(L)

    @property
    def observations(self) -> int:
        """How many points have values."""
        return int(self._places.shape[0])

    @property
    def report(self) -> Report:
        """How it went."""
        axes = zip(*self.factors, strict=True)
        clipped = tuple(sum(f.clipped for f in axis) for axis in axes)
        return Report("Cholesky factorisation", clipped=clipped)

    @property
    def known(self) -> Known:
        """The eigendecompositions of the axes, by product and axis."""
        return {(t, j): f for t, row in enumerate(self.factors) for j, f in enumerate(row)}

    @functools.cached_property
    def weights(self) -> Any:
        return self.solve(self.values)

    @functools.cached_property
    def log_determinant(self) -> float:
        return 2 * float(self.xp.sum(self.xp.log(self._diagonal)))

    def solve(self, B: Any) -> Any:
        xp = self.xp
        columns = xp.astype(
            xp.matrix_transpose(self._observed(B)), self._diagonal.dtype, copy=False
        )
        made = solve(self._triangle.T, solve(self._triangle, columns))
        return xp.astype(self._scattered(xp.matrix_transpose(made)), B.dtype, copy=False)

    def log_likelihood_gradient(self) -> Any:
        xp = self.xp
        alpha = xp.astype(self._observed(self.weights), xp.float64, copy=False)
        G = (xp.matmul(xp.matrix_transpose(alpha), alpha) - self.outputs * self._inverse) / 2
        made = []
        for term, parts in zip(self.terms, self._parts, strict=True):
            for j, kernel in enumerate(term):
                if not len(kernel.theta):
                    continue
                others = functools.reduce(operator.mul, parts[:j] + parts[j + 1 :], G)
                changes = kernel.theta_gradients(nodes(self.grid, j))
                made += [float(xp.sum(others * self._chosen(change, j))) for change in changes]
        learns = isinstance(self.noise, float)
        made.append(self.noise * float(xp.linalg.trace(G)) if learns else 0.0)
        return np.asarray(made)

    def variance_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        xp, device = self.xp, self.grid.device
        columns = [
            [xp.take(C, at, axis=1) for C, at in zip(term, self._at, strict=True)]
            for term in crosses
        ]
        shape = tuple(int(C.shape[0]) for C in crosses[0])
        points, made = math.prod(shape), []
        step = max(1, _block // self.observations)
        for start in range(0, points, step):
            places = np.unravel_index(np.arange(start, min(start + step, points)), shape)
            here = [xp.asarray(place, device=device) for place in places]
            rows: Any = 0.0
            for term in columns:
                chosen = (xp.take(C, p, axis=0) for C, p in zip(term, here, strict=True))
                rows = rows + functools.reduce(operator.mul, chosen)
            image = solve(self._triangle, xp.matrix_transpose(rows))
            made.append(xp.sum(image * image, axis=0))
        return xp.reshape(xp.concat(made), shape)

    def inverse_diagonal(self) -> Any:
        return self._scattered(self.xp.linalg.diagonal(self._inverse)[None, :])[0, ...]

    @functools.cached_property
    def _inverse(self) -> Any:
        xp = self.xp
        one = xp.eye(self.observations, dtype=self._diagonal.dtype, device=self._diagonal.device)
        half = solve(self._triangle, one)
        return xp.matmul(xp.matrix_transpose(half), half)

    def _chosen(self, K: Any, axis: int) -> Any:
        """Return the entries of a matrix of an axis for all pairs of values."""
        xp, at = self.xp, self._at[axis]
        return xp.take(xp.take(K, at, axis=0), at, axis=1)

    def _observed(self, B: Any) -> Any:
        """Return (count, m) of (count, n_1, …, n_d)."""
        return self.xp.take(self.xp.reshape(B, (B.shape[0], -1)), self._places, axis=1)

    def _scattered(self, X: Any) -> Any:
        """Return (count, n_1, …, n_d) of (count, m), zero where there is no value."""
        xp = self.xp
        longer = xp.concat([X, xp.zeros_like(X[:, :1])], axis=1)
        return xp.reshape(xp.take(longer, self._back, axis=1), (X.shape[0], *self.grid.shape))
