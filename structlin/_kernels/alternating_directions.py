"""A half step of alternating directions with matrices that couple every second unknown."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace


def half_step(R: Any, F: Any, ratio: Any, inverse: Any, keep: float, add: float) -> Any:
    """Return ``F + (keep R + add A⁻¹ R)ᵀ`` for ``A = L D Lᵀ``.

    Parameters
    ----------
    R : (n, m) array
        Real.
    F : (m, n) array
        Of the same type.
    ratio : (n,) array
        The entries ``L[k + 2, k]``; the last two do not count.
    inverse : (n,) array
        The reciprocals of the diagonal of ``D``.
    keep, add : float

    Returns
    -------
    (m, n) array
    """
    xp, n = namespace(R), R.shape[0]
    T = xp.asarray(R, copy=True)
    for k in range(2, n):
        T[k, :] = T[k, :] - ratio[k - 2] * T[k - 2, :]
    for k in range(n - 1, -1, -1):
        T[k, :] = inverse[k] * T[k, :]
        if k + 2 < n:
            T[k, :] = T[k, :] - ratio[k] * T[k + 2, :]
    return F + xp.matrix_transpose(keep * R + add * T)
