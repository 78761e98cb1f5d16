"""Least squares with Tikhonov's regularisation, by sketching."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.sketching._lstsq_driver import LeastSquares, regularised


def ridge(
    A: Any,
    b: Any,
    mu: Any,
    *,
    method: str = "auto",
    oversampling: float | None = None,
    tol: float | None = None,
    rcond: float | None = None,
    rng: Any = None,
) -> LeastSquares:
    """Minimise ``‖b − A x‖² + μ ‖x‖²``, for a matrix with many more rows than columns.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank.
    b : (m,) or (m, k) array
        Right-hand side, or several.
    mu : float or sequence of q floats
        The regularisation, at least 0, or several of them, which share the sketch of ``A``, and
        with "cholqr" also its Gram matrix.
    method, oversampling, tol, rcond, rng
        As for `lstsq`; singular values are those of ``[A; √μ I]``. Where ``√μ`` is more than 100
        times the norm of ``A``, ``tol`` is relative to the latter.

    Returns
    -------
    LeastSquares
        With ``x``: (n,) or (n, k); for several regularisations (q, n) or (q, n, k). Then `rank`
        and `condition` are (q,) arrays of NumPy, and the rest of the report is of all of them
        together. The residual norms are those of ``[b − A x; √μ x]``, and the backward error is
        that of the least squares problem with ``[A; √μ I]``.

    Raises
    ------
    ValueError
        If a ``mu`` is negative or not finite, shapes disagree, or there is a NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If the backward error stays above ``tol`` and 10 ``eps``.

    Notes
    -----
    The triangle of the sketch is that of ``[S A; √μ I]``: what is known exactly is not sketched.

    Examples
    --------
    >>> import numpy as np
    >>> A, b = np.eye(100, 2), np.ones(100)
    >>> ridge(A, b, [0.0, 1.0], rng=0).x.round(12)
    array([[1. , 1. ],
           [0.5, 0.5]])
    """
    mus = np.asarray(mu)
    known = mus.dtype.kind in "biuf" and mus.ndim <= 1 and mus.size > 0
    if not known or not np.all(np.isfinite(mus) & (mus >= 0)):
        raise ValueError(f"mu is {mu!r}: a number >= 0 is needed, or a sequence of them")
    shifts = [math.sqrt(value) for value in mus.reshape(-1)]
    reports = regularised(A, b, shifts, method, oversampling, tol, rcond, rng)
    if mus.ndim == 0:
        return reports[0]
    worst = max(reports, key=lambda report: (not report.converged, report.error_estimate))
    xp = namespace(reports[0].x)
    return dataclasses.replace(
        worst,
        x=xp.stack([report.x for report in reports]),
        residual_norm=xp.stack([report.residual_norm for report in reports]),
        rank=np.asarray([report.rank for report in reports]),
        condition=np.asarray([report.condition for report in reports]),
        passes=max(report.passes for report in reports),
        iterations=sum(report.iterations for report in reports),
    )
