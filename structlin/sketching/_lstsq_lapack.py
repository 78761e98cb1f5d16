"""Least squares by a singular value decomposition of the whole matrix."""

from __future__ import annotations

from typing import Any

from structlin._backend import is_numpy, scipy_of
from structlin._norm import column_norms, norm
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.sketching._lstsq_problem import powers_of_two


def lapack(A: LinearOperator, B: Any, shift: float, rcond: float) -> tuple[Any, Any, int, float]:
    """Return solutions (n, k) of least norm, norms of residuals (k,), rank and condition number.

    The columns of a matrix that is not wide are scaled first, by powers of two; singular values
    up to ``rcond`` times the largest count as zero. Of a matrix of lower rank, the solutions are
    those without the scaling, which changes what norm is least. Where the regularisation outweighs
    the matrix, the normal equations are solved: they are well-conditioned then.
    """
    xp, n = A.xp, A.shape[1]
    array = xp.astype(A.array if isinstance(A, Dense) else A.todense(), B.dtype, copy=False)
    require_finite("A", array)
    if shift > float(norm(array)):
        return _normal_equations(array, B, shift, xp)
    if shift:
        some = {"dtype": B.dtype, "device": A.device}
        array = xp.concat([array, shift * xp.eye(n, **some)])
        B = xp.concat([B, xp.zeros((n, B.shape[1]), **some)])
    # gelsd takes no empty matrices
    solve = _gelsd if is_numpy(xp) and 0 not in (*array.shape, *B.shape) else _svd
    rank = 0
    if array.shape[0] >= n:
        units = powers_of_two(column_norms(array), xp)
        X, rank, s = solve(array / units, B, rcond, xp)
        X = X / units[:, None]
    if rank < n:
        X, rank, s = solve(array, B, rcond, xp)
    condition = float(s[0]) / float(s[rank - 1]) if rank else 1.0
    return X, column_norms(B - array @ X), rank, condition


def _normal_equations(array: Any, B: Any, shift: float, xp: Any) -> tuple[Any, Any, int, float]:
    """Solve ``(I + AᴴA/μ) x = AᴴB/μ``: of a condition number below 2, if ``‖A‖² < μ``.

    Errors are small relative to ``x``, which may itself be small against rounding of ``B/√μ``.
    """
    n = array.shape[1]
    scaled = adjoint_of(array / shift, xp)
    H = scaled @ (array / shift) + xp.eye(n, dtype=array.dtype, device=array.device)
    X = xp.linalg.solve(H, scaled @ B) / shift
    norms = xp.hypot(column_norms(B - array @ X), shift * column_norms(X))
    s = xp.sqrt(xp.linalg.eigvalsh(H))
    return X, norms, n, float(s[-1]) / float(s[0]) if n else 1.0


def _gelsd(array: Any, B: Any, rcond: float, xp: Any) -> tuple[Any, int, Any]:
    X, _, rank, s = scipy_of(xp, "linalg").lstsq(
        array, B, cond=rcond, lapack_driver="gelsd", check_finite=False
    )
    return X, int(rank), s


def _svd(array: Any, B: Any, rcond: float, xp: Any) -> tuple[Any, int, Any]:
    U, s, Vh = xp.linalg.svd(array, full_matrices=False)
    rank = int(xp.sum(xp.astype(s > rcond * s[0], xp.int64))) if s.shape[0] else 0
    C = adjoint_of(U[:, :rank], xp) @ B
    return adjoint_of(Vh[:rank, :], xp) @ (C / s[:rank, None]), rank, s
