"""Approximation by a basis that grows until a tolerance is met."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from structlin._norm import norm
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._krylov import Krylov, known_norm, random_block, rank_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._orth import orthonormalize
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged

# probes of the a-posteriori test, and by how much their estimate has to stay below the tolerance:
# an error along one direction only is underestimated 1.7 times with a chance below 0.1 %
_probes, _safety = 30, 1.7
BLOCK = 32


@dataclass(frozen=True, eq=False, kw_only=True)
class QB(Report):
    """A matrix approximated by ``Q B``, which unpacks: ``Q, B = qb(A, 1e-3)``.

    Attributes
    ----------
    Q : (m, r) array
        Orthonormal columns.
    B : (r, n) array
        ``Qᴴ A``; where ``m > n``, its part in the space of rows that was found.
    error_estimate : float
        ``‖A − Q B‖_F / ‖A‖_F``, with the safety factor where it comes from probes.
    """

    Q: Any
    B: Any

    @property
    def rank(self) -> int:
        """How many columns the basis has."""
        return int(self.Q.shape[1])

    def __iter__(self) -> Iterator[Any]:
        return iter((self.Q, self.B))

    def __repr__(self) -> str:
        size = size_text((self.Q.shape[0], self.B.shape[1]))
        return f"<QB of {size}, rank {self.rank}: error {self.error_estimate:.2g}>"


def qb(
    A: Any,
    tol: float,
    *,
    block: int | None = None,
    max_rank: int | None = None,
    rng: Any = None,
) -> QB:
    """Return factors with ``‖A − Q B‖_F ≤ tol ‖A‖_F`` and orthonormal columns ``Q``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix.
    tol : float
        The relative error in the Frobenius norm, positive.
    block : int, optional
        Columns that are added at a time, 32 by default.
    max_rank : int, optional
        The largest number of columns, ``min(m, n)`` by default.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the random block.

    Returns
    -------
    QB
        ``Q`` and ``B``, and the report.

    Raises
    ------
    ValueError
        If the tolerance is not positive, ``max_rank`` exceeds ``min(m, n)``, ``block`` is not
        positive, or the matrix has NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If ``max_rank`` columns, or rounding errors, do not allow the tolerance.

    Notes
    -----
    The first block is ``A`` times a random one; each of the next is ``A Aᴴ`` times the last,
    orthogonal to all before, as in block Krylov methods: their bases need fewer columns than
    those of independent random blocks at the same two products with the matrix. ``B`` is
    ``Qᴴ A``. Where ``m > n``, all this is done with ``Aᴴ``, and ``Q`` is an orthonormal basis of
    ``A P`` for the basis ``P`` found. The squared error
    ``‖A‖² − ‖B‖²`` falls by that of the new rows of ``B`` [1]_. This difference means nothing
    below ``100 √eps ‖A‖``, and the norm of an operator is not known: then the test is
    ``1.7 ‖(A − Q B) G‖_F ≤ tol ‖A‖_F`` with 30 Gaussian columns ``G``, whose square has the
    squared error as its mean. An error in one direction, the worst case, passes the test
    though it is too large with a chance below 1e-3, where it has many directions with none to
    speak of. For operators ``‖A‖_F`` is estimated by ``‖A G‖_F``.

    References
    ----------
    .. [1] W. Yu, Y. Gu and Y. Li, "Efficient randomized algorithms for the fixed-precision
       low-rank matrix approximation", SIAM J. Matrix Anal. Appl. 39 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.outer(np.arange(1.0, 60.0), np.arange(1.0, 50.0)) + np.eye(59, 49)
    >>> Q, B = qb(A, 1e-2, block=4, rng=0)
    >>> bool(np.linalg.norm(A - Q @ B) < 1e-2 * np.linalg.norm(A))
    True
    """
    A = as_matrix(A)
    require_tolerance(tol)
    width = BLOCK if block is None else operator.index(block)
    if width < 1:
        raise ValueError(f"block is {width}: one column at least is added at a time")
    most = min(A.shape) if max_rank is None else rank_of(max_rank, A, "max_rank")
    result = grown(A, tol, min(width, most), most, seed_of(rng))
    warn_unconverged(result, "raise max_rank or tol")
    return result


def require_tolerance(tol: float) -> None:
    """Raise unless a tolerance is positive."""
    if not tol > 0:
        raise ValueError(f"tol is {tol}: a relative error above zero is needed")


def grown(A: LinearOperator, tol: float, width: int, most: int, seed: int) -> QB:
    """Return a basis whose error is within the tolerance, or which has ``most`` columns."""
    xp, size = A.xp, known_norm(A)
    known = size is not None
    rest = 0.0 if size == 0.0 or 0 in A.shape else 1.0
    error = rest
    space = Krylov(A, width, seed, "qb", limit=most) if error > tol and most else None
    G, image = random_block(_probes, A, seed, use=1), None
    trusted = 1e4 * float(xp.finfo(A.dtype).eps)
    while space is not None and error > tol and not space.full:
        before = space.Q.shape[1]
        aside = space.grow(G if image is None else None)
        image = aside if image is None else image
        size = norm(image) if size is None else size
        if size == 0.0:
            error = 0.0
            break
        rest -= norm(space.images[:, before:] / size) ** 2
        if known and rest > trusted:
            error = math.sqrt(rest)
        else:
            error = _safety * norm(image - space.project(G)) / size
    Q, B = _left(A, space)
    return QB(
        Q=Q,
        B=B,
        method="qb",
        converged=error <= tol,
        error_estimate=error,
        passes=space.passes if space else 0,
        iterations=len(space.sizes) if space else 0,
        seed=seed,
    )


def _left(A: LinearOperator, space: Krylov | None) -> tuple[Any, Any]:
    xp = A.xp
    if space is None:
        return (
            xp.zeros((A.shape[0], 0), dtype=A.dtype, device=A.device),
            xp.zeros((0, A.shape[1]), dtype=A.dtype, device=A.device),
        )
    if not space.tall:
        return space.Q, adjoint_of(space.images, xp)
    Q, R = orthonormalize(space.images)
    return Q, xp.matmul(R, adjoint_of(space.Q, xp))
