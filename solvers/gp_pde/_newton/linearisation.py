"""A semilinear problem at an iterate: its residual, and the linear problem of a Newton step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin.solvers.gp_pde._data.blocks import along, sum_of
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._data.terms import Term, separate
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity

Orders = tuple[int, ...]

# products of functions of one coordinate that stand for a coefficient of the linearised equation,
# and how well; chosen by trial: what is left out slows Newton's method, but moves no solution
most_products, closeness = 6, 1e-6


@dataclass(frozen=True, eq=False)
class Iterate:
    """A function on the grid, with the derivatives an equation asks for.

    Attributes
    ----------
    derivatives : dict from multi-index to array of the grid's shape
    """

    derivatives: dict[Orders, Any]

    def towards(self, other: Iterate, step: float) -> Iterate:
        """Return the function that is a part of the way to another."""
        return Iterate(
            {k: v + step * (other.derivatives[k] - v) for k, v in self.derivatives.items()}
        )


@dataclass(frozen=True, eq=False)
class Semilinear:
    """``Σ c_α ∂^α u + λ N(u, …) = f`` with boundary data.

    Attributes
    ----------
    problem : Problem
        All but the nonlinear term.
    nonlinearity : Nonlinearity
    strength : float
        ``λ``.
    """

    problem: Problem
    nonlinearity: Nonlinearity
    strength: float = 1.0

    @property
    def arguments(self) -> tuple[Orders, ...]:
        """The derivatives the nonlinear term takes."""
        return self.nonlinearity.arguments(self.problem.grid.ndim)

    def iterate(self, features: Sequence[Features], weights: Any) -> Iterate:
        """Return the function with these weights of the features."""
        grid = self.problem.grid
        needed = {term.orders for term in self.problem.terms} | set(self.arguments)
        needed.add((0,) * grid.ndim)
        return Iterate(
            {
                orders: along(
                    [
                        f.values(x, order)
                        for f, x, order in zip(features, grid.axes, orders, strict=True)
                    ],
                    weights,
                )
                for orders in sorted(needed)
            }
        )

    def zero(self) -> Iterate:
        """Return the function that is zero."""
        grid = self.problem.grid
        nothing = grid.xp.zeros(grid.shape, dtype=grid.dtype, device=grid.device)
        needed = {term.orders for term in self.problem.terms} | set(self.arguments)
        return Iterate(dict.fromkeys({*needed, (0,) * grid.ndim}, nothing))

    def nonlinear(self, u: Iterate) -> tuple[Any, list[Any]]:
        """Return ``λN`` and its derivatives at an iterate."""
        arguments = [u.derivatives[k] for k in self.arguments]
        if self.strength == 0:  # N may be infinite
            nothing = 0 * arguments[0]
            return nothing, [nothing for _ in arguments]
        value, slopes = self.nonlinearity.evaluated(*arguments)
        return self.strength * value, [self.strength * slope for slope in slopes]

    def require_start(self) -> None:
        """Raise a ValueError unless the nonlinear term is finite where iterations start."""
        with np.errstate(all="ignore"):
            value, slopes = self.nonlinear(self.zero())
        for name, values in (("N", value), *(("the derivative of N", slope) for slope in slopes)):
            if not math.isfinite(largest(values)):
                raise ValueError(
                    f"{name} is not finite at u = 0, where the iteration starts: write the "
                    "equation for the difference of u from a function where it is"
                )

    def slope_error(self, u: Iterate) -> float:
        """Return how far the derivatives of the nonlinear term are from differences of it."""
        with np.errstate(all="ignore"):
            return self.nonlinearity.slope_error(*(u.derivatives[k] for k in self.arguments))

    def residual(self, u: Iterate) -> tuple[Any, float]:
        """Return ``f − L u − λN(u)``, zero where the source is unknown, and its largest term.

        It is infinite where a derivative of ``N`` is.
        """
        parts = [self._term(term, u) for term in self.problem.terms]
        value, slopes = self.nonlinear(u)
        gap = self.problem.rhs - value - sum_of(parts)
        if not all(math.isfinite(largest(slope)) for slope in slopes):
            gap = gap + math.inf
        if self.problem.known is not None:
            gap = self.problem.grid.xp.where(self.problem.known, gap, 0 * gap)
        size = max(largest(part) for part in (*parts, value, self.problem.rhs))
        return gap, size

    def _term(self, term: Term, u: Iterate) -> Any:
        xp, made = self.problem.grid.xp, u.derivatives[term.orders]
        for axis, factor in enumerate(term.factors):
            if factor is not None:
                shape = tuple(-1 if k == axis else 1 for k in range(made.ndim))
                made = made * xp.reshape(factor, shape)
        return made

    def frozen(self, u: Iterate) -> Problem:
        """Return the linear problem ``L v = f − λN(u)``: its data have the lines of a solution."""
        return dataclasses.replace(self.problem, rhs=self._masked(self.nonlinear(u)[0]))

    def linearised(self, u: Iterate) -> Problem:
        """Return the linear problem of the full Newton step from an iterate.

        ``L v + Σ c_i ∂^(α_i) v = f − λN(u) + Σ c_i ∂^(α_i) u`` where ``c_i`` are the derivatives of
        ``λN``, or what few products of functions of one coordinate make of them: a solution of the
        semilinear problem stays one.
        """
        value, slopes = self.nonlinear(u)
        terms = list(self.problem.terms)
        for orders, slope in zip(self.arguments, slopes, strict=True):
            if largest(slope) == 0:
                continue
            products = _products(slope)
            terms += [Term(orders, factors) for factors in products]
            if len(products[0]) > 1:
                slope = sum_of(_outer(factors) for factors in products)
            value = value - slope * u.derivatives[orders]
        return dataclasses.replace(self.problem, terms=tuple(terms), rhs=self._masked(value))

    def _masked(self, value: Any) -> Any:
        rhs = self.problem.rhs - value
        if self.problem.known is None:
            return rhs
        return self.problem.grid.xp.where(self.problem.known, rhs, 0 * rhs)


def _products(field: Any) -> list[tuple[Any, ...]]:
    """Return few products whose sum is close to a field, the closest there are."""
    tolerance = closeness
    while tolerance < 1.0:
        try:
            return separate(field, tolerance, most_products)
        except ValueError:
            tolerance *= 10
    return separate(field, 0.5, field.size)


def _outer(factors: Sequence[Any]) -> Any:
    made = factors[0]
    for factor in factors[1:]:
        made = made[..., None] * factor
    return made
