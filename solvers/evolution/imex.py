"""Second-order steps that treat the linear part implicitly and the rest explicitly."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin.solvers.evolution._weights import placed
from structlin.solvers.evolution.equation import SpectralEquation


class Cnab2:
    """Crank–Nicolson with the rest of the equation extrapolated (Adams–Bashforth).

        ``(1 − h L/2) c' = (1 + h L/2) c + h (3 N − N_before)/2``

    The first step takes ``N`` in place of the extrapolation.
    """

    # Adams–Bashforth steps grow slowly on the imaginary axis: by y⁴/4, 2 % a step here
    reach = 0.5
    exact = False
    damps = False

    def __init__(self, equation: SpectralEquation, dt: float, dtype: Any) -> None:
        z = equation.linear * dt
        _require_growth(equation, dt, 2.0)
        self._equation, self._z, self.dt, self._dtype = equation, z, dt, dtype
        if equation.nonlinear is not None:
            self.keep, self.gain = placed(
                equation, dtype, (1 + z / 2) / (1 - z / 2), dt / (1 - z / 2)
            )
        self._powers: dict[int, Any] = {}

    @staticmethod
    def growth(z: Any) -> Any:
        """Return the logarithm of what a step multiplies modes by: near zero for large ``z``."""
        return np.log(np.maximum(np.abs((1 + z / 2) / (1 - z / 2)), np.finfo(float).tiny))

    def step(self, c: Any, t: float, N: Any, memory: Any) -> tuple[Any, Any]:
        """Return the modes at time ``t + dt``, and ``N`` at time ``t`` to remember."""
        now = N(c, t)
        rest = now if memory is None else 1.5 * now - 0.5 * memory
        return self.keep * c + self.gain * rest, now

    def leap(self, c: Any, steps: int, force: Any, memory: Any) -> tuple[Any, Any]:
        """Return what so many steps make of the modes if the rest is a constant, in one."""
        if steps not in self._powers:
            power = _power((1 + self._z / 2) / (1 - self._z / 2), steps)
            total = () if force is None else (self._total(power, steps),)
            self._powers[steps] = placed(self._equation, self._dtype, power, *total)
        keep, *gain = self._powers[steps]
        return (keep * c if force is None else keep * c + gain[0] * force), None

    def _total(self, power: Any, steps: int) -> Any:
        """Return ``h (1 + G + … + Gᵐ⁻¹)/(1 − z/2)``, which is ``h (Gᵐ − 1)/z``."""
        z = self._z
        small = np.abs(z) < 0.5
        near = np.where(small, z, 0.1)
        # Gᵐ − 1 without cancellation
        tiny = np.expm1(steps * (np.log1p(near / 2) - np.log1p(-near / 2)))
        divisor = np.where(z == 0, 1, z)
        return self.dt * np.where(z == 0, steps, np.where(small, tiny, power - 1) / divisor)


class Sbdf2:
    """Backward differences of order two with the rest of the equation extrapolated.

        ``(3/2 − h L) c' = 2 c − c_before/2 + h (2 N − N_before)``

    The first step is ``(1 − h L) c' = c + h N``.
    """

    # as for `Cnab2`: extrapolation grows slowly on the imaginary axis
    reach = 0.5
    exact = False
    damps = True

    def __init__(self, equation: SpectralEquation, dt: float, dtype: Any) -> None:
        z = equation.linear * dt
        _require_growth(equation, dt, 1.0)
        self._equation, self._z, self.dt, self._dtype = equation, z, dt, dtype
        self.share, self.gain, self.start, self.push = placed(
            equation, dtype, 1 / (1.5 - z), dt / (1.5 - z), 1 / (1 - z), dt / (1 - z)
        )
        self._powers: dict[int, Any] = {}

    def step(self, c: Any, t: float, N: Any, memory: Any) -> tuple[Any, Any]:
        """Return the modes at time ``t + dt``, and the modes and ``N`` at time ``t``."""
        now = N(c, t)
        if memory is None:
            return self.start * c + self.push * now, (c, now)
        before, rest = memory
        return self.share * (2 * c - 0.5 * before) + self.gain * (2 * now - rest), (c, now)

    def leap(self, c: Any, steps: int, force: Any, memory: Any) -> tuple[Any, Any]:
        """Return what so many steps make of the modes if the rest is a constant, in one."""
        if memory is None:
            new = self.start * c if force is None else self.start * c + self.push * force
            return (new, c) if steps == 1 else self.leap(new, steps - 1, force, c)
        if steps not in self._powers:
            self._powers[steps] = placed(self._equation, self._dtype, *self._affine(steps))
        a, b, g, a1, b1, g1 = self._powers[steps]
        new, before = a * c + b * memory, a1 * c + b1 * memory
        return (new, before) if force is None else (new + g * force, before + g1 * force)

    def _affine(self, steps: int) -> Any:
        """Return what so many steps make of the modes, those before, and the force.

        These are the first two rows of the power of a matrix of 3 × 3, whose last is (0, 0, 1).
        """
        share = 1 / (1.5 - self._z)
        one, zero = np.ones_like(share), np.zeros_like(share)
        step = (2 * share, -0.5 * share, self.dt * share, one, zero, zero)
        return _power(step, steps, _composed)


def _composed(p: Any, q: Any) -> Any:
    """Return the first two rows of the product of two such matrices."""
    a, b, g, c, d, h = p
    e, f, k, i, j, m = q
    return (
        a * e + b * i,
        a * f + b * j,
        a * k + b * m + g,
        c * e + d * i,
        c * f + d * j,
        c * k + d * m + h,
    )


def _power(x: Any, exponent: int, product: Callable[[Any, Any], Any] = operator.mul) -> Any:
    """Return a positive power by squares: far faster than by logarithms."""
    result: Any = None
    while exponent:
        if exponent % 2:
            result = x if result is None else product(result, x)
        exponent //= 2
        x = product(x, x) if exponent else x
    return result


def _require_growth(equation: SpectralEquation, dt: float, limit: float) -> None:
    """Raise where implicit steps are too long for modes that grow."""
    fastest = float(np.max(np.real(equation.linear), initial=0.0))
    if fastest * dt >= limit:
        raise ValueError(
            f"dt is {dt:.3g} but modes of {equation.name} grow at the rate {fastest:.3g}: implicit "
            f"steps must be shorter than {limit / fastest:.3g}"
        )
