"""Rows, columns and submatrices of an operator: what ``A[rows, columns]`` gives."""

from __future__ import annotations

from typing import Any

from structlin.matrices import _indices
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices._indices import Index, count, is_all, scatter, take
from structlin.matrices.operations import adjoint, select, transpose
from structlin.matrices.rules import rule


class Selected(LinearOperator):
    """Rows and columns of an operator, in any order.

    Parameters
    ----------
    operator : LinearOperator
        The operator.
    rows, columns : range or (k,) integer array
        Which ones; none negative.

    Notes
    -----
    ``A[rows, columns] = R A C``, where ``C`` scatters a vector into a longer one of zeros and
    ``R`` gathers: the cost is that of one product with ``A``.

    Examples
    --------
    >>> from structlin.matrices import Identity
    >>> Identity(5)[1:4, ::2].todense()
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """

    operator: LinearOperator

    def __init__(self, operator: LinearOperator, rows: Index, columns: Index) -> None:
        self.operator, self.rows, self.columns = operator, rows, columns
        super().__init__((count(rows), count(columns)), like=operator)

    def _matmat(self, X: Any) -> Any:
        self.operator._require_formable(self.operator.shape[1])
        wide = scatter(X, self.columns, self.operator.shape[1], self.xp)
        return take(self.operator._matmat(wide), self.rows, self.xp)

    def _rmatmat(self, X: Any) -> Any:
        self.operator._require_formable(self.operator.shape[0])
        wide = scatter(X, self.rows, self.operator.shape[0], self.xp)
        return take(self.operator._rmatmat(wide), self.columns, self.xp)

    def _formula(self) -> str:
        rows, columns = _indices.text(self.rows), _indices.text(self.columns)
        return f"{type(self.operator).__name__}[{rows}, {columns}]"


rule(adjoint, Selected)(lambda A: Selected(A.operator.H, A.columns, A.rows))
rule(transpose, Selected)(lambda A: Selected(A.operator.T, A.columns, A.rows))


@rule(select, LinearOperator)
def _select(A: LinearOperator, rows: Index, columns: Index) -> Any:
    xp = A.xp
    if isinstance(rows, int):
        row = conjugate(A._rmatmat(_unit_vector(A, A.shape[0], rows)), xp)[:, 0]
        return row[columns] if isinstance(columns, int) else take(row, columns, xp)
    if isinstance(columns, int):
        return take(A._matmat(_unit_vector(A, A.shape[1], columns))[:, 0], rows, xp)
    if is_all(rows, A.shape[0]) and is_all(columns, A.shape[1]):
        return A
    return Selected(A, rows, columns)


@rule(select, Selected)
def _select_again(A: Selected, rows: Index, columns: Index) -> Any:
    rows = _indices.compose(A.rows, rows, A.xp)
    return select(A.operator, rows, _indices.compose(A.columns, columns, A.xp))


def _unit_vector(A: LinearOperator, size: int, i: int) -> Any:
    A._require_formable(size)
    e = A.xp.zeros((size, 1), dtype=A.dtype, device=A.device)
    e[i, 0] = 1.0
    return e
