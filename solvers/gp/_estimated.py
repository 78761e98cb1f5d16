"""Conditioning by iterations: solved for, or estimated with an error, where there is no formula."""

from __future__ import annotations

import functools
import math
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin.bases import Grid
from structlin.sketching._estimate import Estimate
from structlin.solvers.gp._conditioning import (
    Conditioning,
    Report,
    Term,
    along_axes,
    rowwise_products,
)
from structlin.solvers.gp._factors import Factor, Known, factor, nodes
from structlin.solvers.gp._near_identity import accepted, random_signs

few_points = 256
"""New points up to which variances are solved for."""

_samples = 16
"""Data drawn from the process for the trace in the gradient."""

_most_probes, _wanted = 256, 0.002
"""Random vectors for the variances of many points: until the standard error is so small a share of
the greatest reduction of the variance, but no more than that."""

_together = 2**22
"""Numbers in a block of right-hand sides, at most."""


class Estimated(Conditioning):
    """A Gaussian process whose matrix ``S`` has a preconditioner, but no decomposition.

    Parameters
    ----------
    grid, terms, values
        As for `Conditioning`.
    noise : float or (n_1, …, n_d) array
    mask : (n_1, …, n_d) array of bool or None
        True where there is a value; None if there is one everywhere.
    seed : int
        Of everything estimated.
    known : mapping or None
        Eigendecompositions of axes, by product and axis.

    Notes
    -----
    Without closed forms, the determinant is estimated, and so is the trace in the gradient: with
    data ``v ~ N(0, S)`` drawn from the process, ``E (S⁻¹v)ᵀ ∂K (S⁻¹v) = tr S⁻¹ ∂K``. The estimate
    replaces an expectation over data by a mean over 16 of them, so that a maximum of the likelihood
    moves by about ``1/√16`` of its own uncertainty. The report has the standard errors.
    """

    def __init__(
        self,
        grid: Grid,
        terms: Sequence[Term],
        values: Any,
        noise: Any,
        mask: Any,
        seed: int,
        known: Known | None,
    ) -> None:
        super().__init__(grid, terms, values, noise)
        self.mask = mask
        self.seed = seed
        known = {} if known is None else known
        self.factors: list[list[Factor]] = [
            [known.get((t, j)) or factor(k, grid, j) for j, k in enumerate(term)]
            for t, term in enumerate(self.terms)
        ]
        self._iterations, self._residual = 0, 0.0
        self._told: dict[str, Any] = {}

    # -- what a way of conditioning writes --------------------------------------------------------

    @property
    @abstractmethod
    def method(self) -> str:
        """What the report calls it."""

    @property
    @abstractmethod
    def exact(self) -> bool:
        """Whether the preconditioner is the matrix itself, so that there are closed forms."""

    @abstractmethod
    def solved(self, B: Any) -> tuple[Any, int, float]:
        """Return ``S⁻¹ B`` of a (count, n_1, …, n_d) array, the iterations and the residual."""

    @abstractmethod
    def log_determinant_of_preconditioner(self) -> float:
        """Return the part of ``log det S`` that is known."""

    @abstractmethod
    def log_determinant_of_rest(self) -> Estimate:
        """Return an estimate of the other part."""

    @abstractmethod
    def traces(self) -> tuple[list[list[Any]], float]:
        """Return what gives ``tr S⁻¹ ∂S`` where there are closed forms.

        Returns
        -------
        list of list of (n_j, n_j) array
            ``H`` of every product and axis with ``tr S⁻¹ ∂S = Σ H ∘ ∂K``.
        float
            ``noise · tr S⁻¹``.
        """

    @abstractmethod
    def closed_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return what `variance_reduction` does, as a vector, with the preconditioner for ``S``."""

    @abstractmethod
    def corrections(self, crosses: Sequence[Sequence[Any]], count: int) -> Iterator[Any]:
        """Give blocks (points, k) of ``count`` estimates of what that leaves out, in all."""

    # -- what follows -----------------------------------------------------------------------------

    @property
    def known(self) -> Known:
        """The eigendecompositions of the axes, by product and axis."""
        return {(t, j): f for t, row in enumerate(self.factors) for j, f in enumerate(row)}

    @property
    def observations(self) -> int:
        """How many points have values."""
        return self.grid.size if self.mask is None else int(self.xp.count_nonzero(self.mask))

    @property
    def report(self) -> Report:
        """How it went; estimates stand in `choices` once they were asked for."""
        return Report(
            self.method,
            converged=self._residual <= accepted,
            iterations=self._iterations,
            residual=self._residual,
            clipped=tuple(sum(f.clipped for f in axis) for axis in zip(*self.factors, strict=True)),
            choices={**self.choices(), **self._told},
        )

    def choices(self) -> Mapping[str, Any]:
        """Return what else was chosen."""
        return {"seed": self.seed}

    @functools.cached_property
    def weights(self) -> Any:
        return self.solve(self.values)

    def solve(self, B: Any) -> Any:
        xp, count = self.xp, B.shape[0]
        if self.mask is not None:
            B = xp.where(self.mask, B, xp.zeros_like(B))
        step = max(1, _together // self.grid.size)
        ends = ((start, min(start + step, count)) for start in range(0, count, step))
        made = [self._block(B[start:end, ...]) for start, end in ends]
        return xp.concat(made) if made else B

    def _block(self, B: Any) -> Any:
        xp = self.xp
        units = units_of(B)
        made, iterations, residual = self.solved(xp.astype(B / units, xp.float64, copy=False))
        self.note(iterations, residual)
        return xp.astype(made, B.dtype, copy=False) * units

    def note(self, iterations: int, residual: float) -> None:
        """Keep for the report how an iteration went, and warn if it has not converged."""
        self._iterations = max(self._iterations, iterations)
        self._residual = max(self._residual, residual)
        if not residual <= accepted:
            warnings.warn(
                f"conditioning stopped after {iterations} iterations with the relative residual "
                f"{residual:.1e}: raise the noise, take smoother kernels, or fewer values",
                ConvergenceWarning,
                stacklevel=5,
            )

    @functools.cached_property
    def log_determinant(self) -> float:
        known = self.log_determinant_of_preconditioner()
        if self.exact:
            return known
        rest = self.log_determinant_of_rest()
        self._told["log determinant"] = rest
        return known + float(rest)

    @functools.cached_property
    def _sampled(self) -> Any:
        """The (samples, n_1, …, n_d) weights of data drawn from the process."""
        xp, shape = self.xp, self.grid.shape
        like = self.factors[0][0].vectors
        drawn = random_signs(_samples, self.grid.size, self.seed, 1, like)
        noise = self.noise
        drawn = xp.reshape(drawn, (-1, *shape)) * (
            math.sqrt(noise) if isinstance(noise, float) else xp.sqrt(noise)
        )
        for t, factors in enumerate(self.factors):
            white = random_signs(_samples, self.grid.size, self.seed, 2 + t, like)
            roots = [root_of(f, xp) for f in factors]
            drawn = drawn + along_axes(roots, xp.reshape(white, (-1, *shape)))
        return self.solve(drawn)

    def log_likelihood_gradient(self) -> Any:
        xp = self.xp
        own = self.sensitivities(xp.astype(self.weights, xp.float64, copy=False))
        squares = float(xp.sum(self.weights * self.weights, dtype=xp.float64))
        if self.exact:
            sampled, by_noise = self.traces()
        else:
            W = self._sampled
            count = W.shape[0]
            sampled = [[H / count for H in term] for term in self.sensitivities(W)]
            by_noise = float(xp.sum(W * W)) / count
            by_noise *= self.noise if isinstance(self.noise, float) else 0.0
            self._told["samples"] = count
        made = []
        for t, term in enumerate(self.terms):
            for j, kernel in enumerate(term):
                H = (own[t][j] - self.outputs * sampled[t][j]) / 2
                changes = kernel.theta_gradients(nodes(self.grid, j)) if len(kernel.theta) else ()
                made += [float(xp.sum(change * H)) for change in changes]
        learns = isinstance(self.noise, float)
        made.append((squares * self.noise - self.outputs * by_noise) / 2 if learns else 0.0)
        return np.asarray(made)

    def sensitivities(self, W: Any) -> list[list[Any]]:
        """Return ``H`` of every product and axis with ``Σ wᵀ ∂S w = Σ H ∘ ∂K``."""
        xp = self.xp
        made = []
        for factors in self.factors:
            # wᵀ (∂K ⊗ K') w with K' = R' R': roots of the other axes, then products along this one
            halves = [root_of(f, xp) for f in factors]
            row = []
            for j in range(len(factors)):
                left = W
                if len(factors) > 1:
                    one = xp.eye(W.shape[j + 1], dtype=W.dtype, device=W.device)
                    left = along_axes([one if i == j else h for i, h in enumerate(halves)], W)
                left = xp.reshape(xp.moveaxis(left, j + 1, 0), (W.shape[j + 1], -1))
                row.append(xp.matmul(left, xp.matrix_transpose(left)))
            made.append(row)
        return made

    def variance_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return how much the values reduce the variance at the tensor grid of new points.

        Notes
        -----
        Exact where there are closed forms, and by a system for every point up to 256 points.
        Beyond that the closed form of the preconditioner is corrected by an estimate from up to 256
        random vectors, whose standard error the report has as ``"variance error"``: the largest at
        any of the points, a variance like the result.
        """
        xp = self.xp
        crosses = [[xp.astype(C, xp.float64, copy=False) for C in term] for term in crosses]
        shape = tuple(int(C.shape[0]) for C in crosses[0])
        if self.exact:
            return xp.reshape(self.closed_reduction(crosses), shape)
        if math.prod(shape) <= few_points:
            return xp.reshape(self._by_systems(crosses, shape), shape)
        known = self.closed_reduction(crosses)
        total = squares = xp.zeros_like(known)
        count, error = 0, math.inf
        for block in self.corrections(crosses, _most_probes):
            total = total + xp.sum(block, axis=1)
            squares = squares + xp.sum(block * block, axis=1)
            count += block.shape[1]
            mean = total / count
            largest = float(xp.max(squares / count - mean * mean))
            error = math.sqrt(max(largest, 0.0) / (count - 1))
            if error <= _wanted * float(xp.max(known)):
                break
        self._told["variance error"] = error
        self._told["variance probes"] = count
        return xp.reshape(known + total / count, shape)

    def _by_systems(self, crosses: Sequence[Sequence[Any]], shape: tuple[int, ...]) -> Any:
        xp, device = self.xp, self.grid.device
        points = math.prod(shape)
        step = max(1, _together // self.grid.size)
        made = []
        for start in range(0, points, step):
            places = np.unravel_index(np.arange(start, min(start + step, points)), shape)
            here = [xp.asarray(place, device=device) for place in places]
            rows: Any = 0.0
            for term in crosses:
                chosen = zip(term, here, strict=True)
                rows = rows + rowwise_products([xp.take(C, p, axis=0) for C, p in chosen])
            products = xp.reshape(rows * self.solve(rows), (rows.shape[0], -1))
            made.append(xp.sum(products, axis=1))
        return xp.concat(made)


def root_of(f: Factor, xp: ModuleType) -> Any:
    """Return the symmetric root of the covariance matrix of an axis."""
    scaled = f.vectors * (xp.sqrt(f.eigenvalues) * math.sqrt(f.largest))
    return xp.matmul(scaled, xp.matrix_transpose(f.vectors))


def units_of(B: Any) -> Any:
    """Return the largest modulus of every right-hand side, 1 for zero: (count, 1, …, 1)."""
    xp = namespace(B)
    units = xp.max(xp.abs(B), axis=tuple(range(1, B.ndim)), keepdims=True)
    return xp.where(units > 0, units, xp.ones_like(units))
