"""Thompson sampling: play the arm that is best in one draw from what is believed of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from structlin._kernels import arm_regressions
from structlin.solvers.learners._arm_regressions import ArmRegressions, restored
from structlin.solvers.learners._arms import check_factor, compiled
from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._learner import Outcome, Play

# by trial on sequences of SOR solves with 196 unknowns; factors of ten change little
_prior = 0.01


class ThompsonSampling(ArmRegressions):
    """Gaussian Thompson sampling, with a Bayesian linear model of every arm's loss.

    Parameters
    ----------
    arms : int or sequence
        Number of arms, or the values that they stand for.
    contexts : (low, high), sequence of such pairs, or None
        The range of the context, or of each of its components; None to look at no context.
    degree : int
        Total degree of the polynomials in the context.
    least : float
        The least loss conceivable, which is subtracted from all: 1 for iteration counts.
    discount : float
        Factor in (0, 1] by which every round lessens the weight of those before it. Below 1, the
        learner follows losses that drift, and never stops exploring.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    arms : int
        Number of arms.
    values : tuple
        What the arms stand for; their numbers by default.
    rounds : int
        Losses told so far.

    Raises
    ------
    ValueError
        If there is no arm, or a number is outside its range.

    Notes
    -----
    The loss of arm ``i`` is ``⟨θ_i, φ⟩ + ε`` with ``ε ~ N(0, s_i²)``, a priori
    ``θ_ij ~ N(0, s_i²/λ_j)``, and the products ``φ_j`` of Chebyshev polynomials of the context;
    ``λ_j = 0.01 (1 + degree of φ_j)⁴`` expects a smooth dependence. A play draws

        ``N(⟨θ̂_i, φ⟩, s_i² φᵀ (G_i + Λ)⁻¹ φ)``,  ``θ̂_i = (G_i + Λ)⁻¹ m_i``

    for every arm, with ``G_i = Σ φ φᵀ`` and ``m_i = Σ loss φ`` over its rounds, and takes the
    least [1]_. The variances are ``s_i² = (s² + r_i)/(1 + n_i)``: what the fit leaves unexplained
    in the ``n_i`` losses of the arm, and one observation's worth of the mean square ``s²`` of all
    losses, so that two equal losses do not make an arm certain. The prior is hopeful, as if an
    arm cost nothing: every arm is tried.

    A decision costs ``O(arms m²)`` for ``m`` coefficients, an update ``O(m³)``, or
    ``O(arms m³)`` with a discount. The probability of a draw has no closed form, and is NaN in the
    `Play`. A censored loss counts as the largest told so far, or as itself if that is larger.

    References
    ----------
    .. [1] S. Agrawal and N. Goyal, "Thompson sampling for contextual bandits with linear payoffs",
       ICML 2013.

    Examples
    --------
    >>> learner = ThompsonSampling(["sor", "cg"], rng=0)
    >>> plays = []
    >>> for _ in range(100):
    ...     plays.append(learner.ask())
    ...     learner.tell(plays[-1], {"sor": 30, "cg": 20}[plays[-1].value])
    >>> sum(play.value == "cg" for play in plays) > 90
    True
    """

    def __init__(
        self,
        arms: int | Sequence[Any],
        contexts: Sequence[Any] | None = None,
        *,
        degree: int = 5,
        least: float = 0.0,
        discount: float = 1.0,
        rng: Any = None,
    ) -> None:
        space = None if contexts is None else ContextSpace(contexts)
        super().__init__(arms, space, degree, least, discount, rng)
        self._prior = _prior * (1.0 + self._exponents.sum(1)) ** 4
        self._squares = np.zeros(self.arms)  # of the losses of each arm
        self._factor = np.zeros_like(self._gram)
        self._variances = np.empty(self.arms)
        self._fit()

    def _fit(self) -> None:
        compiled(arm_regressions.fit_posteriors)(
            self._gram,
            self._moments,
            self._squares,
            self._sums,
            self._prior,
            -1,
            self._factor,
            self._theta,
            self._variances,
        )

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        self._look(context)
        arm = compiled(arm_regressions.draw_from_posteriors)(
            self._place,
            self._exponents,
            self._theta,
            self._factor,
            self._variances,
            self._rng.standard_normal(self.arms),
            self._work,
        )
        return Play(self.values[arm], arm, math.nan, context, clipped)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        arm, loss = self._checked(play, outcome)
        self._look(play.context)
        compiled(arm_regressions.learn_posteriors)(
            self._place,
            self._exponents,
            self._theta,
            self._gram,
            self._moments,
            self._squares,
            self._sums,
            self._prior,
            self._factor,
            self._variances,
            arm,
            loss,
            self.discount,
            self._work,
        )

    def _rescale(self, factor: float) -> None:
        check_factor(factor, float(self._sums[2]))
        self._squares *= factor**2
        super()._rescale(factor)

    def _merge(self, other: ThompsonSampling) -> None:
        self._squares += other._squares
        super()._merge(other)

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "squares": self._squares.tolist()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        squares = restored(state, "squares", self._squares.shape)
        total = float(restored(state, "sums", self._sums.shape)[0])
        if np.any(squares < 0) or abs(squares.sum() - total) > 1e-6 * total:
            raise ValueError(f"squares of {squares.sum()} in all, but of {total} in their sum")
        self._squares = squares
        super()._restore(state)
