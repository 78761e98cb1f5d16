"""The function behind a Toeplitz matrix: its entries are that function's Fourier coefficients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin._validation import inexact, require_array, require_count, require_finite
from structlin.matrices import BlockToeplitz
from structlin.matrices._convolution import transforms


def toeplitz_symbol(A: Any) -> ToeplitzSymbol:
    """Return the symbol ``f(θ) = Σ_k t_k exp(i k θ)`` of a matrix of entries ``t_(i−j)``.

    Parameters
    ----------
    A : Toeplitz, BlockToeplitz or array
        The matrix, or its coefficients by difference: an array whose axes have odd lengths, with
        ``t₀`` in the middle.

    Returns
    -------
    ToeplitzSymbol
        To be evaluated, and to predict spectra from.

    Raises
    ------
    TypeError
        If ``A`` is neither.
    ValueError
        If an axis of the coefficients has an even length, or one of them is NaN or Inf.

    Examples
    --------
    >>> import numpy as np
    >>> f = toeplitz_symbol(np.array([-1.0, 2.0, -1.0]))  # 2 − 2 cos θ
    >>> f(np.array([0.0, np.pi]))
    array([0., 4.])
    >>> f.eigenvalues(3).round(6)  # of the second difference
    array([0.585786, 2.      , 3.414214])
    """
    if isinstance(A, BlockToeplitz):
        return ToeplitzSymbol(A.coefficients, tuple(1 - n for _, n in A.levels))
    require_array("A", A, "a Toeplitz matrix, or its coefficients by difference")
    if not A.ndim or any(size % 2 == 0 for size in A.shape):
        raise ValueError(
            f"the coefficients have shape {tuple(A.shape)}: every axis needs an odd length, with "
            "the one of difference 0 in the middle"
        )
    require_finite("A", A)
    return ToeplitzSymbol(A, tuple(-(size // 2) for size in A.shape))


class ToeplitzSymbol:
    """A trigonometric polynomial of one or several angles: see `toeplitz_symbol`.

    Parameters
    ----------
    coefficients : array
        The Fourier coefficients, with an axis for each angle.
    first : tuple of int
        The difference that the first coefficient of every axis belongs to.

    Attributes
    ----------
    coefficients, first
        As given.

    Notes
    -----
    Szegő's theorem, in words: as matrices of one symbol grow, their singular values are
    distributed as values of ``|f|`` at evenly spread angles, and so are their eigenvalues as those
    of ``f`` if it is real. Then every eigenvalue lies between the extremes of ``f``.

    References
    ----------
    U. Grenander and G. Szegő, "Toeplitz forms and their applications", University of California
    Press (1958).
    """

    def __init__(self, coefficients: Any, first: tuple[int, ...]) -> None:
        self.coefficients = coefficients
        self.first = first
        self.xp = namespace(coefficients)

    @property
    def ndim(self) -> int:
        """How many angles there are."""
        return len(self.first)

    def __repr__(self) -> str:
        terms = "x".join(map(str, self.coefficients.shape))
        return f"<ToeplitzSymbol of {self.ndim} angles, {terms} terms>"

    def __call__(self, *angles: Any) -> Any:
        """Return the values on the tensor grid of vectors of angles.

        Parameters
        ----------
        *angles : (k_j,) array
            One vector for each axis of the coefficients.

        Returns
        -------
        (k₁, k₂, …) array
            Real if the matrix is Hermitian. Cost: ``k`` times the number of coefficients.

        Raises
        ------
        ValueError
            If the number of vectors is wrong, or one is none.
        """
        if len(angles) != self.ndim:
            raise ValueError(f"{len(angles)} vectors of angles are given: pass {self.ndim}")
        for theta in angles:
            require_array("a vector of angles", theta)
            if theta.ndim != 1:
                raise ValueError(f"angles have shape {tuple(theta.shape)}: pass one vector an axis")
        angles = tuple(inexact(theta) for theta in angles)
        xp = self.xp
        values = xp.astype(self.coefficients, self._complex)
        for theta, start in zip(angles, self.first, strict=True):
            k = xp.arange(start, start + values.shape[0], device=theta.device)
            turns = theta[:, None] * xp.astype(k, theta.dtype)[None, :]
            wave = xp.astype(xp.cos(turns), self._complex) + 1j * xp.sin(turns)
            values = xp.tensordot(values, wave, axes=((0,), (1,)))
        return xp.real(values) if self.is_real else values

    @property
    def is_real(self) -> bool:
        """Whether the values are real, as for Hermitian matrices."""
        return self._equals_its_mirror_image(conjugated=True)

    def eigenvalues(self, *sizes: int) -> Any:
        """Return the predicted eigenvalues of the Hermitian matrix of that size, ascending.

        Parameters
        ----------
        *sizes : int
            Rows ``n_j`` of every level.

        Returns
        -------
        (Π n_j,) ndarray
            On the host: values of the symbol at the angles ``π k/(n_j + 1)`` if it is even in every
            angle, which is exact for tridiagonal matrices, and at ``2π k/n_j`` otherwise.

        Raises
        ------
        ValueError
            If the symbol is not real.

        Notes
        -----
        FFTs of ``Π 2 (n_j + 1)`` numbers.
        """
        if not self.is_real:
            raise ValueError(
                "the symbol is not real, so the matrix is not Hermitian: see singular_values"
            )
        return np.sort(on_host(self.xp.reshape(self._predicted(sizes), (-1,))))

    def singular_values(self, *sizes: int) -> Any:
        """Return the predicted singular values of the matrix of that size, descending.

        As `eigenvalues`, by the moduli of the symbol.
        """
        moduli = self.xp.abs(self._predicted(sizes))
        return np.sort(on_host(self.xp.reshape(moduli, (-1,))))[::-1]

    def bounds(self, *, oversampling: int = 8) -> tuple[float, float]:
        """Return the least and the largest value of a real symbol, by samples.

        Parameters
        ----------
        oversampling : int, default 8
            Samples for each coefficient.

        Returns
        -------
        (float, float)
            Between these lie the eigenvalues of all matrices with this symbol, apart from what
            the samples miss: with ``m`` of them for each coefficient, at most a part
            ``1.3/m²`` of the largest modulus for each angle.

        Raises
        ------
        ValueError
            If the symbol is not real, or ``oversampling`` is no whole number of 1 or more.
        """
        oversampling = require_count("oversampling", oversampling)
        if not self.is_real:
            raise ValueError("the symbol is not real: its values have no order")
        values = self._samples([oversampling * size for size in self.coefficients.shape])
        return float(self.xp.min(values)), float(self.xp.max(values))

    @property
    def _complex(self) -> Any:
        return self.xp.result_type(self.coefficients.dtype, self.xp.complex64)

    def _equals_its_mirror_image(self, *, conjugated: bool) -> bool:
        xp, t = self.xp, self.coefficients
        centred = all(
            2 * start + size == 1 for start, size in zip(self.first, t.shape, strict=True)
        )
        if not centred:
            return False
        mirrored = xp.flip(t)
        if conjugated and xp.isdtype(t.dtype, "complex floating"):
            mirrored = xp.conj(mirrored)
        return bool(xp.all(mirrored == t))

    @property
    def _is_even(self) -> bool:
        """Whether the symbol is real and even in every angle."""
        xp, t = self.xp, self.coefficients
        if xp.isdtype(t.dtype, "complex floating"):
            return False
        return self._equals_its_mirror_image(conjugated=False) and all(
            bool(xp.all(xp.flip(t, axis=axis) == t)) for axis in range(self.ndim)
        )

    def _predicted(self, sizes: tuple[int, ...]) -> Any:
        if len(sizes) != self.ndim:
            raise ValueError(f"{len(sizes)} sizes are given: pass {self.ndim}")
        if any(n < 1 for n in sizes):
            raise ValueError(f"sizes are {sizes}: a matrix has one row or more in every level")
        if not self._is_even:
            return self._samples(list(sizes))
        values = self._samples([2 * (n + 1) for n in sizes])
        return values[tuple(slice(1, n + 1) for n in sizes)]

    def _samples(self, lengths: list[int]) -> Any:
        """Return the values at ``2π j/L`` in every angle, by FFT."""
        xp, t = self.xp, self.coefficients
        fft = transforms(xp)
        for axis, (start, length) in enumerate(zip(self.first, lengths, strict=True)):
            # exp(i k θ) at these angles knows k modulo L only: fold, and put difference 0 first
            t = xp.moveaxis(t, axis, 0)
            missing = -t.shape[0] % length
            zeros = xp.zeros((missing, *t.shape[1:]), dtype=t.dtype, device=t.device)
            folds = (-1, length, *t.shape[1:])
            t = xp.sum(xp.reshape(xp.concat([t, zeros]), folds), axis=0)
            t = xp.moveaxis(xp.roll(t, start, axis=0), 0, axis)
        # a forward transform has the opposite sign in its exponent
        values = fft.ifftn(xp.astype(t, self._complex)) * math.prod(lengths)
        return xp.real(values) if self.is_real else values
