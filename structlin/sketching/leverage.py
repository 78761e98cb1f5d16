"""Leverage scores: how much each row of a matrix matters to least squares."""

from __future__ import annotations

import math
from typing import Any

from structlin.matrices._base import adjoint_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._whitening import (
    dense_of,
    factor,
    is_exact,
    range_basis,
    sketch_rows,
    sketched_factor,
    squared_rows,
    squares,
    whitener,
)
from structlin.sketching.gaussian import Gaussian
from structlin.sketching.row_blocks import RowBlocks
from structlin.sketching.sparse_stack import SparseStack


def leverage_scores(A: Any, *, method: str = "auto", rng: Any = None) -> Any:
    """Return the leverage scores of the rows of a matrix.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank.
    method : {"auto", "exact", "sketched"}
        "exact" takes an orthonormal basis, by a QR factorization and an SVD of the triangle (of
        a `RowBlocks`, in two passes, by the triangle alone). "sketched" estimates the scores in two
        passes. "auto" is exact up to about a second of work, or where a sketch has no fewer rows.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketches.

    Returns
    -------
    (m,) array
        The scores, in [0, 1]. The exact ones sum to the rank of ``A``.

    Raises
    ------
    ValueError
        If ``A`` has a NaN or Inf, or the method is none of these.

    Notes
    -----
    The score of row ``i`` is the diagonal entry ``P_ii`` of the orthogonal projector onto the
    range of ``A``, which is ``max |aᵢ x|² / ‖A x‖²`` over all ``x``. Columns may have any scale.

    With ``R`` the triangle of a sketch ``S A`` of ``8 n + 64`` rows, and ``G`` Gaussian with ``k =
    8 log m`` columns, ``τᵢ ≈ ‖aᵢ R⁻¹ G‖²``: within a factor of 2.5 or little more by the sketch,
    which all rows share to a large part, and ``√(2/k)`` by ``G`` (for ``n ≤ k``, ``G = I``). Exact
    scores take ``4 m n²`` operations, the sketched ones ``8 m n + 2 m n k``. Sparse matrices and
    operators are made dense for exact scores; sketches of an operator need its adjoint.

    References
    ----------
    P. Drineas, M. Magdon-Ismail, M. W. Mahoney and D. P. Woodruff, "Fast approximation of matrix
    coherence and statistical leverage", J. Mach. Learn. Res. 13 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> leverage_scores(np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])).round(12)
    array([1. , 0.5, 0.5])
    """
    A = as_matrix(A)
    xp, shape = A.xp, A.shape
    if 0 in shape:
        return xp.zeros(shape[0], dtype=A.real_dtype, device=A.device)
    if is_exact(method, A):
        if not isinstance(A, RowBlocks):
            return xp.clip(squares(range_basis(dense_of(A), xp), xp), 0, 1)
        return xp.clip(squared_rows(A, whitener(factor(A), shape, xp)), 0, 1)
    seed = seed_of(rng)
    S = SparseStack(sketch_rows(shape[1]), shape[0], rng=seed, like=A)
    T = whitener(sketched_factor(S, A), shape, xp)
    return xp.clip(squared_rows(A, projected(T, shape[0], seed, A)), 0, 1)


def projected(T: Any, m: int, seed: int, like: Any) -> Any:
    """Return ``T G``: fewer columns, that leave the norms of ``m`` rows nearly as they are."""
    xp = like.xp
    k = math.ceil(8 * math.log(m + 1))
    if T.shape[1] <= k:
        return T
    G = Gaussian(k, T.shape[1], rng=seed, like=T)
    return adjoint_of(G @ adjoint_of(T, xp), xp)


def root_leverage_scores(A: Any, p: float, *, method: str = "auto", rng: Any = None) -> Any:
    """Return the leverage scores to the power ``p/2``.

    Sampling rows in proportion to them preserves ``‖A x‖_p`` for ``1 ≤ p < 2`` at less cost than
    Lewis weights.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank.
    p : float
        The norm whose rows matter, positive; 2 gives the leverage scores.
    method, rng
        As for `leverage_scores`.

    Returns
    -------
    (m,) array
        ``τᵢ^{p/2}``.

    Raises
    ------
    ValueError
        If ``p`` is not positive and finite, or ``A`` has a NaN or Inf.

    Examples
    --------
    >>> import numpy as np
    >>> root_leverage_scores(np.array([[1.0], [1.0], [1.0], [1.0]]), 1).round(12)
    array([0.5, 0.5, 0.5, 0.5])
    """
    half = as_exponent(p) / 2
    return leverage_scores(A, method=method, rng=rng) ** half


def as_exponent(p: float) -> float:
    """Return the exponent of a norm, checked."""
    if not 0 < p < math.inf:
        raise ValueError(f"p is {p!r}: the exponent of a norm is positive and finite")
    return float(p)
