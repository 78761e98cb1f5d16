"""What a solve cost, and what its residuals tell besides."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from numpy.typing import NDArray

from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution
from structlin.solvers._vectors import unwrapped
from structlin.solvers.learners._learner import Outcome
from structlin.solvers.learning._attempt import Attempt

Loss = Literal["iterations", "flops", "seconds"] | Callable[[Solution], float]
loss_names = ("iterations", "flops", "seconds")
_stopped = ("converged", "max_iterations", "time_limit")
_window, _least_window = 20, 3  # iterations over which a rate is observed: choices
# products with A and updates of a vector in an iteration
_work: dict[str, tuple[float, float]] = {
    "jacobi": (1, 2),
    "sor": (1, 1),
    "line_sor": (1, 4),
    "chebyshev_iteration": (1, 3),
    "cg": (1, 5),
    "minres": (1, 9),
    "ssor_cg": (1.5, 6),
}


def observed_rate(norms: NDArray[Any]) -> float | None:
    """Return the factor by which an iteration reduced the residual towards the end.

    It is the mean over the last third of the iterations, from 3 to 20 of them; None if there were
    fewer, or the residuals say nothing.
    """
    done = len(norms) - 1
    if done < _least_window:
        return None
    window = min(max(_least_window, done // 3), _window)
    first, last = float(norms[-1 - window]), float(norms[-1])
    if not (0 < first < math.inf and 0 < last < math.inf):
        return None
    return math.exp(math.log(last / first) / window) if last / first > 0 else None


def observed_reduction(norms: NDArray[Any]) -> float | None:
    """Return ``ln(‖r_first‖/‖r_last‖)``; None if it is not finite."""
    first, last = float(norms[0]), float(norms[-1])
    if not (0 < first < math.inf and 0 < last < math.inf):
        return None
    return math.log(first) - math.log(last)


def outcome(done: Attempt, loss: Loss, A: Any, maxiter: int) -> Outcome:
    """Return what is learned from an attempt.

    If it failed for another reason than a limit, it counts as all the iterations allowed.
    """
    first = done.first
    stopped = first is not None and first.status in _stopped
    iterations = max(first.iterations if first is not None and stopped else maxiter, 1)
    if callable(loss):
        cost = loss(done.answer)
    elif loss == "seconds":
        cost = done.seconds
    elif loss == "flops":
        cost = flops(done.solver.name, A, iterations)
    else:
        cost = float(iterations)
    if first is None:
        return Outcome(cost, censored=True)
    norms = first.residual_norms
    return Outcome(cost, not first.converged, observed_rate(norms), observed_reduction(norms))


def outcome_of_solution(solution: Solution, loss: Loss) -> Outcome:
    """Return what is learned from a solution alone.

    Raises
    ------
    ValueError
        If the loss is not to be found there.
    """
    if not callable(loss) and loss != "iterations":
        raise ValueError(f"a solution does not tell its {loss}: tell a number")
    cost = loss(solution) if callable(loss) else float(solution.iterations)
    norms = solution.residual_norms
    return Outcome(cost, not solution.converged, observed_rate(norms), observed_reduction(norms))


def require_model(solver: str) -> None:
    """Raise unless `flops` knows the solver of that name."""
    if solver != "fast_sine" and solver not in _work:
        raise ValueError(
            f"there is no model of the operations of {solver}: pass loss='seconds', or a function "
            "of the solution"
        )


def flops(solver: str, A: Any, iterations: int) -> float:
    """Return the operations of that many iterations of a solver of this package."""
    n = int(A.shape[0])
    if solver == "fast_sine":  # two transforms, of 2.5 n log₂ n operations each
        return 5.0 * n * math.log2(max(n, 2))
    products, updates = _work[solver]
    operations: float = iterations * 2.0 * (products * _entries(A) + updates * n)
    return operations


def _entries(A: Any) -> int:
    """Return how many entries a product with a matrix reads."""
    if isinstance(A, GridOperator):
        return math.prod(A.grid) * (1 + 2 * len(A.grid))
    A = unwrapped(A)
    nnz = getattr(A, "nnz", None)
    return int(math.prod(A.shape) if nnz is None else nnz)
