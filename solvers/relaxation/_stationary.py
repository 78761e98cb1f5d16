"""The loop of every stationary iteration: sweeps until the residual is small, or never will be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin._norm import norm
from structlin.solvers._solution import Solution, Status
from structlin.solvers._vectors import (
    ceiling_of,
    require_finite_start,
    rescaled_norms,
    rounding_of,
)

_window = 500  # sweeps in a slice; as many without a new least residual make one look why
_first_slice = 8  # sweeps before the clock is read for the first time


class Relaxable(Protocol):
    """A linear system with sweeps; vectors are in the system's own shape, order and unit."""

    unit: float
    diagonal: Any
    b: Any
    x: Any

    def product(self, x: Any) -> Any:
        """Return ``A x``."""

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval, as the stencil kernels document it."""

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape, order and unit of the user's right-hand side."""


def relaxed(
    prepared: Relaxable,
    omega: float,
    rtol: float,
    atol: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
    choices: dict[str, Any],
) -> Solution:
    """Sweep until the norm of the residual is less than ``max(rtol · ‖b‖, atol)``."""
    x, size = prepared.x, norm(prepared.b)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
        first = norm(prepared.b - prepared.product(x)) if size > 0 else 0.0
    require_finite_start(first)
    target = max(rtol * size, atol / prepared.unit)
    norms = np.array([first])
    status: Status = "converged"
    if size == 0:
        x = 0 * x
    elif first > 0 and first >= target:
        x, norms, status = _sweeps(prepared, x, omega, first, target, maxiter, time_limit, callback)
    norms = rescaled_norms(norms, prepared.unit)
    return Solution(prepared.restored(x), status, len(norms) - 1, norms, choices)


def _sweeps(
    prepared: Relaxable,
    x: Any,
    omega: float,
    first: float,
    target: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
) -> tuple[Any, NDArray[np.float64], Status]:
    """Sweep in slices, between which clock, callback and stagnation are looked after."""
    ceiling = ceiling_of(first, prepared.b)
    begin = time.perf_counter()
    norms = [np.array([first])]
    done, last, least, since = 0, first, first, 0
    step = 1 if callback else _window if time_limit is None else _first_slice
    status: Status = "max_iterations"
    while done < maxiter:
        part = np.empty(min(step, maxiter - done) + 1)
        part[0] = last
        x, sweeps = prepared.relax(x, omega, target, ceiling, part)
        done += sweeps
        if callback:
            callback(prepared.restored(namespace(x).asarray(x, copy=True)))
        if part[sweeps] < target:
            # the sweeps derive their norms; what counts is the residual itself
            part[sweeps] = norm(prepared.b - prepared.product(x))
        norms.append(part[1 : sweeps + 1])
        last = float(part[sweeps])
        if last < target:
            status = "converged"
            break
        if not last <= ceiling:
            status = "diverged"
            break
        lowest = float(part[: sweeps + 1].min())
        if lowest < least:
            least, since = lowest, done
        elif done - since >= _window and last <= rounding_of(prepared.diagonal, prepared.b, x):
            status = "stagnated"
            break
        if time_limit is not None:
            spent = time.perf_counter() - begin
            if spent >= time_limit:
                status = "time_limit"
                break
            step = 1 if callback else max(1, int(min(_window, done * 0.1 * time_limit / spent)))
    return x, np.concatenate(norms), status
