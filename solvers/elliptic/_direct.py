"""Constant coefficients: division in the space of modes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin._norm import norm
from structlin.solvers._solution import Solution
from structlin.solvers.elliptic._differences import Differences
from structlin.solvers.elliptic.modes import Modes

# numbers of samples solved together on a CPU, so that all steps find them in its cache: by trial,
# up to twice as fast as a large batch at once, on grids of 16² to 512²
_in_cache = 2**16


class DirectSolver:
    """``(−a Δ + shift) u = r``, prepared for many right-hand sides.

    Raises
    ------
    ValueError
        If the operator is singular because of its shift: the message names the mode.
    """

    def __init__(self, differences: Differences) -> None:
        self.differences, self.modes = differences, differences.modes
        self.xp = self.modes.xp
        self.shift, scale = differences.shift, differences.coef
        self.singular = self.shift == 0 and self.modes.has_constants
        with np.errstate(over="ignore"):
            total = scale * self.modes.eigenvalues + self.shift
        if not bool(self.xp.all(self.xp.isfinite(total))):
            raise ValueError(
                f"coef is {scale:g}, and an eigenvalue of −a Δ overflows: divide the equation by it"
            )
        _require_regular(self.modes, self.shift / scale, self.singular)
        self._corrections = _corrections(self.modes, self.shift / scale)
        if self.singular:  # the constant part of a solution is free, and chosen zero
            total[(0,) * len(self.modes.shape)] = math.inf
        with np.errstate(over="ignore"):  # looked at where the data type is known
            self._reciprocals = 1 / total
        self._symbols: dict[Any, Any] = {}

    @property
    def method(self) -> str:
        """What the solver does."""
        return "transform" if self.modes.fast else "eigen"

    def _symbol_in(self, dtype: Any) -> Any:
        """Return the reciprocals of the eigenvalues in a real data type."""
        if dtype not in self._symbols:
            with np.errstate(over="ignore"):
                symbol = self.modes.transforms.multiplier(self._reciprocals)
                symbol = self.xp.astype(symbol, dtype, copy=False)
            if not bool(self.xp.all(self.xp.isfinite(symbol))):
                raise ValueError(
                    f"coef or the shift is so small that solutions overflow {dtype}: divide the "
                    "equation by it"
                )
            self._symbols[dtype] = symbol
        return self._symbols[dtype]

    def solved(self, r: Any) -> Any:
        """Return the unknowns for right-hand sides ``(..., *shape)``, real or complex."""
        xp = self.xp
        if xp.isdtype(r.dtype, "complex floating"):
            real, imaginary = (self.solved(part) for part in (xp.real(r), xp.imag(r)))
            return xp.astype(real, r.dtype) + 1j * imaginary
        per_sample = math.prod(self.modes.shape)
        if is_numpy(xp) and r.size > max(per_sample, _in_cache):
            samples = xp.reshape(r, (-1, *self.modes.shape))
            out, step = xp.empty_like(samples, order="C"), max(_in_cache // per_sample, 1)
            for start in range(0, samples.shape[0], step):
                out[start : start + step] = self.solved(samples[start : start + step])
            return xp.reshape(out, r.shape)
        transforms, symbol = self.modes.transforms, self._symbol_in(r.dtype)
        x = transforms.multiplied(r, symbol)
        if r.dtype == xp.float64:
            for _ in range(self._corrections):
                x = x + transforms.multiplied(self.differences.residual(x, r), symbol)
        return x

    def solution(self, r: Any) -> Solution:
        """Return the unknowns, and how large the residual is."""
        x = self.solved(r)
        residual = norm(self.differences.residual(x, r)) if len(self.modes.shape) <= 3 else np.nan
        return Solution(x, "converged", 0, np.asarray([residual]), {"method": self.method})


def _corrections(modes: Modes, shift: float) -> int:
    """Return how many corrections by the residual make up for rounding in the eigenvalues.

    Those of strongly graded axes have errors that are small beside the largest one only. With such
    a relative error ``e`` of the smallest, ``k`` corrections leave about ``e^(k + 1)``.
    """
    smallest = abs(modes.lowest + shift)
    error = modes.rounding / smallest if smallest else 0.0
    # the bound is pessimistic: chosen by trial on spacings of ratios from 10² to 10⁶
    if error < 1e-8 or len(modes.shape) > 3:
        return 0
    return 1 if error < 1e-4 else 3


def _require_regular(modes: Modes, shift: float, singular: bool) -> None:
    """Raise if minus the shift is an eigenvalue of the differences, or of the equation."""
    if singular or not math.prod(modes.shape):
        return
    if modes.definite and shift >= 0:
        if modes.lowest + shift <= modes.rounding:
            raise ValueError(
                "the spacings of an axis differ by so much, or a number of Robin is so large or "
                "small, that the smallest eigenvalue of −Δ is lost in rounding errors: take "
                "spacings of a ratio below 10⁶ or so, and 'dirichlet' or 'neumann'"
            )
        return
    if modes.lowest + shift > modes.rounding + 1e-12 * abs(shift):
        return
    xp, eps = modes.xp, float(np.finfo(np.float64).eps)
    for values, rounding, whose in (
        (modes.eigenvalues, modes.rounding, "the differences"),
        (modes.exact_eigenvalues, 0.0, "the equation"),
    ):
        if values is None:
            continue
        size = xp.abs(values) + abs(shift)
        near = xp.abs(values + shift) <= 16 * eps * size + rounding
        if bool(xp.any(near)):
            flat = int(xp.argmax(xp.astype(xp.reshape(near, (-1,)), xp.int8)))
            index = [int(i) for i in np.unravel_index(flat, modes.shape)]
            value = float(xp.reshape(values, (-1,))[flat])
            raise ValueError(
                f"shift/a is {shift:.10g}, minus the eigenvalue {value:.10g} of −Δ in {whose}, "
                f"{modes.names(index)}: there is no solution, or more than one; change the shift "
                "(or the wavenumber)"
            )
