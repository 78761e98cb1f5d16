"""Conjugate gradients preconditioned by symmetric sweeps, in slices of Eisenstat's iteration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._norm import norm
from structlin.solvers._solution import Solution, Status
from structlin.solvers._vectors import require_finite_start, rescaled_norms
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
    itself is looked at, and the iteration restarts from there if the two have drifted apart: a
    restart that gains less than half of the norm is the end.
    """
    begin = time.perf_counter()
    x = prepared.x
    norms = np.zeros(1)
    status: Status = "max_iterations"

    def solution() -> Solution:
        history = rescaled_norms(norms, prepared.unit)
        return Solution(prepared.restored(x), status, len(norms) - 1, history, choices)

    if norm(prepared.b) == 0:
        x, status = 0 * prepared.b, "converged"
        return solution()
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
        residual = prepared.b - prepared.product(x)
        norms[0] = norm(residual)
    require_finite_start(norms[0])
    if norms[0] <= target:
        status = "converged"
        return solution()

    def fresh(residual: Any) -> tuple[Any, Any, Any, float]:
        return x, residual, 0 * residual, math.inf

    state, least = fresh(residual), math.inf
    step = 1 if callback else _slice if time_limit is None else _first_slice
    while len(norms) <= maxiter:
        asked = min(step, maxiter - len(norms) + 1)
        part = np.empty(asked + 1)
        state, done = prepared.iterate(state, omega, target, part)
        x = state[0]
        norms = np.concatenate((norms, part[1 : done + 1]))
        if callback and done:
            callback(prepared.restored(namespace(x).asarray(x, copy=True)))
        if done and norms[-1] <= target:
            residual = prepared.b - prepared.product(x)
            norms[-1] = norm(residual)
            if norms[-1] <= target * (1 + 1e-6):
                status = "converged"
                break
            if not norms[-1] <= 0.5 * least:
                status = "stagnated"
                break
            state, least = fresh(residual), float(norms[-1])
        elif done < asked or not norms[-1] < math.inf:
            status = "breakdown"
            break
        if time_limit is not None:
            spent = time.perf_counter() - begin
            if spent >= time_limit:
                status = "time_limit"
                break
            if not callback:
                each = spent / (len(norms) - 1)
                step = max(1, int(min(_slice, 0.1 * time_limit / each)))
    return solution()
