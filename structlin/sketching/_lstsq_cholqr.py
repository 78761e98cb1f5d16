"""Corrections of least squares solutions by a Cholesky factor in sketched coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from structlin.matrices import Dense, Triangular, cholesky, solve
from structlin.matrices._base import adjoint_of
from structlin.matrices._hermitian import hermitian_part
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_problem import Problem
from structlin.sketching.row_blocks import RowBlocks

Correction = Callable[[Any, Any], tuple[Any, int]]


def cholesky_correction(problem: Problem, coordinates: Coordinates) -> Correction | None:
    """Return the solution of ``H Y = C`` with ``H = Wᴴ (AᴴA + μ I) W``, ``W`` the basis.

    ``H`` is near the identity, and is summed from ``(Aᵢ W)ᴴ (Aᵢ W)`` over blocks of rows; or as
    ``Wᴴ (AᴴA) W`` at half the cost, where the condition number permits that. None, if rounding
    has left it not positive definite.
    """
    W, xp, shift = coordinates.basis, problem.xp, problem.shift
    H = _gram(problem, coordinates)
    if shift:
        H = H + adjoint_of(shift * W, xp) @ (shift * W)
    try:
        L = Triangular(cholesky(Dense(hermitian_part(H, xp))).todense())
    except np.linalg.LinAlgError:
        return None
    return lambda C, done: (solve(L.H, solve(L, C)), 0)


def _gram(problem: Problem, coordinates: Coordinates) -> Any:
    """Return ``(A W)ᴴ (A W)``: by that of other coordinates, where there was one."""
    W, xp = coordinates.basis, problem.xp
    if problem.kept is not None:
        inverse, H = problem.kept
        T = inverse @ W
        return adjoint_of(T, xp) @ H @ T
    eps = float(xp.finfo(W.dtype).eps)
    scaled = coordinates.units[:, None] * W
    direct = isinstance(problem.A, Dense | RowBlocks) and not coordinates.deficient
    if direct and W.shape[0] * eps * coordinates.condition**2 <= 1e-3:
        H = adjoint_of(scaled, xp) @ problem.gram(1 / coordinates.units) @ scaled
    else:
        H = problem.gram(W)
    if not coordinates.deficient:
        V = coordinates.units[:, None] * coordinates.V
        problem.kept = adjoint_of(V * coordinates.s, xp), H
    return H
