"""Linear systems: solutions, least squares and inverses."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import answer


def solve(A: Any, b: Any) -> Any:
    """Return the solution ``x`` of ``A x = b``.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.
    b : (n,), (n, k) or (..., n, k) array
        Right-hand sides: a vector, a block of columns or a stack of blocks.

    Returns
    -------
    array
        The solution, in the shape of ``b`` and the data type to which ``A`` and ``b`` promote.

    Raises
    ------
    ValueError
        If ``A`` is not square, the sizes disagree, ``b`` (or an array to be factorised) has NaN
        or Inf, or no structure helps and ``A`` is too large to be made dense.
    numpy.linalg.LinAlgError
        If ``A`` is singular.
    ConvergenceError
        If the iteration failed and ``A`` is too large to be made dense.

    Notes
    -----
    The rule of the structure comes first (``explain("solve", A)`` tells which). Without one,
    GMRES runs on NumPy and CuPy until ``‖b − A x‖ ≤ 100 eps ‖b‖``, which is then checked; if it
    does not get there, the matrix is made dense if it has at most 4096 rows. Factorisations are
    kept with the operator, so that a second right-hand side costs less.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> A = Kronecker(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 1.0], [0.0, 1.0]]))
    >>> solve(A, np.array([4.0, 2.0, 4.0, 4.0]))
    array([1., 1., 0., 1.])
    """
    A = square(A, "solve")
    require_finite("b", b)
    return A._product(lambda B: answer(solve, A, then=(B,)), b, A.shape[0], "solve", name="b")


def lstsq(A: Any, b: Any) -> Any:
    """Return the ``x`` of least norm that minimises ``‖A x − b‖``.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix, of any shape and rank.
    b : (m,), (m, k) or (..., m, k) array
        Right-hand sides: a vector, a block of columns or a stack of blocks.

    Returns
    -------
    array
        The solutions: ``n`` rows, and the data type to which ``A`` and ``b`` promote.

    Raises
    ------
    ValueError
        If the sizes disagree, ``b`` (or an array to be factorised) has NaN or Inf, or no
        structure helps and ``A`` is too large to be made dense.
    ConvergenceError
        If the iteration failed and ``A`` is too large to be made dense.

    Notes
    -----
    The rule of the structure comes first (``explain("lstsq", A)`` tells which). Without one, LSMR
    runs on NumPy and CuPy until the residual, or its projection on the range of ``A``, is of the
    size of the rounding errors, which is then checked; if it does not get there, the matrix is
    made dense if it has at most 4096 rows and columns. Singular values below
    ``max(m, n) eps σ₁`` (of a stored part, that of the part) count as zero where they are worked
    out, as in `pinv`: ``eps`` is that of ``A``, whatever the precision of ``b``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> A = Kronecker(np.ones((2, 1)), np.eye(2))
    >>> lstsq(A, np.array([1.0, 2.0, 3.0, 6.0]))
    array([2., 4.])
    """
    A = aslinearoperator(A)
    require_finite("b", b)
    return A._product(lambda B: answer(lstsq, A, then=(B,)), b, A.shape[0], "lstsq", name="b")


def inv(A: Any) -> LinearOperator:
    """Return the inverse as an operator.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    LinearOperator
        The inverse, in the structure of ``A`` where the rule keeps it.

    Raises
    ------
    ValueError
        If ``A`` is not square, or no structure helps and it is too large to be made dense.
    numpy.linalg.LinAlgError
        If ``A`` is singular.

    Notes
    -----
    To solve systems use `solve`: it is at least as fast and more accurate.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> inv(Kronecker(np.eye(2), np.array([[2.0, 1.0], [1.0, 1.0]])))
    <Kronecker 4x4 float64 = 2x2 ⊗ 2x2>
    """
    result: LinearOperator = answer(inv, square(A, "inv"))
    return result


def pinv(A: Any) -> LinearOperator:
    """Return the Moore–Penrose inverse as an operator.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix, of any shape and rank.

    Returns
    -------
    (n, m) LinearOperator
        The operator that takes ``b`` to ``lstsq(A, b)``, in the structure of ``A`` where the rule
        keeps it.

    Raises
    ------
    ValueError
        If no structure helps and ``A`` is too large to be made dense.

    Notes
    -----
    Singular values below ``max(m, n) eps σ₁`` (of a stored part, that of the part) count as zero.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> pinv(Kronecker(np.ones((2, 1)), np.eye(2)))
    <Kronecker 2x4 float64 = 1x2 ⊗ 2x2>
    """
    result: LinearOperator = answer(pinv, aslinearoperator(A))
    return result


def singular(A: LinearOperator, why: str) -> np.linalg.LinAlgError:
    """Return the error that a singular operator gets."""
    return np.linalg.LinAlgError(f"{A!r} is singular: {why}")


def at_once(A: LinearOperator, function: Callable[..., Any], *stacks: Any) -> Any:
    """Return what the library's ``solve`` or ``inv`` gives for the stacked blocks of ``A``.

    A singular block raises; where the library goes on in silence, as CuPy does, NaN or Inf tell.
    """
    try:
        with np.errstate(all="ignore"):
            result = function(*stacks)
    except np.linalg.LinAlgError:
        raise singular(A, "a block is") from None
    if not bool(A.xp.all(A.xp.isfinite(result))):
        raise singular(A, "a block is")
    return result


def square(A: Any, name: str) -> LinearOperator:
    """Return a matrix as an operator, which has to be square."""
    operator: LinearOperator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1]:
        raise ValueError(f"A is {size_text(operator.shape)}: {name} needs a square matrix")
    return operator


def negligible(values: Any, shape: tuple[int, int], xp: ModuleType, dtype: Any = None) -> Any:
    """Tell which singular values count as zero: those up to ``max(m, n) eps σ₁``.

    ``eps`` is that of a data type; by default that of the values.
    """
    if 0 in values.shape:
        return values != 0
    eps = xp.finfo(values.dtype if dtype is None else dtype).eps
    return values <= max(shape) * eps * xp.max(values)
