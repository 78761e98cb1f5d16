"""QuadraticSurrogate: learns continuous knobs by a quadratic model of the loss's logarithm."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._kernels import quadratic_surrogate
from structlin._kernels.quadratic_surrogate import noise_memory, usual_noise
from structlin.solvers.learners._arms import checked_discount, compiled
from structlin.solvers.learners._context import ContextSpace, total_degree
from structlin.solvers.learners._knobs import Scale, checked_knobs
from structlin.solvers.learners._learner import Learner, Outcome, Play

# What is thought before anything was seen, of contexts scaled to [-1, 1] and of knobs on their own
# scale, or scaled likewise where that is linear. Chosen by trial, with the constants of the kernels
_level_deviation = 100.0  # of ln loss: nothing is known of it
_slope_deviation = 0.5
_curvature, _curvature_deviation = 0.25, 0.25
_decay = 0.8  # of the deviations, for every degree in the contexts
_noise_weight = 4.0  # observations that `usual_noise` is worth
_nearest, _farthest = 0.01, 1.0  # steps off the minimum
_largest_share = 0.3  # of a step in half the range
_least_curvature = 0.02
_fading = 0.5  # after t rounds, round i counts as (i/t)^½
_discount, _discount_in_contexts = 0.995, 0.999

_most_failures = 5  # in a row, after which every other play may be anywhere
_least_loss = 1e-100
_most_coefficients = 20


class QuadraticSurrogate(Learner):
    """Learns one or several continuous knobs whose losses are unimodal, in any context.

    Parameters
    ----------
    bounds : (low, high), or mapping of names to such pairs
        The range of the knob, which is played as a number; or the ranges of several, which are
        played as a mapping of their names to numbers.
    contexts : (low, high), sequence of such pairs, or None
        The range of the context, or of each of its components; None to look at no context.
    degree : int
        Degree of the polynomial by which the least loss depends on the context. That of the
        slopes is one less, that of the curvatures two less. By default 6, or less if that makes
        more than 20 coefficients.
    scale : {"linear", "log", "relaxation"}, or mapping of names to these
        Scale on which the logarithm of the loss is nearest to a parabola: that of ``x``, of
        ``ln x``, or of ``ln(x/(2 − x))``, for over-relaxation.
    start : float, mapping of names to float, or None
        What is thought best before anything was seen. By default the middle; on the relaxation
        scale 1, which relaxes neither over nor under.
    discount : float
        Factor in (0, 1] by which every round lessens the weight of those before it. By default
        0.999 with a context and 0.995 without, where more may drift unseen.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Raises
    ------
    ValueError
        If a range is empty or outside what its scale allows, the start is outside the range, the
        degree is negative, or the discount is not in (0, 1].
    TypeError
        If the ranges are no pairs of numbers, or the start is no number.

    Notes
    -----
    With the knobs ``u`` and the context ``z`` scaled to [-1, 1],

        ``ln(loss/reduction) = a_t + a(z) + ⟨b(z), u⟩ + ⟨u, C(z) u⟩ + noise``

    where ``a``, ``b`` and ``C`` are polynomials. Their coefficients have a normal prior and are
    estimated by a Kalman filter, in which the level ``a_t`` makes a random walk: what changes the
    losses of all knobs alike and is in no context, a source that moves for instance, is followed
    and not blamed on the knobs. An outcome's ``reduction``, if there is one, takes out how much
    work there was.

    What is played is the minimiser of the model over the range, ``C`` taken to be positive
    definite; and in every other round, drawn at random, 0.7 of its standard deviation beside it.
    This is Thompson sampling, linearised: steps are longest where least is known, and fall with
    ``t^(−1/4)``, which balances their cost ``O(δ²)`` against what is learned, until as much is
    forgotten as comes in. They are never so short that they cost less than 0.1 % or a tenth of the
    noise's variance, nor so long that they are thought to cost more than 10 %.

    Rounds fade, so that what was played far from the minimum ceases to bend the parabola. Outliers
    move the model no further than five standard deviations. A censored loss counts as four times
    its bound, or four times the least loss of the context, whichever is more, unless the model says
    still more. After five failures in a row, every other play is drawn from the whole range, until
    there is a success.

    Time and memory are ``O(p²)`` for ``p`` coefficients: 3 for one knob without context, 18 for
    one with a context of one component.

    References
    ----------
    .. [1] J. Kiefer and J. Wolfowitz, "Stochastic estimation of the maximum of a regression
       function", Annals of Mathematical Statistics 23, 1952.
    .. [2] M. West and J. Harrison, "Bayesian Forecasting and Dynamic Models", Springer, 1997.

    Examples
    --------
    >>> learner = QuadraticSurrogate((0.5, 1.9), contexts=(0, 1), rng=0)
    >>> for t in range(300):
    ...     play = learner.ask(context=t % 7 / 7)
    ...     learner.tell(play, 10 + 50 * (play.value - 1 - play.context[0] / 2) ** 2)
    >>> round(learner.best(context=0.2), 1), round(learner.best(context=0.8), 1)
    (1.1, 1.4)
    """

    def __init__(
        self,
        bounds: Sequence[float] | Mapping[str, Sequence[float]],
        *,
        contexts: Any = None,
        degree: int | None = None,
        scale: Scale | Mapping[str, Scale] = "linear",
        start: float | Mapping[str, float] | None = None,
        discount: float | None = None,
        rng: Any = None,
    ) -> None:
        self._names, self._knobs, settings = checked_knobs(bounds, scale)
        space = None if contexts is None else ContextSpace(contexts)
        d, components = len(self._knobs), 0 if space is None else len(space.bounds)
        self.degree = _default_degree(d, components) if degree is None else operator.index(degree)
        if self.degree < 0:
            raise ValueError(f"degree is {degree}: it must not be negative")
        if discount is None:
            discount = _discount if space is None else _discount_in_contexts
        self.discount = checked_discount(discount)
        settings["contexts"] = None if space is None else [list(pair) for pair in space.bounds]
        places, settings["start"] = self._places(start)
        settings |= {"degree": self.degree, "discount": self.discount}
        super().__init__(settings, space, rng=rng)
        self._exponents = _exponents(d, components, self.degree)
        units = np.array([1.0 if k.scale == "linear" else k.half for k in self._knobs])
        mean, variance = _prior(self._exponents, np.array(places), units)
        self._units = units
        self._model = np.zeros((len(mean) + 4, len(mean)))
        self._begin(mean, variance)
        self._failures = 0  # in a row
        self._succeeded = False  # ever
        self._ranges = np.array(
            [(low, 2 / (high - low)) for low, high in space.bounds] if space else np.empty((0, 2))
        )
        self._limits = np.stack(
            [
                _nearest / units,
                np.minimum(_farthest / units, _largest_share),
                2 * _least_curvature * units**2,
            ],
            axis=1,
        )
        self._work = np.empty((d + 3, len(mean)))
        self._reference: float | None = None  # the first ln(reduction)

    def best(self, context: Any = None) -> Any:
        """Return what is thought best in a context, without exploring.

        Raises
        ------
        ValueError
            If the learner needs a context and there is none, or it has another length, or is NaN.
        """
        with self._lock:
            return self._value(self._point(self._inside(context), 1.0))  # no step

    def _begin(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> None:
        """Know nothing but the prior."""
        p = len(mean)
        self._model[:p] = np.diag(variance)
        self._model[p] = self._model[p + 1] = mean
        self._model[p + 2] = variance
        self._model[p + 3, :2] = usual_noise**2, _noise_weight

    def _places(self, start: Any) -> tuple[list[float], Any]:
        """Return where to start, in the range from −1 to 1, and the argument as JSON keeps it."""
        if start is None:
            return [knob.neutral for knob in self._knobs], None
        if self._names is None:
            return [self._knobs[0].place(start)], float(start)
        if not isinstance(start, Mapping) or set(start) != set(self._names):
            raise ValueError(f"start is {start!r}: pass a value for each of {self._names}")
        places = [k.place(start[name]) for name, k in zip(self._names, self._knobs, strict=True)]
        return places, {name: float(start[name]) for name in self._names}

    def _point(self, context: tuple[float, ...], draw: float) -> NDArray[np.float64]:
        point = np.empty(len(context) + 2 * len(self._knobs))
        for j, value in enumerate(context):
            point[j] = value
        compiled(quadratic_surrogate.propose)(
            self._exponents, self._model, self._ranges, self._limits, draw, point, self._work
        )
        return point

    def _value(self, point: NDArray[np.float64]) -> Any:
        """Return the knobs that are played at a point."""
        if self._names is None:
            return self._knobs[0].value(float(point[-1]))
        places = point[-len(self._knobs) :].tolist()
        return {
            name: knob.value(place)
            for name, knob, place in zip(self._names, self._knobs, places, strict=True)
        }

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        point = self._point(context, self._rng.random())
        if self._failures >= _most_failures and self._rng.random() < 0.5:
            d = len(self._knobs)
            point[-d:] = self._rng.uniform(-1, 1, d)
        return Play(self._value(point), None, 1.0, context, clipped, point)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        point = play.details
        size = len(self._ranges) + 2 * len(self._knobs)
        if not isinstance(point, np.ndarray) or point.size != size:
            raise ValueError("this play is of another learner")
        p = len(self._exponents)
        if outcome.censored:
            self._failures += 1
        else:
            if self._failures >= _most_failures and not self._succeeded:
                # failures alone taught nothing: begin at the first success
                self._begin(*_prior(self._exponents, point[-len(self._knobs) :], self._units))
            self._failures, self._succeeded = 0, True
        y = math.log(max(outcome.loss, _least_loss)) - self._work_done(outcome)
        kept = min(1 - _fading / (self.rounds + p), self.discount)
        compiled(quadratic_surrogate.learn)(
            self._exponents, self._model, point, len(self._knobs), y, bool(outcome.censored), kept,
            self.rounds % p, self._work,
        )  # fmt: skip

    def _work_done(self, outcome: Outcome) -> float:
        """Return ``ln(reduction)``, or the first one where there is none; 0 if there never was."""
        reduction = outcome.reduction
        if reduction is None or outcome.censored or not 0 < reduction < math.inf:
            return 0.0 if self._reference is None else self._reference
        self._take_reference(math.log(reduction))
        return math.log(reduction)

    def _take_reference(self, work: float) -> None:
        if self._reference is None:
            self._reference = work
            self._theta[0] -= work if self.rounds else 0.0  # what was learned without

    @property
    def _theta(self) -> NDArray[np.float64]:
        row: NDArray[np.float64] = self._model[len(self._exponents)]
        return row

    def _rescale(self, factor: float) -> None:
        if self._reference is None:
            self._theta[0] += math.log(factor)
        else:  # so much more work
            self._reference += math.log(factor)

    def _merge(self, other: QuadraticSurrogate) -> None:
        if other._reference is not None:
            self._take_reference(other._reference)
        elif self._reference is not None:
            other._take_reference(self._reference)
        p = len(self._exponents)
        self._failures = min(self._failures, other._failures)
        self._succeeded |= other._succeeded
        mean, prior = self._model[p + 1], 1 / self._model[p + 2]
        # two normal densities, each of which has the prior in it: their product over the prior
        own, theirs = np.linalg.inv(self._model[:p]), np.linalg.inv(other._model[:p])
        weighted = own @ self._theta + theirs @ other._theta - prior * mean
        values, vectors = np.linalg.eigh(own + theirs - np.diag(prior))
        values = np.maximum(values, prior.min())  # fading may have left less than the prior
        covariance = (vectors / values) @ vectors.T
        self._model[:p] = (covariance + covariance.T) / 2
        self._model[p] = covariance @ weighted
        (own_noise, own_weight), (noise, weight) = self._model[p + 3, :2], other._model[p + 3, :2]
        total = own_weight + weight - _noise_weight
        squares = own_weight * own_noise + weight * noise - _noise_weight * usual_noise**2
        self._model[p + 3, :2] = (
            max(squares / total, min(own_noise, noise)),
            min(total, noise_memory),
        )

    def _state(self) -> dict[str, Any]:
        p = len(self._exponents)
        return {
            "coefficients": self._theta.tolist(),
            "covariance": self._model[:p].tolist(),
            "noise": self._model[p + 3, :2].tolist(),
            "prior": self._model[p + 1].tolist(),
            "reference": [] if self._reference is None else [self._reference],
            "failures": self._failures,
            "succeeded": self._succeeded,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        theta = np.array(state["coefficients"], dtype=np.float64)
        covariance = np.array(state["covariance"], dtype=np.float64)
        noise, weight = (float(value) for value in state["noise"])
        p = len(self._exponents)
        if theta.shape != (p,) or covariance.shape != (p, p):
            raise ValueError(f"{theta.shape} coefficients where there are {p}")
        if not (np.isfinite(theta).all() and np.isfinite(covariance).all()):
            raise ValueError("a coefficient or covariance is not finite")
        scales = np.sqrt(np.maximum(np.diag(covariance), 0))
        if not np.array_equal(covariance, covariance.T) or not scales.all():
            raise ValueError("the covariance is not symmetric positive definite")
        if np.linalg.eigvalsh(covariance / scales / scales[:, None])[0] < -1e-9 * p:
            raise ValueError("the covariance is not symmetric positive definite")
        if not (0 <= noise < math.inf and _noise_weight <= weight <= self.rounds + _noise_weight):
            raise ValueError(f"the noise is {noise}, of {weight} observations in {self.rounds}")
        if not self.rounds and not (np.diag(covariance) == self._model[p + 2]).all():
            raise ValueError("something was learned in no rounds")
        reference = float(state["reference"][0]) if state["reference"] else None
        if reference is not None and not math.isfinite(reference):
            raise ValueError(f"the reference is {reference}")
        failures, succeeded = operator.index(state["failures"]), state["succeeded"]
        if not isinstance(succeeded, bool) or not 0 <= failures <= self.rounds - succeeded:
            raise ValueError(f"{failures} failures in a row, and success: {succeeded!r}")
        prior = np.array(state["prior"], dtype=np.float64)
        if prior.shape != (p,) or not np.abs(prior - self._model[p + 1]).max() < math.inf:
            raise ValueError("the prior is impossible")
        if not self.rounds and not np.array_equal(prior, self._model[p + 1]):
            raise ValueError("the prior moved in no rounds")
        self._failures, self._succeeded, self._model[p + 1] = failures, succeeded, prior
        self._model[:p], self._model[p], self._reference = covariance, theta, reference
        self._model[p + 3, :2] = noise, weight


def _exponents(knobs: int, contexts: int, degree: int) -> NDArray[np.int64]:
    """Return the exponents of all features, the constant first: (p, d + c)."""
    rows = [
        [*powers, *degrees]
        for powers in total_degree(knobs, 2).tolist()
        for degrees in total_degree(contexts, max(degree - sum(powers), 0)).tolist()
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, knobs + contexts)


def _default_degree(knobs: int, contexts: int) -> int:
    """Return the highest degree up to 6 with at most as many coefficients as can be afforded."""
    for degree in range(6, 2, -1):
        if len(_exponents(knobs, contexts, degree)) <= _most_coefficients:
            return degree
    return 2


def _prior(
    exponents: NDArray[np.int64], start: NDArray[np.float64], units: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of all coefficients before anything is known."""
    knobs = len(start)
    powers, degree = exponents[:, :knobs], exponents[:, knobs:].sum(1)
    order = powers.sum(1)
    size = (units**powers).prod(1)
    deviation = np.array([1.0, _slope_deviation, _curvature_deviation])[order]
    deviation *= size * _decay**degree
    deviation[0] = _level_deviation
    # _curvature · (u − start)², but for the constant
    curved = (powers.max(1) == 2) & (degree == 0)
    sloped = (order == 1) & (degree == 0)
    mean = _curvature * (curved * size - 2 * sloped * (powers @ (units**2 * start)))
    return mean, deviation**2
