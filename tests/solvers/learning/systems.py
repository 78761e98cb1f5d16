"""Small systems, and solvers whose costs are known, for tests of what learns from them."""

from __future__ import annotations

import numpy as np

from structlin.matrices import GridOperator
from structlin.solvers import Solution, TsallisINF

OMEGAS = (0.8, 1.1, 1.4)


def poisson(side=6, shift=0.5):
    return GridOperator.laplacian((side, side), shift)


def residual(A, x, b):
    return np.linalg.norm(b - A @ x)


def bandit(omegas=OMEGAS, rng=0):
    """Return a learner that chooses one of several parameters."""
    return TsallisINF(list(omegas), least=1, rng=rng)


def failing(status, iterations=7):
    """Return a solver that fails after some iterations, far from any answer."""

    def solver(A, b, *, omega, x0, rtol, atol, maxiter, time_limit):
        norms = np.linalg.norm(b) * np.arange(1.0, iterations + 2)
        return Solution(np.full(b.shape, np.nan), status, iterations, norms, {"omega": omega})

    return solver


def costing(cost):
    """Return a solver that converges linearly, after ``cost(A, omega, rtol)`` iterations."""

    def solver(A, b, *, omega, x0, rtol, atol, maxiter, time_limit, **options):
        k = cost(A, omega, rtol)
        norms = np.linalg.norm(b) * rtol ** (np.arange(k + 1) / k)
        return Solution(np.zeros_like(b), "converged", k, norms, {"omega": omega})

    return solver
