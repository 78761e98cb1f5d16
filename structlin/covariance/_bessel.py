"""Modified Bessel functions of the second kind, as covariances and their spectra need them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace, scipy_of

_nearest = 1e-30  # arguments below it count as zero
_digits = 40.0  # what is below e⁻⁴⁰ of the whole is left out
_longest = 10  # longer polynomials overflow in single precision
_finite = 30.0  # up to this order K overflows below r = 1e-9 only


def bessel(power: float, order: float, r: Any, log_scale: float = 0.0) -> Any:
    """Return ``rᵖ B(order, r)`` times a scale, where ``B(a, r) = 2 (r/2)ᵃ K_a(r)``.

    Parameters
    ----------
    power : float
    order : float
        Where it is not positive, ``B`` is infinite at zero: the limit of the whole must be zero
        there (``power + 2 order > 0``), or there must be no zeros.
    r : array
        Real, from 0 to about 1000, or to a multiple of √order where this is more.
    log_scale : float
        The logarithm of the scale.

    Returns
    -------
    array
        Of the same shape and precision; ``B(a, 0) = Γ(a)`` for positive ``a``.

    Notes
    -----
    ``K`` is the modified Bessel function of the second kind, and
    ``B(a, r) = ∫ exp(a v - eᵛ - r² e⁻ᵛ/4) dv`` over the real line. The trapezoidal rule converges
    to it geometrically, and makes it a sum of Gaussian functions of ``r`` with positive weights.
    A value costs some 200 exponentials, to an absolute error of a few rounding errors of
    ``B(a, 0)``. Arrays of NumPy take SciPy's function instead, up to the order 30. Orders of half
    an integer are polynomials times ``e⁻ʳ``. Negative orders follow from ``K₋ₐ = K_a``.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, sections 10.27, 10.32 and 10.49.
    .. [2] L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule",
       SIAM Review 56, 2014.
    """
    if order <= 0:  # B(a, r) = (r/2)²ᵃ B(-a, r)
        log_scale -= order * math.log(4)
        power, order = power + 2 * order, -order
    half = order - 0.5
    if half.is_integer() and half <= _longest:
        found = _polynomial(order, r, log_scale)
    else:
        xp = namespace(r)
        special = is_numpy(xp) and order <= _finite
        wide = xp.astype(r, xp.float64, copy=False)  # factors exceed single precision
        found = (_by_scipy if special else _quadrature)(order, wide, log_scale)
        at_zero = math.exp(math.lgamma(order) + log_scale) if order else 0.0
        good = (wide >= _nearest) & xp.isfinite(found)
        found = xp.astype(xp.where(good, found, at_zero * xp.ones_like(found)), r.dtype, copy=False)
    return r**power * found if power else found


def _polynomial(order: float, r: Any, log_scale: float) -> Any:
    """Return ``B`` of half an integer."""
    *lower, series = _half_integer(round(order - 0.5))
    for coefficient in reversed(lower):
        series = series * r + coefficient
    return math.exp(math.lgamma(order) + log_scale) * namespace(r).exp(-r) * series


@functools.cache
def _half_integer(p: int) -> tuple[float, ...]:
    """Return the polynomial ``eʳ B(p + 1/2, r) / Γ(p + 1/2)``, by ascending powers.

    DLMF 10.49.12: ``K = √(π/2r) e⁻ʳ Σ (p + k)! / (k! (p - k)!) (2r)⁻ᵏ`` over ``k ≤ p``.
    """
    counts = [
        math.factorial(2 * p - i) * 2**i // (math.factorial(p - i) * math.factorial(i))
        for i in range(p + 1)
    ]
    return tuple(count / counts[0] for count in counts)


def _quadrature(order: float, r: Any, log_scale: float) -> Any:
    """Return ``B`` of an order that is not negative, at distances that are not zero."""
    xp = namespace(r)
    quarter = r * r / 4
    total = xp.zeros_like(quarter)
    for weight, rate in _gaussians(order, log_scale):
        total = total + weight * xp.exp(-rate * quarter)
    return total


def _by_scipy(order: float, r: Any, log_scale: float) -> Any:
    """Return what `_quadrature` does, three times as fast and with all digits of small values.

    NaN stands where ``K`` overflows: there ``B`` is ``Γ(order)`` to rounding.
    """
    xp = namespace(r)
    half = xp.where(r < _nearest, 0.5, r / 2)
    bessel = scipy_of(xp, "special").kve(order, 2 * half)
    scale = xp.exp(order * xp.log(half) - 2 * half + math.log(2) + log_scale)
    return scale * xp.where(xp.isfinite(bessel), bessel, xp.nan)


@functools.lru_cache(maxsize=256)
def _gaussians(order: float, log_scale: float) -> tuple[tuple[float, float], ...]:
    """Return weights and rates of the Gaussian functions ``exp(-rate r²/4)`` of which ``B`` is.

    The error of the trapezoidal rule of step ``h`` is ``|Γ(order + 2πi/h)|``: relative to
    ``Γ(order)`` it is about ``exp(-π²/h)`` for small and ``exp(-(2π/h)²/(2 order))`` for large
    orders.
    """
    spread = 9.0 * math.sqrt(order)  # of exp(v): nine standard deviations
    step = 2 * math.pi / (26.0 + spread)
    low = 2 * math.log(_nearest / 2) - 4.0  # Gaussian functions are zero there for r > _nearest
    if order > 0:
        low = max(low, (math.lgamma(max(order, 1.0)) - _digits) / order)
    if order > 2 * spread:
        low = max(low, math.log(order - spread))
    nodes = np.arange(low, math.log(order + spread + _digits), step)
    weights = step * np.exp(order * nodes - np.exp(nodes) + log_scale)
    return tuple(zip(weights.tolist(), np.exp(-nodes).tolist(), strict=True))
