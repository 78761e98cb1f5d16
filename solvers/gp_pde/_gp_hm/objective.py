"""The published objective of a Gaussian process with spectral mixtures, and its gradient."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import device, namespace
from structlin.solvers.gp_pde._gp_hm.grid import AxisLags, AxisMatrices
from structlin.solvers.gp_pde._gp_hm.rows import Family
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity

Orders = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Objective:
    """The negative logarithm of the joint density of values, data and equation.

    Parameters
    ----------
    axes : tuple of AxisLags
    family : {"student", "gaussian"}
    coefficients : mapping of multi-index to array of grid shape
        The linear operator.
    source : array of grid shape
    sides : sequence of (axis, side, values)
        Dirichlet data: ``values`` have the shape of the grid without the axis.
    boundary_weight : float
        Multiplies the whole boundary term.
    nonlinearity : Nonlinearity or None

    Notes
    -----
    Over the values ``U`` on the grid of ``M`` nodes, the logarithms of the precisions ``τ, v`` and
    the kernels' parameters, with ``P_j`` the Gram matrices and ``λ`` the weight::

        L = −½ log det(⊗ P_j) − ½ ⟨U, (⊗ P_j)⁻¹ U⟩
            + λ (½ N_b log τ − ½ τ ‖U_b − g‖²) + ½ M log v − ½ v ‖R‖²,
        R = Σ_α c_α ∂^α U + N(U) − f,   ∂^α U = (⊗_j K_j^(α_j) P_j⁻¹) U.

    The factors of the order zero of ``∂^α`` are identities. Corners belong to every side that
    holds them.
    """

    axes: tuple[AxisLags, ...]
    family: Family
    coefficients: dict[Orders, Any]
    source: Any
    sides: Sequence[tuple[int, int, Any]]
    boundary_weight: float
    nonlinearity: Nonlinearity | None

    @property
    def orders(self) -> tuple[Orders, ...]:
        """The multi-indices of all derivatives that are needed."""
        extra: tuple[Orders, ...] = ()
        if self.nonlinearity is not None:
            extra = self.nonlinearity.arguments(len(self.axes))
        return tuple(dict.fromkeys((*self.coefficients, *extra)))

    def matrices(self, parameters: Sequence[Any]) -> list[AxisMatrices]:
        """Return the matrices of every axis at the parameters `gradient` takes."""
        tops = [max(orders[axis] for orders in self.orders) for axis in range(len(self.axes))]
        return [
            AxisMatrices(lags, parameters[3 + 3 * k : 6 + 3 * k], self.family, top)
            for k, (lags, top) in enumerate(zip(self.axes, tops, strict=True))
        ]

    def gradient(self, parameters: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Return ``−L`` and its gradient.

        Parameters
        ----------
        parameters : sequence of array
            ``U``, ``log τ``, ``log v``, and three vectors for every axis.
        """
        U, log_tau, log_v = parameters[:3]
        xp, axes = namespace(U), self.matrices(parameters)
        tau, v, size = xp.exp(log_tau), xp.exp(log_v), U.size

        # the prior
        weights = functools.reduce(lambda X, k: along(axes[k].inverse, X, k), range(len(axes)), U)
        value = 0.5 * xp.sum(U * weights)
        by_values = weights
        by_gram = []
        for k, axis in enumerate(axes):
            copies = size // U.shape[k]
            value = value + 0.5 * copies * axis.log_determinant
            half = along(axis.inverse, U, k)
            by_gram.append(0.5 * copies * axis.inverse - 0.5 * paired(weights, half, k))

        # the boundary
        by_tau = xp.zeros_like(log_tau)
        weight = self.boundary_weight
        for k, side, given in self.sides:
            place = [slice(None)] * U.ndim
            place[k] = slice(0, 1) if side == 0 else slice(U.shape[k] - 1, U.shape[k])
            gap = U[tuple(place)] - given
            misfit = xp.sum(gap * gap)
            value = value + weight * 0.5 * (tau * misfit - gap.size * log_tau)
            by_tau = by_tau + weight * 0.5 * (tau * misfit - gap.size)
            part = xp.zeros_like(U)
            part[tuple(place)] = weight * tau * gap
            by_values = by_values + part

        # the equation
        found = {orders: self._derivative(axes, orders, U) for orders in self.orders}
        residual = -self.source
        factors: dict[Orders, Any] = {}
        for orders, c in self.coefficients.items():
            residual = residual + c * found[orders]
            factors[orders] = c
        if self.nonlinearity is not None:
            extra = self.nonlinearity.arguments(len(self.axes))
            term, slopes = self.nonlinearity.evaluated(*(found[orders] for orders in extra))
            residual = residual + term
            for orders, slope in zip(extra, slopes, strict=True):
                factors[orders] = factors[orders] + slope if orders in factors else slope
        misfit = xp.sum(residual * residual)
        value = value + 0.5 * (v * misfit - size * log_v)
        by_v = 0.5 * (v * misfit - size)
        by_derivatives: list[dict[int, Any]] = [{} for _ in axes]
        for orders, factor in factors.items():
            back = v * factor * residual
            for k, order in enumerate(orders):
                if not order:
                    continue
                others = tuple(0 if j == k else a for j, a in enumerate(orders))
                G = paired(back, self._derivative(axes, others, U), k)
                held = by_derivatives[k]
                held[order] = held[order] + G if order in held else G
            by_values = by_values + self._derivative(axes, orders, back, adjoint=True)

        by_kernels = [
            part
            for axis, G, H in zip(axes, by_gram, by_derivatives, strict=True)
            for part in axis.gradient(G, H)
        ]
        return value, [by_values, by_tau, by_v, *by_kernels]

    def residual_norm(self, parameters: Sequence[Any]) -> Any:
        """Return the root mean square of ``R``."""
        axes, U = self.matrices(parameters), parameters[0]
        found = {orders: self._derivative(axes, orders, U) for orders in self.orders}
        residual = -self.source
        for orders, c in self.coefficients.items():
            residual = residual + c * found[orders]
        if self.nonlinearity is not None:
            extra = self.nonlinearity.arguments(len(self.axes))
            residual = residual + self.nonlinearity.evaluated(*(found[k] for k in extra))[0]
        return namespace(U).sqrt(namespace(U).mean(residual * residual))

    @staticmethod
    def _derivative(
        axes: Sequence[AxisMatrices], orders: Orders, X: Any, adjoint: bool = False
    ) -> Any:
        for k, order in enumerate(orders):
            if order:
                D = axes[k].derivatives[order]
                X = along(D.T if adjoint else D, X, k)
        return X


