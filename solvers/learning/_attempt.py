"""One solve with chosen parameters, and another solver's answer where it fails."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from structlin._norm import norm
from structlin._validation import inexact
from structlin.solvers._solution import Solution
from structlin.solvers.learning._called import CalledSolver, is_finite

_log = logging.getLogger(__name__)
_limits = ("max_iterations", "time_limit")


@dataclasses.dataclass(slots=True, eq=False)
class Attempt:
    """What came of a solve.

    Attributes
    ----------
    solver : CalledSolver
        The solver.
    first : Solution or None
        What it returned; None if it raised an exception.
    error : Exception or None
        The exception.
    answer : Solution
        What is returned to the user: the backstop's, if the first has not converged, with the
        iterations and residual norms of both.
    given_up : str or None
        Why the backstop had to answer: a status, or ``"error"``.
    seconds : float
        What both took.
    """

    solver: CalledSolver
    first: Solution | None
    error: Exception | None
    answer: Solution
    given_up: str | None
    seconds: float

    @property
    def idle(self) -> bool:
        """Whether nothing was done, so that nothing can be learned."""
        if self.given_up:  # a limit may leave no iteration
            return self.given_up in _limits and self.first is not None and not self.first.iterations
        if self.answer.iterations:
            return False
        return not self.solver.direct or not self.answer.residual_norms[0] > 0


def attempted(
    solver: CalledSolver,
    backstop: CalledSolver,
    A: Any,
    b: Any,
    x0: Any,
    tolerances: Mapping[str, Any],
    limits: Mapping[str, Any],
    keywords: Mapping[str, Any],
) -> Attempt:
    """Call a solver, and the backstop if it fails.

    ValueError and TypeError are about the input, and are raised; so is what the backstop raises.
    """
    begin = time.perf_counter()
    first: Solution | None = None
    error: Exception | None = None
    try:
        first = solver(A, b, limits, x0=x0, **tolerances, **keywords)
    except np.linalg.LinAlgError as raised:  # a ValueError that is not about the input
        error = raised
    except (TypeError, ValueError):
        raise
    except Exception as raised:
        error = raised
    if first is not None and first.converged:
        return Attempt(solver, first, None, first, None, time.perf_counter() - begin)
    if error is not None:
        _log.warning("%s raised %r: %s answers", solver.name, error, backstop.name)
    try:
        answer = _answer_instead(first, backstop, A, b, x0, tolerances, limits)
    except Exception as raised:
        if error is None:
            raise
        raise raised from error
    given_up = "error" if first is None else first.status
    return Attempt(solver, first, error, answer, given_up, time.perf_counter() - begin)


def _answer_instead(
    failed: Solution | None,
    backstop: CalledSolver,
    A: Any,
    b: Any,
    x0: Any,
    tolerances: Mapping[str, Any],
    limits: Mapping[str, Any],
) -> Solution:
    """Return the backstop's solution, with the failed attempt in its counts."""
    if failed is None:
        return backstop(A, b, limits, x0=x0, **tolerances)
    first, last = failed.residual_norms[0], failed.residual_norms[-1]
    # a product that underflows is still a tolerance
    atol = max(tolerances["rtol"] * norm(inexact(b)), tolerances["atol"], math.ulp(0.0))
    start = failed.x if last < first and is_finite(failed.x) else x0
    return continued(failed, backstop(A, b, limits, x0=start, rtol=0.0, atol=atol))


def continued(failed: Solution, answer: Solution) -> Solution:
    """Return an answer with the iterations and residual norms of the attempt before it."""
    return dataclasses.replace(
        answer,
        iterations=failed.iterations + answer.iterations,
        residual_norms=np.concatenate([failed.residual_norms, answer.residual_norms[1:]]),
    )
