"""Regression in p-norms: on rows sampled by Lewis weights, and on all rows."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

from structlin.matrices import Dense
from structlin.sketching._l1_interior import least_absolute
from structlin.sketching._lp_newton import gap_of, minimise, negligible_norm, p_norm
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_driver import operands, scaled_back
from structlin.sketching._lstsq_problem import Problem
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.lewis import lewis_weights
from structlin.sketching.sample_rows import sample_rows


@dataclass(frozen=True, eq=False, kw_only=True)
class LpRegression(Report):
    """The solution of a regression in a p-norm.

    Attributes
    ----------
    x : (n,) array
        The solution.
    residual_norm : float
        ``‖b − A x‖_p``.
    sampled : int
        Rows that were sampled; 0 for none.
    error_estimate : float
        The gap of duality: ``‖b − A x‖_p`` exceeds the least possible by this part of itself at
        most.
    """

    x: Any
    residual_norm: float
    sampled: int

    def __repr__(self) -> str:
        return (
            f"<LpRegression x {tuple(self.x.shape)} by {self.method}: norm "
            f"{self.residual_norm:.6g}, gap {self.error_estimate:.2g}>"
        )


def lp_regression(
    A: Any,
    b: Any,
    p: float,
    *,
    method: str = "full",
    rows: int | None = None,
    rtol: float | None = None,
    maxiter: int = 200,
    rng: Any = None,
) -> LpRegression:
    """Minimise ``‖b − A x‖_p``, for ``1 ≤ p < ∞``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, real, of any rank.
    b : (m,) array
        Right-hand side, real.
    p : float
        The norm, at least 1 and finite.
    method : {"full", "sample"}
        "sample" solves with the rows that Lewis weights pick; "full" begins there, and goes on
        with all rows.
    rows : int, optional
        How many rows are picked. By default ``20 n^{max(1, p/2)} log(n + 1)``. None are, where
        that is more than a quarter of them.
    rtol : float, optional
        Relative gap of duality to reach ("full") on all rows, or on the sample. By default 1e-8,
        or 1e-4 in single precision.
    maxiter : int
        Most steps, on the sample and on all rows.
    rng : None, int or numpy.random.Generator, optional
        Gives sketch and sample.

    Returns
    -------
    LpRegression
        With ``x`` and a proved gap.

    Raises
    ------
    ValueError
        If ``p`` is less than 1 or not finite, shapes disagree, or there is a NaN or Inf.
    TypeError
        If ``A`` or ``b`` is complex.

    Warns
    -----
    ConvergenceWarning
        If the gap stays above ``rtol``.

    Notes
    -----
    In coordinates ``W`` in which ``A W`` is nearly orthonormal, Newton's method minimises
    ``Σ (rᵢ² + ε²)^{p/2}`` with ``ε → 0``, from the solution of least squares or of the sample; for
    ``p = 1``, Mehrotra's interior-point method solves the linear program. The gap is that between
    ``‖r‖_p`` and the value of a feasible point of the dual problem, ``max bᵀv`` where ``Aᵀv = 0``
    and ``‖v‖_q ≤ 1``: it holds whatever happened before. What rounding makes of ``A x`` is added,
    which grows with the condition number of ``A``. For ``p`` between 1 and 1.1, rounding of
    residuals near zero leaves a gap: about 1e-3 at 1.01.

    Cost: ``2 m n²`` operations a step; ``A W`` is held as an array.

    A sample of ``O(n^{max(1, p/2)} log n/ε²)`` rows changes the norms of all residuals by
    ``1 ± ε`` [1]_.

    References
    ----------
    .. [1] M. B. Cohen and R. Peng, "Lp row sampling by Lewis weights", STOC 2015.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 1, 101)
    >>> b = 1 + 2 * t
    >>> b[::10] += 50  # outliers
    >>> lp_regression(np.stack([t**0, t], axis=1), b, 1).x.round(6)
    array([1., 2.])
    """
    A, B, vector = operands(A, b)
    xp, (m, n) = A.xp, A.shape
    p = float(p)
    if not 1 <= p < math.inf:
        raise ValueError(f"p is {p}: a finite number of at least 1 is needed")
    if method not in ("full", "sample"):
        raise ValueError(f"method is {method!r}: choose 'full' or 'sample'")
    if not vector:
        raise ValueError(f"b has shape {tuple(B.shape)}: one right-hand side ({m},) is needed")
    if A.is_complex or xp.isdtype(B.dtype, "complex floating"):
        raise TypeError("A and b have to be real: the modulus of complex numbers is not supported")
    B = xp.astype(B, xp.result_type(A.dtype, B.dtype), copy=False)
    eps = float(xp.finfo(B.dtype).eps)
    rtol = (1e-8 if eps < 1e-10 else 1e-4) if rtol is None else float(rtol)
    if not 0 < rtol < 1:
        raise ValueError(f"rtol is {rtol}: a number between 0 and 1 is needed")
    maxiter = operator.index(maxiter)
    rows = None if rows is None else operator.index(rows)
    if maxiter < 0 or (rows is not None and rows < 1):
        raise ValueError(f"maxiter is {maxiter} and rows {rows}: at least 0 and 1 are needed")
    seed = seed_of(rng)

    problem = Problem(A, B)
    tall = m > 8 * n > 0
    # a short matrix is its own sketch
    sketch = problem.sketch(8 * max(2, math.ceil(n / 2)) if tall else m, seed)
    found = Coordinates.of_matrix(*sketch, 0.0, 15 * eps, xp)
    Q = xp.astype(A @ found.basis, B.dtype, copy=False)
    b = problem.B[:, 0]
    y = xp.linalg.solve(xp.matrix_transpose(Q) @ Q, xp.matrix_transpose(Q) @ b[:, None])[:, 0]

    # the logarithm of n^{max(1, p/2)}, which may exceed the range
    power = max(1.0, p / 2) * math.log(max(n, 1))
    wanted = math.ceil(20 * math.exp(min(power, math.log(m + 1))) * math.log(n + 1))
    count = wanted if rows is None else rows
    sampled = count if 0 < count <= m / 4 and n else 0
    solver = "interior points" if p == 1 else "Newton's method"
    said, steps, converged = f"{solver} on all rows", 0, True
    if sampled:
        weights = lewis_weights(Dense(Q), p, method="sketched", tol=0.1, rng=seed)
        S = sample_rows(weights, sampled, rng=seed)
        # a row drawn with weight w in squares has w^{2/p} in p-th powers
        factors = S.weights ** (2 / p)
        part = factors[:, None] * xp.take(Q, S.indices, axis=0)
        target = rtol if method == "sample" else max(rtol, 1e-2)
        y, gap, steps = _minimise(part, factors * xp.take(b, S.indices), y, p, target, maxiter)
        said = f"{solver} on {sampled} rows by Lewis weights"
        converged = gap <= rtol
    if sampled and method == "sample":
        gap = gap_of(Q, b, y, p)
    else:
        said += " and on all rows" if sampled else ""
        y, gap, more = _minimise(Q, b, y, p, rtol, maxiter)
        steps += more
    X = found.shortest(found.basis @ y[:, None], xp)
    norm = p_norm(b - xp.astype(A @ X, B.dtype, copy=False)[:, 0], p)
    if norm > negligible_norm(Q, b, y, p):
        # by rounding, A x is another vector than Q y
        gap += abs(norm - p_norm(b - Q @ y, p)) / norm
    if method == "full" or not sampled:
        converged = gap <= rtol
    x, norm = scaled_back(X[:, 0], norm, problem.units[0])
    report = LpRegression(
        x=x,
        residual_norm=float(norm),
        sampled=sampled,
        method=said,
        converged=converged,
        error_estimate=gap,
        passes=3,
        iterations=steps,
        seed=seed if tall or sampled else None,
    )
    warn_unconverged(report, "raise maxiter or rtol")
    return report


def _minimise(Q: Any, b: Any, y: Any, p: float, rtol: float, maxiter: int) -> Any:
    if p == 1:
        return least_absolute(Q, b, y, rtol, maxiter)
    return minimise(Q, b, y, p, rtol, maxiter)
