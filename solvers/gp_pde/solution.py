"""The posterior of the solution of a boundary value problem, and the report of how it was made."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from structlin._backend import namespace
from structlin.bases.grid import Grid
from structlin.sketching._random import seed_of
from structlin.solvers.gp_pde._data.blocks import along
from structlin.solvers.gp_pde._data.points import read_points
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.products import Conditioned


@dataclass(frozen=True)
class PDEReport:
    """How a solution came about.

    Attributes
    ----------
    route : str
        ``"lines"`` (spectral lines of the data), ``"extension"`` (a Fourier series on a larger box)
        or ``"given"`` (the features that were passed).
    lines : tuple of tuple of float
        The frequencies found along every axis, cycles per unit of length.
    ranks : tuple of int
        How many combinations of features every axis has.
    residual : float
        What the equations leave of the data, relative to the data, each in units of its noise.
    held_out : float
        The same where the equations have not been imposed: between the nodes, if source and
        coefficients are functions; else, in one dimension, at nodes that are left out in turn;
        else, of a series, how far it misses values of source and boundary data that are left out;
        else 0, not known.
    misfits : dict of str to float
        The largest misfit of the equation, of every side and of observations, in units of the
        standard deviation of each. Much more than 4 where there is noise: distrust the error bars.
        Exact data are given a tiny one in its place: large numbers mean little there.
    error_estimate : float
        The largest posterior standard deviation, its numerical floor included, between some of the
        nodes, relative to the largest value of the solution at the nodes.
    log_evidence : float
        The log density of the data, scaled as they were for the computation; NaN where the equation
        was solved axis by axis.
    corner_mismatch : float
        The largest difference of the data of two sides where they meet, relative to the data.
    jitter : float
        What was added to the diagonal of the scaled normal matrix of the preconditioner; it does
        not enter the mean.
    converged : bool
    iterations : int
        Of the refinement; 0 for a direct method.
    seconds : float
    seed : int
        Of the sketch in which lines are looked for.
    noisy : bool
        Whether the source was said to have noise.
    unexplained : float
        By how many standard deviations the squared misfit of an equation with noise is larger than
        this noise and the prior explain; 0 for exact data.
    amplitudes : tuple of tuple of float
        The prior standard deviation of every one of ``lines``, relative to the largest of the axis.
    """

    route: str
    lines: tuple[tuple[float, ...], ...]
    ranks: tuple[int, ...]
    residual: float
    misfits: dict[str, float]
    error_estimate: float
    log_evidence: float
    corner_mismatch: float
    jitter: float
    converged: bool
    iterations: int
    seconds: float
    seed: int
    noisy: bool = False
    held_out: float = 0.0
    unexplained: float = 0.0
    amplitudes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class PDESolution:
    """The Gaussian posterior of the solution: mean, standard deviation and samples anywhere.

    Attributes
    ----------
    grid : Grid
        The nodes on which the equation was given.
    features : tuple of Features
        The functions of every coordinate whose products make up the solution.
    posterior : Conditioned
        Their weights.
    scale : float
        What the products are multiplied by.
    report : PDEReport
    """

    grid: Grid
    features: tuple[Features, ...]
    posterior: Conditioned = field(repr=False)
    scale: float
    report: PDEReport

    @property
    def converged(self) -> bool:
        """Whether the equations are satisfied as far as the data allow."""
        return self.report.converged

    @functools.cached_property
    def floor(self) -> float:
        """The numerical error of a value, which the posterior cannot know of, before scaling.

        Rounding errors of the sum of products, and of exact data the part that is left: both
        relative to the largest value at the nodes.
        """
        xp = self.grid.xp
        values = along(self._matrices(self.grid.axes), self.posterior.weights)
        rounding = 64 * float(xp.finfo(self.grid.dtype).eps)
        left = 0.0 if self.report.noisy else max(self.report.residual, self.report.held_out)
        return (rounding + left) * float(xp.max(xp.abs(values)))

    def mean(self, *points: Any, order: Sequence[int] | None = None) -> Any:
        """Return the posterior mean, or a derivative of it, on a tensor grid of points.

        Parameters
        ----------
        *points : (m_j,) array
            The coordinates of the points along every axis; by default the nodes.
        order : sequence of int, optional
            That of the derivative along every axis.

        Returns
        -------
        (m_1, …, m_d) array
            In C order: ``[i, j, k]`` at ``(x_i, y_j, z_k)``.
        """
        matrices = self._matrices(points, order)
        return self.scale * along(matrices, self.posterior.weights)

    def std(self, *points: Any, floor: bool = True) -> Any:
        """Return the posterior standard deviation on a tensor grid of points, in C order.

        Parameters
        ----------
        *points : (m_j,) array
        floor : bool
            Whether to add `floor`, as an independent error: without it, exact data make standard
            deviations smaller than rounding errors.

        Notes
        -----
        A sum of squares, O(R (m_1 r_1 + m_1 m_2)) for R unknowns in two dimensions: no matrix of
        points times unknowns is formed.
        """
        matrices = self._matrices(points)
        xp = namespace(matrices[0])
        variance = self.posterior.variance_at(matrices)
        if floor:
            variance = variance + self.floor**2
        return self.scale * xp.sqrt(variance)

    def sample(self, *points: Any, count: int = 1, rng: Any = None) -> Any:
        """Return functions drawn from the posterior, on a tensor grid of points.

        Returns
        -------
        (count, m_1, …, m_d) array
        """
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"count is {count!r}: pass an integer >= 1")
        xp = namespace(self.posterior.weights)
        weights = xp.moveaxis(self.posterior.sample(seed_of(rng), count), 0, -1)
        return self.scale * xp.moveaxis(along(self._matrices(points), weights), -1, 0)

    def _matrices(self, points: Sequence[Any], order: Sequence[int] | None = None) -> list[Any]:
        read, ndim = read_points(self.grid, points), self.grid.ndim
        order = (0,) * ndim if order is None else tuple(order)
        if len(order) != ndim or not all(isinstance(k, int) and k >= 0 for k in order):
            raise ValueError(f"order is {order}: pass an integer >= 0 for each of {ndim} axes")
        return [f.values(x, k) for f, x, k in zip(self.features, read, order, strict=True)]

    def __repr__(self) -> str:
        r = self.report
        state = "converged" if r.converged else "not converged"
        ranks = "x".join(map(str, r.ranks))
        return f"<PDESolution {state} by {r.route}, ranks {ranks}, residual {r.residual:.1e}>"
