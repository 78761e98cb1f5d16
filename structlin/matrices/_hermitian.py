"""Hermitian arrays: how exactly they have to be Hermitian, and their Hermitian parts."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from structlin.matrices._base import adjoint_of


def equal_up_to_rounding(X: Any, Y: Any, xp: ModuleType) -> bool:
    """Tell whether finite arrays differ by at most 100 eps of the largest modulus of ``X``.

    A stored matrix counts as Hermitian if it equals its adjoint so.
    """
    if 0 in X.shape:
        return True
    if not bool(xp.all(xp.isfinite(X))):
        return False
    gap = xp.max(xp.abs(X - Y))
    return bool(gap <= 100 * xp.finfo(X.dtype).eps * xp.max(xp.abs(X)))


def hermitian_part(X: Any, xp: ModuleType) -> Any:
    """Return ``(X + Xᴴ) / 2``, of every matrix where it is a stack of them."""
    half = X / 2  # the sum of two halves cannot overflow
    return half + adjoint_of(half, xp)
