"""Covariances of spectral mixtures at lags, their derivatives, and gradients in the parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from structlin._backend import namespace

Family = Literal["student", "gaussian"]


class MixtureRows:
    """``k(d) = Σ_q w_q γ_q(d) cos(2π μ_q d)`` and its derivatives in ``d``, at lags.

    Parameters
    ----------
    lags : (n,) array
    parameters : sequence of three (Q,) arrays
        ``log w``; the logarithm of the inverse length scale; the frequencies ``μ``.
    family : {"student", "gaussian"}
        ``γ = (1 + αd + α²d²/3) exp(−αd)`` with ``α = √5 exp(ℓ)``, whose spectrum is a Student-t
        density with five degrees of freedom; or ``γ = exp(−a d²)`` with ``a = exp(ℓ)``.
    top : int
        The highest order wanted, 0 to 2.

    Notes
    -----
    With ``m = 2πμ``, ``k' = Σ w (γ' C − mγ S)`` and ``k″ = Σ w (γ″ C − 2mγ' S − m²γ C)``, where
    ``C`` and ``S`` are ``cos md`` and ``sin md``. ``O(n Q)`` operations.
    """

    def __init__(self, lags: Any, parameters: Sequence[Any], family: Family, top: int) -> None:
        self.xp = namespace(lags)
        log_weights, log_scales, frequencies = parameters
        self.lags = lags[:, None]
        self.weights = self.xp.exp(log_weights)
        self.turns = 2 * math.pi * frequencies
        phases = self.lags * self.turns[None, :]
        self.cosines, self.sines = self.xp.cos(phases), self.xp.sin(phases)
        self.envelopes = _student if family == "student" else _gaussian
        self.gamma = self.envelopes(self.xp, self.lags, self.xp.exp(log_scales)[None, :], top + 1)
        # γ depends on αd alone, and α is exp(ℓ) times a number, or its square root
        self.power = 1.0 if family == "student" else 0.5
        self.top = top

    def _terms(self, order: int) -> Any:
        """Return the (n, Q) terms of a derivative, without their weights."""
        g, m, C, S = self.gamma, self.turns, self.cosines, self.sines
        if order == 0:
            return g[0] * C
        if order == 1:
            return g[1] * C - m * g[0] * S
        return (g[2] - m * m * g[0]) * C - 2 * m * g[1] * S

    def rows(self) -> list[Any]:
        """Return the (n,) values of the derivatives of the orders 0 to ``top``."""
        return [self._terms(order) @ self.weights for order in range(self.top + 1)]

    def gradient(self, cotangents: Mapping[int, Any]) -> list[Any]:
        """Return the gradients of ``Σ_order ⟨cotangent, row⟩`` in the three parameters.

        Parameters
        ----------
        cotangents : mapping of int to (n,) array
            By order.
        """
        g, m, C, S, d = self.gamma, self.turns, self.cosines, self.sines, self.lags
        by_weight, by_scale, by_turn = 0.0, 0.0, 0.0
        for order, c in cotangents.items():
            by_weight = by_weight + c @ self._terms(order)
            if order == 0:
                scale = d * g[1] * C
                turn = -d * g[0] * S
            elif order == 1:
                scale = (g[1] + d * g[2]) * C - m * d * g[1] * S
                turn = -(d * g[1] + g[0]) * S - m * d * g[0] * C
            else:
                scale = (2 * g[2] + d * g[3] - m * m * d * g[1]) * C
                scale = scale - 2 * m * (g[1] + d * g[2]) * S
                turn = (m * m * d * g[0] - d * g[2] - 2 * g[1]) * S
                turn = turn - 2 * m * (d * g[1] + g[0]) * C
            by_scale = by_scale + c @ scale
            by_turn = by_turn + c @ turn
        w = self.weights
        return [w * by_weight, self.power * w * by_scale, 2 * math.pi * w * by_turn]


def _student(xp: Any, d: Any, inverse: Any, top: int) -> list[Any]:
    """Return ``(1 + αd + α²d²/3) exp(−αd)`` at ``d ≥ 0`` and its derivatives up to ``top ≤ 3``."""
    a = math.sqrt(5) * inverse
    t = a * d
    decay = xp.exp(-t)
    made: list[Callable[[], Any]] = [
        lambda: (1 + t + t * t / 3) * decay,
        lambda: -(a / 3) * t * (1 + t) * decay,
        lambda: -(a * a / 3) * (1 + t - t * t) * decay,
        lambda: (a**3 / 3) * t * (3 - t) * decay,
    ]
    return [f() for f in made[: top + 1]]


def _gaussian(xp: Any, d: Any, a: Any, top: int) -> list[Any]:
    """Return ``exp(−a d²)`` and its derivatives up to ``top ≤ 3``."""
    t = a * d
    bell = xp.exp(-t * d)
    made: list[Callable[[], Any]] = [
        lambda: bell,
        lambda: -2 * t * bell,
        lambda: (4 * t * t - 2 * a) * bell,
        lambda: (12 * a - 8 * t * t) * t * bell,
    ]
    return [f() for f in made[: top + 1]]
