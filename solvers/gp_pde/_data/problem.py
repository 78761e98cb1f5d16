"""What is known about the solution of a boundary value problem, checked and in one place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import inexact, number_or_array, require_finite
from structlin.bases.grid import Grid
from structlin.solvers.gp_pde._data.blocks import Block
from structlin.solvers.gp_pde._data.boundary import Side, gaps, joined_sides, largest, read_boundary
from structlin.solvers.gp_pde._data.terms import Term, separated
from structlin.solvers.gp_pde._features import Features

# standard deviations of exact data, relative to their size, in double and single precision;
# chosen by trial: below it, rounding errors of the data are fitted
numerical_noise = {64: 1e-10, 32: 1e-5}
# data smaller than this part of what the prior expects are small by cancellation
least_part = 1.0


@dataclass(frozen=True, eq=False)
class Problem:
    """A linear equation on a grid, with boundary data and observations.

    Attributes
    ----------
    grid : Grid
    terms : tuple of Term
        The operator.
    rhs : array of the grid's shape
        The source; zero where it is unknown.
    known : array of bool or None
        Where the source is known; None: everywhere.
    sides : tuple of Side
        Dirichlet and Neumann data.
    periodic : tuple of int
        The axes whose ends are one point.
    observations : tuple of array or None
        Points (N, d), values (N,) and their standard deviations.
    noise : float, array or None
        The standard deviation of the source's noise; None: the source is exact.
    """

    grid: Grid
    terms: tuple[Term, ...]
    rhs: Any
    known: Any = None
    sides: tuple[Side, ...] = ()
    periodic: tuple[int, ...] = ()
    observations: tuple[Any, Any, Any] | None = None
    noise: Any = None

    @classmethod
    def of(
        cls,
        grid: Any,
        terms: Any,
        rhs: Any,
        boundary: Any = None,
        *,
        observations: Any = None,
        noise: Any = None,
        missing: str | None = None,
    ) -> Problem:
        """Check what the user passed, and return the problem."""
        grid = Grid.of(grid)
        xp = grid.xp
        if missing not in (None, "nan"):
            raise ValueError(f"missing is {missing!r}: pass None, or 'nan' where NaN means missing")
        operator = separated(grid, terms)
        source = _real(grid.evaluate(rhs, "rhs"), "rhs")
        source = xp.astype(source, grid.dtype, copy=False)
        source, known = gaps("rhs", source, missing)
        if known is not None and not bool(xp.any(known)):
            raise ValueError("rhs is missing at every node: there is no equation")
        sides, periodic = read_boundary(grid, boundary, missing)
        return cls(
            grid,
            operator,
            source,
            known,
            sides,
            periodic,
            _observed(grid, observations),
            _noise(grid, noise),
        )

    @property
    def exact(self) -> float:
        """The relative standard deviation of data that are exact.

        Beside a noisy source it is a thousandth of the noise: less would gain nothing, and make
        equations that differ more.
        """
        xp = self.grid.xp
        least = numerical_noise[xp.finfo(self.grid.dtype).bits]
        top = largest(self.rhs)
        if self.noise is None or top == 0:
            return least
        noise = self.noise if isinstance(self.noise, float) else float(xp.min(self.noise))
        return min(max(least, 1e-3 * noise / top), 1e-4)

    def scale(self) -> float:
        """Return a number that the solution is proportional to: twice the data, twice the number.

        It is the larger of the boundary data and of the source over the size of the operator on
        waves of half the Nyquist frequency; 1 where all data vanish.
        """
        xp = self.grid.xp
        found = [largest(side.values) for side in self.sides]
        if self.observations is not None:
            found.append(largest(self.observations[1]))
        top = max(found, default=0.0)
        size = 0.0
        for term in self.terms:
            gain = 1.0
            for axis, (order, factor) in enumerate(zip(term.orders, term.factors, strict=True)):
                low, high = self.grid.sides[axis]
                wave = 0.5 * math.pi * (self.grid.shape[axis] - 1) / (high - low or 1.0)
                gain *= wave**order * (1.0 if factor is None else float(xp.max(xp.abs(factor))))
            size += gain
        top = max(top, largest(self.rhs) / (size or 1.0))
        if 0 < top < float(np.finfo(np.float64).tiny):
            raise ValueError(f"the data make a solution of about {top:.1g}: multiply them")
        return top if top > 0 else 1.0

    def scaled(self, factor: float) -> Problem:
        """Return the problem whose solution is this one's times a factor."""
        observations = self.observations
        if observations is not None:
            points, values, sds = observations
            observations = (points, values * factor, sds * factor)
        return dataclasses.replace(
            self,
            rhs=self.rhs * factor,
            sides=tuple(side.scaled(factor) for side in self.sides),
            observations=observations,
            noise=None if self.noise is None else self.noise * factor,
        )

    def orders(self, axis: int) -> tuple[int, ...]:
        """Return the derivatives along an axis on which there are data."""
        found = {0} | {term.orders[axis] for term in self.terms}
        found |= {side.order for side in self.sides if side.axis == axis}
        if axis in self.periodic:
            found |= set(range(self._highest(axis)))
        return tuple(sorted(found))

    def nodes(self, axis: int) -> Any:
        """Return all points of an axis at which there are data."""
        if self.observations is None:
            return self.grid.axes[axis]
        return self.grid.xp.concat([self.grid.axes[axis], self.observations[0][:, axis]])

    def compressed(self, features: Sequence[Features], tol: float) -> tuple[Features, ...]:
        """Return fewer features that span the same on all points with data."""
        return tuple(
            f.compressed(self.nodes(axis), self.orders(axis), tol)
            for axis, f in enumerate(features)
        )

    def blocks(self, features: Sequence[Features]) -> list[Block]:
        """Return the data as blocks of equations for the weights of the features."""
        cache: dict[tuple[int, int], Any] = {}

        def values(axis: int, order: int) -> Any:
            if (axis, order) not in cache:
                cache[axis, order] = features[axis].values(self.grid.axes[axis], order)
            return cache[axis, order]

        parts = tuple(
            tuple(
                values(axis, order) if factor is None else factor[:, None] * values(axis, order)
                for axis, (order, factor) in enumerate(zip(term.orders, term.factors, strict=True))
            )
            for term in self.terms
        )
        made = [self._measured("equation", parts, self.rhs, self.noise, self.known)]
        plain = [values(axis, 0) for axis in range(self.grid.ndim)]
        top = max((largest(side.values) for side in self.sides), default=0.0)
        for side in self.sides:
            row = values(side.axis, side.order)
            row = row[:1, :] if side.side == 0 else row[-1:, :]
            part = (*plain[: side.axis], row, *plain[side.axis + 1 :])
            size = top if side.order == 0 else None
            made.append(self._measured(side.name, (part,), side.values, None, side.known, size))
        for axis in self.periodic:
            for order in range(self._highest(axis)):
                column = values(axis, order)
                part = (*plain[:axis], column[:1, :] - column[-1:, :], *plain[axis + 1 :])
                shape = tuple(1 if k == axis else n for k, n in enumerate(self.grid.shape))
                zeros = self.grid.xp.zeros(shape, dtype=self.grid.dtype, device=self.grid.device)
                made.append(self._measured(f"period of axis {axis}", (part,), zeros, None, None))
        if self.observations is not None:
            points, seen, sds = self.observations
            part = tuple(f.values(points[:, axis]) for axis, f in enumerate(features))
            made.append(Block("observations", (part,), seen, sds, scattered=True))
        return made

    def _measured(
        self, name: str, parts: Any, values: Any, noise: Any, known: Any, size: float | None = None
    ) -> Block:
        """Return a block with the standard deviation of exact data, or the one given."""
        block = Block(name, parts, values, 1.0, known)
        if noise is None:
            top = largest(values) if size is None else size
            reference = max(top, least_part * block.norm())
            noise = self.exact * (reference if reference > 0 else 1.0)
        return dataclasses.replace(block, sd=noise)

    def _highest(self, axis: int) -> int:
        return max(max(term.orders[axis] for term in self.terms), 1)

    def mismatch(self) -> float:
        """Return the largest difference of data of two sides where they meet, relative to them."""
        return joined_sides(self.sides)


