"""Sparse matrices of SciPy and CuPy."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from structlin._backend import scipy_of
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices.algebra import Inverse
from structlin.matrices.diagonals import Diagonal, as_diagonal, rule_of_shifts, slogdet_of
from structlin.matrices.functions import diagonal, inv, norm, singular, slogdet, solve, trace
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    transpose,
)
from structlin.matrices.permutation import parity
from structlin.matrices.rules import rule


class Sparse(LinearOperator):
    """A sparse matrix of SciPy or CuPy.

    Parameters
    ----------
    matrix : (m, n) sparse matrix or sparse array
        The matrix, in any format; integers become float64. It is kept in CSR or CSC form, without
        a copy where it has it: leave it unchanged.

    Attributes
    ----------
    matrix : sparse matrix
        The matrix.

    Raises
    ------
    ValueError
        If it has not two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> Sparse(scipy.sparse.eye_array(3)) @ np.ones(3)
    array([1., 1., 1.])
    """

    matrix: Any

    def __init__(self, matrix: Any) -> None:
        if not hasattr(matrix, "tocsr"):
            raise TypeError(f"{type(matrix).__name__} is no sparse matrix of SciPy or CuPy")
        if matrix.ndim != 2:
            raise ValueError(f"matrix has shape {matrix.shape}: a matrix has two dimensions")
        compressed = matrix if matrix.format in ("csr", "csc") else matrix.tocsr()
        super().__init__(matrix.shape, like=compressed)
        kept = compressed.dtype == self.dtype
        self.matrix = compressed if kept else compressed.astype(self.dtype)

    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X

    def _rmatmat(self, X: Any) -> Any:
        return conjugate(self.matrix.T @ conjugate(X, self.xp), self.xp)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return self.matrix.toarray()

    def _formula(self) -> str:
        return f"{self.matrix.nnz} entries"

    @functools.cached_property
    def _lu(self) -> Any:
        """Sparse LU factorisation, kept for the next right-hand side."""
        require_finite("A", self.matrix)
        try:
            return scipy_of(self.xp, "sparse.linalg").splu(self.matrix.tocsc())
        except RuntimeError as error:  # SuperLU has met a zero pivot
            raise singular(self, "a pivot is zero") from error


rule(aslinearoperator, object, when=lambda x: hasattr(x, "tocsr"))(Sparse)

# algebra of sparse matrices

rule(adjoint, Sparse)(lambda A: Sparse((A.matrix.conj() if A.is_complex else A.matrix).T))
rule(transpose, Sparse)(lambda A: Sparse(A.matrix.T))
rule(add, Sparse, Sparse)(lambda A, B: Sparse(A.matrix + B.matrix))
rule(add, Sparse, Diagonal)(lambda A, B: A + _sparse(B))
rule(add, Diagonal, Sparse)(lambda A, B: _sparse(A) + B)
rule_of_shifts(Sparse, lambda A, one: A + as_diagonal(one))
rule(multiply, Sparse, Sparse)(lambda A, B: Sparse(A.matrix @ B.matrix))
rule(scale, Sparse)(lambda A, scalar: Sparse(A.matrix * scalar))


def _sparse(A: Diagonal) -> Sparse:
    return Sparse(scipy_of(A.xp, "sparse").diags(A.entries, format="csr"))


@rule(is_hermitian, Sparse)
def _is_hermitian(A: Sparse) -> bool:
    if A.shape[0] == 0:
        return True
    if not bool(A.xp.all(A.xp.isfinite(A.matrix.data))):
        return False
    gap = abs(A.matrix - A.matrix.conj().T).max()
    return bool(gap <= 100 * A.xp.finfo(A.dtype).eps * abs(A.matrix).max())


# functions of sparse matrices


def _nonempty(A: Sparse) -> bool:
    return A.shape[0] > 0


@rule(
    solve,
    Sparse,
    when=_nonempty,
    how="sparse LU factorisation (SuperLU, on the host), kept",
    cost="the fill-in's",
    memory="the fill-in's",
)
def _solve(A: Sparse, B: Any) -> Any:
    if A.matrix.dtype != B.dtype:
        A = Sparse(A.matrix.astype(B.dtype))
    return A._lu.solve(B) if B.shape[1] else B.copy()


rule(inv, Sparse, when=_nonempty, how="solves at each product", cost="0", memory="0")(Inverse)


@rule(
    slogdet,
    Sparse,
    when=_nonempty,
    how="sparse LU factorisation (SuperLU, on the host), kept",
    cost="the fill-in's",
    memory="the fill-in's",
)
def _slogdet(A: Sparse) -> Any:
    try:
        lu = A._lu
    except np.linalg.LinAlgError:
        return A._scalar(0.0), A._scalar(-np.inf, A.real_dtype)
    sign, logarithm = slogdet_of(lu.U.diagonal(), A.xp)
    return sign * parity(lu.perm_r) * parity(lu.perm_c), logarithm


rule(trace, Sparse, how="sum of the diagonal", cost="n", memory="n")(
    lambda A: A.xp.sum(A.matrix.diagonal())
)
rule(diagonal, Sparse, how="the stored entries", cost="n", memory="n")(
    lambda A: A.matrix.diagonal()
)


@rule(
    norm,
    Sparse,
    how="fro, 1 and inf: sums of the stored entries",
    cost="the entries",
    memory="the entries",
    may_decline=True,
)
def _norm(A: Sparse, ord: str | float) -> Any:
    if ord not in ("fro", 1, math.inf):
        return NotImplemented
    xp, matrix = A.xp, A.matrix
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # the user's stays as it is
        matrix.sum_duplicates()
    if ord == "fro":
        return A._scalar(euclidean(matrix.data), A.real_dtype)
    sums = xp.asarray(abs(matrix).sum(axis=0 if ord == 1 else 1))
    return xp.astype(xp.max(sums), A.real_dtype, copy=False)
