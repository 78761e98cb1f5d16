"""Kernels of differences modulo one, by Bernoulli polynomials: periodic smooth functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from structlin._backend import namespace
from structlin.solvers.lattice._product_kernel import ProductKernel

# B₂, B₄, B₆ and B₈ as polynomials of t = x (1 − x), from the highest power
_bernoulli: dict[int, tuple[float, ...]] = {
    1: (-1.0, 1 / 6),
    2: (1.0, 0.0, -1 / 30),
    3: (-1.0, -1 / 2, 0.0, 1 / 42),
    4: (1.0, 4 / 3, 2 / 3, 0.0, -1 / 30),
}


@dataclass(frozen=True)
class ShiftInvariant(ProductKernel):
    """``k(x, y) = scale Π_j (1 + weights_j Σ_{h≠0} |h|^(−2α) exp(2πi h (x_j − y_j)))``.

    Parameters
    ----------
    alpha : {1, 2, 3, 4}
        The order: functions are periodic, with derivatives up to ``alpha`` of finite energy along
        every coordinate.
    weights : float or sequence of d float
        How much functions vary along every coordinate; a single number is meant for each.
    scale : float
        The variance of the integral of functions.

    Raises
    ------
    ValueError
        If ``alpha`` is none of these, or weights or scale are not above zero.

    Notes
    -----
    The sum is ``(−1)^(α+1) (2π)^(2α) / (2α)! B_2α((x − y) mod 1)`` with the Bernoulli polynomial.
    The matrix of the points of a `Lattice` is circulant.

    References
    ----------
    G. Wahba, *Spline Models for Observational Data* (1990), chapter 2.

    Examples
    --------
    >>> import numpy as np
    >>> k = ShiftInvariant(alpha=1, weights=0.5)
    >>> k(np.array([[0.0], [0.5]])).round(4)
    array([[2.6449, 0.1775],
           [0.1775, 2.6449]])
    """

    orders: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)

    def _differences(self, x: Any, y: Any) -> Any:
        xp = namespace(x)
        difference = xp.astype(x, xp.float64) - xp.astype(y, xp.float64)
        return xp.abs(difference)  # ω is even, and this lies in [0, 1)

    def _omega(self, differences: Any) -> Any:
        first, *others = self._coefficients
        t = differences * (1.0 - differences)
        value = t * first
        value += others[0]
        for coefficient in others[1:]:
            value *= t
            if coefficient:
                value += coefficient
        return value

    def peak(self) -> float:
        """Return ``2 ζ(2α)``."""
        return self._coefficients[-1]

    @property
    def _coefficients(self) -> tuple[float, ...]:
        order = 2 * self.alpha
        factor = (-1) ** (self.alpha + 1) * (2 * math.pi) ** order / math.factorial(order)
        return tuple(factor * c for c in _bernoulli[self.alpha])
