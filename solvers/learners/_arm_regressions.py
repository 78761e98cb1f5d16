"""What learners share that regress every arm's loss on polynomials of the context."""

from __future__ import annotations

import abc
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from structlin._kernels import arm_regressions
from structlin.solvers.learners._arms import (
    check_factor,
    checked_arms,
    checked_discount,
    checked_least,
)
from structlin.solvers.learners._context import ContextSpace, total_degree
from structlin.solvers.learners._learner import Learner, Outcome, Play, max_loss


class ArmRegressions(Learner):
    """A linear model of every arm's loss on Chebyshev polynomials of the context.

    The data of arm ``i`` stand in its normal equations, ``gram[i] θ_i = moments[i]``. Subclasses
    fit the coefficients ``theta`` to them by `_fit`. ``sums`` holds squares that subclasses need,
    the weight of the rounds, and the largest loss.
    """

    def __init__(
        self,
        arms: int | Sequence[Any],
        contexts: ContextSpace | None,
        degree: int,
        least: float,
        discount: float,
        rng: Any,
    ) -> None:
        self.values, given = checked_arms(arms)
        self.arms = len(self.values)
        self.degree = operator.index(degree)
        if self.degree < 0:
            raise ValueError(f"degree is {degree}: it must not be negative")
        self.least = checked_least(least)
        self.discount = checked_discount(discount)
        bounds = [] if contexts is None else [list(pair) for pair in contexts.bounds]
        super().__init__(
            {
                "arms": given,
                "contexts": bounds or None,
                "degree": self.degree,
                "least": self.least,
                "discount": self.discount,
            },
            contexts,
            rng=rng,
        )
        self._exponents = total_degree(len(bounds), self.degree)
        m = len(self._exponents)
        self._gram = np.zeros((self.arms, m, m))
        self._moments = np.zeros((self.arms, m))
        self._theta = np.zeros((self.arms, m))
        self._sums = np.zeros(3)
        self._place = np.zeros(len(bounds))
        self._work = np.empty((4 + m, m))

    def __repr__(self) -> str:
        seen = f"degree {self.degree}" if self.contexts else "no context"
        return f"<{type(self).__name__} {self.arms} arms, {seen}, {self.rounds} rounds>"

    def predictions(self, context: Any = None) -> NDArray[np.float64]:
        """Return the losses expected of the arms for a context: (arms,) array."""
        with self._lock:
            self._look(self._inside(context))
            arm_regressions.polynomials(self._place, self._exponents, self._work[0])
            expected: NDArray[np.float64] = self._theta @ self._work[0] + self.least
            return expected

    @abc.abstractmethod
    def _fit(self) -> None:
        """Fit all arms to their normal equations."""

    def _look(self, context: tuple[float, ...]) -> None:
        """Write the place of a context in ``[−1, 1]^k``."""
        if self.contexts is not None:
            for k, place in enumerate(self.contexts.scaled(context)):
                self._place[k] = place

    def _checked(self, play: Play, outcome: Outcome) -> tuple[int, float]:
        """Return the arm that was played, and the loss to learn, beyond the least."""
        arm = operator.index(play)
        if not 0 <= arm < self.arms:
            raise ValueError(f"arm is {arm}: there are arms 0 to {self.arms - 1}")
        loss = max(outcome.loss - self.least, 0.0)
        if outcome.censored:  # an arm that is given up soon must not look good
            loss = max(loss, float(self._sums[2]))
        return arm, loss

    def _rescale(self, factor: float) -> None:
        check_factor(factor, float(self._sums[2]))
        self._moments *= factor
        self._sums *= (factor**2, 1.0, factor)
        self._fit()

    def _merge(self, other: Self) -> None:
        largest = max(self._sums[2], other._sums[2])
        self._gram += other._gram
        self._moments += other._moments
        self._sums += other._sums
        self._sums[2] = largest
        self._fit()

    def _state(self) -> dict[str, Any]:
        return {
            "gram": self._gram.tolist(),
            "moments": self._moments.tolist(),
            "sums": self._sums.tolist(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        gram = restored(state, "gram", self._gram.shape)
        moments = restored(state, "moments", self._moments.shape)
        sums = restored(state, "sums", self._sums.shape)
        squares, weight, largest = sums.tolist()
        if not (0 <= weight <= self.rounds and 0 <= largest <= max_loss and squares >= 0):
            raise ValueError(
                f"{self.rounds} rounds of weight {weight}, squares of {squares}, and a largest "
                f"loss of {largest}"
            )
        weights = gram[:, 0, 0]
        slack = 1e-6 * weight  # sums of rounds in another order differ by rounding
        if abs(weights.sum() - weight) > slack:
            raise ValueError(f"arms of weight {weights.sum()} in all, but rounds of {weight}")
        if np.any(np.linalg.eigvalsh(gram) < -slack) or np.any(gram != np.swapaxes(gram, 1, 2)):
            raise ValueError("the normal equations of an arm are not positive semidefinite")
        if np.any(np.abs(moments) > (weights[:, None] + slack) * max_loss):
            raise ValueError("a moment is beyond the losses that are possible")
        self._gram, self._moments, self._sums = gram, moments, sums
        self._fit()


def restored(state: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return an array of a saved state.

    Raises
    ------
    ValueError
        If it has another shape or is not finite.
    """
    values = np.array(state[name], dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} has shape {values.shape}, not {shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} is not finite")
    return values
