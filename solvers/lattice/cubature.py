"""Integrals over the unit cube with credible intervals."""

from __future__ import annotations

import functools
import importlib
import math
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from structlin._backend import namespace, on_host
from structlin._errors import ConvergenceWarning
from structlin._validation import first_nonfinite, require_array
from structlin.solvers.lattice._gram import Gram
from structlin.solvers.lattice.construction import construct_lattice
from structlin.solvers.lattice.digital_net import DigitalNet
from structlin.solvers.lattice.digitally_shift_invariant import DigitallyShiftInvariant
from structlin.solvers.lattice.lattice import Lattice
from structlin.solvers.lattice.shift_invariant import ShiftInvariant

# Order and weight are learned anew at every size up to this one, then kept: they hardly change.
_learning = 2**14
# between which logarithms the weight is searched
_span = math.log(1e-4), math.log(1e3)
# lattices of this many points or more are good ones
_smallest = 2**6


@dataclass(frozen=True)
class Integral:
    """An integral over the unit cube, and how it came about.

    Attributes
    ----------
    value : float or (outputs,) ndarray
        The posterior mean of the integral: the mean of the values.
    width : float or (outputs,) ndarray
        Half the width of the credible interval: the integral lies between ``value − width`` and
        ``value + width`` with probability ``level``, if the integrand is a typical function of
        the Gaussian process.
    converged : bool
        Whether ``width`` came below the tolerance.
    evaluations : int
        Values of the integrand that were used: ``n`` of the last lattice or net.
    iterations : int
        Sizes that were tried.
    level : float
        The probability.
    kernel : ShiftInvariant or DigitallyShiftInvariant
        The one that the values prefer, of scale one.
    clipped : int
        Eigenvalues of the covariance matrix that rounding errors put at zero or below; directions
        below the rounding error count with that error.
    points : Lattice or DigitalNet
        The points.
    """

    value: Any
    width: Any
    converged: bool
    evaluations: int
    iterations: int
    level: float
    kernel: ShiftInvariant | DigitallyShiftInvariant
    clipped: int
    points: Lattice | DigitalNet


