"""The generalised minimal residual method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._validation import require_count
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers.krylov._arnoldi import arnoldi
from structlin.solvers.krylov._run import prepared


@warns_unconverged
def gmres(
    A: Any,
    b: Any,
    *,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    restart: int = 30,
    preconditioner: Any = None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by the generalised minimal residual method, for any square ``A``.

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
        Most iterations, each of which is a product with ``A``.
    restart : int, default 30
        Iterations after which the method starts again from its iterate. Memory and work grow with
        it; so does the chance to converge.
    preconditioner : operator or callable, optional
        ``M⁻¹``: an operator (applied by ``@``), or a linear function of a vector, (n,), that
        returns one of its shape. For one that changes from one iteration to the next see `fgmres`.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``. The iterate is then
        formed every time, which the method needs at restarts only.

    Returns
    -------
    Solution
        With ``choices`` ``restart``. Status ``"stagnated"``: a whole cycle has not reduced the
        residual; ``"breakdown"``: the space of directions is exhausted, so ``A`` is singular.

    Raises
    ------
    ValueError
        If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, the tolerance is beyond
        the precision of the data, or ``restart`` is not positive.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    The ``k``-th iterate of a cycle minimises ``‖b − A x‖₂`` over
    ``x₀ + M⁻¹ span{r₀, A M⁻¹ r₀, …, (A M⁻¹)ᵏ⁻¹ r₀}``: the preconditioner acts from the right, so
    that the residual is that of the system itself. One product with ``A``, one application of the
    preconditioner and ``2 n k`` multiplications in iteration ``k``, twice that where Gram–Schmidt
    must be repeated; ``restart + 1`` vectors are stored.

    References
    ----------
    Y. Saad and M. H. Schultz, "GMRES: a generalized minimal residual algorithm for solving
    nonsymmetric linear systems", SIAM J. Sci. Stat. Comput. 7 (1986).

    Examples
    --------
    >>> import numpy as np
    >>> gmres(np.array([[4.0, 1.0], [-1.0, 3.0]]), np.array([1.0, 2.0])).iterations
    2
    """
    restart = require_count("restart", restart)
    run = prepared(
        A,
        b,
        x0,
        rtol,
        atol,
        maxiter,
        time_limit,
        callback,
        preconditioner,
        {"restart": restart},
    )
    return arnoldi(run, restart)
