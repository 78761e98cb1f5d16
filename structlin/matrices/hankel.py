"""Hankel matrices: constant along every antidiagonal."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace
from structlin._validation import common_type
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices._indices import Index, take
from structlin.matrices.block_toeplitz import BlockToeplitz
from structlin.matrices.functions import (
    diagonal,
    lstsq,
    norm,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.matrices.operations import add, adjoint, is_hermitian, scale, select, transpose
from structlin.matrices.rules import answer, rule
from structlin.matrices.toeplitz import Toeplitz


class Hankel(LinearOperator):
    """A Hankel matrix: ``A[i, j]`` depends on ``i + j`` only.

    Parameters
    ----------
    column : (m,) array
        The first column; integers become float64.
    row : (n,) array, optional
        The last row, of which ``row[0]`` is ignored in favour of ``column[-1]``. By default zeros
        in a square matrix, as in `scipy.linalg.hankel`.

    Attributes
    ----------
    antidiagonals : (m + n − 1,) array
        The entries by sum: ``A[i, j] = antidiagonals[i + j]``.
    toeplitz : Toeplitz
        The matrix with its columns in reverse order.

    Raises
    ------
    ValueError
        If column or row has not one dimension.

    Notes
    -----
    ``A = T J``, where ``J`` reverses vectors: products, solutions and determinants are those of
    the Toeplitz matrix ``T``.

    Examples
    --------
    >>> import numpy as np
    >>> A = Hankel(np.array([1.0, 2.0, 3.0]), np.array([3.0, 5.0]))
    >>> A.todense()
    array([[1., 2.],
           [2., 3.],
           [3., 5.]])
    """

    antidiagonals: Any
    toeplitz: Toeplitz

    def __init__(self, column: Any, row: Any = None) -> None:
        xp = namespace(column, row)
        row = xp.zeros_like(xp.asarray(column)) if row is None else row
        for name, x in (("column", column), ("row", row)):
            if x.ndim != 1:
                raise ValueError(f"{name} has shape {tuple(x.shape)}: it needs one dimension")
        dtype = common_type(xp, column.dtype, row.dtype)
        column, row = (xp.astype(x, dtype, copy=False) for x in (column, row))
        m, n = column.shape[0], row.shape[0]
        values = xp.concat([column, row[min(1, n) :]])[: max(m + n - 1, 0)]
        if m and n:
            self.toeplitz = Toeplitz(values[n - 1 :], xp.flip(values[:n]))
        else:
            self.toeplitz = Toeplitz(column, row)
        self.antidiagonals = self.toeplitz.coefficients
        super().__init__((m, n), like=self.toeplitz)

    @property
    def parameters(self) -> int:
        """How many antidiagonals there are."""
        return self.toeplitz.parameters

    def _matmat(self, X: Any) -> Any:
        return self.toeplitz._matmat(self.xp.flip(X, axis=0))

    def _rmatmat(self, X: Any) -> Any:
        return self.xp.flip(self.toeplitz._rmatmat(X), axis=0)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        return self.xp.flip(self.toeplitz.todense(), axis=1)


def _of(T: BlockToeplitz) -> Hankel:
    """Return the Hankel matrix ``T J``."""
    xp, (m, n) = T.xp, T.shape
    if not (m and n):
        zero = xp.zeros(max(m, n), dtype=T.dtype, device=T.device)
        return Hankel(zero[:m], zero[:n])
    return Hankel(T.coefficients[:m], T.coefficients[m - 1 :])


# algebra


def _swapped(A: Hankel, values: Any) -> Hankel:
    return _of(A.toeplitz._with(values, [A.shape[::-1]]))


rule(adjoint, Hankel)(lambda A: _swapped(A, conjugate(A.antidiagonals, A.xp)))
rule(transpose, Hankel)(lambda A: _swapped(A, A.antidiagonals))
rule(add, Hankel, Hankel)(lambda A, B: _of(A.toeplitz + B.toeplitz))
rule(scale, Hankel)(lambda A, scalar: _of(A.toeplitz * scalar))


@rule(is_hermitian, Hankel)
def _is_hermitian(A: Hankel) -> bool:
    return not A.is_complex or bool(A.xp.all(A.xp.imag(A.antidiagonals) == 0))


@rule(select, Hankel)
def _select(A: Hankel, rows: Index, columns: Index) -> Any:
    xp, n = A.xp, A.shape[1]
    # A[i, j] = T[i, n - 1 - j]
    if isinstance(columns, int):
        return select(A.toeplitz, rows, n - 1 - columns)
    if isinstance(rows, int):
        return take(xp.flip(select(A.toeplitz, rows, range(n))), columns, xp)
    ranges = isinstance(rows, range) and isinstance(columns, range)
    if not ranges or rows.step != columns.step or not (rows and columns):
        return NotImplemented
    places = xp.arange(len(rows) + len(columns) - 1, device=A.device) * rows.step
    values = xp.take(A.antidiagonals, places + (rows[0] + columns[0]))
    return Hankel(values[: len(rows)], values[len(rows) - 1 :])


# functions


def _part(A: Hankel) -> tuple[Toeplitz]:
    return (A.toeplitz,)


_reversed: dict[str, Any] = {"cost": "that of T", "memory": "n", "parts": _part}
_same: dict[str, Any] = {"how": "that of T in A = T J", **_reversed}

rule(solve, Hankel, how="solve with T in A = T J, then reverse", **_reversed)(
    lambda A, B: A.xp.flip(answer(solve, A.toeplitz, then=(B,)), axis=0)
)
rule(lstsq, Hankel, how="lstsq with T in A = T J, then reverse", **_reversed)(
    lambda A, B: A.xp.flip(answer(lstsq, A.toeplitz, then=(B,)), axis=0)
)
rule(svdvals, Hankel, **_same)(lambda A: svdvals(A.toeplitz))
rule(norm, Hankel, **_same)(lambda A, ord: norm(A.toeplitz, ord))


@rule(slogdet, Hankel, how="that of T in A = T J, times (-1)^(n(n-1)/2)", **_reversed)
def _slogdet(A: Hankel) -> Any:
    sign, logarithm = slogdet(A.toeplitz)
    return -sign if A.shape[0] % 4 > 1 else sign, logarithm


_entries: dict[str, Any] = {"how": "every other antidiagonal", "cost": "n", "memory": "n"}


@rule(diagonal, Hankel, **_entries)
def _diagonal(A: Hankel) -> Any:
    return A.xp.asarray(A.antidiagonals[: max(2 * min(A.shape) - 1, 0) : 2], copy=True)


rule(trace, Hankel, **_entries)(lambda A: A.xp.sum(diagonal(A)))
