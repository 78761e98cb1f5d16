"""Sparse sketching operators: stacks of CountSketches."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy, kernel, scipy_of
from structlin._kernels import sparse_stack
from structlin.sketching._base import SketchingOperator
from structlin.sketching._random import random_words
from structlin.sketching._superblocks import SUPERBLOCK, superblocks, tree_sum

# bytes of a cache line
_line = 64
# of sketches that every thread may have one of, each for a superblock of its own
_small = 2**22
# twice a row is a 32-bit integer
_most_rows = 2**30


class SparseStack(SketchingOperator):
    """A stack of CountSketches: the sketch to take unless there is a reason for another.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch: a multiple of ``nonzeros``.
    columns : int
        ``m``, the rows of what is sketched.
    nonzeros : int
        ``ζ``, how many entries a column has: 8 embeds nearly as well as a Gaussian sketch, 4 takes
        half the time.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of all entries.
    dtype : data type, optional
        Of the entries, by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    nonzeros : int
        ``ζ``.

    Raises
    ------
    ValueError
        If ``nonzeros`` does not divide ``rows``, or there are 2³⁰ rows or more.

    Notes
    -----
    The rows are cut into ``ζ`` parts of ``d/ζ``; in each part, a column has one entry ``±1/√ζ`` in
    a random row. A product with an (m, n) matrix costs ``ζ m n`` additions.

    `extend` adds parts of the same size, so ``ζ`` grows with ``d``.

    References
    ----------
    J. Nelson and H. L. Nguyen, "OSNAP: faster numerical linear algebra algorithms via sparser
    subspace embeddings", FOCS 2013.

    Examples
    --------
    >>> import numpy as np
    >>> S = SparseStack(400, 10_000, rng=0)
    >>> Q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((10_000, 20)))
    >>> s = np.linalg.svd(S @ Q, compute_uv=False)  # S embeds the column space of Q
    >>> bool(s.max() < 1.35 and s.min() > 0.65)
    True
    """

    nonzeros: int

    _stream = 3
    _granule = 1

    def __init__(
        self,
        rows: int,
        columns: int,
        *,
        nonzeros: int = 8,
        rng: Any = None,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        zeta = operator.index(nonzeros)
        if zeta < 1:
            raise ValueError(f"nonzeros is {zeta}: a column has one at least")
        if operator.index(rows) % zeta:
            near = max(zeta, zeta * round(rows / zeta))
            raise ValueError(
                f"nonzeros = {zeta} does not divide rows = {rows}: take rows = {near}, say"
            )
        if operator.index(rows) >= _most_rows:
            raise ValueError(f"rows is {rows}: fewer than 2³⁰ are possible")
        super().__init__(rows, columns, rng=rng, dtype=dtype, like=like)
        self.nonzeros = zeta
        self.scale = 1.0 / math.sqrt(zeta)

    def _hits(self, start: int, stop: int) -> Any:
        """Return (stop − start, ζ) integers: twice the row of each entry, plus one if it is −1."""
        xp, zeta = self.xp, self.nonzeros
        words = random_words(
            self.seed, self._stream, self.start + start, stop - start, 0, zeta, xp, self.device
        )
        return kernel(xp, sparse_stack.hits)(words, self.shape[0] // zeta)

    def _zeros(self, columns: int, dtype: Any) -> Any:
        if not is_numpy(self.xp):
            return super()._zeros(columns, dtype)
        # rows that begin with a cache line are added to faster
        size = self.shape[0] * columns
        itemsize = np.dtype(dtype).itemsize
        memory = np.zeros(size + _line // itemsize, dtype=dtype)
        first = -memory.__array_interface__["data"][0] % _line // itemsize
        return memory[first : first + size].reshape(self.shape[0], columns)

    def _add(self, Y: Any, X: Any, start: int) -> Any:
        add = kernel(self.xp, sparse_stack.add_hits)
        return add(Y, X, self._hits(start, start + X.shape[0])) if self.shape[0] else Y

    def _sum(self, X: Any) -> Any:
        # fresh memory costs as much as it takes to add hundreds of rows
        spare: list[Any] = []

        def part(place: tuple[int, int]) -> Any:
            try:
                Y = spare.pop()
                Y[...] = 0
            except IndexError:
                Y = self._zeros(X.shape[1], X.dtype)
            return self._add(Y, X[slice(*place), :], place[0])

        def add(one: Any, other: Any) -> Any:
            one += other
            spare.append(other)
            return one

        places = list(superblocks(X.shape[0]))
        whole = X.shape[0] // SUPERBLOCK
        small = self.shape[0] * X.shape[1] * self.xp.finfo(X.dtype).bits // 8 <= _small
        parts: Iterator[Any] = map(part, places)
        if is_numpy(self.xp) and whole > 1 and small:
            from structlin._kernels.threads import in_order

            parts = itertools.chain(in_order(part, places[:whole]), map(part, places[whole:]))
        total = tree_sum(parts, add)
        return self._zeros(X.shape[1], X.dtype) if total is None else total

    def _matmat(self, X: Any) -> Any:
        Y = self._sum(X)
        Y *= self.scale
        return Y

    def _entries(self, start: int, stop: int) -> Any:
        if not self.shape[0]:
            return self._zeros(stop - start, self.dtype)
        return sparse_stack.entries(self._hits(start, stop), self.shape[0], self.dtype)

    def _rmatmat(self, X: Any) -> Any:
        xp, (d, m) = self.xp, self.shape
        zero = xp.zeros((0 if d else m, X.shape[1]), dtype=X.dtype, device=self.device)
        gather = kernel(xp, sparse_stack.gather_hits)
        places = superblocks(m if d else 0)
        return xp.concat([zero, *(gather(X, self._hits(*place)) for place in places)]) * self.scale

    def _sketch_sparse(self, matrix: Any, dtype: Any) -> Any:
        matrix = matrix.astype(dtype, copy=False)
        if not self.shape[0]:
            return self._zeros(matrix.shape[1], dtype)
        if is_numpy(self.xp):
            # imports numba, which waits for its first use
            from structlin.sketching._sparse_input import sketch_of_sparse

            return sketch_of_sparse(self, matrix)
        return (self._signs() @ matrix).toarray()

    def extend(self, rows: int) -> Self:
        """Return the operator with more rows: the first are the same, up to the scale."""
        d = self._require_more(rows)
        part = self.shape[0] // self.nonzeros
        if part == 0 or d % part:
            raise ValueError(f"rows is {d}: this sketch grows by parts of {part} rows")
        zeta = d // part
        return self._changed(shape=(d, self.shape[1]), nonzeros=zeta, scale=1.0 / math.sqrt(zeta))

    def _signs(self) -> Any:
        """Return the matrix without the scale, as a sparse one by columns."""
        xp, (d, m) = self.xp, self.shape
        hits = self._hits(0, m)
        values = xp.astype(1 - 2 * (hits & 1), self.dtype)
        ends = self.nonzeros * xp.arange(m + 1, dtype=xp.int64)
        parts = xp.reshape(values, (-1,)), xp.reshape(hits >> 1, (-1,)), ends
        return scipy_of(xp, "sparse").csc_array(parts, shape=(d, m))

    def tosparse(self) -> Any:
        """Return the matrix as a sparse one by columns, of SciPy or CuPy."""
        return self._signs() * self.scale

    def _formula(self) -> str:
        return f"{self.nonzeros} per column, {super()._formula()}"


class CountSketch(SparseStack):
    """A sketch with one sign in every column, which may lose directions: prefer `SparseStack`.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    columns : int
        ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of all entries.
    dtype : data type, optional
        Of the entries, by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Warns
    -----
    UserWarning
        That rows of large leverage may collide and cancel, which makes ``S A`` singular even where
        ``d`` is many times the rank: ``d`` must exceed its square.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     S = CountSketch(400, 10_000, rng=0)
    >>> S.tosparse().nnz
    10000
    """

    def __init__(
        self, rows: int, columns: int, *, rng: Any = None, dtype: Any = None, like: Any = None
    ) -> None:
        super().__init__(rows, columns, nonzeros=1, rng=rng, dtype=dtype, like=like)
        warnings.warn(
            "CountSketch is singular on subspaces with a few dominant rows unless rows exceeds "
            "the squared dimension: SparseStack(rows, columns) is safe at 4 times the dimension",
            UserWarning,
            stacklevel=3,
        )
