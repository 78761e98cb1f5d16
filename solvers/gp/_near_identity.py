"""Symmetric matrices near the identity: systems, and determinants, by products with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin.matrices import LinearOperator
from structlin.sketching._estimate import Estimate
from structlin.sketching._pcg import dots, pcg
from structlin.sketching._random import signs
from structlin.sketching.trace_of_function import trace_of_function

tolerance = 1e-12
"""Relative residual of all systems.

Weights are differences of values and mean in units of the noise. Where the noise is 1e-4 of the
variance of the function, they have two digits less than the mean.
"""

accepted = 1e-10
"""Relative residual that counts as converged: rounding errors may allow no smaller one."""

_restarts = 3
"""How often an iteration goes on from the residual itself, when that and the recurred one part."""

_probes = 12
"""Random vectors for a determinant."""


class Preconditioned(LinearOperator):
    """A matrix that is known by its products with blocks of columns, and symmetric."""

    def __init__(self, product: Callable[[Any], Any], size: int, like: Any) -> None:
        super().__init__((size, size), like=like)
        self._given = product

    def _matmat(self, X: Any) -> Any:
        return self._given(X)

    def _rmatmat(self, X: Any) -> Any:
        return self._given(X)


def conjugate_gradients(
    product: Callable[[Any], Any],
    B: Any,
    maxiter: int,
    *,
    patience: int | None = None,
    sizes: Any = None,
) -> tuple[Any, int, float]:
    """Solve ``M X = B`` column by column.

    Parameters
    ----------
    product : callable
        ``M`` times a block (n, k).
    B : (n, k) array
    maxiter : int
        Products at most, but for those that check.
    patience : int, optional
        Give up after so many if twice as many would not be enough, should residuals go on falling
        as they did.
    sizes : (k,) array, optional
        What residuals are compared with, instead of the norms of the right-hand sides.

    Returns
    -------
    X : (n, k) array
    iterations : int
    residual : float
        The largest norm of a residual in units of these sizes, computed from ``X``.
    """
    xp = namespace(B)
    units = xp.max(xp.abs(B), axis=0)  # squares of small residuals may leave the range
    units = xp.where(units > 0, units, xp.ones_like(units))
    B = B / units
    sizes = xp.sqrt(dots(B, B)) if sizes is None else sizes / units
    targets = tolerance * sizes
    sizes = xp.where(sizes > 0, sizes, xp.ones_like(sizes))

    looks = 0

    def done(R: Any) -> Any:
        nonlocal looks
        looks += 1
        norms = xp.sqrt(dots(R, R))
        if patience is not None and looks == patience + 1:
            hopeless = xp.any(norms > tolerance**0.5 * sizes)
            return (norms <= targets) | hopeless
        return norms <= targets

    X, R, iterations, residual = xp.zeros_like(B), B, 0, 1.0
    for _ in range(_restarts):
        step, taken = pcg(product, R, done, maxiter - iterations)
        X, iterations = X + step, iterations + taken
        R = B - product(X)
        before, residual = residual, float(xp.max(xp.sqrt(dots(R, R)) / sizes))
        ended = residual <= tolerance or iterations >= maxiter or not residual < before / 2
        if ended or iterations == patience:
            break
    return X * units, iterations, residual


def log_determinant(M: LinearOperator, seed: int) -> Estimate:
    """Return the logarithm of the determinant of a matrix whose trace is its size.

    Notes
    -----
    ``log det M = tr(log M − M + 1)``, since the trace of ``M`` is known. What is estimated is then
    of second order in ``M − 1``. By stochastic Lanczos quadrature [1]_.

    References
    ----------
    .. [1] S. Ubaru, J. Chen and Y. Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos
       quadrature", SIAM Journal on Matrix Analysis and Applications 38 (2017).
    """
    xp = M.xp
    tiny = float(xp.finfo(xp.float64).smallest_normal)

    def remainder(nodes: Any) -> Any:
        positive = xp.where(nodes > tiny, nodes, xp.full_like(nodes, tiny))
        return xp.log(positive) - positive + 1

    return trace_of_function(M, remainder, method="slq", probes=_probes, rng=seed)


def random_signs(rows: int, columns: int, seed: int, stream: int, like: Any) -> Any:
    """Return a (rows, columns) array of random signs in float64."""
    xp = namespace(like)
    return signs(seed, stream, 0, rows, columns, xp, like.device, xp.float64)
