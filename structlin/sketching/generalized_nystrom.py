"""A low-rank approximation from a single pass over the matrix."""

from __future__ import annotations

import math
from typing import Any

from structlin._norm import norm
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.sketching._krylov import (
    known_norm,
    oversampling_of,
    probes,
    random_block,
    rank_of,
)
from structlin.sketching._operand import as_matrix, needing_adjoint
from structlin.sketching._orth import orthonormalize
from structlin.sketching._random import seed_of
from structlin.sketching.row_blocks import RowBlocks, Summand
from structlin.sketching.sparse_stack import SparseStack
from structlin.sketching.svd import SVD, empty, exact, with_signs

_zeta, _tile = 8, 1024


def generalized_nystrom(
    A: Any, rank: int, *, oversampling: int | None = None, rng: Any = None
) -> SVD:
    """Return a truncated singular value decomposition from one pass over the matrix.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix.
    rank : int
        How many singular values are wanted, up to ``min(m, n)``.
    oversampling : int, optional
        Columns ``p`` of the right sketch beyond the rank; as many as the rank by default, ten at
        least.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the sketches.

    Returns
    -------
    SVD
        ``U, s, Vt``, and the report. ``error_estimate`` is ``‖A − U S Vᴴ‖_F / ‖A‖_F``, measured
        by ten Gaussian probes that were held out: its square has the mean of the true one.

    Raises
    ------
    ValueError
        If the rank is not between 0 and ``min(m, n)``, or the matrix has NaN or Inf.
    NotImplementedError
        If an operator has no product with its adjoint.

    Notes
    -----
    With a Gaussian ``Ω`` of ``l = k + p`` columns and a `SparseStack` ``Ψ`` of ``1.5 l`` rows,
    ``Y = A Ω`` and ``W = Ψ A`` are computed together, and ``A ≈ Q (Ψ Q)⁺ W`` with an orthonormal
    basis ``Q`` of ``Y`` [1]_ [2]_; this is then truncated.
    Sketches of equal sizes would make ``Ψ Q`` square, and its inverse huge. A matrix read by
    blocks of rows is read once, probes and ``‖A‖_F`` included; others are multiplied twice, from
    either side. Where ``Ψ`` would have as many rows as ``A``, all of ``A`` is decomposed.

    One pass cannot correct what it has missed: where singular values decay slowly the error is a
    multiple of the smallest one possible, which the estimate tells. `svd` takes more passes.

    References
    ----------
    .. [1] K. L. Clarkson and D. P. Woodruff, "Numerical linear algebra in the streaming model",
       STOC 2009.
    .. [2] Y. Nakatsukasa, "Fast and stable randomized low-rank matrix approximation",
       arXiv:2009.11392.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> A = rng.standard_normal((200, 5)) @ rng.standard_normal((5, 100))
    >>> result = generalized_nystrom(A, 5, rng=0)
    >>> U, s, Vt = result
    >>> bool(np.allclose(U * s @ Vt, A)), result.error_estimate < 1e-12
    (True, True)
    """
    A = as_matrix(A)
    k, seed = rank_of(rank, A), seed_of(rng)
    p = max(k, 10) if oversampling is None else oversampling_of(oversampling)
    if k == 0:
        return empty(A)
    width = min(k + p, *A.shape)
    if _rows(width) >= A.shape[0]:
        with needing_adjoint(A, "generalized_nystrom"):
            one = A.xp.eye(A.shape[0], dtype=A.dtype, device=A.device)
            return exact(Dense(adjoint_of(A._rmatmat(one), A.xp)), k)
    G = probes(A, seed)
    Y, W, size, passes, S = _sketches(A, width, G, seed)
    xp = A.xp
    Y, image = Y[:, :width], Y[:, width:]
    size = norm(image) if size is None else size
    unit = size or 1.0
    Q, _ = orthonormalize(Y)
    T, R = orthonormalize(S @ Q)
    X = xp.linalg.solve(R, xp.matmul(adjoint_of(T, xp), W / unit))
    Z, R = orthonormalize(adjoint_of(X, xp))
    P, s, Vh = xp.linalg.svd(adjoint_of(R, xp))
    U = xp.matmul(Q, P[:, :k])
    U, Vt = with_signs(U, xp.matmul(Vh[:k, :], adjoint_of(Z, xp)), A)
    s = s[:k]
    rest = image / unit - xp.matmul(U * xp.astype(s, U.dtype), xp.matmul(Vt, G))
    return SVD(
        U=U,
        s=s * size,
        Vt=Vt,
        method="generalized Nyström",
        error_estimate=norm(rest) if size else 0.0,
        passes=passes,
        seed=seed,
    )


def _rows(width: int) -> int:
    return _zeta * math.ceil(1.5 * width / _zeta)


def _sketches(
    A: LinearOperator, width: int, G: Any, seed: int
) -> tuple[Any, Any, float | None, int, SparseStack]:
    """Return ``A [Ω G]``, ``Ψ A``, the norm where it is known, and how often ``A`` was read."""
    xp = A.xp
    right = xp.concat((random_block(width, A, seed), G), axis=1)
    S = SparseStack(_rows(width), A.shape[0], nonzeros=_zeta, rng=seed, like=A)
    if not isinstance(A, RowBlocks):
        with needing_adjoint(A, "generalized_nystrom"):
            W = S.apply(A)
        return A._matmat(right), W, known_norm(A), 2, S
    squares = Summand(lambda: 0.0, _add_norm, _tile, math.hypot)
    (W, size), (Y,) = A.one_pass(
        [S.summand(A), squares], [lambda block: xp.matmul(xp.astype(block, right.dtype), right)]
    )
    return Y, W * S.scale, size, 1, S


def _add_norm(total: float, block: Any, start: int) -> float:
    # tile by tile from multiples of their height: the chunks then change no bit
    for low in range(0, block.shape[0], _tile):
        total = math.hypot(total, norm(block[low : low + _tile, :]))
    return total
