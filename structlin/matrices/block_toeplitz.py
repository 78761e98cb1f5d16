"""Toeplitz matrices of any number of levels."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace
from structlin._norm import norm as euclidean
from structlin._validation import inexact
from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices._convolution import Convolving, period
from structlin.matrices._hermitian import equal_up_to_rounding
from structlin.matrices._indices import Index, take
from structlin.matrices.algebra import Scaled
from structlin.matrices.diagonals import rule_of_shifts
from structlin.matrices.functions import diagonal, norm, trace
from structlin.matrices.kronecker_rules import unravel
from structlin.matrices.operations import add, adjoint, is_hermitian, scale, select, transpose
from structlin.matrices.rules import rule


class BlockToeplitz(Convolving):
    """A multilevel Toeplitz matrix: its entries depend on the differences of its indices only.

    Rows are numbered by ``(i₁, i₂, …)`` and columns by ``(j₁, j₂, …)``, in C order, as are the
    points of a grid. With two levels it is a block Toeplitz matrix of Toeplitz blocks.

    Parameters
    ----------
    coefficients : (m₁ + n₁ − 1, m₂ + n₂ − 1, …) array
        The entries by difference: ``A[i, j] = coefficients[i₁ − j₁ + n₁ − 1, …]``. They are not
        copied: leave them unchanged.
    levels : sequence of (int, int), optional
        Rows and columns ``(mᵢ, nᵢ)`` of each level. By default all are square, which takes axes
        of odd lengths ``2 nᵢ − 1``.

    Attributes
    ----------
    coefficients : array
        The entries by difference.
    levels : tuple of (int, int)
        Rows and columns of each level.

    Raises
    ------
    ValueError
        If the coefficients are not those of the levels, or a side is even and the levels are left
        out.

    See Also
    --------
    Toeplitz : one level, by its first column and row.

    Notes
    -----
    A product is a convolution by FFT: the coefficients are extended to a circulant matrix, whose
    spectrum is kept. It costs two transforms of ``Π (mᵢ + nᵢ)`` numbers for each column. Matrices
    of up to 2¹⁶ entries are stored when they are used, which is faster.

    Convolution of a ``(n₁, n₂)`` image ``x`` by a kernel ``k`` with all its overlaps, for
    example, is ``BlockToeplitz(K, levels)`` with ``mᵢ = nᵢ + size of the kernel − 1`` and ``K``
    the kernel between ``nᵢ − 1`` zeros on either side of each axis.

    Examples
    --------
    >>> import numpy as np
    >>> A = BlockToeplitz(np.arange(15.0).reshape(3, 5))
    >>> A
    <BlockToeplitz 6x6 float64 = 2x2 of 3x3>
    >>> A[0, :]  # blocks 0 and 1 of the first row
    array([7., 6., 5., 2., 1., 0.])
    """

    coefficients: Any

    def __init__(self, coefficients: Any, levels: Sequence[tuple[int, int]] | None = None) -> None:
        xp = namespace(coefficients)
        sizes = tuple(coefficients.shape)
        if not sizes:
            raise ValueError("coefficients are a scalar: give an array with an axis for each level")
        if levels is None:
            if even := [size for size in sizes if size and size % 2 == 0]:
                raise ValueError(
                    f"coefficients have shape {sizes}: the side {even[0]} is even, but square "
                    "levels have 2n - 1 coefficients: name the levels if they are not square"
                )
            levels = [((size + 1) // 2,) * 2 for size in sizes]
        self.levels = tuple((operator.index(m), operator.index(n)) for m, n in levels)
        fitting = tuple(max(m + n - 1, 0) for m, n in self.levels)
        if fitting != sizes:
            raise ValueError(
                f"coefficients have shape {sizes}: levels {self.levels} need {fitting}, "
                "rows + columns - 1 of each"
            )
        self.coefficients = inexact(xp.asarray(coefficients), xp)
        rows, columns = map(math.prod, self._sides)
        super().__init__((rows, columns), like=self.coefficients)

    @classmethod
    def symmetric(cls, column: Any) -> BlockToeplitz:
        """Return the matrix of entries ``column[|i₁ − j₁|, |i₂ − j₂|, …]``.

        Parameters
        ----------
        column : (n₁, n₂, …) array
            The first column, in the shape of the grid.

        Returns
        -------
        BlockToeplitz
            The covariance matrix on a regular grid, for example, of a stationary field that each
            axis may mirror.

        Examples
        --------
        >>> import numpy as np
        >>> BlockToeplitz.symmetric(np.array([2.0, 1.0, 0.5])).todense()
        array([[2. , 1. , 0.5],
               [1. , 2. , 1. ],
               [0.5, 1. , 2. ]])
        """
        xp = namespace(column)
        for axis, n in enumerate(column.shape):
            # the index is |k| for k = 1 - n, ..., n - 1
            order = xp.abs(xp.arange(1 - n, max(n, 1), device=column.device))[: max(2 * n - 1, 0)]
            column = xp.take(column, order, axis=axis)
        return BlockToeplitz(column)

    @property
    def _sides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows and columns, level by level."""
        rows, columns = zip(*self.levels, strict=True)
        return rows, columns

    @property
    def square_levels(self) -> bool:
        """Whether every level has as many rows as columns."""
        return all(m == n for m, n in self.levels)

    def _with(self, coefficients: Any, levels: Sequence[tuple[int, int]]) -> BlockToeplitz:
        """Return the matrix of the same kind with other coefficients."""
        return BlockToeplitz(coefficients, levels)

    def _astype(self, dtype: Any) -> BlockToeplitz:
        return self._with(self.xp.astype(self.coefficients, dtype), self.levels)

    @property
    def _kernel(self) -> Any:
        # entry d of the kernel is the coefficient of difference d, modulo its length
        xp = self.xp
        lengths = tuple(period(m, n) for m, n in self.levels)
        kernel = xp.zeros(lengths, dtype=self.dtype, device=self.device)
        kernel[tuple(slice(size) for size in self.coefficients.shape)] = self.coefficients
        first = tuple(1 - n for n in self._sides[1])
        return xp.roll(kernel, first, axis=tuple(range(len(first))))

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        xp = self.xp
        rows, columns = (xp.zeros((1, 1), dtype=xp.int64, device=self.device),) * 2
        for (m, n), size in zip(self.levels, self.coefficients.shape, strict=True):
            i, j = (xp.arange(k, dtype=xp.int64, device=self.device) for k in (m, n))
            rows = xp.reshape(rows[:, :1] * size + i[None, :] + (n - 1), (-1, 1))
            columns = xp.reshape(columns[:, :1] * size + j[None, :], (-1, 1))
        places = rows - xp.matrix_transpose(columns)
        flat = xp.reshape(self.coefficients, (-1,))
        return xp.reshape(xp.take(flat, xp.reshape(places, (-1,))), self.shape)

    @functools.cached_property
    def _scale(self) -> float:
        """The norm of the coefficients, at most √2 times the 2-norm of a square matrix."""
        return euclidean(self.coefficients)


