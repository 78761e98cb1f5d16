"""Fits of a structure: a ridge that is chosen, an error of samples that were held out."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._validation import require_tolerance
from structlin.matrices import LinearOperator
from structlin.operators._samples import require_samples
from structlin.operators._storage import Stored
from structlin.operators.errors import relative_errors
from structlin.operators.structured._pairs import Pairs


@dataclass(frozen=True, eq=False)
class Estimate:
    """What one least-squares fit gives: the operator, and how its iteration went."""

    operator: LinearOperator
    converged: bool = True
    iterations: int = 1


@dataclass(frozen=True, eq=False)
class StructuredFit(Stored):
    """A structured linear map that was fitted to pairs of inputs and outputs.

    Attributes
    ----------
    operator : LinearOperator
        The map, fitted to all samples: ``operator @ x`` for an input as a vector, in C order.
    held_out_error : float
        The mean of ``‖predicted − true‖ / ‖true‖`` over samples that the fit had not seen, by an
        operator that was fitted without them; NaN if none were held out. Outputs that are zero
        do not count.
    training_error : float
        The same over all samples, by the operator that was fitted to them.
    ridge : float
        The regularisation that was used.
    converged : bool
        Whether the iteration has settled; direct fits always have.
    iterations : int
        How many sweeps it took.
    input_shape, output_shape : tuple of int
        The shapes of one input and one output.
    """

    operator: LinearOperator
    held_out_error: float
    training_error: float
    ridge: float
    converged: bool
    iterations: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def predict(self, inputs: Any) -> Any:
        """Return the outputs, (n, …) as in the fit, of inputs (n, …).

        Raises
        ------
        ValueError
            If the inputs have another shape than those of the fit, or a NaN or Inf.
        """
        inputs = require_samples("inputs", inputs, self.input_shape)
        namespace(inputs, self.operator)
        return applied(self.operator, inputs, self.output_shape)

    def __repr__(self) -> str:
        return (
            f"<StructuredFit {self.operator!r}, error {self.held_out_error:.3g} of held-out and "
            f"{self.training_error:.3g} of all samples>"
        )


def applied(operator: LinearOperator, inputs: Any, output_shape: tuple[int, ...]) -> Any:
    """Return the operator's outputs for a batch of inputs (n, …)."""
    xp, n = namespace(inputs), inputs.shape[0]
    X = xp.reshape(inputs, (n, math.prod(inputs.shape[1:])))
    Y = operator @ xp.matrix_transpose(X)
    return xp.reshape(xp.matrix_transpose(Y), (n, *output_shape))


def mean_error(operator: LinearOperator, pairs: Pairs) -> float:
    """Return the mean relative error of an operator, which is in the units of the data."""
    X, true = pairs.rows()
    found = applied(operator, X, tuple(true.shape[1:])) / pairs.gain
    return mean_of(relative_errors(found, true))


def mean_of(errors: Any) -> float:
    """Return the mean of relative errors; an output that is zero has none."""
    xp = namespace(errors)
    known = xp.isfinite(errors)
    total = xp.sum(xp.where(known, errors, xp.zeros_like(errors)))
    return float(total) / max(int(xp.count_nonzero(known)), 1)


def fitted(
    pairs: Pairs,
    estimate: Callable[[Pairs, float], Estimate],
    ridge: float | Sequence[float],
    held_out: float,
    name: str,
) -> StructuredFit:
    """Choose the ridge, measure the error of samples that were held out, and fit to all of them."""
    ridges = _ridges(ridge)
    held = _held(pairs.count, held_out, len(ridges))
    known = pairs[: pairs.count - held]
    best = ridges[0]
    if len(ridges) > 1:
        trial, rest = known[: known.count - held], known[known.count - held :]
        errors = [mean_error(estimate(trial, value).operator, rest) for value in ridges]
        best = ridges[errors.index(min(errors))]
    error = mean_error(estimate(known, best).operator, pairs[known.count :]) if held else math.nan
    final = estimate(pairs, best)
    if not final.converged:
        warnings.warn(
            f"{name} did not settle in {final.iterations} sweeps: raise max_iterations, or ridge",
            ConvergenceWarning,
            stacklevel=3,
        )
    return StructuredFit(
        operator=final.operator,
        held_out_error=error,
        training_error=mean_error(final.operator, pairs),
        ridge=best,
        converged=final.converged,
        iterations=final.iterations,
        input_shape=pairs.input_shape,
        output_shape=pairs.output_shape,
    )


def _ridges(ridge: Any) -> list[float]:
    values = list(ridge) if isinstance(ridge, Iterable) else [ridge]
    if not values or not all(
        isinstance(v, numbers.Real) and 0 <= float(v) < math.inf for v in values
    ):
        raise ValueError(f"ridge is {ridge!r}: pass a number >= 0, or several to choose from")
    return [float(v) for v in values]


def _held(count: int, held_out: Any, choices: int) -> int:
    """Return how many samples are held out."""
    held = math.ceil(count * require_tolerance("held_out", held_out))
    parts = 1 if choices == 1 else 2
    if choices > 1 and held == 0:
        raise ValueError("held_out is 0 but several ridges are given: samples must choose")
    if count - parts * held < 1:
        raise ValueError(
            f"there are {count} samples, and {parts * held} would be held out: pass more samples"
            + ("" if choices > 1 else ", or held_out=0")
        )
    return held


def solve_hermitian(matrix: Any, right: Any) -> Any:
    """Return ``right matrix⁻¹`` of stacks of positive semidefinite matrices.

    What is singular is made regular by rounding errors of its mean diagonal entry.
    """
    xp = namespace(matrix)
    n = matrix.shape[-1]
    eye = xp.eye(n, dtype=matrix.dtype, device=matrix.device)
    mean = xp.sum(matrix * eye, axis=(-2, -1), keepdims=True) / n
    tiny = float(xp.finfo(matrix.dtype).smallest_normal) ** 0.5
    floor = n * float(xp.finfo(matrix.dtype).eps) * mean + tiny
    regular = matrix + floor * eye
    flipped = xp.linalg.solve(
        xp.matrix_transpose(regular), xp.matrix_transpose(right)
    )  # X M = R is Mᵀ Xᵀ = Rᵀ
    return xp.matrix_transpose(flipped)


def dense_estimate(pairs: Pairs, penalty: float) -> Any:
    """Return the (m, n) matrix of regularised least squares, in the units of the pairs."""
    xp = pairs.xp
    X, Y = pairs.rows()
    n = X.shape[1]
    if pairs.count >= n:
        S, C = pairs.moments()
        eye = xp.eye(n, dtype=S.dtype, device=S.device)
        return solve_hermitian(S + penalty * eye, C)
    # fewer samples than numbers in one: Aᵀ = Xᴴ (X Xᴴ + penalty)⁻¹ Y
    adjoint = xp.conj(X) if xp.isdtype(X.dtype, "complex floating") else X
    adjoint = xp.matrix_transpose(adjoint)
    gram = xp.matmul(X, adjoint)
    eye = xp.eye(pairs.count, dtype=gram.dtype, device=gram.device)
    weights = solve_hermitian(gram + penalty * eye, adjoint)
    return xp.matrix_transpose(xp.matmul(weights, Y))
