"""SpectralLearner: the relaxation parameter of SOR from observed rates of convergence."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from structlin._kernels import spectral
from structlin.solvers.learners._arms import checked_discount, compiled
from structlin.solvers.learners._context import ContextSpace, total_degree
from structlin.solvers.learners._learner import Learner, Outcome, Play

# What is thought of v = ½ ln(1 − β²) before anything is seen; chosen by trial on the problems that
# benchmarks/problems_learning.py calls DEVELOPMENT.
_first_omega = 1.6
_deviation = 1.0  # of the constant
_slope = 2.0  # of the first degree; that of degree k is 1/k of it
_spread, _noise = 0.02, 0.1  # standard deviations of v in a given context, and of relative losses
_strength = 3.0  # observations that the last two are worth
_most_features, _most_degree = 20, 8
_least_reduction = 0.1
_looks = 0.005  # share of the plays that look to the left of ω*; a choice
_most_failures = 5  # in a row, after which every other play may be anywhere
# Afterwards, plays stay within a distance of the first success; it shrinks by a fifth with every
# failure, and grows with the successes, the slower the more failures there were. Choices.
_first_reach, _full_reach = 0.5, 8.0  # of x


class SpectralLearner(Learner):
    """Learns the relaxation parameter of SOR, in any context, from rates and costs.

    Every solve shows its rate of convergence, from which theory tells the best parameter; what
    the solves cost corrects the theory where it does not hold.

    Parameters
    ----------
    low, high : float
        Range of the parameter, ``0 < low < high < 2``.
    contexts : (low, high), sequence of such pairs, or None
        The range of the context, or of each of its components; None to look at no context.
    degree : int or None
        Degree of the polynomial by which ``ln(1 − β²)`` depends on the context; by default the
        largest one up to 8 with at most 20 coefficients, and 1 at least.
    discount : float
        Factor in (0, 1] by which every round lessens the weight of those before it. Below 1, the
        learner follows systems that drift.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Raises
    ------
    ValueError
        If a range is empty or outside what is allowed, the degree is negative, or the discount is
        not in (0, 1].
    TypeError
        If a number is none.

    Notes
    -----
    With ``x = ln((2 − ω)/ω)`` and the radius ``β`` of the Jacobi iteration, Young's best parameter
    is at ``x = v``, ``v = ½ ln(1 − β²)``. Left of it (``x > v``) the observed rate ``λ`` tells
    ``β = (λ + ω − 1)/(ω √λ)``; right of it only that ``v ≥ x``. The coefficients of ``v`` in
    Chebyshev polynomials of the context have a normal prior and are estimated by a Kalman filter,
    whose noise, the spread of ``v`` that the context does not explain, is estimated too. The
    inequalities enter by their conditional means and variances (assumed density filtering).

    Where ``v`` is uncertain by more than 0.05, ``ω`` is put so far left of the estimate that the
    rate tells it. Otherwise the play is ``x = v + g`` with one of 19 offsets ``g``: the one of
    least cost in a random draw of the cost curve (Thompson sampling). The mean of the curve is
    Young's, averaged over the spread, plus a correction, a random walk in ``g``, that is learned
    from losses in units of what is predicted for their context. So it is the losses that decide:
    about the margin, about systems that are not consistently ordered, about missing contexts.

    Right of ``ω*``, nothing tells that ``v`` rose. One play in 200 therefore looks far to the left.
    Two surprises of one sign in a row, by more than four standard deviations and 0.25, are a
    change: all coefficients are then as uncertain as at first.

    Losses are divided by the outcomes' ``reduction``, where they have one. Where attempts are given
    up, the cost is multiplied by one plus four failures for every success of late. After five
    failures in a row, every other play is drawn from the whole range until one succeeds. From then
    on rates of failures are not believed, and plays stay within a distance of that success,
    which grows with every success and shrinks with every failure. Time and memory are ``O(p²)`` for
    ``p`` coefficients.

    References
    ----------
    .. [1] D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press (1971).
    .. [2] P. S. Maybeck, *Stochastic Models, Estimation, and Control*, vol. 2, Academic Press
       (1982).
    .. [3] D. Russo, B. Van Roy, A. Kazerouni, I. Osband and Z. Wen, "A tutorial on Thompson
       sampling", Foundations and Trends in Machine Learning 11(1), 2018.

    Examples
    --------
    >>> from structlin.solvers import Outcome, SpectralLearner, sor_spectral_radius
    >>> learner = SpectralLearner(rng=0)
    >>> for _ in range(50):
    ...     play = learner.ask()
    ...     rate = sor_spectral_radius(play.value, beta=0.96)
    ...     learner.tell(play, Outcome(-18 / math.log(rate), rate=rate))
    >>> round(learner.radius(), 3), round(learner.best(), 1)
    (0.96, 1.6)
    """

    def __init__(
        self,
        *,
        low: float = 0.5,
        high: float = 1.999,
        contexts: Any = None,
        degree: int | None = None,
        discount: float = 1.0,
        rng: Any = None,
    ) -> None:
        for name, value in (("low", low), ("high", high)):
            if not isinstance(value, numbers.Real):
                raise TypeError(f"{name} is {value!r}: pass a real number")
        self.low, self.high = float(low), float(high)
        if not 0 < self.low < self.high < 2:
            raise ValueError(f"omega from {low} to {high}: relaxation needs 0 < low < high < 2")
        self.discount = checked_discount(discount)
        space = None if contexts is None else ContextSpace(contexts)
        d = 0 if space is None else len(space.bounds)
        self.degree = _default_degree(d) if degree is None else operator.index(degree)
        if self.degree < 0:
            raise ValueError(f"degree is {degree}: it must not be negative")
        settings = {
            "low": self.low,
            "high": self.high,
            "contexts": None if space is None else [list(pair) for pair in space.bounds],
            "degree": self.degree,
            "discount": self.discount,
        }
        super().__init__(settings, space, rng=rng)
        self._exponents = total_degree(d, self.degree)
        p = len(self._exponents)
        degrees = self._exponents.sum(axis=1)
        deviations = _slope / np.maximum(degrees, 1.0)
        self._prior = np.where(degrees == 0, _deviation, deviations) ** 2
        self._mean = np.zeros(p)
        self._mean[0] = _coordinate(min(max(_first_omega, self.low), self.high))
        self._covariance = np.diag(self._prior)
        self._table = np.zeros((5, len(spectral.offsets)))
        self._sums = np.array(
            [_strength * _spread**2, _strength, 0, 0, _strength * _noise**2, _strength, 0, 0]
        )
        self._place = np.empty(d)
        self._failures = 0  # in a row
        # where plays are kept, once many failed in a row: around x, within, and one more than how
        # many failed there
        self._trusted = (0.0, 0.0, 0)
        self._relative = False  # whether losses come with reductions

    def __repr__(self) -> str:
        d = self._exponents.shape[1]
        looks = f"{d} contexts, degree {self.degree}" if d else "no context"
        return f"<SpectralLearner {self.low:g} to {self.high:g}, {looks}, {self.rounds} rounds>"

    def best(self, context: Any = None) -> float:
        """Return what is thought best in a context, without exploring.

        Raises
        ------
        ValueError
            If the learner needs a context and there is none, or it has another length, or is NaN.
        """
        with self._lock:
            self._look(self._inside(context))
            return self._decided(np.zeros(len(spectral.offsets)), explore=False, look=False)

    def radius(self, context: Any = None) -> float:
        """Return the Jacobi radius ``β`` that the rates of convergence tell, in a context.

        Raises
        ------
        ValueError
            If the learner needs a context and there is none, or it has another length, or is NaN.
        """
        with self._lock:
            self._look(self._inside(context))
            features = spectral.features(self._place, self._exponents)
            return math.sqrt(-math.expm1(2 * min(float(features @ self._mean), 0.0)))

    def _look(self, context: tuple[float, ...]) -> None:
        """Write the place of a context in ``[−1, 1]^d``."""
        if self.contexts is not None:
            for k, place in enumerate(self.contexts.scaled(context)):
                self._place[k] = place

    def _decided(self, normals: Any, *, explore: bool, look: bool) -> float:
        x = compiled(spectral.decide)(
            self._place, self._exponents, self._mean, self._covariance, self._table, self._sums,
            normals, explore, look,
        )  # fmt: skip
        around, reach, failures = self._trusted
        if failures:
            x = min(max(x, around - reach), around + reach)
        return min(max(2 / (1 + math.exp(x)), self.low), self.high)

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        self._look(context)
        if self._failures >= _most_failures and self._rng.random() < 0.5:
            return Play(self._rng.uniform(self.low, self.high), None, math.nan, context, clipped)
        normals = self._rng.standard_normal(len(spectral.offsets))
        omega = self._decided(normals, explore=True, look=self._rng.random() < _looks)
        return Play(omega, None, math.nan, context, clipped)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        omega = play.value
        if (
            not isinstance(omega, float)
            or not self.low <= omega <= self.high
            or len(play.context) != len(self._place)
        ):
            raise ValueError("this play is of another learner")
        rate = outcome.rate
        if rate is None or not rate > 0:
            rate = -1.0
        loss, censored = outcome.loss, outcome.censored
        reduction = outcome.reduction
        self._relative = reduction is not None
        if reduction is not None:
            if reduction > _least_reduction:
                loss /= reduction
            else:  # the residual did not fall: the loss says nothing, the failure does
                loss, censored = 0.0, True
        if self._trust(_coordinate(omega), censored):
            rate = -1.0
        self._look(play.context)
        compiled(spectral.learn)(
            self._place, self._exponents, self._mean, self._covariance, self._table, self._sums,
            self._prior, self.discount, omega, rate, loss, censored,
        )  # fmt: skip

    def _trust(self, x: float, censored: bool) -> bool:
        """Enter a failure or a success; return whether it is one failure of many."""
        around, reach, failures = self._trusted
        if censored:
            self._failures += 1
            if failures and self._failures <= _most_failures:
                self._trusted = (around, 0.8 * reach, failures + 1)
            return bool(failures) or self._failures > _most_failures
        if self._failures >= _most_failures:
            self._trusted = (x, _first_reach, max(failures, 1))
            self._table[3] = 0  # failures anywhere say nothing of offsets
        elif failures:
            reach = min(reach * (1 + 1 / (10 + failures**3)), _full_reach)
            self._trusted = (around, reach, failures)
        self._failures = 0
        return False

    def _rescale(self, factor: float) -> None:
        if not self._relative:  # losses over reductions are what they were
            self._table[0] *= factor
            self._sums[2] *= factor

    def _merge(self, other: SpectralLearner) -> None:
        """Add up what independent observations told: precisions, sums, and counts."""
        if not other.rounds:
            return
        if not self._trusted[2]:
            self._failures, self._trusted = other._failures, other._trusted
        if not self.rounds:
            self._mean, self._covariance = other._mean, other._covariance
            self._table, self._sums, self._relative = other._table, other._sums, other._relative
            return
        if self._relative != other._relative:
            raise ValueError("losses with and without reductions cannot be added up")
        prior = type(self)(**self._settings)
        mine, theirs = np.linalg.inv(self._covariance), np.linalg.inv(other._covariance)
        start = np.diag(1 / self._prior)
        precision = mine + theirs - start
        right = mine @ self._mean + theirs @ other._mean - start @ prior._mean
        self._covariance = np.linalg.inv((precision + precision.T) / 2)
        self._mean = self._covariance @ right
        self._table += other._table
        self._sums[:-1] += (other._sums - prior._sums)[:-1]

    def _state(self) -> dict[str, Any]:
        return {
            "mean": self._mean.tolist(),
            "covariance": self._covariance.tolist(),
            "table": self._table.tolist(),
            "sums": self._sums.tolist(),
            "failures": self._failures,
            "trusted": list(self._trusted),
            "relative": self._relative,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        arrays = {}
        for name in ("mean", "covariance", "table", "sums"):
            shape = getattr(self, f"_{name}").shape
            arrays[name] = np.array(state[name], dtype=np.float64)
            if arrays[name].shape != shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
            if not np.all(np.isfinite(arrays[name])):
                raise ValueError(f"{name} has entries that are not finite")
        covariance, table, sums = arrays["covariance"], arrays["table"], arrays["sums"]
        np.linalg.cholesky(covariance)  # refuses what is not positive definite
        if (
            sums[:-1].min() < 0
            or sums[-1] not in (-1, 0, 1)
            or min(sums[1], sums[5]) <= 0
            or table[[0, 2, 3, 4]].min() < 0
        ):
            raise ValueError("a sum of what is positive is negative")
        if sums[6] > self.rounds or sums[1] > self.rounds + _strength:
            raise ValueError(f"{self.rounds} rounds, but {sums[6]:g} plays or more")
        failures = operator.index(state["failures"])
        around, reach, troubles = state["trusted"]
        trusted = float(around), float(reach), operator.index(troubles)
        if (
            not 0 <= failures <= self.rounds
            or not math.isfinite(trusted[0])
            or not 0 <= trusted[1] <= _full_reach
            or not 0 <= troubles <= self.rounds
        ):
            raise ValueError(f"{failures} failures in a row, trusted {state['trusted']}")
        if not isinstance(state["relative"], bool):
            raise ValueError(f"relative is {state['relative']!r}")
        self._mean, self._covariance, self._table, self._sums = arrays.values()
        self._failures, self._trusted = failures, trusted
        self._relative = state["relative"]


def _coordinate(omega: float) -> float:
    return math.log((2 - omega) / omega)


def _default_degree(components: int) -> int:
    if components == 0:
        return 0
    degrees = range(_most_degree, 1, -1)
    fits = (k for k in degrees if math.comb(components + k, k) <= _most_features)
    return next(fits, 1)
