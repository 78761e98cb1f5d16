"""Least squares: a sketched solution, corrected until its backward error is that of rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structlin._norm import column_norms
from structlin.matrices._base import adjoint_of
from structlin.sketching._lstsq_cholqr import Correction, cholesky_correction
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_iterative import iterative_correction
from structlin.sketching._lstsq_problem import Problem

# corrections of a solution at most
_corrections = 8


@dataclass(frozen=True)
class Refined:
    """Solutions (n, k), squared norms of residuals (k,), and the largest backward error."""

    X: Any
    squares: Any
    error: float
    iterations: int


def _correction(
    problem: Problem, coordinates: Coordinates, method: str, oversampling: float
) -> Correction | None:
    """Return how a method corrects; None where it cannot, or does not."""
    if method == "sketch":
        return None
    if method == "cholqr":
        return cholesky_correction(problem, coordinates)
    return iterative_correction(problem, coordinates, method == "fossils", oversampling)


def refine(
    problem: Problem,
    coordinates: Coordinates,
    method: str,
    oversampling: float,
    tol: float,
    share: float,
) -> Refined:
    """Correct solutions until the backward error is below ``tol``, or twice has not halved.

    A ``share`` less than 1 makes all accuracies smaller that are aimed at.
    """
    xp, W = problem.xp, coordinates.basis
    correct = _correction(problem, coordinates, method, oversampling)
    eps, tol = share * float(xp.finfo(W.dtype).eps), share * tol
    X, step, iterations, idle = coordinates.start, 0, 0, 0
    best: Refined | None = None
    while True:
        G, squares = problem.gradient(X)
        C = adjoint_of(W, xp) @ G
        backward_errors = coordinates.backward_errors(X, squares, problem.norms, xp)
        found = Refined(X, squares, _largest(backward_errors(C), xp), iterations)
        idle = idle + 1 if best is not None and found.error > best.error / 2 else 0
        if best is None or found.error < best.error:
            best = found
        settled = best.error <= tol or idle == 2 or (idle and best.error <= eps)
        if correct is None or settled or step == _corrections:
            return best
        # the first correction cannot be better than this: u (‖A‖ ‖x‖ + κ ‖r‖), the second term
        # as it is in practice
        sizes = column_norms(coordinates.units[:, None] * X)
        rounding = coordinates.s[0] * sizes + 0.04 * coordinates.condition * xp.sqrt(squares)
        target = eps / 2 * rounding if step == 0 else 0 * sizes
        Y, steps = correct(
            C,
            lambda R, errors=backward_errors, target=target: (
                (errors(R) <= tol / 2) | (column_norms(R) <= target)
            ),
        )
        iterations += max(1, steps)
        X, step = X + W @ Y, step + 1


def _largest(errors: Any, xp: Any) -> float:
    return float(xp.max(errors)) if errors.shape[0] else 0.0
