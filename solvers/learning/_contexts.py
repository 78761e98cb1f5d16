"""What can be read off an operator at once that tells how it responds to relaxation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._kernels.stencil import along
from structlin.matrices import GridOperator, aslinearoperator, diagonal
from structlin.solvers._vectors import unwrapped

operator_bounds = ((-6.0, 0.0), (0.0, 9.0))  # of log10 of the dominance, and of the rows


def operator_context(A: Any) -> tuple[float, float]:
    """Return ``(log₁₀ δ, log₁₀ n)`` of a matrix, inside `operator_bounds`.

    ``δ = 1ᵀA1 / 1ᵀD1`` with the diagonal ``D`` is the mean sum of a row over the mean diagonal: by
    how much, on the average, the rows are diagonally dominant. It is positive if ``A`` is definite,
    and the least conceivable is returned if it is not, or there is no telling: what is wrong
    with a matrix is left for the solver to say. Costs a pass over what ``A`` stores.
    """
    try:
        dominance = _grid_dominance(A) if isinstance(A, GridOperator) else _dominance(A)
        rows = A.shape[0]
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return operator_bounds[0][0], operator_bounds[1][0]
    (least, most), (smallest, largest) = operator_bounds
    logarithm = math.log10(dominance) if 0 < dominance < math.inf else least
    size = math.log10(max(rows, 1))
    return min(max(logarithm, least), most), min(max(size, smallest), largest)


def _grid_dominance(A: GridOperator) -> float:
    """Return the dominance of a stencil: inner faces cancel, those of the sides and shifts stay."""
    xp = A.xp

    def mean(x: Any) -> float:
        if x.size == 1:
            x, unit = x[(0,) * x.ndim], 1.0
        else:
            unit = float(xp.max(xp.abs(x))) or 1.0  # their sum might overflow
            x = xp.mean(x / unit)
        return unit * complex(x).real

    middle = mean(A.coefficients)
    total = mean(A.shift) / middle
    for axis, (weight, periodic) in enumerate(zip(A.weights, A.periodic, strict=True)):
        if periodic:
            continue
        if weight.size == 1:  # a constant, as a rule
            total += 2 * (mean(weight) / middle) / A.grid[axis]
        else:
            low, high = along(weight, axis, None, 1), along(weight, axis, -1, None)
            total += (mean(low) + mean(high)) / middle / A.grid[axis]
    return total if middle > 0 else math.nan


def _dominance(A: Any) -> float:
    A = unwrapped(A)
    xp = namespace(A)
    with np.errstate(all="ignore"):
        if hasattr(A, "tocsr"):
            middle = A.diagonal()
            unit = abs(middle).max()
            total = (A.tocsr().data / unit).sum()
        else:
            operator = aslinearoperator(A)
            middle = diagonal(operator)
            unit = xp.max(xp.abs(middle))
            ones = xp.ones(operator.shape[0], dtype=middle.dtype, device=operator.device)
            total = xp.sum(operator @ (ones / unit))
        whole = xp.sum(middle / unit)
        if xp.isdtype(whole.dtype, "complex floating"):
            total, whole = xp.real(total), xp.real(whole)
        return float(total) / float(whole) if whole > 0 else math.nan
