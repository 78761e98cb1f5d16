"""Conditioning on values at every point of a grid, with noise of one variance: exact."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.covariance import Covariance
from structlin.solvers.gp._conditioning import (
    Conditioning,
    Report,
    Term,
    along_axes,
    rowwise_products,
)
from structlin.solvers.gp._factors import Factor, Known, factor, nodes
from structlin.solvers.gp._likelihood import Spectrum
from structlin.solvers.gp._rotation import from_eigenvectors, into_eigenvectors

_eps = float(np.finfo(np.float64).eps)


class Complete(Conditioning):
    """A Gaussian process of one product of kernels given all values on a grid.

    Parameters
    ----------
    grid : Grid
    term : sequence of Covariance
        The covariance function of every axis.
    values : (outputs, n_1, …, n_d) array
        The values less the prior mean.
    noise : float
        Variance of the noise.
    known : mapping, optional
        Eigendecompositions of axes, by product and axis.

    Raises
    ------
    ValueError
        If a covariance matrix is indefinite, or singular to rounding while the noise is below
        rounding too: the message names the axis.

    Notes
    -----
    With ``Kⱼ = Qⱼ Λⱼ Qⱼᵀ``, the matrix ``S = ⊗ⱼ Kⱼ + noise I`` has the eigenvectors ``⊗ⱼ Qⱼ`` and
    the eigenvalues ``D = ⊗ⱼ Λⱼ + noise``. That is ``Σ n_j³`` operations once, ``2 N Σ n_j`` for
    each transformation between the grid and the eigenvectors, and ``N`` for the rest. Likelihood
    and mean need one transformation each; it is half the work along even nodes.

    Eigenvalues are in units of the largest of their axis, so that neither the scale of the kernels
    nor that of the values matters.
    """

    def __init__(
        self, grid: Grid, term: Term, values: Any, noise: float, *, known: Known | None = None
    ) -> None:
        super().__init__(grid, (term,), values, noise)
        known = {} if known is None else known
        self.factors: list[Factor] = [
            known.get((0, j)) or factor(k, grid, j) for j, k in enumerate(term)
        ]
        self.scale = math.prod(f.largest for f in self.factors)
        self.spectrum = Spectrum([f.eigenvalues for f in self.factors], noise / self.scale)
        self._require_regular()

    def _require_regular(self) -> None:
        # rounding errors of the mean grow like eps²/noise: here half of the digits are gone
        least = float(self.xp.finfo(self.values.dtype).eps) ** 1.5
        if self.spectrum.noise >= least:
            return
        for axis, f in enumerate(self.factors):
            if f.least <= _eps * f.eigenvalues.shape[0]:
                raise ValueError(
                    f"the covariance matrix of axis {axis} is singular to rounding (its least "
                    f"eigenvalue is {f.least:.1e} of the largest), and a noise of {self.noise:g} "
                    f"does not change that: pass noise of {least * self.scale:.1e} or more, or a "
                    "rougher kernel"
                )

    @property
    def known(self) -> Known:
        return {(0, j): f for j, f in enumerate(self.factors)}

    @property
    def report(self) -> Report:
        return Report("eigendecompositions", clipped=tuple(f.clipped for f in self.factors))

    @property
    def coefficients(self) -> Any:
        """``scale · (⊗ⱼ Qⱼᵀ) S⁻¹ values``, the weights among the eigenvectors."""
        return self._divided[0]

    @functools.cached_property
    def _divided(self) -> tuple[Any, float, float, float]:
        """The coefficients, ``Σ T²/D`` in units of the square of an amplitude, ``Σ log D``, it."""
        T = into_eigenvectors(self.factors, self.values)
        C, squares, logarithms = self.spectrum.divided(T)
        amplitude = 1.0
        if not 1e-200 < squares < 1e200:  # squares of large or small values leave the range
            xp = self.xp
            largest = max(float(xp.max(self.values)), -float(xp.min(self.values)))
            amplitude = 2.0 ** math.frexp(largest)[1] if largest else 1.0
            T = into_eigenvectors(self.factors, self.values / amplitude)
            squares = self.spectrum.divided(T)[1]
        return C, squares, logarithms, amplitude

    @functools.cached_property
    def weights(self) -> Any:
        return from_eigenvectors(self.factors, self.coefficients) / self.scale

    def solve(self, B: Any) -> Any:
        C = self.spectrum.divided(into_eigenvectors(self.factors, B))[0]
        return from_eigenvectors(self.factors, C, owned=True) / self.scale

    @property
    def log_determinant(self) -> float:
        return self._divided[2] + self.grid.size * math.log(self.scale)

    def quadratic_form(self) -> float:
        _, squares, _, amplitude = self._divided
        return squares * amplitude / self.scale * amplitude

    def log_likelihood_gradient(self) -> Any:
        traces, by_noise = self.spectrum.traces()
        amplitude = self._divided[3]
        unit = amplitude / self.scale * amplitude
        made: list[float] = []
        for axis, (kernel, f) in enumerate(zip(self.terms[0], self.factors, strict=True)):
            if len(kernel.theta):
                G = unit * self.spectrum.gram(self.coefficients, axis, amplitude)
                made += self._along(kernel, axis, f, G, traces[axis])
        squares = unit * self.spectrum.squares(self.coefficients, amplitude)
        made.append((squares - self.outputs * by_noise) * self.spectrum.noise / 2)
        return np.asarray(made)

    def _along(self, kernel: Covariance, axis: int, f: Factor, G: Any, trace: Any) -> list[float]:
        """Return the derivatives ``½ Σ ∂K ∘ Q (G − outputs · diag(trace)) Qᵀ``."""
        xp, Q = self.xp, f.vectors
        transposed = xp.matrix_transpose(Q)
        sensitivity = xp.matmul(Q, xp.matmul(G, transposed))
        sensitivity = sensitivity - self.outputs * xp.matmul(Q * trace, transposed)
        sensitivity = sensitivity / (2 * f.largest)
        changes = kernel.theta_gradients(nodes(self.grid, axis))
        return [float(xp.sum(change * sensitivity)) for change in changes]

    def applied(self, crosses: Sequence[Sequence[Any]], weights: Any = None) -> Any:
        if weights is not None:
            return super().applied(crosses, weights)
        return along_axes(self._rotated(crosses[0]), self.coefficients)

    def fitted(self) -> Any:
        scaled = [replace(f, vectors=f.vectors * f.eigenvalues) for f in self.factors]
        return from_eigenvectors(scaled, self.coefficients)

    def variance_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        rotated = self._rotated(crosses[0])
        squares = [R * (R * f.largest) for R, f in zip(rotated, self.factors, strict=True)]
        return along_axes(squares, self._inverse)[0, ...]

    def covariance_reduction(self, rows: Sequence[Sequence[Any]]) -> Any:
        xp = self.xp
        rotated = rowwise_products(self._rotated(rows[0]))
        flat = (rotated.shape[0], -1)
        divided = self.spectrum.divided(xp.asarray(rotated, copy=True))[0]
        divided = xp.matrix_transpose(xp.reshape(divided, flat))
        product = xp.matmul(xp.reshape(rotated, flat), divided)
        return product * self.scale

    def inverse_diagonal(self) -> Any:
        squares = [f.vectors**2 for f in self.factors]
        return along_axes(squares, self._inverse)[0, ...] / self.scale

    def _rotated(self, crosses: Sequence[Any]) -> list[Any]:
        """Return ``crosses Q``, in units of the largest eigenvalue of every axis."""
        xp = self.xp
        return [
            xp.matmul(xp.astype(cross, xp.float64, copy=False), f.vectors) / f.largest
            for cross, f in zip(crosses, self.factors, strict=True)
        ]

    @functools.cached_property
    def _inverse(self) -> Any:
        return self.spectrum.inverse(self.values.dtype)
