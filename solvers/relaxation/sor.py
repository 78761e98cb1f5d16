"""Successive over-relaxation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers._vectors import require_limits, require_tolerances
from structlin.solvers.relaxation._stationary import relaxed
from structlin.solvers.relaxation._systems import require_omega, system


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
    return relaxed(prepared, omega, rtol, atol, maxiter, time_limit, callback, choices)
