"""Sequential truncation of a small array, axis after axis, to rounding errors if need be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import power_of_two
from structlin.tensors._arrays.ranges import by_qr, rank_within
from structlin.tensors._arrays.unfoldings import projected

# what rounding errors hide, in units of eps
_rounding = 4


def truncated(
    T: Any, tol: float = 0.0, ranks: Sequence[int] | None = None
) -> tuple[Any, list[Any]]:
    """Return a smaller core and an orthonormal matrix per axis that leads back to the array.

    ``tol`` bounds the error in the Frobenius norm, relative to that of the array; rounding errors
    of this array are dropped with any tolerance. At least one column is left along every axis
    that has entries.

    Notes
    -----
    The squared error is the sum of what every axis discards, and every axis may discard
    ``tol²/d`` of the squared norm, or ``(4 eps)²``. Singular values come from a QR factorisation of
    the unfolding, at ``2 n² N`` operations for ``n`` rows and ``N`` columns.
    """
    xp, d = namespace(T), T.ndim
    most = [int(n) for n in T.shape] if ranks is None else [int(r) for r in ranks]
    unit = power_of_two(T)
    T = T / unit if unit != 1 else T
    rounding = (_rounding * float(xp.finfo(T.dtype).eps)) ** 2
    factors: list[Any] = []
    energy = None
    for axis in range(d):
        if 0 in T.shape:
            U = xp.eye(T.shape[axis], min(T.shape[axis], 1), dtype=T.dtype, device=device(T))
        else:
            U, squares = by_qr(T, axis)
            energy = float(squares.sum()) if energy is None else energy
            rank, _ = rank_within(squares, max(tol**2 / d, rounding) * energy, most[axis])
            U = U[:, :rank]
        factors.append(U)
        T = projected(T, U, axis)
    return T * unit if unit != 1 else T, factors
