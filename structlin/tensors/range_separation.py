"""Potentials of many charges: a smooth part everywhere, and a sharp one near every charge."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, scipy_of
from structlin._validation import first_nonfinite, inexact, require_finite
from structlin.tensors._memory import default_bytes
from structlin.tensors.chebtucker import ChebTucker
from structlin.tensors.kernel_sums import checked_sources, columns, direct_sum
from structlin.tensors.radial_kernels import LongRangeCoulomb

# pairs of a point and a centre in a block
_pairs = 2**21


class LocalizedSum:
    """The function ``Σ_j weights[j] k(|x − centres[j]|)`` over the centres within a distance.

    Parameters
    ----------
    kernel : callable
        ``k``, of an array of distances; it may be singular at 0.
    centres : (N, d) array
        The centres.
    weights : (N,) array
        Their weights.
    cutoff : float
        The largest distance that matters.

    Raises
    ------
    ValueError
        If shapes disagree, there is a NaN, or the cutoff is not positive.

    Notes
    -----
    In NumPy neighbours come from a k-d tree: a point costs ``O(log N)`` and its neighbours. In
    other array libraries all distances are formed, in blocks.

    Examples
    --------
    >>> import numpy as np
    >>> f = LocalizedSum(lambda r: 1 / r, np.array([[0.0], [1.0]]), np.array([1.0, 3.0]), 0.9)
    >>> f(np.array([0.25, 0.5]))
    array([8., 8.])
    """

    def __init__(
        self, kernel: Callable[[Any], Any], centres: Any, weights: Any, cutoff: float
    ) -> None:
        self.centres, self.weights, self.dtype = checked_sources(centres, weights)
        self.kernel, self.cutoff = kernel, float(cutoff)
        if not self.cutoff > 0:
            raise ValueError(f"cutoff is {cutoff!r}: it must be positive")
        self.ndim = int(centres.shape[1])

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(self.centres)

    def __repr__(self) -> str:
        return (
            f"<LocalizedSum in {self.ndim} variables, {self.weights.shape[0]} centres, "
            f"cutoff {self.cutoff:.3g}>"
        )

    def __call__(self, *points: Any) -> Any:
        """Return the values at points.

        Parameters
        ----------
        *points : arrays
            The coordinates, an array for every axis, broadcast against each other.

        Returns
        -------
        array
            Of the shape to which the coordinates broadcast.

        Raises
        ------
        ValueError
            If a point is a centre at which the kernel is singular.
        """
        xp = self.xp
        if len(points) != self.ndim:
            raise TypeError(f"the sum has {self.ndim} variables, and {len(points)} came")
        x = [xp.asarray(x, device=device(self.centres)) for x in points]
        x = xp.broadcast_arrays(*(xp.astype(inexact(each), xp.float64) for each in x))
        flat = xp.stack([xp.reshape(each, (-1,)) for each in x], axis=1)
        require_finite("the array of points", flat)
        with np.errstate(divide="ignore", invalid="ignore"):
            if is_numpy(xp):
                out = self._near(flat)
            else:
                out = direct_sum(self.kernel, flat, self.centres, self.weights, self.cutoff)
        if (place := first_nonfinite(out)) is not None:
            at = ", ".join(f"{float(flat[place, axis]):.17g}" for axis in range(self.ndim))
            raise ValueError(
                f"the sum is not finite at ({at}): the kernel is singular there, at a centre"
            )
        out = xp.reshape(xp.astype(out, self.dtype), tuple(x[0].shape))
        return out[()] if is_numpy(xp) else out

    @functools.cached_property
    def _tree(self) -> Any:
        return scipy_of(self.xp, "spatial").cKDTree(self.centres)

    def _near(self, points: Any) -> Any:
        """Return the values at points (n, d), NumPy arrays."""
        out = np.zeros(len(points), self.weights.dtype)
        counts = self._tree.query_ball_point(points, self.cutoff, return_length=True)
        block = np.cumsum(counts) // _pairs
        for number in np.unique(block):
            rows = np.flatnonzero(block == number)
            tree = scipy_of(self.xp, "spatial").cKDTree(points[rows])
            found = tree.sparse_distance_matrix(self._tree, self.cutoff, output_type="ndarray")
            terms = self.weights[found["j"]] * self.kernel(found["v"])
            for part in ("real", "imag")[: 2 if np.iscomplexobj(terms) else 1]:
                sums = np.bincount(found["i"], getattr(terms, part), len(rows))
                out[rows] += sums if part == "real" else 1j * sums
        return out


@dataclass(frozen=True)
class RangeSeparated:
    """A function as a smooth part and a sum of sharp, localised ones.

    Attributes
    ----------
    long_range : ChebTucker
        The smooth part, on its box.
    short_range : LocalizedSum
        What is missing near the centres.
    """

    long_range: ChebTucker
    short_range: LocalizedSum

    def __call__(self, *points: Any) -> Any:
        """Return the values at points, an array of coordinates for every axis."""
        return self.long_range(*points) + self.short_range(*points)


def split_coulomb(
    centres: Any,
    weights: Any,
    domain: Any,
    *,
    sigma: float,
    screening: float = 0.0,
    tol: float = 1e-8,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> RangeSeparated:
    """Return the potential ``Σ_j weights[j] exp(−κ r_j)/r_j``, with ``r_j = |x − centres[j]|``.

    Parameters
    ----------
    centres : (N, d) array
        Where the charges are; they may lie outside the box.
    weights : (N,) array
        The charges, of any sign.
    domain : sequence of intervals, or (d, 2) array
        The box.
    sigma : float
        The distance that parts the ranges. The ranks of the long range are inversely proportional
        to it, and every point has the charges within a few ``sigma`` for neighbours.
    screening : float
        The decay ``κ``; 0 is Coulomb's potential.
    tol : float
        The error, relative to the largest value of the long range.
    rng : None, int or numpy.random.Generator, optional
        Randomness of the points at which the error of the long range is measured.
    max_bytes : int
        The largest array.

    Returns
    -------
    RangeSeparated
        The potential. At a charge it is singular: a ``ValueError`` names the point.

    Raises
    ------
    ValueError
        If centres or weights have a NaN, shapes disagree, or ``sigma`` is not positive.
    MemoryError
        If an array would take more than ``max_bytes``.

    Notes
    -----
    ``1/r = erf(r/σ)/r + erfc(r/σ)/r`` [1]_: the first part is entire, see
    `ChebTucker.from_kernel_sum`, and the second decays as ``exp(−r²/σ²)``. It is cut off where even
    all the charges together would not matter.

    References
    ----------
    .. [1] P. P. Ewald, "Die Berechnung optischer und elektrostatischer Gitterpotentiale", Annalen
       der Physik 369 (1921), 253–287.

    Examples
    --------
    >>> import numpy as np
    >>> centres, charges = np.array([[0.5, 0.0], [-0.5, 0.0]]), np.array([1.0, 1.0])
    >>> potential = split_coulomb(centres, charges, [(-1, 1), (-1, 1)], sigma=0.3)
    >>> float(potential(0.0, 0.0).round(6))
    4.0
    """
    kernel = LongRangeCoulomb(sigma, screening)
    long_range = ChebTucker.from_kernel_sum(
        kernel, centres, weights, domain, tol=tol, rng=rng, max_bytes=max_bytes
    )
    cutoff = _cutoff(kernel, weights, _largest(long_range, centres), tol)
    return RangeSeparated(long_range, LocalizedSum(kernel.remainder, centres, weights, cutoff))


def _largest(f: ChebTucker, centres: Any) -> float:
    """Return the largest value near some centres."""
    xp = f.xp
    some = xp.astype(inexact(centres[: min(256, centres.shape[0]), :]), xp.float64)
    points = [
        xp.clip(x, basis.low, basis.high) for x, basis in zip(columns(some), f.bases, strict=True)
    ]
    return float(xp.max(xp.abs(f(*points)))) if some.shape[0] else 0.0


def _cutoff(kernel: LongRangeCoulomb, weights: Any, scale: float, tol: float) -> float:
    """Return the distance from which on the remainders of all charges do not matter."""
    xp = namespace(weights)
    total = float(xp.sum(xp.abs(inexact(weights))))
    if total == 0:
        return kernel.sigma
    allowed = tol * (scale / total or float(kernel(np.zeros(1))[0]))
    low, high = 0.0, 30 * kernel.sigma
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        small = float(kernel.remainder(np.asarray([middle]))[0]) <= allowed
        low, high = (low, middle) if small else (middle, high)
    return high
