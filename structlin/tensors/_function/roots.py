"""Real roots of functions of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin.bases import Basis, Chebyshev, Fourier

# up to which degree eigenvalues are taken, and where longer series are cut in two: not in the
# middle, where symmetric functions have a root
_degree = 50
_cut = -0.004849834917525


def real_roots(basis: Basis, coefficients: Any) -> Any:
    """Return the roots of a real series in its interval, ascending.

    Parameters
    ----------
    basis : Basis
        Of the series.
    coefficients : (n,) array
        On the host; not all of them zero.

    Returns
    -------
    (k,) array

    Notes
    -----
    Eigenvalues of the colleague matrix of a Chebyshev series, improved by Newton's method. Series
    of a higher degree than 50 are cut in two until no part has one, ``O(n²)``. Sines and cosines
    are made a Chebyshev series first.

    References
    ----------
    .. [1] J. P. Boyd, "Computing zeros on a real interval through Chebyshev expansion and
       polynomial rootfinding", SIAM J. Numer. Anal. 40 (2002).
    """
    if isinstance(basis, Fourier):
        line, C = basis.as_chebyshev(coefficients)
        found = real_roots(line, C)
        gap = 16 * np.finfo(float).eps * basis.width
        twice = len(found) > 1 and found[0] - basis.low <= gap and basis.high - found[-1] <= gap
        return found[:-1] if twice else found
    c = np.asarray(coefficients, dtype=np.float64)
    unit = Chebyshev()
    c = c / np.max(np.abs(c))
    eps, k = np.finfo(float).eps, np.arange(len(c))
    # the slope of Tₖ is up to k², and points are known to rounding errors only
    floor = eps * float(np.sum((16 + k**2) * np.abs(c)))
    t = np.sort(np.asarray(_of_part(unit, c, floor, 1 / len(c)), dtype=np.float64))
    derivative = unit.derivative(c[:, None])[:, 0]
    for _ in range(3):
        value, slope = (unit.vander(t, len(part)) @ part for part in (c, derivative))
        step = np.divide(value, slope, out=np.zeros_like(t), where=slope != 0)
        # at a multiple root, where slopes are rounding errors, points stay
        t = np.clip(np.where(np.abs(step) < 1e-4, t - step, t), -1, 1)
    noise = eps * (16 + len(c)) * np.sum(np.abs(c))
    value, slope = (np.abs(unit.vander(t, len(part)) @ part) for part in (c, derivative))
    t = np.sort(t[value <= 16 * (noise + eps * slope)])
    t = t[np.append(np.diff(t) > 16 * eps, True)] if len(t) else t
    return np.clip(basis.low * ((1 - t) / 2) + basis.high * ((1 + t) / 2), basis.low, basis.high)


def _of_part(part: Chebyshev, c: Any, floor: float, narrow: float) -> list[float]:
    """Return where in [−1, 1] a series on a part of it has roots, and perhaps some points more.

    Coefficients below ``floor`` are rounding errors. Parts that are ``narrow`` are not cut again.
    """
    tails = np.cumsum(np.abs(c[::-1]))[::-1]
    c = c[tails > floor]
    if len(c) < 2:
        return []
    if len(c) - 1 > _degree and part.width > narrow:
        cut = part.low * ((1 - _cut) / 2) + part.high * ((1 + _cut) / 2)
        found = []
        for ends in ((part.low, cut), (cut, part.high)):
            half, C = Chebyshev(*ends), part.restricted(c[:, None], *ends)[1]
            found += _of_part(half, C[:, 0], floor, narrow)
        return found
    eigenvalues = np.polynomial.chebyshev.chebroots(c)
    # double roots come as pairs, apart from each other by the root of a rounding error
    near = (np.abs(eigenvalues.imag) < 1e-6) & (np.abs(eigenvalues.real) < 1 + 1e-6)
    near &= eigenvalues.imag >= 0
    t = np.clip(eigenvalues.real[near], -1, 1)
    return list(part.low * ((1 - t) / 2) + part.high * ((1 + t) / 2))
