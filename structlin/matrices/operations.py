"""The operations of the algebra: each looks up the rule of its operands' structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlin.matrices._indices import Index
from structlin.matrices.rules import answer, applicable

if TYPE_CHECKING:
    from structlin.matrices._base import LinearOperator


def add(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    """Return ``A + B`` by the rule of their structures.

    Parameters
    ----------
    A, B : (m, n) LinearOperator
        The terms. Write ``A + B``, which checks them.

    Returns
    -------
    LinearOperator
        The sum.

    Examples
    --------
    A structure gets its rule by ``@rule(add, Mine, Mine)``:

    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> add(Diagonal(np.ones(2)), Diagonal(np.ones(2))).todense()
    array([[2., 0.],
           [0., 2.]])
    """
    result: LinearOperator = answer(add, A, B)
    return result


def multiply(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    """Return ``A @ B`` by the rule of their structures.

    Parameters
    ----------
    A : (m, k) LinearOperator
        The left factor. Write ``A @ B``, which checks both.
    B : (k, n) LinearOperator
        The right factor.

    Returns
    -------
    LinearOperator
        The product.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> A = Kronecker(np.ones((2, 3)), np.ones((4, 5)))
    >>> multiply(A, A.T)
    <Kronecker 8x8 float64 = 2x2 ⊗ 4x4>
    """
    result: LinearOperator = answer(multiply, A, B)
    return result


def scale(A: LinearOperator, scalar: complex) -> LinearOperator:
    """Return ``scalar * A`` by the rule of its structure.

    Parameters
    ----------
    A : (m, n) LinearOperator
        The operator. Write ``scalar * A``.
    scalar : int, float or complex
        The factor: a Python number.

    Returns
    -------
    LinearOperator
        The multiple.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> scale(Diagonal(np.ones(2)), 3).entries
    array([3., 3.])
    """
    result: LinearOperator = answer(scale, A, then=(scalar,))
    return result


def transpose(A: LinearOperator) -> LinearOperator:
    """Return ``A.T`` by the rule of its structure.

    Parameters
    ----------
    A : (m, n) LinearOperator
        The operator. Write ``A.T``.

    Returns
    -------
    (n, m) LinearOperator
        The transpose; for real operators by the rule of `adjoint` where there is no other.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> transpose(Kronecker(np.ones((2, 3)), np.ones((4, 5))))
    <Kronecker 15x8 float64 = 3x2 ⊗ 5x4>
    """
    result: LinearOperator = answer(transpose, A)
    return result


def adjoint(A: LinearOperator) -> LinearOperator:
    """Return ``A.H`` by the rule of its structure.

    Parameters
    ----------
    A : (m, n) LinearOperator
        The operator. Write ``A.H``.

    Returns
    -------
    (n, m) LinearOperator
        The conjugate transpose.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> adjoint(Diagonal(np.array([1j, 2.0]))).entries
    array([0.-1.j, 2.-0.j])
    """
    result: LinearOperator = answer(adjoint, A)
    return result


def select(A: LinearOperator, rows: Index, columns: Index) -> Any:
    """Return ``A[rows, columns]`` by the rule of its structure.

    Parameters
    ----------
    A : (m, n) LinearOperator
        The operator. Write ``A[rows, columns]``, which checks the indices.
    rows, columns : int, range or (k,) integer array
        Which ones; none negative.

    Returns
    -------
    scalar, (k,) array or LinearOperator
        For two, one or no integers.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Dense
    >>> select(Dense(np.eye(3)), 1, range(3))
    array([0., 1., 0.])
    """
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
