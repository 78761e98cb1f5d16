"""Poisson's equation by finite volumes: direct where coefficients are constant, else iterated."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin.solvers._solution import Solution
from structlin.solvers._vectors import rescaled, rescaled_norms, unit_of
from structlin.solvers.elliptic._differences import Differences, Mean
from structlin.solvers.elliptic._direct import DirectSolver
from structlin.solvers.elliptic._samples import checked_samples
from structlin.solvers.elliptic.modes import Modes
from structlin.solvers.elliptic.variable import VariableSolver


class FiniteVolumes:
    """What `Poisson` is on grids of nodes, of cells, and on periodic ones: parameters are its own.

    Parameters
    ----------
    modes : Modes
        Of the grid and its sides.
    a : float or (*grid.shape,) array
    shift : float
    method : {"auto", "transform", "eigen", "pcg", "multigrid"}
    mean : {"harmonic", "arithmetic"}
    rtol : float or None
    maxiter : int
    imbalance : float
    """

    def __init__(
        self,
        modes: Modes,
        a: Any,
        shift: float,
        *,
        method: str,
        mean: Mean,
        rtol: float | None,
        maxiter: int,
        imbalance: float,
    ) -> None:
        self.modes, self.grid, self.imbalance = modes, modes.grid, imbalance
        constant = isinstance(a, float)
        if method in ("transform", "eigen") and not constant:
            raise ValueError(f"method is {method!r} but coef varies: pass 'pcg' or 'multigrid'")
        if method in ("transform", "eigen") and (method == "transform") != modes.fast:
            even = "no axis is graded or has" if modes.fast else "an axis is graded or has"
            raise ValueError(f"method is {method!r} but {even} Robin conditions: pass 'auto'")
        if not math.prod(modes.shape):  # every value is given
            a, constant, method = 1.0, True, "auto"
        elif self.grid.size == 1:
            a = a if constant else float(self.grid.xp.reshape(a, (-1,))[0])
            constant, method = True, "auto"
        iterated = method in ("pcg", "multigrid") or not constant
        field = self.grid.evaluate(a, "coef") if iterated and constant else a
        self._differences = Differences(modes, field, shift, mean)
        self._solver: DirectSolver | VariableSolver
        if iterated:
            self._solver = VariableSolver(self._differences, method, rtol, maxiter)
        else:
            self._solver = DirectSolver(self._differences)

    @property
    def method(self) -> str:
        """What was chosen."""
        return self._solver.method

    def solve(self, F: Any, boundary: Any) -> Any:
        """Return the solution on the grid."""
        r, data, unit = self._given(F, boundary)
        if isinstance(self._solver, DirectSolver):
            x = self._solver.solved(r)
        else:
            solution = self._solver.solution(r)
            _warn_unconverged(solution)
            x = solution.x
        return self._differences.filled(rescaled(x, unit), data)

    def solution(self, F: Any, boundary: Any) -> Solution:
        """Return the solution on the grid, and how it came about."""
        r, data, unit = self._given(F, boundary)
        found = self._solver.solution(r)
        _warn_unconverged(found)
        x = self._differences.filled(rescaled(found.x, unit), data)
        norms = rescaled_norms(found.residual_norms, unit)
        return dataclasses.replace(found, x=x, residual_norms=norms)

    def residual(self, U: Any, F: Any, boundary: Any) -> Any:
        """Return what is left of the equation, zero at nodes on Dirichlet sides."""
        U = checked_samples("U", U, self.grid)
        F = checked_samples("F", F, self.grid)
        r, _ = self._differences.right_hand_side(F, boundary)
        x = U if self.modes.whole else U[(..., *self.modes.interior)]
        try:
            shape = np.broadcast_shapes(tuple(x.shape), tuple(r.shape))
        except ValueError:
            d = self.grid.ndim
            raise ValueError(
                f"U has samples {tuple(U.shape[: U.ndim - d])} but F has "
                f"{tuple(F.shape[: F.ndim - d])}: they must broadcast"
            ) from None
        dtype = self.modes.xp.result_type(x.dtype, r.dtype)
        x, r = (
            self.modes.xp.broadcast_to(self.modes.xp.astype(v, dtype, copy=False), shape)
            for v in (x, r)
        )
        rest = self._differences.residual(x, r)
        if self._solver.singular:  # constants are out of reach
            rest = rest - self._differences.means(rest)
        return self._differences.filled(rest, {})

    def _given(self, F: Any, boundary: Any) -> tuple[Any, Any, float]:
        """Return what the unknowns are solved for, in a unit, and the data of the sides."""
        F = checked_samples("F", F, self.grid)
        with np.errstate(over="ignore", invalid="ignore"):
            r, data = self._differences.right_hand_side(F, boundary)
        unit = unit_of(r, None)
        if unit != 1:
            if not math.isfinite(unit):
                raise ValueError("F and boundary are too large: scale them")
            r = r / unit
        if self._solver.singular and math.prod(r.shape):
            r = self._balanced(r, unit)
        return r, data, unit

    def _balanced(self, r: Any, unit: float) -> Any:
        """Return right-hand sides of mean zero; raise if the mean is no rounding error."""
        xp, means = self.modes.xp, self._differences.means
        mean, size = means(r), means(xp.abs(r))
        eps = float(xp.finfo(r.dtype).eps)
        wrong = xp.abs(mean) > (64 * eps + self.imbalance) * size
        if bool(xp.any(wrong)):
            flat = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int8)))
            volume = math.prod(high - low for low, high in self.grid.box)
            total = abs(complex(xp.reshape(mean, (-1,))[flat])) * volume * unit
            scale = float(xp.reshape(size, (-1,))[flat]) * volume * unit
            batch = tuple(r.shape[: r.ndim - self.grid.ndim])
            index = ", ".join(str(int(i)) for i in np.unravel_index(flat, batch)) if batch else ""
            sample = f" of sample {index}" if index else ""
            raise ValueError(
                f"|∫ f + ∮ a g|{sample} is {total:.3g}, with ∫ |f| = {scale:.3g}: where "
                "nothing but slopes is given and the shift is 0, there is a solution only if it is "
                "0. Subtract the mean of F, or pass imbalance= to have so large a part of ∫ |f| "
                "taken off"
            )
        return r - mean


def _warn_unconverged(solution: Solution) -> None:
    if not solution.converged:
        cure = "raise maxiter or loosen rtol"
        if solution.status == "stagnated":
            cure = "rounding errors allow no smaller one, loosen rtol"
        elif solution.choices["method"] == "pcg":
            cure = "raise maxiter, loosen rtol, or pass method='multigrid'"
        warnings.warn(
            f"the solver stopped with status {solution.status!r} after {solution.iterations} "
            f"iterations, residual norm {solution.residual_norms[-1]:.3g}: {cure}",
            ConvergenceWarning,
            stacklevel=4,
        )
