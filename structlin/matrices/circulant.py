"""Circulant matrices of any number of levels: everything in closed form, by FFT."""

from __future__ import annotations

import functools
import math
from typing import Any

from structlin._backend import namespace
from structlin._norm import norm as euclidean
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices._convolution import Convolving, smooth_length, transforms
from structlin.matrices._hermitian import equal_up_to_rounding
from structlin.matrices._indices import Index
from structlin.matrices.algebra import Scaled
from structlin.matrices.block_toeplitz import BlockToeplitz
from structlin.matrices.dft import DFT
from structlin.matrices.diagonals import phases, rule_of_shifts, slogdet_of
from structlin.matrices.functions import (
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    lstsq,
    norm,
    pinv,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.hartley import Hartley
from structlin.matrices.operations import (
    add,
    adjoint,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import rule
from structlin.matrices.systems import negligible


class Circulant(Convolving):
    """A circulant matrix: the periodic convolution with its first column.

    Parameters
    ----------
    column : (n,) or (n₁, n₂, …) array
        The first column; integers become float64. An array of several axes makes a multilevel
        circulant matrix of size ``Π nᵢ``, which convolves along every axis of C-ordered vectors:
        ``A[i, j] = column[(i₁ − j₁) mod n₁, (i₂ − j₂) mod n₂, …]``. It is not copied: leave it
        unchanged.

    Attributes
    ----------
    column : array
        The first column.
    eigenvalues : complex array
        The eigenvalues, in the shape of ``column``: its Fourier transform.

    Raises
    ------
    ValueError
        If the column is a scalar.

    See Also
    --------
    Toeplitz : convolution that is not periodic.

    Notes
    -----
    ``A = F⁻¹ diag(λ) F`` with the Fourier transform ``F``. A product costs two transforms of
    ``n`` numbers for each column, and so does a solution. All functions but `cholesky` are
    answered in closed form, in ``O(n log n)``, and inverses, products, sums and exponentials of
    circulant matrices are circulant.

    References
    ----------
    P. J. Davis, *Circulant Matrices* (1979), chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> A = Circulant(np.array([1.0, 2.0, 3.0]))
    >>> A.todense()
    array([[1., 3., 2.],
           [2., 1., 3.],
           [3., 2., 1.]])
    """

    column: Any

    def __init__(self, column: Any) -> None:
        xp = namespace(column)
        if column.ndim == 0:
            raise ValueError("column is a scalar: give an array with an axis for each level")
        self.column = inexact(xp.asarray(column), xp)
        self.levels = tuple((n, n) for n in column.shape)
        n = math.prod(column.shape)
        super().__init__((n, n), like=self.column)

    @functools.cached_property
    def eigenvalues(self) -> Any:
        """The eigenvalues, in the shape of the column."""
        xp = self.xp
        column = xp.astype(self.column, xp.result_type(self.dtype, xp.complex64), copy=False)
        return transforms(xp).fftn(column) if self.shape[0] else column

    def of_eigenvalues(self, eigenvalues: Any, dtype: Any = None) -> Circulant:
        """Return the circulant matrix, real if this one is, with other eigenvalues.

        Parameters
        ----------
        eigenvalues : array
            The eigenvalues, in the shape of the column.
        dtype : data type, optional
            That of the entries; by default that of this matrix.

        Returns
        -------
        Circulant
            The matrix.

        Examples
        --------
        >>> import numpy as np
        >>> A = Circulant(np.array([1.0, 2.0, 3.0]))
        >>> A.of_eigenvalues(A.eigenvalues**2).column  # that of A @ A
        array([13., 13., 10.])
        """
        xp, dtype = self.xp, self.dtype if dtype is None else dtype
        values = xp.astype(eigenvalues, xp.result_type(dtype, xp.complex64), copy=False)
        column = transforms(xp).ifftn(values) if self.shape[0] else values
        made = Circulant(column if xp.isdtype(dtype, "complex floating") else xp.real(column))
        vars(made)["eigenvalues"] = values  # more accurate than what the column gives
        return made

    def _astype(self, dtype: Any) -> Circulant:
        return Circulant(self.xp.astype(self.column, dtype))

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(n for n, _ in self.levels)

    @property
    def _kernel(self) -> Any:
        # transforms of lengths with large prime factors are slower than those of longer ones
        fast = all(smooth_length(n) == n for n in self._sizes)
        return self.column if fast else as_toeplitz(self)._kernel

    def todense(self) -> Any:
        """Return the matrix as an (n, n) array."""
        self._require_formable(*self.shape)
        return as_toeplitz(self).todense()

    @functools.cached_property
    def _inverse(self) -> Circulant:
        xp, values = self.xp, self.eigenvalues
        require_finite("A", self.column)
        if not self.shape[0]:
            return self
        moduli = xp.abs(values)
        smallest, largest = float(xp.min(moduli)), float(xp.max(moduli))
        noise = float(xp.finfo(self.dtype).eps) * math.log2(2 * self.shape[0])
        if smallest <= noise * largest:
            raise singular(self, f"an eigenvalue is {smallest:.1e} in modulus")
        return self.of_eigenvalues(1 / values)

    @functools.cached_property
    def _pseudoinverse(self) -> Circulant:
        xp, values = self.xp, self.eigenvalues
        require_finite("A", self.column)
        zero = negligible(xp.abs(values), self.shape, xp)
        return self.of_eigenvalues(xp.where(zero, 0, 1 / xp.where(zero, 1, values)))


def as_toeplitz(A: Circulant) -> BlockToeplitz:
    """Return a circulant matrix with its entries by difference."""
    xp, coefficients = A.xp, A.column
    for axis, n in enumerate(A._sizes):
        differences = xp.arange(1 - n, n, device=A.device) if n else xp.arange(0, device=A.device)
        coefficients = xp.take(coefficients, differences % max(n, 1), axis=axis)
    return BlockToeplitz(coefficients)


# algebra


def _reversed(A: Circulant) -> Any:
    """Return the first row: the column at the opposite indices."""
    xp, axes = A.xp, tuple(range(len(A._sizes)))
    return xp.roll(xp.flip(A.column), (1,) * len(axes), axis=axes)


def _alike(A: Convolving, B: Convolving) -> bool:
    return A.levels == B.levels


rule(adjoint, Circulant)(lambda A: Circulant(conjugate(_reversed(A), A.xp)))
rule(transpose, Circulant)(lambda A: Circulant(_reversed(A)))
rule(scale, Circulant)(lambda A, scalar: Circulant(times(A.column, scalar, A.xp)))
rule(add, Circulant, Circulant, when=_alike)(lambda A, B: Circulant(A.column + B.column))
rule(add, Circulant, BlockToeplitz, when=_alike)(
    lambda A, B: B._with(as_toeplitz(A).coefficients + B.coefficients, B.levels)
)
rule(add, BlockToeplitz, Circulant, when=_alike)(lambda A, B: B + A)


@rule(multiply, Circulant, Circulant, when=_alike)
def _multiply(A: Circulant, B: Circulant) -> Circulant:
    dtype = A.xp.result_type(A.dtype, B.dtype)
    return A.of_eigenvalues(A.eigenvalues * B.eigenvalues, dtype)


def _shifted(A: Circulant, one: LinearOperator) -> Circulant:
    column = A.xp.astype(A.column, A.xp.result_type(A.dtype, one.dtype), copy=True)
    if A.shape[0]:
        column[(0,) * column.ndim] += one.scalar if isinstance(one, Scaled) else 1
    return Circulant(column)


rule_of_shifts(Circulant, _shifted)


@rule(is_hermitian, Circulant)
def _is_hermitian(A: Circulant) -> bool:
    # as far as a stored matrix has to be
    return equal_up_to_rounding(A.column, conjugate(_reversed(A), A.xp), A.xp)


@rule(select, Circulant)
def _select(A: Circulant, rows: Index, columns: Index) -> Any:
    if isinstance(rows, int) or isinstance(columns, int):
        return select(as_toeplitz(A), rows, columns)
    return NotImplemented


# functions


def _flat(A: Circulant, values: Any) -> Any:
    return A.xp.reshape(values, (-1,))


def _spectrum(A: Circulant) -> Any:
    """Return the eigenvalues in C order."""
    require_finite("A", A.column)
    return _flat(A, A.eigenvalues)


_transformed: dict[str, Any] = {"cost": "5 n log₂ n", "memory": "4 n"}
_divided: dict[str, Any] = {
    "how": "F⁻¹ ((F b) / λ), 1/λ kept",
    "cost": "10 n log₂ n",
    "memory": "4 n",
}

rule(solve, Circulant, **_divided)(lambda A, B: A._in_precision_of(B)._inverse._matmat(B))
rule(lstsq, Circulant, **_divided)(lambda A, B: A._in_precision_of(B)._pseudoinverse._matmat(B))
rule(inv, Circulant, how="1 / λ", **_transformed)(lambda A: A._inverse)
rule(pinv, Circulant, how="1 / λ, where λ is not zero", **_transformed)(lambda A: A._pseudoinverse)


@rule(expm, Circulant, how="exp(λ)", **_transformed)
def _expm(A: Circulant) -> Circulant:
    require_finite("A", A.column)
    return A.of_eigenvalues(A.xp.exp(A.eigenvalues))


@rule(slogdet, Circulant, how="sum of log |λ|", **_transformed)
def _slogdet(A: Circulant) -> Any:
    sign, logarithm = slogdet_of(_spectrum(A), A.xp)
    # the eigenvalues of real matrices come in conjugate pairs
    return sign if A.is_complex else A.xp.sign(A.xp.real(sign)), logarithm


def _waves(A: Circulant) -> LinearOperator:
    """Return the unitary matrix of the complex eigenvectors: ``A = V diag(λ) Vᴴ``."""
    return DFT(A._sizes, norm="ortho", inverse=True, like=A)


def _cosines(A: Circulant) -> LinearOperator:
    """Return an orthogonal matrix, of eigenvectors if ``A`` is real symmetric."""
    return Hartley(A._sizes, dtype=A.dtype, like=A)


@rule(eig, Circulant, how="λ and the columns of F⁻¹", **_transformed)
def _eig(A: Circulant) -> Any:
    return _spectrum(A), _waves(A)


@rule(eigh, Circulant, when=is_hermitian, how="λ and sums of Fourier modes", **_transformed)
def _eigh(A: Circulant) -> Any:
    return A.xp.real(_spectrum(A)), _waves(A) if A.is_complex else _cosines(A)


@rule(svd, Circulant, how="A = C diag(|λ|) C' with C from phases of λ", **_transformed)
def _svd(A: Circulant) -> Any:
    # V diag(λ) Vᴴ = (V diag(λ/|λ|) Vᴴ) V diag(|λ|) Vᴴ: a unitary circulant and a Hermitian one
    xp, values = A.xp, A.eigenvalues
    require_finite("A", A.column)
    V = _waves(A) if A.is_complex else _cosines(A)
    return A.of_eigenvalues(phases(values, xp)) @ V, _flat(A, xp.abs(values)), V.H


rule(svdvals, Circulant, how="|λ|", **_transformed)(lambda A: A.xp.abs(_spectrum(A)))


@rule(norm, Circulant, how="from the entries or the eigenvalues", **_transformed)
def _norm(A: Circulant, ord: str | float) -> Any:
    xp = A.xp
    if ord == "fro":
        return A._scalar(euclidean(A.column) * math.sqrt(A.shape[0]), A.real_dtype)
    if ord in (1, math.inf):
        return xp.sum(xp.abs(A.column))
    return xp.max(svdvals(A)) if ord == 2 else xp.sum(svdvals(A))


_constant: dict[str, Any] = {"how": "one entry", "cost": "n", "memory": "n"}


@rule(diagonal, Circulant, **_constant)
def _diagonal(A: Circulant) -> Any:
    zero = A.xp.zeros(A.shape[0], dtype=A.dtype, device=A.device)
    return zero + A.column[(0,) * A.column.ndim] if A.shape[0] else zero


@rule(trace, Circulant, **_constant)
def _trace(A: Circulant) -> Any:
    n = A.shape[0]
    return A.column[(0,) * A.column.ndim] * float(n) if n else A._scalar(0.0)
