"""Corrections of least squares solutions by iterations in sketched coordinates."""

from __future__ import annotations

import math
from typing import Any

from structlin._norm import column_norms
from structlin.matrices._base import adjoint_of
from structlin.sketching._lstsq_cholqr import Correction
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_problem import Problem
from structlin.sketching._pcg import pcg


def iterative_correction(
    problem: Problem, coordinates: Coordinates, heavy_ball: bool, oversampling: float
) -> Correction:
    """Return the solution of ``H Y = C``, ``H = Wᴴ (AᴴA + μ I) W``, by products with ``A``.

    Conjugate gradients (SPIR), or Polyak's heavy ball with the step and momentum that suit a
    sketch of ``d = oversampling · n`` rows (FOSSILS): ``β = n/d``, ``α = (1 − β)²``.
    """
    W, xp = coordinates.basis, problem.xp
    Wh = adjoint_of(W, xp)
    # the error shrinks by √(n/d) a step
    digits = -math.log(float(xp.finfo(W.dtype).eps))
    maxiter = 10 + math.ceil(2.5 * digits / math.log(max(2.0, oversampling)))

    def product(Y: Any) -> Any:
        return Wh @ problem.gram_product(W @ Y)

    def conjugate_gradients(C: Any, done: Any) -> tuple[Any, int]:
        return pcg(product, C, done, maxiter)

    def polyak(C: Any, done: Any) -> tuple[Any, int]:
        beta = 1 / oversampling
        Y, change, residual, sizes = 0 * C, 0 * C, C, column_norms(C)
        for iteration in range(maxiter):
            # with singular values of the sketch outside 1 ± √β, it may diverge
            if bool(xp.all(done(residual) | (column_norms(residual) > 1e3 * sizes))):
                return Y, iteration
            change = (1 - beta) ** 2 * residual + beta * change
            Y = Y + change
            residual = residual - product(change)
        return Y, maxiter

    return polyak if heavy_ball else conjugate_gradients