def center(A: BlockToeplitz) -> Any:
    """Return the coefficient of difference zero; there are square levels, none empty."""
    return A.coefficients[tuple(n - 1 for n in A._sides[1])]


# algebra


def _mirrored(A: BlockToeplitz, coefficients: Any) -> BlockToeplitz:
    return A._with(A.xp.flip(coefficients), [(n, m) for m, n in A.levels])


rule(adjoint, BlockToeplitz)(lambda A: _mirrored(A, conjugate(A.coefficients, A.xp)))
rule(transpose, BlockToeplitz)(lambda A: _mirrored(A, A.coefficients))
rule(scale, BlockToeplitz)(lambda A, scalar: A._with(times(A.coefficients, scalar, A.xp), A.levels))


@rule(add, BlockToeplitz, BlockToeplitz, when=lambda A, B: A.levels == B.levels)
def _add(A: BlockToeplitz, B: BlockToeplitz) -> BlockToeplitz:
    return A._with(A.coefficients + B.coefficients, A.levels)


def _shifted(A: BlockToeplitz, one: LinearOperator) -> Any:
    if not A.square_levels:
        return NotImplemented
    xp = A.xp
    values = xp.astype(A.coefficients, xp.result_type(A.dtype, one.dtype), copy=True)
    if A.shape[0]:
        values[tuple(n - 1 for n in A._sides[1])] += one.scalar if isinstance(one, Scaled) else 1
    return A._with(values, A.levels)


