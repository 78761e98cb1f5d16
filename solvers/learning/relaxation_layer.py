"""Solve a sequence of systems, and learn the solver's parameters on the way."""

from __future__ import annotations

import copy
import dataclasses
import math
import operator
import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from structlin.solvers._solution import Solution, Solver, warns_unconverged
from structlin.solvers.krylov.cg import cg
from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._learner import Learner, Outcome
from structlin.solvers.learning._attempt import attempted
from structlin.solvers.learning._called import CalledSolver, called_solvers
from structlin.solvers.learning._contexts import operator_bounds, operator_context
from structlin.solvers.learning._costs import (
    Loss,
    loss_names,
    outcome,
    outcome_of_solution,
    require_model,
)
from structlin.solvers.learning._decision import Decision
from structlin.solvers.learning._defaults import default_learner
from structlin.solvers.learning._experience import Experience
from structlin.solvers.learning._history import History
from structlin.solvers.learning._keys import Key, key_of
from structlin.solvers.learning.report import Report
from structlin.solvers.relaxation.sor import sor

_given = ("A", "b", "x0", "rtol", "atol", "maxiter", "time_limit")


class RelaxationLayer:
    """A solver for sequences of related systems that learns its parameters.

    Every solve plays a parameter and tells a learner what that cost, so that the layer finds
    what serves this sequence best, and follows where it drifts. Where a parameter fails, another
    solver answers.

    Parameters
    ----------
    solver : callable, or mapping of names to callables
        Called as ``solver(A, b, omega=…, x0=…, rtol=…, atol=…, maxiter=…, time_limit=…)``: `sor`,
        `ssor_cg`, or the like; without ``A`` if its first parameter is ``b``. Of several, the
        learner chooses: see `Choice`.
    learner : Learner or None
        Prototype of the learners: one like it is kept for each kind of system. By default a
        `SpectralLearner` for `sor`, and a `QuadraticSurrogate` for other relaxations. If its
        plays are mappings, these are the solver's arguments.
    knob : str
        Name of the argument that is learned.
    loss : {"iterations", "flops", "seconds"}, callable or None
        What is to be low; a function gets the solution and returns a number ≥ 0. By default
        iterations of one solver, and seconds of several, whose iterations cannot be compared.
    contexts : (low, high), or sequence of such pairs, or None
        Range of the context that is passed to `solve`, or of its components. None: the default
        learner looks at what is read off the operator (see Notes).
    contextual : bool
        Whether to read the operator at all where there is no ``contexts``.
    backstop : callable
        The solver that answers where ``solver`` fails, called likewise without the knob.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness; by default that of the learner, if there is one.

    Attributes
    ----------
    learners : mapping of Key to Learner
        What was learned, by what the systems have in common.
    history : History
        Cumulative costs and chosen values.
    iterations : int
        Iterations of all solves, those of failed attempts and of the backstop included.
    failures : int
        Solves that the backstop had to answer.

    Raises
    ------
    ValueError
        If a range is empty, ``contexts`` is given beside a learner that has its own, the loss is
        unknown (or ``"flops"``, and a solver's operations are), or there is no default learner for
        this knob.
    TypeError
        If a solver cannot be called, or has no parameter of the knob's name, or the learner is
        none.

    Notes
    -----
    Costs are comparable within one group of systems, solver, ordering (and other options), kind of
    matrix, decade of the tolerance, data type, device, and either with or without a start: for
    each such `Key` there is a learner of its own. A new tolerance, data type or device begins with
    a copy of what the nearest one knows, costs scaled by the ratio of ``ln ε``.

    What is read off an operator ``A`` with diagonal ``D`` is ``log₁₀(1ᵀA1 / 1ᵀD1)``, its mean
    diagonal dominance, in [−6, 0], and ``log₁₀ n`` in [0, 9]
    (`RelaxationLayer.operator_contexts`), so that ``n`` may change between solves. Without any
    context, ``n`` is told apart by its order of magnitude, in powers of two.

    Nothing is learned from a solve that found nothing to do, nor, if the loss is ``"seconds"``,
    from the first of its kind in a process, which may have to compile. If an attempt fails, only
    a lower bound of its cost is known: the iterations done if a limit stopped it, ``maxiter`` if it
    diverged, broke down, returned NaN or raised an exception (loss ``"seconds"``, or a function:
    what attempt and backstop took together). The backstop starts from the better of ``x0`` and the
    last iterate, under the same limits. ValueError and TypeError are about the input, and are
    raised.

    Memory does not grow with the number of solves. Several threads may solve at once.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
       parameters across a sequence of linear system instances", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> layer = RelaxationLayer(rng=0)
    >>> for k in range(100):
    ...     solution = layer.solve(GridOperator.laplacian((8, 8), 0.1 + k / 1000), np.ones(64))
    >>> bool(solution.converged and 1 < solution.choices["omega"] < 1.9)
    True
    """

    operator_contexts: ClassVar[tuple[tuple[float, float], ...]] = operator_bounds

    def __init__(
        self,
        solver: Solver | Mapping[str, Solver] = sor,
        *,
        learner: Learner | None = None,
        knob: str = "omega",
        loss: Loss | None = None,
        contexts: Any = None,
        contextual: bool = True,
        backstop: Solver = cg,
        rng: Any = None,
    ) -> None:
        self._solvers = called_solvers(solver)
        self._backstop = CalledSolver(backstop, "backstop")
        self._name = "|".join(sorted(self._solvers))
        if not isinstance(knob, str) or not knob.isidentifier():
            raise TypeError(f"knob is {knob!r}: pass the name of an argument of the solver")
        if knob in _given:
            raise ValueError(f"knob is {knob!r}, which is given in every solve: it is not chosen")
        if loss is None:
            loss = "iterations" if len(self._solvers) == 1 else "seconds"
        if not (callable(loss) or loss in loss_names):
            raise ValueError(f"loss is {loss!r}: pass one of {', '.join(loss_names)} or a function")
        if loss == "flops":
            for one in self._solvers.values():
                require_model(one.name)
        self.knob = knob
        self.loss = loss
        if learner is None:
            bounds = operator_bounds if contexts is None and contextual else contexts
            learner = default_learner(self._solvers, knob, bounds, rng)
            for one in self._solvers.values():
                one.require([knob])
        elif not isinstance(learner, Learner):
            raise TypeError(f"learner is {learner!r}: pass a Learner such as TsallisINF")
        elif contexts is not None:
            own = learner.contexts
            if own is None or own.bounds != ContextSpace(contexts).bounds:
                raise ValueError(
                    f"contexts is {contexts!r}, but {learner!r} has its own, or looks at none: "
                    "pass contexts to the learner"
                )
        self.learner = learner
        space = learner.contexts
        readable = space is not None and space.bounds == operator_bounds
        self._reads = readable and contextual and contexts is None
        self._experience = Experience(learner, timed=loss == "seconds", rng=rng)
        self._timed: set[tuple[Key, str]] = set()
        self.history = History()
        self.iterations = 0
        self.failures = 0
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        solves = self.history.solves
        done = f"{solves} solves, {self.iterations} iterations" if solves else "nothing solved"
        return f"<RelaxationLayer {self._name} {self.knob}, {type(self.learner).__name__}: {done}>"

    @property
    def _terms(self) -> tuple[Any, ...]:
        """What costs must have in common to be comparable."""
        return self._name, self.knob, self.loss if isinstance(self.loss, str) else None, self._reads

    @property
    def learners(self) -> Mapping[Key, Learner]:
        """What was learned, by what the systems have in common."""
        return self._experience.learners

    @warns_unconverged
    def solve(
        self,
        A: Any,
        b: Any,
        x0: Any = None,
        context: Any = None,
        *,
        group: str | int | None = None,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 10_000,
        time_limit: float | None = None,
        **options: Any,
    ) -> Solution:
        """Solve ``A x = b`` with chosen parameters, and learn from the cost.

        Parameters
        ----------
        A : (n, n) LinearOperator, sparse matrix or array
            Hermitian positive definite matrix, of a kind that the solver takes.
        b : (n,) array
            Right-hand side, or one on the grid of ``A``.
        x0 : array or None
            Start, in the shape of ``b``; zero by default.
        context : float, sequence of float, or None
            What is known about the system beforehand, for layers with ``contexts``.
        group : str, int or None
            Name of the family of systems: what is learned of one serves no other.
        rtol, atol : float
            Tolerances of the solver's stopping test.
        maxiter : int
            Iterations after which an attempt has failed.
        time_limit : float or None
            Seconds after which an attempt has failed; the backstop gets as many again.
        **options
            Further options of the solver, such as ``ordering``.

        Returns
        -------
        Solution
            The answer. Its ``choices`` are those of the solver that gave it, with the chosen
            parameters, the ``arm`` of learners that have arms, and ``backstop``: None, or the
            status for which the attempt was given up (``"error"``: the exception is ``error``).
            Iterations and residual norms count the failed attempt first.

        Raises
        ------
        TypeError
            If a solver returns no `Solution`, a context is not made of real numbers, or an option
            is what the layer chooses.
        ValueError
            If its solution has no residual norms; if a context is missing, NaN, or not expected.

        Warns
        -----
        ConvergenceWarning
            If the backstop failed too.
        """
        tolerances = {"rtol": rtol, "atol": atol}
        limits = {"maxiter": maxiter, "time_limit": time_limit}
        decision = self.ask(A, b, x0, context, group=group, **tolerances, **options)
        done = attempted(
            self._solvers[decision.solver],
            self._backstop,
            A,
            b,
            x0,
            tolerances,
            limits,
            {**options, **decision.parameters},
        )
        if not done.idle and not self._compiles(decision):
            self._learn(decision, outcome(done, self.loss, A, maxiter))
        self._count(decision, done.answer.iterations, done.given_up is not None)
        choices = {**done.answer.choices, **decision.parameters, "backstop": done.given_up}
        if len(self._solvers) > 1:
            choices["solver"] = decision.solver
        if decision.play.arm is not None:
            choices["arm"] = decision.play.arm
        if done.error is not None:
            choices["error"] = done.error
        return dataclasses.replace(done.answer, choices=choices)

    __call__ = solve

    def ask(
        self,
        A: Any,
        b: Any,
        x0: Any = None,
        context: Any = None,
        *,
        group: str | int | None = None,
        rtol: float = 1e-8,
        atol: float = 0.0,
        **options: Any,
    ) -> Decision:
        """Choose parameters for a system that is solved elsewhere, or later.

        Parameters are those of `solve`. What comes back is passed to `tell`, in any order.
        """
        if context is not None and (self._reads or self.learner.contexts is None):
            raise ValueError(
                f"context is {context!r}, but this layer expects none: pass contexts=(low, high), "
                "the range of the context, to RelaxationLayer or to its learner"
            )
        if self._reads:
            context = operator_context(A)
        key = key_of(
            A,
            b,
            x0,
            group=group,
            solver=self._name,
            sized=self.learner.contexts is None,
            rtol=rtol,
            atol=atol,
            options=options,
        )
        play = self._experience.learner(key).ask(context)
        parameters = (
            dict(play.value) if isinstance(play.value, Mapping) else {self.knob: play.value}
        )
        if options and (twice := {self.knob, *parameters} & options.keys()):
            raise TypeError(f"{min(twice)} is chosen by the layer: leave it out")
        name = parameters.pop("solver", None)
        if name is None:
            name = self._name
        if name not in self._solvers:
            raise ValueError(
                f"the learner chose the solver {name!r}: this layer has "
                f"{', '.join(map(repr, self._solvers))}"
            )
        self._solvers[name].require(parameters)
        return Decision(name, parameters, key, play)

    def tell(self, decision: Decision, cost: Solution | Outcome | float) -> None:
        """Learn what a decision cost.

        Parameters
        ----------
        decision : Decision
            What `ask` returned.
        cost : Solution, Outcome or float
            The cost, or the solution to take it from; one that has not converged tells a lower
            bound.

        Raises
        ------
        ValueError
            If the decision was told before, or the cost cannot be taken from a solution.
        TypeError
            If the decision is none, or the cost no real number.
        """
        if not isinstance(decision, Decision):
            raise TypeError(f"decision is {decision!r}: tell what ask() returned")
        if isinstance(cost, Solution):
            if cost.converged and not cost.iterations:
                return
            self._learn(decision, outcome_of_solution(cost, self.loss))
            self._count(decision, operator.index(cost.iterations), False)
        else:
            self._learn(decision, cost if isinstance(cost, Outcome) else Outcome(cost))

    def report(self) -> Report:
        """Return what was learned, as a table that can be printed."""
        return Report(self._experience.rows(), self.loss if isinstance(self.loss, str) else "loss")

    def merge(self, other: RelaxationLayer) -> None:
        """Add what another layer has learned from solves of its own.

        The history stays that of this layer.

        Raises
        ------
        ValueError
            If layers differ in solver, knob or loss, or learners in kind or settings.
        TypeError
            If experience of their kind cannot be added up, or the other is no layer.
        """
        if not isinstance(other, RelaxationLayer):
            raise TypeError(f"other is {other!r}: pass a RelaxationLayer")
        if self._terms != other._terms:
            raise ValueError(f"{self!r} and {other!r} differ in solver, knob or loss: no merge")
        if other is self:
            raise ValueError("a layer cannot be merged with itself: its solves would count twice")
        self._experience.merge(other._experience)
        with self._lock:
            self.iterations += other.iterations
            self.failures += other.failures

    def state_dict(self) -> dict[str, Any]:
        """Return what the layer and its learners know, ready for JSON."""
        with self._lock:
            return {
                "kind": "RelaxationLayer",
                "version": 2,
                "knob": self.knob,
                "loss": self.loss if isinstance(self.loss, str) else None,
                "reads": self._reads,
                **self._experience.state_dict(),
                "history": self.history.state_dict(),
                "iterations": self.iterations,
                "failures": self.failures,
            }

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, Any],
        *,
        solver: Solver | Mapping[str, Solver] = sor,
        backstop: Solver = cg,
        loss: Loss | None = None,
    ) -> Self:
        """Return the layer that `state_dict` described; it continues where that one stood.

        Parameters
        ----------
        state : mapping
            What `state_dict` returned.
        solver, backstop : callable
            The solvers, which are not part of the state.
        loss : callable or None
            The loss, if it was a function, which is not part of the state either.

        Raises
        ------
        ValueError
            If something in the state is missing or impossible, or it is of another solver.
        """
        try:
            if (state["kind"], state["version"]) != ("RelaxationLayer", 2):
                raise ValueError(f"it is a {state['kind']!r} of version {state['version']!r}")
            if (loss := state["loss"] or loss) is None:
                raise ValueError("its loss was a function: pass it as loss=")
            layer = cls(
                solver,
                learner=Learner.from_state_dict(state["prototype"]),
                knob=state["knob"],
                loss=loss,
                contextual=state["reads"],
                backstop=backstop,
            )
            if layer._reads != state["reads"]:
                raise ValueError(f"its entry reads is {state['reads']!r}")
            layer._experience.load(state)
            others = {key.solver for key in layer.learners} - {layer._name}
            if others:
                raise ValueError(f"it was learned with {min(others)}, not with {layer._name}")
            layer.history = History.from_state_dict(state["history"])
            layer.iterations = operator.index(state["iterations"])
            layer.failures = operator.index(state["failures"])
            if min(layer.iterations, layer.failures) < 0:
                raise ValueError("something counted is negative")
        except KeyError as error:
            raise ValueError(f"the state of the layer has no entry {error}") from None
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ValueError(f"this is not the state of a RelaxationLayer: {error}") from error
        return layer

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
            state["history"] = copy.deepcopy(self.history)
            state["_timed"] = set()  # another process compiles anew
            return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def _compiles(self, decision: Decision) -> bool:
        """Tell whether the time of a solve says little, because it is the first of its kind."""
        timed = decision.key, decision.solver
        with self._lock:
            if self.loss != "seconds" or timed in self._timed:
                return False
            self._timed.add(timed)
            return True

    def _count(self, decision: Decision, iterations: int, given_up: bool) -> None:
        self._experience.count(decision.key, iterations, given_up)
        with self._lock:
            self.iterations += iterations
            self.failures += given_up

    def _learn(self, decision: Decision, outcome: Outcome) -> None:
        self._experience.learn(decision.key, decision.play, outcome)
        value = decision.parameters.get(self.knob)
        number = float(value) if isinstance(value, int | float) else math.nan
        with self._lock:
            self.history.append(float(outcome.loss), number, decision.solver)
