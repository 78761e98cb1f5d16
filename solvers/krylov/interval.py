"""The interval that holds the spectrum of a Hermitian matrix, by Lanczos' iteration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._errors import ConvergenceError
from structlin._validation import require_count, require_finite
from structlin.matrices import LinearOperator, aslinearoperator
from structlin.solvers.krylov._run import Measured, application, eps_of, real_dot


def spectral_interval(
    A: Any, *, preconditioner: Any = None, steps: int = 20, rng: Any = None
) -> tuple[float, float]:
    """Estimate the least and the greatest eigenvalue of ``A``, or of ``M⁻¹ A``.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, Hermitian.
    preconditioner : operator or callable, optional
        ``M⁻¹``, Hermitian positive definite: an operator (applied by ``@``), or a function of a
        vector, (n,), that returns one of its shape.
    steps : int, default 20
        Products with ``A``.
    rng : numpy.random.Generator, int or None
        Source of the start vector.

    Returns
    -------
    low, high : float
        ``low`` is the least Ritz value, which is not below the least eigenvalue and, after few
        steps, far above it if the matrix is ill-conditioned; ``high`` is the greatest Ritz value
        plus the norm of its residual, and mostly just above the greatest eigenvalue.

    Raises
    ------
    ValueError
        If ``A`` is not square, or has a NaN or Inf, or the preconditioner is not positive
        definite.
    ConvergenceError
        If what ``A`` returns overflows.

    Notes
    -----
    One product, one application of the preconditioner and five vector operations a step.

    References
    ----------
    Y. Zhou and R.-C. Li, "Bounding the spectrum of large Hermitian matrices", Linear Algebra
    Appl. 435 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> low, high = spectral_interval(np.diag([1.0, 2.0, 5.0]), rng=0)
    >>> round(low, 6), round(high, 6)
    (1.0, 5.0)
    """
    steps = require_count("steps", steps)
    A = aslinearoperator(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A is {A.shape[0]}x{A.shape[1]}: a square matrix is needed")
    if A.shape[0] == 0:
        raise ValueError("A is 0x0: it has no eigenvalues")

    def product(v: Any) -> Any:
        w = A.matvec(v)
        require_finite("A @ x", w)
        return w

    measured = Measured(product)
    diagonal, beside = _tridiagonal(A, measured, preconditioner, min(steps, A.shape[0]), rng)
    scale = max(map(abs, diagonal + beside)) or 1.0
    if not math.isfinite(4 * scale * measured.unit):  # no eigenvalue of T is beyond
        raise ConvergenceError(f"the spectrum of {A!r} overflows: scale A")
    T = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(T / scale)
    left = abs(beside[-1] * vectors[-1, -1])
    low, high = float(values[0]) * scale, float(values[-1]) * scale + float(left)
    return low * measured.unit, high * measured.unit


def _tridiagonal(
    A: LinearOperator, product: Measured, preconditioner: Any, steps: int, rng: Any
) -> tuple[list[float], list[float]]:
    """Return the entries of Lanczos' matrix, on the diagonal and below it in the same column.

    They are in the unit of the products.
    """
    xp = A.xp
    start = np.random.default_rng(rng).standard_normal(A.shape[0])
    start /= np.linalg.norm(start)
    u = xp.asarray(start, dtype=A.dtype, device=A.device)
    precondition = application("preconditioner", preconditioner)
    u_old, beta_old = 0 * u, 1.0
    z = u if precondition is None else precondition(u)
    beta = _root(real_dot(u, z))
    if beta == 0:
        raise ValueError("preconditioner is not positive definite: rᴴ M⁻¹ r = 0 was met")
    diagonal: list[float] = []
    beside: list[float] = []
    largest = 0.0
    for _ in range(steps):
        v = z / beta
        w = product(v) - (beta / beta_old) * u_old
        diagonal.append(real_dot(v, w))
        u_old, u = u, w - (diagonal[-1] / beta) * u
        z = u if precondition is None else precondition(u)
        largest = max(largest, abs(diagonal[-1]))
        beta_old, beta = beta, _root(real_dot(u, z), 10 * eps_of(u) * largest * largest)
        beside.append(beta)
        largest = max(largest, beta)
        if beta <= 10 * eps_of(u) * largest:
            break  # the space is invariant
    return diagonal, beside


def _root(square: float, rounding: float = 0.0) -> float:
    if not -rounding <= square < math.inf:  # NaN too
        raise ValueError(f"preconditioner is not positive definite: rᴴ M⁻¹ r = {square:g} was met")
    return math.sqrt(max(square, 0.0))
