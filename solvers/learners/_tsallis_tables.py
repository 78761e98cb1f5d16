"""Tsallis-INF for several cells of contexts, whose estimates are the rows of one table."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from structlin._kernels import tsallis
from structlin.solvers.learners._arms import (
    check_factor,
    checked_arms,
    checked_discount,
    checked_least,
    compiled,
)
from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._learner import Learner, Outcome, Play, max_loss

Estimator = Literal["reduced-variance", "importance-weighted"]

_speeds = {"importance-weighted": 2.0, "reduced-variance": 4.0}  # η √t
_least_probability = 1e-30  # draws resolve 2^-53


class TsallisTables(Learner):
    """One Tsallis-INF in each of several cells of contexts; they share nothing but settings.

    Subclasses say by `_cell` which one a context belongs to.
    """

    values: tuple[Any, ...]
    arms: int
    estimator: Estimator
    least: float
    discount: float

    def __init__(
        self,
        cells: int,
        arms: int | Sequence[Any],
        estimator: Estimator,
        least: float,
        discount: float,
        settings: Mapping[str, Any],
        contexts: ContextSpace | None,
        rng: Any,
    ) -> None:
        if estimator not in get_args(Estimator):
            known = " or ".join(repr(name) for name in get_args(Estimator))
            raise ValueError(f"estimator is {estimator!r}: pass {known}")
        self.values, given = checked_arms(arms)
        self.arms = len(self.values)
        self.estimator = estimator
        self.least = checked_least(least)
        self.discount = checked_discount(discount)
        super().__init__(
            {
                "arms": given,
                "estimator": estimator,
                "least": self.least,
                "discount": self.discount,
                **settings,
            },
            contexts,
            rng=rng,
        )
        self._speed = _speeds[estimator]
        self._reduced = estimator == "reduced-variance"
        self._losses = np.zeros((cells, self.arms))  # estimated totals
        self._sums = np.zeros((cells, 3))  # total of the losses told, weight, largest
        self._p: NDArray[np.float64] = np.full((cells, self.arms), 1 / self.arms)

    def _cell(self, context: tuple[float, ...]) -> int:
        """Return the number of the cell in which a context lies."""
        return 0

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        p = self._p[self._cell(context)]
        arm = compiled(tsallis.draw)(p, 1.0 - self._rng.random())
        probability = max(float(p[arm]), _least_probability)
        return Play(self.values[arm], arm, probability, context, clipped)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        arm = operator.index(play)
        if not 0 <= arm < self.arms:
            raise ValueError(f"arm is {arm}: there are arms 0 to {self.arms - 1}")
        cell = self._cell(play.context)
        sums = self._sums[cell]
        loss = max(outcome.loss - self.least, 0.0)
        if outcome.censored:
            loss = max(loss, float(sums[2]))
        compiled(tsallis.learn)(
            self._losses[cell],
            sums,
            self._p[cell],
            arm,
            loss,
            play.probability,
            self._speed,
            self._reduced,
            self.discount,
        )

    def _refresh(self) -> None:
        for losses, sums, p in zip(self._losses, self._sums, self._p, strict=True):
            compiled(tsallis.refresh)(losses, sums, self._speed, p)

    def _rescale(self, factor: float) -> None:
        check_factor(factor, float(self._sums[:, 2].max()))
        self._losses *= factor
        self._sums[:, 0] *= factor
        self._sums[:, 2] *= factor
        self._refresh()

    def _merge(self, other: TsallisTables) -> None:
        self._losses += other._losses
        self._sums[:, :2] += other._sums[:, :2]
        np.maximum(self._sums[:, 2], other._sums[:, 2], out=self._sums[:, 2])
        self._refresh()

    def _state(self) -> dict[str, Any]:
        return {"losses": self._losses.tolist(), "sums": self._sums.tolist()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        losses = np.array(state["losses"], dtype=np.float64)
        sums = np.array(state["sums"], dtype=np.float64)
        if losses.shape != self._losses.shape or sums.shape != self._sums.shape:
            raise ValueError(
                f"losses of shape {losses.shape} and sums of shape {sums.shape}, "
                f"not {self._losses.shape} and {self._sums.shape}"
            )
        for row, (total, weight, largest) in zip(losses, sums.tolist(), strict=True):
            if not (0 <= weight <= self.rounds and 0 <= largest <= total <= 2 * max_loss * weight):
                raise ValueError(
                    f"{self.rounds} rounds of weight {weight}, with a total loss of {total} "
                    f"and a largest one of {largest}"
                )
            mean = total / weight if weight > 0 else 0.0
            scale = mean if mean > sys.float_info.min else 1.0
            with np.errstate(over="ignore", invalid="ignore"):
                if not np.all(np.abs(row) / scale <= 1e100):
                    raise ValueError("a loss is not finite, or far beyond the total and the rounds")
        if not sums[:, 1].sum() <= self.rounds * (1 + 1e-9):
            raise ValueError(f"{self.rounds} rounds of weight {sums[:, 1].sum()}")
        self._losses, self._sums = losses, sums
        self._refresh()
