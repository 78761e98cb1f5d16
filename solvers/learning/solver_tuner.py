"""A decorator that makes any solver of the user's own learn its parameters."""

from __future__ import annotations

import numbers
import threading
from collections.abc import Callable, Mapping
from typing import Any

from structlin.solvers._solution import require_callable
from structlin.solvers.learners import ContextSpace, Learner
from structlin.solvers.learning._knob_space import KnobSpace
from structlin.solvers.learning._readings import Loss, checked_loss
from structlin.solvers.learning.tuned_solver import TunedSolver


class SolverTuner:
    """Decorator for a solver ``solve(A, b, …, **knobs) -> info``: its knobs are learned from calls.

    The decorated function, a `TunedSolver`, is called without the knobs. Every call chooses them,
    and learns from what they cost; so a simulation that calls it again and again does better and
    better.

    Parameters
    ----------
    loss : {"iterations", "seconds"} or callable
        What is to become small: the iterations that the solver reports, the time that it takes,
        or a function of what it returns.
    contexts : (low, high), sequence of such pairs, or None
        The range of what is known of a system beforehand, if calls tell it as ``context=``.
    backstop : callable or None
        Called like the solver, without knobs, where the solver fails; its answer is returned.
    time_limit : float or None
        Seconds after which a call has failed. A solver with a parameter ``time_limit`` is given
        it, and keeps it itself. Any other one runs in a thread, which is left behind when it is
        late: it is asked to stop at its next line of Python, and may run on until then (see Notes).
    learner : Learner or None
        What chooses, instead of the default one: its plays are values of the only knob, or
        mappings of all of them. Every decorated solver gets a copy.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness of the learner.
    **knobs
        What there is to choose, under the names of the solver's parameters: ``(low, high)`` or
        ``(low, high, scale)`` for a number between two others, where the scale is ``"linear"``
        (by default), ``"log"``, or ``"relaxation"`` (even steps of ``ln(x/(2 − x))``); a list, a
        range or an array for one of several values. A parameter of the solver that has one of
        the names above is tuned through a function that calls it otherwise.

    Raises
    ------
    ValueError
        If there is no knob, a range is empty or not finite, or an argument is none of the above.
    TypeError
        If a knob is neither a range nor a list; on decoration, if the solver has no parameter of
        its name.

    Notes
    -----
    A solver may return, as it likes,

    - a `Solution`;
    - a number, which is the loss: 0 means that there was nothing to do;
    - a mapping with ``"iterations"`` and, if it may fail, ``"converged"``; further ``"status"``,
      the reason why it failed, and ``"residual_norms"``, where learners see the rate of
      convergence;
    - a pair of the answer and one of these. The integers that SciPy's solvers return in second
      place are refused, because they look like iterations and are none; see `scipy_solver`.

    Where the loss is ``"seconds"`` or a function, anything else will do as well.

    A call has failed if it raises an exception, exceeds the time limit, has not converged, or if
    its loss is NaN or infinite, or its answer has a NaN. A failure is told to the learner as a
    censored loss: at least what was spent, and at least twice the usual loss, so that failing never
    looks cheap. Then the backstop answers. If there is none, exceptions go on to the caller, with
    a note of the knobs, and other failures are a `ConvergenceWarning` beside what the solver
    returned. Calls whose loss is 0 are not learned from: there was nothing to do. Nor is, by
    seconds, the first call of every combination of discrete knobs, which may compile or load.

    While a late call runs on, its combination of discrete knobs is not called again: the learner
    is asked for another. Where four run on, only combinations that have answered in time before
    are called; without discrete knobs, none. If 100 plays bring nothing that may be called, the
    call fails with a TimeoutError, without running, and like the plays before it is not learned
    from.

    One continuous knob, or several, are learned by a `QuadraticSurrogate`; discrete ones by
    `ThompsonSampling` over all their combinations; both kinds together by a `Choice` with one
    surrogate for each combination. The memory does not grow with the number of calls.
    Several threads may call at once.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> from structlin.solvers import sor
    >>> @SolverTuner(omega=(0.5, 1.9), rng=0)
    ... def solve(A, b, *, omega):
    ...     return sor(A, b, omega=omega)
    >>> A = GridOperator.laplacian((8, 8))
    >>> counts = [solve(A, np.ones(64)).iterations for _ in range(100)]
    >>> sum(counts[-20:]) < sum(counts[:20])
    True
    """

    def __init__(
        self,
        *,
        loss: Loss = "iterations",
        contexts: Any = None,
        backstop: Callable[..., Any] | None = None,
        time_limit: float | None = None,
        learner: Learner | None = None,
        rng: Any = None,
        **knobs: Any,
    ) -> None:
        self.knobs = KnobSpace(knobs)
        self.loss = checked_loss(loss)
        if backstop is not None:
            require_callable("backstop", backstop)
        if time_limit is not None and not (
            isinstance(time_limit, numbers.Real) and 0 < float(time_limit) < threading.TIMEOUT_MAX
        ):
            raise ValueError(f"time_limit is {time_limit!r}: it is in seconds, positive")
        if learner is not None and not isinstance(learner, Learner):
            raise TypeError(f"learner is {learner!r}: pass a Learner, such as TsallisINF([…])")
        if learner is not None and contexts is not None:
            raise ValueError("contexts is for the default learner: pass it to your own instead")
        if contexts is not None:
            ContextSpace(contexts)  # says what is wrong with it
        self.contexts = contexts
        self.backstop = backstop
        self.time_limit = None if time_limit is None else float(time_limit)
        self._prototype = learner
        self._rng = rng

    def __repr__(self) -> str:
        return f"<SolverTuner {self.knobs}>"

    def __call__(self, solve: Callable[..., Any]) -> TunedSolver:
        """Return the solver that chooses its knobs itself; it begins knowing nothing."""
        return TunedSolver(
            solve,
            self.knobs,
            self._new_learner(),
            self._chosen,
            self.loss,
            self.backstop,
            self.time_limit,
        )

    def _new_learner(self) -> Learner:
        """Return a learner of the knobs, which knows no more than the one that was given."""
        if self._prototype is not None:
            known = self._prototype.rounds > 0
            return self._prototype.copy() if known else self._prototype.fresh(self._rng)
        return self.knobs.learner(self.contexts, self._rng)

    def _chosen(self, value: Any) -> dict[str, Any]:
        """Return the knobs that the value of a play stands for.

        Raises
        ------
        ValueError
            If the plays of the learner that was given are no values of these knobs.
        """
        if self._prototype is None:
            return self.knobs.chosen(value)
        names = self.knobs.names
        values = value if isinstance(value, Mapping) else {names[0]: value}
        if sorted(values) != sorted(names):
            raise ValueError(
                f"the learner plays {value!r}, no values of {', '.join(names)}: its plays must be "
                "values of the only knob, or mappings of all"
            )
        return dict(values)
