"""A basis of cosines, chosen among all for a matrix without a singular value decomposition."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin._norm import column_norms, norm as euclidean
from structlin.bases import dct
from structlin.matrices import DCT, LinearOperator
from structlin.matrices._base import size_text
from structlin.sketching._operand import as_matrix
from structlin.sketching._pivoting import trailing_norms
from structlin.sketching._result import Report
from structlin.sketching._whitening import dense_of
from structlin.sketching.row_blocks import RowBlocks, Summand


@dataclass(frozen=True, eq=False, kw_only=True)
class DCTBasis(Report):
    """Cosines in which the columns (or rows) of a matrix are expanded.

    ``error_estimate`` is the relative error ``‖A − Q Qᵀ A‖ / ‖A‖`` (or ``‖A − A Q Qᵀ‖ / ‖A‖``) in
    the Frobenius norm: exact, up to rounding.

    Attributes
    ----------
    frequencies : (r,) array
        Which cosines, those of the largest coefficients first.
    basis : (m, r) operator
        ``Q``, with orthonormal columns: products by fast transforms. (n, r) for ``axis=1``.
    coefficients : (r, n) array
        ``Qᵀ A``; (m, r) and ``A Q`` for ``axis=1``.
    axis : int
        0 where columns are expanded, 1 for rows.
    """

    frequencies: Any
    basis: LinearOperator
    coefficients: Any
    axis: int

    def project(self, X: Any) -> Any:
        """Return ``Q Qᵀ X``, or ``X Q Qᵀ`` for ``axis=1``.

        Parameters
        ----------
        X : (m, c) array
            Columns to project; (c, n) for ``axis=1``.
        """
        Q = self.basis
        if self.axis == 0:
            return Q @ (Q.T @ X)
        xp = namespace(Q, X)
        return xp.matrix_transpose(Q @ (Q.T @ xp.matrix_transpose(X)))

    def __repr__(self) -> str:
        return (
            f"<DCTBasis: {self.basis.shape[1]} of {self.basis.shape[0]} cosines, "
            f"relative error {self.error_estimate:.2g}>"
        )


def dct_basis(
    A: Any, rank: int | None = None, *, tol: float | None = None, axis: int = 0
) -> DCTBasis:
    """Choose the cosines in which a matrix has its largest coefficients.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix. What is not an array is made dense, except `RowBlocks` with ``axis=1``.
    rank : int, optional
        How many cosines.
    tol : float, optional
        Instead of the rank: the relative error in the Frobenius norm that is left at most.
    axis : {0, 1}
        Whether columns, of length ``m``, are expanded, or rows, of length ``n``.

    Returns
    -------
    DCTBasis
        ``frequencies``, ``basis``, ``coefficients``, and `DCTBasis.project`.

    Raises
    ------
    ValueError
        If not one of ``rank`` and ``tol`` is given, the rank exceeds the length, the axis is none
        of these, or entries are not finite.

    Notes
    -----
    With the orthonormal cosine transform ``D`` of type 2, the energy of frequency ``k`` is the
    squared norm of row ``k`` of ``D A``; any set of them loses the energy of the others, so that
    the largest are the best choice. ``O(m n log m)``, against ``O(m n min(m, n))`` for singular
    vectors, which do without assumptions: cosines suit what is smooth along the axis. Only the
    ``r`` integers say what the basis is. Of a `RowBlocks`, two passes.

    Examples
    --------
    >>> import numpy as np
    >>> x = (np.arange(64) + 0.5) / 64
    >>> A = np.cos(3 * np.pi * x)[:, None] + 0.1 * np.cos(7 * np.pi * x)[:, None] * np.ones(5)
    >>> chosen = dct_basis(A, tol=1e-10)
    >>> chosen.frequencies, chosen.basis.shape
    (array([3, 7]), (64, 2))
    """
    A = as_matrix(A)
    xp = A.xp
    if axis not in (0, 1):
        raise ValueError(f"axis is {axis!r}: 0 expands columns, and 1 rows")
    if (rank is None) == (tol is None):
        raise ValueError("give either rank or tol: the number of cosines, or the error")
    length = A.shape[axis]
    coefficients = None
    if isinstance(A, RowBlocks) and axis == 1:
        sizes = A.one_pass([_sizes_of_rows(A)])[0][0]
    else:
        coefficients = dct(dense_of(A), axes=axis)
        sizes = column_norms(coefficients if axis else xp.matrix_transpose(coefficients))
    order = xp.argsort(sizes, descending=True, stable=True)
    unit = euclidean(sizes)
    tails = trailing_norms((xp.take(sizes, order) / (unit or 1.0))[:, None], xp)
    r = _size(rank, tol, tails, A, axis)
    chosen = order[:r]
    basis = DCT(length, like=A.xp.zeros(0, dtype=A.real_dtype, device=A.device)).T[:, chosen]
    if coefficients is None:
        coefficients = A @ basis.todense()
        passes = 2
    else:
        coefficients, passes = xp.take(coefficients, chosen, axis=axis), 1
    return DCTBasis(
        frequencies=chosen,
        basis=basis,
        coefficients=coefficients,
        axis=axis,
        method="largest coefficients of a cosine transform",
        error_estimate=float(tails[r]),
        passes=passes,
    )


def _size(rank: int | None, tol: float | None, tails: Any, A: LinearOperator, axis: int) -> int:
    xp, length = A.xp, A.shape[axis]
    if tol is not None:
        if not tol >= 0:
            raise ValueError(f"tol is {tol!r}: a relative error is not negative")
        return min(int(xp.sum(xp.astype(tails > tol, xp.int64))), length)
    r = operator.index(rank)  # type: ignore[arg-type]
    if not 0 <= r <= length:
        raise ValueError(
            f"rank is {r} but A is {size_text(A.shape)}: there are {length} cosines along axis "
            f"{axis}"
        )
    return r


def _sizes_of_rows(A: RowBlocks) -> Summand:
    """Return the norms of the columns of the transformed rows, as a sum."""
    xp, tile = A.xp, 1024

    def add(sizes: Any, block: Any, start: int) -> Any:
        for low in range(0, block.shape[0], tile):
            part = block[low : min(low + tile, block.shape[0]), :]
            sizes = xp.hypot(sizes, column_norms(dct(part, axes=1)))
        return sizes

    zero = xp.zeros(A.shape[1], dtype=A.real_dtype, device=A.device)
    return Summand(lambda: zero, add, tile, xp.hypot)
