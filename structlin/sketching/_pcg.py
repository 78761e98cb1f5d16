"""The preconditioned conjugate gradient method for blocks of right-hand sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin.matrices._base import conjugate


def pcg(
    product: Callable[[Any], Any],
    B: Any,
    done: Callable[[Any], Any],
    maxiter: int,
    precondition: Callable[[Any], Any] | None = None,
) -> tuple[Any, int]:
    """Solve ``A X = B`` from zero, for a Hermitian positive definite ``A``, column by column.

    Columns share the products and nothing else. A column is left alone once it is done, or once
    ``pᴴ A p ≤ 0`` or ``rᴴ M⁻¹ r ≤ 0`` was met.

    Parameters
    ----------
    product : callable
        ``A`` times a block (n, k).
    B : (n, k) array
        Right-hand sides, of ordinary size: squares of their norms neither overflow nor vanish.
    done : callable
        Tells by the recurred residuals (n, k) which columns are: (k,) booleans.
    maxiter : int
        Products at most.
    precondition : callable, optional
        ``M⁻¹`` times a block (n, k), Hermitian positive definite.

    Returns
    -------
    X : (n, k) array
        The solutions.
    iterations : int
        Products with ``A``.
    """
    xp = namespace(B)
    X, R, P, previous = xp.zeros_like(B), B, None, None
    for iteration in range(maxiter):
        Z = R if precondition is None else precondition(R)
        rz = dots(R, Z)
        active = ~done(R) & (rz > 0)
        if not bool(xp.any(active)):
            return X, iteration
        P = Z if P is None else Z + xp.where(active, rz, 0) / previous * P
        previous = xp.where(active, rz, 1)
        Q = product(P)
        curvature = dots(P, Q)
        active = active & (curvature > 0)
        step = xp.where(active, rz, 0) / xp.where(active, curvature, 1)
        X = X + step * P
        R = R - step * Q
        if not bool(xp.any(active)):
            return X, iteration + 1
    return X, maxiter


def dots(X: Any, Y: Any) -> Any:
    """Return the real parts of ``xᴴ y``, column by column."""
    xp = namespace(X, Y)
    products = xp.sum(conjugate(X, xp) * Y, axis=0)
    return xp.real(products) if xp.isdtype(products.dtype, "complex floating") else products
