"""A solver of the user's own that chooses its parameters itself, and learns from what they cost."""

from __future__ import annotations

import dataclasses
import functools
import logging
import operator
import threading
import time
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Self

from structlin._errors import ConvergenceWarning
from structlin.solvers._solution import quiet, require_callable
from structlin.solvers.learners import Learner, Play
from structlin.solvers.learners._learner import alike, max_loss
from structlin.solvers.learning._called import name_of, parameters_of, require_parameters
from structlin.solvers.learning._knob_space import KnobSpace
from structlin.solvers.learning._readings import Loss, Reading, read, wait_for
from structlin.solvers.learning._time_limit import Refused, TimeLimit

_log = logging.getLogger(__name__)

_penalty = 2.0  # what a failure costs, in usual losses: the best choice never costs more than one
_memory = 50  # calls over which the usual loss is averaged; a choice
_asks = 100  # how often a learner may ask for what still runs before a call is refused; a choice


@dataclasses.dataclass(frozen=True)
class Trial:
    """What came of one call of a tuned solver.

    Attributes
    ----------
    knobs : mapping
        What was chosen.
    seconds : float
        How long the solver took, without a backstop.
    loss : float or None
        What it cost; None where that is not known, or there was nothing to do.
    failure : str or None
        Why the attempt was given up, if it was.
    error : Exception or None
        What the solver raised, if it did.
    clipped : bool
        Whether the context was outside the range, and was moved to its border.
    """

    knobs: Mapping[str, Any]
    seconds: float
    loss: float | None
    failure: str | None = None
    error: Exception | None = None
    clipped: bool = False


