"""What every covariance function has, and their sums and products."""

from __future__ import annotations

import functools
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact
from structlin.covariance._lags import (
    even_step,
    lags_between,
    line_points,
    real_numbers,
    symmetric_toeplitz,
)

most_orders = 4
"""Up to which order derivatives in each of the two arguments are given."""


class Covariance(ABC):
    """The covariance of a random function of one variable between two points.

    It depends on the difference of the points alone (it is *stationary*). Sums, products and
    positive multiples of covariance functions are covariance functions: ``k1 + k2``, ``k1 * k2``,
    ``2.0 * k1``.

    See Also
    --------
    SquaredExponential, Matern, RationalQuadratic, Periodic, SpectralMixture
    """

    # -- what a covariance function writes ------------------------------------------------------

    @abstractmethod
    def _at(self, lags: Any, order: int) -> Any:
        """Return the derivative of an order that exists, at lags that are finite."""

    @abstractmethod
    def _gradients(self, lags: Any) -> Iterator[Any]:
        """Give the derivative of the covariance by every entry of ``theta``, at lags."""

    @abstractmethod
    def _times(self, factor: float) -> Covariance:
        """Return this covariance times a positive number."""

    @property
    @abstractmethod
    def derivatives(self) -> float:
        """How many continuous derivatives the covariance has as a function of the difference.

        The random function itself has half as many, in the mean square.
        """

    @property
    @abstractmethod
    def theta(self) -> Any:
        """The parameters that may be learned, as a vector (p,) of NumPy.

        Positive parameters stand as their logarithms, the others as they are.
        """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the parameters in ``theta``."""

    @property
    @abstractmethod
    def theta_bounds(self) -> Any:
        """Between which numbers the entries of ``theta`` may be learned, (p, 2), of NumPy."""

    @abstractmethod
    def with_theta(self, theta: Any) -> Self:
        """Return the same covariance function with other learned parameters.

        Parameters
        ----------
        theta : (p,) array or sequence of float

        Raises
        ------
        ValueError
            If there are not ``p`` finite numbers.
        """

    @abstractmethod
    def spectral_density(self, frequencies: Any) -> Any:
        """Return the power of the random function per unit of frequency.

        Parameters
        ----------
        frequencies : array
            In cycles per unit of length, of either sign.

        Returns
        -------
        array
            Of the same shape. Its integral over all frequencies is the variance.

        Notes
        -----
        ``k(x - y) = ∫ S(f) cos(2π f (x - y)) df`` over all real ``f``.
        """

    # -- what follows ---------------------------------------------------------------------------

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Return the covariances between points ``x`` and points ``y``, by default ``x`` again.

        Parameters
        ----------
        x : (n,) array
        y : (m,) array, optional

        Returns
        -------
        (n, m) array
        """
        return self._in_range(lags_between(x, y), 0)

    def at(self, lags: Any, order: int = 0) -> Any:
        """Return the covariance as a function of the difference, or a derivative of it.

        Parameters
        ----------
        lags : array
            Differences ``x - y``, of any shape and sign.
        order : int
            Of the derivative.

        Returns
        -------
        array
            Of the same shape.

        Raises
        ------
        ValueError
            If there is no continuous derivative of this order.
        """
        self._require(order, 2 * most_orders)
        return self._in_range(real_numbers("lags", lags), operator.index(order))

    def derivative(self, x: Any, y: Any = None, *, order: tuple[int, int]) -> Any:
        """Return the covariances between derivatives of the function at points.

        Parameters
        ----------
        x : (n,) array
        y : (m,) array, optional
            By default ``x`` again.
        order : (int, int)
            The orders ``a`` at ``x`` and ``b`` at ``y``, each from 0 to 4.

        Returns
        -------
        (n, m) array
            ``∂ᵃ/∂xᵃ ∂ᵇ/∂yᵇ k(x, y)``.

        Raises
        ------
        ValueError
            If there is no continuous derivative of order ``a + b`` of the covariance.
        """
        if np.shape(order) != (2,):
            raise TypeError(f"order is {order!r}: pass two integers, of x and of y")
        a, b = order
        for one in (a, b):
            self._require(one, most_orders)
        self._require(a + b, 2 * most_orders)
        found = self._in_range(lags_between(x, y), a + b)
        return -found if b % 2 else found

    def variances(self, x: Any, order: int = 0) -> Any:
        """Return the variance of the function, or of a derivative of it, at points.

        Parameters
        ----------
        x : (n,) array
        order : int
            Of the derivative.

        Returns
        -------
        (n,) array
            The diagonal of ``derivative(x, order=(order, order))``.

        Raises
        ------
        ValueError
            If there is no continuous derivative of twice the order of the covariance.
        """
        self._require(order, most_orders)
        self._require(2 * order, 2 * most_orders)
        x = line_points("x", x)
        xp = namespace(x)
        here = self._in_range(xp.zeros(1, dtype=x.dtype, device=device(x)), 2 * order)
        return xp.zeros_like(x) + (-here if order % 2 else here)

    def row(self, n: int, spacing: float, order: int = 0, *, like: Any = None) -> Any:
        """Return the covariances of evenly spaced points with the first of them.

        Parameters
        ----------
        n : int
            How many points, 0 or more.
        spacing : float
        order : int
            Of the derivative at the points.
        like : array, optional
            Gives the array library, the precision and the device; by default NumPy and float64.

        Returns
        -------
        (n,) array
            The first column of the symmetric Toeplitz matrix ``gram(x)``; with an odd ``order``,
            of an antisymmetric one.
        """
        if n < 0 or not math.isfinite(spacing):
            raise ValueError(f"n is {n} and spacing {spacing}: pass 0 or more, and a finite number")
        like = np.zeros(0) if like is None else inexact(like)
        xp = namespace(like)
        steps = xp.arange(n, dtype=like.dtype, device=device(like))
        return self.at(float(spacing) * steps, order)

    def gram(self, x: Any) -> Any:
        """Return the covariances between points, fast where these are evenly spaced.

        Parameters
        ----------
        x : (n,) array

        Returns
        -------
        (n, n) array
            ``self(x)``. Of points that are even, up to the rounding errors of their coordinates,
            only the first row is computed: ``O(n)`` evaluations and ``O(n²)`` copies.
        """
        x = line_points("x", x)
        step = even_step(x)
        if step is None:
            return self(x)
        return symmetric_toeplitz(self.row(x.shape[0], step, like=x))

    def theta_gradients(self, x: Any, y: Any = None) -> Iterator[Any]:
        """Give the derivative of ``self(x, y)`` by every entry of ``theta``, one by one.

        Parameters
        ----------
        x : (n,) array
        y : (m,) array, optional
            By default ``x`` again; then evenly spaced points cost as little as in `gram`.

        Yields
        ------
        (n, m) array
        """
        x = line_points("x", x)
        step = even_step(x) if y is None else None
        if step is None:
            yield from self._gradients(lags_between(x, y))
        else:
            xp = namespace(x)
            steps = xp.arange(x.shape[0], dtype=x.dtype, device=device(x))
            yield from map(symmetric_toeplitz, self._gradients(step * steps))

    def __add__(self, other: Any) -> Covariance:
        """Return the covariance of the sum of two independent functions."""
        if not isinstance(other, Covariance):
            return NotImplemented
        return Sum((*_parts(Sum, self), *_parts(Sum, other)))

    def __mul__(self, other: Any) -> Covariance:
        """Return the covariance of the product of two independent functions, or a multiple."""
        if isinstance(other, int | float | np.number) and not isinstance(other, bool):
            if not (math.isfinite(other) and other > 0):
                raise ValueError(f"{other} times a covariance is none: the factor must be positive")
            return self._times(float(other))
        if not isinstance(other, Covariance):
            return NotImplemented
        return Product((*_parts(Product, self), *_parts(Product, other)))

    __rmul__ = __mul__

    def _in_range(self, lags: Any, order: int) -> Any:
        try:
            return self._at(lags, order)
        except OverflowError:
            what = f"the derivative of order {order} of {self!r}" if order else repr(self)
            raise ValueError(
                f"{what} leaves the range of double precision: take a larger length, or other units"
            ) from None

    def _theta_vector(self, theta: Any) -> Any:
        """Return new learned parameters as a float64 vector of NumPy."""
        theta, count = np.asarray(theta), len(self.names)
        if theta.dtype.kind not in "iuf":
            raise TypeError(f"theta is {theta.dtype}: pass real numbers")
        if theta.shape != (count,):
            raise ValueError(
                f"theta has shape {theta.shape} but {self!r} learns {', '.join(self.names)}: "
                f"pass {count} numbers"
            )
        return theta.astype(float)

    def _require(self, order: Any, most: int) -> None:
        """Raise unless there is a continuous derivative of the order."""
        try:
            order = operator.index(order)
        except TypeError:
            raise TypeError(f"an order of derivatives is {order!r}: pass an integer") from None
        if not 0 <= order <= most:
            raise ValueError(f"an order of derivatives is {order}: pass one from 0 to {most}")
        if order > self.derivatives:
            raise ValueError(
                f"a derivative of order {order} of {self!r} was asked for: "
                f"it has {self.derivatives:g} continuous ones"
            )


