"""Many tridiagonal systems along the first axis, by factors that are known."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace


def chain(ratios: Any, inverse: Any, r: Any) -> Any:
    """Return ``x_j = (y_j + w_{j+1} x_{j+1})/δ_j``, where ``y_j = r_j + ratio_j y_{j−1}``.

    Parameters
    ----------
    ratios, inverse : (n, 1, 1 or m) array
        ``w_j/δ_{j−1}`` and ``1/δ_j``, with any number for ``ratios[0]``.
    r : (n, samples, m) array
        Right-hand sides; real or complex.
    """
    xp, n = namespace(r), r.shape[0]
    x = xp.asarray(r, copy=True)
    for j in range(1, n):
        x[j, ...] += ratios[j, ...] * x[j - 1, ...]
    x *= inverse
    for j in range(n - 2, -1, -1):
        x[j, ...] += ratios[j + 1, ...] * x[j + 1, ...]
    return x
