"""Where a series of coefficients has come down to its rounding errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._validation import require_finite


def chop(sizes: Any, tol: float) -> int:
    """Return how many coefficients are worth keeping, by their plateau.

    Parameters
    ----------
    sizes : (n,) array
        Absolute values of the coefficients, on the host.
    tol : float
        What the error may be, relative to the largest of them.

    Returns
    -------
    int
        The first so many; ``n`` if the series has not come down yet, 1 or more if ``n`` is.

    Raises
    ------
    ValueError
        If a size is NaN or Inf, or ``tol`` is not positive.

    Notes
    -----
    The envelope ``eⱼ = max_{i ≥ j} |cᵢ| / max |c|`` has reached a plateau at ``j`` if it still has
    more than the fraction ``3 (1 − log eⱼ / log tol)`` of ``eⱼ`` at ``1.25 j + 5``. The series is
    cut near the start of the plateau, where a line falling by a third of the digits touches the
    envelope. At least 17 coefficients are needed to see one.

    References
    ----------
    .. [1] J. L. Aurentz and L. N. Trefethen, "Chopping a Chebyshev series", ACM TOMS 43 (2017).

    Examples
    --------
    >>> chop(np.maximum(0.1 ** np.arange(40.0), 1e-16), 1e-10) < 20
    True
    """
    sizes = np.abs(np.asarray(sizes, dtype=np.float64))
    require_finite("sizes", sizes)
    if not tol > 0:
        raise ValueError(f"tol is {tol!r}: it must be positive")
    n = len(sizes)
    if tol >= 1:
        return min(n, 1)
    if n < 17:
        return n
    envelope = np.maximum.accumulate(sizes[::-1])[::-1]
    if envelope[0] == 0:
        return 1
    envelope = envelope / envelope[0]
    plateau = end = 0
    for j in range(2, n + 1):
        end = math.floor(1.25 * j + 5.5)
        if end > n:
            return n
        here, there = envelope[j - 1], envelope[end - 1]
        if here == 0 or there / here > 3 * (1 - math.log(here) / math.log(tol)):
            plateau = j - 1
            break
    if envelope[plateau - 1] == 0:
        return plateau
    floor = tol ** (7 / 6)
    above = int(np.sum(envelope >= floor))
    if above < end:
        end = above + 1
        envelope[end - 1] = floor
    with np.errstate(divide="ignore"):
        tilted = np.log10(envelope[:end]) + np.linspace(0, -math.log10(tol) / 3, end)
    return max(int(np.argmin(tilted)), 1)
