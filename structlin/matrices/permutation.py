"""Permutation matrices."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import device, namespace
from structlin.matrices._base import LinearOperator
from structlin.matrices._indices import Index
from structlin.matrices._orthogonal import rules_of_orthogonal
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.functions import diagonal, eigh, norm, slogdet, trace
from structlin.matrices.operations import adjoint, is_hermitian, multiply, select, transpose
from structlin.matrices.rules import rule


class Permutation(LinearOperator):
    """A permutation matrix: ``(A @ x)[i] = x[indices[i]]``.

    Parameters
    ----------
    indices : (n,) integer array
        The integers from 0 to n − 1, each of them once.
    dtype : data type, optional
        By default float64.

    Attributes
    ----------
    indices : (n,) integer array
        Where each row has its one.

    Raises
    ------
    ValueError
        If the indices are not these integers.
    TypeError
        If they are no integers.

    Examples
    --------
    >>> import numpy as np
    >>> A = Permutation(np.array([2, 0, 1]))
    >>> A @ np.array([10.0, 11.0, 12.0])
    array([12., 10., 11.])
    """

    indices: Any

    def __init__(self, indices: Any, *, dtype: Any = None) -> None:
        xp = namespace(indices)
        if indices.ndim != 1:
            raise ValueError(f"indices have shape {tuple(indices.shape)}: they need one dimension")
        if not xp.isdtype(indices.dtype, "integral"):
            raise TypeError(f"indices have dtype {indices.dtype}: they need integers")
        super().__init__(indices.shape * 2, dtype, like=indices)
        self.indices = xp.asarray(indices)
        order = xp.argsort(self.indices)
        ranks = xp.take(self.indices, order)
        amiss = xp.nonzero(ranks != _places(self))[0]
        if amiss.shape[0]:
            first = int(amiss[0])
            raise ValueError(
                f"indices are no permutation of 0 to {self.shape[0] - 1}: sorted, they have "
                f"{int(ranks[first])} where {first} is due"
            )
        self._inverse = order

    def _matmat(self, X: Any) -> Any:
        return self.xp.take(X, self.indices, axis=0)

    def _rmatmat(self, X: Any) -> Any:
        return self.xp.take(X, self._inverse, axis=0)


def _places(A: Permutation) -> Any:
    return A.xp.arange(A.shape[0], dtype=A.indices.dtype, device=A.device)


def parity(indices: Any) -> int:
    """Return the sign of a permutation: −1 for each cycle of even length.

    Parameters
    ----------
    indices : (n,) integer array
        The integers from 0 to n − 1, each of them once.

    Returns
    -------
    int
        1 or −1.

    Notes
    -----
    The sign is ``(−1)^(n − cycles)``. An index that is the least of its cycle stands for it:
    after ``k`` rounds of doubling, every index knows the least of the ``2^k`` that follow it, so
    that ``log₂ n`` rounds of ``n`` operations suffice on any array library.

    Examples
    --------
    >>> import numpy as np
    >>> parity(np.array([1, 2, 0])), parity(np.array([1, 0, 2]))
    (1, -1)
    """
    xp, n = namespace(indices), indices.shape[0]
    places = xp.arange(n, dtype=indices.dtype, device=device(indices))
    least, ahead = places, indices
    for _ in range(max(n - 1, 0).bit_length()):
        least = xp.minimum(least, xp.take(least, ahead))
        ahead = xp.take(ahead, ahead)
    cycles = int(xp.count_nonzero(least == places))
    return -1 if (n - cycles) % 2 else 1


# algebra

rule(transpose, Permutation)(lambda A: Permutation(A._inverse, dtype=A.dtype))
rule(adjoint, Permutation)(lambda A: Permutation(A._inverse, dtype=A.dtype))


@rule(is_hermitian, Permutation)
def _is_hermitian(A: Permutation) -> bool:
    return bool(A.xp.all(A.indices == A.xp.astype(A._inverse, A.indices.dtype)))


@rule(multiply, Permutation, Permutation)
def _multiply(A: Permutation, B: Permutation) -> Permutation:
    dtype = A.xp.result_type(A.dtype, B.dtype)
    return Permutation(A.xp.take(B.indices, A.indices), dtype=dtype)


@rule(multiply, Permutation, Dense)
def _permuted_rows(A: Permutation, B: Dense) -> Dense:
    wide = A.xp.result_type(A.dtype, B.dtype)
    return Dense(A.xp.astype(A.xp.take(B.array, A.indices, axis=0), wide, copy=False))


@rule(multiply, Dense, Permutation)
def _permuted_columns(A: Dense, B: Permutation) -> Dense:
    wide = A.xp.result_type(A.dtype, B.dtype)
    return Dense(A.xp.astype(A.xp.take(A.array, B._inverse, axis=1), wide, copy=False))


@rule(select, Permutation)
def _select(A: Permutation, rows: Index, columns: Index) -> Any:
    if isinstance(rows, int) and isinstance(columns, int):
        return A._scalar(float(int(A.indices[rows]) == columns))
    return NotImplemented


# functions

rules_of_orthogonal(Permutation, how="the transpose", cost="n", memory="n")


@rule(slogdet, Permutation, how="count of the cycles", cost="3 n log₂ n", memory="3 n")
def _slogdet(A: Permutation) -> Any:
    return A._scalar(float(parity(A.indices))), A._scalar(0.0, A.real_dtype)


@rule(
    eigh,
    Permutation,
    when=is_hermitian,
    how="(eᵢ ± eⱼ) / √2 for each pair that is exchanged",
    cost="4 n",
    memory="4 n",
)
def _eigh(A: Permutation) -> Any:
    # column i < j of a pair is (eᵢ + eⱼ) / √2, and column j is (eᵢ - eⱼ) / √2
    xp, partner, own = A.xp, A.indices, _places(A)
    half = A._scalar(math.sqrt(0.5))
    second = partner < own
    near = xp.where(partner == own, 1, xp.where(second, -half, half))
    far = xp.where(partner == own, 0, half)
    w = xp.where(second, -1, xp.ones(A.shape[0], dtype=A.real_dtype, device=A.device))
    return w, Diagonal(near) + Diagonal(far) @ A


# of the other norms, those of rows and columns
rule(norm, Permutation, how="1 and inf: one", cost="1", memory="1")(
    lambda A, ord: A._scalar(1.0, A.real_dtype)
)


@rule(diagonal, Permutation, how="ones where an index is at home", cost="n", memory="n")
def _diagonal(A: Permutation) -> Any:
    return A.xp.astype(A.indices == _places(A), A.dtype)


@rule(trace, Permutation, how="count of the indices at home", cost="n", memory="n")
def _trace(A: Permutation) -> Any:
    return A.xp.sum(diagonal(A))
