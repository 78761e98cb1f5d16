"""What every way to condition a Gaussian process on values at the points of a grid provides."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from structlin._backend import namespace
from structlin.bases import Grid
from structlin.covariance import Covariance
from structlin.matrices._modes import mode_products
from structlin.matrices.dense import Dense
from structlin.solvers.gp._factors import nodes

Term = tuple[Covariance, ...]
"""A product of covariance functions, one for each axis."""


@dataclass(frozen=True, eq=False)
class Report:
    """How a Gaussian process was conditioned on its data.

    Attributes
    ----------
    method : str
        The way taken: ``"eigendecompositions"``, for instance.
    converged : bool
        Whether iterations met their test; always true of direct ways.
    iterations : int
        Iterations done, the most of any right-hand side; 0 for direct ways.
    residual : float or None
        Largest relative residual of the iterations; None for direct ways.
    clipped : tuple of int
        How many eigenvalues were negative by rounding and became zero, for every axis.
    jitter : float
        What was added to the diagonal of a matrix besides the noise: 0, unless a method says so.
    choices : mapping
        What else was chosen: the number of probes, the preconditioner.
    """

    method: str
    converged: bool = True
    iterations: int = 0
    residual: float | None = None
    clipped: tuple[int, ...] = ()
    jitter: float = 0.0
    choices: Mapping[str, Any] = field(default_factory=dict)


class Conditioning(ABC):
    """A Gaussian process given values on a grid: ``S = Σₜ ⊗ⱼ Kₜⱼ + noise``, and its inverse.

    Arrays on the grid have the axis of the outputs first: (outputs, n_1, …, n_d), in C order.
    Those that are no outputs but right-hand sides, or samples, stand along that axis as well.

    Parameters
    ----------
    grid : Grid
        The points of the values.
    terms : sequence of sequence of Covariance
        The covariance functions: ``terms[t][j]`` belongs to axis ``j`` of the ``t``-th product.
    values : (outputs, n_1, …, n_d) array
        The values less the prior mean, finite; zero where they are missing.
    noise : float or (n_1, …, n_d) array
        Variance of the noise.

    Notes
    -----
    What is about new points takes *crosses*: ``crosses[t][j]`` is the (m_j, n_j) array of the
    covariances of term ``t`` between the new nodes of axis ``j`` and its nodes.
    """

    def __init__(self, grid: Grid, terms: Sequence[Term], values: Any, noise: Any) -> None:
        self.grid = grid
        self.terms: tuple[Term, ...] = tuple(tuple(term) for term in terms)
        self.values = values
        self.noise = noise

    mask: Any = None
    """Where there are values, (n_1, …, n_d) booleans; None if that is everywhere."""

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return self.grid.xp

    @property
    def known(self) -> Mapping[tuple[int, int], Any]:
        """The eigendecompositions of the axes, by product and axis, as far as there are any."""
        return {}

    @property
    def outputs(self) -> int:
        """How many functions were observed."""
        return int(self.values.shape[0])

    @property
    def observations(self) -> int:
        """How many points have values."""
        return self.grid.size

    @property
    @abstractmethod
    def report(self) -> Report:
        """How it went."""

    @property
    @abstractmethod
    def weights(self) -> Any:
        """The (outputs, n_1, …, n_d) array ``S⁻¹ values``, zero where values are missing."""

    @property
    @abstractmethod
    def log_determinant(self) -> float:
        """The logarithm of the determinant of ``S``, of the rows and columns with values."""

    @abstractmethod
    def solve(self, B: Any) -> Any:
        """Return ``S⁻¹ B`` for a (count, n_1, …, n_d) array, zero where values are missing.

        What stands in ``B`` where values are missing is not used.
        """

    @abstractmethod
    def log_likelihood_gradient(self) -> Any:
        """Return the derivatives of the log likelihood, a float64 vector on the host.

        They are by the ``theta`` of the kernels, in the order of terms and then axes, and by the
        logarithm of the noise at the end: zero where that is no parameter.
        """

    @abstractmethod
    def variance_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return how much the values reduce the variance at the tensor grid of new points.

        Returns
        -------
        (m_1, …, m_d) array
            The diagonal of ``C S⁻¹ Cᵀ``, where ``C = Σₜ ⊗ⱼ crosses[t][j]``.
        """

    def quadratic_form(self) -> float:
        """Return ``Σ valuesᵀ S⁻¹ values`` over the outputs."""
        return float(self.xp.sum(self.values * self.weights, dtype=self.xp.float64))

    def log_likelihood(self) -> float:
        """Return the logarithm of the density of the values, summed over the outputs."""
        constant = self.log_determinant + self.observations * math.log(2 * math.pi)
        return -(self.quadratic_form() + self.outputs * constant) / 2

    def applied(self, crosses: Sequence[Sequence[Any]], weights: Any = None) -> Any:
        """Return the mean ``C S⁻¹ values`` at the tensor grid of new points.

        Parameters
        ----------
        crosses : sequence of sequence of (m_j, n_j) array
        weights : (count, n_1, …, n_d) array, optional
            Others than those of the values.

        Returns
        -------
        (outputs, m_1, …, m_d) array
        """
        weights = self.weights if weights is None else weights
        made = along_axes(crosses[0], weights)
        for term in crosses[1:]:
            made = made + along_axes(term, weights)
        return made

    def fitted(self) -> Any:
        """Return the (outputs, n_1, …, n_d) mean at the points of the values themselves."""
        return self.applied(
            [[k.gram(nodes(self.grid, j)) for j, k in enumerate(term)] for term in self.terms]
        )

    def covariance_reduction(self, rows: Sequence[Sequence[Any]]) -> Any:
        """Return how much the values reduce the covariances of single new points.

        Parameters
        ----------
        rows : sequence of sequence of (p, n_j) array
            ``rows[t][j]`` has the covariances of term ``t`` on axis ``j`` between the coordinate
            of each of ``p`` points and the nodes.

        Returns
        -------
        (p, p) array
        """
        covariances = rowwise_products(rows[0])
        for term in rows[1:]:
            covariances = covariances + rowwise_products(term)
        flat = (covariances.shape[0], -1)
        solved = self.xp.reshape(self.solve(covariances), flat)
        return self.xp.matmul(self.xp.reshape(covariances, flat), self.xp.matrix_transpose(solved))

    def inverse_diagonal(self) -> Any:
        """Return the (n_1, …, n_d) diagonal of ``S⁻¹``, which leave-one-out needs.

        Raises
        ------
        NotImplementedError
            If this way of conditioning has no formula for it.
        """
        raise NotImplementedError(
            f"data conditioned by {self.report.method!r} have no closed form for leave-one-out: "
            "fit without some of the values, by mask=, and predict these"
        )


def along_axes(factors: Sequence[Any], X: Any) -> Any:
    """Return ``X`` with the ``j``-th matrix applied to its axis ``j + 1``, for all of them.

    The matrices are taken in the precision of ``X``. Axes that become shorter go first.
    """
    shape = list(X.shape)
    xp = namespace(X)
    steps = []
    for j in sorted(range(len(factors)), key=lambda j: factors[j].shape[0] / factors[j].shape[1]):
        left, right = math.prod(shape[: j + 1]), math.prod(shape[j + 2 :])
        steps.append((Dense(xp.astype(factors[j], X.dtype, copy=False)), left, right))
        shape[j + 1] = factors[j].shape[0]
    return xp.reshape(mode_products(steps, X, 1), tuple(shape))


def rowwise_products(rows: Sequence[Any]) -> Any:
    """Return the (p, n_1, …, n_d) products of the rows of (p, n_j) arrays."""
    made = rows[0]
    xp = namespace(made)
    for following in rows[1:]:
        count, n = following.shape
        made = made[..., None] * xp.reshape(following, (count,) + (1,) * (made.ndim - 1) + (n,))
    return made
