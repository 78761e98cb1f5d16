"""Exact conditioning on a dense stack of equations, with errors that exact data have as well."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, namespace, scipy_of

# by how much errors of exact data are larger than if they were independent; chosen by trial on
# smooth functions, chirps and bumps, so that errors beyond three standard deviations are rare
_caution = 3.0


@dataclass(frozen=True, eq=False)
class Dense:
    """The posterior of weights ``z ~ N(0, I)``, given ``y = A z + noise``.

    Attributes
    ----------
    weights : (m,) array
        The posterior mean.
    root : (m, k) array
        A square root of the covariance of the error of the mean.
    log_evidence : float
        The log density of ``y``, with standard deviations of one.
    residual : float
        ``‖y − A z‖ / ‖y‖``.
    predicted : float
        The norm of what the ``checked`` data differ by from what all others give for each,
        ``(y − A z) / (1 − diag A G)``, relative to ``‖y‖``; 0 without any.
    noise_ratio : float
        The standard deviation of the exact data's errors, as the residual shows it, in units of the
        one assumed.
    degrees : float
        How many combinations of the weights the data determine.
    singular_values : (min(n, m),) array
        Of ``A``.
    """

    weights: Any
    root: Any
    log_evidence: float
    residual: float
    predicted: float
    noise_ratio: float
    degrees: float
    singular_values: Any


def decomposition(A: Any, full_matrices: bool = False) -> Any:
    """Return the singular value decomposition, by the slower method where the fast one fails.

    LAPACK's divide and conquer may not converge where columns differ by many orders of magnitude.
    """
    xp = namespace(A)
    try:
        return xp.linalg.svd(A, full_matrices=full_matrices)
    except np.linalg.LinAlgError:
        linalg = scipy_of(xp, "linalg")
        return linalg.svd(A, full_matrices=full_matrices, lapack_driver="gesvd")


def condition_dense(A: Any, y: Any, exact: Any = None, checked: Any = None) -> Dense:
    """Condition weights on a stack of equations.

    Parameters
    ----------
    A : (n, m) array
        Rows over the standard deviations of their data.
    y : (n,) array
        Data over their standard deviations.
    exact : (n,) array of bool, optional
        Data without noise, whose standard deviations are a mere bound for rounding errors. By
        default none are.
    checked : (n,) array of bool, optional
        Data that the others should be able to predict.

    Returns
    -------
    Dense

    Notes
    -----
    With ``A = U S Vᵀ``, the mean is ``z = G y``, ``G = V S/(S² + 1) Uᵀ``. The log evidence is taken
    as ``−½(‖y − A z‖² + ‖z‖²) − ½ Σ log(1 + s²)``, of which no part cancels another.

    The mean errs by ``(G A − I) z₀ + G e``, for weights ``z₀`` and errors ``e`` of the data. With
    noise of standard deviation one its covariance is that of the posterior. The standard deviations
    of exact data are chosen larger than their rounding errors, for the sake of the conditioning:
    ``e`` is as large as the residual ``ρ`` shows it, ``‖ρ‖² / (n − tr(A G))`` per value, and at
    least what rounding leaves of ``U S Vᵀ z``. Such errors are no independent draws: where all data
    are exact, the standard deviation is taken three times as large. ``O(n m²)``.
    """
    xp = namespace(A)
    n, m = A.shape
    eps = float(xp.finfo(A.dtype).eps)
    Q, R, c = None, A, y
    if n > m:
        Q, R = xp.linalg.qr(A)
        c = Q.T @ y
    U, s, Vh = decomposition(R, full_matrices=n < m)
    full = xp.concat([s, xp.zeros(m - s.shape[0], dtype=s.dtype, device=device(A))])
    prior = 1 / (full * full + 1)  # how much of the prior is left
    c = U.T @ c
    z = Vh[: s.shape[0], :].T @ (s / (s * s + 1) * c)
    rest = y - A @ z
    misfit = float(xp.sum(rest * rest))
    total = float(xp.sum(y * y))
    degrees = float(xp.sum(s * s / (s * s + 1)))
    complexity = 0.5 * float(xp.sum(xp.log1p(s * s)))
    evidence = -0.5 * (misfit + float(xp.sum(z * z)) + n * math.log(2 * math.pi)) - complexity
    predicted = 0.0
    if checked is not None and total > 0:
        missed = missed_values(y, U if Q is None else Q @ U, s, c)
        missed = xp.where(checked, missed, xp.zeros_like(missed))
        predicted = math.sqrt(float(xp.sum(missed * missed)) / total)

    ratio = 1.0
    if exact is not None and bool(xp.any(exact)):
        count = int(xp.sum(xp.astype(exact, xp.int64)))
        seen = float(xp.sum(xp.where(exact, rest * rest, xp.zeros_like(rest))))
        unused = max(count - degrees * count / n, 1.0)
        rounding = eps * float(xp.max(s, axis=None)) * math.sqrt(float(xp.sum(z * z)) / n)
        ratio = math.hypot(math.sqrt(seen / unused), rounding, eps)
    gains = xp.sqrt(full) * xp.sqrt(full) * prior  # s/(s² + 1)
    if exact is None or bool(xp.all(exact)):
        caution = 1.0 if exact is None or not bool(xp.any(exact)) else _caution
        root = caution * Vh.T * xp.sqrt(prior**2 + (ratio * gains) ** 2)[None, :]
    else:
        sds = xp.where(exact, ratio * xp.ones_like(y), xp.ones_like(y))
        left = U if Q is None else Q @ U
        moved = (Vh[: s.shape[0], :].T * gains[: s.shape[0]]) @ (left.T * sds[None, :])
        root = xp.concat([Vh.T * prior, moved], axis=1)
    return Dense(
        z,
        root,
        evidence,
        math.sqrt(misfit / total) if total > 0 else 0.0,
        predicted,
        ratio,
        degrees,
        s,
    )


def missed_values(y: Any, U: Any, s: Any, c: Any) -> Any:
    """Return by how much every value differs from what all others give for it.

    Parameters
    ----------
    y : (n,) or (n, k) array
        Data over their standard deviations; columns are data sets of their own.
    U, s : (n, r), (q,) array
        Left singular vectors and values of the rows that measure the weights.
    c : (r,) or (r, k) array
        ``Uᵀ y``.

    Notes
    -----
    ``(y − A z)_i / (1 − (A G)_ii)``, where ``y − A z = (A Aᵀ + I)⁻¹ y`` is taken without the
    cancellation of ``y`` and ``A z`` in the span of ``U``.
    """
    xp = namespace(y)
    columns = y if y.ndim == 2 else y[:, None]
    share = 1 / (s * s + 1)
    U, c = U[:, : s.shape[0]], xp.reshape(c, (c.shape[0], -1))[: s.shape[0], :]
    rest, free = U @ (share[:, None] * c), U**2 @ share
    if y.shape[0] > s.shape[0]:
        outside = 1 - xp.sum(U**2, axis=1)
        rest = rest + (columns - U @ c)
        # below it, the part outside of the span is rounding errors; chosen by trial
        free = free + xp.where(outside > 1e-6, outside, 1e-6 * xp.ones_like(outside))
    missed = rest / xp.where(free > 0, free, xp.ones_like(free))[:, None]
    return xp.reshape(missed, y.shape)
