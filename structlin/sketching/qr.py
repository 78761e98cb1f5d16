"""QR factorization of tall matrices, preconditioned by a sketch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin.matrices import Dense, LinearOperator, Triangular, solve
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._operand import as_matrix
from structlin.sketching._orth import orthonormalize
from structlin.sketching._pivoting import numerical_rank, pivoted_qr
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report
from structlin.sketching._whitening import dense_of
from structlin.sketching.row_blocks import RowBlocks
from structlin.sketching.sparse_stack import SparseStack

# one Cholesky-QR leaves an orthogonality of eps times the square of it
_well_conditioned = 20.0


@dataclass(frozen=True, eq=False, kw_only=True)
class QRResult(Report):
    """A QR factorization with column pivoting: ``A[:, pivots] = Q R``.

    It unpacks: ``Q, R, pivots = qr(A)``. ``error_estimate`` is that of ``‖Qᴴ Q − I‖₂``.

    Attributes
    ----------
    Q : (m, k) array
        Orthonormal columns, as many as the numerical rank; without pivots, ``min(m, n)``.
    R : (k, n) array
        Upper triangular.
    pivots : (n,) array
        The order of the columns.
    """

    Q: Any
    R: Any
    pivots: Any

    @property
    def rank(self) -> int:
        """How many columns ``Q`` has: the numerical rank, if pivots were chosen."""
        return int(self.Q.shape[1])

    def __iter__(self) -> Iterator[Any]:
        return iter((self.Q, self.R, self.pivots))

    def __repr__(self) -> str:
        shape = (self.Q.shape[0], self.R.shape[1])
        return f"<QRResult {size_text(shape)} with {self.rank} columns in Q by {self.method}>"


def qr(A: Any, *, pivoting: bool = True, rng: Any = None) -> QRResult:
    """Return the QR factorization of a tall matrix, with column pivoting.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank. Sparse matrices and operators are made dense.
    pivoting : bool
        Whether columns are chosen in the order of what they add. Without it, the order stays.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of the sketch.

    Returns
    -------
    QRResult
        ``Q``, ``R`` and ``pivots``.

    Raises
    ------
    ValueError
        If entries are not finite.

    Notes
    -----
    The sketch ``S A`` of ``2 n`` rows is factored, ``S A P = Q₀ R₀`` with pivots; columns whose
    pivots are below ``n eps`` times the first are dependent and add nothing to ``Q``. The columns
    of ``A P R₀⁻¹`` are then well-conditioned, whatever ``A`` is, and a Cholesky factorization of
    their Gram matrix makes them orthonormal: ``Q = A P R₀⁻¹ L⁻ᴴ`` and ``R = Lᴴ R₀``. ``3 m n²``
    operations, all in products of matrices, and two passes over ``A``.

    With less than ``4 n`` rows, ``A`` is factored itself, by LAPACK's geqp3 on NumPy; so it is by
    Householder's method, without pivots, where its columns are dependent.

    References
    ----------
    M. Melnichenko et al., "CholeskyQR with randomization and pivoting for tall matrices
    (CQRRPT)", SIAM J. Matrix Anal. Appl. 46 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.vander(np.linspace(-1, 1, 1000), 20)
    >>> Q, R, pivots = qr(A, rng=0)
    >>> bool(np.allclose(Q @ R, A[:, pivots])), bool(np.allclose(Q.T @ Q, np.eye(20)))
    (True, True)
    """
    A = as_matrix(A)
    if not isinstance(A, RowBlocks):
        A = Dense(dense_of(A))
    xp, (m, n) = A.xp, A.shape
    if m < 4 * n or n == 0:
        return _direct(A, pivoting, "fewer than 4 n rows")
    seed = seed_of(rng)
    Y = SparseStack(8 * -(-2 * n // 8), m, rng=seed, like=A).apply(A)
    # the pivots of a sketch are those of its triangle, which is smaller
    R = xp.linalg.qr(Y)[1]
    _, ordered, pivots = pivoted_qr(R, xp)
    k = numerical_rank(ordered, xp)
    if pivoting:
        R = ordered
    elif k < n:
        return _direct(A, pivoting, "dependent columns", passes=2)
    else:
        pivots = xp.arange(n, dtype=xp.int64, device=A.device)
    Q = _divided(A, pivots[:k], R[:k, :k])
    Q, T, squared = _cholesky_qr(Q, xp)
    return QRResult(
        Q=Q,
        R=T @ R[:k, :],
        pivots=pivots,
        method="Cholesky-QR, preconditioned by a sketch",
        error_estimate=squared * float(xp.finfo(A.dtype).eps),
        passes=2,
        seed=seed,
    )


def _divided(A: LinearOperator, columns: Any, R: Any) -> Any:
    """Return ``A[:, columns] R⁻¹``, with small residuals row by row."""
    xp = A.xp
    lower = Triangular(adjoint_of(R, xp))

    def of_block(block: Any) -> Any:
        block = xp.take(block, columns, axis=1)
        return adjoint_of(solve(lower, adjoint_of(block, xp)), xp) if R.shape[0] else block

    if isinstance(A, RowBlocks):
        return A.one_pass(rows=[of_block])[1][0]
    return of_block(dense_of(A))


def _cholesky_qr(Y: Any, xp: Any) -> tuple[Any, Any, float]:
    """Return ``Q, R`` of well-conditioned columns, and the square of their condition number."""
    if 0 in Y.shape:
        return Y, Y[:0, :], 1.0
    gram = adjoint_of(Y, xp) @ Y
    values = xp.linalg.eigvalsh(gram)
    squared = float(values[-1]) / float(values[0]) if float(values[0]) > 0 else np.inf
    if not squared < _well_conditioned**2:
        Q, R = orthonormalize(Y)
        return Q, R, 1.0
    L = xp.linalg.cholesky(gram)
    Q = adjoint_of(solve(Triangular(L), adjoint_of(Y, xp)), xp)
    return Q, adjoint_of(L, xp), squared


def _direct(A: LinearOperator, pivoting: bool, why: str, passes: int = 1) -> QRResult:
    xp, array = A.xp, dense_of(A)
    if pivoting:
        Q, R, pivots = pivoted_qr(array, xp)
        k = numerical_rank(R, xp)
        Q, R = Q[:, :k], R[:k, :]
        name = "geqp3 of LAPACK" if is_numpy(xp) else "Gram-Schmidt with pivots"
    else:
        least = min(A.shape)
        Q, R = xp.linalg.qr(array) if least else (array[:, :least], array[:least, :])
        pivots = xp.arange(A.shape[1], dtype=xp.int64, device=A.device)
        name = "Householder's method"
    return QRResult(
        Q=Q,
        R=R,
        pivots=pivots,
        method=f"{name} ({why})",
        error_estimate=float(xp.finfo(A.dtype).eps),
        passes=passes,
    )
