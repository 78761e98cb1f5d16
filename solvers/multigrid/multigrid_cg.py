"""Conjugate gradients preconditioned by multigrid, in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, quiet, warns_unconverged
from structlin.solvers.multigrid.multigrid import Multigrid


@warns_unconverged
def multigrid_cg(
    A: GridOperator,
    b: Any,
    *,
    omega: float | None = None,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 100,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
    smoother: str = "red-black",
    interval: float | None = None,
    cycle: str = "V",
    sweeps: int = 1,
) -> Solution:
    """Solve ``A x = b`` by conjugate gradients preconditioned by multigrid, set-up included.

    For several right-hand sides of one operator, prepare a `Multigrid` once.

    Parameters
    ----------
    A : (n, n) GridOperator
        Real, symmetric positive definite.
    b : (n,) array, or one in the shape of the grid
        Right-hand side.
    omega, smoother, interval, cycle
        As in `Multigrid`.
    x0, rtol, atol, maxiter, time_limit, callback
        As in `Multigrid.cg`; the set-up is not counted in the time.
    sweeps : int, default 1
        Sweeps before and after each correction.

    Returns
    -------
    Solution
        ``choices`` has the knobs.

    Raises
    ------
    TypeError, ValueError
        As `Multigrid` and `Multigrid.cg` do.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> multigrid_cg(GridOperator.laplacian((100, 100)), np.ones(10_000), omega=1.1).converged
    True
    """
    ready = Multigrid(
        A,
        smoother=smoother,
        omega=omega,
        interval=interval,
        cycle=cycle,
        pre=sweeps,
        post=sweeps,
    )
    return quiet(ready.cg)(
        b,
        x0=x0,
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
    )
