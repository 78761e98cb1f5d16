"""Extreme eigenvectors of Hermitian operators by a thick-restart block Lanczos iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin.matrices import LinearOperator, Sparse
from structlin.sketching._orth import orthonormalize, orthonormalize_against

# few columns at a time: products with a sparse matrix then cost half as much for each, and the
# space grows hardly slower than by single vectors
_block = 4
# steps between two looks at the residuals, and after which the iteration gives up
_look, _most = 8, 5000
# the residual in units of eps that counts as rounding errors
_rounding = 1000


def sizes(k: int) -> tuple[int, int]:
    """Return how many vectors a restart keeps, and how many there are at most."""
    keep = k + max(k // 2, 10)
    return keep, keep + max(keep, 40)


def fits(k: int, least: int) -> bool:
    """Tell whether a matrix has the rows and columns that the iteration needs."""
    return sizes(k)[1] + _block <= least


def require_lanczos(A: LinearOperator, k: int) -> None:
    """Raise unless a matrix is one for the iteration."""
    if not (isinstance(A, Sparse) and is_numpy(A.xp)):
        raise ValueError(f"method 'lanczos' takes sparse matrices of SciPy, not {A!r}")
    if not fits(k, min(A.shape)):
        raise ValueError(
            f"rank is {k}, too large for method 'lanczos' and min(m, n) = {min(A.shape)}: "
            "take method='exact'"
        )


def lanczos(
    product: Callable[[Any], Any], n: int, dtype: Any, k: int, seed: int, *, modulus: bool = False
) -> tuple[Any, int] | None:
    """Return eigenvectors of the ``k`` largest eigenvalues to full accuracy, and the steps taken.

    Parameters
    ----------
    product : callable
        The product of the operator ``G``, Hermitian, with a block of columns.
    n, dtype
        How many rows, of which type.
    k : int
        How many.
    seed : int
        Gives the first block.
    modulus : bool
        Whether those of largest modulus are meant.

    Notes
    -----
    With a basis ``Q`` of blocks of four columns and ``T = Qᴴ G Q``, the block
    behind the last one is ``Y = G X − Q (Qᴴ G X) = Z R``, and the residuals of the eigenvectors
    ``Q P`` of ``T`` are the norms of ``R`` times the last rows of ``P``. When the basis is full,
    it is replaced by its best vectors, to which ``Z`` is orthogonal [1]_. What the last two blocks
    have in ``Y`` is taken away first, then what rounding left in all of the basis.

    References
    ----------
    .. [1] K. Wu and H. Simon, "Thick-restart Lanczos method for large symmetric eigenvalue
       problems", SIAM J. Matrix Anal. Appl. 22 (2000).
    """
    keep, most = sizes(k)
    tolerance = _rounding * float(np.finfo(dtype).eps)
    Q = np.empty((n, most + _block), dtype=dtype, order="F")
    T = np.zeros((most + _block, most + _block), dtype=dtype)
    start = np.random.default_rng(seed).standard_normal((n, _block)).astype(dtype)
    Q[:, :_block], _ = orthonormalize(start)
    c, restarted, renewed, before, scale = _block, True, False, 0.0, 0.0
    for step in range(1, _most):
        X = np.ascontiguousarray(Q[:, c - _block : c])
        Y = product(X)
        core = np.zeros((c, _block), dtype=dtype)
        for first in (0 if restarted else c - 2 * _block, 0):
            basis = Q[:, first:c]
            part = basis.conj().T @ Y
            Y -= basis @ part
            core[first:] += part
        T[:c, c - _block : c] = core
        T[c - _block : c, :c] = core.conj().T
        restarted = False
        Z, R = orthonormalize(Y)
        scale = max(scale, float(np.max(np.abs(core))))
        if np.min(np.abs(np.diag(R))) <= 1e-6 * scale:
            # the space is invariant, but a random block may find more copies of an eigenvalue
            Z, renewed = orthonormalize_against(Q[:, :c], Z), True
        full = c + _block > most
        if full or (c > keep and step % _look == 0):
            w, P = np.linalg.eigh(T[:c, :c])
            size = np.abs(w) if modulus else w
            order = np.argsort(-size)
            w, P, size = w[order], P[:, order], size[order]
            scale = max(scale, float(np.max(np.abs(w))))
            residuals = np.linalg.norm(R @ P[c - _block : c, :k], axis=0)
            found = float(np.sum(size[:k]))
            complete = not renewed or found <= before + tolerance * scale
            if complete and np.max(residuals) <= tolerance * scale:
                return Q[:, :c] @ P[:, :k], step
            renewed, before = False, found
            if full:
                Q[:, :keep] = Q[:, :c] @ P[:, :keep]
                T[:] = 0
                T[:keep, :keep] = np.diag(w[:keep])
                c, restarted = keep, True
        Q[:, c : c + _block] = Z
        c += _block
    return None
