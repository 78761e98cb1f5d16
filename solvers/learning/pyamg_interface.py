"""Multigrid hierarchies of PyAMG whose smoothers learn their parameters."""

from __future__ import annotations

import dataclasses
import importlib
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from structlin._norm import norm
from structlin.solvers._solution import Solution, Status, quiet, warns_unconverged
from structlin.solvers._vectors import (
    require_finite_start,
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    rescaled_norms,
    unit_of,
)
from structlin.solvers.krylov.cg import cg
from structlin.solvers.learners import Learner
from structlin.solvers.learning._attempt import continued
from structlin.solvers.learning._called import parameters_of
from structlin.solvers.learning._readings import Loss
from structlin.solvers.learning.solver_tuner import SolverTuner
from structlin.solvers.learning.tuned_solver import TunedSolver

# What is learned of a smoother unless one says otherwise. PyAMG divides omega by the spectral
# radius where it knows one, so that each of these ranges ends where the smoother may diverge.
_usual: dict[str, dict[str, Any]] = {
    "jacobi": {"omega": (0.3, 1.9)},
    "block_jacobi": {"omega": (0.3, 1.9)},
    "richardson": {"omega": (0.3, 1.9)},
    "sor": {"omega": (0.3, 1.9)},
    "gauss_seidel": {"iterations": [1, 2, 3]},
    "block_gauss_seidel": {"iterations": [1, 2, 3]},
    "chebyshev": {"lower_bound": (0.01, 0.5, "log"), "degree": [1, 2, 3, 4]},
}
_mirrored = {"forward": "backward", "backward": "forward", "symmetric": "symmetric"}
_growth = 1e3  # of the residual, behind which an iteration has diverged


def tune(
    hierarchy: Any,
    smoother: str | None = None,
    *,
    accel: str | None = None,
    cycle: str = "V",
    loss: Loss | str = "flops",
    contexts: Any = None,
    learner: Learner | None = None,
    rng: Any = None,
    **knobs: Any,
) -> TunedHierarchy:
    """Make a PyAMG hierarchy learn the parameters of its smoothers from solve to solve.

    Parameters
    ----------
    hierarchy : pyamg.multilevel.MultilevelSolver
        What ``pyamg.ruge_stuben_solver``, ``pyamg.smoothed_aggregation_solver`` and the like
        return. It is changed: it has the smoothers of the last solve.
    smoother : str or None
        Name of the smoother, as PyAMG knows it. By default the one that the hierarchy has, where
        Gauss–Seidel becomes ``"sor"``, which it is for ``omega = 1``.
    accel : {None, "cg"}
        Whether cycles are iterations by themselves or precondition conjugate gradients.
    cycle : {"V", "W", "F"}
        Kind of cycle.
    loss : {"flops", "iterations", "seconds"} or callable
        What is to become small: operations by the model below, iterations, the time of a solve,
        or a function of the `Solution`.
    contexts, learner, rng
        As of `SolverTuner`.
    **knobs
        Options of the smoother to be learned, ranges or lists as `SolverTuner` takes them: such as
        ``omega=(0.5, 1.5)``, ``iterations=[1, 2]``, ``sweep=["forward", "symmetric"]``,
        ``degree=[2, 3]``. By default ``omega`` of the relaxations, the number of sweeps of
        Gauss–Seidel, and interval and degree of Chebyshev polynomials.

    Returns
    -------
    TunedHierarchy
        It solves systems with the matrix of the hierarchy.

    Raises
    ------
    TypeError
        If this is no hierarchy, or the smoother has no option of a knob's name.
    ValueError
        If the smoother is unknown, or an argument is none of the above.

    Notes
    -----
    Smoothing after the coarse correction mirrors that before it, so that cycles stay
    symmetric. A cycle counts ``2 (2 s + 1)`` operations for each stored entry of the levels,
    with ``s`` sweeps in a smoothing: ``iterations``, times ``degree``, twice if symmetric.

    Examples
    --------
    >>> import numpy as np, pyamg
    >>> hierarchy = pyamg.ruge_stuben_solver(pyamg.gallery.poisson((50, 50), format="csr"))
    >>> solver = tune(hierarchy, "jacobi")
    >>> counts = [solver.solve(np.ones(2500)).iterations for _ in range(50)]
    >>> sum(counts[-10:]) <= sum(counts[:10])
    True
    """
    return TunedHierarchy(hierarchy, smoother, accel, cycle, loss, contexts, learner, rng, knobs)


