"""Regression of values at continuous coordinates, by Gaussian processes in Tucker form."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from tqdm.auto import tqdm

from structlin._errors import ConvergenceWarning
from structlin.covariance import Matern
from structlin.sketching._random import seed_of
from structlin.tensors._axes import per_axis
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors._regression import sweeps
from structlin.tensors._regression.fitted import Fitted, not_fitted
from structlin.tensors._regression.observations import checked, sorted_axes
from structlin.tensors._regression.starts import started
from structlin.tensors._regression.variational import Evidence, Posterior

# more different coordinates on an axis are merged until the functions are nearly known
_first_points = 400


@dataclass(frozen=True, kw_only=True)
class Regression:
    """How a regression went.

    Attributes
    ----------
    converged : bool
        Whether the bound came to rest.
    iterations : int
        Rounds of sweeps.
    rise : float
        By how much the bound rose in the last round; 0 if no noise was left.
    bound : float
        A lower bound of the logarithm of the probability (density) of the standardised values: of
        two models of the same data the one with the larger bound explains them better.
    observations : int
        How many values were used.
    seed : int
        The key of all random numbers.
    """

    converged: bool
    iterations: int
    rise: float
    bound: float
    observations: int
    seed: int


class FunctionalTucker(Fitted):
    """Values at continuous coordinates as a Tucker tensor of random functions, with error bars.

    ``y = mean + Σ core[p, q, …] u_p(x) v_q(z) … + noise``, where the functions of every variable
    are Gaussian processes with a Matérn covariance, and the entries of the core are normal.

    Parameters
    ----------
    ranks : int or sequence of int
        How many functions every axis has. Functions that are not needed come out as zero.
    kernels : Matern or sequence of Matern, optional
        The covariance of the functions, one or one for every axis; `Matern(1.5)` by default.
    core : {"full", "diagonal"}
        Whether every combination of functions has an entry, or only those of equal number: then it
        is a sum of products (CP), and all ranks must be equal.
    learn : bool, optional
        Whether the length scales are learned; by default if no kernels are given. The variances
        of kernels are set to 1, since the core has a scale as well.
    resolution : float
        Coordinates are rounded to this fraction of the extent of their axis. With 0 they are taken
        as they are; the cost grows with the number of different ones.
    tol : float
        The iteration ends when a round raises the bound by less than this. The bound is the
        logarithm of a probability: differences below 1 mean little.
    max_iterations : int
        The largest number of rounds.
    rng : None, int or numpy.random.Generator
        For the random starts.
    progress : bool
        Show a progress bar.
    max_bytes : int
        The largest array allowed.

    Attributes
    ----------
    report : Regression
        How the last `fit` or `update` went.
    kernels : tuple of Matern
        The covariances, as learned.
    noise : float
        The standard deviation of the noise, learned; below 1e-4 of that of the values it is not
        told from none.
    mean : float
        What is added to the random functions, learned.
    core : array
        Expected entries of the core, in the units of the values.

    Notes
    -----
    The posterior is approximated by independent Gaussians for the functions of every axis and for
    the core, found in turn: those of an axis exactly, by one block Cholesky factorization of the
    banded precision of their states, in a form that stands points very near to each other. A sweep
    over ``N`` observations costs ``O(N Π rₖ²)`` for a full core and ``O(N d Σ rₖ²)`` for a diagonal
    one, plus ``O(nₖ m³ rₖ³)`` for ``nₖ`` different coordinates and ``m = nu + 1/2`` states.
    Where an axis has many different coordinates, the first sweeps merge them to an eighth of their
    number. Length scales to learn start at a quarter of the extent of their axis, and again at a
    tenth of that if much is left as noise; the start with the larger bound counts.
    Mixtures of the functions, which the observations do not determine, are optimised together with
    the length scales by the evidence of their axis.

    Standard deviations are those of the posterior, propagated through all factors; they belong to
    the function, without the noise.

    References
    ----------
    .. [1] S. Fang, X. Yu, Z. Wang, S. Li, M. Kirby and S. Zhe, "Functional Bayesian Tucker
       Decomposition for Continuous-indexed Tensor Data", ICLR 2024.
    .. [2] S. Särkkä, "Bayesian Filtering and Smoothing", Cambridge University Press, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(size=(500, 2))
    >>> y = np.sin(6 * x[:, 0]) * np.exp(x[:, 1]) + 0.1 * rng.standard_normal(500)
    >>> model = FunctionalTucker(1, rng=0).fit(x, y)
    >>> mean, std = model.predict(np.array([[0.25, 0.5]]), return_std=True)
    >>> bool(abs(mean[0] - np.sin(1.5) * np.exp(0.5)) < 3 * std[0]), round(model.noise, 1)
    (True, 0.1)
    """

    def __init__(
        self,
        ranks: int | Sequence[int],
        kernels: Matern | Sequence[Matern] | None = None,
        *,
        core: Literal["full", "diagonal"] = "full",
        learn: bool | None = None,
        resolution: float = 0.0,
        tol: float = 0.1,
        max_iterations: int = 50,
        rng: Any = None,
        progress: bool = False,
        max_bytes: int = default_bytes,
    ) -> None:
        given = list(ranks) if isinstance(ranks, Sequence | np.ndarray) else [ranks]
        for r in given:
            if isinstance(r, bool) or not isinstance(r, int | np.integer) or r < 1:
                raise ValueError(f"ranks is {ranks!r}: pass integers of 1 or more")
        if not isinstance(core, str) or core not in ("full", "diagonal"):
            raise ValueError(f"core is {core!r}: choose 'full' or 'diagonal'")
        if core == "diagonal" and len(set(given)) > 1:
            raise ValueError(f"ranks is {ranks!r}: they must be equal for a diagonal core")
        every = [] if kernels is None else [kernels]
        for kernel in kernels if isinstance(kernels, list | tuple) else every:
            if not isinstance(kernel, Matern):
                raise TypeError(
                    f"a kernel is {kernel!r}: pass structlin.covariance.Matern, which has a "
                    "state-space form"
                )
        if not 0 <= resolution < 1:
            raise ValueError(f"resolution is {resolution:g}: it must be at least 0 and below 1")
        if not tol > 0 or operator.index(max_iterations) < 1:
            raise ValueError(
                f"tol is {tol:g} and max_iterations is {max_iterations}: both must be positive"
            )
        self.given_ranks = ranks
        self.given_kernels = kernels
        self.diagonal = core == "diagonal"
        self.learn = kernels is None if learn is None else learn
        self.resolution = resolution
        self.tol = tol
        self.max_iterations = max_iterations
        self.seed = seed_of(rng)
        self.progress = progress
        self.max_bytes = max_bytes
        self._posterior = None
        self._report: Regression | None = None

    def __repr__(self) -> str:
        kind = "diagonal core" if self.diagonal else "full core"
        if self._posterior is None:
            return f"<FunctionalTucker, ranks {self.given_ranks}, {kind}, not fitted>"
        ranks = "x".join(map(str, self.ranks))
        flag = "" if self.report.converged else ", NOT converged"
        return (
            f"<FunctionalTucker, ranks {ranks}, {kind}, {self._evidence.count} observations, "
            f"noise {self.noise:.3g}{flag}>"
        )

    def fit(self, coords: Any, y: Any) -> Self:
        """Find the functions, the core, the length scales and the noise.

        Parameters
        ----------
        coords : (N, d) array
            Coordinates, a row for every value; equal ones are allowed.
        y : (N,) array
            Values.

        Raises
        ------
        ValueError
            If the shapes disagree, an entry is NaN or infinite, an axis has only one coordinate, or
            there are fewer values than numbers to be found even if all functions were known.
        """
        coords, y = checked(coords, y)
        count, d = coords.shape
        ranks = per_axis(self.given_ranks, d, "ranks", f"coords has {d} axes")
        kernels = per_axis(self.given_kernels, d, "kernels", f"coords has {d} axes")
        for axis, r in enumerate(ranks):
            most = math.prod(ranks) // r
            if not self.diagonal and r > most:
                raise ValueError(
                    f"ranks is {ranks}: axis {axis} can have {most} different functions at most, "
                    "the product of the other ranks"
                )
        entries = ranks[0] if self.diagonal else math.prod(ranks)
        if count < entries + d + 3:
            raise ValueError(
                f"there are {count} values: for a core of {entries} entries, {d} length scales, a "
                f"mean, a scale and the noise pass {entries + d + 3} at least, or smaller ranks"
            )
        cure = "choose smaller ranks, core='diagonal', or a larger max_bytes"
        entries = math.prod(ranks)
        require_memory((entries, entries), "float64", "the core's precision", cure, self.max_bytes)
        self._low, high = np.min(coords, axis=0), np.max(coords, axis=0)
        with np.errstate(over="ignore"):
            widths = high - self._low
        for axis in np.flatnonzero(np.isinf(widths)).tolist():
            raise ValueError(f"axis {axis} of coords is too long for float64: change its unit")
        for axis in np.flatnonzero(self._low == high).tolist():
            raise ValueError(
                f"axis {axis} of coords has the only coordinate {self._low[axis]:g}: leave it out"
            )
        # sums and squares of values may overflow, or vanish
        largest = float(np.max(np.abs(y))) or 1.0
        parts = y / largest
        center = float(np.mean(parts))
        spread = float(np.max(np.abs(parts - center)))
        spread = spread * float(np.std((parts - center) / spread)) if spread > 1e-14 else 1.0
        self._center, self._scale = largest * center, largest * spread
        y = (parts - center) / spread
        self._pitch = self.resolution * widths
        coords = self._rounded(coords)
        points, places = sorted_axes(coords)
        cells = np.asarray([max(len(x) // 8, _first_points) for x in points])
        merged = d > 1 and any(len(x) > 2 * n for x, n in zip(points, cells, strict=True))
        first, first_points, first_places = coords, points, places
        if merged:
            first = self._low + np.round((coords - self._low) / widths * cells) / cells * widths
            first_points, first_places = sorted_axes(first)
        rng, learn = np.random.default_rng(self.seed), [self.learn] * d
        starts: list[tuple[Posterior, Evidence, float]] = []
        rounds = 0
        for part in (1 / 4, 1 / 40):
            priors = [
                Matern(1.5, width * part) if kernel is None else kernel.replaced(variance=1.0)
                for kernel, width in zip(kernels, widths.tolist(), strict=True)
            ]
            posterior = started(
                first, y, first_points, priors, ranks, self.diagonal, rng, self.max_bytes
            )
            evidence, done, rise = self._run(posterior, first_places, y, None, learn)
            starts.append((posterior, evidence, rise))
            rounds += done
            # functions that vary fast may be taken for noise
            if self.given_kernels is not None or not self.learn or posterior.precision > 4:
                break
        self._posterior, evidence, rise = max(starts, key=lambda start: start[0].bound)
        if merged:
            self._posterior.axes = [
                functions.moved(x, self.max_bytes)
                for functions, x in zip(self._posterior.axes, points, strict=True)
            ]
            evidence, more, rise = self._run(self._posterior, places, y, None, learn)
            rounds += more
        return self._finished(evidence, rounds, rise)

    def update(self, coords: Any, y: Any) -> Self:
        """Take in more values, without those that came before.

        What earlier values said of every factor, given the others as they were then, is kept as a
        Gaussian factor. Length scales and the standardisation stay.

        Parameters
        ----------
        coords : (N, d) array
            Coordinates, new ones or ones that were there before.
        y : (N,) array
            Values.

        Raises
        ------
        ValueError
            As for `fit`; also if nothing has been fitted yet.
        """
        posterior = self._fitted()
        coords, y = checked(coords, y, len(self.ranks))
        coords, y = self._rounded(coords), (y - self._center) / self._scale
        past, places = self._evidence, []
        for axis, functions in enumerate(posterior.axes):
            points, every = np.unique(
                np.concatenate([functions.points, coords[:, axis]]), return_inverse=True
            )
            known = every[: len(functions.points)]
            places.append(every[len(functions.points) :])
            information = np.zeros((len(points), *past.information[axis].shape[1:]))
            shift = np.zeros((len(points), *past.shifts[axis].shape[1:]))
            information[known], shift[known] = past.information[axis], past.shifts[axis]
            past.information[axis], past.shifts[axis] = information, shift
            posterior.axes[axis] = functions.with_points(points, self.max_bytes)
            precision = posterior.precision
            posterior.axes[axis].observe(precision * information, precision * shift)
        return self._finished(*self._run(posterior, places, y, past, None))

    @property
    def report(self) -> Regression:
        """How the last `fit` or `update` went."""
        if self._report is None:
            raise ValueError(not_fitted)
        return self._report

    def _finished(self, evidence: Evidence, rounds: int, rise: float) -> Self:
        self._evidence = evidence
        self._report = Regression(
            converged=abs(rise) < self.tol,
            iterations=rounds,
            rise=rise,
            bound=self._fitted().bound,
            observations=self._evidence.count,
            seed=self.seed,
        )
        if not self.report.converged:
            warnings.warn(
                f"the regression did not come to rest in {rounds} rounds: the last one raised the "
                f"bound by {rise:.3g}, and tol is {self.tol:g}; increase "
                "max_iterations, or tol",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _run(
        self,
        posterior: Posterior,
        places: Sequence[Any],
        y: Any,
        past: Evidence | None,
        learn: Sequence[bool] | None,
    ) -> tuple[Evidence, int, float]:
        with tqdm(total=self.max_iterations, disable=not self.progress) as bar:
            return sweeps.converge(
                posterior,
                places,
                y,
                past,
                learn=learn,
                tol=self.tol,
                rounds=self.max_iterations,
                tell=bar.update,
            )

    def _rounded(self, coords: Any) -> Any:
        if self.resolution == 0:
            return coords
        return self._low + np.round((coords - self._low) / self._pitch) * self._pitch
