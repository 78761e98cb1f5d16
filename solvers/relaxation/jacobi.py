"""The damped Jacobi method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import LinearOperator, aslinearoperator, diagonal
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers._vectors import (
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    unit_of,
)
from structlin.solvers.relaxation._stationary import relaxed
from structlin.solvers.relaxation._systems import require_omega, require_positive


@warns_unconverged
def jacobi(
    A: Any,
    b: Any,
    *,
    omega: float = 1.0,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by the Jacobi method, damped by a factor.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, with a positive diagonal.
    b : (n,) array, or one in the shape of the grid of a `GridOperator`
        Right-hand side.
    omega : float, default 1
        Damping, ``0 < omega < 2``. It converges for a Hermitian positive definite ``A`` if
        ``omega < 2/λ_max(D⁻¹A)``, where the denominator lies between 1 and the number of entries
        in the fullest row. A smoother of multigrid takes about 2/3 to 4/5.
    x0 : array, optional
        Start; zero by default.
    rtol, atol : float
        The iteration stops after the first sweep with ``‖b − A x‖₂ < max(rtol · ‖b‖₂, atol)``,
        or before the first one if the start is there.
    maxiter : int, default 10_000
        Most sweeps.
    time_limit : float, optional
        Seconds after which no further sweeps begin.
    callback : callable, optional
        Called with the iterate after every sweep, in the shape of ``b``.

    Returns
    -------
    Solution
        With ``choices`` ``omega``; see `sor` for the status.

    Raises
    ------
    ValueError
        If ``omega`` is outside (0, 2), shapes disagree, entries are NaN or Inf, a diagonal entry
        is not positive, or the tolerance is beyond the precision of the data.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    ``x ← x + ω D⁻¹ (b − A x)``: one product with ``A`` a sweep, in which all entries are updated
    at once, so that it runs on every array library as it does on NumPy. The error is multiplied by
    ``I − ω D⁻¹A``; with eigenvalues of ``D⁻¹A`` in ``[λ, Λ]``, ``ω = 2/(λ + Λ)`` is best.

    References
    ----------
    D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press (1971).

    Examples
    --------
    >>> import numpy as np
    >>> jacobi(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0]), rtol=1e-3).iterations
    6
    """
    omega = require_omega(omega)
    operator = aslinearoperator(A)
    b, x0 = require_vectors(operator, b, x0)
    require_tolerances(rtol, atol, b)
    require_limits(maxiter, time_limit, callback)
    prepared = _Pointwise(operator, b, x0)
    return relaxed(prepared, omega, rtol, atol, maxiter, time_limit, callback, {"omega": omega})


class _Pointwise:
    """A linear system with its diagonal; vectors are flat."""

    def __init__(self, A: LinearOperator, b: Any, x0: Any) -> None:
        xp = namespace(b)
        self.unit = unit_of(b, x0)
        self.shape = b.shape
        self.diagonal = xp.astype(diagonal(A), b.dtype, copy=False)
        require_finite("the diagonal of A", self.diagonal)
        require_positive(self.diagonal)
        self.product = A.matvec
        self.b = xp.reshape(b, (-1,)) / self.unit
        self.x = xp.zeros_like(self.b) if x0 is None else xp.reshape(x0, (-1,)) / self.unit

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval."""
        step = omega / self.diagonal
        r = self.b - self.product(x)
        for k in range(1, norms.size):
            x = x + step * r
            r = self.b - self.product(x)
            norms[k] = norm(r)
            if not target <= norms[k] <= ceiling:
                return x, k
        return x, norms.size - 1

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape and unit of the right-hand side."""
        return rescaled(namespace(x).reshape(x, self.shape), self.unit)
