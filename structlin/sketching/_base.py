"""The sketching operator: a short, wide random matrix that is a function of seed and place."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar, Self

from structlin._backend import device, is_numpy, namespace, scipy_of
from structlin._validation import common_type
from structlin.matrices import (
    Adjoint,
    Dense,
    LinearOperator,
    Product,
    Scaled,
    Sparse,
    Sum,
    Transpose,
    adjoint,
    rule,
    transpose,
)
from structlin.matrices._base import adjoint_of, size_text, times
from structlin.sketching._operand import as_matrix, needing_adjoint
from structlin.sketching._random import seed_of
from structlin.sketching._superblocks import superblocks, tree_sum
from structlin.sketching.row_blocks import RowBlocks, Summand

# rows of A that a dense part of the operator is made for at a time
_tile = 1024
# and how many of its entries are made at a time where larger pieces are better
_entries_at_once = 2**22


class SketchingOperator(LinearOperator):
    """A random (d, m) matrix with few rows, made on the fly and never stored.

    A subclass gives `_stream`, its number among the uses of a seed, and `_entries`; and `_add`
    where products can be had without the entries.

    Parameters
    ----------
    rows, columns : int
        ``d``, the size of the sketch, and ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key. None takes entropy of the system.
    dtype, like
        As for `structlin.LinearOperator`.

    Attributes
    ----------
    seed : int
        The 64-bit key: with the kind and its parameters it says every entry.
    start : int
        The row of the whole matrix to which the first column belongs.
    scale : float
        The factor of all entries, which makes ``E ‖S x‖² = ‖x‖²``.

    Warns
    -----
    UserWarning
        If there are more rows than columns: the sketch is then larger than what is sketched.

    Notes
    -----
    An entry is a function of the key, the kind and its parameters, its own row and the row of ``A``
    it multiplies, and of nothing else: not of ``m`` (but for the kinds that say so), threads,
    chunks or the device. Products add rows in the one order of
    `structlin.sketching._superblocks`; only the transforms and products of tensors that have all
    rows in memory do better, and then agree with those by blocks of rows up to rounding.

    ``S @ A`` and ``B @ S.T`` are arrays for arrays and for sparse matrices; with operators they
    are products that remain to be applied, of which `apply` makes arrays. Data types promote: for
    the sketch of single precision of an array, make ``S`` with ``like=A``.
    """

    seed: int
    start: int
    scale: float

    _stream: ClassVar[int]
    # pieces of rows handed to `_add` start at multiples of it
    _granule: ClassVar[int] = _tile

    def __init__(
        self, rows: int, columns: int, *, rng: Any = None, dtype: Any = None, like: Any = None
    ) -> None:
        super().__init__((rows, columns), dtype, like=like)
        self.seed = seed_of(rng)
        self.start = 0
        self.scale = _isometric(rows)
        if 0 < self.shape[1] < self.shape[0]:
            # the constructors of the kinds stand between this one and the caller
            own = sum("__init__" in vars(kind) for kind in type(self).__mro__)
            warnings.warn(
                f"a sketch with {rows} rows of a matrix with {columns} saves nothing: take fewer "
                "rows, or the matrix itself",
                UserWarning,
                stacklevel=own,
            )

    # what a kind of sketch says of itself

    def _entries(self, start: int, stop: int) -> Any:
        """Return the columns ``start`` to ``stop`` of this operator, not scaled: (d, stop − start).

        The data type is that of the operator.
        """
        raise NotImplementedError

    def _add(self, Y: Any, X: Any, start: int) -> Any:
        """Return ``Y`` plus the unscaled product with rows ``start, …`` of the matrix.

        ``Y`` may be changed. Pieces come in order, and begin at multiples of `_granule`.
        """
        xp = self.xp
        for low in range(0, X.shape[0], _tile):
            high = min(low + _tile, X.shape[0])
            entries = xp.astype(self._entries(start + low, start + high), X.dtype, copy=False)
            Y += xp.matmul(entries, X[low:high, :])
        return Y

    # products

    def __matmul__(self, other: Any) -> Any:
        if _is_sparse(other) and other.shape[0] == self.shape[1]:
            return self.apply(other)
        return super().__matmul__(other)

    def _zeros(self, columns: int, dtype: Any) -> Any:
        return self.xp.zeros((self.shape[0], columns), dtype=dtype, device=self.device)

    def _matmat(self, X: Any) -> Any:
        return self._sum(X) * self.scale

    def _sum(self, X: Any) -> Any:
        parts = (
            self._add(self._zeros(X.shape[1], X.dtype), X[start:stop, :], start)
            for start, stop in superblocks(X.shape[0])
        )
        total = tree_sum(parts)
        return self._zeros(X.shape[1], X.dtype) if total is None else total

    def _rmatmat(self, X: Any) -> Any:
        xp, m = self.xp, self.shape[1]
        parts = [xp.zeros((0, X.shape[1]), dtype=X.dtype, device=self.device)]
        for low in range(0, m, _tile):
            entries = xp.astype(self._entries(low, min(low + _tile, m)), X.dtype, copy=False)
            parts.append(xp.matmul(adjoint_of(entries, xp), X))
        return xp.concat(parts) * self.scale

    def todense(self) -> Any:
        """Return the matrix as a (d, m) array."""
        self._require_formable(*self.shape)
        return self._entries(0, self.shape[1]) * self.scale

    def apply(
        self,
        A: Any,
        *,
        side: str = "left",
        row_offset: int = 0,
        out: Any = None,
        scaled: bool = True,
    ) -> Any:
        """Return the sketch of a matrix in any container, as an array.

        Parameters
        ----------
        A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
            What is sketched; (n, m) for ``side="right"``. It may have some of the rows only.
            Integers and booleans become float64, half precision becomes single. Of an operator
            the adjoint is needed.
        side : {"left", "right"}
            ``S A``, or ``A Sᵀ`` from the right.
        row_offset : int
            Where the first row given stands among the ``m`` of the whole matrix (the first column,
            from the right).
        out : (d, n) array, optional
            A sketch to which this one is added, in place where the array library can: sketches of
            parts of the rows add up to that of the whole. Its data type must be one to which those
            of ``S`` and ``A`` promote.
        scaled : bool
            Whether the factor `scale` is applied. Sums of unscaled parts, multiplied by it once at
            the end, have the very bits of the whole product, up to 65 536 rows: of sparse sketches
            always, of Gaussian and Rademacher ones if parts begin at multiples of 1024 rows.

        Returns
        -------
        (d, n) array, or (n, d) for ``side="right"``
            The sketch, or its sum with ``out``.

        Raises
        ------
        ValueError
            If sizes or devices disagree, entries are not finite, or ``out`` cannot be written to.
        TypeError
            If array libraries are mixed, or ``out`` has a data type that cannot hold the sketch.
        NotImplementedError
            If ``A`` is an operator without an adjoint.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.sketching import SparseStack
        >>> S, A = SparseStack(8, 100, rng=0), np.ones((100, 3))
        >>> Y = S.apply(A[:60], scaled=False)
        >>> Y = S.apply(A[60:], row_offset=60, out=Y, scaled=False) * S.scale
        >>> bool(np.all(Y == S @ A))
        True
        """
        xp = self.xp
        if side not in ("left", "right"):
            raise ValueError(f"side is {side!r}: a sketch is applied from the 'left' or 'right'")
        namespace(self, out)
        device(self, out)
        if side == "right":
            flipped = None if out is None else xp.matrix_transpose(out)
            left = self.apply(as_matrix(A).T, row_offset=row_offset, out=flipped, scaled=scaled)
            return xp.matrix_transpose(left)
        A = as_matrix(A)
        self._require_mate(A)
        rows, offset = A.shape[0], operator.index(row_offset)
        if not 0 <= offset <= self.shape[1] - rows:
            raise ValueError(
                f"A is {size_text(A.shape)} at row {offset}, but S is {size_text(self.shape)}: "
                f"the rows of A must lie within {self.shape[1]}"
            )
        S = self.block(offset, offset + rows)
        factor = self.scale if scaled else 1.0
        if out is None:
            return S._sketch(A) * factor
        self._require_room(out, A)
        if isinstance(A, Dense) and not scaled:
            return self._add(out, xp.astype(A.array, out.dtype, copy=False), offset)
        out += S._sketch(A) * factor
        return out

    def _require_room(self, out: Any, A: LinearOperator) -> None:
        if tuple(out.shape) != (self.shape[0], A.shape[1]):
            raise ValueError(
                f"out has shape {tuple(out.shape)}: the sketch is {self.shape[0]}x{A.shape[1]}"
            )
        needed = common_type(self.xp, self.dtype, A.dtype)
        if common_type(self.xp, needed, out.dtype) != out.dtype:
            raise TypeError(f"out is {out.dtype}, but the sketch is {needed}: make out of that")
        if is_numpy(self.xp) and not out.flags.writeable:
            raise ValueError("out is read-only: pass an array that can be written to")

    def _sketch(self, A: LinearOperator) -> Any:
        """Return ``S A`` without the scale, for an operator whose rows are those of this sketch."""
        xp = self.xp
        dtype = xp.result_type(self.dtype, A.dtype)
        if isinstance(A, Dense):
            return self._sum(xp.astype(A.array, dtype, copy=False))
        if isinstance(A, RowBlocks):
            return A.one_pass([self.summand(A)])[0][0]
        if isinstance(A, Sparse):
            return self._sketch_sparse(A.matrix, dtype)
        if isinstance(A, Sum):
            return functools.reduce(operator.add, map(self._sketch, A.terms))
        if isinstance(A, Scaled):
            return times(self._sketch(A.operator), A.scalar, xp)
        with needing_adjoint(A, "its sketch"):
            if isinstance(A, Product):
                first, *rest = A.factors
                return functools.reduce(lambda Y, B: B.__rmatmul__(Y), rest, self._sketch(first))
            entries = xp.astype(self._entries(0, self.shape[1]), dtype, copy=False)
            return adjoint_of(A._rmatmat(adjoint_of(entries, xp)), xp)

    def _sketch_sparse(self, matrix: Any, dtype: Any) -> Any:
        """Return the unscaled product with a sparse matrix of SciPy or CuPy."""
        (m, n), matrix = matrix.shape, matrix.tocsr().astype(dtype, copy=False)
        Y = self._zeros(n, dtype)
        # a product writes all of Y: entries are made for many rows at a time
        step = max(_tile, _entries_at_once // max(self.shape[0], 1))
        for low in range(0, m, step):
            high = min(low + step, m)
            entries = self.xp.astype(self._entries(low, high), dtype, copy=False)
            Y += (matrix[low:high].T @ entries.T).T
        return Y

    def summand(self, A: LinearOperator) -> Summand:
        """Return the sketch of ``A``, without the scale, as a sum over its rows."""
        dtype = self.xp.result_type(self.dtype, A.dtype)
        columns = A.shape[1]
        return Summand(
            lambda: self._zeros(columns, dtype),
            lambda Y, X, start: self._add(Y, self.xp.astype(X, dtype, copy=False), start),
            self._granule,
        )

    # parts, and more rows

    def _changed(self, **changes: Any) -> Self:
        made = object.__new__(type(self))
        vars(made).update({**self._made_of(), **changes})
        return made

    def block(self, start: int, stop: int) -> Self:
        """Return the operator for rows ``start`` to ``stop`` of the matrix: those columns of it."""
        low, high = operator.index(start), operator.index(stop)
        if not 0 <= low <= high <= self.shape[1]:
            raise ValueError(
                f"block [{low}, {high}) of {self.shape[1]} rows: needs 0 <= start <= stop <= "
                f"{self.shape[1]}"
            )
        if (low, high) == (0, self.shape[1]):
            return self
        return self._changed(shape=(self.shape[0], high - low), start=self.start + low)

    def extend(self, rows: int) -> Self:
        """Return the operator with more rows: the first are the same, up to the scale."""
        d = self._require_more(rows)
        return self._changed(shape=(d, self.shape[1]), scale=_isometric(d))

    def _require_more(self, rows: int) -> int:
        d: int = operator.index(rows)
        if d < self.shape[0]:
            raise ValueError(
                f"rows is {d}, but S has {self.shape[0]}: a sketch is extended to more"
            )
        return d

    def tosparse(self) -> Any:
        """Return the matrix as a sparse one by columns, of SciPy or CuPy."""
        return scipy_of(self.xp, "sparse").csc_array(self.todense())

    def _formula(self) -> str:
        return f"seed {self.seed}"


class SketchAdjoint(Adjoint):
    """The adjoint ``Sᴴ`` of a sketching operator: ``B @ S.H`` is an array for sparse ``B``."""

    def __rmatmul__(self, other: Any) -> Any:
        if _is_sparse(other) and other.shape[1] == self.shape[0]:
            return adjoint_of(self.operator @ other.conj().T, self.xp)
        return super().__rmatmul__(other)


class SketchTranspose(Transpose):
    """The transpose ``Sᵀ`` of a complex one: ``B @ S.T`` is an array for sparse ``B``."""

    def __rmatmul__(self, other: Any) -> Any:
        if _is_sparse(other) and other.shape[1] == self.shape[0]:
            return self.xp.matrix_transpose(self.operator @ other.T)
        return super().__rmatmul__(other)


rule(adjoint, SketchingOperator)(SketchAdjoint)
rule(transpose, SketchingOperator, when=lambda S: S.is_complex)(SketchTranspose)


def by_columns(function: Callable[[Any], Any], X: Any, step: int, xp: ModuleType) -> Any:
    """Return what a function makes of each ``step`` columns of a block, side by side."""
    k = X.shape[1]
    parts = [function(X[:, low : min(low + step, k)]) for low in range(0, k, step)]
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=1)


def _is_sparse(x: Any) -> bool:
    return hasattr(x, "tocsr") and len(getattr(x, "shape", ())) == 2


def _isometric(rows: int) -> float:
    return 1.0 / math.sqrt(rows) if rows else 1.0