class TunedSolver:
    """A solver that chooses its knobs itself; `SolverTuner` makes them.

    Attributes
    ----------
    learner : Learner
        What chooses. It may be asked and told directly, for calls that are made elsewhere;
        `chosen` translates its plays.
    calls, failures : int
        Calls done, and those among them that failed.
    last : Trial or None
        What came of the call that ended last.

    Raises
    ------
    TypeError
        If the solver cannot be called, or shows its parameters and a knob is none of them.
    """

    def __init__(
        self,
        solve: Callable[..., Any],
        knobs: KnobSpace,
        learner: Learner,
        translate: Callable[[Any], dict[str, Any]],
        loss: Loss,
        backstop: Callable[..., Any] | None,
        time_limit: float | None,
    ) -> None:
        require_callable("solve", solve)
        require_parameters(solve, knobs.names)
        functools.update_wrapper(self, solve)
        self._solve = quiet(solve)
        self._name = name_of(solve)
        self._knobs, self._translate, self._loss = knobs, translate, loss
        self._backstop = backstop
        keeps_time = "time_limit" in parameters_of(solve)
        self._limit = time_limit if keeps_time else None  # that the solver keeps itself
        self._several = len(knobs.combinations) > 1
        self._clock = (
            None if time_limit is None or keeps_time else TimeLimit(time_limit, self._several)
        )
        self._lock = threading.Lock()
        self.learner = learner
        self.calls = 0
        self.failures = 0
        self.last: Trial | None = None
        self._timed: set[str] = set()  # combinations of discrete knobs that have been called
        self._usual, self._told = 0.0, 0  # mean of recent losses, and how many it is made of
        # late calls, by combination, to be told as soon as a usual loss is known
        self._held: dict[str, tuple[Learner, Play, Reading]] = {}

    def __repr__(self) -> str:
        return (
            f"<TunedSolver {self._name}: {self._knobs}; "
            f"{self.calls} calls, {self.failures} failures>"
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # a decorated method: one learner for all instances
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, context: Any = None, **kwargs: Any) -> Any:
        """Call the solver with knobs of the learner's choice, and learn from the cost.

        Parameters
        ----------
        *args, **kwargs
            What the solver takes besides its knobs.
        context : float or sequence of float, optional
            What is known of the system beforehand, inside the tuner's ``contexts``.

        Returns
        -------
        object
            What the solver, or the backstop, returned.

        Raises
        ------
        TypeError
            If a knob is given, or the solver returns nothing of the kind that the tuner reads.
        ValueError
            If a context is missing or given in vain.
        Exception
            What the solver raised, where there is no backstop; what the backstop raised, from
            what the solver raised.

        Warns
        -----
        ConvergenceWarning
            If the solver failed in another way than by an exception, and there is no backstop.
        """
        given = [name for name in self._knobs.names if name in kwargs]
        if given:
            raise TypeError(
                f"{given[0]} is chosen by the tuner: leave it out, or call the solver itself, "
                "which is __wrapped__"
            )
        if context is not None and self.learner.contexts is None:
            raise ValueError("context is given, but no range: use SolverTuner(…, contexts=…)")
        learner = self.learner
        for _ in range(_asks):  # a play of what still runs stays untold
            play = learner.ask(context)
            knobs = self.chosen(play)
            kind = self._knobs.kind(knobs)
            returned, reading, seconds, error = self._attempt(args, {**kwargs, **knobs}, kind)
            if not isinstance(error, Refused):
                break
        if not isinstance(error, Refused) and not self._warms_up(kind, reading):
            self._learn(learner, play, reading, kind)
        trial = Trial(knobs, seconds, reading.loss, reading.failure, error, play.clipped)
        with self._lock:
            self.calls += 1
            self.failures += reading.failure is not None
            self.last = trial
        if reading.failure is None:
            return returned
        return self._instead(returned, trial, args, kwargs)

    def chosen(self, play: Play) -> dict[str, Any]:
        """Return the knobs that a play of the learner stands for."""
        return self._translate(play.value)

    def best(self, context: Any = None) -> dict[str, Any]:
        """Return the knobs that are thought best, without learning anything.

        Parameters
        ----------
        context : float or sequence of float, optional
            What is known of the system.
        """
        return self._translate(self.learner.best(context))

    def state_dict(self) -> dict[str, Any]:
        """Return what has been learned, ready for JSON."""
        with self._lock:
            return {
                "kind": "TunedSolver",
                "version": 1,
                "knobs": self._knobs.state(),
                "loss": self._loss if isinstance(self._loss, str) else None,
                "calls": self.calls,
                "failures": self.failures,
                "usual": self._usual,
                "told": self._told,
                "learner": self.learner.state_dict(),
            }

    def load(self, state: Mapping[str, Any]) -> Self:
        """Continue where the solver stood that `state_dict` described; return this one.

        Raises
        ------
        ValueError
            If it had other knobs or another learner, or something is missing or impossible; then
            nothing has changed.
        """
        try:
            if (state["kind"], state["version"]) != ("TunedSolver", 1):
                raise ValueError(f"it is a {state['kind']!r} of version {state['version']!r}")
            if state["knobs"] != self._knobs.state():
                raise ValueError(f"it has knobs {state['knobs']}, not {self._knobs}")
            if state["loss"] != (self._loss if isinstance(self._loss, str) else None):
                raise ValueError(f"its loss is {state['loss'] or 'a function'}, not {self._loss}")
            learner = type(self.learner).from_state_dict(state["learner"])
            if not alike(learner, self.learner):
                raise ValueError("its learner has other settings")
            calls, failures, told = (
                operator.index(state[name]) for name in ("calls", "failures", "told")
            )
            usual = float(state["usual"])
            if not (0 <= failures <= calls and 0 <= told <= calls and 0 <= usual <= max_loss):
                raise ValueError(f"{calls} calls, {failures} failures, usual loss {usual}")
        except KeyError as error:
            raise ValueError(f"the state of the tuned solver has no entry {error}") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not the state of {self!r}: {error}") from error
        with self._lock:
            self.learner, self.calls, self.failures = learner, calls, failures
            self._usual, self._told = usual, told
        return self

    def merge(self, other: TunedSolver) -> None:
        """Add what another solver with the same knobs has learned from calls of its own.

        Raises
        ------
        ValueError
            If knobs, losses or learners differ.
        TypeError
            If experience of this kind of learner cannot be added up, or the other is none.
        """
        if not isinstance(other, TunedSolver):
            raise TypeError(f"other is {other!r}: pass a TunedSolver")
        if other._loss != self._loss and not (callable(other._loss) and callable(self._loss)):
            raise ValueError(f"{other!r} has loss {other._loss}, not {self._loss}: no merge")
        if other._knobs.state() != self._knobs.state():
            raise ValueError(f"{self!r} and {other!r} have different knobs: no merge")
        self.learner.merge(other.learner)
        with self._lock:
            told = self._told + other._told
            if told:
                self._usual = (self._told * self._usual + other._told * other._usual) / told
            self._told = told
            self.calls += other.calls
            self.failures += other.failures

    def _attempt(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], kind: str
    ) -> tuple[Any, Reading, float, Exception | None]:
        """Return what the solver returned, what that tells, seconds, and what it raised."""
        if self._limit is not None:
            kwargs.setdefault("time_limit", self._limit)

        def call() -> Any:
            returned = self._solve(*args, **kwargs)
            wait_for(returned)
            return returned

        begin = time.perf_counter()
        try:
            returned = call() if self._clock is None else self._clock.call(call, kind)
        except Exception as error:
            seconds = time.perf_counter() - begin
            failure = "time_limit" if isinstance(error, TimeoutError) else "error"
            spent = seconds if self._loss == "seconds" else None
            return None, Reading(spent, failure), seconds, error
        seconds = time.perf_counter() - begin
        return returned, read(returned, self._loss, seconds, self._name), seconds, None

    def _warms_up(self, kind: str, reading: Reading) -> bool:
        """Tell whether a time says nothing, because it is the first of its kind."""
        if self._loss != "seconds" or reading.failure is not None:
            return False
        with self._lock:
            if kind in self._timed:
                return False
            self._timed.add(kind)
            return True

    def _learn(self, learner: Learner, play: Play, reading: Reading, kind: str) -> None:
        """Tell the learner; of a late call, as soon as it is known what is usual."""
        with self._lock:
            late = self._clock is not None and reading.failure == "time_limit"
            if late and self._several and not self._usual and kind not in self._held:
                self._held[kind] = learner, play, reading
                return
            outcome = reading.outcome(_penalty * self._usual if self._usual > 0 else 1.0)
            if outcome is not None and not outcome.censored:
                self._told += 1
                self._usual += (outcome.loss - self._usual) / min(self._told, _memory)
            told = [(learner, play, outcome)]
            if self._usual > 0:
                least = _penalty * self._usual
                told += [
                    (who, which, seen.outcome(least)) for who, which, seen in self._held.values()
                ]
                self._held.clear()
        for who, which, result in told:
            if result is not None:
                who.tell(which, result)

    def _instead(
        self, returned: Any, trial: Trial, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return the backstop's answer, or say why there is none."""
        knobs = ", ".join(f"{name}={value!r}" for name, value in trial.knobs.items())
        if self._backstop is None:
            if trial.error is not None:
                begun = "not " if isinstance(trial.error, Refused) else ""
                trial.error.add_note(
                    f"{self._name} was {begun}called with {knobs}, as the tuner chose"
                )
                raise trial.error
            warnings.warn(
                f"{self._name} failed with {knobs}: {trial.failure}. Pass a backstop that answers "
                "instead, or leave such values out",
                ConvergenceWarning,
                stacklevel=3,
            )
            return returned
        # an exception may be a mistake, which the backstop would hide
        level = logging.INFO if trial.error is None else logging.WARNING
        reason = trial.failure if trial.error is None else repr(trial.error)
        _log.log(level, "%s failed with %s: %s", self._name, knobs, reason)
        try:
            return self._backstop(*args, **kwargs)
        except Exception as error:
            if trial.error is None:
                raise
            raise error from trial.error
