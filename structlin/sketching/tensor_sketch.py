"""Tensor sketches: CountSketches of Kronecker products, by convolution."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, Self

from structlin._backend import kernel, scipy_of
from structlin._kernels import sparse_stack
from structlin.matrices import Kronecker, LinearOperator
from structlin.matrices.khatri_rao import product
from structlin.matrices.kronecker import outer
from structlin.sketching._product import ProductSketch
from structlin.sketching._random import indices, random_words

# columns that are made, or rows of a product with the adjoint, at a time
_tile = 2**16
# twice a row is a 32-bit integer
_most_rows = 2**30


class TensorSketch(ProductSketch):
    """A CountSketch of tensors and Kronecker products: sketches of the factors are convolved.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    dims : sequence of int
        The sizes ``n₁, n₂, …`` of the axes: what is sketched has ``m = Π nᵢ`` rows, C-ordered.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of hashes and signs.
    dtype : data type, optional
        Of the entries, which are real in any case; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    dims : tuple of int
        The sizes of the axes.

    Raises
    ------
    ValueError
        If there are no axes, or 2³⁰ rows or more.

    Notes
    -----
    Every axis has a random hash ``hᵢ(jᵢ) ∈ {0, …, d − 1}`` and random signs ``sᵢ(jᵢ)``; the column
    of ``(j₁, j₂, …)`` has one entry ``Π sᵢ(jᵢ)`` in row ``Σ hᵢ(jᵢ) mod d``. The sketch of
    ``x₁ ⊗ x₂`` is therefore ``ifft(fft(C₁ x₁) ∘ fft(C₂ x₂))`` with the CountSketches ``Cᵢ``:
    `apply` to a `Kronecker` or `KhatriRao` operator, or a `SumOfKroneckers`, costs
    ``d log d`` for each column and axis and never forms a vector of ``m`` numbers. With an (m, n)
    array the product costs ``m n`` additions.

    To embed a space of dimension ``n`` takes of the order of ``(2 + 3^k) n²`` rows for ``k`` axes:
    it is the sketch of kernel methods, where inner products are what matters.

    References
    ----------
    N. Pham and R. Pagh, "Fast and scalable polynomial kernels via explicit feature maps", KDD
    2013.

    H. Avron, H. L. Nguyen and D. P. Woodruff, "Subspace embeddings for the polynomial kernel",
    NIPS 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import KhatriRao
    >>> S, x = TensorSketch(500, (40, 50), rng=0), np.ones((40, 1))
    >>> Y = S.apply(KhatriRao(x, np.ones((50, 1))))
    >>> bool(np.allclose(Y, S @ np.ones((2000, 1))))
    True
    """

    _stream = 8
    _granule = 1

    def __init__(
        self,
        rows: int,
        dims: Sequence[int],
        *,
        rng: Any = None,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        if operator.index(rows) >= _most_rows:
            raise ValueError(f"rows is {rows}: fewer than 2³⁰ are possible")
        super().__init__(rows, dims, rng=rng, dtype=dtype, like=like)
        self.scale = 1.0

    @functools.cached_property
    def _hashes(self) -> list[tuple[Any, Any]]:
        """The rows and the signs (0 for plus, 1 for minus) of the indices along every axis."""
        xp, d = self.xp, self.shape[0]
        found = []
        for axis, n in enumerate(self.dims):
            words = random_words(self.seed, self._stream_of(axis), 0, n, 0, 1, xp, self.device)
            found.append((indices(words, d, xp)[:, 0], xp.astype(words[:, 0] & 1, xp.int64)))
        return found

    def _hits_of(self, rows: Any, minus: Any) -> Any:
        """Return hits, (k, 1): twice the row, plus one for a minus."""
        xp = self.xp
        return xp.astype(2 * (rows % max(self.shape[0], 1)) + minus % 2, xp.int32)[:, None]

    def _hits(self, start: int, stop: int) -> Any:
        parts = zip(self._hashes, self._places(start, stop), strict=True)
        taken = [(self.xp.take(h, place), self.xp.take(s, place)) for (h, s), place in parts]
        rows, minus = zip(*taken, strict=True)
        return self._hits_of(sum(rows), sum(minus))

    def _add(self, Y: Any, X: Any, start: int) -> Any:
        if not self.shape[0]:
            return Y
        add = kernel(self.xp, sparse_stack.add_hits)
        for low in range(0, X.shape[0], _tile):
            high = min(low + _tile, X.shape[0])
            Y = add(Y, X[low:high, :], self._hits(start + low, start + high))
        return Y

    def _entries(self, start: int, stop: int) -> Any:
        return sparse_stack.entries(self._hits(start, stop), self.shape[0], self.dtype)

    def _sketch_sparse(self, matrix: Any, dtype: Any) -> Any:
        return (self.tosparse() @ matrix.astype(dtype, copy=False)).toarray()

    def _rmatmat(self, X: Any) -> Any:
        xp, (d, m) = self.xp, self.shape
        if not d:
            return xp.zeros((m, X.shape[1]), dtype=X.dtype, device=self.device)
        parts = [xp.zeros((0, X.shape[1]), dtype=X.dtype, device=self.device)]
        for low in range(0, m, _tile):
            hits = self._hits(low, min(low + _tile, m))
            signs = xp.astype(1 - 2 * (hits & 1), X.dtype)
            parts.append(xp.take(X, (hits >> 1)[:, 0], axis=0) * signs)
        return xp.concat(parts)

    def _part(self, axes: range, factors: Sequence[Any]) -> Any:
        xp = self.xp
        if isinstance(factors[0], LinearOperator):
            B = Kronecker(*factors).todense()
        else:
            B = product(factors)
        rows, minus = (
            outer([self._hashes[axis][which] for axis in axes], operator.add, xp)
            for which in (0, 1)
        )
        dtype = xp.result_type(self.dtype, B.dtype)
        add = kernel(xp, sparse_stack.add_hits)
        Y = self._zeros(B.shape[1], dtype)
        return add(Y, xp.astype(B, dtype, copy=False), self._hits_of(rows, minus))

    def _joined(self, parts: Sequence[Any], each: bool) -> Any:
        xp, fft, d = self.xp, self.xp.fft, self.shape[0]
        if len(parts) == 1:
            return parts[0]
        dtype = xp.result_type(*(Y.dtype for Y in parts))
        parts = [xp.astype(Y, dtype, copy=False) for Y in parts]
        if xp.isdtype(dtype, "complex floating"):
            return fft.ifft(super()._joined([fft.fft(Y, axis=0) for Y in parts], each), axis=0)
        made = super()._joined([fft.rfft(Y, axis=0) for Y in parts], each)
        return fft.irfft(made, n=d, axis=0)

    def extend(self, rows: int) -> Self:
        """Refuse to add rows, on whose number all hashes depend."""
        if self._require_more(rows) == self.shape[0]:
            return self
        raise ValueError(
            f"rows is {rows}, but hashes are taken modulo {self.shape[0]}: a tensor sketch cannot "
            f"be extended; make a TensorSketch({rows}, {self.dims}) instead"
        )

    def tosparse(self) -> Any:
        """Return the matrix as a sparse one by columns, of SciPy or CuPy."""
        xp, (d, m) = self.xp, self.shape
        hits = self._hits(0, m if d else 0)[:, 0]
        values = xp.astype(1 - 2 * (hits & 1), self.dtype)
        ends = xp.minimum(xp.arange(m + 1), hits.shape[0])
        return scipy_of(xp, "sparse").csc_array((values, hits >> 1, ends), shape=(d, m))
