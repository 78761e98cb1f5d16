"""Choose one of several options, each of which may learn parameters of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._learner import (
    Learner,
    Outcome,
    Play,
    alike,
    described,
    made,
    started,
)
from structlin.solvers.learners.thompson import ThompsonSampling

# of the selector; by trial on options of which one becomes cheaper while it is played
_discount = 0.99
_degree = 3


class Choice(Learner):
    """Chooses one of several options by their costs, and the parameter of that option.

    Its plays are mappings: ``{"solver": name}``, with what the option's own learner chose.

    Parameters
    ----------
    options : mapping of str to Learner or None
        What there is to choose from, with the learner of each one's parameter; None if it has
        none. A learner whose plays are mappings adds all of their entries.
    selector : Learner or None
        The learner that chooses among the options: its arms, in their order. By default
        `ThompsonSampling` with discount 0.99, in the contexts of the other learners.
    name : str
        What the plays call the option.
    knob : str
        What the plays call a parameter that is no mapping itself.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    learners : mapping of str to Learner or None
        The learners of the options.
    selector : Learner
        The learner that chooses.

    Raises
    ------
    ValueError
        If there is no option, the selector has another number of arms, or learners differ in
        their contexts.
    TypeError
        If something is no learner.

    Notes
    -----
    Every outcome is told to the selector and to the learner of the option that was played. An
    option gets cheaper while its parameter is being learned: a selector with ``discount < 1``
    forgets what it cost before. Costs of different solvers are comparable if they are seconds or
    operations; iterations are not.

    Examples
    --------
    >>> from structlin.solvers.learners import TsallisINF
    >>> learner = Choice({"direct": None, "relaxed": TsallisINF([1.0, 1.5])}, rng=0)
    >>> for _ in range(300):
    ...     play = learner.ask()
    ...     learner.tell(play, 2.0 if play.value["solver"] == "direct" else play.value["omega"])
    >>> play.value
    {'solver': 'relaxed', 'omega': 1.0}
    """

    def __init__(
        self,
        options: Mapping[str, Learner | Mapping[str, Any] | None],
        *,
        selector: Learner | Mapping[str, Any] | None = None,
        name: str = "solver",
        knob: str = "omega",
        rng: Any = None,
    ) -> None:
        if not isinstance(options, Mapping) or not options:
            raise ValueError(f"options is {options!r}: pass a mapping with at least one name")
        for key, value in (("name", name), ("knob", knob)):
            if not isinstance(value, str):
                raise TypeError(f"{key} is {value!r}: pass a word")
        if name == knob:
            raise ValueError(f"name and knob are both {name!r}: plays need two words")
        names = [str(option) for option in options]
        if len(set(names)) < len(names):
            raise ValueError(f"two of the options {', '.join(names)} have the same name")
        prototypes = {
            option: None if learner is None else made(f"options[{option!r}]", learner)
            for option, learner in zip(names, options.values(), strict=True)
        }
        spaces = [learner.contexts for learner in prototypes.values() if learner is not None]
        if selector is None:
            bounds = next((space.bounds for space in spaces if space is not None), None)
            chooser: Learner = ThompsonSampling(names, bounds, degree=_degree, discount=_discount)
        else:
            chooser = made("selector", selector)
        if getattr(chooser, "arms", None) != len(names):
            raise ValueError(
                f"the selector {chooser!r} does not choose among {len(names)} arms: it needs one "
                "for each option"
            )
        ranges = {space.bounds for space in (chooser.contexts, *spaces) if space is not None}
        if len(ranges) > 1:
            raise ValueError("the learners look at contexts of different ranges: give them one")
        super().__init__(
            {
                "options": {
                    option: None if learner is None else described(learner)
                    for option, learner in prototypes.items()
                },
                "selector": described(chooser),
                "name": name,
                "knob": knob,
            },
            ContextSpace(ranges.pop()) if ranges else None,
            rng=rng,
        )
        self.name, self.knob = name, knob
        rng = copy.deepcopy(self._rng)  # a saved state is one from before these draws
        self.selector = started(chooser, rng)
        self.learners = {
            option: None if learner is None else started(learner, rng)
            for option, learner in prototypes.items()
        }
        self._names = names

    def __repr__(self) -> str:
        return f"<Choice of {', '.join(self._names)}, {self.rounds} rounds>"

    @property
    def arms(self) -> int:
        """Number of options."""
        return len(self._names)

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        selected = self.selector.ask(context)
        arm = int(selected)
        option = self._names[arm]
        learner = self.learners[option]
        value: dict[str, Any] = {self.name: option}
        inner = None if learner is None else learner.ask(context)
        if inner is not None:
            is_mapping = isinstance(inner.value, Mapping)
            value.update(inner.value if is_mapping else {self.knob: inner.value})
        return Play(value, arm, selected.probability, context, clipped, (selected, inner))

    def _tell(self, play: Play, outcome: Outcome) -> None:
        if not isinstance(play.details, tuple) or len(play.details) != 2:
            raise ValueError("this play is of another learner")
        selected, inner = play.details
        self.selector.tell(selected, outcome)
        learner = self.learners[self._names[int(play)]]
        if inner is not None and learner is not None:
            learner.tell(inner, outcome)

    def _parts(self) -> dict[str, Learner]:
        """Return all learners by their place in the state; the selector's is the empty name."""
        inner = {option: learner for option, learner in self.learners.items() if learner}
        return {**{f"option {option}": x for option, x in inner.items()}, "selector": self.selector}

    def _rescale(self, factor: float) -> None:
        for learner in self._parts().values():
            learner.rescale(factor)

    def _merge(self, other: Choice) -> None:
        theirs = other._parts()
        merged = {part: learner.copy() for part, learner in self._parts().items()}
        for part, learner in merged.items():  # if one does not fit, nothing has changed
            learner.merge(theirs[part])
        self._take(merged)

    def _state(self) -> dict[str, Any]:
        return {part: learner.state_dict() for part, learner in self._parts().items()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        restored = {
            part: type(learner).from_state_dict(state[part])
            for part, learner in self._parts().items()
        }
        for part, learner in self._parts().items():
            if not alike(restored[part], learner):
                raise ValueError(f"the settings of its {part} are others")
        if restored["selector"].rounds > self.rounds:
            raise ValueError(f"its selector has more rounds than its {self.rounds}")
        self._take(restored)

    def _take(self, parts: Mapping[str, Learner]) -> None:
        self.selector = parts["selector"]
        self.learners = {option: parts.get(f"option {option}") for option in self.learners}
