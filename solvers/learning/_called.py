"""Solvers as the layer calls them: with what they take."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import numbers
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import array_api_compat as compat
import numpy as np

from structlin._validation import first_nonfinite
from structlin.solvers._solution import Solution, Solver, quiet, require_callable, solved


class CalledSolver:
    """A solver that gets the arguments that it has parameters for.

    Attributes
    ----------
    name : str
        What it is called.
    direct : bool
        Whether it is no iteration: it has no parameter ``maxiter``.
    """

    def __init__(self, solver: Solver, role: str = "solver") -> None:
        require_callable(role, solver)
        self._given = solver, role
        self._solver = quiet(solver)
        self._trusted = _is_ours(solver)
        self.name = name_of(solver)
        parameters = parameters_of(solver)
        names = list(parameters)
        takes_all = not names or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self._accepted = None if takes_all else names
        self._prepared = names[:1] == ["b"]  # a method of something that holds the matrix
        self._dropped = () if takes_all else tuple({"maxiter", "time_limit"} - set(names))
        self.direct = "maxiter" in self._dropped

    def __call__(self, A: Any, b: Any, limits: Mapping[str, Any], **keywords: Any) -> Solution:
        """Return the solution, checked to be one."""
        given = {**keywords, **limits}
        for name in self._dropped:
            given.pop(name)
        solution = solved(self._solver, *((b,) if self._prepared else (A, b)), **given)
        return solution if self._trusted else _checked(solution, self.name)

    def require(self, chosen: Iterable[str]) -> None:
        """Raise unless the solver takes what is to be chosen, as far as its signature tells."""
        unknown = [] if self._accepted is None else [x for x in chosen if x not in self._accepted]
        if unknown:
            raise TypeError(
                f"{self.name} has no parameter {unknown[0]!r} that could be learned: name one by "
                f"knob=; it has {', '.join(self._accepted or ())}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return CalledSolver, self._given  # the quiet solver has no name of its own


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function; none where it does not show them."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # built-in and compiled functions may show none
        return {}


def require_parameters(function: Callable[..., Any], names: Iterable[str]) -> None:
    """Raise unless a function takes arguments of these names, as far as its signature tells.

    Raises
    ------
    TypeError
        If it does not.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    takes = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [name for name in names if name not in takes]
    if unknown:
        known = f"it has {', '.join(takes)}" if takes else "it has none"
        raise TypeError(f"{name_of(function)} has no parameter {unknown[0]!r} to be tuned: {known}")


def name_of(solver: Any) -> str:
    """Return what a solver is called."""
    while isinstance(solver, functools.partial):
        solver = solver.func
    name = str(getattr(solver, "__name__", type(solver).__name__))
    if isinstance(solver, types.MethodType):
        return f"{type(solver.__self__).__name__}.{name}"
    return name


def _is_ours(solver: Any) -> bool:
    """Tell whether a solver is one of this package."""
    while isinstance(solver, functools.partial):
        solver = solver.func
    solver = getattr(solver, "__func__", solver)
    return quiet(solver) is not solver


def _checked(solution: Solution, name: str) -> Solution:
    """Return the solution of a user's solver, failed if there is a NaN or Inf in its answer.

    Raises
    ------
    TypeError
        If it does not tell how many iterations it did.
    """
    iterations = solution.iterations
    if not isinstance(iterations, numbers.Integral) or iterations < 0:
        raise TypeError(f"{name} returned iterations={iterations!r}: it must be a whole number")
    norms = np.asarray(solution.residual_norms, dtype=np.float64)
    status = solution.status
    if status == "converged" and not (math.isfinite(norms[-1]) and is_finite(solution.x)):
        status = "breakdown"
    return dataclasses.replace(
        solution, status=status, iterations=int(iterations), residual_norms=norms
    )


def is_finite(x: Any) -> bool:
    """Tell whether no entry of an array is NaN or infinite."""
    return bool(compat.is_array_api_obj(x)) and first_nonfinite(x) is None


def called_solvers(solver: Solver | Mapping[str, Solver]) -> dict[str, CalledSolver]:
    """Return one or several solvers by their names.

    Raises
    ------
    TypeError
        If one cannot be called.
    ValueError
        If there is none.
    """
    if not isinstance(solver, Mapping):
        called = CalledSolver(solver)
        return {called.name: called}
    if not solver:
        raise ValueError("solver is an empty mapping: pass a solver, or several by name")
    return {str(name): CalledSolver(one, f"solver[{name!r}]") for name, one in solver.items()}
