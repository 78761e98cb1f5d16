"""The conjugate gradient method: plain, preconditioned, flexible, with proposed directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._backend import kernel, namespace
from structlin._kernels import conjugate_directions as directions
from structlin._validation import require_count
from structlin.solvers._solution import Solution, require_callable, warns_unconverged
from structlin.solvers._vectors import unit_of
from structlin.solvers.krylov._flexible import flexible_cg
from structlin.solvers.krylov._run import Measured, Run, application, prepared


@warns_unconverged
def cg(
    A: Any,
    b: Any,
    *,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    preconditioner: Any = None,
    direction: Callable[[Any], Any] | None = None,
    memory: int | None = None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by the conjugate gradient method, for a Hermitian positive definite ``A``.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid of a `GridOperator`
        Right-hand side.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
    maxiter : int, default 10_000
        Most iterations.
    preconditioner : operator or callable, optional
        ``M⁻¹``, Hermitian positive definite: an operator (applied by ``@``), or a function of the
        residual, (n,), that returns a vector of its shape. One that changes from one iteration to
        the next, or is not Hermitian, needs ``memory``.
    direction : callable, optional
        Proposes the next direction of search: a function of the residual, (n,), that returns a
        vector of its shape, such as a learned approximation of ``A⁻¹ r``. Its length does not
        matter. One that is of no use, being zero, not finite, or orthogonal to the residual, is
        refused; then the preconditioned residual takes its place.
    memory : int, optional
        Each direction is made A-orthogonal to that many before it, which are stored. By default
        the recurrence of conjugate gradients is used, which does this for all of them if the
        preconditioner is fixed; with ``direction``, the last 2.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.

    Returns
    -------
    Solution
        Status ``"breakdown"``: ``pᴴ A p ≤ 0`` or ``rᴴ M⁻¹ r ≤ 0`` was met, so matrix or
        preconditioner is not positive definite; ``"stagnated"``: rounding errors keep the
        residual above the tolerance. ``choices`` has ``memory`` if directions are stored, and
        with ``direction``, the number ``refused``.

    Raises
    ------
    ValueError
        If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, the tolerance is beyond
        the precision of the data, or ``memory`` is not positive.
    TypeError
        If something is no matrix, vector or function, or a function returns no vector.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    One product with ``A``, one application of the preconditioner and five vector operations an
    iteration; with ``memory``, three more and two vectors stored for each direction remembered.
    The residual is carried along by recursion; convergence is checked with the residual itself,
    and the iteration restarts from there if the two have drifted apart.

    Preconditioner and direction see the residual divided by a power of two if its entries are
    beyond ``2^±30``.

    References
    ----------
    M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear systems",
    J. Res. Natl. Bur. Stand. 49 (1952), section 3.
    Y. Notay, "Flexible conjugate gradients", SIAM J. Sci. Comput. 22 (2000).
    A. Kaneda et al., "A deep conjugate direction method for iteratively solving linear systems",
    Proc. ICML (2023).

    Examples
    --------
    >>> import numpy as np
    >>> cg(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])).iterations
    2
    """
    if direction is not None:
        require_callable("direction", direction)
    if memory is None and direction is not None:
        memory = 2
    choices = {} if memory is None else {"memory": require_count("memory", memory)}
    run = prepared(A, b, x0, rtol, atol, maxiter, time_limit, callback, preconditioner, choices)
    if run.precondition is not None:
        run.precondition = Measured(run.precondition)  # its scale does not matter
    if memory is None:
        return _conjugate_gradients(run)
    return flexible_cg(run, application("direction", direction), int(memory))


def _conjugate_gradients(run: Run) -> Solution:
    r = run.start()
    x = run.x
    if r is None:
        return run.solution(x, "converged")
    xp = namespace(r)
    dot, next_direction, advance = (
        kernel(xp, f) for f in (directions.real_dot, directions.next_direction, directions.advance)
    )
    scale = unit_of(r, None)  # residual and directions have a unit of their own
    r = r if scale == 1 else r / scale
    target = run.target / scale
    x = xp.asarray(x, copy=True)  # which is written into
    p, previous = None, 1.0
    for _ in range(run.maxiter):
        z = r if run.precondition is None else run.precondition(r)
        rz = dot(r, z)
        if not rz > 0:  # NaN too
            return run.solution(x, "breakdown")
        p = xp.asarray(z, copy=True) if p is None else next_direction(p, z, rz / previous)
        previous = rz
        q = run.product(p)
        curvature = dot(p, q)
        if not curvature > 0:
            return run.solution(x, "breakdown")
        x, r, size = advance(x, r, p, q, rz / curvature * scale, rz / curvature)
        run.norms.append(size * scale)
        run.show(x)
        if size <= target:
            x, r, status = run.checked(x)
            if status is not None:
                return run.solution(x, status)
            x, r, p = xp.asarray(x, copy=True), r / scale, None
        if run.late():
            return run.solution(x, "time_limit")
    return run.solution(x, "max_iterations")
