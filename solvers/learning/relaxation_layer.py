"""Solve a sequence of systems, and learn the relaxation parameter on the way."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from structlin._norm import norm
from structlin._validation import inexact
from structlin.solvers._solution import (
    Solution,
    Solver,
    quiet,
    require_callable,
    solved,
    warns_unconverged,
)
from structlin.solvers.krylov.cg import cg
from structlin.solvers.learners.tsallis_inf import TsallisINF
from structlin.solvers.relaxation.sor import sor


class Learner(Protocol):
    """What a `RelaxationLayer` asks of the learner that chooses among its parameters."""

    arms: int

    def ask(self) -> int:
        """Choose an arm."""

    def tell(self, arm: int, loss: float) -> None:
        """Learn what the arm cost; 0 is the best conceivable."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything known, ready for JSON."""


class RelaxationLayer:
    """A solver for sequences of related systems that learns its relaxation parameter.

    Every solve plays one parameter of a fixed grid and tells the learner how many iterations it
    took, so that the layer drifts towards the parameters that serve this sequence best.

    Parameters
    ----------
    omegas : (d,) array_like or None
        Relaxation parameters to choose from, each in (0, 2); 20 from 1 to 1.95 by default.
    learner : Learner or None
        The learner, with one arm for each parameter; a new `TsallisINF` by default.
    solver : callable
        Called as ``solver(A, b, omega=…, x0=…, rtol=…, atol=…, maxiter=…, time_limit=…)``:
        `sor`, `ssor_cg`, or the like.
    backstop : callable
        The solver that answers where ``solver`` fails, called likewise without ``omega``.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness of the default learner.

    Attributes
    ----------
    omegas : (d,) ndarray
        The parameters.
    learner : Learner
        The learner.
    counts : (d,) ndarray of int
        How many solves each parameter was chosen for.
    iterations : int
        Iterations of all solves, those of failed attempts and of the backstop included.
    failures : int
        Solves that the backstop had to answer.

    Raises
    ------
    ValueError
        If a parameter lies outside (0, 2), the learner has another number of arms, or ``rng``
        is given beside a learner.
    TypeError
        If parameters are not real, or a solver cannot be called.

    Notes
    -----
    A solve of ``k`` iterations costs the loss ``k − 1``; one that needed none says nothing and
    is not learned from. An attempt that fails has a censored loss, of which only a lower bound
    is known: it is told as the iterations done if a limit stopped it, and as ``maxiter`` if it
    diverged or broke down. The backstop then starts from the better of ``x0`` and the
    last iterate, under the same limits.

    Iteration counts are comparable within one family of systems, one tolerance and one
    ordering: use one layer for each. The memory does not grow with the number of solves. One
    layer serves one thread.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
       parameters across a sequence of linear system instances", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> layer = RelaxationLayer(rng=0)
    >>> for k in range(300):
    ...     solution = layer.solve(GridOperator.laplacian((8, 8), 0.1 + k / 3000), np.ones(64))
    >>> bool(solution.converged and 1 < layer.omegas[layer.counts.argmax()] < 1.6)
    True
    """

    def __init__(
        self,
        omegas: Any = None,
        learner: Learner | None = None,
        *,
        solver: Solver = sor,
        backstop: Solver = cg,
        rng: Any = None,
    ) -> None:
        self.omegas = _checked_omegas(np.linspace(1, 1.95, 20) if omegas is None else omegas)
        if learner is not None and rng is not None:
            raise ValueError("rng seeds the default learner: pass it to your own learner instead")
        self.learner: Learner = (
            TsallisINF(self.omegas.size, rng=rng) if learner is None else learner
        )
        if self.learner.arms != self.omegas.size:
            raise ValueError(
                f"the learner has {self.learner.arms} arms for {self.omegas.size} omegas: "
                "it needs one for each"
            )
        require_callable("solver", solver)
        require_callable("backstop", backstop)
        self.solver = solver
        self.backstop = backstop
        self.counts = np.zeros(self.omegas.size, dtype=np.int64)
        self.iterations = 0
        self.failures = 0

    def __repr__(self) -> str:
        low, high = self.omegas.min(), self.omegas.max()
        return (
            f"<RelaxationLayer {self.omegas.size} omegas in [{low:g}, {high:g}], "
            f"{self.counts.sum()} solves, {self.iterations} iterations>"
        )

    @warns_unconverged
    def solve(
        self,
        A: Any,
        b: Any,
        x0: Any = None,
        context: Any = None,
        *,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 10_000,
        time_limit: float | None = None,
        **options: Any,
    ) -> Solution:
        """Solve ``A x = b`` with a chosen relaxation parameter, and learn from the cost.

        Parameters
        ----------
        A : (n, n) LinearOperator, sparse matrix or array
            Hermitian positive definite matrix, of a kind that the solver takes.
        b : (n,) array
            Right-hand side, or one on the grid of ``A``.
        x0 : array or None
            Start, in the shape of ``b``; zero by default.
        context : object
            What is known about the system beforehand. It changes nothing: neither the layer
            nor `TsallisINF` looks at it. Its place is kept for learners that will.
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
            The answer. Its ``choices`` are those of the solver that gave it, with ``omega``,
            its index ``arm``, and ``backstop``: None, or the status for which the attempt
            was given up. Iterations and residual norms count the failed attempt first.

        Raises
        ------
        TypeError
            If a solver returns no `Solution`.
        ValueError
            If its solution has no residual norms.

        Warns
        -----
        ConvergenceWarning
            If the backstop failed too.
        """
        arm = self.learner.ask()
        omega = float(self.omegas[arm])
        limits = {"maxiter": maxiter, "time_limit": time_limit}
        solution = solved(
            quiet(self.solver), A, b, omega=omega, x0=x0, rtol=rtol, atol=atol, **limits, **options
        )
        if solution.status in ("diverged", "breakdown"):
            self.learner.tell(arm, max(maxiter - 1, 0))
        elif solution.iterations:
            self.learner.tell(arm, solution.iterations - 1)
        self.counts[arm] += 1
        given_up = None
        if not solution.converged:
            given_up = solution.status
            self.failures += 1
            solution = self._answer_instead(solution, A, b, x0, rtol, atol, limits)
        self.iterations += solution.iterations
        choices = {**solution.choices, "omega": omega, "arm": arm, "backstop": given_up}
        return dataclasses.replace(solution, choices=choices)

    __call__ = solve

    def state_dict(self) -> dict[str, Any]:
        """Return what the layer and its learner know, ready for JSON."""
        return {
            "kind": "RelaxationLayer",
            "version": 1,
            "omegas": self.omegas.tolist(),
            "counts": self.counts.tolist(),
            "iterations": self.iterations,
            "failures": self.failures,
            "learner": self.learner.state_dict(),
        }

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, Any],
        *,
        solver: Solver = sor,
        backstop: Solver = cg,
        learner: Callable[[Mapping[str, Any]], Learner] = TsallisINF.from_state_dict,
    ) -> Self:
        """Return the layer that `state_dict` described; it continues where that one stood.

        Parameters
        ----------
        state : mapping
            What `state_dict` returned.
        solver, backstop : callable
            The solvers, which are not part of the state.
        learner : callable
            Makes the learner from its own state.

        Raises
        ------
        ValueError
            If something in the state is missing or impossible.
        """
        try:
            if (state["kind"], state["version"]) != ("RelaxationLayer", 1):
                raise ValueError(f"it is a {state['kind']!r} of version {state['version']!r}")
            restored = learner(state["learner"])
            omegas = _checked_omegas(state["omegas"])
            layer = cls(omegas, restored, solver=solver, backstop=backstop)
            counts = np.array([operator.index(count) for count in state["counts"]], dtype=np.int64)
            iterations = operator.index(state["iterations"])
            failures = operator.index(state["failures"])
            if counts.shape != layer.omegas.shape or min(*counts, iterations, failures) < 0:
                raise ValueError("counts do not match omegas, or something counted is negative")
        except KeyError as error:
            raise ValueError(f"the state of the layer has no entry {error}") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not the state of a RelaxationLayer: {error}") from error
        layer.counts = counts
        layer.iterations = iterations
        layer.failures = failures
        return layer

    def _answer_instead(
        self,
        failed: Solution,
        A: Any,
        b: Any,
        x0: Any,
        rtol: float,
        atol: float,
        limits: Mapping[str, Any],
    ) -> Solution:
        """Return the backstop's solution, with the failed attempt in its counts."""
        first, last = failed.residual_norms[0], failed.residual_norms[-1]
        # a product that underflows is still a tolerance
        atol = max(rtol * norm(inexact(b)), atol, math.ulp(0.0))
        start = failed.x if last < first else x0
        answer = solved(quiet(self.backstop), A, b, x0=start, rtol=0.0, atol=atol, **limits)
        return dataclasses.replace(
            answer,
            iterations=failed.iterations + answer.iterations,
            residual_norms=np.concatenate([failed.residual_norms, answer.residual_norms[1:]]),
        )


def _checked_omegas(omegas: Any) -> NDArray[np.float64]:
    given = np.asarray(omegas)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"omegas has dtype {given.dtype}: pass a list of real numbers")
    checked = np.array(given, dtype=np.float64)
    if checked.ndim != 1 or checked.size == 0:
        raise ValueError(f"omegas has shape {checked.shape}: pass a list of at least one number")
    inside = (checked > 0) & (checked < 2)
    if not inside.all():
        i = int(inside.argmin())
        raise ValueError(f"omegas[{i}] is {checked[i]:g}: it must lie inside (0, 2)")
    checked.setflags(write=False)
    return checked
