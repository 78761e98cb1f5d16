"""Maps between function spaces, learned by kernels."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from structlin._backend import namespace
from structlin._validation import require_count
from structlin.operators.kernels import _selection as selection
from structlin.operators.kernels._blocks import projected
from structlin.operators.kernels._calibration import calibrated
from structlin.operators.kernels._directions import learned_directions
from structlin.operators.kernels._features import Features, packed
from structlin.operators.kernels._functions import require_kernel
from structlin.operators.kernels._selection import Choice
from structlin.operators.kernels._storage import Storage
from structlin.operators.kernels._symmetry import Symmetry
from structlin.operators.kernels._systems import Direct, Landmarks, Metric
from structlin.operators.kernels.linear_regression import LinearOperatorRegression, sample_sizes
from structlin.operators.kernels.report import OperatorReport

# samples of the first and of the last search; chosen, not tuned
_few, _many = 200, 3000
# relative errors that are small enough, whatever those of the linear map
_fine = 1e-6
# by what the error may exceed that of the linear map, as both are estimates; chosen, not tuned
_slack = 1.1


class KernelOperator(Storage):
    """A map between function spaces, learned from pairs by kernel regression, with error bars.

    Parameters
    ----------
    kernel : str or sequence of str
        ``"matern12"`` to ``"matern92"``, ``"rbf"``, ``"rq"`` (rational quadratic) or ``"imq"``
        (inverse multiquadric); of several, leaving samples out chooses one. ``"auto"`` means
        ``("matern52", "matern92", "rq")``.
    features : {"pca", "pod", "fourier", "dct", "grid"} or callable
        In what coefficients of inputs distances are measured: principal components; those of the
        scalar product of the grid; Fourier or cosine coefficients; values; or what a function makes
        of (n, ...) inputs, an (n, r) array.
    modes : int, optional
        How many coefficients are kept at most. By default all above rounding errors.
    metric : float, "auto" or "gradient"
        Coefficients are multiplied by this power of their standard deviation: 0 leaves them as they
        are, 1/2 makes distances smoother. With ``"gradient"`` they are stretched along the
        directions in which a first fit changes most, if errors at samples that these directions
        have not seen are smaller.
    length_scale : float or "auto"
        In units of the median distance of two samples.
    nugget : float or "auto"
        What is added to the diagonal of the kernel matrix, which is one.
    symmetry : None, "shift", "reflection", "square", "odd" or sequence of callables
        A group with which the map commutes. ``"shift"``: of periodic axes; samples are turned until
        the first Fourier mode has phase zero, and predictions are turned back. Finite groups are
        used by augmentation: ``"reflection"`` along every axis, ``"square"`` with exchanges of axes
        besides, ``"odd"`` for ``u(x) → −u(−x)``, `reflections` along some axes, or callables, one
        for every element of the group, which take arrays of samples to arrays of samples and are
        orthogonal on outputs; a pair of callables where inputs and outputs are acted on
        differently. A pair ``("shift", group)`` means both.
    max_direct : int
        Up to how many samples all are centres of the kernel.
    landmarks : int
        How many are with more samples, drawn by randomly pivoted Cholesky.
    progress : bool, optional
        Whether to show a bar; by default after a second.
    rng : None, int or numpy.random.Generator, optional
        Draws the samples of the first search, and landmarks.

    Attributes
    ----------
    choice : Choice
        The hyper-parameters, of those that were left open by leaving samples out.
    baseline : LinearOperatorRegression
        The linear map, fitted to the same samples.
    leave_one_out : float
        The mean relative error at samples that were left out, with all their images: of those that
        had no part in a metric that was learned.

    Raises
    ------
    ValueError
        If an option is none of these.

    Notes
    -----
    The prediction is ``v(u) = v̄ + Σ_f f Σ_j k(u, f u_j) α_j``, summed over samples ``j`` and
    elements ``f`` of the group, the kernel being a function of the distance of features. With the
    ``|G| n`` samples and their images, the matrix splits into blocks of ``d n`` rows, one for every
    irreducible representation of the group of dimension ``d``: ``Σ (d n)³/3`` operations instead of
    ``(|G| n)³/3``, a forty-second for the square. Leaving a sample out with all its images has the
    residual ``S_i α_i``, where ``S_i`` is the inverse of the diagonal block of the inverse matrix:
    every error of leave-one-out comes with one factorisation. Memory ``8 n²`` bytes and as much for
    an inverse.

    The standard deviation is the posterior one of the kernel times the field of the errors at
    samples left out, each divided by its own posterior deviation, and times the number that makes
    90 % of these errors fall within 1.645 deviations. It needs ``O(n²)`` operations for every new
    input, and so does the check whether this is farther from the samples than they are from each
    other.

    Hyper-parameters: a coarse grid on 200 samples, then steps on up to 3000, until no single step
    by a factor of 2 (length scale), 10 (nugget) or by 1/4 (metric) lowers the error of samples left
    out. With ``metric="gradient"`` the kernel sees ``z Q Λᵖ`` of the features ``z``, where
    ``Q Λ Qᵀ`` is the mean over the group of ``JᵀJ``, ``J`` the derivative of a first fit and ``p``
    1/4 or 1/2 [3]_; it is for features of hundreds of numbers, not thousands, as ``"pca"``. Three
    quarters of the samples choose directions; errors at the others, left out, are those of
    `leave_one_out` and of the error bars.

    With a symmetry, at most 200 samples are fitted without it as well, and a warning tells if that
    at least halves the error.

    Landmarks: weights by least squares at all samples, with ``g`` times the norm of the kernel's
    space; ``O(n c²)`` for ``c`` of them. Leave-one-out then keeps the landmarks.

    Everything is computed in double precision and in units of the data; predictions are of the
    precision of the outputs.

    References
    ----------
    .. [1] P. Batlle, M. Darcy, B. Hosseini and H. Owhadi, "Kernel methods are competitive for
       operator learning", Journal of Computational Physics 496 (2024).
    .. [2] J.-P. Serre, "Linear Representations of Finite Groups", Springer, 1977.
    .. [3] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature learning
       in neural networks and backpropagation-free machine learning models", Science 383 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16) / 16
    >>> inputs = np.sin(2 * np.pi * (x + np.random.default_rng(0).random((40, 1))))
    >>> learned = KernelOperator(symmetry="shift").fit(inputs, inputs**3)
    >>> abs(learned.predict(inputs[:2]) - inputs[:2] ** 3).max() < 1e-9
    np.True_
    """

    def __init__(
        self,
        kernel: str | Sequence[str] = "auto",
        *,
        features: str | Callable[[Any], Any] = "pca",
        modes: int | None = None,
        metric: float | str = "auto",
        length_scale: float | str = "auto",
        nugget: float | str = "auto",
        symmetry: Any = None,
        max_direct: int = 20_000,
        landmarks: int = 4_000,
        progress: bool | None = None,
        rng: Any = None,
    ) -> None:
        names = ("matern52", "matern92", "rq") if kernel == "auto" else kernel
        self.kernel = tuple(names) if isinstance(names, tuple | list) and names else (names,)
        for name in self.kernel:
            require_kernel(name)
        modes = None if modes is None else require_count("modes", modes)
        Features(features, modes)  # checks them
        self.features, self.modes = features, modes
        self.gradient = isinstance(metric, str) and metric == "gradient"
        self.metric = _number(
            "metric", "auto" if self.gradient else metric, words="'auto' or 'gradient'"
        )
        self.length_scale = _number("length_scale", length_scale)
        if self.length_scale == 0:
            raise ValueError(f"length_scale is {length_scale!r}: pass a positive number, or 'auto'")
        self.nugget = _number("nugget", nugget)
        self.symmetry = symmetry
        self._symmetry = Symmetry(symmetry)
        self.max_direct = require_count("max_direct", max_direct)
        self.landmarks = require_count("landmarks", landmarks)
        self.progress, self.rng = progress, rng
        self._restored: dict[str, Any] = {}

    def fit(self, inputs: Any, outputs: Any, *, grid: Any = None, output_grid: Any = None) -> Self:
        """Learn from pairs.

        Parameters
        ----------
        inputs : (n, ...) array
            A function for every sample.
        outputs : (n, ...) array
            What the map makes of them.
        grid, output_grid : Grid, optional
            The points of inputs and of outputs; where the shapes agree and nothing else is said,
            outputs are on the grid of inputs.

        Returns
        -------
        KernelOperator
            Itself.

        Raises
        ------
        ValueError
            If shapes disagree, there are fewer than three samples, a sample has a NaN or Inf, or
            the symmetry does not fit: axes are not periodic, their end is there twice, maps are no
            group of orthogonal ones, or features do not keep their distances.

        Warns
        -----
        UserWarning
            If the nugget had to be raised, a sample has no first Fourier mode by which to turn, or
            the error of samples left out is larger than that of the linear map, than 100 %, or than
            twice that without the symmetry.
        """
        U, V = self._remember(inputs, outputs, grid, output_grid)
        self._given = inputs, outputs
        rng = np.random.default_rng(self.rng)
        self.baseline = LinearOperatorRegression().fit(
            U, V, grid=self.grid, output_grid=self.output_grid
        )
        sizes = sample_sizes(V)
        U, V = self._symmetry.fit(U, V, self.grid, self.output_grid)
        images = self._prepare(U, V)
        sizes = sizes / self._unit
        data = self._data(images, sizes)
        self.choice = self._search(data, rng)
        counted = self._counted = self._turned_features(data, images, rng)
        del data
        system = self._solve(images, rng)
        xp = namespace(sizes)
        errors = xp.sqrt(xp.sum(system.residuals**2, axis=1)) / sizes
        self.leave_one_out = selection.mean_of(errors, counted)
        self.choice = replace(self.choice, leave_one_out=self.leave_one_out)
        rest, variances = self._unpacked(system.residuals), system.variances
        told = system.ordinary if counted is None else counted
        if told is not None:
            places = xp.nonzero(told)[0]
            rest, variances = xp.take(rest, places, axis=0), xp.take(variances, places)
        self._calibration = calibrated(rest, variances, self._symmetry.group.on_outputs)
        self.fitted = True
        if not self._restored:
            self._warn_poor()
        return self

    # -- what fit does --------------------------------------------------------------------------

    def _prepare(self, U: Any, V: Any) -> list[Any]:
        """Learn features, and return the outputs and their images as rows, centred, in one unit."""
        xp = namespace(U)
        group = self._symmetry.group
        self._features = Features(self.features, self.modes)
        turned = [g(U) for g in group.on_inputs]
        if self._restored:
            self._features.restore(self._restored)
            self._coefficients = [self._features(W) for W in turned]
        else:
            self._coefficients = self._features.fit(turned, self.grid)
        _require_invariant(self._coefficients)
        self._turn: Any = None
        images = [packed(g(V)) for g in group.on_outputs]
        self._mean = sum(xp.mean(Y, axis=0) for Y in images) / len(images)
        images = [Y - self._mean for Y in images]
        self._unit = max(float(xp.max(xp.abs(Y))) for Y in images) or 1.0
        return [Y / self._unit for Y in images]

    def _turned_features(
        self, data: selection.Trial, images: list[Any], rng: np.random.Generator
    ) -> Any:
        """Take the directions in which the map changes as metric, where that is better.

        Return which samples these have not seen; None if the metric stays.
        """
        if "turn" in self._restored:
            self._turn = self._restored["turn"]
            return self._restored["counted"]
        if not self.gradient:
            return None
        if self.samples > self.max_direct:
            raise ValueError(
                "metric='gradient' needs all samples as centres: pass max_direct of "
                f"{self.samples} or more, or a number as metric"
            )
        with selection.progress_bar(progress=self.progress) as bar:
            found = learned_directions(data, images, self.choice, rng, bar)
        if found is None:
            return None
        self.choice, self._turn, counted = found
        return counted

    def _search(self, data: selection.Trial, rng: np.random.Generator) -> Choice:
        """Return the hyper-parameters: a coarse grid on a few samples, steps on many."""
        given = {
            "metric": self.metric,
            "length_scale": self.length_scale,
            "nugget": self.nugget,
        }
        if self._coefficients[0].shape[1] == 1:
            given["metric"] = given["metric"] or 0.0
        free = {name: value is None for name, value in given.items()}
        grid: dict[str, Sequence[Any]] = {
            name: selection.first[name] if value is None else (value,)
            for name, value in given.items()
        }
        if len(self.kernel) == 1 and not any(free.values()):
            return Choice(self.kernel[0], *(values[0] for values in grid.values()))
        with selection.progress_bar(progress=self.progress) as bar:
            trial = data.among(_few, rng)
            starts = [selection.coarse(trial, {"kernel": (k,), **grid}, bar) for k in self.kernel]
            best = [selection.descend(trial, start, free, bar) for start in starts]
            choice = min(best, key=lambda made: made.leave_one_out)
            if self.samples > _few:
                choice = selection.descend(data.among(_many, rng), choice, free, bar)
        return choice

    def _data(self, images: list[Any], sizes: Any) -> selection.Trial:
        """Return what hyper-parameters are chosen by, of all samples."""
        fixed = None not in (self.metric, self.length_scale, self.nugget) and len(self.kernel) == 1
        blocks = [] if fixed and not self.gradient else self._symmetry.group.irreducibles
        targets = [selection.compressed(projected(images, w)) for w in blocks]
        return selection.Trial(
            self._coefficients, self._features.spread, targets, sizes, self._symmetry.group
        )

    def _solve(self, images: list[Any], rng: np.random.Generator) -> Direct:
        Z = [self._weighted(z) for z in self._coefficients]
        scale = selection.median_distance(Z[0]) * self.choice.length_scale
        metric, group = Metric(self.choice.kernel, scale), self._symmetry.group
        nugget = self.choice.nugget
        self._system: Direct = (
            Direct(metric, group, Z, nugget)
            if self.samples <= self.max_direct
            else Landmarks(metric, group, Z, nugget, self.landmarks, rng)
        )
        self._system.fit(images)
        self.nugget_raised = self._system.nugget > nugget
        if self.nugget_raised:
            warnings.warn(
                f"the kernel matrix is ill-conditioned: instead of the nugget {nugget:.1e}, "
                f"{self._system.nugget:.1e} was taken",
                stacklevel=3,
            )
        return self._system

    def _without_symmetry(self) -> float:
        """Return the error of samples left out, of a few, without the symmetry."""
        given: dict[str, Any] = {
            "metric": self.metric,
            "length_scale": self.length_scale,
            "nugget": self.nugget,
        }
        plain = KernelOperator(
            self.choice.kernel,
            features=self.features,
            modes=self.modes,
            progress=False,
            rng=0,
            **{name: value for name, value in given.items() if value is not None},
        )
        count = min(self.samples, _few)
        few = (W[:count, ...] for W in self._given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain.fit(*few, grid=self.grid, output_grid=self.output_grid).leave_one_out

    def _warn_poor(self) -> None:
        """Warn if the error of samples left out is no less than without what was learned."""
        error, linear = self.leave_one_out, self.baseline.leave_one_out
        if error <= _fine:
            return
        if self.symmetry is not None and 2 * (without := self._without_symmetry()) < error:
            warnings.warn(
                f"the samples contradict the symmetry: the relative error of those left out is "
                f"{error:.3g}, but {without:.3g} without it, of {_few} samples at most: take "
                "another symmetry, or none",
                stacklevel=3,
            )
            return
        if error <= min(_slack * linear, 1.0):
            return
        cures = ["another symmetry"] if self.symmetry is not None else []
        if linear < 1:
            told = f"that of the linear map, {linear:.3g}"
            cures.append("LinearOperatorRegression")
        else:
            told = "that of predicting zero, 1"
            cures.append("more samples")
        warnings.warn(
            f"the relative error at samples left out, {error:.3g}, is worse than {told}: "
            f"take {', or '.join(cures)}",
            stacklevel=3,
        )

    def report(self) -> OperatorReport:
        """Return how the map was learned."""
        self._require_fitted()
        return OperatorReport(
            samples=self.samples,
            features=int(self._coefficients[0].shape[1]),
            directions=None if self._turn is None else int(self._turn.shape[1]),
            symmetry=self._symmetry.name,
            method=self._system.method,
            choice=self.choice,
            nugget=self._system.nugget,
            nugget_raised=self.nugget_raised,
            leave_one_out=self.leave_one_out,
            linear_leave_one_out=self.baseline.leave_one_out,
            calibration=self._calibration.factor,
        )

    def __repr__(self) -> str:
        if not self.fitted:
            return f"<KernelOperator {'/'.join(self.kernel)}, not fitted>"
        return (
            f"<KernelOperator {self.choice.kernel}, {self.samples} samples, leave-one-out "
            f"{100 * self.leave_one_out:.3g} %>"
        )


def _number(name: str, value: Any, *, words: str = "'auto'") -> float | None:
    """Return a number of 0 or more, None for "auto"."""
    if isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, bool) or not (
        isinstance(value, numbers.Real) and 0 <= float(value) < math.inf
    ):
        raise ValueError(f"{name} is {value!r}: pass a number of 0 or more, or {words}")
    return float(value)


def _require_invariant(coefficients: Sequence[Any]) -> None:
    """Raise unless the images of samples have the distances of the samples."""
    xp = namespace(coefficients[0])
    known = xp.sum((coefficients[0][1:, :] - coefficients[0][:1, :]) ** 2, axis=1)
    for g, Z in enumerate(coefficients):
        gap = xp.max(xp.abs(xp.sum((Z[1:, :] - Z[:1, :]) ** 2, axis=1) - known))
        if float(gap) > 1e-6 * float(xp.max(known)):
            raise ValueError(
                f"map {g} of the symmetry changes the distances of features: pass features that go "
                "with the symmetry, as 'pca', or a symmetry that keeps the points of the grid"
            )
