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
# the residual in units of eps that counts as rounding errors, and restarts after which twice as
# much does, up to √eps: vectors of a cluster of eigenvalues hardly separate
_rounding, _patience = 1000, 10
# values as near as that, in units of the norm, count as repeated
_near = 1e-6


def sizes(k: int) -> tuple[int, int]:
    """Return how many vectors a restart keeps, and how many there are at most."""
    keep = k + max(k // 2, 10)
    return keep, keep + max(keep, 40)


def fits(k: int, least: int) -> bool:
    """Tell whether a matrix has the rows and columns that the iteration needs."""
    return sizes(k)[1] + _block <= least


def require_lanczos(A: LinearOperator, k: int) -> Any:
    """Return the matrix of SciPy that the iteration takes."""
    if not (isinstance(A, Sparse) and is_numpy(A.xp)):
        raise ValueError(f"method 'lanczos' takes sparse matrices of SciPy, not {A!r}")
    if not fits(k, min(A.shape)):
        raise ValueError(
            f"rank is {k}, too large for method 'lanczos' and min(m, n) = {min(A.shape)}: "
            "take method='exact'"
        )
    return A.matrix


def lanczos(
    product: Callable[[Any], Any], n: int, dtype: Any, k: int, seed: int, *, modulus: bool = False
) -> tuple[Any, int, float] | None:
    """Return eigenvectors of the ``k`` largest eigenvalues, the steps taken, and ``‖G‖`` about.

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

    A block of four columns finds four copies of a repeated eigenvalue. Where so many are among
    those found, the iteration goes on from them and a random block, again and again, until
    nothing larger comes up and the next eigenvalue is known. Residuals may be rounding errors at
    first, and slowly more with the number of restarts, up to ``√eps``: what takes so many is a
    cluster of eigenvalues, and any of its vectors will do.

    References
    ----------
    .. [1] K. Wu and H. Simon, "Thick-restart Lanczos method for large symmetric eigenvalue
       problems", SIAM J. Matrix Anal. Appl. 22 (2000).
    """
    keep, most = sizes(k)
    eps, restarts = float(np.finfo(dtype).eps), 0
    Q = np.empty((n, most + _block), dtype=dtype, order="F")
    T = np.zeros((most + _block, most + _block), dtype=dtype)
    random = np.random.default_rng(seed)
    Q[:, :_block], _ = orthonormalize(random.standard_normal((n, _block)).astype(dtype))
    c, restarted, before, scale = _block, True, -np.inf, 0.0
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
            Z = orthonormalize_against(Q[:, :c], Z)[0]  # the space is invariant, or nearly
        full = c + _block > most
        if full or (c > keep and step % _look == 0):
            w, P = np.linalg.eigh(T[:c, :c])
            size = np.abs(w) if modulus else w
            order = np.argsort(-size)
            w, P, size = w[order], P[:, order], size[order]
            scale = max(scale, float(np.max(np.abs(w))))
            residuals = np.linalg.norm(R @ P[c - _block : c, : k + 1], axis=0)
            tolerance = min(_rounding * eps * 2.0 ** (restarts // _patience), eps**0.5)
            least, kept = tolerance * scale, keep if full else 0
            if np.max(residuals[:k]) <= least:
                found = float(np.sum(size[:k]))
                larger, smaller = size[: max(k - _block + 1, 0)], size[_block - 1 : k]
                repeated = np.any(larger - smaller <= _near * scale)
                if not repeated:
                    return Q[:, :c] @ P[:, :k], step, scale
                if found > before + least:
                    before, kept = found, k
                elif residuals[k] <= max(least, size[k - 1] - size[k]):
                    return Q[:, :c] @ P[:, :k], step, scale
            if kept:
                Q[:, :kept] = Q[:, :c] @ P[:, :kept]
                T[:] = 0
                T[:kept, :kept] = np.diag(w[:kept])
                c, restarted, restarts = kept, True, restarts + 1
            if kept == k:
                fresh = random.standard_normal((n, _block)).astype(dtype)
                Z = orthonormalize_against(Q[:, :c], fresh)[0]
        Q[:, c : c + _block] = Z
        c += _block
    return None
