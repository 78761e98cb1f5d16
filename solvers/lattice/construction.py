"""Generating vectors of lattices, component by component."""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.solvers.lattice.shift_invariant import ShiftInvariant

most_points = 2**24
"""Here a component takes some ten seconds, and the search a gigabyte of memory."""


def construct_lattice(
    n: int,
    d: int,
    *,
    alpha: int = 1,
    weights: float | Sequence[float] | None = None,
    smallest: int | None = None,
) -> tuple[int, ...]:
    """Return a generating vector that is good for functions of a `ShiftInvariant` kernel.

    Parameters
    ----------
    n : int
        Points of the lattice: a power of two, at most 2²⁴.
    d : int
        Coordinates.
    alpha : {1, 2, 3, 4}
        The smoothness, see `ShiftInvariant`.
    weights : float or sequence of d float, optional
        The weights of that kernel; by default ``1 / j²`` for coordinate ``j = 1, …, d``.
    smallest : int, optional
        The vector then serves the lattices of all powers of two from here to ``n``, which contain
        each other. By default it serves ``n`` alone.

    Returns
    -------
    tuple of d int
        The vector, odd numbers below ``n / 2``; the first is 1.

    Raises
    ------
    ValueError
        If ``n`` or ``smallest`` is no power of two or out of range, or there is no coordinate.

    Notes
    -----
    Every component minimises the worst-case error, ``E²(z) = Σ_i k(x_i, x_0) / n − 1``, given
    those before. Odd numbers modulo ``2^m`` are ``± 5^b``: for points of equal denominator
    the sum is a cyclic correlation, by FFT, at ``O(n log n)`` for every coordinate. With
    ``smallest``, the largest of the errors over all sizes is minimised, each in proportion to the
    smallest one that the component could give at that size; the sums of smaller lattices are parts
    of those of the largest. All of it is done on the host.

    References
    ----------
    D. Nuyens and R. Cools, "Fast algorithms for component-by-component construction of rank-1
    lattice rules in shift-invariant reproducing kernel Hilbert spaces", Math. Comp. 75 (2006).

    R. Cools, F. Y. Kuo and D. Nuyens, "Constructing embedded lattice rules for multivariate
    integration", SIAM J. Sci. Comput. 28 (2006).

    Examples
    --------
    >>> construct_lattice(64, 3)
    (1, 19, 29)
    """
    n, d = operator.index(n), operator.index(d)
    smallest = n if smallest is None else operator.index(smallest)
    for name, size in (("n", n), ("smallest", smallest)):
        if not 1 <= size <= most_points or size & (size - 1):
            raise ValueError(f"{name} is {size}: pass a power of two, at most {most_points}")
    if smallest > n:
        raise ValueError(f"smallest is {smallest}, but n is {n}")
    if d < 1:
        raise ValueError(f"d is {d}: a lattice has a coordinate or more")
    chosen = [1 / (j + 1) ** 2 for j in range(d)] if weights is None else weights
    kernel = ShiftInvariant(alpha, chosen)
    omega = kernel._omega(np.arange(n) / n)
    search = _Search(omega, smallest.bit_length() - 1)
    vector: list[int] = []
    index = np.arange(n)
    product = np.ones(n)
    for weight in kernel.weights_of(d):
        z = search.best(product, weight) if vector else 1
        vector.append(z)
        product *= 1 + weight * omega[index * z & (n - 1)]
    return tuple(vector)


class _Search:
    """The sums over lattices of 2^m points, for all components ``5^b`` at once."""

    def __init__(self, omega: Any, smallest: int) -> None:
        n = len(omega)
        self.omega, self.levels, self.smallest = omega, n.bit_length() - 1, smallest
        self.fft = importlib.import_module("scipy.fft")
        # powers of 5 modulo n: every odd number is one of them or its negative
        self.powers = np.ones(max(n // 4, 1), dtype=np.int64)
        done = 1
        while done < len(self.powers):
            self.powers[done : 2 * done] = self.powers[:done] * pow(5, done, n) % n
            done *= 2

    def best(self, product: Any, weight: float) -> int:
        """Return the component whose errors are smallest, given the product of those before."""
        # points of denominators 1 and 2, and both of denominator 4, are the same for all components
        sums = np.zeros(1)
        total, worst = 0.0, np.zeros(1)
        eps = np.finfo(np.float64).eps
        n = len(product)
        for level in range(self.levels + 1):
            part, known = self._level(product, level)
            sums = np.tile(sums, len(part) // len(sums)) + part
            total += known
            if level < self.smallest:
                continue
            errors = (total + weight * sums) * 2.0**-level - 1
            least = max(float(np.min(errors)), eps * total * 2.0**-level)
            worst = np.maximum(np.tile(worst, len(errors) // len(worst)), errors / least)
        z = int(self.powers[int(np.argmin(worst))] % n)
        return min(z, n - z)

    def _level(self, product: Any, level: int) -> tuple[Any, float]:
        """Return the part of points with denominator ``2^level``, and their products' sum."""
        n = len(product)
        stride = n >> level
        if level < 3:
            places = np.arange(stride, n, 2 * stride) if level else np.zeros(1, dtype=np.int64)
            return np.full(1, product[places] @ self.omega[places]), float(np.sum(product[places]))
        places = self.powers[: 1 << (level - 2)] % (1 << level) * stride
        p = product[places]
        spectrum = self.fft.rfft(p).conj() * self.fft.rfft(self.omega[places])
        return 2 * self.fft.irfft(spectrum, n=len(p)), 2 * math.fsum(p)
