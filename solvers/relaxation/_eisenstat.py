"""Conjugate gradients preconditioned by symmetric sweeps, in slices of Eisenstat's iteration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin.solvers._solution import Solution
from structlin.solvers.krylov._run import Run
from structlin.solvers.relaxation._systems import System

_slice = 500  # iterations
_first_slice = 4  # iterations before the clock is read for the first time


def conjugate_gradients(
    prepared: System,
    omega: float,
    target: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
    choices: dict[str, Any],
) -> Solution:
    """Iterate until the residual norm is at most ``target``.

    The residual is carried along by recursion. Where it says that the target is met, the residual
    itself is looked at, and the iteration restarts from there if the two have drifted apart.
    """
    run = Run(
        prepared.product,
        None,
        prepared.b,
        prepared.x,
        target,
        maxiter,
        time_limit,
        callback,
        prepared.restored,
        prepared.unit,
        choices,
    )
    r = run.start()
    x = run.x
    if r is None:
        return run.solution(x, "converged")
    state = x, r, 0 * r, math.inf
    step = 1 if callback else _slice if time_limit is None else _first_slice
    while len(run.norms) <= maxiter:
        asked = min(step, maxiter - len(run.norms) + 1)
        part = np.empty(asked + 1)
        state, done = prepared.iterate(state, omega, target, part)
        x = state[0]
        run.norms += part[1 : done + 1].tolist()
        if done:
            run.show(x)
        if done and run.norms[-1] <= target:
            x, r, status = run.checked(x)
            if status is not None:
                return run.solution(x, status)
            state = x, r, 0 * r, math.inf
        elif done < asked or not run.norms[-1] < math.inf:
            return run.solution(x, "breakdown")
        if run.late():
            return run.solution(x, "time_limit")
        if time_limit is not None and not callback:
            each = run.spent / (len(run.norms) - 1)
            step = max(1, int(min(_slice, 0.1 * time_limit / each)))
    return run.solution(x, "max_iterations")
