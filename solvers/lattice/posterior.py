"""What a Gaussian process on a lattice or a net knows of its function elsewhere."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from structlin._backend import device, namespace
from structlin.solvers.lattice._coordinates import require_points

if TYPE_CHECKING:
    from structlin.solvers.lattice.lattice_gp import LatticeGP

# entries of the covariances with new points that are kept at a time
_entries = 2**22


class LatticePosterior:
    """Mean and standard deviation at points; what is asked for is computed then, and kept.

    Attributes
    ----------
    points : (m, d) array
        Where.
    mean : (m,) or (m, outputs) array
        The posterior mean.
    variance : (m,) array
        The posterior variance of the function, without noise.
    """

    def __init__(self, gp: LatticeGP, X: Any) -> None:
        gram = gp._fitted
        xp = namespace(X, gram.like)
        device(X, gram.like)
        require_points("X", X, gp._points.dimension)
        self.points = xp.asarray(X, copy=True)  # what is asked for later is of these points
        self._gram = gram
        self._data = gp._points.natural(gp._points.points(gram.like), xp)
        self._constant = gp._mean_integral
        self._state = gp._weights, gp._magnitude, gp._dtype, gp._vector

    @functools.cached_property
    def mean(self) -> Any:
        """The posterior mean."""
        xp, (weights, magnitude, dtype, vector) = self._gram.xp, self._state
        # that of the integral, and deviations: the constant may be much larger than they are
        scale = self._gram.kernel.scale
        made = [xp.matmul(cross.T, weights) for cross in self._crosses()]
        total = (self._constant + scale * xp.concat(made)) * magnitude
        total = xp.astype(total, dtype, copy=False)
        return total[:, 0] if vector else total

    def std(self) -> Any:
        """Return the posterior standard deviation of the function, without noise, as (m,) array."""
        return self._gram.xp.sqrt(self.variance)

    @functools.cached_property
    def variance(self) -> Any:
        """Its square: a difference, never below its rounding errors, 2e-15 of the prior."""
        # with k(x, ·) = scale (1 + q): the variance of the constant, that of deviations, and both
        xp, gram = self._gram.xp, self._gram
        scale = gram.kernel.scale
        prior = scale * gram.kernel.peak_excess(gram.points.dimension)
        made = []
        for cross in self._crosses():
            both = 2.0 * scale / gram.constant * xp.sum(cross, axis=0)
            made.append(prior - scale * (both + scale * gram.quadratic(cross)))
        variance = gram.constant_variance + xp.concat(made)
        least = 8 * float(xp.finfo(xp.float64).eps) * prior
        return xp.astype(xp.where(variance > least, variance, least), self._state[2], copy=False)

    def _crosses(self) -> Any:
        """Yield the deviations ``q`` between the data and some of the points after others."""
        m, n = self.points.shape[0], self._data.shape[0]
        step = max(1, _entries // n)
        for low in range(0, max(m, 1), step):
            yield self._gram.kernel.excess(self._data, self.points[low : min(low + step, m), :])
