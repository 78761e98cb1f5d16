"""How the eigenvalues of a Hermitian matrix are spread, without any of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin.matrices._base import size_text
from structlin.matrices.systems import square
from structlin.sketching._estimate import standard_error
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._random_lanczos import RandomLanczos
from structlin.sketching._result import Report


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SpectralDensity(Report):
    """The spectral density of a matrix: ``φ = Σ δ(x − λ_j) / n``, smoothed.

    Attributes
    ----------
    nodes, weights : (probes, steps) arrays
        Gauss quadratures of ``φ``, one for each probe, in double precision; the weights of each
        sum to one.
    width : float
        Standard deviation of the Gaussians, for ``kernel="gaussian"``.
    degree : int
        Of the polynomial, for ``kernel="jackson"``.
    kernel : str
        Which smoothing `density` and `cumulative` use.
    lower, upper : float
        An interval that holds the spectrum, as far as the nodes tell.
    matvecs : int
        Products with single vectors.
    error_estimate : float
        The largest standard error of `cumulative` at the nodes of the first probe.
    """

    nodes: Any
    weights: Any
    width: float
    degree: int
    kernel: str
    lower: float
    upper: float
    matvecs: int = 0

    def density(self, x: Any) -> Any:
        """Return the density at points (k,): its integral over all of them is one.

        It is zero outside of the interval from ``lower`` to ``upper``, and at its ends.
        """
        return _mean(self._densities(x))

    def density_error(self, x: Any) -> Any:
        """Return the standard error of `density`, over the probes, at points (k,)."""
        return standard_error(self._densities(x))

    def cumulative(self, x: Any) -> Any:
        """Return the share of the eigenvalues up to points (k,).

        For Gaussians it is the share of the weights up to there, without smoothing.
        """
        xp = namespace(self.nodes)
        return xp.clip(_mean(self._cumulatives(x)), 0.0, 1.0)  # but for rounding, it is within

    def cumulative_error(self, x: Any) -> Any:
        """Return the standard error of `cumulative`, over the probes, at points (k,)."""
        return standard_error(self._cumulatives(x))

    def moments(self, count: int) -> Any:
        """Return the means of ``λ⁰, λ¹, …`` over the spectrum, as (count,) array."""
        xp = namespace(self.nodes)
        powers = [xp.mean(xp.sum(self.weights * self.nodes**j, axis=1)) for j in range(count)]
        return xp.stack(powers) if powers else self.nodes[0, :0]

    def __repr__(self) -> str:
        return f"<SpectralDensity on [{self.lower:.6g}, {self.upper:.6g}]: {self.method}>"

    # both kernels: one row for each probe

    def _densities(self, x: Any) -> Any:
        xp, x = self._points(x)
        if self.kernel == "gaussian":
            scale = 1 / (self.width * math.sqrt(2 * math.pi))
            rows = []
            for nodes, weights in self._probes():
                z = (x[:, None] - nodes) / self.width
                rows.append(xp.exp(-(z**2) / 2) @ weights * scale)
            return xp.stack(rows)
        t, inside = self._on_unit_interval(x, xp)
        angle, j = xp.acos(t)[:, None], self._orders(xp)
        series = xp.cos(j * angle) @ xp.matrix_transpose(self._coefficients(xp))
        half = (self.upper - self.lower) / 2
        root = xp.where(inside, xp.sqrt((1 - t) * (1 + t)), 1.0)
        scaled = series / (math.pi * half * root)[:, None]
        return xp.matrix_transpose(xp.where(inside[:, None], scaled, 0.0))

    def _cumulatives(self, x: Any) -> Any:
        xp, x = self._points(x)
        if self.kernel == "gaussian":
            rows = [
                xp.astype(nodes <= x[:, None], weights.dtype) @ weights
                for nodes, weights in self._probes()
            ]
            return xp.stack(rows)
        t, _ = self._on_unit_interval(x, xp)
        angle, j = xp.acos(t)[:, None], self._orders(xp)
        # −∫ cos(j a) da from the left end, where a = π
        waves = xp.where(j > 0, -xp.sin(j * angle) / xp.where(j > 0, j, 1.0), math.pi - angle)
        return self._coefficients(xp) @ xp.matrix_transpose(waves) / math.pi

    def _points(self, x: Any) -> tuple[ModuleType, Any]:
        xp = namespace(self.nodes, x)
        x = xp.astype(xp.asarray(x), xp.float64)
        if x.ndim != 1:
            raise ValueError(f"x has shape {size_text(x.shape) or '()'}: points (k,) are needed")
        return xp, x

    def _probes(self) -> Iterator[tuple[Any, Any]]:
        for i in range(self.nodes.shape[0]):
            yield self.nodes[i, :], self.weights[i, :]

    def _orders(self, xp: ModuleType) -> Any:
        return xp.arange(self.degree + 1, dtype=xp.float64, device=device(self.nodes))

    def _on_unit_interval(self, x: Any, xp: ModuleType) -> tuple[Any, Any]:
        t = (x - (self.upper + self.lower) / 2) * (2 / (self.upper - self.lower))
        # the series has poles at ±1, where rounding decides on which side an end of the interval is
        return xp.clip(t, -1.0, 1.0), xp.abs(t) < 1 - 1e-9

    def _coefficients(self, xp: ModuleType) -> Any:
        """Return Chebyshev coefficients damped by Jackson's kernel, (probes, degree + 1)."""
        t, _ = self._on_unit_interval(xp.reshape(self.nodes, (-1,)), xp)
        angle = xp.acos(xp.reshape(t, self.nodes.shape))
        j, step = self._orders(xp), math.pi / (self.degree + 2)
        moments = xp.stack(
            [xp.sum(self.weights * xp.cos(i * angle), axis=1) for i in range(self.degree + 1)],
            axis=1,
        )
        damping = (self.degree + 2 - j) * xp.cos(j * step)
        damping = (damping + xp.sin(j * step) / math.tan(step)) / (self.degree + 2)
        return moments * damping * (2 - xp.astype(j == 0, xp.float64))


