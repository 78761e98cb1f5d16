"""The operations of the algebra: each looks up the rule of its operands' structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlin.matrices._indices import Index
from structlin.matrices.rules import answer, applicable

if TYPE_CHECKING:
    from structlin.matrices._base import LinearOperator


def add(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    """Return ``A + B`` for operators of equal shapes."""
    result: LinearOperator = answer(add, A, B)
    return result


def multiply(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    """Return ``A @ B`` for operators of matching shapes."""
    result: LinearOperator = answer(multiply, A, B)
    return result


def scale(A: LinearOperator, scalar: complex) -> LinearOperator:
    """Return ``scalar * A``."""
    result: LinearOperator = answer(scale, A, then=(scalar,))
    return result


def transpose(A: LinearOperator) -> LinearOperator:
    """Return ``A.T``."""
    result: LinearOperator = answer(transpose, A)
    return result


def adjoint(A: LinearOperator) -> LinearOperator:
    """Return ``A.H``."""
    result: LinearOperator = answer(adjoint, A)
    return result


def select(A: LinearOperator, rows: Index, columns: Index) -> Any:
    """Return ``A[rows, columns]``."""
    return answer(select, A, then=(rows, columns))


def aslinearoperator(x: Any) -> LinearOperator:
    """Return a matrix of any kind as an operator of this package.

    Parameters
    ----------
    x : (m, n) array, sparse matrix or operator
        Arrays become `Dense`, sparse matrices of SciPy and CuPy `Sparse`, and anything with
        ``shape`` and ``matvec``, such as SciPy's and PyLops' operators, `Foreign`.

    Returns
    -------
    LinearOperator
        ``x`` itself where it is one.

    Raises
    ------
    TypeError
        If ``x`` is no matrix.

    Examples
    --------
    >>> import numpy as np
    >>> aslinearoperator(np.ones((2, 3)))
    <Dense 2x3 float64>
    """
    for line in applicable(aslinearoperator, x):
        wrapped: LinearOperator = line.body(x)
        return wrapped
    raise TypeError(
        f"{type(x).__name__} is no matrix: pass a 2-D array, a sparse matrix or an operator"
    )


def is_hermitian(A: Any) -> bool:
    """Tell whether an operator is known to equal its adjoint.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    bool
        True where the parts of the structure were looked at and make it Hermitian; False where
        they do not, and also where nothing is known.

    Notes
    -----
    An array counts as Hermitian if ``max |A − Aᴴ| ≤ 100 eps max |A|``, which leaves room for the
    rounding of products such as ``Q Λ Qᴴ``. Diagonals must be real exactly.

    Examples
    --------
    >>> import numpy as np
    >>> is_hermitian(np.array([[2.0, 1.0], [1.0, 2.0]]))
    True
    """
    A = aslinearoperator(A)
    return A.shape[0] == A.shape[1] and bool(answer(is_hermitian, A))
