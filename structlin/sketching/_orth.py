"""Orthonormal bases of blocks of columns, by products of matrices wherever they are safe."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, is_cupy, is_numpy, namespace, scipy_of
from structlin._norm import column_norms
from structlin.matrices._base import adjoint_of
from structlin.sketching._random import normals

# projections of a block onto the complement of a basis: one more is the rule, and others are only
# for directions that are replaced because the basis has them already
_rounds = 8


def orthonormalize(Y: Any) -> tuple[Any, Any]:
    """Return ``Q`` with orthonormal columns, and ``R``, such that ``Y = Q R``.

    Parameters
    ----------
    Y : (m, n) array
        The block, of any rank; its columns may be scaled as they like.

    Returns
    -------
    Q : (m, min(m, n)) array
        Columns that are orthonormal to rounding errors, whatever the rank of ``Y``.
    R : (min(m, n), n) array
        Upper triangular.

    Raises
    ------
    ValueError
        If ``Y`` has a NaN or Inf.

    Notes
    -----
    ``L Lᴴ = Yᴴ Y``, ``Y ← Y L⁻ᴴ`` twice [1]_: the second time repairs what the square of the
    condition number took from the first, and is left out where the columns were nearly orthogonal.
    Where ``L`` does not exist, or the first step leaves columns that are not nearly orthonormal,
    and where squares of entries overflow or vanish, Householder's QR factorisation of the columns,
    scaled to norm one, replaces it. The cost is ``4 m n²`` operations.

    References
    ----------
    .. [1] T. Fukaya, Y. Nakatsukasa, Y. Yanagisawa and Y. Yamamoto, "CholeskyQR2: a simple and
       communication-avoiding algorithm for computing a tall-skinny QR factorization on a
       large-scale parallel system", ScalA 2014.

    Examples
    --------
    >>> import numpy as np
    >>> Q, R = orthonormalize(np.array([[3.0, 3.0], [4.0, 4.0], [0.0, 1.0]]))
    >>> bool(np.allclose(Q.T @ Q, np.eye(2))), R.round(12).tolist()
    (True, [[5.0, 5.0], [0.0, 1.0]])
    """
    xp = namespace(Y)
    m, n = Y.shape
    if 0 in (m, n):
        return Y[:, : min(m, n)], Y[: min(m, n), :]
    if n <= m and (found := _cholesky_qr2(Y, xp)) is not None:
        return found
    size = column_norms(Y)
    if not bool(xp.all(xp.isfinite(size))):
        raise ValueError(
            "a block of products has a NaN or Inf: the matrix has one, or its entries overflow"
        )
    size = xp.where(size > 0, size, xp.ones_like(size))
    Q, R = xp.linalg.qr(Y / size)
    return Q, R * size


def _cholesky_qr2(Y: Any, xp: ModuleType) -> tuple[Any, Any] | None:
    """Return the factors, unless squares overflow or vanish, or columns depend on each other."""
    one = xp.eye(Y.shape[1], dtype=Y.dtype, device=device(Y))
    limits = xp.finfo(Y.dtype)
    R = one
    for second in (False, True):
        with np.errstate(over="ignore", invalid="ignore"):
            gram = xp.matmul(adjoint_of(Y, xp), Y)
        squares = xp.linalg.diagonal(gram)
        squares = xp.real(squares) if xp.isdtype(Y.dtype, "complex floating") else squares
        least = float(limits.smallest_normal) / float(limits.eps) ** 2
        if not (least < float(xp.min(squares)) and float(xp.max(squares)) < 1 / least):
            return None  # NaN and Inf, too
        size = xp.sqrt(squares)
        gram = gram / size / size[:, None]  # of columns of norm one
        gap = float(xp.linalg.vector_norm(gram - one))
        if second and not gap < 0.5:
            return None
        try:
            L = xp.linalg.cholesky(gram)
        except np.linalg.LinAlgError:
            return None
        L = L * xp.astype(size, L.dtype)[:, None]
        Y = divide(Y, L, xp)
        R = xp.matmul(adjoint_of(L, xp), R)
        if gap < 0.1:  # nothing is left for a second step
            break
    return (Y, R) if bool(xp.isfinite(xp.sum(R))) else None  # CuPy's factorisations leave NaN


def divide(Y: Any, L: Any, xp: ModuleType) -> Any:
    """Return ``Y L⁻ᴴ`` for a lower triangular ``L``, with small residuals row by row."""
    rows = adjoint_of(Y, xp)
    if is_numpy(xp) or is_cupy(xp):
        solve = scipy_of(xp, "linalg").solve_triangular
        return adjoint_of(solve(L, rows, lower=True, check_finite=False), xp)
    return adjoint_of(xp.linalg.solve(L, rows), xp)


def orthonormalize_against(basis: Any, Y: Any) -> tuple[Any, Any, Any]:
    """Return ``N, C, R`` with ``Y = basis C + N R`` and ``[basis N]`` orthonormal.

    Parameters
    ----------
    basis : (m, r) array
        Orthonormal columns.
    Y : (m, n) array
        The block, ``r + n <= m``, of any rank.

    Returns
    -------
    N : (m, n) array
        With the basis, it spans what ``basis`` and ``Y`` span; columns that are not needed for
        that are random.
    C : (r, n) array
    R : (n, n) array

    Notes
    -----
    Block Gram–Schmidt, projected twice as a rule, at ``4 m n (r + n)`` operations each time.

    What is left of a deficient block after a projection has directions that are rounding errors,
    and these may lie in the basis. Another projection shortens them, and leaves those of ``Y`` as
    they are: its singular values tell them apart, whichever columns they are mixed into.
    """
    xp, (m, n) = namespace(Y), Y.shape
    size = column_norms(Y)
    size = xp.where(size > 0, size, xp.ones_like(size))
    Y = Y / size
    C = xp.matmul(adjoint_of(basis, xp), Y)
    N, R = orthonormalize(Y - xp.matmul(basis, C))
    negligible = math.sqrt(float(xp.finfo(Y.dtype).eps))
    for turn in range(_rounds if basis.shape[1] and n else 0):
        again = xp.matmul(adjoint_of(basis, xp), N)
        C = C + xp.matmul(again, R)
        N, factor = orthonormalize(N - xp.matmul(basis, again))
        U, s, Vh = xp.linalg.svd(factor)
        if bool(s[-1] > negligible):
            R = xp.matmul(factor, R)
            if bool(s[-1] > 0.5):
                break
            continue  # it was lengthened, and so were its errors
        key = _rounds * basis.shape[1] + turn  # other ones for every basis and turn
        fresh = normals(key, 0, 0, m, n, xp, device(Y), xp.finfo(Y.dtype).dtype)
        kept = s > negligible
        N = xp.where(kept, xp.matmul(N, U), xp.astype(fresh, Y.dtype) / math.sqrt(m))
        R = xp.matmul(xp.astype(xp.where(kept, s, 0 * s), Y.dtype)[:, None] * Vh, R)
    return N, C * size, R * size
