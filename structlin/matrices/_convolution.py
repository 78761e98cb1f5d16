"""Products with matrices whose entries depend on differences of indices, by FFT.

Such a matrix is part of a circulant one, whose first column is its kernel. The transform of the
kernel is computed once and kept.
"""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from types import ModuleType
from typing import Any, Self

import numpy as np

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin.matrices._base import LinearOperator, times
from structlin.matrices.dense import Dense

Sizes = tuple[int, ...]
Levels = tuple[tuple[int, int], ...]

# Numbers that are transformed together: on NumPy so many that they stay in the cache, and four
# columns at least, which pass through the vector unit side by side; elsewhere what memory allows.
_cached, _side_by_side, _memory = 2**14, 4, 2**26
# One long transform misses the cache at every pass: from this length on, NumPy's arrays are
# transformed as tables of so many rows, first along the columns, then along the rows.
_long, _rows = 2**15, 2**9
# a stored matrix of up to this many entries is faster than transforms
_direct = 2**16


def transforms(xp: ModuleType) -> ModuleType:
    """Return the module of Fourier transforms that serves an array library."""
    if is_numpy(xp) or is_cupy(xp):
        return scipy_of(xp, "fft")  # keeps single precision
    module: ModuleType = xp.fft
    return module


@functools.cache
def smooth_length(size: int) -> int:
    """Return the least length of ``size`` or more that has the prime factors 2, 3 and 5 only."""
    # lengths are Python integers: SciPy's function serves every array library
    found = scipy_of(namespace(np.empty(0)), "fft").next_fast_len(size, real=True)
    return int(found)


