"""GoldenSection: learns one knob by comparing two of its values again and again."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from structlin.solvers.learners._knobs import Scale, checked_knobs
from structlin.solvers.learners._learner import Learner, Outcome, Play

_ratio = (math.sqrt(5) - 1) / 2
# Chosen by trial on parabolas with noise of 1 to 30 %
_significant = 2.5  # standard deviations, for a difference to be believed
_most_pairs = 60.0  # after which two values count as equal
_fewest_pairs = 2.0
_patience = 4  # decisions for the same side, after which the bracket grows there
_censored = math.log(4.0)  # what was given up is taken to cost so much more than what was not
_least_loss = 1e-100
_learned = (
    "_low", "_high", "_side", "_run", "_asked", "_left_first", "_stage", "_waiting", "_pairs",
    "_mean", "_squares",
)  # fmt: skip


class GoldenSection(Learner):
    """Golden-section search for noisy losses that are unimodal in one knob.

    Parameters
    ----------
    bounds : (low, high)
        The range of the knob.
    scale : {"linear", "log", "relaxation"}
        Scale on which the bracket is divided: that of ``x``, of ``ln x``, or of ``ln(x/(2 − x))``.
    tolerance : float
        Width at which the bracket shrinks no further, over that of the range.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    bracket : (float, float)
        Where the minimiser is thought to lie.

    Raises
    ------
    ValueError
        If the range is empty or outside what its scale allows, or the tolerance is not between
        0 and 1.
    TypeError
        If the range is no pair of numbers.

    Notes
    -----
    The two inner points of the golden section are played in turn, in random order, and the
    differences of the logarithms of their losses are collected: what changes the losses of both
    alike cancels. Once the mean difference is 2.5 times its standard error, the bracket loses the
    segment beyond the worse point. After 60 pairs without a difference it grows again: the noise
    allows no closer look. What was given up is worse than what was not; if both were, the bracket
    grows likewise.

    Decisions may be wrong, and minima drift. With every fourth decision in a row for the same side
    the bracket grows there, each time by twice as much: a lost minimum is caught up with. The noise
    should be smaller than what the knob makes; `QuadraticSurrogate` learns from all that was
    played, and from contexts. `merge` keeps the bracket of the learner with more rounds.

    References
    ----------
    .. [1] J. Kiefer, "Sequential minimax search for a maximum", Proceedings of the American
       Mathematical Society 4, 1953.

    Examples
    --------
    >>> learner = GoldenSection((0.5, 1.9), rng=0)
    >>> for _ in range(200):
    ...     play = learner.ask()
    ...     learner.tell(play, 10 + 50 * (play.value - 1.3) ** 2)
    >>> round(learner.best(), 2)
    1.3
    """

    def __init__(
        self,
        bounds: Sequence[float],
        *,
        scale: Scale = "linear",
        tolerance: float = 0.01,
        rng: Any = None,
    ) -> None:
        if isinstance(bounds, Mapping):
            raise TypeError("bounds is a mapping: a golden section has one knob, pass (low, high)")
        _, knobs, settings = checked_knobs(bounds, scale)
        self._knob = knobs[0]
        if not isinstance(tolerance, numbers.Real) or not 0 < float(tolerance) < 1:
            raise ValueError(f"tolerance is {tolerance!r}: pass a number between 0 and 1")
        self.tolerance: float = float(tolerance)
        super().__init__({**settings, "tolerance": self.tolerance}, rng=rng)
        self._low: float = -1.0  # the bracket, in a range from −1 to 1
        self._high: float = 1.0
        self._side: int = 0  # of the last decisions: which, and how many alike
        self._run: int = 0
        self._asked: int = 0
        self._left_first: bool = True
        self._begin()

    @property
    def bracket(self) -> tuple[float, float]:
        """Where the minimiser is thought to lie."""
        with self._lock:
            return self._knob.value(self._low), self._knob.value(self._high)

    def best(self, context: Any = None) -> float:
        """Return the middle of the bracket; the context is not looked at."""
        with self._lock:
            return self._knob.value((self._low + self._high) / 2)

    def _begin(self) -> None:
        """Forget the differences, which were those of another bracket."""
        self._stage = (self._low, self._high)
        # logarithms of the losses of left and right that have no partner yet, and which are bounds
        self._waiting: list[tuple[float, bool] | None] = [None, None]
        self._pairs, self._mean, self._squares = 0.0, 0.0, 0.0

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        if self._asked % 2 == 0:
            self._left_first = bool(self._rng.random() < 0.5)
        right = (self._asked % 2 == 0) != self._left_first
        self._asked += 1
        width = self._high - self._low
        place = self._low + (_ratio if right else 1 - _ratio) * width
        return Play(
            self._knob.value(place), None, 1.0, context, clipped, (*self._stage, int(right))
        )

    def _tell(self, play: Play, outcome: Outcome) -> None:
        if not isinstance(play.details, tuple):
            raise ValueError("this play is of another learner")
        *stage, right = play.details
        if tuple(stage) != self._stage:  # of a bracket that is no more
            return
        self._waiting[right] = math.log(max(outcome.loss, _least_loss)), bool(outcome.censored)
        first, second = self._waiting
        if first is None or second is None:
            return
        self._waiting = [None, None]
        if first[1] and second[1]:
            self._grow()
            return
        difference = second[0] - first[0]  # positive: the left one is better
        if first[1]:
            difference = min(difference, 0.0) - _censored
        elif second[1]:
            difference = max(difference, 0.0) + _censored
        self._pairs += 1
        step = difference - self._mean
        self._mean += step / self._pairs
        self._squares += step * (difference - self._mean)
        if self._pairs >= _fewest_pairs:
            error = math.sqrt(max(self._squares, 0.0) / (self._pairs - 1) / self._pairs)
            if abs(self._mean) > _significant * error + 1e-12:
                self._decide(-1 if self._mean > 0 else 1)
            elif self._pairs >= _most_pairs and error > 0:
                self._grow()  # closer together, they would be no easier to tell apart
            elif self._pairs >= _most_pairs:
                self._decide(0)

    def _grow(self) -> None:
        """Give the bracket back what it lost last on either side."""
        lost = (1 / _ratio - 1) * (self._high - self._low)
        self._low, self._high = max(self._low - lost, -1.0), min(self._high + lost, 1.0)
        self._side, self._run = 0, 0
        self._begin()

    def _decide(self, side: int) -> None:
        """Shrink the bracket towards a side, or towards its middle: −1, 1 or 0."""
        low, high = self._low, self._high
        lost = (1 - _ratio) * (high - low)
        self._run = min(self._run + 1, 10 * _patience) if side == self._side and side else 1
        self._side = side
        if side == 0:
            low, high = low + lost / 2, high - lost / 2
        elif side < 0:
            high -= lost
        else:
            low += lost
        if self._run % _patience == 0:
            more = (high - low) * 2.0 ** (self._run // _patience - 1)
            low, high = (low - more, high) if side < 0 else (low, high + more)
        low, high = max(low, -1.0), min(high, 1.0)
        if high - low < 2 * self.tolerance:
            middle = min(max((low + high) / 2, self.tolerance - 1), 1 - self.tolerance)
            low, high = middle - self.tolerance, middle + self.tolerance
        self._low, self._high = low, high
        self._begin()

    def _rescale(self, factor: float) -> None:
        shift = math.log(factor)
        self._waiting = [None if one is None else (one[0] + shift, one[1]) for one in self._waiting]

    def _merge(self, other: GoldenSection) -> None:
        if other.rounds > self.rounds:
            self.__dict__.update({name: other.__dict__[name] for name in _learned})

    def _state(self) -> dict[str, Any]:
        return {
            "bracket": [self._low, self._high],
            "waiting": [[] if one is None else list(one) for one in self._waiting],
            "differences": [self._pairs, self._mean, self._squares],
            "decisions": [self._side, self._run],
            "asked": self._asked,
            "left_first": self._left_first,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        low, high = (float(end) for end in state["bracket"])
        if not -1 <= low < high <= 1:
            raise ValueError(f"the bracket is from {low} to {high}")
        waiting = [(float(one[0]), bool(one[1])) if one else None for one in state["waiting"]]
        pairs, mean, squares = (float(value) for value in state["differences"])
        side, run = (int(value) for value in state["decisions"])
        asked, left_first = int(state["asked"]), bool(state["left_first"])
        numbers_given = [pairs, mean, squares, *(one[0] for one in waiting if one is not None)]
        if (low, high) != (-1, 1) and self.rounds < 2 * _fewest_pairs:
            raise ValueError(f"the bracket is from {low} to {high} after {self.rounds} rounds")
        if not all(map(math.isfinite, numbers_given)) or not 0 <= 2 * pairs <= self.rounds:
            raise ValueError(f"{pairs} differences of mean {mean} in {self.rounds} rounds")
        if len(waiting) != 2 or squares < 0 or side not in (-1, 0, 1) or run < 0 or asked < 0:
            raise ValueError("an entry is impossible")
        self._low, self._high = low, high
        self._begin()
        self._waiting, self._side, self._run = waiting, side, run
        self._pairs, self._mean, self._squares = pairs, mean, squares
        self._asked, self._left_first = asked, left_first
