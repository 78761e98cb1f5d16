"""Products over the coordinates of one plus a kernel of mean zero."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from structlin._backend import device, namespace
from structlin.solvers.lattice._coordinates import require_points

# how far the logarithms of weights may go from zero
_widest = math.log(1e12)


@dataclass(frozen=True)
class ProductKernel(ABC):
    """``k(x, y) = scale Π_j (1 + weights_j ω(x_j, y_j))``, where the integral of ``ω`` is zero.

    Attributes
    ----------
    alpha : int
        The smoothness: the order of ``ω``.
    weights : tuple of float
        How much functions vary along every coordinate, above zero; one number serves all
        coordinates. They play the part of inverse length scales.
    scale : float
        The variance of the integrals of functions over the cube, above zero.
    """

    alpha: int = 2
    weights: Any = 1.0
    scale: float = 1.0

    orders: ClassVar[tuple[int, ...]] = ()
    """The smoothness that there are formulas for."""

    def __post_init__(self) -> None:
        whole = isinstance(self.alpha, int | np.integer) and not isinstance(self.alpha, bool)
        if not whole or self.alpha not in self.orders:
            raise ValueError(f"alpha is {self.alpha!r}: {type(self).__name__} has {self.orders}")
        given = np.asarray(self.weights)
        if given.ndim > 1 or given.dtype.kind not in "iuf":
            raise TypeError(
                f"weights is {self.weights!r}: pass a number, or one for every coordinate"
            )
        weights = tuple(map(float, np.atleast_1d(given)))
        if not weights:
            raise ValueError("weights is empty: pass a number, or one for every coordinate")
        object.__setattr__(self, "alpha", int(self.alpha))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "scale", float(self.scale))
        for name, value in zip(self.names, (*weights, self.scale), strict=True):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value:g}: it must be finite and above zero")

    # parameters

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of `theta`."""
        return (*(f"weights[{j}]" for j in range(len(self.weights))), "scale")

    @property
    def theta(self) -> Any:
        """The logarithms of the weights, then that of the scale, as (p,) ndarray."""
        return np.log([*self.weights, self.scale])

    @property
    def theta_bounds(self) -> Any:
        """Between which numbers `theta` lies, as (p, 2) ndarray."""
        bounds = np.tile([-_widest, _widest], (len(self.weights) + 1, 1))
        bounds[-1] = [-700.0, 700.0]  # that of the values' squares: any that float64 holds
        return bounds

    def with_theta(self, theta: Any) -> Self:
        """Return the same kernel with other parameters."""
        *weights, scale = np.exp(np.asarray(theta, dtype=np.float64)).tolist()
        return replace(self, weights=tuple(weights), scale=scale)

    def weights_of(self, dimension: int) -> tuple[float, ...]:
        """Return a weight for every coordinate.

        Raises
        ------
        ValueError
            If there is neither one for every coordinate nor one for all.
        """
        weights: tuple[float, ...] = self.weights
        if len(weights) not in (1, dimension):
            raise ValueError(
                f"there are {len(weights)} weights but {dimension} coordinates: pass one for each, "
                "or a single number"
            )
        return weights * dimension if len(weights) == 1 else weights

    # values

    @abstractmethod
    def _omega(self, differences: Any) -> Any:
        """Return ``ω`` of differences, in float64."""

    @abstractmethod
    def _differences(self, x: Any, y: Any) -> Any:
        """Return the differences of coordinates, which broadcast."""

    @abstractmethod
    def peak(self) -> float:
        """Return ``ω(x, x)``."""

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Return the covariances between points ``x`` and points ``y``, by default ``x`` again.

        Parameters
        ----------
        x : (n, d) array
        y : (m, d) array, optional

        Returns
        -------
        (n, m) array
            In float64.

        Raises
        ------
        ValueError
            If the shapes do not fit, or coordinates are NaN, Inf or outside of ``[0, 1)``.
        """
        y = x if y is None else y
        namespace(x, y)
        require_points("y", y, require_points("x", x))
        return self.scale * (1.0 + self.excess(x, y))

    def variance(self, dimension: int) -> float:
        """Return ``k(x, x)``, which is the same everywhere."""
        return self.scale * (1.0 + self.peak_excess(dimension))

    def peak_excess(self, dimension: int) -> float:
        """Return ``k(x, x) / scale − 1``."""
        product = 0.0
        for weight in self.weights_of(dimension):
            factor = weight * self.peak()
            product += factor + product * factor
        return product

    def log_largest_weight(self, dimension: int) -> float:
        """Return the logarithm of the largest weight for which squares do not overflow."""
        return math.log(math.expm1(min(300.0 / dimension, 100.0)) / self.peak())

    def excess(self, x: Any, y: Any) -> Any:
        """Return ``k(x, y) / scale − 1`` for (n, d) and (m, d) points, as (n, m) array.

        The one is left out, not subtracted: small differences keep their digits.
        """
        columns = ((x[:, j][:, None], y[:, j][None, :]) for j in range(x.shape[1]))
        return self._combined((self._differences(*pair) for pair in columns), x.shape[1])

    def column(self, points: Any, like: Any) -> Any:
        """Return `excess` for the points of a set and the first of them, as (n, 1) array."""
        xp, where = namespace(like), device(like)
        differences = (points.differences(j, xp, where) for j in range(points.dimension))
        return points.completed(self._combined(differences, points.dimension)[:, None], xp)

    def _combined(self, differences: Iterable[Any], dimension: int) -> Any:
        """Return ``Π_j (1 + weights_j ω_j) − 1``."""
        product: Any = None
        for weight, difference in zip(self.weights_of(dimension), differences, strict=True):
            factor = self._omega(difference)
            factor *= weight
            if product is None:
                product = factor
            else:  # (1 + p) (1 + f) − 1
                product += factor + product * factor
        return product

    def gradients(self, points: Any, like: Any) -> Any:
        """Return the derivatives of ``k(x, x_0)`` by the logarithms of the weights, (n, p − 1)."""
        xp, where = namespace(like), device(like)
        weights = self.weights_of(points.dimension)
        parts = [
            weight * self._omega(points.differences(j, xp, where))
            for j, weight in enumerate(weights)
        ]
        after: list[Any] = [self.scale]  # products of all later factors; a factor may be zero
        for part in parts[:0:-1]:
            after.append(after[-1] * (1.0 + part))
        columns, before = [], xp.ones_like(parts[0])
        for part, later in zip(parts, reversed(after), strict=True):
            columns.append(part * before * later)
            before = before * (1.0 + part)
        if len(self.weights) == 1:
            columns = [sum(columns[1:], start=columns[0])]
        return points.completed(xp.stack(columns, axis=1), xp)