class TunedHierarchy:
    """A PyAMG hierarchy that chooses the parameters of its smoothers itself; `tune` makes them.

    Attributes
    ----------
    hierarchy : pyamg.multilevel.MultilevelSolver
        The hierarchy.
    smoother : str
        Its smoother.
    tuned : TunedSolver
        What chooses and learns.
    """

    def __init__(
        self,
        hierarchy: Any,
        smoother: str | None,
        accel: str | None,
        cycle: str,
        loss: Any,
        contexts: Any,
        learner: Learner | None,
        rng: Any,
        knobs: Mapping[str, Any],
    ) -> None:
        levels = getattr(hierarchy, "levels", None)
        if not levels or not hasattr(hierarchy, "aspreconditioner"):
            raise TypeError(
                f"hierarchy is a {type(hierarchy).__name__}: pass what a solver of PyAMG returns, "
                "such as pyamg.ruge_stuben_solver(A)"
            )
        if len(levels) < 2:
            raise ValueError("the hierarchy has one level: there is no smoother to tune")
        if accel not in (None, "cg"):
            raise ValueError(f"accel is {accel!r}: pass None or 'cg'")
        if cycle not in ("V", "W", "F"):
            raise ValueError(f"cycle is {cycle!r}: pass 'V', 'W' or 'F'")
        self.hierarchy = hierarchy
        self.smoother, self._fixed = _smoother_of(levels[0], smoother)
        _require_options(self.smoother, knobs)
        knobs = knobs or _usual.get(self.smoother, {})
        self._accel, self._cycle = accel, cycle
        self._entries = sum(level.A.nnz for level in levels[:-1])
        self._lock = threading.Lock()  # a hierarchy has one set of smoothers at a time
        self._original = [(level.presmoother, level.postsmoother) for level in levels[:-1]]
        self._tried: Solution | None = None  # the attempt, while it may be answered for
        self._symmetric = bool(getattr(hierarchy, "symmetric_smoothing", False))
        tuner = SolverTuner(
            loss=self._flops if loss == "flops" else loss,
            contexts=contexts,
            backstop=self._as_it_was,
            learner=learner,
            rng=rng,
            **knobs,
        )
        self.tuned: TunedSolver = tuner(self._attempt)

    def __repr__(self) -> str:
        return f"<TunedHierarchy {len(self.hierarchy.levels)} levels, {self.tuned!r}>"

    @warns_unconverged
    def solve(
        self,
        b: Any,
        x0: Any = None,
        context: Any = None,
        *,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 100,
        time_limit: float | None = None,
        **unknown: Any,
    ) -> Solution:
        """Solve a system with the matrix of the hierarchy, and learn from the cost.

        Parameters
        ----------
        b : (n,) array
            Right-hand side.
        x0 : (n,) array or None
            Start; zero by default.
        context : float or sequence of float, optional
            What is known of the system beforehand, inside ``contexts``.
        rtol, atol : float
            The iteration stops when ``‖b − A x‖₂ <= max(rtol ‖b‖₂, atol)``.
        maxiter : int
            Cycles after which an attempt has failed.
        time_limit : float or None
            Seconds after which an attempt has failed; the second one gets as many again.

        Returns
        -------
        Solution
            Its ``choices`` are what was chosen, the ``smoother``, and ``backstop``: None, or
            the status for which the attempt was given up. Then the hierarchy has gone on with
            the smoothers that it had in the beginning; iterations and residual norms count both.

        Raises
        ------
        ValueError
            If shapes disagree, an entry is NaN or Inf, or a tolerance or limit is none.
        TypeError
            If ``b`` is no array, or complex where the matrix is real, or there is another argument.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached by those smoothers either.
        """
        if unknown:
            hint = ": the tolerance is rtol=, or atol=" if "tol" in unknown else ""
            raise TypeError(f"solve() takes no argument {min(unknown)!r}{hint}")
        A = self.hierarchy.levels[0].A
        b, x0 = require_vectors(A, b, x0)  # here, because a wrong input is no failure of a knob
        if np.iscomplexobj(b) and not np.iscomplexobj(A):
            raise TypeError("b is complex, but the hierarchy is real: solve for its two parts")
        require_tolerances(rtol, atol, b)
        require_limits(maxiter, time_limit, None)
        x = np.zeros_like(b) if x0 is None or not b.any() else x0
        first = norm(b - A @ x)
        require_finite_start(first)
        if first <= max(rtol * norm(b), atol):  # nothing to do, nothing to learn
            done = {"smoother": self.smoother, "backstop": None}
            return Solution(x, "converged", 0, np.array([first]), done)
        limits = {"rtol": rtol, "atol": atol, "maxiter": maxiter, "time_limit": time_limit}
        with self._lock:
            self._tried = None
            failures = self.tuned.failures
            solution: Solution = self.tuned(b, x0, context=context, **limits)
            trial = self.tuned.last
        chosen = dict(trial.knobs) if trial is not None else {}
        given_up = trial.failure if trial is not None and self.tuned.failures > failures else None
        choices = {"smoother": self.smoother, **chosen, "backstop": given_up}
        return dataclasses.replace(solution, choices=choices)

    def best(self, context: Any = None) -> dict[str, Any]:
        """Return the options of the smoother that are thought best, as `TunedSolver.best`."""
        return self.tuned.best(context)

    def state_dict(self) -> dict[str, Any]:
        """Return what has been learned, ready for JSON; the hierarchy is not part of it."""
        return {**self.tuned.state_dict(), "smoother": self.smoother}

    def load(self, state: Mapping[str, Any]) -> Self:
        """Continue where a hierarchy stood that `state_dict` described; return this one.

        Raises
        ------
        ValueError
            If it had other knobs or another smoother, or something is impossible.
        """
        if isinstance(state, Mapping) and state.get("smoother") != self.smoother:
            raise ValueError(f"this is the state of {state.get('smoother')!r}, not {self.smoother}")
        self.tuned.load(state)
        return self

    def _attempt(self, b: Any, x0: Any, **arguments: Any) -> Solution:
        limits = {name: arguments.pop(name) for name in ("rtol", "atol", "maxiter", "time_limit")}
        options = {**self._fixed, **arguments}
        self._smooth_by(options)
        self._tried = self._iterate(b, x0, self._accel, options, **limits)
        return self._tried

    def _as_it_was(self, b: Any, x0: Any, **limits: Any) -> Solution:
        for level, (before, after) in zip(self.hierarchy.levels, self._original, strict=False):
            level.presmoother, level.postsmoother = before, after
        self.hierarchy.symmetric_smoothing = self._symmetric
        accel = self._accel if self._symmetric else None
        failed = self._tried
        if failed is None:
            return self._iterate(b, x0, accel, {}, **limits)
        first, last = failed.residual_norms[[0, -1]]
        start = failed.x if last < first else x0
        return continued(failed, self._iterate(b, start, accel, {}, **limits))

    def _smooth_by(self, options: dict[str, Any]) -> None:
        after = dict(options)
        if "sweep" in options:
            after["sweep"] = _mirrored[options["sweep"]]
        elif self.smoother in ("sor", "gauss_seidel", "block_gauss_seidel"):
            after["sweep"] = "backward"
        smoothing = importlib.import_module("pyamg.relaxation.smoothing")
        smoothing.change_smoothers(self.hierarchy, (self.smoother, options), (self.smoother, after))

    def _iterate(
        self,
        b: Any,
        x0: Any,
        accel: str | None,
        options: Mapping[str, Any],
        *,
        rtol: float,
        atol: float,
        maxiter: int,
        time_limit: float | None,
    ) -> Solution:
        """Return the solution of cycles with the present smoothers."""
        A = self.hierarchy.levels[0].A
        if accel == "cg":
            solution = quiet(cg)(
                A,
                b,
                x0=x0,
                rtol=rtol,
                atol=atol,
                maxiter=maxiter,
                time_limit=time_limit,
                preconditioner=self.hierarchy.aspreconditioner(cycle=self._cycle),
            )
            return dataclasses.replace(solution, choices=dict(options))
        unit = unit_of(b, x0)
        b = b / unit
        x = np.zeros_like(b) if x0 is None else x0 / unit
        target = max(rtol * norm(b), atol / unit)
        residuals = [norm(b - A @ x)]
        status: Status = "max_iterations"
        begin = time.perf_counter()

        def look(x: Any) -> None:
            if residuals[-1] <= target:
                raise _End("converged", x)
            if not residuals[-1] <= _growth * residuals[0]:
                raise _End("diverged", x)
            if time_limit is not None and time.perf_counter() - begin >= time_limit:
                raise _End("time_limit", x)

        if maxiter > 0:  # PyAMG takes 0 for no limit
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    x = self.hierarchy.solve(
                        b,
                        x0=x,
                        tol=0.0,
                        maxiter=maxiter,
                        cycle=self._cycle,
                        residuals=residuals,
                        callback=look,
                    )
            except _End as end:
                x, status = end.x, end.status
        x = x if status == "diverged" else rescaled(x, unit)
        norms = rescaled_norms(residuals, unit)
        return Solution(x, status, len(norms) - 1, norms, dict(options))

    def _flops(self, solution: Solution) -> float:
        options = solution.choices
        sweeps = options.get("iterations", 1) * options.get("degree", 1)
        sweeps *= 2 if options.get("sweep") == "symmetric" else 1
        return float(solution.iterations * 2 * (2 * sweeps + 1) * self._entries)


