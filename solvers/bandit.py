"""Bandits: learn which of several arms costs least, by playing them."""

from __future__ import annotations

import math
import numbers
import operator
import sys
from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from structlin._backend import kernel, namespace
from structlin._kernels.tsallis import tsallis_probabilities

Estimator = Literal["reduced-variance", "importance-weighted"]

_rates = {"importance-weighted": 2.0, "reduced-variance": 4.0}
_bit_generators = {
    kind.__name__: kind
    for kind in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}
_last_positions = {"MT19937": 624, "Philox": 4}  # NumPy reads at a position without looking
_max_loss = 1e100  # keeps total losses far from overflow, together with the next two
_least_probability = 1e-30  # draws resolve 2^-53
_max_rounds = 2**63 - 1


class TsallisINF:
    """Tsallis-INF: an anytime bandit for stochastic and for adversarial losses.

    Losses are nonnegative, with 0 for the best conceivable outcome (an iteration count ``k``
    that is at least one is told as ``k − 1``). They are measured in units of their own running
    mean, so that neither their range nor the number of rounds needs to be known.

    Parameters
    ----------
    arms : int
        Number of arms.
    estimator : {"reduced-variance", "importance-weighted"}
        How the losses of all arms are estimated from that of the arm played (see Notes).
    rng : int, numpy.random.Generator or None
        Seed or source of randomness; the same seed and losses give the same arms.

    Attributes
    ----------
    arms : int
        Number of arms.
    estimator : str
        The estimator.
    rounds : int
        Losses told so far.

    Raises
    ------
    ValueError
        If there is no arm or the estimator is unknown.

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

    A decision costs ``O(arms)`` time and memory, whatever the number of rounds. Losses may be
    told late and in any order, one open draw per arm: an arm drawn again before its loss came
    forgets the earlier draw, and a draw that is never told counts for nothing. One learner
    serves one thread.

    References
    ----------
    .. [1] J. Zimmert and Y. Seldin, "Tsallis-INF: An optimal algorithm for stochastic and
       adversarial bandits", Journal of Machine Learning Research 22(28), 2021.

    Examples
    --------
    >>> learner = TsallisINF(3, rng=0)
    >>> for _ in range(500):
    ...     arm = learner.ask()
    ...     learner.tell(arm, loss=[9, 4, 7][arm])
    >>> learner.probabilities.argmax()
    np.int64(1)
    """

    def __init__(
        self, arms: int, *, estimator: Estimator = "reduced-variance", rng: Any = None
    ) -> None:
        arms = operator.index(arms)
        if arms < 1:
            raise ValueError(f"arms is {arms}: at least one is needed")
        if estimator not in get_args(Estimator):
            known = " or ".join(repr(name) for name in get_args(Estimator))
            raise ValueError(f"estimator is {estimator!r}: pass {known}")
        self.arms = arms
        self.estimator: Estimator = estimator
        self.rounds = 0
        self._losses = np.zeros(arms)  # estimated totals
        self._total = 0.0  # of the losses told
        self._open = [0.0] * arms  # probability with which an open draw was made, else 0
        self._rng = np.random.default_rng(rng)
        self._distribution: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def __repr__(self) -> str:
        return f"<TsallisINF {self.arms} arms, {self.estimator}, {self.rounds} rounds>"

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of the next draw: (arms,) array, read-only."""
        return self._probabilities()[0]

    def ask(self) -> int:
        """Draw an arm."""
        p, cumulative = self._probabilities()
        # 1 − u lies in (0, 1]: the search ends at an arm, and never at one of probability zero
        level = (1.0 - self._rng.random()) * cumulative[-1]
        arm = int(cumulative.searchsorted(level))
        self._open[arm] = max(float(p[arm]), _least_probability)
        return arm

    def tell(self, arm: int, loss: float) -> None:
        """Learn the loss of an arm that was drawn.

        Parameters
        ----------
        arm : int
            The arm that `ask` returned.
        loss : float
            Its loss, from 0 (the best conceivable) to 1e100. If the true loss is only known to
            be larger than some bound, tell the bound.

        Raises
        ------
        ValueError
            If the arm is out of range or has no open draw, or the loss is negative, too large or
            NaN.
        TypeError
            If the loss is no real number.
        """
        arm = operator.index(arm)
        if not 0 <= arm < self.arms:
            raise ValueError(f"arm is {arm}: there are arms 0 to {self.arms - 1}")
        drawn_with = self._open[arm]
        if not drawn_with:
            raise ValueError(f"arm {arm} has no open draw: ask() first, then tell its loss once")
        if not isinstance(loss, numbers.Real):
            raise TypeError(f"loss is {loss!r}: pass a real number")
        try:
            loss = float(loss)
        except OverflowError:
            loss = math.inf
        if not 0 <= loss <= _max_loss:
            raise ValueError(f"loss is {loss}: pass a number from 0 to {_max_loss:g}")
        rate = self._rate()
        if self.estimator == "reduced-variance" and rate**2 <= 1:  # before, no arm qualifies
            baselines = (self._total / self.rounds) * (self.probabilities >= rate**2)
            self._losses += baselines
            self._losses[arm] += (loss - baselines[arm]) / drawn_with
        else:
            self._losses[arm] += loss / drawn_with
        self._open[arm] = 0.0
        self._total += loss
        self.rounds += 1
        self._distribution = None

    def state_dict(self) -> dict[str, Any]:
        """Return everything the learner knows, random generator included, ready for JSON.

        Raises
        ------
        TypeError
            If the random generator is none of NumPy's own.
        """
        generator = self._rng.bit_generator.state
        if generator["bit_generator"] not in _bit_generators:
            raise TypeError(f"{generator['bit_generator']} cannot be saved: use numpy's generators")
        return {
            "kind": "TsallisINF",
            "version": 1,
            "estimator": self.estimator,
            "rounds": self.rounds,
            "total": self._total,
            "losses": self._losses.tolist(),
            "open": list(self._open),
            "generator": _to_lists(generator),
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the learner that `state_dict` described; it continues where that one stood.

        Raises
        ------
        ValueError
            If something in the state is missing or impossible.
        """
        try:
            if (state["kind"], state["version"]) != ("TsallisINF", 1):
                raise ValueError(f"it is a {state['kind']!r} of version {state['version']!r}")
            losses = np.array(state["losses"], dtype=np.float64)
            drawn = [float(p) for p in state["open"]]
            rounds, total = operator.index(state["rounds"]), float(state["total"])
            if losses.ndim != 1 or len(drawn) != losses.size:
                raise ValueError(f"{losses.shape} losses but {len(drawn)} draws")
            if not all(p == 0 or _least_probability <= p <= 1 for p in drawn):
                raise ValueError(f"a probability is neither 0 nor in [{_least_probability:g}, 1]")
            if rounds > _max_rounds:
                raise ValueError(f"rounds is beyond {_max_rounds}")
            if rounds < 0 or not 0 <= total <= 2 * _max_loss * rounds:
                raise ValueError(f"{rounds} rounds with a total loss of {total}")
            generator = _generator(state["generator"])
            learner = cls(losses.size, estimator=state["estimator"], rng=generator)
            learner.rounds, learner._total = rounds, total
            learner._losses, learner._open = losses, drawn
            with np.errstate(over="ignore"):
                if not np.all(np.abs(losses) / learner._scale() <= 1e100):
                    raise ValueError("a loss is not finite, or far beyond the total and the rounds")
            return learner
        except KeyError as error:
            raise ValueError(f"the state of the learner has no entry {error}") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not the state of a TsallisINF: {error}") from error

    def _rate(self) -> float:
        return _rates[self.estimator] / math.sqrt(self.rounds + 1)

    def _scale(self) -> float:
        """Return the mean loss, or 1 where it says nothing: there is none, or it underflows."""
        mean = self._total / max(self.rounds, 1)
        return mean if mean > sys.float_info.min else 1.0

    def _probabilities(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probabilities and their cumulative sums, kept until the next loss."""
        if self._distribution is None:
            compiled = kernel(namespace(self._losses), tsallis_probabilities)
            p = compiled(self._losses / self._scale(), self._rate())
            p.setflags(write=False)
            self._distribution = p, p.cumsum()
        return self._distribution


def _generator(saved: Mapping[str, Any]) -> np.random.Generator:
    try:
        name = saved["bit_generator"]
        bits = _bit_generators[name]()
        bits.state = _from_lists(saved, bits.state)
        position = saved.get("buffer_pos", saved["state"].get("pos", 0))
        if not 0 <= position <= _last_positions.get(name, 0):
            raise ValueError(f"{name} has no word {position}")
        if _to_lists(bits.state) != _to_lists(saved):
            raise ValueError(f"{name} has other states")
    except Exception as error:  # NumPy trusts a state, and raises whatever comes of it
        raise ValueError(f"its generator is corrupted ({type(error).__name__}: {error})") from error
    return np.random.Generator(bits)


def _to_lists(value: Any) -> Any:
    """Replace the arrays of a generator's state by lists."""
    if isinstance(value, Mapping):
        return {name: _to_lists(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _from_lists(value: Any, pattern: Any) -> Any:
    """Replace lists by arrays wherever the pattern has arrays."""
    if isinstance(pattern, Mapping):
        return {name: _from_lists(value[name], part) for name, part in pattern.items()}
    return np.array(value, dtype=pattern.dtype) if isinstance(pattern, np.ndarray) else value
