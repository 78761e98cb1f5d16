"""Maps between functions as sums of random nonlinear ones, with coefficients by least squares."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from structlin._backend import namespace
from structlin._validation import require_count
from structlin.bases import Grid
from structlin.matrices._convolution import transforms
from structlin.operators._random_functions import Filter, RandomFunctions
from structlin.operators._samples import in_double, require_samples
from structlin.operators.errors import relative_errors
from structlin.operators.structured._fitting import mean_of
from structlin.operators.structured._half_spectra import cropped, padded
from structlin.operators.structured._pairs import Pairs, pairs_of
from structlin.operators.structured.fourier_multiplier import modes_of
from structlin.sketching import RowBlocks, ridge

# how many features and samples choose the filter, and the filters: wave numbers up to which it
# hardly damps, and root mean squares of what goes into the activation
_few_features, _few_samples = 64, 100
_cutoffs, _gains = (0.5, 1.0, 2.0, 4.0), (0.3, 1.0, 3.0)
# regularisations, relative to the mean eigenvalue of the Gram matrix
_ridges = tuple(10.0**k for k in range(-13, 0))
_highest = 32  # wave numbers by default


class RandomFeatureOperator(RandomFunctions):
    """A map of functions ``a ↦ mean + Σ_j c_j σ(F⁻¹(χ · F a · F θ_j))`` with random ``θ_j``.

    Parameters
    ----------
    features : int
        How many random functions there are.
    modes : int or sequence of int, optional
        The highest wave number of the random functions, for all axes or for each. By default 32, or
        what the grid tells apart.
    activation : {"elu", "tanh"} or callable
        The function ``σ``, which a callable computes entry by entry.
    folds : int
        How many groups of samples are left out in turn to choose filter and regularisation.
    rng : None, int or numpy.random.Generator, optional
        Gives the random functions.

    Attributes
    ----------
    coefficients : (features,) array
        The numbers ``c_j``.
    ridge : float
        The regularisation that was chosen, relative to the mean eigenvalue of the Gram matrix.
    cutoff, gain : float
        The filter that was chosen: ``χ ∝ 1/(1 + |k|²/cutoff²)²``, such that what goes into ``σ``
        has root mean square ``gain`` over the training data.
    cross_validation_error : float
        The mean relative error of samples that were left out, with these choices.
    training_error : float
        The mean relative error of the training samples.
    grid : Grid
        The grid of the training data.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    The random features of [1]_ in Fourier space. They are functions themselves, so that the map
    belongs to no grid, and commutes with shifts but for the mean; on axes that are not periodic,
    inputs are continued as even functions.
    Coefficients minimise ``Σ ‖u − Σ c_j φ_j(a)‖² + μ ‖c‖²``, by `structlin.sketching.ridge`, which
    reads the features by blocks of rows. For the choice of ``μ``, groups of whole samples are left
    out: their Gram matrices are taken away from the sum, which gives exact answers for all ``μ``
    at the price of one eigendecomposition a group. The filter is chosen by the same errors of
    fewer features and samples. ``O(n m M (M + log m))`` operations for ``n`` samples on ``m``
    points and ``M`` features.

    References
    ----------
    .. [1] N. H. Nelsen and A. M. Stuart, "The random feature model for input-output maps between
       Banach spaces", SIAM J. Sci. Comput. 43 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> grid = Grid.uniform([(0, 1)], 16, kind="periodic")
    >>> t = np.random.default_rng(0).uniform(size=(40, 1))
    >>> a = 1 + t * np.sin(2 * np.pi * (grid.axes[0] + t))
    >>> learned = RandomFeatureOperator(features=40, rng=0).fit(a, a**2, grid=grid)
    >>> learned.cross_validation_error < 0.2
    True
    """

    _transient = ("_rng",)

    def __init__(
        self,
        *,
        features: int = 512,
        modes: int | Sequence[int] | None = None,
        activation: str | Callable[[Any], Any] = "elu",
        folds: int = 10,
        rng: Any = None,
    ) -> None:
        for name, value, least in (("features", features, 1), ("folds", folds, 2)):
            require_count(name, value, least=least)
        if not callable(activation) and activation not in ("elu", "tanh"):
            raise ValueError(f"activation is {activation!r}: pass 'elu', 'tanh' or a function")
        self.features = features
        self.modes = modes
        self.activation = activation
        self.folds = folds
        self._rng = np.random.default_rng(rng)
        self.coefficients: Any = None

    def fit(
        self, inputs: Any, outputs: Any, *, grid: Grid | Any = None, output_grid: None = None
    ) -> Self:
        """Fit the coefficients to inputs and outputs, and choose filter and regularisation.

        Parameters
        ----------
        inputs, outputs : (n, …) array
            Real functions on the grid, both.
        grid : Grid, optional
            Tells which axes are periodic; by default all are.
        output_grid : None
            Both functions share the grid.

        Returns
        -------
        RandomFeatureOperator
            Itself.

        Raises
        ------
        TypeError
            If data are complex.
        ValueError
            If shapes disagree, there are fewer samples than folds, or a sample has a NaN or Inf.
        """
        if output_grid is not None:
            raise ValueError("inputs and outputs share the grid: pass no output_grid")
        pairs = pairs_of(inputs, outputs)
        if pairs.input_shape != pairs.output_shape:
            raise ValueError(
                f"inputs have shape {pairs.input_shape} and outputs {pairs.output_shape}: features "
                "are functions on the grid of the inputs"
            )
        if pairs.xp.isdtype(pairs.dtype, "complex floating"):
            raise TypeError("data are complex: pass real and imaginary part one after the other")
        if pairs.count < self.folds:
            raise ValueError(
                f"there are {pairs.count} samples and {self.folds} folds: pass more samples"
            )
        self.grid = _grid_of(grid, pairs)
        self._dtype, self._units = pairs.dtype, pairs.units
        self._highest = _modes(self.modes, pairs.input_shape)
        self._theta = self._random_functions(pairs)
        self._mean = pairs.xp.mean(pairs.outputs, axis=0)
        self._choose(pairs)
        rows = _Rows(self, pairs.inputs)
        right = pairs.xp.reshape(pairs.outputs - self._mean, (-1,))
        self.coefficients = ridge(RowBlocks(rows), right, self._penalty, rng=0).x
        found = self._evaluated(pairs.inputs, self._mean)
        self.training_error = mean_of(relative_errors(found, pairs.outputs))
        return self

    def _restore(self) -> None:
        self._rng = np.random.default_rng()

    def _choose(self, pairs: Pairs) -> None:
        """Choose the filter with few features and samples, and the regularisation with all."""
        few = pairs[: min(pairs.count, max(_few_samples, self.folds))]
        trials = [Filter(*values) for values in itertools.product(_cutoffs, _gains)]
        count, errors = min(self.features, _few_features), []
        for trial in trials:
            self._filter = self._normalised(few, trial)
            errors.append(min(self._left_out(few, count)[0]))
        best = trials[errors.index(min(errors))]
        self._filter = self._normalised(pairs, best)
        curve, unit = self._left_out(pairs, self.features)
        self.cutoff, self.gain = best.cutoff, best.gain
        self.cross_validation_error = min(curve)
        self.ridge = _ridges[curve.index(self.cross_validation_error)]
        self._penalty = self.ridge * unit

    # least squares

    def _left_out(self, pairs: Pairs, count: int) -> tuple[list[float], float]:
        """Return the error of left-out samples for every ridge, and the unit of the ridges."""
        xp, points = pairs.xp, math.prod(pairs.input_shape)
        bounds = [pairs.count * k // self.folds for k in range(self.folds + 1)]
        groups = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        moments = []
        for group in groups:
            G, b, F = 0.0, 0.0, 0.0
            inputs, values = pairs.inputs[group, ...], pairs.outputs[group, ...]
            for piece in self._pieces(inputs.shape[0], count, points):
                rows = self._features(inputs[piece, ...], count)
                across = xp.matrix_transpose(rows)
                G = G + xp.matmul(across, rows)
                b = b + xp.matmul(across, xp.reshape(values[piece, ...], (-1, 1)))
                F = F + xp.sum(xp.reshape(rows, (-1, points, count)), axis=0)
            whole = xp.reshape(xp.sum(values, axis=0), (points, 1))
            moments.append((G, b, F, whole))
        G, b, F, whole = (sum(part[k] for part in moments) for k in range(4))
        unit = float(xp.linalg.trace(G)) / count or 1.0
        totals = [0.0] * len(_ridges)
        for group, (own, own_b, own_f, own_whole) in zip(groups, moments, strict=True):
            inputs = pairs.inputs[group, ...]
            mean = (whole - own_whole) / (pairs.count - inputs.shape[0])  # without the group
            right = b - own_b - xp.matmul(xp.matrix_transpose(F - own_f), mean)
            values, vectors = xp.linalg.eigh(G - own)
            values = xp.clip(values, min=0.0)
            seen = xp.matmul(xp.matrix_transpose(vectors), right)
            inverse = xp.stack([1 / (values + r * unit) for r in _ridges], axis=1)
            c = xp.matmul(vectors, seen * inverse)
            true = xp.reshape(pairs.outputs[group, ...], (inputs.shape[0], points))
            for piece in self._pieces(inputs.shape[0], count, points):
                found = xp.matmul(self._features(inputs[piece, ...], count), c)
                found = xp.reshape(found, (-1, points, len(_ridges)))
                for k in range(len(_ridges)):
                    errors = relative_errors(found[:, :, k] + mean[:, 0], true[piece, :])
                    totals[k] += mean_of(errors) * errors.shape[0]
        return [total / pairs.count for total in totals], unit

    # use

    def predict(self, inputs: Any, *, grid: Grid | Any = None) -> Any:
        """Return the outputs of inputs (n, …).

        Parameters
        ----------
        inputs : (n, …) array
            Functions on the grid of the fit, or on another one.
        grid : Grid, optional
            Another grid of the same periodic box, with more or fewer points.

        Raises
        ------
        ValueError
            If nothing was fitted yet, the inputs are not on the grid, another grid does not tell
            the modes apart or has an axis that is not periodic, or an input has a NaN or Inf.
        """
        if self.coefficients is None:
            raise ValueError("nothing has been fitted yet: call fit first")
        mean = self._mean
        if grid is not None:
            grid = Grid.of(grid)
            self._require_like(grid)
            mean = self._resampled(mean, grid.shape)
        cure = ", or grid= for inputs on another one"
        inputs = require_samples("inputs", inputs, tuple(mean.shape), cure=cure)
        xp = namespace(inputs, mean)
        if xp.isdtype(inputs.dtype, "complex floating"):
            raise TypeError("inputs are complex: the map was fitted to real functions")
        a = in_double(inputs) / self._units[0]
        u = self._evaluated(a, mean) * self._units[1]
        return xp.astype(u, xp.result_type(inputs.dtype, self._dtype))

    def _require_like(self, grid: Grid) -> None:
        if set(grid.kinds) | set(self.grid.kinds) != {"periodic"}:
            raise ValueError("another grid is taken on periodic axes only: resample the inputs")
        if grid.box != self.grid.box:
            raise ValueError(f"grid is on {grid.box}, but the fit was on {self.grid.box}")
        for axis, (n, top) in enumerate(zip(grid.shape, self._highest, strict=True)):
            if n < 2 * top + 1:
                raise ValueError(
                    f"axis {axis} of the grid has {n} points: modes up to {top} need {2 * top + 1}"
                )

    def _resampled(self, mean: Any, shape: tuple[int, ...]) -> Any:
        """Return a periodic function on a grid of another number of points."""
        xp, fft = namespace(mean), transforms(namespace(mean))
        axes = tuple(range(1, mean.ndim + 1))
        spectrum = fft.rfftn(mean[None, ...], axes=axes, norm="forward")
        top = [(min(n, m) - 1) // 2 for n, m in zip(mean.shape, shape, strict=True)]
        whole = padded(cropped(spectrum, top), shape)
        return xp.astype(fft.irfftn(whole, s=shape, axes=axes, norm="forward")[0, ...], mean.dtype)

    def _evaluated(self, inputs: Any, mean: Any) -> Any:
        xp, parts = namespace(inputs), []
        for piece in self._pieces(inputs.shape[0], self.features, math.prod(mean.shape)):
            some = inputs[piece, ...]
            values = xp.matmul(self._features(some, self.features), self.coefficients)
            parts.append(xp.reshape(values, some.shape))
        return mean + xp.concat(parts) if parts else xp.zeros_like(inputs)

    def report(self) -> str:
        """Return what was fitted, in a few lines."""
        if self.coefficients is None:
            return repr(self)
        return (
            f"{self!r}\n  modes up to {tuple(self._highest)}, cutoff {self.cutoff:g}, gain "
            f"{self.gain:g}, ridge {self.ridge:g}\n"
            f"  error {self.cross_validation_error:.3%} of left-out and {self.training_error:.3%} "
            "of training samples"
        )

    def __repr__(self) -> str:
        where = "not fitted yet" if self.coefficients is None else repr(self.grid)
        return f"<RandomFeatureOperator, {self.features} features, {where}>"


class _Rows:
    """The features of all samples as a matrix that is made block by block."""

    def __init__(self, learned: RandomFeatureOperator, inputs: Any) -> None:
        self._learned, self._inputs = learned, inputs
        self._points = math.prod(inputs.shape[1:])
        self.shape = (inputs.shape[0] * self._points, learned.features)
        self.dtype = inputs.dtype

    def __getitem__(self, rows: slice) -> Any:
        first, last = rows.start // self._points, -(-rows.stop // self._points)
        some = self._inputs[first : max(last, first + 1), ...]
        made = self._learned._features(some, self.shape[1])
        skipped = first * self._points
        return made[rows.start - skipped : rows.stop - skipped, :]


def _grid_of(grid: Any, pairs: Pairs) -> Grid:
    """Return the grid, a periodic one on the unit box by default, checked."""
    shape = pairs.input_shape
    if grid is None:
        return Grid.uniform([(0.0, 1.0)] * len(shape), shape, kind="periodic", like=pairs.inputs)
    known = Grid.of(grid)
    if known.shape != shape:
        raise ValueError(f"samples have shape {shape} but the grid has {known.shape}")
    return known


def _modes(modes: Any, shape: Sequence[int]) -> list[int]:
    """Return the highest wave number of every axis."""
    if modes is None:
        return [min((n - 1) // 2, _highest) for n in shape]
    return modes_of(modes, shape)
