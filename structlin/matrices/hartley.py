"""Matrices of discrete Hartley transforms."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from structlin.matrices._base import LinearOperator, times
from structlin.matrices._convolution import transforms
from structlin.matrices.functions import inv, slogdet, solve, trace
from structlin.matrices.operations import adjoint, is_hermitian, transpose
from structlin.matrices.rules import rule


class Hartley(LinearOperator):
    """The discrete Hartley transform: a real orthogonal matrix that is its own inverse.

    Parameters
    ----------
    *sizes : int
        The points of each axis of the vectors, in C order.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Attributes
    ----------
    sizes : tuple of int
        The points of each axis.

    Notes
    -----
    ``A[j, k] = (cos θ + sin θ) / √N`` with ``θ = 2π Σ jᵢ kᵢ / nᵢ`` and ``N = Π nᵢ``: real part
    minus imaginary part of the Fourier transform. Its columns are eigenvectors of all real
    symmetric circulant matrices. A product costs one FFT.

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

    def __init__(self, *sizes: int, dtype: Any = None, like: Any = None) -> None:
        if not sizes:
            raise ValueError("Hartley() has no sizes: give the points of one axis at least")
        self.sizes = tuple(map(operator.index, sizes))
        n = math.prod(self.sizes)
        super().__init__((n, n), dtype, like=like)

    def _matmat(self, X: Any) -> Any:
        xp, k = self.xp, X.shape[1]
        if 0 in X.shape:
            return xp.zeros(X.shape, dtype=X.dtype, device=self.device)
        if xp.isdtype(X.dtype, "complex floating"):
            parts = self._matmat(xp.concat([xp.real(X), xp.imag(X)], axis=1))
            return parts[:, :k] + times(parts[:, k:], 1j, xp)
        complex_type = xp.result_type(X.dtype, xp.complex64)
        tensors = xp.astype(xp.reshape(xp.matrix_transpose(X), (k, *self.sizes)), complex_type)
        axes = tuple(range(1, len(self.sizes) + 1))
        Z = transforms(xp).fftn(tensors, axes=axes, norm="ortho")
        return xp.matrix_transpose(xp.reshape(xp.real(Z) - xp.imag(Z), (k, self.shape[0])))

    _rmatmat = _matmat

    def _formula(self) -> str:
        return "x".join(map(str, self.sizes)) if len(self.sizes) > 1 else ""


def _trace(A: Hartley) -> float:
    # Gauss's sums: that of exp(-2πi k²/n) / √n over k < n is 1 - i, 1, 0 or -i
    sums = ((1 - 1j) if n % 4 == 0 else (1, 0, -1j)[n % 4 - 1] for n in A.sizes)
    product = functools.reduce(operator.mul, sums, 1 + 0j)
    return product.real - product.imag if A.shape[0] else 0.0


_known: dict[str, Any] = {"how": "known in advance", "cost": "1", "memory": "1"}

rule(adjoint, Hartley)(lambda A: A)
rule(transpose, Hartley)(lambda A: A)
rule(is_hermitian, Hartley)(lambda A: True)
rule(inv, Hartley, **_known)(lambda A: A)
rule(solve, Hartley, how="the transform", cost="one FFT", memory="2 n")(lambda A, B: A._matmat(B))
rule(trace, Hartley, **_known)(lambda A: A._scalar(_trace(A)))


@rule(slogdet, Hartley, **_known)
def _slogdet(A: Hartley) -> Any:
    # all eigenvalues are 1 or -1
    negative = (A.shape[0] - round(_trace(A))) // 2
    return A._scalar(-1.0 if negative % 2 else 1.0), A._scalar(0.0, A.real_dtype)
