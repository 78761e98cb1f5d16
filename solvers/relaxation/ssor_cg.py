"""Conjugate gradients preconditioned by symmetric successive over-relaxation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._norm import norm
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers._vectors import require_limits, require_tolerances
from structlin.solvers.relaxation._eisenstat import conjugate_gradients
from structlin.solvers.relaxation._systems import require_omega, system

_opposite = {"lexicographic": "reverse", "reverse": "lexicographic"}


@warns_unconverged
def ssor_cg(
    A: Any,
    b: Any,
    *,
    omega: float,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    ordering: str | None = None,
    sweep_order: str = "forward-backward",
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by conjugate gradients with a symmetric relaxation sweep as preconditioner.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid
        Right-hand side.
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
    maxiter : int, default 10_000
        Most iterations.
    ordering : str, optional
        As in `sor`, but lexicographic by default: few colours sweep fast and precondition badly.
    sweep_order : {"forward-backward", "backward-forward"}
        Which of the two sweeps comes first. With backward-forward, the preconditioner is that of
        the reversed ordering; iteration counts differ by about one.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.

    Returns
    -------
    Solution
        With ``choices`` ``omega``, ``ordering`` and ``sweep_order``. Status ``"breakdown"``:
        ``pᴴ A p ≤ 0`` was met, so the matrix is not positive definite; ``"stagnated"``: rounding
        errors keep the residual above the tolerance.

    Raises
    ------
    ValueError
        As `sor` does, or if ``sweep_order`` is unknown.
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    With ``A = L + D + Lᴴ``, the preconditioner is
    ``M = ω/(2−ω) (D/ω + L) D⁻¹ (D/ω + Lᴴ)``. By Eisenstat's trick, an iteration takes one forward
    and one backward substitution, and no product with ``A``: with half a product for the norm of
    the residual, that is one and a half products' work instead of two. In array libraries other
    than NumPy, a lexicographic substitution costs a product for every level of points that depend
    on one another: there, choose ``ordering="red-black"``.

    References
    ----------
    O. Axelsson, "A generalized SSOR method", BIT 12 (1972).

    S. C. Eisenstat, "Efficient implementation of a class of preconditioned conjugate gradient
    methods", SIAM J. Sci. Stat. Comput. 2 (1981).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> A = GridOperator.laplacian((10, 10))
    >>> ssor_cg(A, np.ones(100), omega=1.5, sweep_order="backward-forward").iterations
    13
    """
    omega = require_omega(omega)
    if sweep_order not in ("forward-backward", "backward-forward"):
        raise ValueError(
            f"sweep_order is {sweep_order!r}: use 'forward-backward' or 'backward-forward'"
        )
    ordering = "lexicographic" if ordering is None else ordering
    first = ordering
    if sweep_order == "backward-forward":
        if ordering not in _opposite:
            raise ValueError(
                f"sweep_order 'backward-forward' needs ordering 'lexicographic' or 'reverse', "
                f"not {ordering!r}"
            )
        first = _opposite[ordering]
    prepared = system(A, b, x0, first)
    require_tolerances(rtol, atol, prepared.b)
    require_limits(maxiter, time_limit, callback)
    return conjugate_gradients(
        prepared,
        omega,
        max(rtol * norm(prepared.b), atol / prepared.unit),
        maxiter,
        time_limit,
        callback,
        {"omega": omega, "ordering": ordering, "sweep_order": sweep_order},
    )
