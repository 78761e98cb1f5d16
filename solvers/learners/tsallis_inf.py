"""Tsallis-INF: a bandit that learns which of several arms costs least, by playing them."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from structlin._backend import kernel, namespace
from structlin._kernels.tsallis import tsallis_probabilities
from structlin.solvers.learners._arms import checked_arms, checked_discount, checked_least
from structlin.solvers.learners._learner import Learner, Outcome, Play, max_loss

Estimator = Literal["reduced-variance", "importance-weighted"]

_rates = {"importance-weighted": 2.0, "reduced-variance": 4.0}
_least_probability = 1e-30  # draws resolve 2^-53


class TsallisINF(Learner):
    """Tsallis-INF: an anytime bandit for stochastic and for adversarial losses.

    Losses are measured in units of their own running mean, so that neither their range nor the
    number of rounds needs to be known.

    Parameters
    ----------
    arms : int or sequence
        Number of arms, or the values that they stand for.
    estimator : {"reduced-variance", "importance-weighted"}
        How the losses of all arms are estimated from that of the arm played (see Notes).
    least : float
        The least loss conceivable, which is subtracted from all: 1 for iteration counts.
    discount : float
        Factor in (0, 1] by which every round lessens the weight of those before it. Below 1, the
        learner follows losses that drift, and never stops exploring.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness; the same seed and losses give the same arms.

    Attributes
    ----------
    arms : int
        Number of arms.
    values : tuple
        What the arms stand for; their numbers by default.
    estimator : str
        The estimator.
    rounds : int
        Losses told so far.

    Raises
    ------
    ValueError
        If there is no arm, the estimator is unknown, or a number is outside its range.

    Notes
    -----
    In round ``t`` the arm is drawn from ``p = argmin ⟨L, p⟩/s − (4/η) Σ √p_i`` over the simplex,
    where ``L`` are the estimated total losses and ``s`` is the mean of the losses told (1 before
    the first). The loss ``ℓ`` of the arm ``I`` that was drawn with probability ``p_I`` is told as

        ``L_i += B_i + [i = I] (ℓ − B_i)/p_i``

    for every arm, which is unbiased whatever the baseline ``B``. The importance-weighted
    estimator has ``B = 0`` and ``η = 2/√t``. The reduced-variance one has ``η = 4/√t`` and
    ``B_i = s`` for the arms with ``p_i ≥ η²``, else 0: its variance ``E(ℓ − B)² (1/p − 1)`` is
    least where the baseline is the mean. ([1]_ takes ½, the centre of losses in [0, 1].)

    A decision costs ``O(arms)`` time and memory, whatever the number of rounds. Censored losses
    count as their lower bounds.

    References
    ----------
    .. [1] J. Zimmert and Y. Seldin, "Tsallis-INF: An optimal algorithm for stochastic and
       adversarial bandits", Journal of Machine Learning Research 22(28), 2021.

    Examples
    --------
    >>> learner = TsallisINF(3, rng=0)
    >>> for _ in range(500):
    ...     play = learner.ask()
    ...     learner.tell(play, [9, 4, 7][play.arm])
    >>> learner.probabilities.argmax()
    np.int64(1)
    """

    def __init__(
        self,
        arms: int | Sequence[Any],
        *,
        estimator: Estimator = "reduced-variance",
        least: float = 0.0,
        discount: float = 1.0,
        rng: Any = None,
    ) -> None:
        if estimator not in get_args(Estimator):
            known = " or ".join(repr(name) for name in get_args(Estimator))
            raise ValueError(f"estimator is {estimator!r}: pass {known}")
        self.values, given = checked_arms(arms)
        self.arms = len(self.values)
        self.estimator: Estimator = estimator
        self.least = checked_least(least)
        self.discount = checked_discount(discount)
        super().__init__(
            {
                "arms": given,
                "estimator": estimator,
                "least": self.least,
                "discount": self.discount,
            },
            rng=rng,
        )
        self._losses = np.zeros(self.arms)  # estimated totals
        self._total = 0.0  # of the losses told
        self._weight = 0.0  # of the rounds; their number, without discount
        self._distribution: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def __repr__(self) -> str:
        return f"<TsallisINF {self.arms} arms, {self.estimator}, {self.rounds} rounds>"

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of the next draw: (arms,) array, read-only."""
        with self._lock:
            return self._probabilities()[0]

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        p, cumulative = self._probabilities()
        # 1 − u lies in (0, 1]: the search ends at an arm, and never at one of probability zero
        level = (1.0 - self._rng.random()) * cumulative[-1]
        arm = int(cumulative.searchsorted(level))
        return Play(self.values[arm], arm, max(float(p[arm]), _least_probability))

    def _tell(self, play: Play, outcome: Outcome) -> None:
        arm = operator.index(play)
        if not 0 <= arm < self.arms:
            raise ValueError(f"arm is {arm}: there are arms 0 to {self.arms - 1}")
        loss = max(outcome.loss - self.least, 0.0)
        rate = self._rate()
        if self.estimator == "reduced-variance" and rate**2 <= 1:  # before, no arm qualifies
            baselines = (self._total / self._weight) * (self._probabilities()[0] >= rate**2)
            self._losses += baselines
            self._losses[arm] += (loss - baselines[arm]) / play.probability
        else:
            self._losses[arm] += loss / play.probability
        self._total += loss
        self._weight += 1.0
        if self.discount < 1:
            self._losses *= self.discount
            self._total *= self.discount
            self._weight *= self.discount
        self._distribution = None

    def _rescale(self, factor: float) -> None:
        self._losses *= factor
        self._total *= factor
        self._distribution = None

    def _merge(self, other: TsallisINF) -> None:
        self._losses += other._losses
        self._total += other._total
        self._weight += other._weight
        self._distribution = None

    def _state(self) -> dict[str, Any]:
        return {
            "losses": self._losses.tolist(),
            "total": self._total,
            "weight": self._weight,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        losses = np.array(state["losses"], dtype=np.float64)
        total, weight = float(state["total"]), float(state["weight"])
        if losses.shape != (self.arms,):
            raise ValueError(f"{losses.shape} losses for {self.arms} arms")
        if not 0 <= weight <= self.rounds or not 0 <= total <= 2 * max_loss * weight:
            raise ValueError(f"{self.rounds} rounds of weight {weight}, total loss {total}")
        self._losses, self._total, self._weight = losses, total, weight
        with np.errstate(over="ignore", invalid="ignore"):
            if not np.all(np.abs(losses) / self._scale() <= 1e100):
                raise ValueError("a loss is not finite, or far beyond the total and the rounds")
        self._distribution = None

    def _rate(self) -> float:
        return _rates[self.estimator] / math.sqrt(self._weight + 1)

    def _scale(self) -> float:
        """Return the mean loss, or 1 where it says nothing: there is none, or it underflows."""
        mean = self._total / self._weight if self._weight > 0 else 0.0
        return mean if mean > sys.float_info.min else 1.0

    def _probabilities(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probabilities and their cumulative sums, kept until the next loss."""
        if self._distribution is None:
            compiled = kernel(namespace(self._losses), tsallis_probabilities)
            p = compiled(self._losses / self._scale(), self._rate())
            p.setflags(write=False)
            self._distribution = p, p.cumsum()
        return self._distribution