@dataclass(frozen=True)
class _Combination(Covariance):
    """What sums and products have in common: their parameters are those of the parts."""

    parts: tuple[Covariance, ...]

    @property
    def derivatives(self) -> float:
        """How many continuous derivatives the covariance has as a function of the difference."""
        return min(part.derivatives for part in self.parts)

    @property
    def theta(self) -> Any:
        """The parameters of the parts that may be learned, one part after the other."""
        return np.concatenate([part.theta for part in self.parts])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters in ``theta``: ``parts[0].length_scale``."""
        return tuple(
            f"parts[{k}].{name}" for k, part in enumerate(self.parts) for name in part.names
        )

    @property
    def theta_bounds(self) -> Any:
        """Between which numbers the entries of ``theta`` may be learned, (p, 2), of NumPy."""
        return np.concatenate([part.theta_bounds for part in self.parts])

    def with_theta(self, theta: Any) -> Self:
        """Return the same combination with other learned parameters of the parts."""
        ends = np.cumsum([len(part.names) for part in self.parts])
        shares = np.split(self._theta_vector(theta), ends[:-1])
        pairs = zip(self.parts, shares, strict=True)
        return replace(self, parts=tuple(part.with_theta(share) for part, share in pairs))


class Sum(_Combination):
    """The covariance of the sum of independent functions: ``k1 + k2``.

    Limit or fix parameters of the parts before they are added.

    Attributes
    ----------
    parts : tuple of Covariance
    """

    def spectral_density(self, frequencies: Any) -> Any:
        """Return the sum of the spectral densities of the parts."""
        return functools.reduce(
            operator.add, (part.spectral_density(frequencies) for part in self.parts)
        )

    def _at(self, lags: Any, order: int) -> Any:
        return functools.reduce(operator.add, (part._at(lags, order) for part in self.parts))

    def _gradients(self, lags: Any) -> Iterator[Any]:
        for part in self.parts:
            yield from part._gradients(lags)

    def _times(self, factor: float) -> Covariance:
        return Sum(tuple(part._times(factor) for part in self.parts))

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))


class Product(_Combination):
    """The covariance of the product of independent functions: ``k1 * k2``.

    The variances of the parts are multiplied: fix all but one, before the product is made, where
    they are learned. Limits too are set on the parts.

    Attributes
    ----------
    parts : tuple of Covariance
    """

    def spectral_density(self, frequencies: Any) -> Any:
        """Raise ``NotImplementedError``: it is a convolution, which has no closed form."""
        raise NotImplementedError(
            f"the spectral density of {self!r} has no closed form: a SpectralMixture is a product "
            "of an envelope and cosines that has one"
        )

    def _at(self, lags: Any, order: int) -> Any:
        first, rest = self.parts[0], self._without(0)
        if rest is None:
            return first._at(lags, order)
        return functools.reduce(
            operator.add,
            (
                math.comb(order, k) * first._at(lags, k) * rest._at(lags, order - k)
                for k in range(order + 1)
            ),
        )

    def _gradients(self, lags: Any) -> Iterator[Any]:
        for k, part in enumerate(self.parts):
            rest = self._without(k)
            others = 1.0 if rest is None else rest._at(lags, 0)
            for gradient in part._gradients(lags):
                yield others * gradient

    def _times(self, factor: float) -> Covariance:
        return Product((self.parts[0]._times(factor), *self.parts[1:]))

    def _without(self, k: int) -> Product | None:
        others = (*self.parts[:k], *self.parts[k + 1 :])
        return Product(others) if others else None

    def __repr__(self) -> str:
        return " * ".join(f"({p!r})" if isinstance(p, Sum) else repr(p) for p in self.parts)


def _parts(kind: type[_Combination], k: Covariance) -> tuple[Covariance, ...]:
    return k.parts if type(k) is kind else (k,)
