"""Toeplitz matrices: constant along every diagonal."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace, scipy_of
from structlin._validation import common_type
from structlin.matrices._base import conjugate
from structlin.matrices._indices import Index
from structlin.matrices.block_toeplitz import BlockToeplitz
from structlin.matrices.operations import select
from structlin.matrices.rules import rule


class Toeplitz(BlockToeplitz):
    """A Toeplitz matrix: ``A[i, j]`` depends on ``i − j`` only.

    Parameters
    ----------
    column : (m,) array
        The first column; integers become float64.
    row : (n,) array, optional
        The first row, of which ``row[0]`` is ignored in favour of ``column[0]``. By default the
        conjugate of ``column``, as in `scipy.linalg.toeplitz`.

    Attributes
    ----------
    column : (m,) array
        The first column.
    row : (n,) array
        The first row.
    coefficients : (m + n − 1,) array
        The entries by difference: ``A[i, j] = coefficients[i − j + n − 1]``.

    Raises
    ------
    ValueError
        If column or row has not one dimension.

    See Also
    --------
    BlockToeplitz : several levels.
    Circulant : periodic ones.
    Hankel : entries that depend on ``i + j``.

    Notes
    -----
    A product costs two real transforms of ``m + n`` numbers, for each column; the transform of
    the coefficients is kept. Submatrices of equal strides, such as ``A[2:9, 1:5]``, are Toeplitz.

    Systems of up to 256 rows are solved by an LU factorisation. Large positive definite ones are
    solved by conjugate gradients with T. Chan's circulant preconditioner, in ``O(n log n)`` a
    step; others on NumPy by the recursion of Levinson, in ``O(n²)`` operations and ``O(n)``
    memory. These solutions are checked by their residuals; what follows should one fail, `explain`
    tells.

    Examples
    --------
    >>> import numpy as np
    >>> A = Toeplitz(np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0]))
    >>> A.todense()
    array([[1., 5.],
           [2., 1.],
           [3., 2.]])
    """

    column: Any
    row: Any

    def __init__(self, column: Any, row: Any = None) -> None:
        xp = namespace(column, row)
        row = conjugate(xp.asarray(column), xp) if row is None else row
        for name, x in (("column", column), ("row", row)):
            if x.ndim != 1:
                raise ValueError(f"{name} has shape {tuple(x.shape)}: it needs one dimension")
        dtype = common_type(xp, column.dtype, row.dtype)
        column, row = (xp.astype(x, dtype, copy=False) for x in (column, row))
        m, n = column.shape[0], row.shape[0]
        rest = row[min(1, n) :]
        super().__init__(xp.concat([xp.flip(rest), column])[: max(m + n - 1, 0)], [(m, n)])
        self.column = column
        self.row = xp.concat([column[:1], rest]) if m and n else row

    @property
    def parameters(self) -> int:
        """How many diagonals there are."""
        return math.prod(self.coefficients.shape)

    def _with(self, coefficients: Any, levels: Sequence[tuple[int, int]]) -> Toeplitz:
        ((m, n),) = levels
        if m == 0 or n == 0:
            zero = self.xp.zeros(max(m, n), dtype=coefficients.dtype, device=self.device)
            return Toeplitz(zero[:m], zero[:n])
        return Toeplitz(coefficients[n - 1 :], self.xp.flip(coefficients[:n]))

    @functools.cached_property
    def _inverse(self) -> Callable[[Any], Any] | None:
        """The inverse in double precision as a product of Toeplitz matrices, on NumPy only.

        Levinson's recursion gives the first and the last column ``x`` and ``y`` of the inverse,
        of which Gohberg and Semencul's formula makes
        ``A⁻¹ = (L(x) U(ỹ) − L(Z y) U(Z x̃)) / x₀``: lower triangular Toeplitz matrices times upper
        ones, with ``~`` for reversed vectors and ``Z`` for a shift by one. None if the recursion
        breaks down, since a leading submatrix is singular.
        """
        n, column, row = self.shape[0], self.column, self.row
        ends = np.zeros((n, 2))
        ends[0, 0] = ends[-1, 1] = 1.0
        hermitian = bool(np.all(row[1:] == column[1:].conj()) and np.imag(column[0]) == 0)
        if hermitian:
            ends = ends[:, :1]
        try:
            with np.errstate(all="ignore"):  # the residuals tell
                levinson = scipy_of(self.xp, "linalg").solve_toeplitz
                found = levinson((column, row), ends, check_finite=False)
        except np.linalg.LinAlgError:
            return None
        x = found[:, 0]
        y = x[::-1].conj() if hermitian else found[:, 1]
        if x[0] == 0 or not np.all(np.isfinite(found)):
            return None
        shifted_y, shifted_x = np.append(0, y[:-1]), np.append(0, x[:0:-1])
        L, M = _lower(x / x[0]), _lower(shifted_y / x[0])
        U, V = _lower(y[::-1]).T, _lower(shifted_x).T
        return lambda B: L._matmat(U._matmat(B)) - M._matmat(V._matmat(B))


def _lower(column: Any) -> Toeplitz:
    """Return the lower triangular Toeplitz matrix with this first column (NumPy)."""
    return Toeplitz(column, np.append(column[0], np.zeros(column.size - 1)))


@rule(select, Toeplitz)
def _select(A: Toeplitz, rows: Index, columns: Index) -> Any:
    # A[a + s i, b + s j] = coefficients[n - 1 + a - b + s (i - j)]
    ranges = isinstance(rows, range) and isinstance(columns, range)
    if not ranges or rows.step != columns.step or not (rows and columns):
        return NotImplemented
    a, b, s, center = rows[0], columns[0], rows.step, A.shape[1] - 1
    places = A.xp.arange(1 - len(columns), len(rows), device=A.device) * s + (center + a - b)
    return A._with(A.xp.take(A.coefficients, places), [(len(rows), len(columns))])
