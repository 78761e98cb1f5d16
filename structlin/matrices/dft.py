"""Matrices of discrete Fourier transforms."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from structlin.bases._trigonometric import turn
from structlin.matrices._base import LinearOperator, conjugate, size_text
from structlin.matrices._convolution import transforms
from structlin.matrices._indices import take
from structlin.matrices.functions import (
    cond,
    diagonal,
    inv,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import outer
from structlin.matrices.operations import adjoint, is_hermitian, multiply, scale, select, transpose
from structlin.matrices.rules import rule

# the power of N by which the forward transform is multiplied, and the inverse one
_powers = {"backward": (0.0, -1.0), "ortho": (-0.5, -0.5), "forward": (-1.0, 0.0)}
_opposite = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


class DFT(LinearOperator):
    """The matrix of a discrete Fourier transform: ``A[j, k] = exp(−2πi j k / n)``.

    Parameters
    ----------
    n : int or sequence of int
        The number of points; for several axes the points along each, and then the vectors are
        grids in C order, ``x.reshape(n)``.
    norm : {"backward", "ortho", "forward"}
        Which direction is divided by the number ``N`` of points, as in `numpy.fft`: the inverse
        one, both (by ``√N``, which makes the matrix unitary) or the forward one.
    inverse : bool
        Whether this is the matrix of `numpy.fft.ifftn`: ``exp(+2πi j k / n)``, divided by ``N``
        unless ``norm`` says otherwise.
    dtype : data type, optional
        By default that of ``like``, or float64; real data types stand for the complex ones of
        their precision.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Attributes
    ----------
    sizes : tuple of int
        The points along each axis.
    norm : str
        Which direction is divided.
    inverse : bool
        Whether it is the inverse transform.

    Raises
    ------
    ValueError
        If there are no axes, or ``norm`` is none of these.

    Notes
    -----
    A product takes about ``5 N log₂ N`` operations, by the FFT of SciPy, CuPy or the array
    library. Transpose, adjoint and inverse are matrices of this kind. The unitary matrix of
    ``n`` points has the eigenvalues 1, −1, −i and i, ``⌊n/4⌋ + 1``, ``⌊(n+2)/4⌋``, ``⌊(n+1)/4⌋``
    and ``⌊(n−1)/4⌋`` times, which give the determinant; the trace is a quadratic Gauss sum:
    ``(1 − i) √n``, ``√n``, 0 or ``−i √n`` as ``n`` leaves 0, 1, 2 or 3 when divided by 4.

    References
    ----------
    .. [1] J. H. McClellan and T. W. Parks, "Eigenvalue and eigenvector decomposition of the
       discrete Fourier transform", IEEE Trans. Audio Electroacoust. 20 (1972), 66-74.

    Examples
    --------
    >>> import numpy as np
    >>> F = DFT(4)
    >>> F @ np.array([0.0, 1.0, 0.0, 0.0])
    array([ 1.+0.j,  0.-1.j, -1.+0.j,  0.+1.j])
    >>> F.H @ F
    <Scaled 4x4 complex128 = 4 * Identity>
    """

    sizes: tuple[int, ...]
    norm: str
    inverse: bool

    def __init__(
        self,
        n: int | Sequence[int],
        *,
        norm: str = "backward",
        inverse: bool = False,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        self.sizes = tuple(map(operator.index, n if isinstance(n, Sequence) else (n,)))
        if not self.sizes or min(self.sizes) < 0:
            raise ValueError(f"n is {n!r}: give the number of points, or one number for each axis")
        if norm not in _powers:
            raise ValueError(f"norm is {norm!r}: choose one of {', '.join(map(repr, _powers))}")
        self.norm, self.inverse = norm, bool(inverse)
        super().__init__((math.prod(self.sizes),) * 2, dtype, like=like)
        self.dtype = self.xp.result_type(self.dtype, self.xp.complex64)

    def _matmat(self, X: Any) -> Any:
        return self._transformed(X, inverse=self.inverse, norm=self.norm)

    def _rmatmat(self, X: Any) -> Any:
        return self._transformed(X, inverse=not self.inverse, norm=_opposite[self.norm])

    def _transformed(self, X: Any, *, inverse: bool, norm: str) -> Any:
        xp = self.xp
        if 0 in X.shape:
            return xp.asarray(X, copy=True)
        transform = transforms(xp).ifftn if inverse else transforms(xp).fftn
        tensor = xp.reshape(X, (*self.sizes, X.shape[1]))
        Y = transform(tensor, axes=tuple(range(len(self.sizes))), norm=norm)
        return xp.reshape(Y, X.shape)

    def _like(self, *, inverse: bool, norm: str) -> DFT:
        return DFT(self.sizes, norm=norm, inverse=inverse, dtype=self.dtype, like=self)

    @property
    def _factor(self) -> float:
        """The modulus of every entry."""
        return math.pow(self.shape[0] or 1, self._power)

    @property
    def _power(self) -> float:
        return _powers[self.norm][self.inverse]

    def _entries(self, turns: Any) -> Any:
        """Return the entries at these angles, in units of one turn over `_period`."""
        values = self.xp.astype(turn(turns, self._period, self.xp), self.dtype) * self._factor
        return conjugate(values, self.xp) if self.inverse else values

    @property
    def _period(self) -> int:
        return math.lcm(*(size or 1 for size in self.sizes))

    def _formula(self) -> str:
        sizes = [size_text(self.sizes)] if len(self.sizes) > 1 else []
        inverse = ["inverse"] if self.inverse else []
        norm = [self.norm] if self.norm != "backward" else []
        return ", ".join(sizes + inverse + norm)


# algebra

rule(adjoint, DFT)(lambda A: A._like(inverse=not A.inverse, norm=_opposite[A.norm]))
rule(transpose, DFT)(lambda A: A)
rule(is_hermitian, DFT)(lambda A: max(A.sizes) <= 2)


@rule(multiply, DFT, DFT)
def _multiply(A: DFT, B: DFT) -> Any:
    if A.sizes != B.sizes or A.inverse == B.inverse:
        return NotImplemented
    one = Identity(A.shape[0], dtype=A.xp.result_type(A.dtype, B.dtype), like=A)
    return scale(one, float(A.shape[0] or 1) ** (A._power + B._power + 1))


@rule(select, DFT)
def _select(A: DFT, rows: Any, columns: Any) -> Any:
    if not isinstance(rows, int):
        if not isinstance(columns, int):
            return NotImplemented
        rows, columns = columns, rows  # the matrix is symmetric
    if isinstance(columns, int):
        turns = 0
        for size in reversed(A.sizes):
            (rows, i), (columns, j) = divmod(rows, size), divmod(columns, size)
            turns += i * j % size * (A._period // size)
        return A._entries(A.xp.asarray(turns, device=A.device))
    A._require_formable(A.shape[0])
    angles = []
    for size in reversed(A.sizes):
        rows, i = divmod(rows, size)
        angles.append(A.xp.arange(size, device=A.device) * i % size * (A._period // size))
    return A._entries(take(outer(angles[::-1], operator.add, A.xp), columns, A.xp))


# functions

_one_transform: dict[str, Any] = {
    "how": "the inverse transform",
    "cost": "5 N log₂ N",
    "memory": "2 N",
}
_known: dict[str, Any] = {"how": "unitary up to a factor: known", "cost": "1", "memory": "1"}


@rule(inv, DFT, **_known)
def _inv(A: DFT) -> DFT:
    return A._like(inverse=not A.inverse, norm=A.norm)


rule(pinv, DFT, **_known)(_inv)
rule(rank, DFT, **_known)(lambda A: A.shape[0])


@rule(solve, DFT, **_one_transform)
def _solve(A: DFT, B: Any) -> Any:
    return _inv(A)._matmat(B)


rule(lstsq, DFT, **_one_transform)(_solve)


@rule(
    slogdet, DFT, how="the eigenvalues are 1, −1, i, −i times √N and a factor", cost="1", memory="1"
)
def _slogdet(A: DFT) -> Any:
    N = A.shape[0]
    if N == 0:
        return A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    # det(A₁ ⊗ A₂) = det(A₁)^n₂ det(A₂)^n₁; quarters of a turn are counted
    quarters = sum(
        N // n * (2 * ((n + 2) // 4) + 3 * ((n + 1) // 4) + (n - 1) // 4) for n in A.sizes
    )
    sign = (1, 1j, -1, -1j)[(-quarters if A.inverse else quarters) % 4]
    return A._scalar(sign), A._scalar(N * (0.5 + A._power) * math.log(N), A.real_dtype)


@rule(trace, DFT, how="product of quadratic Gauss sums", cost="1", memory="1")
def _trace(A: DFT) -> Any:
    value = math.prod((1 - 1j, 1, 0, -1j)[n % 4] * math.sqrt(n) for n in A.sizes) * A._factor
    return A._scalar(complex(value).conjugate() if A.inverse else value)


@rule(diagonal, DFT, how="the entries", cost="N", memory="N")
def _diagonal(A: DFT) -> Any:
    A._require_formable(A.shape[0])
    squares = []
    for size in A.sizes:
        k = A.xp.arange(size, device=A.device)
        squares.append(k * k % max(size, 1) * (A._period // max(size, 1)))
    return A._entries(outer(squares, operator.add, A.xp))


@rule(svdvals, DFT, how="all equal", cost="N", memory="N")
def _svdvals(A: DFT) -> Any:
    N = A.shape[0]
    A._require_formable(N)
    sigma = A._factor * math.sqrt(N)
    return A.xp.full(N, sigma, dtype=A.real_dtype, device=A.device)


@rule(svd, DFT, how="the unitary transform, equal values, and I", cost="N", memory="N")
def _svd(A: DFT) -> Any:
    return A._like(inverse=A.inverse, norm="ortho"), _svdvals(A), Identity(A.shape[0], like=A)


_halves = {1: 2, math.inf: 2, "fro": 2, 2: 1, "nuc": 3}


@rule(norm, DFT, how="√N or a power of it, and the factor", cost="1", memory="1")
def _norm(A: DFT, ord: Any) -> Any:
    return A._scalar(A._factor * A.shape[0] ** (_halves[ord] / 2), A.real_dtype)


@rule(cond, DFT, how="a power of N", cost="1", memory="1")
def _cond(A: DFT, ord: Any) -> Any:
    return A._scalar(float(A.shape[0] ** (_halves[ord] - 1)), A.real_dtype)
