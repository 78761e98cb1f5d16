"""The posterior of a Gaussian process at a tensor grid of new points."""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.covariance import Covariance
from structlin.sketching._random import normals, seed_of
from structlin.solvers.gp._conditioning import Conditioning, along_axes
from structlin.solvers.gp._factors import joint_root, nodes

_together = 2**22
"""Random numbers made at a time: samples beyond it are drawn one after the other."""


class Posterior:
    """What a Gaussian process knows at a tensor grid of new points, computed when asked for.

    `KroneckerGP.posterior` makes it. Arrays have the shape (m_1, …, m_d) of the new grid, in C
    order, and an axis of the outputs at the end if the data had one.

    Notes
    -----
    It is about the function without noise, and about its derivative if one was asked for. All
    outputs have the same variances and covariances.
    """

    def __init__(
        self,
        conditioning: Conditioning,
        points: Grid,
        order: tuple[int, ...],
        prior_mean: float,
        many: bool,
    ) -> None:
        self.points = points
        self.order = order
        self.shape = points.shape
        self._given = conditioning
        self._prior_mean = prior_mean
        self._many = many
        self.dtype = conditioning.values.dtype

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return self.points.xp

    @functools.cached_property
    def mean(self) -> Any:
        """The (m_1, …, m_d) or (m_1, …, m_d, outputs) mean."""
        own = self.points is self._given.grid and not any(self.order)
        made = self._given.fitted() if own else self._given.applied(self._crosses)
        if self._prior_mean:
            made = made + self._prior_mean
        return self._outward(made)

    @functools.cached_property
    def variance(self) -> Any:
        """The (m_1, …, m_d) variance.

        Notes
        -----
        The covariance is never formed: the diagonal is a Kronecker product of squared matrices
        times a vector, ``O(N Σ m_j)``. It is a difference: where it would fall below ``eps`` times
        the prior variance, which rounding errors hide, it is set to that.
        """
        xp = self.xp
        prior = self._prior_variance
        made = prior - xp.astype(self._given.variance_reduction(self._crosses), self.dtype)
        floor = float(xp.finfo(self.dtype).eps) * prior
        return xp.where(made < floor, floor, made)

    def std(self) -> Any:
        """Return the (m_1, …, m_d) standard deviation, of the function without noise."""
        return self.xp.sqrt(self.variance)

    def covariance(self, indices: Any = None, *, max_bytes: int = 2**32) -> Any:
        """Return the covariances of chosen points, or of all.

        Parameters
        ----------
        indices : (p,) or (p, d) array of integers, optional
            Which of the new points: their places in C order, or their indices on every axis. All
            points by default.
        max_bytes : int
            Memory that may be used: a row of ``N`` numbers stands for every point.

        Returns
        -------
        (p, p) array

        Raises
        ------
        IndexError
            If there are no such points.
        MemoryError
            If more memory would be needed.

        Notes
        -----
        ``O(p N Σ n_j + p² N)`` operations for ``N`` values on the grid.
        """
        from structlin.tensors._memory import require_memory  # costs half of the whole import

        xp = self.xp
        places = self._places(indices)
        count = len(places[0])
        if count == 0:
            return xp.empty((0, 0), dtype=self.dtype, device=self.points.device)
        wanted = (count, max(self._given.grid.size, count))
        cure = "choose fewer points, or raise max_bytes"
        require_memory(wanted, xp.float64, "the covariance with the data", cure, max_bytes)
        at = [xp.asarray(place, device=self.points.device) for place in places]
        prior: Any = 0.0
        for term in self._given.terms:
            product: Any = 1.0
            for axis, kernel in enumerate(term):
                x, a = self._new(axis), self.order[axis]
                own = kernel.derivative(x, order=(a, a)) if a else kernel.gram(x)
                product = product * xp.take(xp.take(own, at[axis], axis=0), at[axis], axis=1)
            prior = prior + product
        rows = [
            [xp.take(cross, at[axis], axis=0) for axis, cross in enumerate(term)]
            for term in self._crosses
        ]
        made = prior - self._given.covariance_reduction(rows)
        return xp.astype((made + xp.matrix_transpose(made)) / 2, self.dtype, copy=False)

    def sample(self, count: int = 1, *, rng: Any = None) -> Any:
        """Return functions drawn from the posterior.

        Parameters
        ----------
        count : int
            How many.
        rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
            The source of randomness; an integer gives the same samples again, whatever ``count``.

        Returns
        -------
        (count, m_1, …, m_d) or (count, m_1, …, m_d, outputs) array

        Notes
        -----
        Exact, by Matheron's rule: a draw ``f`` from the prior at the old points and the new ones
        together, plus the mean given the values less ``f`` and noise. The draw from the prior is a
        Kronecker product of roots of the covariance matrices of the axes, of old and new nodes
        together, times white noise.

        References
        ----------
        .. [1] J. T. Wilson, V. Borovitskiy, A. Terenin, P. Mostowsky and M. P. Deisenroth,
           "Pathwise conditioning of Gaussian processes", Journal of Machine Learning Research 22,
           2021.
        """
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise ValueError(f"count is {count!r}: pass how many samples to draw")
        seed, outputs = seed_of(rng), self._given.outputs
        ranks = [math.prod(root.shape[1] for root, _ in roots) for roots in self._roots]
        largest = max(self._given.grid.size, self.points.size, *ranks)
        step = max(1, _together // (largest * outputs))
        xp = self.xp
        shape = (int(count), outputs, *self.shape)
        made = xp.empty(shape, dtype=self.dtype, device=self.points.device)
        for start in range(0, int(count), step):
            here = min(step, int(count) - start)
            changes = self._changes(seed, start, here)
            made[start : start + here, ...] = xp.reshape(changes, (here, *shape[1:]))
        made = xp.moveaxis(made, 1, -1)
        return (made if self._many else made[..., 0]) + self.mean

    def _changes(self, seed: int, start: int, count: int) -> Any:
        """Return samples less the mean, those from ``start`` on, as (count · outputs, …) arrays."""
        xp, given = self.xp, self._given
        rows = count * given.outputs
        first = start * given.outputs
        old, new = self._white(seed, 0, first, rows, given.grid.shape), 0.0
        if isinstance(given.noise, float):
            old = old * given.noise**0.5
        else:
            old = old * xp.astype(xp.sqrt(given.noise), self.dtype, copy=False)
        for t, roots in enumerate(self._roots):
            ranks = tuple(root.shape[1] for root, _ in roots)
            white = self._white(seed, 1 + t, first, rows, ranks)
            old = old + along_axes([root for root, _ in roots], white)
            new = new + along_axes([root for _, root in roots], white)
        return new - given.applied(self._crosses, given.solve(old))

    def _white(self, seed: int, stream: int, start: int, rows: int, shape: tuple[int, ...]) -> Any:
        made = normals(
            seed, stream, start, rows, math.prod(shape), self.xp, self.points.device, self.dtype
        )
        return self.xp.reshape(made, (rows, *shape))

    @functools.cached_property
    def _roots(self) -> list[list[tuple[Any, Any]]]:
        grid = self._given.grid
        return [
            [
                joint_root(kernel, nodes(grid, axis), self._new(axis), self.order[axis], axis)
                for axis, kernel in enumerate(term)
            ]
            for term in self._given.terms
        ]

    @functools.cached_property
    def _crosses(self) -> list[list[Any]]:
        grid = self._given.grid
        return [
            [
                cross(kernel, self._new(axis), nodes(grid, axis), self.order[axis])
                for axis, kernel in enumerate(term)
            ]
            for term in self._given.terms
        ]

    @functools.cached_property
    def _prior_variance(self) -> Any:
        xp = self.xp
        total: Any = 0.0
        for term in self._given.terms:
            product: Any = 1.0
            for axis, kernel in enumerate(term):
                x, a = self._new(axis), self.order[axis]
                if a:
                    own = xp.linalg.diagonal(kernel.derivative(x, order=(a, a)))
                else:
                    own = kernel.variances(x)
                behind = (1,) * (self.points.ndim - axis - 1)
                product = product * xp.reshape(own, (-1, *behind))
            total = total + product
        return xp.astype(total, self.dtype, copy=False)

    def _new(self, axis: int) -> Any:
        return nodes(self.points, axis)

    def _places(self, indices: Any) -> tuple[Any, ...]:
        """Return the indices of chosen points on every axis, on the host."""
        if indices is None:
            return np.unravel_index(np.arange(self.points.size), self.shape)
        chosen = np.asarray(indices)
        if chosen.ndim not in (1, 2) or chosen.dtype.kind not in "iu":
            raise IndexError(
                f"indices are {chosen.dtype} of shape {chosen.shape}: pass (p,) integers, places "
                f"in C order, or (p, {len(self.shape)}) ones, indices on every axis"
            )
        sizes = (self.points.size,) if chosen.ndim == 1 else self.shape
        columns = chosen[:, None] if chosen.ndim == 1 else chosen
        if columns.shape[1] != len(sizes):
            raise IndexError(f"indices have shape {chosen.shape}, but there are {len(sizes)} axes")
        wrong = np.nonzero((columns < 0) | (columns >= np.asarray(sizes)))[0]
        if len(wrong):
            where = int(wrong[0])
            raise IndexError(
                f"indices[{where}] is {chosen[where].tolist()}: the new points are "
                f"{'x'.join(map(str, self.shape))}, counted from 0"
            )
        if chosen.ndim == 1:
            return np.unravel_index(chosen, self.shape)
        return tuple(columns.T)

    def _outward(self, made: Any) -> Any:
        """Return an (outputs, …) array with its first axis at the end, or without it."""
        return self.xp.moveaxis(made, 0, -1) if self._many else made[0, ...]

    def __repr__(self) -> str:
        derivative = f", derivative {self.order}" if any(self.order) else ""
        return f"<Posterior at {'x'.join(map(str, self.shape))} points{derivative}>"


def cross(kernel: Covariance, new: Any, old: Any, order: int) -> Any:
    """Return the covariances between derivatives at new nodes and values at old ones."""
    return kernel.derivative(new, old, order=(order, 0)) if order else kernel(new, old)
