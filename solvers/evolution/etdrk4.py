"""Exponential time differencing of order four."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin.solvers.evolution._weights import placed
from structlin.solvers.evolution.equation import SpectralEquation
from structlin.solvers.evolution.phi import etdrk4_weights, phi1


class Etdrk4:
    """Steps of length ``dt`` of the fourth-order scheme of Cox and Matthews.

    Its weights are zero for the modes that the space drops.
    """

    # where the stability region of the explicit Runge–Kutta method meets the imaginary axis
    reach = 2 * math.sqrt(2)
    exact = True  # for equations without a nonlinear part
    damps = True

    def __init__(self, equation: SpectralEquation, dt: float, dtype: Any) -> None:
        self.dt = dt
        z = equation.linear * dt
        if equation.nonlinear is None:
            self.whole, self.total = placed(equation, dtype, np.exp(z), dt * phi1(z))
            return
        w = etdrk4_weights(z)
        self.whole, self.half, self.stage, self.last_stage = placed(
            equation, dtype, w.whole, w.half, dt * w.stage, 2 * dt * w.stage
        )
        self.first, self.middle, self.last = placed(
            equation, dtype, dt * w.first, 2 * dt * w.middle, dt * w.last
        )

    def step(self, c: Any, t: float, N: Any, memory: Any) -> tuple[Any, Any]:
        """Return the modes at time ``t + dt``, and None: nothing is remembered."""
        middle = t + self.dt / 2
        Nc = N(c, t)
        half, push = self.half * c, self.stage * Nc
        a = half + push
        Na = N(a, middle)
        Nb = N(half + self.stage * Na, middle)
        Nd = N(self.half * a + self.last_stage * Nb - push, t + self.dt)
        return self.whole * c + self.first * Nc + self.middle * (Na + Nb) + self.last * Nd, None

    def leap(self, c: Any, steps: int, force: Any, memory: Any) -> tuple[Any, Any]:
        """Return the modes after one step, which is exact if the rest is a constant."""
        return (self.whole * c if force is None else self.whole * c + self.total * force), None