def integrate(
    f: Callable[[Any], Any],
    d: int,
    tol: float = 0.0,
    *,
    rtol: float = 0.0,
    points: Literal["lattice", "net"] = "lattice",
    periodic: bool = False,
    alpha: int | None = None,
    level: float = 0.99,
    smallest: int = 2**8,
    largest: int = 2**20,
    like: Any = None,
    rng: Any = None,
) -> Integral:
    """Return the integral of a function over the unit cube, to a tolerance.

    Parameters
    ----------
    f : callable
        ``f(X)`` returns the (n,) or (n, outputs) values at the (n, d) points ``X``. It is called
        once for every size, with the new points alone.
    d : int
        Coordinates.
    tol, rtol : float
        The half width asked for: the larger of ``tol`` and ``rtol |value|``.
    points : {"lattice", "net"}
        Shifted lattices and `ShiftInvariant`, for smooth integrands, or digitally shifted Sobol
        points and `DigitallyShiftInvariant`, also for integrands with kinks or jumps.
    periodic : bool
        Whether the integrand is periodic, which matters to lattices. If not, they come with the
        substitution ``x = t − sin(2π t) / 2π``, under which it is, for orders up to 2.
    alpha : int, optional
        The order of the kernel. By default the one of the greatest likelihood: of all four for
        lattices and periodic integrands, of 1 and 2 otherwise.
    level : float
        The probability of the credible interval.
    smallest, largest : int
        Between which numbers of points, powers of two, the sizes lie. Each is twice the last.
    like : array, optional
        Gives the array library, the device and the precision of the points.
    rng : None, int, numpy.random.Generator, optional
        Draws the shift, see `numpy.random.default_rng`.

    Returns
    -------
    Integral
        With several outputs, all of them meet the tolerance.

    Raises
    ------
    ValueError
        If sizes or tolerances are out of range, or values have the wrong shape or are not finite.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached with ``largest`` points.

    Notes
    -----
    The integrand is a constant plus a Gaussian process whose kernel has one weight for all
    coordinates. Constant, scale, weight and order are those of the greatest likelihood. The mean of
    the integral is then that of the values. With eigenvalues ``λ`` of the kernel's matrix for scale
    one and orthonormal coefficients ``y_i`` of the values, its standard deviation is
    ``sqrt((1 − n/λ₀) / n Σ_{i>0} |y_i|² / λ_i)``. Integrands are no draws from a process: the
    probability is a rule of thumb for each of them. Of smooth functions, a kink and a jump, with
    25 shifts each at ``rtol`` 1e-3, all 150 intervals of lattices held, and 149 of nets.
    Rounding errors of ``n/λ₀`` count as uncertainty: widths do not fall much below 1e-9 of the
    spread of the integrand.

    References
    ----------
    R. Jagadeeswaran and F. J. Hickernell, "Fast automatic Bayesian cubature using lattice
    sampling", Statistics and Computing 29 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> found = integrate(lambda X: np.exp(-np.sum(X**2, axis=1)), 3, 1e-6, rng=0)
    >>> abs(found.value - 0.7468241328124271**3) < 1e-6
    True
    """
    for name, size in (("smallest", smallest), ("largest", largest)):
        size = operator.index(size)
        if size < 2 or size & (size - 1) or size > 2**24:
            raise ValueError(f"{name} is {size}: pass a power of two between 2 and 2²⁴")
    if smallest > largest:
        raise ValueError(f"smallest is {smallest}, but largest is {largest}")
    if not (tol >= 0 and rtol >= 0 and max(tol, rtol) > 0):
        raise ValueError(f"tol is {tol} and rtol is {rtol}: pass one above zero, and none below")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: it is a probability between 0 and 1")
    if points not in ("lattice", "net"):
        raise ValueError(f"points is {points!r}: pass 'lattice' or 'net'")
    lattice = points == "lattice"
    found: Any = (
        Lattice(smallest, _vector(largest, d), rng=rng)
        if lattice
        else DigitalNet.sobol(smallest, d, rng=rng)
    )
    kind: Any = ShiftInvariant if lattice else DigitallyShiftInvariant
    several = kind.orders if lattice and periodic else (1, 2)
    orders = several if alpha is None else (alpha,)
    kernels = [kind(order) for order in orders]
    quantile = importlib.import_module("statistics").NormalDist().inv_cdf(0.5 + level / 2)
    smooth = lattice and not periodic
    first = found.points(like)
    values, vector = _values(f, first, smooth, 0)
    xp = namespace(values)
    iterations = 1
    while True:
        values64 = xp.astype(values, xp.float64)
        magnitude = float(xp.max(xp.abs(values64))) or 1.0
        spread = _Spread(found, values64 / magnitude)
        if found.n <= _learning or iterations == 1:
            kernel = spread.preferred(kernels)
        mean, deviation, clipped = spread.integral(kernel)
        mean, width = mean * magnitude, quantile * deviation * magnitude
        converged = bool((width <= [max(tol, rtol * abs(m)) for m in mean]).all())
        if converged or 2 * found.n > largest:
            break
        new, _ = _values(f, found.refinement(like), smooth, found.n)
        if new.shape[1] != values.shape[1]:
            raise ValueError(f"f returned {values.shape[1]} outputs first and {new.shape[1]} now")
        values, found = found.merged(values, new, xp), found.refined()
        iterations += 1
    if not converged:
        warnings.warn(
            f"the half width is {max(width):.3g} after {found.n} evaluations, above the tolerance: "
            "raise largest or the tolerance, or try points='net' if the integrand is not smooth",
            ConvergenceWarning,
            stacklevel=2,
        )
    return Integral(
        float(mean[0]) if vector else mean,
        float(width[0]) if vector else width,
        converged,
        found.n,
        iterations,
        level,
        kernel,
        clipped,
        found,
    )


@functools.lru_cache(maxsize=32)
def _vector(largest: int, d: int) -> tuple[int, ...]:
    return construct_lattice(largest, d, smallest=min(_smallest, largest))


