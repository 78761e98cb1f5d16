"""Gaussian processes on lattices and digital nets."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Self

from structlin._backend import device, namespace
from structlin._errors import ConvergenceWarning
from structlin._validation import inexact, require_array, require_finite
from structlin.solvers._maximum_likelihood import Learning
from structlin.solvers.lattice._gram import Gram, Points, require_fitting
from structlin.solvers.lattice._learning import learned, log_likelihood, log_likelihood_gradient
from structlin.solvers.lattice._product_kernel import ProductKernel
from structlin.solvers.lattice.posterior import LatticePosterior


@dataclass(frozen=True)
class LatticeReport:
    """How a Gaussian process on a lattice or a net was conditioned.

    Attributes
    ----------
    method : {"Fourier", "Walsh"}
        The transform.
    noise : float
        The variance of the noise, as given or learned; nothing else was added to the matrix.
    smallest, largest : float
        The extreme eigenvalues of the covariance matrix without the noise, as computed.
    clipped : int
        How many of them came out at zero or below and were set to zero.
    rounding : float
        About how large the rounding errors of small eigenvalues can be. Directions whose
        eigenvalues and noise are smaller are not resolved.
    learning : Learning or None
        How the hyper-parameters were learned.
    """

    method: str
    noise: float
    smallest: float
    largest: float
    clipped: int
    rounding: float
    learning: Learning | None = None

    @property
    def resolved(self) -> bool:
        """Whether the smallest eigenvalue with noise is above the rounding errors."""
        return max(self.smallest, 0.0) + self.noise > self.rounding

    @property
    def converged(self) -> bool:
        """Whether the learning converged; there is nothing else to iterate."""
        return self.learning is None or self.learning.converged


class LatticeGP:
    """A Gaussian process whose data stand at the points of a lattice or a digital net.

    Parameters
    ----------
    kernel : ShiftInvariant or DigitallyShiftInvariant
        The first for a `Lattice`, the second for a `DigitalNet`.
    noise : float
        The variance of the noise of the values; zero interpolates, as far as double precision
        allows.

    Attributes
    ----------
    kernel, noise
        As given, or as learned.
    report : LatticeReport
        Of the last `fit`.

    Raises
    ------
    ValueError
        If the noise is negative or not finite.

    Notes
    -----
    The covariance matrix is ``F⁻¹ diag(λ) F`` with the Fourier or the Walsh–Hadamard transform
    ``F``, and ``λ`` the transform of its first column: products, solutions, determinant,
    likelihood and its gradient cost ``O(n log n)`` and memory for a few vectors. All of it is
    computed in float64; values of single precision get single precision back. Directions of small
    eigenvalues have relative errors of about ``report.rounding / noise``, which matter for values
    that are nothing but noise.

    References
    ----------
    R. Jagadeeswaran and F. J. Hickernell, "Fast automatic Bayesian cubature using lattice
    sampling", Statistics and Computing 29 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.solvers.lattice import Lattice, ShiftInvariant
    >>> points = Lattice(64, (1, 19), shift=0.0)
    >>> x = points.points()
    >>> gp = LatticeGP(ShiftInvariant(), noise=1e-8).fit(points, np.sin(2 * np.pi * x[:, 0]))
    >>> gp.posterior(np.array([[0.25, 0.9]])).mean.round(3)
    array([1.])
    """

    report: LatticeReport

    def __init__(self, kernel: ProductKernel, noise: float) -> None:
        noise = float(noise)
        if not (math.isfinite(noise) and noise >= 0):
            raise ValueError(f"noise is {noise:g}: pass the variance of the noise, zero or above")
        self.kernel, self.noise = kernel, noise
        self._gram: Gram | None = None

    def fit(
        self,
        points: Points,
        Y: Any,
        *,
        optimize: bool = False,
        starts: int = 1,
        maxiter: int = 100,
        progress: bool | None = None,
        rng: Any = None,
    ) -> Self:
        """Condition on values at the points.

        Parameters
        ----------
        points : Lattice or DigitalNet
            Where the values stand.
        Y : (n,) or (n, outputs) array
            The values, row ``i`` at point ``i`` of ``points.points()``. Outputs are independent
            functions of the same kernel. The array library is that of ``Y``.
        optimize : bool
            Whether to learn the parameters of the kernel, and the noise unless it is zero, from
            the values; by default those given are used.
        starts : int
            How many starts the search has: the parameters given, and others within a factor of
            ten of them.
        maxiter : int
            L-BFGS iterations of a start.
        progress : bool, optional
            Whether to show a bar; by default one appears after a second.
        rng : None, int, numpy.random.Generator, optional
            Draws the starts, see `numpy.random.default_rng`.

        Returns
        -------
        LatticeGP
            This one.

        Raises
        ------
        TypeError
            If kernel and points do not belong together, or values are complex.
        ValueError
            If shapes do not fit, values are NaN or Inf, the matrix overflows, or there is no noise
            and the matrix is singular in double precision; if there is to be learned from zeros.

        Warns
        -----
        ConvergenceWarning
            If the learning stopped early.
        """
        require_fitting(self.kernel, points)
        self.kernel.weights_of(points.dimension)
        Y = _checked("Y", Y, points)
        if 0 in Y.shape:
            raise ValueError(f"Y has shape {tuple(Y.shape)}: pass one column or more")
        if starts < 1 or maxiter < 1:
            raise ValueError(f"starts is {starts} and maxiter is {maxiter}: both are 1 or more")
        # a power of two, so that squares of values neither overflow nor vanish
        xp = namespace(Y)
        largest = float(xp.max(xp.abs(Y)))
        magnitude = 2.0 ** (math.frexp(largest)[1] - 1) if largest else 1.0
        values = _natural(points, Y) / magnitude
        kernel, noise, learning = self.kernel, self.noise, None
        if optimize:
            if not largest:
                raise ValueError(
                    "Y is zero everywhere: the likelihood has no maximum, fit without optimize"
                )
            kernel, noise, learning = learned(
                kernel,
                noise,
                points,
                values,
                magnitude,
                starts=starts,
                maxiter=maxiter,
                progress=progress,
                rng=rng,
            )
            if not learning.converged:
                warnings.warn(
                    f"learning stopped after {learning.iterations} iterations: "
                    f"{learning.message}; raise maxiter or pass another start",
                    ConvergenceWarning,
                    stacklevel=2,
                )
        gram = Gram(kernel, noise, points, values)
        gram.require_regular()
        self.kernel, self.noise = kernel, noise
        self._gram, self._points = gram, points
        self._values, self._magnitude = values, magnitude
        self._dtype, self._vector = Y.dtype, Y.ndim == 1
        self.report = LatticeReport(
            points.spectrum.name,
            noise,
            gram.smallest,
            gram.largest,
            gram.clipped,
            gram.rounding,
            learning,
        )
        self._weights = gram.solution(values)
        return self

    # the matrix

    def product(self, B: Any) -> Any:
        """Return ``(K + noise I) B`` for an (n,) or (n, k) array in the order of the points."""
        return self._applied(B, self._fitted.product)

    def solve(self, B: Any) -> Any:
        """Return ``(K + noise I)⁻¹ B`` for an (n,) or (n, k) array in the order of the points."""
        return self._applied(B, self._fitted.solution)

    @property
    def weights(self) -> Any:
        """``(K + noise I)⁻¹ Y``, in the order of the points and the shape of ``Y``."""
        _ = self._fitted
        return self._returned(self._weights * self._magnitude, self._dtype, self._vector)

    @property
    def log_determinant(self) -> float:
        """The logarithm of the determinant of ``K + noise I``."""
        return self._fitted.log_determinant

    def log_marginal_likelihood(self, *, grad: bool = False) -> Any:
        """Return the log density of the values, with the gradient on request.

        Parameters
        ----------
        grad : bool
            Whether to return the derivatives by ``kernel.theta`` and by the logarithm of the
            noise, as (p + 1,) ndarray, too.

        Returns
        -------
        float, or float and ndarray
            Outputs add up.
        """
        gram = self._fitted
        value = log_likelihood(gram, self._values, self._magnitude)
        if not grad:
            return value
        return value, log_likelihood_gradient(gram, self._values, self._magnitude)

    # predictions

    def posterior(self, X: Any) -> LatticePosterior:
        """Return mean and standard deviation at new points.

        Parameters
        ----------
        X : (m, d) array
            Points of the unit cube, ``[0, 1)^d``.

        Returns
        -------
        LatticePosterior
            The mean costs ``O(n d)`` for every point, the standard deviation ``O(n log n)``.

        Raises
        ------
        ValueError
            If the shape does not fit, or coordinates are not in ``[0, 1)``.
        """
        return LatticePosterior(self, X)

    def integral(self) -> tuple[Any, float]:
        """Return mean and standard deviation of the integral of the function over the unit cube.

        Returns
        -------
        mean : scalar array or (outputs,) array
        standard deviation : float
            The same for all outputs; rounding errors count as uncertainty.
        """
        gram = self._fitted
        mean = self._mean_integral * self._magnitude
        mean = gram.xp.astype(mean, self._dtype, copy=False)
        return (mean[0, ...] if self._vector else mean), math.sqrt(gram.constant_variance)

    @property
    def _mean_integral(self) -> Any:
        gram = self._fitted
        return gram.xp.sum(self._values, axis=0) * (gram.kernel.scale / gram.constant)

    # layout

    @property
    def _fitted(self) -> Gram:
        if self._gram is None:
            raise ValueError("there are no data yet: call fit(points, Y) first")
        return self._gram

    def _returned(self, rows: Any, dtype: Any, vector: bool) -> Any:
        xp = namespace(rows)
        made = xp.astype(self._points.ordered(rows, xp), dtype, copy=False)
        return made[:, 0] if vector else made

    def _applied(self, B: Any, function: Any) -> Any:
        gram = self._fitted
        namespace(B, gram.like)
        device(B, gram.like)
        B = _checked("B", B, self._points)
        return self._returned(function(_natural(self._points, B)), B.dtype, B.ndim == 1)

    def __repr__(self) -> str:
        where = "no data" if self._gram is None else repr(self._points)
        return f"<LatticeGP {self.kernel}, noise {self.noise:g}, {where}>"


def _checked(name: str, B: Any, points: Points) -> Any:
    """Return real columns of a row for every point, as a floating-point array."""
    require_array(name, B)
    B = inexact(B)
    if namespace(B).isdtype(B.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: pass real and imaginary part as two columns")
    if B.ndim not in (1, 2) or B.shape[0] != points.n:
        raise ValueError(
            f"{name} has shape {tuple(B.shape)} but there are {points.n} points: pass a row for "
            "each, in their order"
        )
    require_finite(name, B)
    return B


def _natural(points: Points, B: Any) -> Any:
    """Return rows in natural order, as (n, k) array of float64."""
    xp = namespace(B)
    rows = xp.astype(B[:, None] if B.ndim == 1 else B, xp.float64, copy=False)
    return points.natural(rows, xp)