def fast_length(size: int) -> int:
    """Return a length of at least ``size`` whose transforms are fast."""
    if size >= _long:
        return _rows * smooth_length(-(-size // _rows))
    return smooth_length(size)


def period(m: int, n: int) -> int:
    """Return the length of a cyclic convolution that holds an (m, n) Toeplitz matrix."""
    # an even one of nearly square matrices can be halved, see `_RightAngle`
    half = fast_length(max(m, n))
    return 2 * half if 2 * max(m, n) <= 1.25 * (m + n) else fast_length(m + n - 1)


class Convolving(LinearOperator):
    """An operator whose products are cyclic convolutions.

    A subclass sets ``levels``, the rows and columns ``(mᵢ, nᵢ)`` of each axis of the vectors, and
    tells its kernel.
    """

    levels: Levels

    @property
    @abstractmethod
    def _kernel(self) -> Any:
        """The first column of the circulant matrix, an array with an axis for each level."""

    @abstractmethod
    def _astype(self, dtype: Any) -> Self:
        """Return the operator in another data type."""

    @functools.cached_property
    def _double(self) -> Self:
        xp = self.xp
        return self._astype(xp.complex128 if self.is_complex else xp.float64)

    def _in_precision_of(self, X: Any) -> Self:
        """Return the operator in double precision if an array has that."""
        if X.dtype == self.dtype or self.xp.finfo(X.dtype).bits == self.xp.finfo(self.dtype).bits:
            return self
        return self._double

    @functools.cached_property
    def _stored(self) -> Dense:
        """The dense matrix, kept."""
        return Dense(self.todense())

    @functools.cached_property
    def _convolution(self) -> Convolution:
        rows, columns = zip(*self.levels, strict=True)
        return Convolution(self._kernel, rows, columns)

    def _matmat(self, X: Any) -> Any:
        A = self._in_precision_of(X)
        if self.shape[0] * self.shape[1] <= _direct:
            return A._stored._matmat(X)
        return A._convolution.apply(X)

    def _rmatmat(self, X: Any) -> Any:
        A = self._in_precision_of(X)
        if self.shape[0] * self.shape[1] <= _direct:
            return A._stored._rmatmat(X)
        return A._convolution.apply(X, adjoint=True)

    def _formula(self) -> str:
        if len(self.levels) == 1:
            return ""
        return " of ".join("x".join(map(str, level)) for level in self.levels)


class Convolution:
    """Cyclic convolutions with a kernel, of blocks of columns that are parts of the period.

    Parameters
    ----------
    kernel : (L₁, L₂, …) array
        One period.
    rows, columns : tuple of int
        The sizes of results and operands along each axis, of which none exceeds the period.
    """

    def __init__(self, kernel: Any, rows: Sizes, columns: Sizes) -> None:
        self._xp = namespace(kernel)
        self._rows, self._columns = rows, columns
        self._dtype = kernel.dtype
        self._transform = _transform(kernel, max(*rows, *columns))
        self._spectrum = self._transform.spectrum(kernel)

    @functools.cached_property
    def _adjoint_spectrum(self) -> Any:
        return self._xp.conj(self._spectrum)

    def apply(self, X: Any, *, adjoint: bool = False) -> Any:
        """Return the product with a block ``X`` of columns, or that of the adjoint."""
        xp, k = self._xp, X.shape[1]
        # comparing types is quicker than asking for their kind
        if X.dtype != self._dtype and xp.isdtype(X.dtype, "complex floating"):
            parts = self.apply(xp.concat([xp.real(X), xp.imag(X)], axis=1), adjoint=adjoint)
            return parts[:, :k] + times(parts[:, k:], 1j, xp)
        if adjoint:
            spectrum, given, wanted = self._adjoint_spectrum, self._rows, self._columns
        else:
            spectrum, given, wanted = self._spectrum, self._columns, self._rows
        step = self._transform.rows_at_once
        if k <= step:
            return self._convolve(X.T, spectrum, given, wanted).T
        Y = xp.empty((k, math.prod(wanted)), dtype=X.dtype, device=X.device)
        for start in range(0, k, step):
            stop = min(start + step, k)
            Y[start:stop, :] = self._convolve(X[:, start:stop].T, spectrum, given, wanted)
        return Y.T

    def _convolve(self, x: Any, spectrum: Any, given: Sizes, wanted: Sizes) -> Any:
        if len(given) == 1:
            z = self._transform.forward(x)
            z *= spectrum
            return self._transform.backward(z, wanted)
        xp, k = self._xp, x.shape[0]
        z = self._transform.forward(xp.reshape(x, (k, *given)))
        z *= spectrum
        return xp.reshape(self._transform.backward(z, wanted), (k, math.prod(wanted)))


def _transform(kernel: Any, part: int) -> _Transform:
    """Return the fastest transform for a kernel, of which vectors fill a part."""
    xp, lengths = namespace(kernel), tuple(kernel.shape)
    if not is_numpy(xp) or len(lengths) > 1:
        return _Transform(lengths, kernel.dtype, xp)
    (length,) = lengths
    if not np.iscomplexobj(kernel) and length % 2 == 0 and 2 * part <= length:
        return _RightAngle(length, kernel.dtype, xp)
    return _of_one_axis(length, kernel.dtype, xp)


def _of_one_axis(length: int, dtype: Any, xp: ModuleType) -> _Transform:
    in_two_steps = length >= _long and length % _rows == 0
    return (_TwoSteps if in_two_steps else _Transform)((length,), dtype, xp)


class _Transform:
    """Fourier transforms of rows, which stand for tensors and are filled up with zeros."""

    def __init__(self, lengths: Sizes, dtype: Any, xp: ModuleType) -> None:
        self._fft = transforms(xp)
        self._lengths = lengths
        self._axes = tuple(range(1, len(lengths) + 1))
        self._complex = bool(xp.isdtype(dtype, "complex floating"))
        size = math.prod(lengths)
        self.rows_at_once = (
            max(_cached // size, _side_by_side) if is_numpy(xp) else max(_memory // size, 1)
        )

    def spectrum(self, kernel: Any) -> Any:
        """Return the numbers by which transforms are multiplied in a convolution."""
        return self.forward(kernel[None, ...])

    def forward(self, x: Any) -> Any:
        """Return the transforms of (k, …): half of the spectrum if they are real."""
        if len(self._lengths) > 1:
            transform = self._fft.fftn if self._complex else self._fft.rfftn
            return transform(x, s=self._lengths, axes=self._axes)
        (length,) = self._lengths
        if self._complex:
            # asking for the length that there is costs a microsecond
            return self._fft.fft(x) if x.shape[1] == length else self._fft.fft(x, n=length)
        return self._fft.rfft(x, n=length)

    def backward(self, z: Any, wanted: Sizes) -> Any:
        """Return the first entries along each axis of what has these transforms."""
        if len(self._lengths) > 1:
            transform = self._fft.ifftn if self._complex else self._fft.irfftn
            y = transform(z, s=self._lengths, axes=self._axes)
            return y[(slice(None), *(slice(size) for size in wanted))]
        y = self._fft.ifft(z) if self._complex else self._fft.irfft(z, n=self._lengths[0])
        return y[:, : wanted[0]]


class _TwoSteps(_Transform):
    """The same for long vectors, whose spectra come in another order, which nobody sees.

    References
    ----------
    D. H. Bailey, "FFTs in external or hierarchical memory", J. Supercomput. 4 (1990).
    """

    def __init__(self, lengths: Sizes, dtype: Any, xp: ModuleType) -> None:
        super().__init__(lengths, dtype, xp)
        (length,) = lengths
        self.rows_at_once = 1
        self._width = length // _rows
        # with w columns, entry [i, j] of the table goes to
        # Σⱼ exp(-2πi j l / w) exp(-2πi j k / L) Σᵢ exp(-2πi i k / 512) x[i w + j]
        k = np.arange(_rows if self._complex else _rows // 2 + 1)
        self._twiddles = _turns(np.outer(k, np.arange(self._width)) / -length, dtype)
        self._back = self._twiddles.conj()

    def forward(self, x: Any) -> Any:
        k, n = x.shape
        used = -(-n // self._width)  # the rows of the table that are not zero
        table = np.zeros((k, used * self._width), dtype=x.dtype)
        table[:, :n] = x
        transform = self._fft.fft if self._complex else self._fft.rfft
        z = transform(table.reshape(k, used, self._width), n=_rows, axis=1)
        z *= self._twiddles
        return self._fft.fft(z, axis=2, overwrite_x=True)

    def backward(self, z: Any, wanted: Sizes) -> Any:
        z = self._fft.ifft(z, axis=2, overwrite_x=True)
        z *= self._back
        transform = self._fft.ifft if self._complex else self._fft.irfft
        y = transform(z, n=_rows, axis=1, overwrite_x=True)
        return y.reshape(y.shape[0], -1)[:, : wanted[0]]


class _RightAngle(_Transform):
    """Real convolutions of vectors that fill half of the period, by complex ones of half of it.

    References
    ----------
    R. Crandall and B. Fagin, "Discrete weighted transforms and large-integer arithmetic", Math.
    Comput. 62 (1994), section 6.
    """

    def __init__(self, length: int, dtype: Any, xp: ModuleType) -> None:
        # The convolution may as well change sign where it wraps around, as no result is there:
        # x[j] + i x[j + H] times exp(-πi j / 2H) is convolved cyclically, with period H.
        super().__init__((length // 2,), dtype, xp)
        wide = np.result_type(dtype, np.complex64)
        self._whole = _of_one_axis(length // 2, wide, xp)
        self.rows_at_once = self._whole.rows_at_once
        self._turns = _turns(np.arange(length // 2) / (-2 * length), dtype)
        self._back = self._turns.conj()

    def spectrum(self, kernel: Any) -> Any:
        half = kernel.shape[0] // 2
        return self._whole.spectrum((kernel[:half] + 1j * kernel[half:]) * self._turns)

    def forward(self, x: Any) -> Any:
        return self._whole.forward(x * self._turns[: x.shape[1]])

    def backward(self, z: Any, wanted: Sizes) -> Any:
        y, (size,) = self._whole.backward(z, wanted), wanted
        y *= self._back[:size]
        return y.real.copy()


def _turns(angles: Any, dtype: Any) -> Any:
    """Return ``exp(2πi angle)`` in the precision of a data type."""
    return np.exp(2j * math.pi * angles).astype(np.result_type(dtype, np.complex64))
