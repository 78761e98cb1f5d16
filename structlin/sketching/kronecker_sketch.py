"""Kronecker sketches: random rows of a transform along every axis of a tensor."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from structlin.bases import dct
from structlin.matrices.kronecker import outer
from structlin.sketching._product import ProductSketch, unraveled
from structlin.sketching._random import signs
from structlin.sketching._subsampled import SubsampledTransform, cosines


class KroneckerSketch(SubsampledTransform, ProductSketch):
    """The Kronecker fast Johnson–Lindenstrauss transform, of tensors and Kronecker products.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    dims : sequence of int
        The sizes ``n₁, n₂, …`` of the axes: what is sketched has ``m = Π nᵢ`` rows, C-ordered.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of signs and rows.
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
        If there are no axes.

    Notes
    -----
    ``S = √(m/d) R (C₁ D₁ ⊗ C₂ D₂ ⊗ …)``: random signs ``Dᵢ`` and the orthonormal cosine transform
    ``Cᵢ`` along each axis, and ``d`` of the ``m`` rows, none twice unless ``d > m``.

    A product with an (m, n) array costs ``5 m n log₂ m``. `apply` to a `Kronecker` or `KhatriRao`
    operator, or a `SumOfKroneckers`, works with its factors and never forms a vector of ``m``
    numbers. A block of the rows, or a matrix that is read by blocks, is multiplied with the
    entries. `extend` takes more rows.

    With fewer signs than `SRCT` has, it wants more rows, the more axes there are.

    References
    ----------
    R. Jin, T. G. Kolda and R. Ward, "Faster Johnson–Lindenstrauss transforms via Kronecker
    products", Information and Inference 10 (2021), 1533–1562.

    Examples
    --------
    >>> import numpy as np
    >>> S = KroneckerSketch(50, (20, 30), rng=0)
    >>> X = np.ones((20, 30))
    >>> (S @ X.reshape(-1)).shape
    (50,)
    """

    _stream = 7

    def __init__(
        self,
        rows: int,
        dims: Sequence[int],
        *,
        rng: Any = None,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        ProductSketch.__init__(self, rows, dims, rng=rng, dtype=dtype, like=like)
        self.columns = self.size = self.shape[1]

    @property
    def _signs(self) -> list[Any]:
        return [
            signs(self.seed, self._stream_of(axis), 0, n, 1, self.xp, self.device, self.real_dtype)[
                :, 0
            ]
            for axis, n in enumerate(self.dims)
        ]

    @property
    def _weights(self) -> Any:
        return outer(self._signs, operator.mul, self.xp) * math.sqrt(self.size)

    @functools.cached_property
    def _factors(self) -> tuple[Any, ...]:
        xp, factors = self.xp, []
        rows = unraveled(self._chosen, self.dims)
        for n, of_axis, chosen in zip(self.dims, self._signs, rows, strict=True):
            places = xp.arange(n, dtype=xp.int64, device=self.device)
            values = cosines(self._indices(chosen), places, n, xp)
            factors.append(xp.astype(values * of_axis, self.dtype))
        return tuple(factors)

    def _transform(self, X: Any, inverse: bool) -> Any:
        tensor = self.xp.reshape(X, (*self.dims, X.shape[1]))
        made = dct(tensor, type=3 if inverse else 2, axes=range(len(self.dims)))
        return self.xp.reshape(made, X.shape)