class _End(Exception):
    """A callback ends the cycles."""

    def __init__(self, status: Status, x: Any) -> None:
        super().__init__(status)
        self.status: Status = status
        self.x = x


def _require_options(smoother: str, knobs: Mapping[str, Any]) -> None:
    """Raise unless the smoother has options of these names, as far as PyAMG tells."""
    smoothing = importlib.import_module("pyamg.relaxation.smoothing")
    options = list(parameters_of(getattr(smoothing, f"setup_{smoother}", None) or dict))[1:]
    unknown = [name for name in knobs if options and name not in options]
    if unknown:
        raise TypeError(
            f"{smoother!r} has no option {unknown[0]!r} to be tuned: it has {', '.join(options)}"
        )


def _smoother_of(level: Any, smoother: str | None) -> tuple[str, dict[str, Any]]:
    """Return the smoother to tune, and those of its options that are not to change."""
    if smoother is not None:
        if smoother not in _usual:
            known = ", ".join(map(repr, _usual))
            raise ValueError(f"smoother is {smoother!r}: there are {known}")
        return smoother, {}
    found = getattr(level.presmoother, "__name__", "none")
    given = getattr(level.presmoother, "keywords", None) or {}
    fixed = {name: given[name] for name in ("iterations", "sweep") if name in given}
    if found in ("gauss_seidel", "block_gauss_seidel") and given.get("blocksize", 1) == 1:
        return "sor", fixed
    if found not in _usual:
        known = ", ".join(map(repr, _usual))
        raise ValueError(f"the hierarchy smooths by {found!r}: pass smoother=, one of {known}")
    return found, fixed
