"""Functions of the distance that are sums or integrals of Gaussians."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin._validation import inexact

# distances at which a quadrature is tried
_distances = 65
# the largest rule, and the error below which rounding hides which rule is better
_most_nodes, _finest = 2**9, 5e-14


@dataclass(frozen=True)
class RadialKernel(ABC):
    """A function of the distance that is nearly a short sum of Gaussians.

    Raises
    ------
    ValueError
        If a parameter is not positive and finite.
    """

    def __post_init__(self) -> None:
        for parameter in fields(self):
            value, name = getattr(self, parameter.name), type(self).__name__
            may_vanish = parameter.default == 0
            if not (math.isfinite(value) and (value > 0 or (may_vanish and value == 0))):
                wanted = "zero or positive" if may_vanish else "positive"
                raise ValueError(f"{name} has {parameter.name}={value}: it must be {wanted}")

    @abstractmethod
    def quadrature(self, tol: float, radius: float) -> tuple[Any, Any]:
        """Return exponents and weights of a sum of Gaussians, NumPy arrays.

        Parameters
        ----------
        tol : float
            The error at distances up to ``radius``, relative to ``k(0)``.
        radius : float
            The largest distance.

        Returns
        -------
        exponents, weights : (M,) arrays
            ``k(r) ≈ Σ weights[m] exp(−exponents[m] r²)``.
        """

    def __call__(self, r: Any) -> Any:
        """Return the kernel at distances, an array of any shape."""
        xp = namespace(r)
        radius = float(xp.max(r)) if math.prod(r.shape) else 0.0
        total = xp.zeros_like(r)
        for exponent, weight in zip(*self.quadrature(0.0, radius), strict=True):
            total = total + float(weight) * xp.exp(-float(exponent) * r**2)
        return total


@dataclass(frozen=True)
class GaussianKernel(RadialKernel):
    """The kernel ``exp(−r²/width²)``.

    Parameters
    ----------
    width : float
        The distance at which it has come down to ``1/e``.
    """

    width: float

    def quadrature(self, tol: float, radius: float) -> tuple[Any, Any]:
        """Return the one exponent and its weight, 1."""
        return np.asarray([self.width**-2.0]), np.ones(1)


@dataclass(frozen=True)
class GaussianIntegral(RadialKernel):
    """A kernel ``k(r) = ∫ ρ(t) exp(−r² t²) dt`` over ``t > 0``.

    Subclasses give the density ``ρ``, and the interval where it matters.

    Notes
    -----
    `quadrature` is the Gauss–Legendre rule with the fewest nodes that agrees with a larger one, in
    ``t`` if the interval begins at 0 and in ``log t`` if not. With ``ρ ≥ 0`` these are the kernels
    that are positive definite in every dimension [1]_.

    References
    ----------
    .. [1] I. J. Schoenberg, "Metric spaces and completely monotone functions", Annals of
       Mathematics 39 (1938), 811–841.
    """

    @abstractmethod
    def density(self, t: Any) -> Any:
        """Return ``ρ`` at points of the interval, a NumPy array."""

    @abstractmethod
    def interval(self, tol: float) -> tuple[float, float]:
        """Return an interval of ``t`` outside of which there is about ``tol k(0)`` at most."""

    def quadrature(self, tol: float, radius: float) -> tuple[Any, Any]:
        """Return exponents and weights of a sum of Gaussians, NumPy arrays; see `RadialKernel`."""
        tol = max(tol, _finest)
        interval, r = self.interval(tol), np.linspace(0, radius, _distances)

        def sums(nodes: int) -> Any:
            exponents, weights = self._rule(nodes, *interval)
            return weights @ np.exp(-exponents[:, None] * r**2)

        nodes, found, better = 16, sums(16), sums(32)
        while np.max(np.abs(found - better)) > tol * abs(better[0]) and nodes < _most_nodes:
            nodes, found, better = 2 * nodes, better, sums(4 * nodes)
        low, high = 0, nodes
        while high - low > 1:
            middle = (low + high) // 2
            good = np.max(np.abs(sums(middle) - better)) <= tol * abs(better[0])
            low, high = (low, middle) if good else (middle, high)
        return self._rule(high, *interval)

    def _rule(self, nodes: int, low: float, high: float) -> tuple[Any, Any]:
        x, w = _legendre(nodes)
        if low == 0:
            t = high * (1 + x) / 2
            return t**2, high / 2 * w * self.density(t)
        half = math.log(high / low) / 2
        t = low * np.exp(half * (1 + x))
        return t**2, half * w * t * self.density(t)


@dataclass(frozen=True)
class InverseMultiquadric(GaussianIntegral):
    """The kernel ``(r² + width²)^(−order/2)``: the inverse multiquadric, of order 2 Cauchy's.

    Parameters
    ----------
    width : float
        The radius in which it is flat.
    order : int
        The power of ``1/r`` that it is far away.

    Notes
    -----
    ``(r² + c²)^(−p/2) = 2/Γ(p/2) ∫₀^∞ t^(p − 1) exp(−(r² + c²) t²) dt``.
    """

    width: float
    order: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.order, int):
            raise TypeError(f"InverseMultiquadric has order={self.order!r}: it must be an integer")

    def density(self, t: Any) -> Any:
        """Return ``ρ``."""
        unit = 2 / math.gamma(self.order / 2)
        return unit * t ** (self.order - 1) * np.exp(-((self.width * t) ** 2))

    def interval(self, tol: float) -> tuple[float, float]:
        """Return where the density matters: it is cut off far out."""
        # Γ(a, x)/Γ(a) is about x^(a − 1) exp(−x)/Γ(a)
        x = 1 - math.log(tol)
        x += max(self.order / 2 - 1, 0) * math.log(x + self.order)
        return 0.0, math.sqrt(x) / self.width

    def __call__(self, r: Any) -> Any:
        """Return the kernel at distances, an array of any shape."""
        return (r**2 + self.width**2) ** (-self.order / 2)


@dataclass(frozen=True)
class LongRangeCoulomb(GaussianIntegral):
    """The smooth part ``erf(r/σ)/r`` of ``1/r``, or that of the screened ``exp(−κ r)/r``.

    Parameters
    ----------
    sigma : float
        The distance ``σ`` up to which the potential is smoothed.
    screening : float
        The decay ``κ``.

    Notes
    -----
    ``exp(−κ r)/r = 2/√π ∫₀^∞ exp(−r² t² − κ²/(4 t²)) dt``, of which the smooth part has
    ``t < 1/σ``: the electrostatic potential of a Gaussian charge, as in Ewald's summation.

    Examples
    --------
    >>> exponents, weights = LongRangeCoulomb(0.2).quadrature(1e-8, radius=3.5)
    >>> len(weights), round(float(weights.sum() * 0.2 * math.sqrt(math.pi) / 2), 8)
    (23, 1.0)
    """

    sigma: float
    screening: float = 0.0

    def density(self, t: Any) -> Any:
        """Return ``ρ``."""
        return 2 / math.sqrt(math.pi) * np.exp(-((self.screening / (2 * t)) ** 2))

    def interval(self, tol: float) -> tuple[float, float]:
        """Return where the density matters: up to ``1/σ``."""
        return _begin(self.sigma, self.screening, tol), 1 / self.sigma

    def __call__(self, r: Any) -> Any:
        """Return the kernel at distances, an array of any shape."""
        xp, r = namespace(r), inexact(r)
        if self.screening or not (is_numpy(xp) or is_cupy(xp)):
            return super().__call__(r)
        x = xp.clip(r / self.sigma, xp.finfo(r.dtype).smallest_normal, None)
        return scipy_of(xp, "special").erf(x) / x / self.sigma

    def remainder(self, r: Any) -> Any:
        """Return the singular part of the potential at distances ``r > 0``."""
        xp = namespace(r)
        if not (is_numpy(xp) or is_cupy(xp)):
            return xp.exp(-self.screening * r) / r - self(r)
        inner, outer = _tails(r, self.sigma, self.screening)
        return (inner + outer) / (2 * r)


@dataclass(frozen=True)
class LongRangeSlater(GaussianIntegral):
    """The smooth part of ``exp(−decay r)``.

    Parameters
    ----------
    sigma : float
        The distance ``σ`` up to which the cusp at zero is smoothed.
    decay : float
        The decay ``κ``.

    Notes
    -----
    ``exp(−κ r) = κ/√π ∫₀^∞ t⁻² exp(−r² t² − κ²/(4 t²)) dt``, of which the smooth part has
    ``t < 1/σ``.
    """

    sigma: float
    decay: float

    def density(self, t: Any) -> Any:
        """Return ``ρ``."""
        return self.decay / math.sqrt(math.pi) / t**2 * np.exp(-((self.decay / (2 * t)) ** 2))

    def interval(self, tol: float) -> tuple[float, float]:
        """Return where the density matters: up to ``1/σ``."""
        return _begin(self.sigma, self.decay, tol), 1 / self.sigma

    def remainder(self, r: Any) -> Any:
        """Return what is missing from ``exp(−decay r)`` at distances ``r ≥ 0``."""
        xp = namespace(r)
        if not (is_numpy(xp) or is_cupy(xp)):
            return xp.exp(-self.decay * r) - self(r)
        inner, outer = _tails(r, self.sigma, self.decay)
        return (inner - outer) / 2


def _begin(sigma: float, decay: float, tol: float) -> float:
    """Return where ``exp(−κ²/(4 t²))`` is ``tol²`` times what it is at ``t = 1/σ``."""
    return decay / 2 / math.sqrt((decay * sigma / 2) ** 2 - 2 * math.log(tol))


def _tails(r: Any, sigma: float, decay: float) -> tuple[Any, Any]:
    """Return ``exp(−κ r) erfc(r/σ − κ σ/2)`` and ``exp(κ r) erfc(r/σ + κ σ/2)``."""
    xp = namespace(r)
    special = scipy_of(xp, "special")
    a, b = r / sigma, decay * sigma / 2
    inner = xp.exp(-decay * r) * special.erfc(a - b)
    return inner, xp.exp(-(a**2) - b**2) * special.erfcx(a + b)


@functools.cache
def _legendre(nodes: int) -> tuple[Any, Any]:
    return np.polynomial.legendre.leggauss(nodes)
