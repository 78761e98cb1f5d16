"""Chebyshev's semi-iterative method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._norm import norm
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers.krylov._chebyshev import Recurrence, require_interval
from structlin.solvers.krylov._run import Run, Vector, eps_of, prepared, real_dot
from structlin.solvers.krylov.interval import spectral_interval

# chosen by trial on Laplacians in one to three dimensions and on diffusion with random coefficients
_window = 20  # iterations over which a rate is observed
_slower = 0.7  # a rate is too slow below this share of the expected logarithm
_lower = 4.0  # how much lower than Rayleigh's quotient the rate may place an eigenvalue
_beyond = 1.05  # the interval is made to reach beyond an eigenvalue that was found outside


@warns_unconverged
def chebyshev_iteration(
    A: Any,
    b: Any,
    *,
    interval: tuple[float, float] | None = None,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    preconditioner: Any = None,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
    rng: Any = None,
) -> Solution:
    """Solve ``A x = b`` by Chebyshev's method, for a Hermitian positive definite ``A``.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid of a `GridOperator`
        Right-hand side.
    interval : (float, float), optional
        ``(low, high)``, between which the eigenvalues of ``A`` are, or those of ``M⁻¹ A`` with a
        preconditioner. By default it is estimated by `spectral_interval`, and widened whenever
        the observed rate tells of an eigenvalue outside.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
    maxiter : int, default 10_000
        Most iterations.
    preconditioner : operator or callable, optional
        ``M⁻¹``, Hermitian positive definite: an operator (applied by ``@``), or a function of the
        residual, (n,), that returns a vector of its shape.
    time_limit : float, optional
        Seconds after which no further iteration begins.
    callback : callable, optional
        Called with the iterate after every iteration, in the shape of ``b``.
    rng : numpy.random.Generator, int or None
        Source of the vector from which the interval is estimated.

    Returns
    -------
    Solution
        With ``choices`` ``interval``: the last one used, if any. Status ``"diverged"``:
        eigenvalues are outside the interval given; ``"breakdown"``: the estimated interval is not
        positive, so ``A`` is not positive definite; ``"stagnated"``: rounding errors keep the
        residual above the tolerance.

    Raises
    ------
    ValueError
        If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, the tolerance is beyond
        the precision of the data, or the interval is not positive.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    The residual after ``k`` iterations is ``T_k((h + l − 2 A M⁻¹)/(h − l)) r₀ / T_k((h + l)/(h −
    l))``, with Chebyshev's polynomial ``T_k`` and the interval ``(l, h)``. One product with ``A``,
    one application of the preconditioner and four vector operations an iteration; no inner
    products, other than the norms that are reported. An estimate costs 20 products more.

    References
    ----------
    Y. Saad, *Iterative Methods for Sparse Linear Systems*, SIAM (2003), algorithm 12.1.
    T. A. Manteuffel, "The Tchebychev iteration for nonsymmetric linear systems", Numer. Math. 28
    (1977).

    Examples
    --------
    >>> import numpy as np
    >>> A, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    >>> chebyshev_iteration(A, b, interval=(2.3, 4.7)).converged
    True
    """
    ends = None if interval is None else require_interval(interval)
    run = prepared(A, b, x0, rtol, atol, maxiter, time_limit, callback, preconditioner, {})
    r = run.start()
    if r is None:
        return run.solution(run.x, "converged")
    if ends is None:
        ends = spectral_interval(A, preconditioner=preconditioner, rng=rng)
    run.choices["interval"] = ends
    if interval is None and not ends[0] > eps_of(r) * ends[1]:  # zero, but for rounding errors
        return run.solution(run.x, "breakdown")
    return _iterate(run, r, *ends, adaptive=interval is None)


def _iterate(run: Run, r: Vector, low: float, high: float, *, adaptive: bool) -> Solution:
    x = run.x
    ceiling = max(run.norms[0], run.target) / eps_of(r) ** 0.5
    recurrence, since = Recurrence(low, high), 0
    while len(run.norms) <= run.maxiter:
        step = recurrence.step(r if run.precondition is None else run.precondition(r))
        x = x + step
        r = r - run.product(step)
        run.norms.append(norm(r))
        run.show(x)
        since += 1
        if run.norms[-1] <= run.target:
            x, r, status = run.checked(x)
            if status is not None:
                return run.solution(x, status)
            recurrence, since = Recurrence(low, high), 0
        elif not run.norms[-1] <= ceiling:
            return run.solution(x, "diverged")
        elif adaptive and since >= 2 * _window:
            rate = (run.norms[-1] / run.norms[-1 - _window]) ** (1 / _window)
            if rate > recurrence.rate**_slower:
                # what is left belongs to eigenvalues outside: Rayleigh's quotient finds them
                v = r / run.norms[-1]
                z = v if run.precondition is None else run.precondition(v)
                found = real_dot(z, run.product(z)) / real_dot(z, v)
                if not found > 0:
                    return run.solution(x, "breakdown")
                high = max(high, _beyond * found)
                if found < low:  # a mean of what is there, so the least may be lower still
                    low = max(recurrence.below(rate), found / _lower) / _beyond
                if run.choices["interval"] != (low, high):
                    run.choices["interval"] = (low, high)
                    recurrence, since = Recurrence(low, high), 0
            since = min(since, _window)
        if run.late():
            return run.solution(x, "time_limit")
    return run.solution(x, "max_iterations")