def _mean(rows: Any) -> Any:
    return namespace(rows).mean(rows, axis=0)


def spectral_density(
    A: Any,
    *,
    kernel: str = "jackson",
    width: float | None = None,
    degree: int | None = None,
    probes: int = 20,
    steps: int = 60,
    rng: Any = None,
) -> SpectralDensity:
    """Estimate the spectral density of a Hermitian matrix.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix. Hermitian: that is checked, of operators without known entries by products.
    kernel : {"jackson", "gaussian"}
        A Chebyshev series damped by Jackson's kernel (the kernel polynomial method), or Gaussians
        at the nodes of the quadratures, of which single eigenvalues stand out.
    width : float, optional
        Standard deviation of the Gaussians: by default the length of the spectrum over ``steps``.
    degree : int, optional
        Of the series, ``2 steps − 1`` at most, which is the default: so far the quadratures give
        its moments exactly.
    probes, steps : int
        Random vectors, and Lanczos steps of each.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the probes.

    Returns
    -------
    SpectralDensity
        Its methods `density`, `cumulative`, their standard errors, and `moments`.

    Raises
    ------
    ValueError
        If ``A`` is empty, not square, not Hermitian or not finite, or options make no sense.

    Notes
    -----
    The quadratures are those of `trace_of_function`, at ``probes × steps`` products. The mean over
    the probes has a standard error of ``O(1/√(n probes))``. Jackson's kernel smooths over about
    ``π/degree`` of half the length of the interval.

    References
    ----------
    L. Lin, Y. Saad and C. Yang, "Approximating spectral densities of large matrices", SIAM Review
    58 (2016).

    A. Weiße, G. Wellein, A. Alvermann and H. Fehske, "The kernel polynomial method", Reviews of
    Modern Physics 78 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag(np.linspace(0.0, 1.0, 500))
    >>> result = spectral_density(A, rng=0)
    >>> [round(float(share), 2) for share in result.cumulative(np.array([-0.1, 0.5, 1.1]))]
    [0.0, 0.5, 1.0]
    """
    A = square(as_matrix(A), "spectral_density")
    n = A.shape[0]
    if kernel not in ("gaussian", "jackson"):
        raise ValueError(f"kernel is {kernel!r}: choose 'jackson' or 'gaussian'")
    if n == 0:
        raise ValueError("A is 0x0: an empty matrix has no spectrum")
    if operator.index(probes) < 2 or operator.index(steps) < 1:
        raise ValueError(
            f"probes is {probes} and steps is {steps}: a standard error takes two probes, and "
            "each of them a step"
        )
    steps = min(steps, n)
    degree = 2 * steps - 1 if degree is None else operator.index(degree)
    if not 1 <= degree <= 2 * steps - 1:
        raise ValueError(f"degree is {degree}: {steps} steps tell moments up to {2 * steps - 1}")
    if width is not None and not width > 0:
        raise ValueError(f"width is {width}: it has to be positive")
    seed, xp = seed_of(rng), A.xp
    iteration = RandomLanczos(A, probes, seed)
    iteration.advance(steps)
    nodes, weights = iteration.quadrature()
    lower, upper = float(xp.min(nodes)), float(xp.max(nodes))
    # the ends are not quite reached; of a multiple of the identity they are one
    size = max(abs(lower), abs(upper)) or 1.0
    margin = max(0.01 * (upper - lower), 1e-6 * size)
    result = SpectralDensity(
        nodes=nodes,
        weights=weights,
        width=max(upper - lower, 1e-6 * size) / steps if width is None else float(width),
        degree=degree,
        kernel=kernel,
        lower=lower - margin,
        upper=upper + margin,
        method=f"{kernel} kernel, {probes} probes, {steps} Lanczos steps",
        passes=steps,
        iterations=steps,
        seed=seed,
        matvecs=probes * steps,
    )
    error = float(xp.max(result.cumulative_error(nodes[0, :])))
    return replace(result, error_estimate=error)
