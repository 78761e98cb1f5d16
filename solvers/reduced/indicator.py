"""Error indicators: cheap numbers of a reduced solution, calibrated to its true error."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from structlin._errors import ConvergenceWarning
from structlin.covariance import Matern
from structlin.solvers.gp import KroneckerGP
from structlin.solvers.reduced._fields import as_reals

# pairs from which a Gaussian process is learned; fewer get a straight line
_enough = 8


class ErrorIndicator:
    """What true errors are to be expected where a misfit is seen.

    Attributes
    ----------
    misfits, errors : (k,) ndarray
        The pairs it was fitted to.
    correlation : float
        Of the logarithms of misfits and errors.

    Notes
    -----
    The logarithm of the error is a straight line in the logarithm of the misfit, by least squares,
    plus a Gaussian process of one variable (Matérn 5/2) whose length scale, variance and noise
    have the maximal likelihood; there is no process for fewer than eight pairs. Above the misfits
    it was fitted to, the line goes on, and the standard deviation grows; below the smallest one,
    errors stay what they are there. Everything is on the host.

    It is statistics, no bound: it says what errors belonged to such misfits where both were known.
    Errors that the misfit does not see, and problems unlike those, are outside of it.

    Examples
    --------
    >>> import numpy as np
    >>> misfits = np.logspace(-6, -1, 40)
    >>> indicator = ErrorIndicator().fit(misfits, 0.3 * misfits**0.8)
    >>> error, spread = indicator.predict(1e-3)
    >>> round(float(error / (0.3 * 1e-3**0.8)), 2), indicator.correlation > 0.99
    (1.0, True)
    """

    def __init__(self) -> None:
        self.misfits = self.errors = np.zeros(0)
        self._process: KroneckerGP | None = None

    def fit(self, misfits: Any, errors: Any) -> Self:
        """Calibrate by pairs of misfits and true errors, (k,) arrays of positive numbers.

        Pairs of which one number is zero tell nothing and are left out.

        Raises
        ------
        ValueError
            If numbers are negative, NaN or Inf, or fewer than three pairs are left.
        """
        x, y = as_reals("misfits", misfits), as_reals("errors", errors)
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"misfits have shape {x.shape} and errors {y.shape}: pass vectors")
        for name, values in (("misfit", x), ("error", y)):
            wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
            if len(wrong):
                raise ValueError(f"{name} {wrong[0]} is {values[wrong[0]]:g}: pass numbers >= 0")
        known = (x > 0) & (y > 0)
        if np.sum(known) < 3:
            raise ValueError(
                f"{np.sum(known)} pairs of numbers > 0 are too few for a line and what is around "
                "it: pass three or more"
            )
        self.misfits, self.errors = x[known], y[known]
        logs, values = np.log(self.misfits), np.log(self.errors)
        self._center = float(np.mean(logs))
        spread = float(np.std(logs))
        self._width = spread if spread > 0 else 1.0
        t = (logs - self._center) / self._width
        slope = float(np.mean(t * (values - np.mean(values)))) if spread > 0 else 0.0
        self._line = float(np.mean(values)), slope
        rest = values - self._line[0] - slope * t
        self._scatter = math.sqrt(float(np.sum(rest**2)) / (len(rest) - 2))
        scale = spread * float(np.std(values))
        self.correlation = slope * self._width / scale if scale > 0 else 0.0
        self._process = self._learned(t, rest)
        return self

    def _learned(self, t: NDArray[np.float64], rest: NDArray[np.float64]) -> KroneckerGP | None:
        nodes, place = np.unique(np.round(t, 6), return_inverse=True)
        if len(nodes) < _enough or not self._scatter > 1e-8:
            return None
        counts = np.bincount(place)
        means = np.bincount(place, rest) / counts / self._scatter
        process = KroneckerGP([Matern(2.5, 1.0, 0.5)], noise=0.5)
        with warnings.catch_warnings():  # a search that stopped early still has a likelihood
            warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit((nodes,), means, optimize=True, progress=False, rng=0)

    def predict(self, misfits: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the median of the error, and the standard deviation of its natural logarithm.

        Parameters
        ----------
        misfits : float or (m,) array

        Raises
        ------
        ValueError
            If it has not been fitted, or a misfit is negative, NaN or Inf.
        """
        if not len(self.misfits):
            raise ValueError("there is no calibration yet: call fit(misfits, errors) first")
        x = as_reals("misfits", misfits)
        if not np.all(np.isfinite(x) & (x >= 0)):
            raise ValueError("misfits have a negative number, NaN or Inf")
        logs = np.log(np.maximum(x, np.min(self.misfits)))
        t = (np.reshape(logs, (-1,)) - self._center) / self._width
        mean = self._line[0] + self._line[1] * t
        variance = np.ones_like(mean)  # in units of the scatter around the line
        if self._process is not None:
            nodes, place = np.unique(t, return_inverse=True)
            posterior = self._process.posterior(nodes)
            mean = mean + self._scatter * posterior.mean[place]
            variance = posterior.variance[place] + self._process.noise
        variance = variance + (1 + t**2) / len(self.misfits)  # of the line itself
        deviation = self._scatter * np.sqrt(variance)
        return np.reshape(np.exp(mean), x.shape), np.reshape(deviation, x.shape)

    def __repr__(self) -> str:
        known = len(self.misfits)
        if not known:
            return "<ErrorIndicator, not calibrated>"
        span = f"{np.min(self.errors):.1g} to {np.max(self.errors):.1g}"
        return f"<ErrorIndicator of {known} errors, {span}: correlation {self.correlation:.3f}>"
