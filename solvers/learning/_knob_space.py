"""What a tuner may choose: ranges and lists of values, and the learner that chooses from them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from structlin.solvers.learners._arms import checked_arms
from structlin.solvers.learners._knobs import Knob
from structlin.solvers.learners._learner import Learner
from structlin.solvers.learners.choice import Choice
from structlin.solvers.learners.quadratic_surrogate import QuadraticSurrogate
from structlin.solvers.learners.thompson import ThompsonSampling

_combination = ""  # what plays call the combination of discrete values: no knob has this name


class KnobSpace:
    """The knobs of a solver, by name: ranges of continuous ones, lists of discrete ones.

    Parameters
    ----------
    given : mapping
        ``(low, high)`` or ``(low, high, scale)`` for a continuous knob; a list, range or array
        for a discrete one.

    Attributes
    ----------
    names : list of str
        The names of all knobs.
    combinations : list of dict
        All combinations of the values of the discrete knobs; one, of nothing, if there is none.

    Raises
    ------
    ValueError
        If there is no knob, or a range or list is empty, not finite, or outside its scale.
    TypeError
        If one is neither range nor list.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        if not given:
            raise ValueError("there is no knob to tune: pass some, such as omega=(0.5, 1.9)")
        self._ranges: dict[str, Knob] = {}
        self._lists: dict[str, tuple[Any, ...]] = {}
        for name, choice in given.items():
            try:
                if isinstance(choice, tuple):
                    self._ranges[name] = _checked_range(choice)
                else:
                    values = [*choice] if isinstance(choice, range) else choice
                    self._lists[name] = _checked_list(values)
            except (TypeError, ValueError) as error:
                raise type(error)(
                    f"{name} is {choice!r}: pass (low, high) or (low, high, scale) for a "
                    f"continuous knob, a list of values for a discrete one ({error})"
                ) from None
        self.names = [*self._ranges, *self._lists]
        self.combinations = [
            dict(zip(self._lists, values, strict=True))
            for values in itertools.product(*self._lists.values())
        ]

    def __repr__(self) -> str:
        ranges = [f"{name} from {k.low:g} to {k.high:g}" for name, k in self._ranges.items()]
        return ", ".join(ranges + [f"{name} in {[*v]}" for name, v in self._lists.items()])

    def state(self) -> dict[str, Any]:
        """Return the knobs, ready for JSON."""
        return {
            **{name: [k.low, k.high, k.scale] for name, k in self._ranges.items()},
            **{name: {"values": list(values)} for name, values in self._lists.items()},
        }

    def learner(self, contexts: Any, rng: Any) -> Learner:
        """Return a learner of all knobs that knows nothing yet."""
        count = len(self.combinations)
        if not self._ranges:
            return ThompsonSampling(count, contexts, rng=rng)
        surrogate = QuadraticSurrogate(
            {name: (knob.low, knob.high) for name, knob in self._ranges.items()},
            scale={name: knob.scale for name, knob in self._ranges.items()},
            contexts=contexts,
            rng=rng,
        )
        if count == 1:
            return surrogate
        return Choice(
            {str(i): surrogate for i in range(count)},
            selector=ThompsonSampling(count, contexts),
            name=_combination,
            rng=rng,
        )

    def chosen(self, value: Any) -> dict[str, Any]:
        """Return the knobs that the value of a play of `learner` stands for."""
        if not isinstance(value, Mapping):
            return dict(self.combinations[value])
        continuous = {name: value[name] for name in self._ranges}
        return {**continuous, **self.combinations[int(value.get(_combination, 0))]}

    def kind(self, choice: Mapping[str, Any]) -> str:
        """Return a name for the discrete part of a choice."""
        return repr([choice[name] for name in self._lists])


def _checked_range(given: tuple[Any, ...]) -> Knob:
    if len(given) not in (2, 3):
        raise TypeError(f"a tuple of {len(given)}")
    return Knob(given[:2], *given[2:])


def _checked_list(given: Any) -> tuple[Any, ...]:
    if not hasattr(given, "__len__"):
        raise TypeError("a single value")
    return checked_arms(given)[0]
