"""Matrices ``K[i, j] = c(i ∘ j)`` of a group of indices are diagonal in its characters.

The differences of lattice points are lattice points: ``i − j mod n``, and the characters are waves.
Those of a digital net are ``i xor j``, and the characters are Walsh functions.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any

from structlin._backend import device, is_cupy, is_numpy, kernel, namespace, scipy_of
from structlin._kernels.walsh import walsh_transform


class Spectrum(ABC):
    """The transform of ``n`` values of real functions on a group, one column for each function."""

    name: str

    def __init__(self, n: int) -> None:
        self.n = n

    @abstractmethod
    def eigenvalues(self, columns: Any) -> Any:
        """Return those of the symmetric matrices whose first columns these are: (n, k) in."""

    @abstractmethod
    def multiplicities(self, like: Any) -> Any:
        """Return how often every eigenvalue occurs, in the order of `eigenvalues`."""

    @abstractmethod
    def power(self, Y: Any) -> Any:
        """Return the squared coefficients for every eigenvalue; times multiplicity, ``‖Y‖²``."""

    @abstractmethod
    def filtered(self, Y: Any, factors: Any) -> Any:
        """Return the product with the matrix that has these numbers as eigenvalues."""


class Waves(Spectrum):
    """The real Fourier transform, of the cyclic group."""

    name = "Fourier"

    def eigenvalues(self, columns: Any) -> Any:
        """Return the real parts: the columns are even."""
        return namespace(columns).real(_rfft(columns))

    def multiplicities(self, like: Any) -> Any:
        """Return two for every wave that has a sine beside the cosine."""
        xp = namespace(like)
        place = xp.arange(self.n // 2 + 1, device=device(like))
        single = (place == 0) | (2 * place == self.n)
        return 2.0 - xp.astype(single, xp.float64)

    def power(self, Y: Any) -> Any:
        """Return squared moduli."""
        xp, coefficients = namespace(Y), _rfft(Y)
        real, imaginary = xp.real(coefficients), xp.imag(coefficients)
        return (real * real + imaginary * imaginary) / self.n

    def filtered(self, Y: Any, factors: Any) -> Any:
        """Return two transforms' worth of work for every column."""
        coefficients = _rfft(Y)
        coefficients *= factors[:, None]
        return _irfft(coefficients, self.n)


class Walsh(Spectrum):
    """The Walsh–Hadamard transform, of the group of bits."""

    name = "Walsh"

    def eigenvalues(self, columns: Any) -> Any:
        """Return the transform."""
        return kernel(namespace(columns), walsh_transform)(columns)

    def multiplicities(self, like: Any) -> Any:
        """Return ones."""
        xp = namespace(like)
        return xp.ones(self.n, dtype=xp.float64, device=device(like))

    def power(self, Y: Any) -> Any:
        """Return squares."""
        coefficients = self.eigenvalues(Y)
        return coefficients * coefficients / self.n

    def filtered(self, Y: Any, factors: Any) -> Any:
        """Return two transforms' worth of work for every column."""
        coefficients = self.eigenvalues(Y)
        coefficients *= (factors / self.n)[:, None]
        return self.eigenvalues(coefficients)


def _fft(xp: ModuleType) -> ModuleType:
    module: ModuleType = scipy_of(xp, "fft") if is_numpy(xp) or is_cupy(xp) else xp.fft
    return module


def _rfft(Y: Any) -> Any:
    xp = namespace(Y)
    return _fft(xp).rfft(Y, axis=0, **_workers(xp, Y.shape[1]))


def _irfft(C: Any, n: int) -> Any:
    xp = namespace(C)
    return _fft(xp).irfft(C, n=n, axis=0, **_workers(xp, C.shape[1]))


def _workers(xp: ModuleType, columns: int) -> dict[str, int]:
    """Return as many threads as compiled kernels use: SciPy gives each a column."""
    if not is_numpy(xp) or columns < 2:
        return {}
    return {"workers": min(importlib.import_module("numba").get_num_threads(), columns)}
