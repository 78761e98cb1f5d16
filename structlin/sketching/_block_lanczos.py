"""Dominant singular vectors of sparse matrices by a thick-restart block Lanczos iteration."""

from __future__ import annotations

from typing import Any

import numpy as np

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


def lanczos(tall: Any, k: int, size: float, seed: int) -> tuple[Any, int] | None:
    """Return the ``k`` dominant right singular vectors, and the products they took.

    Parameters
    ----------
    tall : (m, n) sparse matrix of SciPy
        The matrix, ``m >= n``.
    k : int
        How many.
    size : float
        Its norm.
    seed : int
        Gives the first block.

    Notes
    -----
    With ``G = Aᴴ A``, a basis ``Q`` of blocks of four columns and ``T = Qᴴ G Q``, the block
    behind the last one is ``Y = G X − Q (Qᴴ G X) = Z R``, and the residuals of the eigenvectors
    ``Q P`` of ``T`` are the norms of ``R`` times the last rows of ``P``. When the basis is full,
    it is replaced by its best vectors, to which ``Z`` is orthogonal [1]_. What the last two blocks
    have in ``Y`` is taken away first, then what rounding left in all of the basis.

    References
    ----------
    .. [1] K. Wu and H. Simon, "Thick-restart Lanczos method for large symmetric eigenvalue
       problems", SIAM J. Matrix Anal. Appl. 22 (2000).
    """
    n, dtype = tall.shape[1], tall.dtype
    wide = tall.T.conj(copy=False)
    keep, most = sizes(k)
    tolerance = _rounding * float(np.finfo(dtype).eps)
    Q = np.empty((n, most + _block), dtype=dtype, order="F")
    T = np.zeros((most + _block, most + _block), dtype=dtype)
    start = np.random.default_rng(seed).standard_normal((n, _block)).astype(dtype)
    Q[:, :_block], _ = orthonormalize(start)
    c, restarted, renewed, before = _block, True, False, 0.0
    for step in range(1, _most):
        X = np.ascontiguousarray(Q[:, c - _block : c])
        # divided twice by the norm: the square may overflow or vanish
        Y = wide @ (tall @ (X / size)) / size
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
        if np.min(np.abs(np.diag(R))) < 1e-6 * np.max(np.abs(core)):
            # the space is invariant, but a random block may find more copies of an eigenvalue
            Z, renewed = orthonormalize_against(Q[:, :c], Z), True
        full = c + _block > most
        if full or (c > keep and step % _look == 0):
            w, P = np.linalg.eigh(T[:c, :c])
            w, P = w[::-1], P[:, ::-1]
            residuals = np.linalg.norm(R @ P[c - _block : c, :k], axis=0)
            found = float(np.sum(w[:k]))
            complete = not renewed or found <= (1 + tolerance) * before
            if complete and np.max(residuals) <= tolerance * w[0]:
                return Q[:, :c] @ P[:, :k], 2 * step
            renewed, before = False, found
            if full:
                Q[:, :keep] = Q[:, :c] @ P[:, :keep]
                T[:] = 0
                T[:keep, :keep] = np.diag(w[:keep])
                c, restarted = keep, True
        Q[:, c : c + _block] = Z
        c += _block
    return None
