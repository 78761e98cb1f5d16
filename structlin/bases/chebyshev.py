"""Chebyshev polynomials on an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact
from structlin.bases._basis import Basis, along, padded, place
from structlin.bases.cosine import dct


@dataclass(frozen=True)
class Chebyshev(Basis):
    """Chebyshev polynomials ``T₀, T₁, …`` of an interval that is mapped to ``[−1, 1]``.

    Parameters
    ----------
    low, high : float
        The ends of the interval, ``low < high``.

    Raises
    ------
    ValueError
        If the interval is empty, reversed or not finite.

    Notes
    -----
    Points are those of the second kind, ``−cos(π j/(n − 1))``, the ends among them: every other
    point of ``2n − 1`` is one of ``n``. Values and coefficients are converted by cosine transforms
    of the first kind, in ``O(n log n)``.

    References
    ----------
    .. [1] L. N. Trefethen, "Approximation Theory and Approximation Practice", SIAM, 2013.

    Examples
    --------
    >>> basis = Chebyshev(0, 2)
    >>> x = basis.points(3)
    >>> x, basis.coefficients(x**2)
    (array([0., 1., 2.]), array([1.5, 2. , 0.5]))
    """

    def points(self, n: int, like: Any = None) -> Any:
        """Return the ``n`` ascending points of the second kind; the midpoint for one."""
        xp, where = place(like)
        j = np.arange(n)
        t = np.sin(math.pi * (2 * j - (n - 1)) / (2 * (n - 1))) if n > 1 else np.zeros(n)
        return xp.asarray(self.low * ((1 - t) / 2) + self.high * ((1 + t) / 2), device=where)

    def refined(self, n: int) -> int:
        """Return ``2n − 1``."""
        return 2 * n - 1

    def coefficients(self, values: Any) -> Any:
        """Return the ``n`` coefficients of the polynomial with these values at ``points(n)``."""
        xp, values = namespace(values), inexact(values)
        n = values.shape[0]
        if n < 2:
            return xp.asarray(values, copy=True)
        w, unit = _ends(n, values), math.sqrt(2 / (n - 1))
        return dct(xp.flip(values, axis=0) * w, type=1, axes=0) * (w * unit)

    def values(self, coefficients: Any, n: int | None = None) -> Any:
        """Return the values at ``points(n)``; by default at as many as there are coefficients."""
        xp, C = namespace(coefficients), inexact(coefficients)
        n = C.shape[0] if n is None else n
        if n < C.shape[0]:
            return xp.tensordot(
                xp.astype(self.vander(self.points(n, C), C.shape[0]), C.dtype), C, axes=1
            )
        C = padded(C, n)
        if n < 2:
            return xp.asarray(C, copy=True)
        w, unit = _ends(n, C), math.sqrt(2 / (n - 1))
        return xp.flip(dct(C / (w * unit), type=1, axes=0) / w, axis=0)

    def located(self, x: Any) -> Any:
        """Return the places in ``[−1, 1]`` to which points of the interval are mapped."""
        # exact at both ends
        return ((x - self.low) - (self.high - x)) / self.width

    def vander(self, x: Any, n: int) -> Any:
        """Return the first ``n`` polynomials at points, along a new last axis."""
        xp, t = namespace(x), self.located(inexact(x))
        T = xp.ones((n, *t.shape), dtype=t.dtype, device=device(t))
        for k in range(1, n):
            T[k, ...] = t if k == 1 else 2 * t * T[k - 1, ...] - T[k - 2, ...]
        return xp.moveaxis(T, 0, -1)

    def derivative(self, coefficients: Any) -> Any:
        """Return the coefficients of the derivative, one less if there are two or more."""
        # c'ₖ = 2 Σ p cₚ over p > k with p − k odd, and half of that for k = 0
        xp, C = namespace(coefficients), inexact(coefficients)
        n = C.shape[0]
        if n < 2:
            return xp.zeros_like(C)
        k = xp.arange(n, dtype=xp.float64, device=device(C))
        terms = C * along(4 * k / self.width, C)
        sums = xp.zeros_like(terms)
        for start in (0, 1):
            part = terms[start::2, ...]
            sums[start::2, ...] = xp.flip(xp.cumulative_sum(xp.flip(part, axis=0), axis=0), axis=0)
        out = sums[1:, ...]
        out[0, ...] = out[0, ...] / 2
        return out

    def antiderivative(self, coefficients: Any) -> tuple[Basis, Any]:
        """Return this basis, and the antiderivative that is zero at ``low``."""
        # (cₖ₋₁ − cₖ₊₁) / (2k), with c₀ taken twice
        xp, C = namespace(coefficients), padded(inexact(coefficients), 1)
        n = C.shape[0]
        C = padded(C, n + 2)
        k = xp.arange(1, n + 1, dtype=xp.float64, device=device(C))
        before = xp.concat([2 * C[:1, ...], C[1:n, ...]])
        tail = (before - C[2 : n + 2, ...]) * along(self.width / (4 * k), C)
        signs = along(2 * (k % 2) - 1, C)
        first = xp.sum(tail * signs, axis=0, keepdims=True)
        return self, xp.concat([first, tail])

    def restricted(self, coefficients: Any, low: float, high: float) -> tuple[Basis, Any]:
        """Return the polynomial on a part of the interval: its basis and as many coefficients."""
        xp, C, part = namespace(coefficients), inexact(coefficients), Chebyshev(low, high)
        n = C.shape[0]
        V = xp.astype(self.vander(part.points(n, C), n), C.dtype)
        return part, part.coefficients(xp.tensordot(V, C, axes=1))

    def integrals(self, n: int, like: Any = None) -> Any:
        """Return ``(high − low)/(1 − k²)`` for even ``k`` and zero for odd ones, in float64."""
        xp, where = place(like)
        k = np.arange(n)
        even = k % 2 == 0
        return xp.asarray(np.where(even, self.width / (1.0 - k * k * even), 0.0), device=where)

    def weights(self, n: int, like: Any = None) -> Any:
        """Return the weights of Clenshaw-Curtis quadrature, in float64.

        They are ``Aᵀ I`` with the matrix ``A`` from values to coefficients and the integrals ``I``
        of the polynomials.
        """
        xp, where = place(like)
        integrals = self.integrals(n)
        if n < 2:
            return xp.asarray(integrals, device=where)
        w, unit = _ends(n, integrals), math.sqrt(2 / (n - 1))
        return xp.asarray(np.flip(w * dct(integrals * (w * unit), type=1)).copy(), device=where)

    def gram(self, n: int, like: Any = None) -> Any:
        """Return the (n, n) integrals of the products of two polynomials, in float64."""
        xp, where = place(like)
        j, k = np.arange(n)[:, None], np.arange(n)
        even = (j + k) % 2 == 0
        total, gap = (j + k) * even, (j - k) * even
        both = 1 / (1.0 - total**2) + 1 / (1.0 - gap**2)
        return xp.asarray(np.where(even, self.width / 2 * both, 0.0), device=where)

    def length(self, count: int) -> int:
        """Return ``count``: every degree has one coefficient."""
        return count

    def product_length(self, n: int, m: int) -> int:
        """Return ``n + m − 1``, and one if there is no coefficient at all."""
        return max(n + m - 1, 1)


def _ends(n: int, like: Any) -> Any:
    """Return ones, but ``1/√2`` at both ends, to multiply the first axis of an array."""
    xp = namespace(like)
    w = np.ones(n)
    w[[0, -1]] = math.sqrt(0.5)
    return along(xp.asarray(w, device=device(like)), like)
