"""Subsampled randomized transforms: of cosines, and of Hadamard matrices."""

from __future__ import annotations

import math
from typing import Any

from structlin.bases import dct
from structlin.matrices import Hadamard
from structlin.sketching._random import signs
from structlin.sketching._subsampled import SubsampledTransform, cosines


class _SignedTransform(SubsampledTransform):
    """A transform of the rows themselves, each with its own sign."""

    def __init__(
        self, rows: int, columns: int, *, rng: Any = None, dtype: Any = None, like: Any = None
    ) -> None:
        super().__init__(rows, columns, rng=rng, dtype=dtype, like=like)
        self.columns = self.shape[1]
        self.size = self._size_of(self.columns)

    @staticmethod
    def _size_of(columns: int) -> int:
        raise NotImplementedError

    def _signs(self, start: int, stop: int) -> Any:
        place, count = self.start + start, stop - start
        return signs(
            self.seed, self._stream, place, count, 1, self.xp, self.device, self.real_dtype
        )[:, 0]

    def _columns(self, start: int, stop: int) -> Any:
        xp, first = self.xp, self.start
        return xp.arange(first + start, first + stop, dtype=xp.int64, device=self.device)


class SRCT(_SignedTransform):
    """The subsampled randomized cosine transform: a dense sketch at the price of a fast transform.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    columns : int
        ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of signs and rows.
    dtype : data type, optional
        Of the entries, which are real in any case; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    columns : int
        ``m``, also where `block` has left some of the columns.

    Notes
    -----
    ``S = √(m/d) R C D``: random signs ``D``, the orthonormal cosine transform ``C`` of type 2, and
    ``d`` of its rows, none twice unless ``d > m``. No entry exceeds ``√(2/d)`` and hardly any is
    zero, which is what guarantees on the largest error of a least-squares solution ask for.

    A product with an (m, n) matrix costs ``5 m n log₂ m``, whatever ``d``. The transform needs all
    rows: the entries depend on ``m``, and a block of the rows, or a matrix that is read by blocks,
    is multiplied with the entries, as of a Gaussian sketch. `extend` takes more rows.

    To embed ``n`` dimensions takes of the order of ``n log n`` rows. Four ``n`` do in general, but
    are too few where about ``n`` neighbouring rows of the matrix carry all of it.

    References
    ----------
    H. Avron, P. Maymounkov and S. Toledo, "Blendenpik: supercharging LAPACK's least-squares
    solver", SIAM J. Sci. Comput. 32 (2010), 1217–1236.

    Examples
    --------
    >>> import numpy as np
    >>> S = SRCT(100, 1000, rng=0)
    >>> bool(np.allclose(S @ S.T @ np.ones(100), 10 * np.ones(100)))  # rows are orthogonal
    True
    """

    _stream = 4

    @staticmethod
    def _size_of(columns: int) -> int:
        return columns

    @property
    def _weights(self) -> Any:
        return self._signs(0, self.columns) * math.sqrt(self.columns)

    def _transform(self, X: Any, inverse: bool) -> Any:
        return dct(X, type=3 if inverse else 2, axes=0)

    def _entries(self, start: int, stop: int) -> Any:
        rows, places = self._indices(self._chosen), self._columns(start, stop)
        values = cosines(rows, places, self.size, self.xp)
        return self.xp.astype(values * self._signs(start, stop), self.dtype)


class SRHT(_SignedTransform):
    """The subsampled randomized Hadamard transform: dense, with entries ``±1/√d``.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    columns : int
        ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of signs and rows.
    dtype : data type, optional
        Of the entries, which are real in any case; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    columns : int
        ``m``, also where `block` has left some of the columns.
    size : int
        ``M``, the power of two to which ``m`` is padded.

    Notes
    -----
    ``S = √(M/d) R (H/√M) D P``: ``P`` appends zeros up to the next power of two ``M``, which keeps
    norms; random signs ``D``; the Hadamard matrix ``H``; and ``d`` of its rows, none twice unless
    ``d > M``. `SRCT` is faster unless ``m`` is a power of two or hardly less.

    A product with an (m, n) matrix costs ``8 M n log₂ M``, whatever ``d``. The transform needs all
    rows: the entries depend on ``M``, and a block of the rows, or a matrix that is read by blocks,
    is multiplied with the entries, as of a Gaussian sketch. `extend` takes more rows.

    To embed ``n`` dimensions takes of the order of ``n log n`` rows. Four ``n`` do in general, but
    ``S A`` can be singular where about ``n`` neighbouring rows of the matrix carry all of it.

    References
    ----------
    J. A. Tropp, "Improved analysis of the subsampled randomized Hadamard transform", Adv. Adapt.
    Data Anal. 3 (2011), 115–126.

    Examples
    --------
    >>> import numpy as np
    >>> S = SRHT(4, 1000, rng=0)
    >>> S.size, float(np.max(np.abs(S.todense()))), float(np.min(np.abs(S.todense())))
    (1024, 0.5, 0.5)
    """

    _stream = 5

    @staticmethod
    def _size_of(columns: int) -> int:
        size: int = 1 << (max(columns, 1) - 1).bit_length()
        return size

    @property
    def _weights(self) -> Any:
        return self._signs(0, self.columns)

    def _transform(self, X: Any, inverse: bool) -> Any:
        return Hadamard(self.size, dtype=X.dtype, like=X)._matmat(X)

    def _entries(self, start: int, stop: int) -> Any:
        xp = self.xp
        # the number of bits that row and column have in common
        common = self._indices(self._chosen)[:, None] & self._columns(start, stop)[None, :]
        for half in (32, 16, 8, 4, 2, 1):
            common = common ^ (common >> half)
        return xp.astype(1 - 2 * (common & 1), self.dtype) * self._signs(start, stop)
