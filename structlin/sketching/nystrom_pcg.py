"""Conjugate gradients for shifted positive semidefinite systems, preconditioned by Nyström."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

from structlin._norm import column_norms
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._lstsq_driver import operands
from structlin.sketching._pcg import pcg
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.nystrom import nystrom

# rank that an adaptive preconditioner begins with
_first = 32
# residuals are computed anew, and the iteration begins anew from there, so often
_restarts = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class ShiftedSolution(Report):
    """The solution of ``(A + μ I) x = b``.

    Attributes
    ----------
    x : (n,) or (n, k) array
        The solution.
    rank : int
        Rank of the preconditioner.
    eigenvalues : (rank,) array
        The largest eigenvalues of ``A``, as the preconditioner has them.
    error_estimate : float
        The largest relative residual ``‖b − (A + μ I) x‖ / ‖b‖``, computed with ``x`` itself.
    """

    x: Any
    rank: int
    eigenvalues: Any

    def __repr__(self) -> str:
        return (
            f"<ShiftedSolution x {tuple(self.x.shape)} by {self.method}: {self.iterations} "
            f"iterations, relative residual {self.error_estimate:.2g}>"
        )


def nystrom_cg(
    A: Any,
    b: Any,
    mu: float,
    *,
    rank: int | None = None,
    rtol: float = 1e-8,
    maxiter: int = 1000,
    rng: Any = None,
) -> ShiftedSolution:
    """Solve ``(A + μ I) x = b`` for a Hermitian positive semidefinite ``A``.

    Parameters
    ----------
    A : (n, n) array, sparse matrix or operator
        The matrix, positive semidefinite.
    b : (n,) or (n, k) array
        Right-hand side, or several.
    mu : float
        The shift, positive.
    rank : int, optional
        Rank ``ℓ`` of the preconditioner. By default 32, doubled until ``λ_ℓ ≤ 10 μ`` or it has
        reached ``n/4``.
    rtol : float
        The iteration stops when ``‖b − (A + μ I) x‖ ≤ rtol ‖b‖`` for every right-hand side.
    maxiter : int
        Most iterations.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketch.

    Returns
    -------
    ShiftedSolution
        With ``x``.

    Raises
    ------
    ValueError
        If ``A`` is not square, ``mu`` is not positive, shapes disagree, or there is a NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    With the Nyström approximation ``U Λ Uᴴ`` of ``A``, the preconditioner is

        ``P⁻¹ = (λ_ℓ + μ) U (Λ + μ I)⁻¹ Uᴴ + (I − U Uᴴ)``.

    Where ``ℓ`` is twice the effective dimension ``tr A (A + μ I)⁻¹`` and more, the condition number
    is below a constant, and the number of iterations does not depend on ``A``. Cost: a product
    with ``A`` for each column of the approximation and for each iteration.

    References
    ----------
    Z. Frangella, J. A. Tropp and M. Udell, "Randomized Nyström preconditioning", SIAM J. Matrix
    Anal. Appl. 44 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag(2.0 ** -np.arange(200))
    >>> nystrom_cg(A, np.ones(200), 1e-6, rng=0).iterations < 20
    True
    """
    A, B, vector = operands(A, b)
    xp, n = A.xp, A.shape[0]
    if n != A.shape[1]:
        raise ValueError(f"A is {size_text(A.shape)}: a square matrix is needed")
    if getattr(mu, "ndim", 0) or not 0 < mu < math.inf:
        raise ValueError(f"mu is {mu}: a positive number is needed")
    if not rtol > 0:
        raise ValueError(f"rtol is {rtol}: a positive number is needed")

    mu, rtol, seed = float(mu), float(rtol), seed_of(rng)
    U, s, built = _approximation(A, mu, rank, seed)
    dtype = xp.result_type(A.dtype, B.dtype)
    B = xp.astype(B, dtype, copy=False)
    units = column_norms(B)
    B = B / xp.where(units > 0, units, 1)
    U = xp.astype(U, dtype, copy=False)
    Uh = adjoint_of(U, xp)
    least = xp.min(s) if s.shape[0] else 0.0
    shrink = (least + mu) / (s + mu) - 1

    def product(X: Any) -> Any:
        return A @ X + mu * X

    def precondition(R: Any) -> Any:
        return R + U @ (shrink[:, None] * (Uh @ R))

    X, R, iterations, passes = xp.zeros_like(B), B, 0, built
    error = float(xp.max(column_norms(R))) if R.shape[1] else 0.0
    for _ in range(_restarts):
        if error <= rtol or iterations >= maxiter:
            break
        change, steps = pcg(
            product,
            R,
            lambda R: column_norms(R) <= 0.9 * rtol,
            maxiter - iterations,
            precondition,
        )
        X = X + change
        R = B - product(X)
        iterations += steps
        passes += steps + 1
        last, error = error, float(xp.max(column_norms(R)))
        if not error < last / 2:
            break
    x = X * units
    report = ShiftedSolution(
        x=x[:, 0] if vector else x,
        rank=s.shape[0],
        eigenvalues=s,
        method=f"conjugate gradients, Nyström preconditioner of rank {s.shape[0]}",
        converged=error <= rtol,
        error_estimate=error,
        passes=passes,
        iterations=iterations,
        seed=seed,
    )
    warn_unconverged(report, "raise rank, maxiter or rtol")
    return report


def _approximation(A: Any, mu: float, rank: int | None, seed: int) -> tuple[Any, Any, int]:
    """Return ``U`` and ``Λ`` of the Nyström approximation, and the passes it took."""
    n = A.shape[0]
    passes = 0
    size = min(n, _first) if rank is None else operator.index(rank)
    while True:
        found = nystrom(A, size, rng=seed)
        passes += found.passes
        done = rank is not None or size == n or 4 * size > n
        if done or float(A.xp.min(found.w)) <= 10 * mu:
            return found.V, found.w, passes
        size = min(n, 2 * size)
