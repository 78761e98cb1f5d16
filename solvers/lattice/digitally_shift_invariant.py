"""Kernels of digitwise differences, by Walsh functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from structlin._backend import namespace
from structlin.solvers.lattice._coordinates import DIGITS, digits_of
from structlin.solvers.lattice._product_kernel import ProductKernel

_peaks = {1: 2.0, 2: 3 / 2, 3: 25 / 18, 4: 407 / 294}


@dataclass(frozen=True)
class DigitallyShiftInvariant(ProductKernel):
    """``k(x, y) = scale Π_j (1 + weights_j Σ_{h≥1} 2^(−μ(h)) wal_h(x_j ⊖ y_j))``.

    Parameters
    ----------
    alpha : {1, 2, 3, 4}
        The order.
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
    ``⊖`` is the digitwise difference, of the first 52 binary digits, and ``wal_h`` the Walsh
    function in Paley's order. For ``alpha`` 2 and above ``μ(h)`` is the sum of the ``alpha``
    highest places of ones in ``h``, the lowest place being 1: Walsh coefficients of functions of
    so many derivatives, periodic or not, decay like ``2^(−μ(h))``. For ``alpha`` 1 it is twice
    ``⌊log₂ h⌋``. With ``β`` the place of the first one of ``x ⊖ y`` after the point, and
    ``p = 2^(−β)``, the sums for orders 1 to 3 are ``2 − 6 p``, ``3/2 − β x − 5/2 p`` and
    ``25/18 + β x² − 5 (1 − p) x − 43/18 p²``; that of order 4 has a sum over all digits besides.
    The matrix of the points of a `DigitalNet` is diagonal in Walsh functions.

    References
    ----------
    J. Dick, "Walsh spaces containing smooth functions and quasi-Monte Carlo rules of arbitrary
    high order", SIAM J. Numer. Anal. 46 (2008).

    J. Dick and F. Pillichshammer, *Digital Nets and Sequences* (2010).

    Examples
    --------
    >>> import numpy as np
    >>> DigitallyShiftInvariant(alpha=1)(np.array([[0.0], [0.25], [0.5]]))
    array([[3. , 1.5, 0. ],
           [1.5, 3. , 0. ],
           [0. , 0. , 3. ]])
    """

    orders: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)

    def _differences(self, x: Any, y: Any) -> Any:
        return digits_of(x) ^ digits_of(y)

    def _omega(self, differences: Any) -> Any:
        xp = namespace(differences)
        p = _first_one(differences, xp)
        if self.alpha == 1:
            return self.peak() - 6.0 * p
        x = xp.astype(differences, xp.float64) * 2.0**-DIGITS
        # of equal numbers every power of p and x is zero, and any finite β will do
        beta = -xp.log2(xp.where(p > 0, p, 1.0))
        if self.alpha == 2:
            return self.peak() - beta * x - 2.5 * p
        if self.alpha == 3:
            return self.peak() + beta * x**2 - 5.0 * (1.0 - p) * x - 43 / 18 * p**2
        value = self.peak() - 701 / 294 * p**3 + beta * (_eighths(differences, xp) / 48 - 1 / 42)
        x2 = x * x
        return value - 2 / 3 * beta * x2 * x + 5.0 * (1.0 - p) * x2 - 43 / 9 * (1.0 - p * p) * x

    def peak(self) -> float:
        """Return ``Σ_{h≥1} 2^(−μ(h))``."""
        return _peaks[self.alpha]


def _first_one(digits: Any, xp: Any) -> Any:
    """Return ``2^(−β)``, the value of the first one among the digits; zero where there is none."""
    filled = digits | (digits >> 1)  # all digits after the first one become ones
    for step in (2, 4, 8, 16, 32):
        filled |= filled >> step
    return xp.astype(filled - (filled >> 1), xp.float64) * 2.0**-DIGITS


def _eighths(digits: Any, xp: Any) -> Any:
    """Return ``Σ_a (−1)^(digit a) 8^(1−a)`` over all digits after the point, from a = 1."""
    total = xp.full(digits.shape, 8 / 7, dtype=xp.float64, device=digits.device)
    for place in range(1, DIGITS // 3 + 2):  # later ones are below the rounding
        total -= 2.0 * 8.0 ** (1 - place) * xp.astype((digits >> (DIGITS - place)) & 1, xp.float64)
    return total
