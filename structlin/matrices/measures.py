"""Numbers that tell about an operator: determinant, trace, norms, rank and condition."""

from __future__ import annotations

import cmath
import math
from typing import Any, NamedTuple

import numpy as np

from structlin.matrices._base import size_text
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import answer
from structlin.matrices.systems import square


class SlogdetResult(NamedTuple):
    """Sign and logarithm of a determinant: ``det A = sign · exp(logabsdet)``."""

    sign: Any
    logabsdet: Any


def slogdet(A: Any) -> SlogdetResult:
    """Return sign and logarithm of the absolute value of the determinant.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    SlogdetResult
        ``sign``, of modulus 1, or 0 if ``A`` is singular, and ``logabsdet``, real; both are
        scalars of the array library of ``A``, so that ``det A = sign · exp(logabsdet)``.

    Raises
    ------
    ValueError
        If ``A`` is not square, or no structure helps and it is too large to be made dense.

    Notes
    -----
    For ``A = A₁ ⊗ … ⊗ A_d`` of size ``N = Π nᵢ``:
    ``log|det A| = Σ (N/nᵢ) log|det Aᵢ|`` and ``sign A = Π (sign Aᵢ)^(N/nᵢ)``, with exponents in
    integers of any size.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> sign, logabsdet = slogdet(Kronecker(np.eye(3), np.diag([1.0, -np.e])))
    >>> float(sign), float(logabsdet)
    (-1.0, 3.0)
    """
    sign, logabsdet = answer(slogdet, square(A, "slogdet"))
    return SlogdetResult(_scalar(sign), _scalar(logabsdet))


def logdet(A: Any) -> Any:
    """Return the logarithm of the determinant.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    scalar
        ``log det A``: real for a real ``A``, and the principal value for a complex one; −∞ if
        ``A`` is singular.

    Raises
    ------
    ValueError
        If ``A`` is real and its determinant negative (`slogdet` gives sign and logarithm).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> float(logdet(Diagonal(np.array([1.0, np.e, np.e]))))
    2.0
    """
    A = square(A, "logdet")
    sign, logabsdet = slogdet(A)
    if A.is_complex:
        return A.xp.astype(logabsdet, A.dtype) + 1j * cmath.phase(complex(sign))
    if float(sign) < 0:
        raise ValueError(
            "det A is negative and has no real logarithm: use slogdet (of a covariance that is "
            "numerically singular this is rounding: add c * Identity(n))"
        )
    return logabsdet


def trace(A: Any) -> Any:
    """Return the sum of the diagonal.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    scalar
        The trace, of the data type and the array library of ``A``.

    Raises
    ------
    ValueError
        If ``A`` is not square.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> float(trace(Kronecker(np.eye(2), np.eye(3), np.eye(4))))
    24.0
    """
    return _scalar(answer(trace, square(A, "trace")))


def diagonal(A: Any) -> Any:
    """Return the diagonal.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    (min(m, n),) array
        The entries ``A[i, i]``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import KroneckerSum
    >>> diagonal(KroneckerSum(np.diag([1.0, 5.0]), np.diag([0.0, 3.0])))
    array([1., 4., 5., 8.])
    """
    return answer(diagonal, aslinearoperator(A))


def norm(A: Any, ord: str | float = "fro") -> Any:
    """Return a norm.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.
    ord : {"fro", "nuc", 1, 2, inf}
        Which one: Frobenius, the sum of the singular values, the largest column sum of moduli,
        the largest singular value, or the largest row sum of moduli.

    Returns
    -------
    scalar
        The norm: real, of the precision and the array library of ``A``.

    Raises
    ------
    ValueError
        If ``ord`` is none of these, or a norm of the singular values is asked for, no structure
        helps and ``A`` is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> float(norm(Kronecker(np.full((2, 2), 3.0), np.eye(9))))
    18.0
    """
    A = aslinearoperator(A)
    _require_norm(ord)
    return answer(norm, A, then=(ord,)) if 0 not in A.shape else A._scalar(0.0, A.real_dtype)


_norms = ("fro", "nuc", 1, 2, math.inf)


def _require_norm(ord: str | float) -> None:
    if ord not in _norms:
        raise ValueError(f"ord is {ord!r}: choose one of {', '.join(map(repr, _norms))}")


def rank(A: Any) -> int:
    """Return the numerical rank.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    int
        The number of singular values above ``max(m, n) eps σ₁`` (of a stored part, that of the
        part).

    Raises
    ------
    ValueError
        If no structure helps and ``A`` is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> rank(Kronecker(np.ones((4, 3)), np.eye(5)))
    5
    """
    return int(answer(rank, aslinearoperator(A)))


def cond(A: Any, ord: str | float = 2) -> Any:
    """Return the condition number.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix; square unless ``ord`` is 2.
    ord : {2, "fro", "nuc", 1, inf}
        The norm.

    Returns
    -------
    scalar
        ``‖A‖ ‖A⁻¹‖``, for ``ord=2`` the ratio of the largest singular value to the smallest;
        ∞ if ``A`` is singular. Beyond ``1/eps`` the number says no more than that the matrix is
        singular as far as rounding lets us know.

    Raises
    ------
    ValueError
        If ``ord`` is no norm, ``A`` is empty or not square, or no structure helps and it is too
        large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> float(cond(Kronecker(np.diag([1.0, 2.0]), np.diag([3.0, 12.0]))))
    8.0
    """
    A = aslinearoperator(A)
    _require_norm(ord)
    if 0 in A.shape:
        raise ValueError(f"A is {size_text(A.shape)}: an empty matrix has no condition number")
    return answer(cond, A if ord == 2 else square(A, "cond"), then=(ord,))


def _scalar(x: Any) -> Any:
    """Return a NumPy array without axes as a scalar, and other scalars as they are."""
    return x[()] if isinstance(x, np.ndarray) else x