rule_of_shifts(BlockToeplitz, _shifted)


@rule(is_hermitian, BlockToeplitz)
def _is_hermitian(A: BlockToeplitz) -> bool:
    # as far as a stored matrix has to be
    xp, values = A.xp, A.coefficients
    flipped = conjugate(xp.flip(values), xp)
    return A.square_levels and equal_up_to_rounding(values, flipped, xp)


@rule(select, BlockToeplitz)
def _select(A: BlockToeplitz, rows: Index, columns: Index) -> Any:
    xp, (m, n) = A.xp, A._sides
    last = [k - 1 for k in n]
    if isinstance(rows, int):
        i = unravel(rows, m)
        if isinstance(columns, int):
            j = unravel(columns, n)
            return A.coefficients[tuple(map(_place, i, j, last))]
        part = A.coefficients[tuple(slice(a, a + k) for a, k in zip(i, n, strict=True))]
        return take(xp.reshape(xp.flip(part), (-1,)), columns, xp)
    if isinstance(columns, int):
        first = [z - b for z, b in zip(last, unravel(columns, n), strict=True)]
        part = A.coefficients[tuple(slice(a, a + k) for a, k in zip(first, m, strict=True))]
        return take(xp.reshape(part, (-1,)), rows, xp)
    return NotImplemented


def _place(i: int, j: int, last: int) -> int:
    return i - j + last


# functions

_constant: dict[str, Any] = {"when": lambda A: A.square_levels, "cost": "n", "memory": "n"}


@rule(diagonal, BlockToeplitz, how="one coefficient", **_constant)
def _diagonal(A: BlockToeplitz) -> Any:
    n = A.shape[0]
    zero = A.xp.zeros(n, dtype=A.dtype, device=A.device)
    return zero + center(A) if n else zero


@rule(trace, BlockToeplitz, how="a multiple of one coefficient", **_constant)
def _trace(A: BlockToeplitz) -> Any:
    return center(A) * float(A.shape[0]) if A.shape[0] else A._scalar(0.0)


@rule(
    norm,
    BlockToeplitz,
    how="fro, 1 and inf: sums of the coefficients",
    cost="m + n",
    memory="m + n",
    may_decline=True,
)
def _norm(A: BlockToeplitz, ord: str | float) -> Any:
    xp = A.xp
    if ord == "fro":
        weights = functools.reduce(
            lambda a, b: a[..., None] * b,
            (frequencies(A, m, n) for m, n in A.levels),
        )
        return A._scalar(euclidean(A.coefficients * xp.sqrt(weights)), A.real_dtype)
    if ord not in (1, math.inf):
        return NotImplemented
    sums = xp.abs(A.coefficients)
    for axis, (m, n) in enumerate(A.levels):
        # a row sees n consecutive coefficients, a column m of them
        width = m if ord == 1 else n
        running = xp.moveaxis(xp.cumulative_sum(sums, axis=axis, include_initial=True), axis, 0)
        sums = xp.moveaxis(running[width:, ...] - running[:-width, ...], 0, axis)
    return xp.max(sums)


def frequencies(A: LinearOperator, m: int, n: int) -> Any:
    """Return how often each coefficient of an (m, n) level occurs, on the device of ``A``."""
    d = A.xp.arange(m + n - 1, dtype=A.real_dtype, device=A.device)
    return A.xp.clip(A.xp.minimum(d + 1, m + n - 1 - d), max=min(m, n))
