"""What every learner is: asked for a value to play, told what it cost, saved, merged."""

from __future__ import annotations

import abc
import copy
import dataclasses
import math
import numbers
import operator
import statistics
import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._generators import restored_generator, saved_generator

max_loss = 1e100  # keeps totals far from overflow
_max_rounds = 2**63 - 1
_asks = 15  # plays of which the middle one is taken for the best; a choice


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a play cost, and what was seen on the way.

    Attributes
    ----------
    loss : float
        The cost, from 0 to 1e100: iterations, operations, or seconds.
    censored : bool
        Whether the attempt was given up, so that ``loss`` is a lower bound only.
    rate : float or None
        Factor by which an iteration reduced the residual towards the end, if it was observed.
    reduction : float or None
        ``ln(‖r_first‖/‖r_last‖)``: how much there was to do.
    """

    loss: float
    censored: bool = False
    rate: float | None = None
    reduction: float | None = None


@dataclasses.dataclass(slots=True, eq=False)
class Play:
    """A decision of a learner, to be told what it cost: soon or late, in any order, once.

    Attributes
    ----------
    value : object
        What to use: a number, one of the values that the arms stand for, or a mapping of names
        to such values.
    arm : int or None
        Number of the arm, of learners that have arms.
    probability : float
        Probability with which it was drawn; 1 where nothing is random.
    context : tuple of float
        The context it was chosen for, inside the learner's range.
    clipped : bool
        Whether the context given was outside that range.
    details : object
        What the learner itself wants to know when it is told.
    told : bool
        Whether the cost has been told.
    """

    value: Any
    arm: int | None = None
    probability: float = 1.0
    context: tuple[float, ...] = ()
    clipped: bool = False
    details: Any = None
    told: bool = False

    def __index__(self) -> int:
        if self.arm is None:
            raise TypeError("this play is none of several arms: use play.value")
        return self.arm

    def __float__(self) -> float:
        return float(self.value)


class Learner(abc.ABC):
    """Base class: draws plays for contexts, and learns from what they cost.

    A learner writes `_ask`, `_tell`, `_rescale`, `_state`, `_restore` and, if experience can be
    added up, `_merge`; it gets random numbers from ``self._rng`` only. All are called under a lock,
    so that a learner serves several threads; the same seed, contexts and outcomes in the same
    order give the same plays.

    Parameters
    ----------
    settings : mapping
        The arguments of the constructor but ``rng``, ready for JSON: ``cls(**settings)`` makes
        an equal learner that knows nothing yet.
    contexts : ContextSpace or None
        The contexts it looks at; None if it looks at none.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    rounds : int
        Outcomes told so far.
    clipped : int
        Contexts that were outside the range, and were moved to its border.
    """

    version: ClassVar[int] = 1  # of the saved state
    _kinds: ClassVar[dict[str, type[Learner]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Learner._kinds[cls.__name__] = cls

    def __init__(
        self, settings: Mapping[str, Any], contexts: ContextSpace | None = None, *, rng: Any = None
    ) -> None:
        self._settings = dict(settings)
        self.contexts = contexts
        self.rounds = 0
        self.clipped = 0
        self._rng = np.random.default_rng(rng)
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.rounds} rounds>"

    @abc.abstractmethod
    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        """Return a play for a context inside the range; () for learners that look at none."""

    @abc.abstractmethod
    def _tell(self, play: Play, outcome: Outcome) -> None:
        """Learn from a checked outcome."""

    @abc.abstractmethod
    def _state(self) -> dict[str, Any]:
        """Return what has been learned, ready for JSON."""

    @abc.abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `_state` returned; raise ValueError if it is impossible."""

    def _merge(self, other: Self) -> None:
        """Add what another learner of equal settings has learned."""
        raise TypeError(f"what {type(self).__name__} has learned cannot be added up")

    @abc.abstractmethod
    def _rescale(self, factor: float) -> None:
        """Take all losses told so far as ``factor`` times what they were."""

    def rescale(self, factor: float) -> None:
        """Take all losses told so far as ``factor`` times what they were.

        Raises
        ------
        ValueError
            If the factor is not positive and finite.
        """
        if not (isinstance(factor, numbers.Real) and 0 < float(factor) < math.inf):
            raise ValueError(f"factor is {factor!r}: pass a positive number")
        with self._lock:
            self._rescale(float(factor))

    def ask(self, context: Any = None) -> Play:
        """Choose what to play.

        Parameters
        ----------
        context : float, sequence of float, or None
            What is known beforehand. Learners without contexts do not look at it.

        Raises
        ------
        ValueError
            If the learner needs a context and there is none, or it has another length, or is NaN.
        """
        with self._lock:
            if self.contexts is None:
                return self._ask((), False)
            inside, clipped = self.contexts.inside(context)
            self.clipped += clipped
            return self._ask(inside, clipped)

    def best(self, context: Any = None) -> Any:
        """Return the value that is thought best, without learning anything.

        Learners that do not know it otherwise take that of the arm which a copy would play most
        often of several times, or the median of the numbers: exploration is mostly left out.

        Parameters
        ----------
        context : float, sequence of float, or None
            As in `ask`.

        Raises
        ------
        ValueError
            If the learner needs a context and there is none, or it has another length, or is NaN.
        """
        asked = self.copy()
        plays = [asked.ask(context) for _ in range(_asks)]
        arms = [play.arm for play in plays]
        frequent = max(arms, key=arms.count)
        return _median([play.value for play in plays if play.arm == frequent])

    def tell(self, play: Play, outcome: float | Outcome) -> None:
        """Learn what a play cost.

        Parameters
        ----------
        play : Play
            What `ask` returned. Plays may be told late and in any order, and those that are never
            told count for nothing.
        outcome : float or Outcome
            The loss, or the loss with what else was seen.

        Raises
        ------
        ValueError
            If the play was told before, or a number is negative, NaN or too large.
        TypeError
            If the loss is no real number, or the play none.
        """
        if not isinstance(play, Play):
            raise TypeError(f"play is {play!r}: tell what ask() returned")
        if not isinstance(outcome, Outcome):
            outcome = Outcome(_checked_loss(outcome))
        elif (loss := _checked_loss(outcome.loss)) is not outcome.loss:
            outcome = dataclasses.replace(outcome, loss=loss)
        with self._lock:
            if play.told:
                raise ValueError("this play was told before: ask() first, then tell its loss once")
            self._tell(play, outcome)
            play.told = True
            self.rounds += 1

    def _inside(self, context: Any) -> tuple[float, ...]:
        """Return the nearest context of the range; () for learners that look at none."""
        return () if self.contexts is None else self.contexts.inside(context)[0]

    def fresh(self, rng: Any = None) -> Self:
        """Return a learner of equal settings that knows nothing yet."""
        return type(self)(**self._settings, rng=rng)

    def copy(self) -> Self:
        """Return an independent learner that knows the same."""
        with self._lock:
            return copy.deepcopy(self)

    def merge(self, other: Learner) -> None:
        """Add what another learner of equal settings has learned from rounds of its own.

        Raises
        ------
        ValueError
            If kind or settings differ.
        TypeError
            If experience of this kind cannot be added up.
        """
        if other is self:
            raise ValueError("a learner cannot be merged with itself: its rounds would count twice")
        if not alike(self, other):
            raise ValueError(f"{self!r} and {other!r} differ in kind or settings: no merge")
        taken = other.copy()  # which no other thread changes
        with self._lock:
            self._merge(taken)
            self.rounds += taken.rounds
            self.clipped += taken.clipped

    def state_dict(self) -> dict[str, Any]:
        """Return everything the learner knows, random generator included, ready for JSON."""
        with self._lock:
            return {
                "kind": type(self).__name__,
                "version": self.version,
                "settings": copy.deepcopy(self._settings),
                "rounds": self.rounds,
                "clipped": self.clipped,
                "state": self._state(),
                "generator": saved_generator(self._rng),
            }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the learner that `state_dict` described; it continues where that one stood.

        ``Learner.from_state_dict`` takes learners of every kind.

        Raises
        ------
        ValueError
            If something in the state is missing or impossible, or of another kind or version.
        """
        name = "learner" if cls is Learner else cls.__name__
        try:
            kind = Learner._kinds.get(state["kind"])
            if kind is None or not issubclass(kind, cls):
                raise ValueError(f"it is a {state['kind']!r}")
            if state["version"] != kind.version:
                raise ValueError(
                    f"it has version {state['version']!r}, and this is version {kind.version}"
                )
            learner = kind(**state["settings"], rng=restored_generator(state["generator"]))
            learner.rounds = operator.index(state["rounds"])
            learner.clipped = operator.index(state["clipped"])
            if not 0 <= learner.rounds <= _max_rounds or learner.clipped < 0:
                raise ValueError(f"{learner.rounds} rounds, {learner.clipped} contexts clipped")
            learner._restore(state["state"])
        except KeyError as error:
            raise ValueError(f"the state of the {name} has no entry {error}") from None
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ValueError(f"this is not the state of a {name}: {error}") from error
        return learner

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def described(learner: Learner) -> dict[str, Any]:
    """Return kind and settings of a learner, ready for JSON."""
    return {"kind": type(learner).__name__, "settings": learner._settings}


def made(name: str, given: Any) -> Learner:
    """Return the learner that the argument of that name is, or that `described` described.

    Raises
    ------
    ValueError
        If its kind is not known.
    TypeError
        If it is neither.
    """
    if isinstance(given, Learner):
        return given
    if not (isinstance(given, Mapping) and set(given) == {"kind", "settings"}):
        raise TypeError(f"{name} is {given!r}: pass a Learner such as TsallisINF")
    kind = Learner._kinds.get(given["kind"])
    if kind is None:
        raise ValueError(f"{name} is a {given['kind']!r}, no known kind of learner")
    return kind(**given["settings"], rng=0)


def started(prototype: Learner, rng: np.random.Generator) -> Learner:
    """Return a learner like the prototype, which knows what that knows."""
    if prototype.rounds:
        return prototype.copy()
    return prototype.fresh(int(rng.integers(2**63)))


def alike(one: Learner, other: Learner) -> bool:
    """Tell whether learners are of one kind and have equal settings."""
    return type(one) is type(other) and one._settings == other._settings


def _median(values: list[Any]) -> Any:
    """Return the median of numbers, or of each number in mappings; else the first value."""
    first = values[0]
    if isinstance(first, Mapping):
        return {name: _median([value[name] for value in values]) for name in first}
    if isinstance(first, numbers.Real):
        return statistics.median_low(values)
    return first


def _checked_loss(loss: Any) -> float:
    if type(loss) is float and 0 <= loss <= max_loss:  # as a rule
        return float(loss)
    if not isinstance(loss, numbers.Real):
        raise TypeError(f"loss is {loss!r}: pass a real number")
    try:
        checked = float(loss)
    except OverflowError:
        checked = math.inf
    if not 0 <= checked <= max_loss:
        raise ValueError(f"loss is {checked}: pass a number from 0 to {max_loss:g}")
    return checked
