"""The public functions of operators; what they do is looked up in the rules of the structure."""

from __future__ import annotations

import cmath
from typing import Any, NamedTuple

import numpy as np

from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import Explanation, answer, explanation


class SlogdetResult(NamedTuple):
    """Sign and logarithm of a determinant: ``det A = sign · exp(logabsdet)``."""

    sign: Any
    logabsdet: Any


class EighResult(NamedTuple):
    """Eigenvalues and orthonormal eigenvectors: ``A = V diag(w) Vᴴ``.

    The eigenvalues stand in the order of the structure, and column ``j`` of the operator
    ``eigenvectors`` belongs to ``eigenvalues[j]``.
    """

    eigenvalues: Any
    eigenvectors: LinearOperator

    def sorted(self) -> EighResult:
        """Return the same pairs with ascending eigenvalues."""
        xp = self.eigenvectors.xp
        order = xp.argsort(self.eigenvalues)
        return EighResult(xp.take(self.eigenvalues, order), self.eigenvectors[:, order])


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
    A = _square(A, "solve")
    require_finite("b", b)
    return A._product(lambda B: answer(solve, A, then=(B,)), b, A.shape[0], "solve", name="b")


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
    result: LinearOperator = answer(inv, _square(A, "inv"))
    return result


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
    sign, logabsdet = answer(slogdet, _square(A, "slogdet"))
    return SlogdetResult(sign, logabsdet)


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
    A = _square(A, "logdet")
    sign, logabsdet = slogdet(A)
    if A.is_complex:
        return A.xp.astype(logabsdet, A.dtype) + 1j * cmath.phase(complex(sign))
    if float(sign) < 0:
        raise ValueError("det A is negative and has no real logarithm: use slogdet")
    return logabsdet


def eigh(A: Any) -> EighResult:
    """Return eigenvalues and orthonormal eigenvectors of a Hermitian operator.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix; that it is Hermitian is checked (see `is_hermitian`), never assumed.

    Returns
    -------
    EighResult
        ``eigenvalues``, an (n,) real array in the order of the structure, ``eigenvectors``, a
        unitary operator of the structure, and ``sorted()``, which puts both in ascending order.

    Raises
    ------
    ValueError
        If ``A`` is not Hermitian, or no structure helps and it is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import KroneckerSum
    >>> A = KroneckerSum(np.diag([1.0, 5.0]), np.diag([0.0, 3.0]))
    >>> eigh(A).sorted().eigenvalues
    array([1., 4., 5., 8.])
    """
    w, V = answer(eigh, _square(A, "eigh"))
    return EighResult(w, V)


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
    return answer(trace, _square(A, "trace"))


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


_explained = {f.__name__: f for f in (solve, inv, slogdet, logdet, eigh, trace, diagonal)}


def explain(function: Any, A: Any) -> Explanation:
    """Tell what a function will do with an operator: its rule, its cost and its memory.

    Parameters
    ----------
    function : str or callable
        One of `solve`, `inv`, `slogdet`, `logdet`, `eigh`, `trace` and `diagonal`.
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    Explanation
        Rule, cost and memory, what follows should the rule not get there, and the same for the
        parts of the structure. Nothing is computed beyond a look at the parts (`is_hermitian`).

    Raises
    ------
    ValueError
        If the function has no rules.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> explain("solve", Diagonal(np.ones(3)))
    solve(<Diagonal 3x3 float64>)
      rule    entry by entry
      cost    n
      memory  n
    """
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    if _explained.get(name) is None or (callable(function) and function is not _explained[name]):
        known = ", ".join(_explained)
        raise ValueError(f"{function!r} has no rules to explain: choose one of {known}")
    A = aslinearoperator(A)
    return explanation(slogdet if name == "logdet" else _explained[name], A)


def singular(A: LinearOperator, why: str) -> np.linalg.LinAlgError:
    """Return the error that a singular operator gets."""
    return np.linalg.LinAlgError(f"{A!r} is singular: {why}")


def _square(A: Any, name: str) -> LinearOperator:
    operator: LinearOperator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1]:
        raise ValueError(f"A is {size_text(operator.shape)}: {name} needs a square matrix")
    return operator
