"""The nearest matrix of low rank."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, adjoint_of
from structlin.matrices.dense import Dense
from structlin.matrices.fallback import structured
from structlin.matrices.functions import norm, svd
from structlin.matrices.low_rank import LowRank, entries
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.operations import aslinearoperator

# rows or columns up to which all singular vectors are worked out
_small = 512
# the random block: columns beyond the rank, and how often it is multiplied by W Wᴴ at most
_oversampling, _passes = 10, 200
# blocks that are kept before the best directions among them are gone on with
_blocks = 24


def nearest_lowrank(W: Any, rank: int, *, rng: Any = None) -> Nearest:
    """Return the matrix of low rank that is nearest to a matrix in the Frobenius norm.

    Parameters
    ----------
    W : (m, n) array, sparse matrix or operator
        The matrix.
    rank : int
        The largest rank of the approximation, not negative.
    rng : seed or numpy.random.Generator, optional
        Gives the random vectors with which the singular vectors of large matrices are sought.

    Returns
    -------
    Nearest
        ``operator``, a `LowRank` whose factors have orthogonal columns, and ``relative_error``.

    Raises
    ------
    ValueError
        If ``W`` has NaN or Inf, or the rank is negative.

    Warns
    -----
    ConvergenceWarning
        If the singular vectors of a large matrix have not settled.

    Notes
    -----
    The truncated singular value decomposition is the nearest matrix [1]_, at the distance
    ``√(σ²_{k+1} + σ²_{k+2} + …)``. Up to 512 rows or columns, and where the structure of ``W``
    knows its decomposition, it is taken as it is. Otherwise a random block of ``k + 10`` columns
    and its products with ``W Wᴴ``, ``(W Wᴴ)²``, … span a subspace that grows, and from time to
    time is replaced by its best directions, until what the ``k`` best of it capture changes by no
    more than rounding errors of ``‖W‖²`` [2]_; each step costs ``2 (k + 10)`` products. The error
    is then that of the matrix returned, from the entries of the difference, which loses no digits
    to cancellation.

    References
    ----------
    .. [1] C. Eckart and G. Young, "The approximation of one matrix by another of lower rank",
       Psychometrika 1 (1936), 211–218.
    .. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
       approximate singular value decomposition", Advances in Neural Information Processing
       Systems 28 (2015), algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> operator, relative_error = nearest_lowrank(np.diag([4.0, 3.0, 0.0]), 1)
    >>> operator
    <LowRank 3x3 float64 = 3x1 @ 1x3>
    >>> float(relative_error)
    0.6
    """
    W = aslinearoperator(W)
    k = min(as_rank(rank), *W.shape)
    if isinstance(W, Dense):
        require_finite("W", W.array)
    knows = structured(svd, W) and not isinstance(W, Dense)
    if min(W.shape) <= _small or knows:
        return _truncated(W, k)
    return _iterated(W, k, np.random.default_rng(rng))


def as_rank(rank: Any) -> int:
    """Return a rank as an integer, which must not be negative."""
    k: int = operator.index(rank)
    if k < 0:
        raise ValueError(f"rank is {k}: it cannot be negative")
    return k


def relative(error: float, size: float, W: LinearOperator) -> Any:
    """Return the ratio of two norms as a scalar of the library of ``W``; 0/0 is 0."""
    return W._scalar(error / size if size else 0.0, W.real_dtype)


def _truncated(W: LinearOperator, k: int) -> Nearest:
    U, S, Vh = svd(W).sorted()
    left, right = entries(U[:, :k]), entries(Vh.H[:, :k])
    scaled = left * W.xp.astype(S[:k], left.dtype)
    return Nearest(LowRank(scaled, right), relative(euclidean(S[k:]), euclidean(S), W))


def _iterated(W: LinearOperator, k: int, rng: np.random.Generator) -> Nearest:
    xp, (m, n), size = W.xp, W.shape, float(norm(W))
    if not math.isfinite(size):
        raise ValueError("W has a NaN or Inf: every entry must be finite")
    width = min(k + _oversampling, m, n)
    eps = float(xp.finfo(W.dtype).eps)
    block = xp.asarray(rng.standard_normal((m, width)), dtype=W.dtype, device=W.device)
    Q, B = block[:, :0], xp.zeros((0, n), dtype=W.dtype, device=W.device)
    captured = 0.0
    for _ in range(_passes):
        if Q.shape[1] + width > min(max(_blocks * width, k + width), m):
            V, S, _ = xp.linalg.svd(B, full_matrices=False)  # go on with the best directions
            Q, B = xp.matmul(Q, V[:, :width]), xp.matmul(adjoint_of(V[:, :width], xp), B)
        for _ in range(2):  # once more, for what rounding left
            block, _ = xp.linalg.qr(block - xp.matmul(Q, xp.matmul(adjoint_of(Q, xp), block)))
        images = W._rmatmat(block)
        Q, B = xp.concat((Q, block), axis=1), xp.concat((B, adjoint_of(images, xp)))
        scaled = B / (size or 1.0)
        energies = xp.linalg.eigvalsh(xp.matmul(scaled, adjoint_of(scaled, xp)))
        found = float(xp.sum(xp.flip(energies)[:k]))
        if found - captured <= 4 * eps:
            break
        captured = found
        block = W._matmat(images / (size or 1.0))  # W Wᴴ alone may overflow or vanish
    else:
        warnings.warn(
            f"the singular vectors have not settled in {_passes} passes: the approximation may be "
            "further off than it needs to be",
            ConvergenceWarning,
            stacklevel=3,
        )
    U, S, Vh = xp.linalg.svd(B, full_matrices=False)
    left = xp.matmul(Q, U[:, :k]) * xp.astype(S[:k], U.dtype)
    right = adjoint_of(Vh[:k, :], xp)
    nearest = LowRank(left, right)
    error = (
        euclidean(W.array - xp.matmul(left, adjoint_of(right, xp)))
        if isinstance(W, Dense)
        else float(norm(W - nearest))
    )
    return Nearest(nearest, relative(error, size, W))
