"""Successive over-relaxation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin._norm import norm
from structlin.solvers._solution import Solution, Status, warns_unconverged
from structlin.solvers._vectors import (
    require_finite_start,
    require_limits,
    require_tolerances,
    rescaled_norms,
)
from structlin.solvers.relaxation._systems import System, require_omega, system

_window = 500  # sweeps in a slice; as many without a new least residual make one look why
_first_slice = 8  # sweeps before the clock is read for the first time


@warns_unconverged
def sor(
    A: Any,
    b: Any,
    *,
    omega: float,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    ordering: str | None = None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by successive over-relaxation.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, with a positive diagonal. Convergence for every ``omega`` is certain if it is
        Hermitian positive definite (Ostrowski–Reich).
    b : (n,) array, or one in the shape of the grid
        Right-hand side.
    omega : float
        Relaxation parameter, ``0 < omega < 2``; 1 is the Gauss–Seidel method.
    x0 : array, optional
        Start, in the shape of ``b`` or ``(n,)``; zero by default.
    rtol, atol : float
        The iteration stops after the first sweep with ``‖b − A x‖₂ < max(rtol · ‖b‖₂, atol)``,
        or before the first one if the start is there.
    maxiter : int, default 10_000
        Most sweeps.
    ordering : str, optional
        Order of the updates in a sweep: ``"lexicographic"`` (the order of the rows),
        ``"reverse"``, ``"red-black"`` (points of even ``i + j + k`` first), or, for sparse
        matrices, ``"multicolor"`` (greedy first-fit colours of the graph). By default red-black
        on grids that two colours suffice for, else lexicographic.
    time_limit : float, optional
        Seconds after which no further sweeps begin.
    callback : callable, optional
        Called with the iterate after every sweep, in the shape of ``b``.

    Returns
    -------
    Solution
        With ``choices`` ``omega`` and ``ordering``. Status ``"diverged"``: the residual is not
        finite, or has grown beyond all that relaxation of a definite matrix shows;
        ``"stagnated"``: it is of the size of rounding errors and falls no more. A matrix that is
        not definite ends in ``"diverged"`` or ``"max_iterations"``; ``"converged"`` is always
        checked with the residual itself.

    Raises
    ------
    ValueError
        If ``omega`` is outside (0, 2), shapes disagree, entries are NaN or Inf, a diagonal entry
        is not positive, or the tolerance is beyond the precision of the data.
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    With ``A = L + D + U``, a sweep is ``x ← x + (D/ω + L)⁻¹ (b − A x)``. It costs one product with
    ``A``; residual norms come with the sweeps. On grids, red-black sweeps keep the two colours in
    arrays of their own and take several sweeps in one pass through memory.

    References
    ----------
    D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press (1971).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> A = GridOperator.laplacian((10, 10))
    >>> sor(A, np.ones(100), omega=1.5, ordering="lexicographic").iterations
    62
    """
    omega = require_omega(omega)
    prepared = system(A, b, x0, ordering)
    require_tolerances(rtol, atol, prepared.b)
    require_limits(maxiter, time_limit, callback)
    choices = {"omega": omega, "ordering": prepared.ordering}
    x, size = prepared.x, norm(prepared.b)
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
    prepared: System,
    x: Any,
    omega: float,
    first: float,
    target: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
) -> tuple[Any, NDArray[np.float64], Status]:
    """Sweep in slices, between which clock, callback and stagnation are looked after."""
    # red-black sweeps of a smooth residual first raise its norm, by about the grid's width
    ceiling = 1e3 * first * (1 + math.sqrt(prepared.b.size))
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
            callback(prepared.restored(x))
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
        elif done - since >= _window and last <= _rounding(prepared, x):
            status = "stagnated"
            break
        if time_limit is not None:
            spent = time.perf_counter() - begin
            if spent >= time_limit:
                status = "time_limit"
                break
            step = 1 if callback else max(1, int(min(_window, done * 0.1 * time_limit / spent)))
    return x, np.concatenate(norms), status


def _rounding(prepared: System, x: Any) -> float:
    """Return a residual norm below which rounding may not let an iterate come."""
    eps = float(namespace(x).finfo(x.dtype).eps)
    return 100 * eps * (norm(prepared.b) + 2 * norm(prepared.diagonal * x))
