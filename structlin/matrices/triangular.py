"""Triangular matrices."""

from __future__ import annotations

from typing import Any

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, size_text, times
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, as_diagonal, rule_of_shifts, slogdet_of
from structlin.matrices.functions import inv, singular, slogdet, solve
from structlin.matrices.operations import add, adjoint, multiply, scale, transpose
from structlin.matrices.rules import answer, rule


class Triangular(Dense):
    """A triangular matrix.

    Parameters
    ----------
    array : (n, n) array
        The entries; those on the other side of the diagonal count as zero. The triangle is
        copied; integers become float64.
    lower : bool, default True
        Whether it is the lower triangle.
    unit_diagonal : bool, default False
        Whether the diagonal counts as ones, whatever the array has there.

    Attributes
    ----------
    array : (n, n) array
        The matrix.
    lower : bool
        Whether it is the lower triangle.

    Raises
    ------
    ValueError
        If the array is not square.

    Notes
    -----
    Solutions cost ``n²`` per right-hand side. What a `Dense` matrix can do, it can do.

    Examples
    --------
    >>> import numpy as np
    >>> A = Triangular(np.array([[2.0, 9.0], [1.0, 4.0]]))
    >>> A @ np.array([1.0, 1.0])
    array([2., 5.])
    """

    lower: bool

    def __init__(self, array: Any, *, lower: bool = True, unit_diagonal: bool = False) -> None:
        xp = namespace(array)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise ValueError(f"array is {size_text(array.shape)}: a triangle is half of a square")
        array, side = inexact(xp.asarray(array), xp), -1 if lower else 1
        half = xp.tril if lower else xp.triu
        if unit_diagonal:
            ones = xp.eye(array.shape[0], dtype=array.dtype, device=array.device)
            triangle = half(array, k=side) + ones
        else:
            triangle = half(array)
        super().__init__(triangle)
        self.lower = bool(lower)


# algebra


def _same_side(A: Triangular, B: Triangular) -> bool:
    return A.lower == B.lower


rule(adjoint, Triangular)(lambda A: Triangular(adjoint_of(A.array, A.xp), lower=not A.lower))
rule(transpose, Triangular)(lambda A: Triangular(A.xp.matrix_transpose(A.array), lower=not A.lower))
rule(scale, Triangular)(lambda A, scalar: Triangular(times(A.array, scalar, A.xp), lower=A.lower))
rule(add, Triangular, Triangular, when=_same_side)(
    lambda A, B: Triangular(A.array + B.array, lower=A.lower)
)
rule(add, Triangular, Diagonal)(lambda A, B: Triangular(A.array + B.todense(), lower=A.lower))
rule(add, Diagonal, Triangular)(lambda A, B: B + A)
rule_of_shifts(Triangular, lambda A, one: A + as_diagonal(one))
rule(multiply, Triangular, Triangular, when=_same_side)(
    lambda A, B: Triangular(A.xp.matmul(A.array, B.array), lower=A.lower)
)
rule(multiply, Triangular, Diagonal)(lambda A, B: Triangular(A.array * B.entries, lower=A.lower))
rule(multiply, Diagonal, Triangular)(
    lambda A, B: Triangular(A.entries[:, None] * B.array, lower=B.lower)
)


# functions


@rule(solve, Triangular, how="substitution", cost="n²", memory="n")
def _solve(A: Triangular, B: Any) -> Any:
    xp = A.xp
    require_finite("A", A.array)
    if 0 in B.shape:
        return xp.asarray(B, copy=True)
    if not bool(xp.all(xp.linalg.diagonal(A.array) != 0)):
        raise singular(A, "an entry of the diagonal is zero")
    array = xp.astype(A.array, B.dtype, copy=False)
    if not (is_numpy(xp) or is_cupy(xp)):
        X = xp.linalg.solve(array, B)
    else:
        linalg = scipy_of(xp, "linalg")
        X = linalg.solve_triangular(array, B, lower=A.lower, check_finite=False)
    if not bool(xp.all(xp.isfinite(X))):
        raise singular(A, "numbers of the solution exceed the range of the data type")
    return X


@rule(inv, Triangular, how="substitution", cost="n³", memory="2 n²")
def _inv(A: Triangular) -> LinearOperator:
    one = A.xp.eye(A.shape[0], dtype=A.dtype, device=A.device)
    return Triangular(answer(solve, A, then=(one,)), lower=A.lower)


@rule(slogdet, Triangular, how="sum over the diagonal", cost="n", memory="n")
def _slogdet(A: Triangular) -> Any:
    require_finite("A", A.array)
    return slogdet_of(A.xp.linalg.diagonal(A.array), A.xp)
