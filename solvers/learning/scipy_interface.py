"""To and from `scipy.sparse.linalg`: its solvers as ours, our relaxation as its preconditioner."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from structlin._backend import namespace, scipy_of
from structlin._norm import norm
from structlin._validation import inexact
from structlin.matrices import GridOperator, aslinearoperator
from structlin.solvers._solution import (
    Solution,
    Solver,
    Status,
    require_callable,
    warns_unconverged,
)
from structlin.solvers._vectors import (
    require_finite_start,
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    rescaled_norms,
    unit_of,
    unwrapped,
)
from structlin.solvers.learning._called import name_of, parameters_of
from structlin.solvers.relaxation._systems import require_omega, system

_cycle = 20  # iterations between restarts, which SciPy takes as well
_least_tolerance = 1e-15  # of functions that have tests of their own, and are not to use them


class _End(TimeoutError):
    """A callback ends the solver."""


class IterationCounter:
    """A callback for iterative solvers that counts their iterations, and ends them in time.

    Parameters
    ----------
    residual : callable or None
        Function of what the solver passes on (an iterate, or a residual norm) that returns the
        norm of the residual.
    time_limit : float or None
        Seconds after which `TimeoutError` is raised, in the next iteration.
    callback : callable or None
        Called likewise.

    Attributes
    ----------
    iterations : int
        Calls so far.
    residual_norms : list of float
        What ``residual`` returned.
    last : object
        What was passed on last.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import cg
    >>> count = IterationCounter()
    >>> x, _ = cg(np.diag([1.0, 2.0, 3.0]), np.ones(3), callback=count)
    >>> count.iterations
    3
    """

    def __init__(
        self,
        residual: Callable[[Any], float] | None = None,
        *,
        time_limit: float | None = None,
        callback: Callable[[Any], object] | None = None,
    ) -> None:
        require_limits(0, time_limit, callback)
        if residual is not None:
            require_callable("residual", residual)
        self.iterations = 0
        self.residual_norms: list[float] = []
        self.last: Any = None
        self._residual = residual
        self._callback = callback
        self._end = math.inf if time_limit is None else time.perf_counter() + float(time_limit)
        self._limit = time_limit

    def __call__(self, passed: Any) -> None:
        """Count an iteration."""
        self.iterations += 1
        self.last = passed
        if self._residual is not None:
            self.residual_norms.append(float(self._residual(passed)))
        if self._callback is not None:
            self._callback(passed)
        if time.perf_counter() >= self._end:
            raise _End(f"the time limit of {self._limit:g} s is over")


def ssor_preconditioner(A: Any, omega: float = 1.0, *, ordering: str = "lexicographic") -> Any:
    """Return symmetric successive over-relaxation as a preconditioner for SciPy and PyAMG.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, Hermitian positive definite.
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    ordering : {"lexicographic", "red-black"}
        Order of the points in a sweep; red-black on grids only.

    Returns
    -------
    (n, n) scipy.sparse.linalg.LinearOperator
        ``M⁻¹``, Hermitian positive definite, to be passed on as ``M=``.

    Raises
    ------
    ValueError
        If ``omega`` or the ordering is none, or a diagonal entry is not positive.
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix, or of a library without SciPy.

    Notes
    -----
    With ``A = L + D + Lᴴ``, ``M = ω/(2−ω) (D/ω + L) D⁻¹ (D/ω + Lᴴ)``. Applying it costs about two
    products with ``A``.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import cg
    >>> from structlin.matrices import GridOperator
    >>> A = GridOperator.laplacian((30, 30)).tosparse()
    >>> x, code = cg(A, np.ones(900), rtol=1e-8, M=ssor_preconditioner(A, 1.7))
    >>> bool(code == 0 and np.linalg.norm(A @ x - 1) < 1e-8 * 30)
    True
    """
    omega = require_omega(omega)
    stencil = isinstance(A, GridOperator)
    known = ("lexicographic", "red-black") if stencil else ("lexicographic",)
    if ordering not in known:  # others would permute the residuals
        raise ValueError(f"ordering is {ordering!r}: pass {' or '.join(map(repr, known))}")
    matrix = unwrapped(A)
    xp = namespace(matrix)
    linalg = scipy_of(xp, "sparse.linalg")
    dtype = inexact(xp.zeros(0, dtype=matrix.dtype), xp).dtype
    prepared = system(matrix, xp.zeros(matrix.shape[0], dtype=dtype), None, ordering)
    shape = prepared.b.shape

    def apply(r: Any) -> Any:
        # residuals are flat, or columns
        z = prepared.ssor(xp.reshape(xp.astype(r, dtype, copy=False), shape), omega)
        return xp.reshape(z, r.shape)

    return linalg.LinearOperator(matrix.shape, matvec=apply, rmatvec=apply, dtype=dtype)


def scipy_solver(function: Callable[..., Any], **fixed: Any) -> Solver:
    """Return a solver of SciPy in the form of those of this package.

    Parameters
    ----------
    function : callable
        ``scipy.sparse.linalg.cg``, ``gmres``, ``bicgstab``, ``minres``, or another one that takes
        ``x0``, ``maxiter`` and ``callback`` and returns ``(x, code)``.
    **fixed
        Arguments that are passed on in every call, such as ``restart``.

    Returns
    -------
    callable
        ``solver(A, b, *, x0, rtol, atol, maxiter, time_limit, callback, **options) -> Solution``,
        as `cg` of this package. Options go to the function, ``M`` among them.

    Raises
    ------
    TypeError
        If the function cannot be called.

    Notes
    -----
    Iterations are calls of the function's callback. The residual norms behind them cost a product
    with ``A`` each, but those of ``gmres``, which reports estimates of its own. The function is
    ended as soon as ``‖b − A x‖ ≤ max(rtol ‖b‖, atol)``, and nothing else counts as converged: if
    only the function itself thinks so, it has stagnated.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse.linalg
    >>> from structlin.matrices import GridOperator
    >>> solve = scipy_solver(scipy.sparse.linalg.cg)
    >>> solve(GridOperator.laplacian((8, 8)), np.ones(64)).converged
    True
    """
    require_callable("function", function)
    parameters = parameters_of(function)
    name = name_of(function)

    def solver(
        A: Any,
        b: Any,
        *,
        x0: Any = None,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 10_000,
        time_limit: float | None = None,
        callback: Callable[[Any], object] | None = None,
        **options: Any,
    ) -> Solution:
        operator = aslinearoperator(A)
        b, x0 = require_vectors(operator, b, x0)
        require_tolerances(rtol, atol, b)
        require_limits(maxiter, time_limit, callback)
        xp, unit = namespace(b), unit_of(b, x0)
        flat = xp.reshape(b, (-1,)) / unit
        x = xp.zeros_like(flat) if x0 is None else xp.reshape(x0, (-1,)) / unit
        target = max(rtol * norm(flat), atol / unit)

        def residual(x: Any) -> float:
            return norm(flat - operator.matvec(xp.reshape(x, (-1,))))

        def restored(x: Any) -> Any:
            return rescaled(xp.reshape(x, b.shape), unit)

        def solution(x: Any, status: Status, norms: list[float]) -> Solution:
            history = rescaled_norms(norms, unit)
            return Solution(restored(x), status, len(norms) - 1, history, {"function": name})

        first = residual(x)
        require_finite_start(first)
        if norm(flat) == 0 or first <= target:
            return solution(0 * x if norm(flat) == 0 else x, "converged", [first])
        if maxiter == 0:
            return solution(x, "max_iterations", [first])
        arguments = {**fixed, **options, "x0": x, "maxiter": int(maxiter)}
        arguments |= _tolerances(parameters, target)
        estimates = "callback_type" in parameters  # gmres: norms, relative to that of b
        if estimates:
            restart = min(arguments.get("restart") or _cycle, flat.shape[0], int(maxiter))
            cycles = -(-int(maxiter) // restart)  # which it counts
            arguments |= {"callback_type": "pr_norm", "restart": restart, "maxiter": cycles}

        def look(passed: Any) -> None:
            if callback is not None and not estimates:
                callback(restored(passed))
            if count.residual_norms[-1] <= target and not estimates:
                raise _End  # some functions have stopping tests of their own

        count = IterationCounter(
            (lambda passed: float(passed) * norm(flat)) if estimates else residual,
            time_limit=time_limit,
            callback=look,
        )
        status: Status = "time_limit"
        try:
            x, code = function(A, flat, callback=count, **arguments)
            status = "stagnated" if code == 0 else "max_iterations" if code > 0 else "breakdown"
        except _End:
            x = x if estimates or count.last is None else count.last
        last = residual(x)
        norms = [first, *count.residual_norms[:-1], last]
        if last <= target * (1 + 1e-6):
            status = "converged"
        return solution(x, status, norms)

    solver.__name__ = solver.__qualname__ = name
    return warns_unconverged(solver)


def _tolerances(parameters: Mapping[str, Any], target: float) -> dict[str, float]:
    """Return the target under the names that the function knows."""
    relative = "tol" if "rtol" not in parameters and "tol" in parameters else "rtol"
    if "atol" in parameters:
        return {relative: 0.0, "atol": target}
    return {relative: _least_tolerance}
