"""The flexible generalised minimal residual method, and directions that are proposed to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._validation import require_count
from structlin.solvers._solution import Solution, require_callable, warns_unconverged
from structlin.solvers.krylov._arnoldi import arnoldi
from structlin.solvers.krylov._run import application, prepared


@warns_unconverged
def fgmres(
    A: Any,
    b: Any,
    *,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    restart: int = 30,
    preconditioner: Any = None,
    direction: Callable[[Any], Any] | None = None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by GMRES with a preconditioner that may change, or proposed directions.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix; it need be neither Hermitian nor definite.
    b : (n,) array, or one in the shape of the grid of a `GridOperator`
        Right-hand side.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
    maxiter : int, default 10_000
        Most iterations.
    restart : int, default 30
        Iterations after which the method starts again from its iterate.
    preconditioner : operator or callable, optional
        Roughly ``A⁻¹``: an operator (applied by ``@``), or any function of a vector, (n,), that
        returns one of its shape, such as a few iterations of another method.
    direction : callable, optional
        Proposes the next direction of search: a function of the residual, (n,), that returns a
        vector of its shape, such as a learned approximation of ``A⁻¹ r``. Its length does not
        matter. After one that is of no use the direction is that of GMRES.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.

    Returns
    -------
    Solution
        With ``choices`` ``restart`` and, with ``direction``, the number ``refused``. For the
        status see `gmres`.

    Raises
    ------
    ValueError
        If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, the tolerance is beyond
        the precision of the data, or ``restart`` is not positive.
    TypeError
        If something is no matrix, vector or function, or a function returns no vector.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    The ``k``-th iterate of a cycle minimises ``‖b − A x‖₂`` over ``x₀ + span{z₁, …, z_k}``, where
    ``z_j`` is the preconditioner's answer to the ``j``-th vector of Arnoldi's basis, or the
    direction proposed for the residual after ``j − 1`` iterations. As `gmres`, with ``2 restart``
    vectors stored; a refused direction can cost a product with ``A`` more.

    References
    ----------
    Y. Saad, "A flexible inner-outer preconditioned GMRES algorithm", SIAM J. Sci. Comput. 14
    (1993).

    Examples
    --------
    >>> import numpy as np
    >>> A, b = np.array([[4.0, 1.0], [-1.0, 3.0]]), np.array([1.0, 2.0])
    >>> fgmres(A, b, direction=lambda r: np.linalg.solve(A, r)).iterations
    1
    """
    restart = require_count("restart", restart)
    if direction is not None:
        require_callable("direction", direction)
    choices = {"restart": restart} if direction is None else {"restart": restart, "refused": 0}
    run = prepared(A, b, x0, rtol, atol, maxiter, time_limit, callback, preconditioner, choices)
    return arnoldi(run, restart, flexible=True, direction=application("direction", direction))
