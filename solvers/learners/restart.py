"""Restarts: a learner that forgets everything once its losses have clearly risen."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any

from structlin.solvers.learners._learner import Learner, Outcome, Play, described, made, max_loss
from structlin.solvers.learners.context_binned import cell_of

# Chosen by trial on made-up losses: in 40 000 rounds of normal, exponential or lognormal ones no
# restart; one within 25 rounds of a rise by three standard deviations, 75 of one by two.
_allowance = 1.0
_threshold = 50.0
_most = 6.0  # that one loss may count
_memory = 200  # rounds
_first = 20  # rounds of a bin that only make its reference
_most_bins = 32


class RestartOnDrift(Learner):
    """A learner that starts anew when the losses rise above what they were.

    For problems that change all at once, and seldom. Where they change little by little, a
    ``discount`` of the learner itself serves better.

    Parameters
    ----------
    learner : Learner
        Its kind and settings are used, not what it knows.
    threshold : float
        Evidence of a rise at which to start anew (see Notes); the smaller, the sooner, and the
        oftener in vain.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    learner : Learner
        The learner at work now.
    restarts : int
        How many were given up before it.
    rounds : int
        Losses told so far, to all of them.

    Raises
    ------
    ValueError
        If the threshold is not positive.
    TypeError
        If ``learner`` is none.

    Notes
    -----
    The test is Page's cumulative sum [1]_. A loss ``ℓ`` is compared with the running mean ``μ`` and
    mean absolute deviation ``δ`` of the last 200 or so in its bin of contexts (of at most 32 equal
    ones), and the evidence ``S = max(0, S + min((ℓ − μ)/δ, 6) − 1)`` must not exceed the
    threshold. The first 20 losses of a bin only make its reference. Losses that fall, as they do
    while the learner learns, are no reason to restart, nor are better arms that nobody plays.

    Time and memory are ``O(1)`` beside the learner's own. Plays that a learner before the last
    restart chose teach the present one nothing.

    References
    ----------
    .. [1] E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954.

    Examples
    --------
    >>> from structlin.solvers.learners import TsallisINF
    >>> learner = RestartOnDrift(TsallisINF(2), rng=0)
    >>> for k in range(2000):
    ...     play = learner.ask()
    ...     learner.tell(play, [10, 20][play.arm] if k < 1000 else [40, 20][play.arm])
    >>> learner.restarts, int(learner.learner.probabilities.argmax())
    (1, 1)
    """

    threshold: float
    learner: Learner
    restarts: int
    _bins: int
    _cells: int

    def __init__(
        self,
        learner: Learner | Mapping[str, Any],
        *,
        threshold: float = _threshold,
        rng: Any = None,
    ) -> None:
        prototype = made("learner", learner)
        if not (isinstance(threshold, numbers.Real) and 0 < float(threshold) < math.inf):
            raise ValueError(f"threshold is {threshold!r}: pass a positive number")
        self.threshold = float(threshold)
        super().__init__(
            {
                "learner": described(prototype),
                "threshold": self.threshold,
            },
            prototype.contexts,
            rng=rng,
        )
        components = 0 if self.contexts is None else len(self.contexts.bounds)
        self._bins = _most_bins  # of each component
        while self._bins**components > _most_bins:
            self._bins -= 1
        self._cells = self._bins**components
        self.restarts = 0
        self._begin(prototype)

    def __repr__(self) -> str:
        return f"<RestartOnDrift {self.restarts} restarts of {self.learner!r}>"

    def best(self, context: Any = None) -> Any:
        """Return what the learner at work thinks best."""
        return self.learner.best(context)

    def _begin(self, prototype: Learner) -> None:
        self.learner = prototype.fresh(self._rng)
        self._evidence = 0.0
        # rounds up to the memory, mean and mean deviation
        self._references = [[0.0, 0.0, 0.0] for _ in range(self._cells)]

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        play = self.learner._ask(context, clipped)
        details = self.restarts, play
        return Play(play.value, play.arm, play.probability, context, clipped, details)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        restarts, chosen = play.details
        if restarts != self.restarts:
            return
        self.learner._tell(chosen, outcome)
        self.learner.rounds += 1
        if self._has_risen(play.context, outcome.loss):
            self._begin(self.learner)
            self.restarts += 1

    def _has_risen(self, context: tuple[float, ...], loss: float) -> bool:
        """Weigh a loss, and add it to its reference."""
        cell = 0 if self.contexts is None else cell_of(self.contexts.scaled(context), self._bins)
        rounds, mean, deviation = reference = self._references[cell]
        rise = loss - mean
        if rounds >= _first:
            excess = _most if rise > 0 else 0.0  # where losses have been constant
            if deviation > 0:
                excess = min(rise / deviation, _most)
            self._evidence = max(0.0, self._evidence + excess - _allowance)
            if self._evidence > self.threshold:
                return True
        share = 1 / (rounds + 1)
        reference[0] = min(rounds + 1, _memory)
        reference[1] = mean + share * rise
        if rounds > 0:
            reference[2] = deviation + share * (abs(rise) - deviation)
        return False

    def _rescale(self, factor: float) -> None:
        self.learner.rescale(factor)
        self._references = [[n, mean * factor, d * factor] for n, mean, d in self._references]

    def _merge(self, other: RestartOnDrift) -> None:
        self.learner.merge(other.learner)
        self._evidence = max(self._evidence, other._evidence)
        for own, added in zip(self._references, other._references, strict=True):
            share = added[0] / max(own[0] + added[0], 1.0)
            own[1] += share * (added[1] - own[1])
            own[2] += share * (added[2] - own[2])
            own[0] = min(own[0] + added[0], _memory)

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner._state(),
            "rounds": self.learner.rounds,
            "restarts": self.restarts,
            "evidence": self._evidence,
            "references": [list(reference) for reference in self._references],
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.learner.rounds = operator.index(state["rounds"])
        self.restarts = operator.index(state["restarts"])
        if not (0 <= self.learner.rounds <= self.rounds and 0 <= self.restarts <= self.rounds):
            raise ValueError(
                f"{self.rounds} rounds, {self.learner.rounds} of them since restart {self.restarts}"
            )
        self._evidence = float(state["evidence"])
        if not 0 <= self._evidence <= self.threshold:
            raise ValueError(f"evidence of {self._evidence}, over {self.threshold}, but no restart")
        self._references = [[float(value) for value in row] for row in state["references"]]
        if [len(row) for row in self._references] != [3] * self._cells:
            raise ValueError(f"the references are not {self._cells} times 3 numbers")
        for count, mean, deviation in self._references:
            possible = 0 <= mean <= 2 * max_loss and 0 <= deviation <= 2 * max_loss
            if not (0 <= count <= min(_memory, self.learner.rounds) and possible):
                raise ValueError(f"{count} rounds with a mean of {mean} and {deviation} about it")
        self.learner._restore(state["learner"])
