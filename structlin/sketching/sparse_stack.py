"""Sparse sketching operators: stacks of CountSketches."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any, Self

from structlin._backend import kernel, scipy_of
from structlin._kernels import sparse_stack
from structlin.sketching._base import SketchingOperator
from structlin.sketching._random import indices, random_words


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
        Of the entries.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    nonzeros : int
        ``ζ``.

    Raises
    ------
    ValueError
        If ``nonzeros`` does not divide ``rows``.

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
        super().__init__(rows, columns, rng=rng, dtype=dtype, like=like)
        self.nonzeros = zeta
        self.scale = 1.0 / math.sqrt(zeta)

    def _hits(self, start: int, stop: int) -> Any:
        """Return (stop − start, ζ) integers: twice the row of each entry, plus one if it is −1."""
        xp, zeta = self.xp, self.nonzeros
        part = self.shape[0] // zeta
        words = random_words(
            self.seed, self._stream, self.start + start, stop - start, 0, zeta, xp, self.device
        )
        first = part * xp.arange(zeta, dtype=xp.int64, device=self.device)
        signs = xp.astype(words & 1, xp.int64)
        return xp.astype(2 * (indices(words, part, xp) + first) + signs, xp.int32)

    def _add(self, Y: Any, X: Any, start: int) -> Any:
        add = kernel(self.xp, sparse_stack.add_hits)
        return add(Y, X, self._hits(start, start + X.shape[0])) if self.shape[0] else Y

    def _entries(self, start: int, stop: int) -> Any:
        xp = self.xp
        return self._add(
            self._zeros(stop - start, self.dtype),
            xp.eye(stop - start, dtype=self.dtype, device=self.device),
            start,
        )

    def extend(self, rows: int) -> Self:
        """Return the operator with more rows: the first are the same, up to the scale."""
        d = self._require_more(rows)
        part = self.shape[0] // self.nonzeros
        if part == 0 or d % part:
            raise ValueError(f"rows is {d}: this sketch grows by parts of {part} rows")
        zeta = d // part
        return self._changed(shape=(d, self.shape[1]), nonzeros=zeta, scale=1.0 / math.sqrt(zeta))

    def tosparse(self) -> Any:
        """Return the matrix as a sparse one by columns, of SciPy or CuPy."""
        xp, (d, m) = self.xp, self.shape
        hits = self._hits(0, m)
        values = xp.astype(1 - 2 * (hits & 1), self.dtype) * self.scale
        ends = self.nonzeros * xp.arange(m + 1, dtype=xp.int64)
        parts = xp.reshape(values, (-1,)), xp.reshape(hits >> 1, (-1,)), ends
        return scipy_of(xp, "sparse").csc_array(parts, shape=(d, m))


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
        Of the entries.
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
            stacklevel=2,
        )
