"""Trigonometric functions with the period of an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact
from structlin.bases._basis import Basis, along, padded, place
from structlin.bases._chop import chop
from structlin.bases.chebyshev import Chebyshev


@dataclass(frozen=True)
class Fourier(Basis):
    """The functions ``1, cos θ, sin θ, cos 2θ, sin 2θ, …`` with ``θ = 2π (x − low)/(high − low)``.

    Parameters
    ----------
    low, high : float
        The ends of one period, ``low < high``.

    Raises
    ------
    ValueError
        If the interval is empty, reversed or not finite.

    Notes
    -----
    Points are ``low + j (high − low)/n``: every other point of ``2n`` is one of ``n``. Values and
    coefficients are converted by FFTs, in ``O(n log n)``. With an even number of coefficients the
    last one is that of a cosine.

    Examples
    --------
    >>> import numpy as np
    >>> basis = Fourier(0, 2 * np.pi)
    >>> basis.coefficients(np.sin(2 * basis.points(8))).round(12) + 0.0
    array([0., 0., 0., 0., 1., 0., 0., 0.])
    """

    periodic: ClassVar[bool] = True

    def points(self, n: int, like: Any = None) -> Any:
        """Return ``n`` points at equal distances, ``low`` the first of them."""
        xp, where = place(like)
        j = np.arange(n)
        return xp.asarray(self.low + self.width * (j / max(n, 1)), device=where)

    def refined(self, n: int) -> int:
        """Return ``2n``."""
        return 2 * n

    def coefficients(self, values: Any) -> Any:
        """Return the ``n`` coefficients of the function with these values at ``points(n)``."""
        xp, values = namespace(values), inexact(values)
        n = values.shape[0]
        if n < 2:
            return xp.asarray(values, copy=True)
        spectrum = xp.fft.fft(_complex(values), axis=0) / n
        highest = (n - 1) // 2
        out = xp.zeros_like(spectrum)
        out[0, ...] = spectrum[0, ...]
        up = spectrum[1 : highest + 1, ...]
        down = xp.flip(spectrum[n - highest :, ...], axis=0)
        out[1 : 2 * highest : 2, ...] = up + down
        out[2 : 2 * highest + 1 : 2, ...] = 1j * (up - down)
        if n % 2 == 0:
            out[n - 1, ...] = spectrum[n // 2, ...]
        return out if xp.isdtype(values.dtype, "complex floating") else xp.real(out)

    def values(self, coefficients: Any, n: int | None = None) -> Any:
        """Return the values at ``points(n)``; by default at as many as there are coefficients."""
        xp, C = namespace(coefficients), inexact(coefficients)
        n = C.shape[0] if n is None else n
        if n < C.shape[0]:
            return xp.tensordot(
                xp.astype(self.vander(self.points(n, C), C.shape[0]), C.dtype), C, axes=1
            )
        if C.shape[0] < 2:
            constant = xp.ones((n, *(1,) * (C.ndim - 1)), dtype=C.dtype, device=device(C))
            return constant * padded(C, 1)
        C = padded(C, C.shape[0] + 1 - C.shape[0] % 2)  # a sine to every cosine
        highest = C.shape[0] // 2
        D = _complex(C)
        cosines, sines = D[1::2, ...] / 2, D[2::2, ...] * -0.5j
        spectrum = xp.zeros((n, *C.shape[1:]), dtype=D.dtype, device=device(C))
        spectrum[0, ...] = D[0, ...]
        spectrum[1 : highest + 1, ...] = cosines + sines
        last = n - highest
        spectrum[last:, ...] = spectrum[last:, ...] + xp.flip(cosines - sines, axis=0)
        values = xp.fft.ifft(spectrum * n, axis=0)
        return values if xp.isdtype(C.dtype, "complex floating") else xp.real(values)

    def located(self, x: Any) -> Any:
        """Return the angles ``θ`` of points, in ``[−π, π]``."""
        xp = namespace(x)
        turns = (x - self.low) / self.width
        return 2 * math.pi * (turns - xp.round(turns))

    def vander(self, x: Any, n: int) -> Any:
        """Return the first ``n`` functions at points, along a new last axis."""
        xp, angles = namespace(x), self.located(inexact(x))
        out = xp.ones((n, *angles.shape), dtype=angles.dtype, device=device(angles))
        cosine, sine = xp.cos(angles), xp.sin(angles)
        c, s = cosine, sine
        for k in range(1, n):
            if k % 2:
                if k > 1:  # the sum of two angles; rounding errors grow like k, as those of θ do
                    c, s = c * cosine - s * sine, s * cosine + c * sine
                out[k, ...] = c
            else:
                out[k, ...] = s
        return xp.moveaxis(out, 0, -1)

    def derivative(self, coefficients: Any) -> Any:
        """Return the coefficients of the derivative: an odd number, for a sine to every cosine."""
        xp, C = namespace(coefficients), inexact(coefficients)
        n = C.shape[0]
        if n < 2:
            return xp.zeros_like(C)
        C = padded(C, n + 1 - n % 2)
        k = xp.arange(1, C.shape[0] // 2 + 1, dtype=xp.float64, device=device(C))
        speed = along(2 * math.pi / self.width * k, C)
        out = xp.zeros_like(C)
        out[1::2, ...] = C[2::2, ...] * speed
        out[2::2, ...] = -C[1::2, ...] * speed
        return out

    def antiderivative(self, coefficients: Any) -> tuple[Basis, Any]:
        """Return the antiderivative that is zero at ``low``: a Chebyshev series."""
        basis, C = self.as_chebyshev(coefficients)
        return basis.antiderivative(C)

    def as_chebyshev(self, coefficients: Any) -> tuple[Chebyshev, Any]:
        """Return the same function as a Chebyshev series, to the accuracy of the data type."""
        return self.restricted(coefficients, self.low, self.high)

    def restricted(self, coefficients: Any, low: float, high: float) -> tuple[Chebyshev, Any]:
        """Return the function on a part of the interval, as a Chebyshev series.

        Notes
        -----
        The coefficients of ``cos a t`` and ``sin a t`` are Bessel functions ``2 Jₘ(a)``, which
        decay like ``exp(−(2√2/3) ((m − a)/a^{1/3})^{3/2})`` beyond ``m = a``: so many points are
        taken that the highest frequency has come down below double precision.
        """
        xp, C, part = namespace(coefficients), inexact(coefficients), Chebyshev(low, high)
        waves = C.shape[0]
        highest = math.pi * (waves // 2) * part.width / self.width
        n = math.ceil(highest + 12 * highest ** (1 / 3)) + 17
        V = xp.astype(self.vander(part.points(n, C), waves), C.dtype)
        out = part.coefficients(xp.tensordot(V, C, axes=1))
        largest = xp.max(xp.abs(out), axis=0, keepdims=True)
        sizes = part.sizes(out / xp.where(largest > 0, largest, xp.ones_like(largest)))
        return part, out[: chop(sizes, 4 * float(xp.finfo(C.dtype).eps)), ...]

    def integrals(self, n: int, like: Any = None) -> Any:
        """Return the period and zeros, in float64."""
        xp, where = place(like)
        return xp.asarray(np.where(np.arange(n) == 0, self.width, 0.0), device=where)

    def weights(self, n: int, like: Any = None) -> Any:
        """Return ``n`` equal weights, in float64."""
        xp, where = place(like)
        return xp.asarray(np.full(n, self.width / max(n, 1)), device=where)

    def gram(self, n: int, like: Any = None) -> Any:
        """Return the (n, n) integrals of the products of two functions: diagonal, in float64."""
        xp, where = place(like)
        weights = np.full(n, self.width / 2)
        weights[:1] = self.width
        return xp.asarray(np.diag(weights), device=where)

    def sizes(self, coefficients: Any) -> Any:
        """Return, on the host, the size of the coefficients of every frequency."""
        each = super().sizes(coefficients)
        even = np.append(each[2::2], np.zeros(len(each[1::2]) - len(each[2::2])))
        return np.concatenate([each[:1], np.maximum(each[1::2], even)])

    def length(self, count: int) -> int:
        """Return how many coefficients the constant and ``count − 1`` frequencies have."""
        return max(2 * count - 1, 0)

    def product_length(self, n: int, m: int) -> int:
        """Return an odd number: the highest frequencies add, and they need a sine as well."""
        return 2 * (n // 2 + m // 2) + 1


def _complex(x: Any) -> Any:
    xp = namespace(x)
    return xp.astype(x, xp.result_type(x.dtype, xp.complex64), copy=False)