def _real(values: Any, name: str) -> Any:
    if namespace(values).isdtype(values.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: solve for its real and imaginary part in turn")
    return values


def _noise(grid: Grid, noise: Any) -> Any:
    if noise is None:
        return None
    if isinstance(noise, int | float) or getattr(noise, "shape", None) == ():
        if not (math.isfinite(noise) and noise > 0):
            raise ValueError(f"noise is {noise}: pass a standard deviation > 0, or None")
        return float(noise)
    sds = _real(grid.evaluate(noise, "noise"), "noise")
    sds = grid.xp.astype(sds, grid.dtype, copy=False)
    require_finite("noise", sds)
    if not bool(grid.xp.all(sds > 0)):
        raise ValueError("noise has entries that are not > 0: pass standard deviations")
    return sds


def _observed(grid: Grid, observations: Any) -> tuple[Any, Any, Any] | None:
    if observations is None:
        return None
    if not isinstance(observations, tuple | list) or len(observations) != 3:
        raise ValueError("observations is not (points, values, sd): pass these three")
    points, values, sd = observations
    for name, given in (("points", points), ("values", values)):
        number_or_array(f"the {name} of observations", given, "an array")
    xp = namespace(points, values, *grid.axes)
    points = _real(inexact(points, xp), "the points of observations")
    values = _real(inexact(values, xp), "the values of observations")
    if points.ndim == 1 and grid.ndim == 1:
        points = points[:, None]
    count = points.shape[0]
    if count == 0 or tuple(points.shape) != (count, grid.ndim) or tuple(values.shape) != (count,):
        raise ValueError(
            f"observations have points {tuple(points.shape)} and values {tuple(values.shape)}: "
            f"a grid of {grid.ndim} axes takes (N, {grid.ndim}) points and (N,) values, N > 0"
        )
    require_finite("the points of observations", points)
    require_finite("the values of observations", values)
    for axis, (low, high) in enumerate(grid.sides):
        slack = 1e-6 * max(high - low, abs(low), abs(high))
        outside = (points[:, axis] < low - slack) | (points[:, axis] > high + slack)
        if bool(xp.any(outside)):
            first = int(xp.argmax(xp.astype(outside, xp.int8)))
            raise ValueError(
                f"the point {first} of observations is at {float(points[first, axis]):g} on axis "
                f"{axis}, outside of the grid's [{low:g}, {high:g}]"
            )
    sd = number_or_array("the standard deviation of observations", sd, "a number or an array")
    if not isinstance(sd, int | float) and tuple(sd.shape) not in ((), (count,)):
        raise ValueError(
            f"the standard deviations of observations have shape {tuple(sd.shape)}: pass a number "
            f"or ({count},)"
        )
    sds = xp.zeros_like(values) + sd
    if not bool(xp.all(sds > 0)) or not bool(xp.all(xp.isfinite(sds))):
        raise ValueError("the standard deviations of observations must be finite and > 0")
    kind = grid.dtype
    return xp.astype(points, kind), xp.astype(values, kind), xp.astype(sds, kind)
