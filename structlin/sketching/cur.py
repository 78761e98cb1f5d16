"""CUR decomposition: a matrix from some of its own columns and rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin.matrices import Dense, LowRank
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._krylov import rank_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._pivoting import pivoted_qr
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report
from structlin.sketching._selection import columns_of, rows_of
from structlin.sketching._whitening import dense_of
from structlin.sketching.interpolative import probe, relative, sketch_rows, sketches_of
from structlin.sketching.sparse_stack import SparseStack


@dataclass(frozen=True, eq=False, kw_only=True)
class CURResult(Report):
    """Columns and rows of a matrix, and what joins them: ``A ≈ C U R``.

    It unpacks: ``C, U, R = cur(A, 10)``. ``error_estimate`` is that of ``‖A − C U R‖ / ‖A‖`` in
    the Frobenius norm, from an independent sketch.

    Attributes
    ----------
    C : (m, k) array
        ``A[:, columns]``.
    U : (k, k) array
        What joins them.
    R : (k, n) array
        ``A[rows, :]``.
    columns, rows : (k,) arrays
        Which ones, the most important first.
    """

    C: Any
    U: Any
    R: Any
    columns: Any
    rows: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.C, self.U, self.R))

    @property
    def operator(self) -> LowRank:
        """The approximation ``C U R`` as an operator."""
        return LowRank(self.C, adjoint_of(self.U @ self.R, namespace(self.C)))

    def __repr__(self) -> str:
        shape = (self.C.shape[0], self.R.shape[1])
        return (
            f"<CURResult {size_text(shape)}: {self.C.shape[1]} columns and rows, "
            f"relative error {self.error_estimate:.2g}>"
        )


def cur(A: Any, rank: int, *, rng: Any = None) -> CURResult:
    """Return columns and rows of a matrix that make up nearly all of it.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix. Of an operator, products with its adjoint are needed.
    rank : int
        How many columns, and how many rows.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of the sketches.

    Returns
    -------
    CURResult
        ``C``, ``U``, ``R`` and the indices.

    Raises
    ------
    ValueError
        If the rank exceeds ``min(m, n)``, or entries are not finite.

    Notes
    -----
    Columns are the pivots of a sketch ``S A``, as for `interpolative`, and rows those of ``Cᴴ``.
    The best middle factor ``C⁺ A R⁺`` is had to within a small factor of the error by least
    squares in a second sketch ``T`` of ``4 k + 16`` rows: ``U = (T C)⁺ (T A) R⁺``, with the
    pseudoinverses by singular values. Those below ``√eps`` times the largest are left out: they
    would bring in more rounding errors, of up to ``eps`` times the norm of ``U``, than they
    explain. So errors end at about ``√eps``, however large the rank; `svd` and `interpolative` go
    on to ``eps``. Multiply ``C (U R)``, as `CURResult.operator` does.

    One pass over ``A`` and the reading of rows and columns (of a `RowBlocks`, three passes). Where
    ``T`` would have as many rows as ``A``, ``A`` itself takes the place of the sketches.

    References
    ----------
    M. W. Mahoney and P. Drineas, "CUR matrix decompositions for improved data analysis", PNAS 106
    (2009).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 200)
    >>> A = 1 / (1 + x[:, None] + x[:150])
    >>> C, U, R = cur(A, 6, rng=0)
    >>> bool(np.linalg.norm(A - C @ (U @ R)) < 1e-5 * np.linalg.norm(A))
    True
    """
    A = as_matrix(A)
    xp, m, k = A.xp, A.shape[0], rank_of(rank, A)
    d, seed = sketch_rows(2 * k), None
    if d >= m:
        TA = Z = dense_of(A)
        A = Dense(TA)
        columns = pivoted_qr(TA, xp, k)[2][:k]
        C = TC = ZC = xp.take(TA, columns, axis=1)
    else:
        seed = seed_of(rng)
        S = SparseStack(sketch_rows(k), m, rng=seed, like=A)
        T = SparseStack(d, m, rng=seed_of([seed, 1]), like=A)
        G = probe(A, seed)
        SA, TA, Z = sketches_of(A, "cur", S, T, G)
        columns = pivoted_qr(SA, xp, k)[2][:k]
        C = columns_of(A, columns)
        TC, ZC = (xp.take(sketch, columns, axis=1) for sketch in (TA, Z))
    rows = pivoted_qr(adjoint_of(C, xp), xp, k)[2][:k]
    R = rows_of(A, rows)
    # (T C)⁺ (T A) R⁺, the factors of unit size in between
    u, s, vh = _svd(TC, xp)
    p, t, qh = _svd(R, xp)
    middle = adjoint_of(u, xp) @ TA @ adjoint_of(qh, xp)
    U = (adjoint_of(vh, xp) / s) @ middle @ (adjoint_of(p, xp) / t[:, None])
    return CURResult(
        C=C,
        U=U,
        R=R,
        columns=columns,
        rows=rows,
        method="pivoted QR" if seed is None else f"pivoted QR of a sketch of {sketch_rows(k)} rows",
        error_estimate=relative(Z - ZC @ (U @ R), TA),
        passes=1 if seed is None else 3,
        seed=seed,
    )


def _svd(X: Any, xp: Any) -> tuple[Any, Any, Any]:
    """Return the singular value decomposition, without what is below ``√eps`` of the largest."""
    if 0 in X.shape:
        s = xp.zeros(0, dtype=xp.finfo(X.dtype).dtype, device=X.device)
        return X[:, :0], s, X[:0, :]
    u, s, vh = xp.linalg.svd(X, full_matrices=False)
    r = int(xp.sum(xp.astype(s > math.sqrt(xp.finfo(s.dtype).eps) * s[0], xp.int64)))
    return u[:, :r], s[:r], vh[:r, :]
