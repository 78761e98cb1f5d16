"""Decompositions: eigenvalues, singular values, Cholesky factors and the exponential."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from structlin.matrices._base import LinearOperator
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import answer
from structlin.matrices.systems import square


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


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors: ``A V = V diag(w)``, both complex.

    The eigenvalues stand in the order of the structure, and column ``j`` of the operator
    ``eigenvectors`` belongs to ``eigenvalues[j]``.
    """

    eigenvalues: Any
    eigenvectors: LinearOperator


class SVDResult(NamedTuple):
    """Singular values and vectors: ``A = U diag(S) Vh``.

    The columns of ``U`` and the rows of ``Vh`` are orthonormal. The singular values stand in the
    order of the structure, which may leave out some that are zero.
    """

    U: LinearOperator
    S: Any
    Vh: LinearOperator

    def sorted(self) -> SVDResult:
        """Return the same triplets with descending singular values."""
        xp = self.U.xp
        order = xp.argsort(self.S, descending=True)
        return SVDResult(self.U[:, order], xp.take(self.S, order), self.Vh[order, :])


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
    w, V = answer(eigh, square(A, "eigh"))
    return EighResult(w, V)


def eig(A: Any) -> EigResult:
    """Return eigenvalues and eigenvectors.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    EigResult
        ``eigenvalues``, an (n,) complex array in the order of the structure, and
        ``eigenvectors``, a complex operator whose columns have norm 1.

    Raises
    ------
    ValueError
        If ``A`` is not square, or no structure helps and it is too large to be made dense.
    TypeError
        If a dense matrix is to be decomposed and the array library cannot do it.

    Notes
    -----
    Hermitian matrices go to `eigh`, whose eigenvectors are orthonormal. Those of a defective
    matrix are linearly dependent.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> eig(Kronecker(rotation, np.eye(2))).eigenvalues.imag
    array([ 1.,  1., -1., -1.])
    """
    A = square(A, "eig")
    w, V = answer(eig, A)
    w = A.xp.astype(w, A.xp.result_type(w.dtype, A.xp.complex64), copy=False)
    return EigResult(w, V if V.is_complex else (1 + 0j) * V)


def svd(A: Any) -> SVDResult:
    """Return the thin singular value decomposition.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    SVDResult
        ``U``, an (m, r) operator with orthonormal columns, ``S``, an (r,) real array in the order
        of the structure, ``Vh``, an (r, n) operator with orthonormal rows, where
        ``r ≤ min(m, n)``, and ``sorted()``, which puts all three in descending order.

    Raises
    ------
    ValueError
        If no structure helps and ``A`` is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> U, S, Vh = svd(Kronecker(np.diag([1.0, 2.0]), np.diag([3.0, 5.0]))).sorted()
    >>> S
    array([10.,  6.,  5.,  3.])
    """
    U, S, Vh = answer(svd, aslinearoperator(A))
    return SVDResult(U, S, Vh)


def svdvals(A: Any) -> Any:
    """Return the singular values.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    (min(m, n),) array
        All singular values, those that are zero among them, in descending order.

    Raises
    ------
    ValueError
        If no structure helps and ``A`` is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> svdvals(Kronecker(np.diag([1.0, 2.0]), np.diag([3.0, 5.0])))
    array([10.,  6.,  5.,  3.])
    """
    A = aslinearoperator(A)
    xp, size = A.xp, min(A.shape)
    A._require_formable(size)
    values = xp.sort(answer(svdvals, A), descending=True)
    missing = xp.zeros(max(size - values.shape[0], 0), dtype=values.dtype, device=A.device)
    return xp.concat((values, missing))[:size]


def cholesky(A: Any) -> LinearOperator:
    """Return the lower triangular ``L`` with ``A = L Lᴴ`` of a positive definite operator.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix; that it is Hermitian is checked (see `is_hermitian`), never assumed.

    Returns
    -------
    LinearOperator
        The Cholesky factor, in the structure of ``A`` where the rule keeps it. Its diagonal is
        positive.

    Raises
    ------
    ValueError
        If ``A`` is not Hermitian, or no structure helps and it is too large to be made dense.
    numpy.linalg.LinAlgError
        If ``A`` is not positive definite.

    Notes
    -----
    To draw samples of covariance ``A`` any factor will do: with ``w, V = eigh(A)`` and normal
    numbers ``z``, ``V @ (sqrt(w) * z)`` keeps structures whose Cholesky factor has none, such as
    ``A ⊗ B + c I``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> A = np.array([[4.0, 2.0], [2.0, 5.0]])
    >>> cholesky(Kronecker(A, A)).factors[0].todense()
    array([[2., 0.],
           [1., 2.]])
    """
    result: LinearOperator = answer(cholesky, square(A, "cholesky"))
    return result


def expm(A: Any) -> LinearOperator:
    """Return the matrix exponential as an operator.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    LinearOperator
        ``exp(A) = Σ Aᵏ/k!``, in the structure of ``A`` where the rule keeps it.

    Raises
    ------
    ValueError
        If ``A`` is not square, or no structure helps and it is too large to be made dense.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import KroneckerSum
    >>> expm(KroneckerSum(np.zeros((2, 2)), np.zeros((3, 3))))
    <Kronecker 6x6 float64 = 2x2 ⊗ 3x3>
    """
    result: LinearOperator = answer(expm, square(A, "expm"))
    return result


def not_hermitian(A: LinearOperator) -> ValueError:
    """Return the error of `eigh` and `cholesky` for an operator that is not Hermitian."""
    return ValueError(f"{A!r} is not Hermitian: max |A - Aᴴ| exceeds 100 eps max |A|")


def not_positive(A: LinearOperator) -> np.linalg.LinAlgError:
    """Return the error of `cholesky` for an operator that is not positive definite."""
    return np.linalg.LinAlgError(f"{A!r} is not positive definite")