def _values(f: Callable[[Any], Any], X: Any, smooth: bool, known: int) -> tuple[Any, bool]:
    """Return the values at points as (n, outputs) array, and whether there was but one column."""
    xp = namespace(X)
    weight: Any = None
    if smooth:
        weight = xp.prod(1.0 - xp.cos(2 * math.pi * X), axis=1)
        X = X - xp.sin(2 * math.pi * X) / (2 * math.pi)
        X = xp.where(X < 1, xp.where(X > 0, X, 0.0), 1.0)
    made = f(X)
    require_array("what f returned", made, "a function that returns an array")
    if made.ndim not in (1, 2) or made.shape[0] != X.shape[0] or 0 in made.shape:
        raise ValueError(
            f"f returned shape {tuple(made.shape)} for {X.shape[0]} points: it returns a value, or "
            "a row of outputs, for each"
        )
    namespace(made, X)
    place = first_nonfinite(made)
    if place is not None:
        row = place // (made.shape[1] if made.ndim == 2 else 1)
        where = ", ".join(f"{float(x):g}" for x in on_host(X[row, :]))
        raise ValueError(f"f is NaN or Inf at ({where}), evaluation {known + row}")
    if xp.isdtype(made.dtype, "complex floating"):
        raise TypeError("f is complex: integrate real and imaginary part as two outputs")
    if not xp.isdtype(made.dtype, "real floating"):
        made = xp.astype(made, xp.float64)
    columns = made[:, None] if made.ndim == 1 else made
    return (columns if weight is None else columns * weight[:, None]), made.ndim == 1


def _weighted(kernel: Any, logarithm: float) -> Any:
    return type(kernel)(kernel.alpha, math.exp(logarithm))


class _Spread:
    """What values at the points say of constant, scale and weight."""

    def __init__(self, points: Any, values: Any) -> None:
        self.points, self.values, self.xp = points, values, namespace(values)
        self.mean = on_host(self.xp.mean(values, axis=0))
        # without the constant: its coefficient is the first one
        power = points.spectrum.power(values)
        self.multiplicities = points.spectrum.multiplicities(values)
        self.power = (power * self.multiplicities[:, None])[1:, :]

    def preferred(self, kernels: Sequence[Any]) -> Any:
        """Return the kernel, and the weight for it, of the greatest likelihood."""
        minimize = importlib.import_module("scipy.optimize").minimize_scalar
        found = []
        for kernel in kernels:
            run = minimize(
                lambda log, kernel=kernel: self._objective(_weighted(kernel, log)),
                bounds=_span,
                method="bounded",
                options={"xatol": 0.1},  # a weight within a tenth changes the width by less
            )
            found.append((float(run.fun), _weighted(kernel, float(run.x))))
        return min(found, key=lambda pair: pair[0])[1]

    def _objective(self, kernel: Any) -> float:
        """Return minus the log likelihood for the best constant and scale, up to a constant."""
        xp = self.xp
        n, outputs = int(self.points.n), int(self.power.shape[1])
        eigenvalues = self._resolved(self._gram(kernel))
        fit = xp.sum(self.power / eigenvalues[:, None], axis=0)
        tiny = float(xp.finfo(xp.float64).smallest_normal)
        # the constant has taken one of the n degrees of freedom
        spreads = (n - 1) * float(xp.sum(xp.log(fit + tiny)))
        logarithms = float(xp.sum(xp.log(eigenvalues) * self.multiplicities[1:]))
        return 0.5 * (spreads + outputs * logarithms)

    def integral(self, kernel: Any) -> tuple[Any, Any, int]:
        """Return means and standard deviations of the integrals, and clipped eigenvalues."""
        gram, n = self._gram(kernel), self.points.n
        scale = on_host(self.xp.sum(self.power / self._resolved(gram)[:, None], axis=0)) / n
        # 1 − n / λ₀
        return self.mean, (scale * (gram.excess / (n + gram.excess))) ** 0.5, gram.clipped

    def _gram(self, kernel: Any) -> Gram:
        return Gram(kernel, 0.0, self.points, self.values)

    def _resolved(self, gram: Gram) -> Any:
        """Return the eigenvalues of all but the constant, none below the rounding errors."""
        low = gram.rounding
        return self.xp.where(gram.values > low, gram.values, low)[1:]
