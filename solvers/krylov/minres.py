"""The minimum residual method for Hermitian matrices, definite or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from structlin._norm import norm
from structlin.solvers._solution import Solution, Status, warns_unconverged
from structlin.solvers.krylov._run import Measured, Run, Vector, eps_of, prepared, real_dot


@warns_unconverged
def minres(
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
    """Solve ``A x = b`` by the minimum residual method, for a Hermitian ``A``.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, Hermitian; it may be indefinite, or singular if the system has a solution.
    b : (n,) array, or one in the shape of the grid of a `GridOperator`
        Right-hand side.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
    maxiter : int, default 10_000
        Most iterations.
    preconditioner : operator or callable, optional
        ``M⁻¹``, Hermitian positive definite: an operator (applied by ``@``), or a function of a
        vector, (n,), that returns one of its shape.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.

    Returns
    -------
    Solution
        Status ``"stagnated"``: rounding errors keep the residual above the tolerance, or ``A`` is
        singular and no vector solves the system, in which case ``x`` is one whose residual is about
        the least in the norm of ``M⁻¹``;
        ``"breakdown"``: ``rᴴ M⁻¹ r ≤ 0`` was met, so the preconditioner is not positive
        definite.

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
    Lanczos' iteration makes ``A`` tridiagonal, Givens rotations make that triangular. The iterate
    minimises ``‖b − A x‖`` in the norm of ``M⁻¹``; the norm reported is the Euclidean one. One
    product with ``A``, one application of the preconditioner and about eight vector operations an
    iteration, ten with a preconditioner. Convergence is checked with the residual itself, and the
    iteration restarts from there if the two have drifted apart.

    References
    ----------
    C. C. Paige and M. A. Saunders, "Solution of sparse indefinite systems of linear equations",
    SIAM J. Numer. Anal. 12 (1975).

    Examples
    --------
    >>> import numpy as np
    >>> minres(np.array([[4.0, 1.0], [1.0, -3.0]]), np.array([1.0, 2.0])).iterations
    2
    """
    run = prepared(A, b, x0, rtol, atol, maxiter, time_limit, callback, preconditioner, {})
    r = run.start()
    x, largest, status = run.x, 0.0, None
    product = Measured(run.product)
    if r is None:
        return run.solution(x, "converged")
    while True:
        x, largest, status = _lanczos(run, product, x, r, largest)
        if status is None:
            x, r, status = run.checked(x)
        if status is not None:
            return run.solution(x, status)


def _lanczos(
    run: Run, product: Measured, x: Vector, r: Vector, largest: float
) -> tuple[Vector, float, Status | None]:
    """Iterate from a residual, until something ends the run or (None) the residual must be checked.

    ``largest`` is the norm of the largest column of the tridiagonal matrices so far, in the unit
    of the products.
    """
    rounding, flat = 10 * eps_of(r), eps_of(r) ** 0.4  # tried on singular systems
    size = norm(r)
    # the Lanczos vectors u are orthonormal in the product of M⁻¹ once they are divided by beta
    u, u_old = r / size, 0 * r
    z = u if run.precondition is None else run.precondition(u)
    square = real_dot(u, z)
    if not 0 < square < math.inf:
        return x, largest, "breakdown"
    beta, beta_old, coupling = math.sqrt(square), 1.0, 0.0
    left = beta * size  # the norm of the residual in that product; the vector is left * residual
    residual = u / beta
    w, w_old = 0 * r, 0 * r
    # of the last rotation, and what the last two leave in the next column
    cosine, sine, delta_bar, epsilon = -1.0, 0.0, 0.0, 0.0
    lowest = math.inf, x
    while len(run.norms) <= run.maxiter:
        v = z / beta
        new = product(v) - (beta / beta_old) * u_old
        alpha = real_dot(v, new)
        u_old, u = u, new - (alpha / beta) * u
        z = u if run.precondition is None else run.precondition(u)
        square = real_dot(u, z)
        largest = max(largest, math.hypot(coupling, alpha))
        if not -rounding * largest * largest <= square < math.inf:
            return x, largest, "breakdown"
        beta_old, beta = beta, math.sqrt(max(square, 0.0))
        coupling = beta
        largest = max(largest, beta)
        epsilon_old, epsilon = epsilon, sine * beta
        delta = cosine * delta_bar + sine * alpha
        gamma_bar, delta_bar = sine * delta_bar - cosine * alpha, -cosine * beta
        slope = math.hypot(gamma_bar, delta_bar)  # ‖A r‖ / ‖r‖
        if slope <= lowest[0]:
            lowest = slope, x
        if slope <= rounding * largest or lowest[0] < min(0.1 * slope, flat * largest):
            return lowest[1], largest, None  # no vector has a smaller residual
        gamma = math.hypot(gamma_bar, beta)
        cosine, sine = gamma_bar / gamma, beta / gamma
        w_old, w = w, (v - epsilon_old * w_old - delta * w) / gamma
        x = x + (cosine * left / product.unit) * w
        left *= sine
        if run.precondition is None:
            run.norms.append(left)
        else:
            if beta > 0:
                residual = sine * residual - (cosine / beta) * u
            run.norms.append(left * norm(residual))
        run.show(x)
        if run.norms[-1] <= run.target or beta <= rounding * largest:
            return x, largest, None
        if run.late():
            return x, largest, "time_limit"
    return x, largest, "max_iterations"
