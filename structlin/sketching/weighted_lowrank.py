"""The best approximation of low rank under weights of rows and a Gram matrix of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structlin._backend import device, namespace, scipy_of
from structlin._validation import inexact, require_finite
from structlin.matrices import Dense, Diagonal, LinearOperator, LowRank, Sparse
from structlin.matrices._base import adjoint_of, size_text
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.operations import is_hermitian
from structlin.sketching._krylov import rank_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._result import Report
from structlin.sketching.svd import svd


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedLowRank(Report):
    """An approximation of low rank in a weighted norm.

    Attributes
    ----------
    operator : LowRank
        The approximation ``X``, as the product of its factors.
    error_estimate : float
        ``‖D^½ (A − X) L‖_F / ‖D^½ A L‖_F``, found as in `svd`.
    """

    operator: LowRank

    def __repr__(self) -> str:
        rank = self.operator.U.shape[1]
        return (
            f"<WeightedLowRank of {size_text(self.operator.shape)}, rank {rank}: "
            f"error {self.error_estimate:.2g}>"
        )


def weighted_lowrank(
    A: Any,
    rank: int,
    *,
    row_weights: Any = None,
    column_gram: Any = None,
    oversampling: int = 10,
    passes: int | None = None,
    method: str = "auto",
    rng: Any = None,
) -> WeightedLowRank:
    """Return the ``X`` of low rank that minimises ``‖D^½ (A − X) L‖_F``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator
        The matrix.
    rank : int
        The rank of the approximation, up to ``min(m, n)``.
    row_weights : (m,) array, optional
        The diagonal of ``D``, not negative; ones by default. The sums of Fisher information over
        the rows of a layer's weights, say.
    column_gram : (n,) array, (n, n) array or LinearOperator, optional
        ``G = L Lᴴ``, Hermitian and positive semidefinite, or its diagonal; the identity by
        default. The covariance ``E x xᴴ`` of what ``A`` is applied to makes
        ``‖(A − X) L‖²`` the mean of ``‖(A − X) x‖²``.
    oversampling, passes, method, rng
        As for `structlin.sketching.svd`.

    Returns
    -------
    WeightedLowRank
        ``operator``, and the report.

    Raises
    ------
    ValueError
        If sizes disagree, a weight is negative, the Gram matrix is not Hermitian and positive
        semidefinite, the rank is not between 0 and ``min(m, n)``, or there is a NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If the singular values have not settled.

    Notes
    -----
    With the truncated singular value decomposition ``M_k`` of ``M = D^½ A L``, the minimiser is
    ``X = (D^½)⁺ M_k L⁺`` and the error ``‖M − M_k‖``; ``L`` is the Hermitian root of ``G``, of
    which eigenvalues up to ``n eps`` times the largest count as zero. Rows of weight zero, and
    directions in the null space of ``G``, do not matter to the error: ``X`` is zero there, which
    makes it the minimiser of least norm ``‖X‖_F``. The cost is that of `svd`, and ``9 n³`` for a
    full Gram matrix.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag([3.0, 2.0, 1.0])
    >>> weighted_lowrank(A, 1, row_weights=np.array([0.0, 1.0, 9.0])).operator.todense().round(9)
    array([[0., 0., 0.],
           [0., 0., 0.],
           [0., 0., 1.]])
    """
    A = as_matrix(A)
    xp = A.xp
    k = rank_of(rank, A)
    M, to_rows, to_columns = A, None, None
    if row_weights is not None:
        root, to_rows = _roots(row_weights, A, 0, "row_weights")
        M = _with_rows(root, M)
    if column_gram is not None and getattr(column_gram, "ndim", 2) == 1:
        root, to_columns = _roots(column_gram, A, 1, "column_gram")
        M = _with_rows(root, M.T).T
    elif column_gram is not None:
        root, to_columns = _matrix_roots(column_gram, A)
        M = Dense(M @ root) if isinstance(M, Dense) else M @ Dense(root)
    found = svd(M, k, oversampling=oversampling, passes=passes, method=method, rng=rng)
    U = found.U * xp.astype(found.s, found.U.dtype)
    V = adjoint_of(found.Vt, xp)
    if to_rows is not None:
        U = to_rows[:, None] * U
    if to_columns is not None:
        V = to_columns[:, None] * V if to_columns.ndim == 1 else xp.matmul(to_columns, V)
    return WeightedLowRank(
        operator=LowRank(U, V),
        method=found.method,
        converged=found.converged,
        error_estimate=found.error_estimate,
        passes=found.passes,
        iterations=found.iterations,
        seed=found.seed,
    )


def _with_rows(weights: Any, A: LinearOperator) -> LinearOperator:
    """Return the matrix with its rows multiplied."""
    if isinstance(A, Dense):
        return Dense(weights[:, None] * A.array)
    if isinstance(A, Sparse):
        return Sparse(scipy_of(A.xp, "sparse").diags(weights, format="csr") @ A.matrix)
    scaled: LinearOperator = Diagonal(weights) @ A
    return scaled


def _roots(weights: Any, A: LinearOperator, side: int, name: str) -> tuple[Any, Any]:
    """Return the roots of weights, and their pseudo-inverses."""
    namespace(weights)  # beside A, a number would pass
    xp = namespace(A, weights)
    device(A, weights)
    weights = inexact(weights, xp)
    if tuple(weights.shape) != (A.shape[side],):
        raise ValueError(
            f"{name} has shape {tuple(weights.shape)}, but A is {size_text(A.shape)}: "
            f"{A.shape[side]} weights are needed"
        )
    require_finite(name, weights)
    if xp.isdtype(weights.dtype, "complex floating"):
        raise ValueError(f"{name} is complex: weights are real and not negative")
    if bool(xp.any(weights < 0)):
        raise ValueError(f"{name} has a negative weight at [{int(xp.argmin(weights))}]")
    root = xp.sqrt(weights)
    root = xp.astype(root, A.real_dtype, copy=False)
    one = xp.ones_like(root)
    return root, xp.where(root > 0, 1 / xp.where(root > 0, root, one), 0 * one)


def _matrix_roots(gram: Any, A: LinearOperator) -> tuple[Any, Any]:
    """Return the Hermitian root of a Gram matrix, and its pseudo-inverse."""
    G = as_matrix(gram, "column_gram")
    xp, n = namespace(A, G), A.shape[1]
    device(A, G)
    if G.shape != (n, n):
        raise ValueError(
            f"column_gram is {size_text(G.shape)}, but A is {size_text(A.shape)}: "
            f"a vector of {n} entries or a matrix {n}x{n} is needed"
        )
    G = G if isinstance(G, Dense) else Dense(G.todense())
    require_finite("column_gram", G.array)
    if not is_hermitian(G):
        raise ValueError("column_gram is not Hermitian: a Gram matrix G = L Lᴴ is needed")
    w, V = xp.linalg.eigh(hermitian_part(G.array, xp))
    if n == 0:
        return V, V
    floor = n * float(xp.finfo(w.dtype).eps) * float(xp.max(xp.abs(w)))
    if float(xp.min(w)) < -floor:
        raise ValueError(
            f"column_gram has the eigenvalue {float(xp.min(w)):.3g}: a Gram matrix is positive "
            "semidefinite"
        )
    kept = w > floor
    root = xp.sqrt(xp.where(kept, w, xp.ones_like(w)))
    zero = xp.zeros_like(root)
    up, down = (
        xp.matmul(V * xp.astype(xp.where(kept, part, zero), V.dtype), adjoint_of(V, xp))
        for part in (root, 1 / root)
    )
    return up, down
