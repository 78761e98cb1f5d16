"""Pointwise nonlinear terms of an equation, with their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace


@dataclass(frozen=True, eq=False)
class Nonlinearity:
    """A term ``N(u, ∂^α u, …)`` of an equation that acts at every point by itself.

    Parameters
    ----------
    value : callable
        Takes one array for every multi-index in `orders`, all of one shape, and returns ``N``.
    derivatives : callable or sequence of callable
        ``∂N/∂(argument)`` of the same arguments, in the order of `orders`.
    orders : sequence of multi-index, optional
        Which derivatives of ``u`` are the arguments: ``[(0,), (1,)]`` are ``u`` and ``u_x`` in one
        dimension. By default ``u`` alone.

    Raises
    ------
    ValueError
        If there is not one derivative for every argument.

    Examples
    --------
    >>> allen_cahn = Nonlinearity(lambda u: u * (u * u - 1), lambda u: 3 * u * u - 1)
    >>> burgers = Nonlinearity(
    ...     lambda u, slope: u * slope, [lambda u, slope: slope, lambda u, slope: u], [(0,), (1,)]
    ... )
    >>> burgers.orders
    ((0,), (1,))
    """

    value: Callable[..., Any]
    derivatives: Any
    orders: Any = None

    def __post_init__(self) -> None:
        parts = (self.derivatives,) if callable(self.derivatives) else tuple(self.derivatives)
        orders = None if self.orders is None else tuple(tuple(k) for k in self.orders)
        wanted = 1 if orders is None else len(orders)
        if len(parts) != wanted or not callable(self.value) or not all(map(callable, parts)):
            raise ValueError(
                f"a nonlinearity of {wanted} arguments needs a callable value and {wanted} "
                f"callable derivatives, got {len(parts)}: give one for every entry of orders"
            )
        object.__setattr__(self, "derivatives", parts)
        object.__setattr__(self, "orders", orders)

    @classmethod
    def of(cls, nonlinearity: Any) -> Nonlinearity:
        """Return a `Nonlinearity` as it is, and make one of a pair ``(value, derivative)``."""
        if isinstance(nonlinearity, cls):
            return nonlinearity
        if isinstance(nonlinearity, tuple | list) and len(nonlinearity) == 2:
            return cls(*nonlinearity)
        raise TypeError(
            f"nonlinearity is a {type(nonlinearity).__name__}: pass a pair (N, dN/du) of callables "
            "or a Nonlinearity"
        )

    def arguments(self, ndim: int) -> tuple[tuple[int, ...], ...]:
        """Return the multi-indices of the arguments in ``ndim`` dimensions.

        Raises
        ------
        ValueError
            If a multi-index has not one order of 0 or more for every axis.
        """
        if self.orders is None:
            return ((0,) * ndim,)
        for orders in self.orders:
            if len(orders) != ndim or min(orders) < 0:
                raise ValueError(
                    f"the nonlinearity has the order {orders} but the grid {ndim} axes: give one "
                    "order of 0 or more per axis"
                )
        return tuple(self.orders)

    def evaluated(self, *arguments: Any) -> tuple[Any, list[Any]]:
        """Return ``N`` and its derivatives at the arguments, each of their shape and precision.

        Raises
        ------
        TypeError
            If a callable returns something else than a real array or number.
        ValueError
            If a shape is another one.
        """
        made = [
            _evaluated(name, f, arguments)
            for name, f in (("N", self.value), *(("its derivative", g) for g in self.derivatives))
        ]
        return made[0], made[1:]

    def slope_error(self, *arguments: Any) -> float:
        """Return how far the derivatives are from central differences of ``N``, relative to them.

        It is a mean over the points, so that a kink of ``N`` counts for little.
        """
        xp, worst = namespace(*arguments), 0.0
        _, slopes = self.evaluated(*arguments)
        for k, (argument, slope) in enumerate(zip(arguments, slopes, strict=True)):
            step = float(xp.finfo(argument.dtype).eps) ** (1 / 3) * float(xp.max(xp.abs(argument)))
            if step == 0:  # nothing says how far a difference should reach
                continue
            ends = [
                _evaluated("N", self.value, (*arguments[:k], end, *arguments[k + 1 :]))
                for end in (argument + step, argument - step)
            ]
            difference = (ends[0] - ends[1]) / (2 * step)
            size = float(xp.mean(xp.abs(difference) + xp.abs(slope)))
            gap = float(xp.mean(xp.abs(difference - slope)))
            if size > 0 and math.isfinite(gap):
                worst = max(worst, gap / size)
        return worst


def _evaluated(name: str, f: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    first = arguments[0]
    xp, result = namespace(first), f(*arguments)
    if isinstance(result, int | float):
        return xp.full_like(first, result)
    if not hasattr(result, "shape") or not hasattr(result, "dtype"):
        raise TypeError(
            f"{name} returned a {type(result).__name__}: return an array of the arguments' shape"
        )
    if tuple(result.shape) != tuple(first.shape):
        raise ValueError(
            f"{name} returned shape {tuple(result.shape)} for arguments of shape "
            f"{tuple(first.shape)}: a nonlinearity acts at every point by itself"
        )
    if namespace(first, result).isdtype(result.dtype, "complex floating"):
        raise TypeError(f"{name} returned complex values: a nonlinearity is real")
    return xp.astype(result, first.dtype, copy=False)
