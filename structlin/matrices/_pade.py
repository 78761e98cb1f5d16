"""The exponential of a stored matrix, in terms of the array API."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

# the norm up to which the approximant of degree 13 is exact to double precision
_reach = 5.371920351148152
# r(x) = p(x) / p(-x) with p(x) = Σ cⱼ xʲ
_coefficients = [math.comb(13, j) / math.perm(26, j) for j in range(14)]


def exponential(A: Any, xp: ModuleType) -> Any:
    """Return ``exp(A)`` by Padé's approximant of degree 13, by scaling and squaring.

    References
    ----------
    N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM
    Journal on Matrix Analysis and Applications 26 (2005), algorithm 2.3.
    """
    n, c = A.shape[0], _coefficients
    if n == 0:
        return xp.asarray(A, copy=True)
    size = float(xp.max(xp.sum(xp.abs(A) / n, axis=0)))  # without n, it may overflow
    squarings = max(0, math.ceil(math.log2(size) + math.log2(n / _reach))) if size else 0
    A = A * 2.0**-squarings
    one = xp.eye(n, dtype=A.dtype, device=A.device)
    A2 = A @ A
    A4 = A2 @ A2
    A6 = A2 @ A4
    high = c[13] * A6 + c[11] * A4 + c[9] * A2
    odd = A @ (A6 @ high + c[7] * A6 + c[5] * A4 + c[3] * A2 + c[1] * one)
    high = c[12] * A6 + c[10] * A4 + c[8] * A2
    even = A6 @ high + c[6] * A6 + c[4] * A4 + c[2] * A2 + c[0] * one
    X = xp.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        X = X @ X
    return X
