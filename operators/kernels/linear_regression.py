"""The linear map between function spaces: the baseline of every other one."""

from __future__ import annotations

import math
from typing import Any, Self

from structlin._backend import namespace
from structlin.operators._storage import Stored
from structlin.operators.kernels._features import packed, unpacked
from structlin.operators.kernels._predicting import OnGrids
from structlin.operators.kernels._selection import compressed

# ridge parameters that are tried, relative to the largest singular value; 0 is least squares
_ridges = (0.0, *(10.0 ** (k / 2) for k in range(-14, 1)))
# a sample that alone shows a direction has all but this of its own weight; chosen, not tuned
_alone = 1e-8


class LinearOperatorRegression(Stored, OnGrids):
    """The affine map from inputs to outputs, by regularised least squares.

    The ridge parameter is chosen by leave-one-out in closed form. It is what a kernel has to beat,
    and the right thing for linear equations, where it is exact.

    Attributes
    ----------
    ridge : float
        The parameter that was chosen, relative to the largest singular value of centred inputs.
    rank : int
        How many directions the inputs have.
    leave_one_out : float
        The mean relative error at samples that were left out, of those that do not alone show a
        direction of inputs.

    Notes
    -----
    With the singular values ``s`` and vectors ``U, V`` of the centred inputs, the map of the ridge
    ``ρ`` is ``V diag(s/(s² + ρ²)) Uᵀ`` times the outputs. The residual of a sample that is left out
    is ``(y − ŷ)_i / (1 − h_i)`` with ``h = Σ U² s²/(s² + ρ²) + 1/n``. ``O(n m min(n, m))`` for
    inputs of ``m`` values; where these are more than the samples, singular values are roots of
    eigenvalues, of which half the digits are left. Directions below rounding errors count as none.

    Computed in double precision; predictions are of the precision of the outputs. Complex functions
    are pairs of real ones: the map is linear over the real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = np.random.default_rng(0).standard_normal((20, 5))
    >>> learned = LinearOperatorRegression().fit(inputs, np.cumsum(inputs, axis=1))
    >>> learned.predict(np.ones((1, 5))).round(12)
    array([[1., 2., 3., 4., 5.]])
    """

    def fit(self, inputs: Any, outputs: Any, *, grid: Any = None, output_grid: Any = None) -> Self:
        """Learn from pairs.

        Parameters
        ----------
        inputs : (n, ...) array
            A function for every sample.
        outputs : (n, ...) array
            What the map makes of them.
        grid, output_grid : Grid, optional
            The points of inputs and of outputs.

        Returns
        -------
        LinearOperatorRegression
            Itself.

        Raises
        ------
        ValueError
            If shapes disagree, there are fewer than three samples, or a sample has a NaN or Inf.
        """
        U, V = self._remember(inputs, outputs, grid, output_grid)
        xp = namespace(U)
        X, Y = packed(U), packed(V)
        n = X.shape[0]
        self._center, self._level = xp.mean(X, axis=0), xp.mean(Y, axis=0)
        X = X - self._center
        unit = float(xp.max(xp.abs(X))) or 1.0
        left, s, right = _decomposed(X / unit)
        self.rank = int(s.shape[0])
        level = xp.max(xp.abs(Y))
        self._scale = float(level) or 1.0
        Y = (Y - self._level) / self._scale
        sizes = sample_sizes(V) / self._scale
        coefficients = xp.matmul(xp.matrix_transpose(left), Y)
        few = compressed(Y)
        seen = xp.matmul(xp.matrix_transpose(left), few)
        bends = [s * s / (s * s + (ridge * float(s[0])) ** 2) for ridge in _ridges]
        spares = [1 - 1 / n - xp.matmul(left * left, bend) for bend in bends]
        # what only one sample shows cannot be learned without it, whatever the ridge
        known = xp.astype(spares[0] > _alone, xp.float64)
        count = float(xp.sum(known))
        ridges = _ridges
        if not count:  # of as many directions as samples, least squares leave no error
            known, count = xp.ones_like(known), float(n)
            bends, spares, ridges = bends[1:], spares[1:], ridges[1:]
        errors = []
        for bend, spare in zip(bends, spares, strict=True):
            rest = few - xp.matmul(left * bend, seen)
            ratio = xp.sqrt(xp.sum(rest * rest, axis=1)) / sizes
            ratio = known * ratio / xp.where(known > 0, spare, xp.ones_like(spare))
            errors.append(float(xp.sum(ratio)) / count)
        chosen = errors.index(min(errors))
        self.leave_one_out, self.ridge = errors[chosen], ridges[chosen]
        gains = bends[chosen] / s
        # two factors, as their product has as many entries as inputs have values times outputs
        self._right, self._left = right * gains, coefficients * (self._scale / unit)
        self.fitted = True
        return self

    def _predicted(self, U: Any, *, return_std: bool) -> tuple[Any, Any]:
        xp = namespace(U)
        if return_std:
            raise ValueError("least squares have no standard deviation: take KernelOperator")
        seen = xp.matmul(packed(U) - self._center, self._right)
        rows = xp.matmul(seen, self._left) + self._level
        return unpacked(rows, self.output_shape, is_complex=self._complex_outputs), None

    def report(self) -> str:
        """Return a line on what was learned."""
        self._require_fitted()
        return (
            f"linear: {self.samples} samples, rank {self.rank}, ridge {self.ridge:.1e}, "
            f"leave-one-out {100 * self.leave_one_out:.3g} %"
        )

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name}, not fitted>" if not self.fitted else f"<{name} {self.report()}>"


def sample_sizes(V: Any) -> Any:
    """Return the norms of samples; where one is zero, the mean of them."""
    xp = namespace(V)
    rows = packed(V)
    unit = float(xp.max(xp.abs(rows))) or 1.0
    sizes = xp.sqrt(xp.sum((rows / unit) ** 2, axis=1)) * unit
    mean = xp.mean(sizes)
    mean = mean if float(mean) > 0 else xp.ones_like(mean)
    return xp.where(sizes > 0, sizes, mean)


def _decomposed(X: Any) -> tuple[Any, Any, Any]:
    """Return singular vectors and values above rounding errors, one at least."""
    xp = namespace(X)
    n, m = X.shape
    eps = float(xp.finfo(X.dtype).eps)
    if m <= n:
        left, s, right = xp.linalg.svd(X, full_matrices=False)
        right, floor = xp.matrix_transpose(right), eps * n
    else:  # by squares, of which half the digits are lost
        squares, left = xp.linalg.eigh(xp.matmul(X, xp.matrix_transpose(X)))
        left = xp.flip(left, axis=1)
        s = xp.sqrt(xp.flip(xp.where(squares > 0, squares, xp.zeros_like(squares))))
        right, floor = None, math.sqrt(eps * n)
    if float(s[0]) == 0.0:  # all inputs are the same
        s = xp.ones_like(s)
    count = max(int(xp.sum(xp.astype(s > floor * s[0], xp.int64))), 1)
    left, s = left[:, :count], s[:count]
    if right is None:
        return left, s, xp.matmul(xp.matrix_transpose(X), left) / s
    return left, s, right[:, :count]
