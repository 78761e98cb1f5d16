"""The conjugate gradient method, plain and preconditioned."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin._norm import norm
from structlin._validation import inexact
from structlin.matrices import LinearOperator, aslinearoperator
from structlin.solvers._solution import Solution, Status, warns_unconverged
from structlin.solvers._vectors import (
    require_finite_start,
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    rescaled_norms,
    unit_of,
)

Vector = Any


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
        residual that returns a vector of its shape.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.

    Returns
    -------
    Solution
        Status ``"breakdown"``: ``pᴴ A p ≤ 0`` or ``rᴴ M⁻¹ r ≤ 0`` was met, so matrix or
        preconditioner is not positive definite.

    Raises
    ------
    ValueError
        If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, or the tolerance is beyond
        the precision of the data.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    One product with ``A``, one application of the preconditioner and five vector operations an
    iteration. The residual is carried along by recursion; convergence is checked with the
    residual itself, and the iteration restarts from there if the two have drifted apart.

    References
    ----------
    M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear systems",
    J. Res. Natl. Bur. Stand. 49 (1952), section 3.

    Examples
    --------
    >>> import numpy as np
    >>> cg(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])).iterations
    2
    """
    operator = aslinearoperator(A)
    b, x0 = require_vectors(operator, b, x0)
    require_tolerances(rtol, atol, b)
    require_limits(maxiter, time_limit, callback)
    xp = namespace(b)
    unit = unit_of(b, x0)
    flat = xp.reshape(b, (-1,)) / unit
    start = xp.zeros_like(flat) if x0 is None else xp.reshape(x0, (-1,)) / unit

    def restored(x: Vector) -> Vector:
        return rescaled(xp.reshape(x, b.shape), unit)

    return pcg(
        operator.matvec,
        _application(preconditioner),
        flat,
        start,
        max(rtol * norm(flat), atol / unit),
        maxiter,
        time_limit,
        callback,
        restored,
        unit,
        {},
    )


def _application(preconditioner: Any) -> Callable[[Vector], Vector] | None:
    """Return the user's preconditioner as a function whose result is checked."""
    if preconditioner is None:
        return None
    known = isinstance(preconditioner, LinearOperator) or hasattr(preconditioner, "matvec")
    is_function = callable(preconditioner) and not known
    apply = preconditioner if is_function else aslinearoperator(preconditioner).matvec

    def application(r: Vector) -> Vector:
        xp = namespace(r)
        z = apply(xp.asarray(r, copy=True))
        if getattr(z, "shape", None) != r.shape or namespace(z, r) is not xp:
            raise TypeError(
                f"preconditioner gave a {type(z).__name__} of shape {getattr(z, 'shape', None)}: "
                f"it must return an array of shape {r.shape} of the library of b"
            )
        z = inexact(z, xp)
        if xp.isdtype(z.dtype, "complex floating") and not xp.isdtype(r.dtype, "complex floating"):
            raise TypeError("preconditioner gave complex numbers, but A and b are real")
        return xp.astype(z, r.dtype, copy=False)

    return application


def pcg(
    product: Callable[[Vector], Vector],
    precondition: Callable[[Vector], Vector] | None,
    b: Vector,
    x: Vector,
    target: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
    restored: Callable[[Vector], Any],
    unit: float,
    choices: dict[str, Any],
) -> Solution:
    """Run preconditioned conjugate gradients on checked vectors of any one shape.

    ``restored`` gives an iterate the shape, order and unit that the user knows.
    """
    begin = time.perf_counter()
    norms = [0.0]

    def solution(x: Vector, status: Status) -> Solution:
        history = rescaled_norms(norms, unit)
        return Solution(restored(x), status, len(norms) - 1, history, choices)

    if norm(b) == 0:
        return solution(0 * b, "converged")
    r = b - product(x)
    norms[0] = norm(r)
    require_finite_start(norms[0])
    if norms[0] <= target:
        return solution(x, "converged")
    p, previous = None, 1.0
    for _ in range(maxiter):
        z = r if precondition is None else precondition(r)
        rz = _dot(r, z)
        if not rz > 0:  # NaN too
            return solution(x, "breakdown")
        p = z if p is None else z + (rz / previous) * p
        previous = rz
        q = product(p)
        curvature = _dot(p, q)
        if not curvature > 0:
            return solution(x, "breakdown")
        x = x + (rz / curvature) * p
        r = r - (rz / curvature) * q
        norms.append(norm(r))
        if callback:
            callback(restored(x))
        if norms[-1] <= target:
            r = b - product(x)
            norms[-1] = norm(r)
            if norms[-1] <= target * (1 + 1e-6):
                return solution(x, "converged")
            p = None
        if time_limit is not None and time.perf_counter() - begin >= time_limit:
            return solution(x, "time_limit")
    return solution(x, "max_iterations")


def _dot(a: Vector, b: Vector) -> float:
    """Return the real part of ``aᴴ b`` for vectors of any one shape."""
    xp = namespace(a, b)
    if xp.isdtype(a.dtype, "complex floating"):
        return float(xp.sum(xp.real(xp.conj(a) * b)))
    return float(xp.sum(a * b))
