"""Tsallis-INF: a bandit that learns which of several arms costs least, by playing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin.solvers.learners._tsallis_tables import Estimator, TsallisTables


class TsallisINF(TsallisTables):
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

    A decision costs ``O(arms)`` time and memory, whatever the number of rounds. A censored loss
    counts as the largest told so far, or as itself if that is larger.

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
        super().__init__(1, arms, estimator, least, discount, {}, None, rng)

    def __repr__(self) -> str:
        return f"<TsallisINF {self.arms} arms, {self.estimator}, {self.rounds} rounds>"

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of the next draw: (arms,) array."""
        with self._lock:
            return np.array(self._p[0])
