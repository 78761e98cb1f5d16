"""What a family of functions on an interval has to know, for one axis of a tensor of functions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from structlin._backend import device, namespace, on_host


@dataclass(frozen=True)
class Basis(ABC):
    """Functions ``φ₀, φ₁, …`` on an interval.

    Coefficients and values stand along the first axis of arrays, of one dimension or more.

    Parameters
    ----------
    low, high : float
        The ends of the interval, ``low < high``.

    Raises
    ------
    ValueError
        If the interval is empty, reversed or not finite.
    """

    low: float = -1.0
    high: float = 1.0

    periodic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        try:
            low, high = float(self.low), float(self.high)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"the interval is ({self.low!r}, {self.high!r}): its ends must be real numbers"
            ) from error
        if not (low < high and math.isfinite(high - low)):
            raise ValueError(
                f"the interval is [{low:g}, {high:g}]: its length and its ends must be finite, and "
                "the first one the smaller"
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval."""
        return self.low, self.high

    @property
    def width(self) -> float:
        """The length of the interval."""
        return self.high - self.low

    @abstractmethod
    def points(self, n: int, like: Any = None) -> Any:
        """Return the ``n`` ascending points that determine ``n`` coefficients, in float64.

        Parameters
        ----------
        n : int
            How many.
        like : array, optional
            Gives the array library and the device; by default NumPy.
        """

    @abstractmethod
    def refined(self, n: int) -> int:
        """Return the size of the next grid that has ``points(n)`` at its even places."""

    @abstractmethod
    def coefficients(self, values: Any) -> Any:
        """Return the ``n`` coefficients of the function with these values at ``points(n)``.

        Single and double precision, real and complex, are kept; integers become float64.
        """

    @abstractmethod
    def values(self, coefficients: Any, n: int | None = None) -> Any:
        """Return the values at ``points(n)``; by default at as many as there are coefficients."""

    @abstractmethod
    def vander(self, x: Any, n: int) -> Any:
        """Return the first ``n`` functions at points, along a new last axis."""

    @abstractmethod
    def derivative(self, coefficients: Any) -> Any:
        """Return the coefficients of the derivative."""

    @abstractmethod
    def antiderivative(self, coefficients: Any) -> tuple[Basis, Any]:
        """Return the antiderivative that is zero at ``low``: its basis and its coefficients."""

    @abstractmethod
    def restricted(self, coefficients: Any, low: float, high: float) -> tuple[Basis, Any]:
        """Return the function on a part of the interval: its basis and its coefficients."""

    @abstractmethod
    def integrals(self, n: int, like: Any = None) -> Any:
        """Return the integrals of the first ``n`` functions over the interval, in float64."""

    @abstractmethod
    def weights(self, n: int, like: Any = None) -> Any:
        """Return the positive weights of the quadrature at ``points(n)``, in float64.

        It integrates the first ``n`` functions exactly.
        """

    @abstractmethod
    def gram(self, n: int, like: Any = None) -> Any:
        """Return the (n, n) integrals of the products of two functions, in float64."""

    def sizes(self, coefficients: Any) -> Any:
        """Return, on the host, the size of the coefficients of every degree or frequency.

        It is the largest over all columns.
        """
        xp, n = namespace(coefficients), coefficients.shape[0]
        if 0 in coefficients.shape:
            return np.zeros(n)
        largest = xp.max(xp.reshape(xp.abs(coefficients), (n, -1)), axis=1)
        return on_host(largest)

    @abstractmethod
    def product_length(self, n: int, m: int) -> int:
        """Return how many coefficients a product has of series of ``n`` and of ``m`` of them."""

    @abstractmethod
    def length(self, count: int) -> int:
        """Return how many coefficients the first ``count`` degrees or frequencies have."""

    def product(self, C: Any, D: Any) -> Any:
        """Return the coefficients of the products of every column of ``C`` with every one of ``D``.

        Parameters
        ----------
        C : (n, r) array
        D : (m, s) array

        Returns
        -------
        (product_length(n, m), r s) array
            The column of the ``i``-th of ``C`` and the ``j``-th of ``D`` is ``i s + j``.

        Notes
        -----
        Values at as many points as the product has coefficients are multiplied: ``O(k r s log k)``
        operations for ``k`` points.
        """
        xp, n = namespace(C, D), self.product_length(C.shape[0], D.shape[0])
        left, right = self.values(C, n), self.values(D, n)
        both = left[:, :, None] * right[:, None, :]
        return self.coefficients(xp.reshape(both, (n, C.shape[1] * D.shape[1])))


def place(like: Any) -> tuple[ModuleType, Any]:
    """Return the array library and the device of an array; NumPy's if there is none."""
    example = np.empty(0) if like is None else like
    return namespace(example), device(example)


def padded(coefficients: Any, n: int) -> Any:
    """Return coefficients with zeros after them, ``n`` in all."""
    xp, missing = namespace(coefficients), n - coefficients.shape[0]
    if missing <= 0:
        return coefficients
    shape = (missing, *coefficients.shape[1:])
    zeros = xp.zeros(shape, dtype=coefficients.dtype, device=device(coefficients))
    return xp.concat([coefficients, zeros])


def along(weights: Any, like: Any) -> Any:
    """Return a vector in the precision of an array, shaped to multiply its first axis."""
    xp = namespace(weights, like)
    real = xp.finfo(like.dtype).dtype
    return xp.reshape(xp.astype(weights, real), (-1, *(1,) * (like.ndim - 1)))
