"""Matrices of discrete Hartley transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.matrices._base import LinearOperator, size_text, times
from structlin.matrices._indices import Index
from structlin.matrices._orthogonal import rules_of_orthogonal
from structlin.matrices.dft import DFT
from structlin.matrices.functions import diagonal, slogdet, trace
from structlin.matrices.operations import adjoint, is_hermitian, select, transpose
from structlin.matrices.rules import rule


class Hartley(LinearOperator):
    """The discrete Hartley transform: a real orthogonal matrix that is its own inverse.

    Parameters
    ----------
    n : int or sequence of int
        The number of points; for several axes the points along each, and then the vectors are
        grids in C order, ``x.reshape(n)``.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Attributes
    ----------
    sizes : tuple of int
        The points along each axis.

    Raises
    ------
    ValueError
        If there are no axes.

    Notes
    -----
    ``A[j, k] = (cos θ + sin θ) / √N`` with ``θ = 2π Σ jᵢ kᵢ / nᵢ`` and ``N = Π nᵢ``: real part
    minus imaginary part of the unitary Fourier transform, whose FFT a product costs. Its columns
    are eigenvectors of all real symmetric circulant matrices: `eigh` and `svd` of a `Circulant`
    return it. All eigenvalues are 1 or −1.

    References
    ----------
    R. N. Bracewell, "Discrete Hartley transform", J. Opt. Soc. Am. 73 (1983).

    Examples
    --------
    >>> import numpy as np
    >>> (Hartley(2) @ np.array([3.0, 1.0]) * np.sqrt(2)).round(12)
    array([4., 2.])
    """

    sizes: tuple[int, ...]

    def __init__(self, n: int | Sequence[int], *, dtype: Any = None, like: Any = None) -> None:
        self._fourier = DFT(n, norm="ortho", dtype=dtype, like=like)
        self.sizes = self._fourier.sizes
        super().__init__(self._fourier.shape, dtype, like=like)

    def _matmat(self, X: Any) -> Any:
        xp, k = self.xp, X.shape[1]
        if xp.isdtype(X.dtype, "complex floating"):
            parts = self._matmat(xp.concat([xp.real(X), xp.imag(X)], axis=1))
            return parts[:, :k] + times(parts[:, k:], 1j, xp)
        Z = self._fourier._matmat(xp.astype(X, xp.result_type(X.dtype, xp.complex64)))
        return xp.real(Z) - xp.imag(Z)

    _rmatmat = _matmat

    def _formula(self) -> str:
        return size_text(self.sizes) if len(self.sizes) > 1 else ""


def _difference(A: Hartley, z: Any) -> Any:
    """Return what numbers of the Fourier transform become here."""
    return A.xp.astype(A.xp.real(z) - A.xp.imag(z), A.dtype)


rule(adjoint, Hartley)(lambda A: A)
rule(transpose, Hartley)(lambda A: A)
rule(is_hermitian, Hartley)(lambda A: True)


@rule(select, Hartley)
def _select(A: Hartley, rows: Index, columns: Index) -> Any:
    if not (isinstance(rows, int) or isinstance(columns, int)):
        return NotImplemented
    return _difference(A, select(A._fourier, rows, columns))


rules_of_orthogonal(Hartley, how="the transform", cost="5 N log₂ N", memory="4 N")


@rule(trace, Hartley, how="from Gauss sums", cost="1", memory="1")
def _trace(A: Hartley) -> Any:
    return _difference(A, trace(A._fourier))


@rule(diagonal, Hartley, how="the entries", cost="N", memory="2 N")
def _diagonal(A: Hartley) -> Any:
    return _difference(A, diagonal(A._fourier))


@rule(slogdet, Hartley, how="count of the eigenvalues −1, from the trace", cost="1", memory="1")
def _slogdet(A: Hartley) -> Any:
    negative = (A.shape[0] - round(complex(trace(A)).real)) // 2
    return A._scalar(-1.0 if negative % 2 else 1.0), A._scalar(0.0, A.real_dtype)