def along(A: Any, X: Any, axis: int) -> Any:
    """Return the product of a matrix with one axis of an array."""
    xp = namespace(A)
    return xp.moveaxis(xp.tensordot(A, X, axes=((1,), (axis,))), 0, axis)


def paired(X: Any, Y: Any, axis: int) -> Any:
    """Return the (n, n) sums of ``X[…, i, …] Y[…, j, …]`` over all other axes."""
    xp, n = namespace(X), X.shape[axis]
    rows = [xp.reshape(xp.moveaxis(Z, axis, 0), (n, -1)) for Z in (X, Y)]
    return rows[0] @ rows[1].T


def started(U: Any, axes: int, frequencies: Sequence[float], count: int) -> list[Any]:
    """Return the published initial parameters: zeros, weights of ``1/Q``, even frequencies."""
    xp, where, dtype = namespace(U), device(U), U.dtype

    def zeros(*shape: int) -> Any:
        return xp.zeros(shape, dtype=dtype, device=where)

    parameters = [zeros(*U.shape), zeros(), zeros()]
    for k in range(axes):
        level = xp.full((count,), 1.0 / count, dtype=dtype, device=where)
        steps = xp.arange(count, dtype=dtype, device=where) / max(count - 1, 1)
        parameters += [xp.log(level), zeros(count), frequencies[k] * steps]
    return parameters
