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
        xp, where = place(like)
        j = np.arange(n)
        return xp.asarray(self.low + self.width * (j / max(n, 1)), device=where)

    def refined(self, n: int) -> int:
        return 2 * n

    def coefficients(self, values: Any) -> Any:
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
        xp, C = namespace(coefficients), inexact(coefficients)
        n = C.shape[0] if n is None else n
        if n < C.shape[0]:
            return xp.tensordot(
                xp.astype(self.vander(self.points(n, C), C.shape[0]), C.dtype), C, axes=1
            )
        if C.shape[0] < 2:
            return xp.zeros((n, *C.shape[1:]), dtype=C.dtype, device=device(C)) + C[:1, ...]
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
        xp, angles = namespace(x), self.located(inexact(x))
        out = xp.ones((*angles.shape, n), dtype=angles.dtype, device=device(angles))
        for k in range(1, n):
            wave = xp.cos if k % 2 else xp.sin
            out[..., k] = wave((k + 1) // 2 * angles)
        return out

    def derivative(self, coefficients: Any) -> Any:
        xp, n = namespace(coefficients), coefficients.shape[0]
        if n < 2:
            return xp.zeros_like(coefficients)
        C = padded(coefficients, n + 1 - n % 2)
        k = xp.arange(1, C.shape[0] // 2 + 1, dtype=xp.float64, device=device(C))
        speed = along(2 * math.pi / self.width * k, C)
        out = xp.zeros_like(C)
        out[1::2, ...] = C[2::2, ...] * speed
        out[2::2, ...] = -C[1::2, ...] * speed
        return out

    def antiderivative(self, coefficients: Any) -> tuple[Basis, Any]:
        basis, C = self.as_chebyshev(coefficients)
        return basis.antiderivative(C)

    def as_chebyshev(self, coefficients: Any) -> tuple[Chebyshev, Any]:
        """Return the same function as a Chebyshev series, to the accuracy of the data type."""
        return self.restricted(coefficients, self.low, self.high)

    def restricted(self, coefficients: Any, low: float, high: float) -> tuple[Chebyshev, Any]:
        xp, part = namespace(coefficients), Chebyshev(low, high)
        tol = 4 * float(xp.finfo(coefficients.dtype).eps)
        n, waves = 17, coefficients.shape[0]
        while True:
            V = xp.astype(self.vander(part.points(n, coefficients), waves), coefficients.dtype)
            C = part.coefficients(xp.tensordot(V, coefficients, axes=1))
            kept = chop(part.sizes(C), tol)
            if kept < n or n > 16 * (waves + 17):  # far beyond what the highest frequency needs
                return part, C[:kept, ...]
            n = part.refined(n)

    def integrals(self, n: int, like: Any = None) -> Any:
        xp, where = place(like)
        return xp.asarray(np.where(np.arange(n) == 0, self.width, 0.0), device=where)

    def gram(self, n: int, like: Any = None) -> Any:
        xp, where = place(like)
        weights = np.full(n, self.width / 2)
        weights[:1] = self.width
        return xp.asarray(np.diag(weights), device=where)

    def sizes(self, coefficients: Any) -> Any:
        each = super().sizes(coefficients)
        even = np.append(each[2::2], np.zeros(len(each[1::2]) - len(each[2::2])))
        return np.concatenate([each[:1], np.maximum(each[1::2], even)])

    def length(self, count: int) -> int:
        return max(2 * count - 1, 0)

    def _product_length(self, n: int, m: int) -> int:
        # the highest frequencies add, and all of them need a sine as well
        return 2 * (n // 2 + m // 2) + 1


def _complex(x: Any) -> Any:
    xp = namespace(x)
    return xp.astype(x, xp.result_type(x.dtype, xp.complex64), copy=False)
