"""Solvers as the layer calls them: with what they take."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

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
        self.name = name_of(solver)
        parameters = parameters_of(solver)
        names = list(parameters)
        takes_all = not names or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self._prepared = names[:1] == ["b"]  # a method of something that holds the matrix
        self._dropped = () if takes_all else tuple({"maxiter", "time_limit"} - set(names))
        self.direct = "maxiter" in self._dropped

    def __call__(self, A: Any, b: Any, limits: Mapping[str, Any], **keywords: Any) -> Solution:
        """Return the solution, checked to be one."""
        given = {**keywords, **limits}
        for name in self._dropped:
            given.pop(name)
        return solved(self._solver, *((b,) if self._prepared else (A, b)), **given)

    def __reduce__(self) -> tuple[Any, ...]:
        return CalledSolver, self._given  # the quiet solver has no name of its own


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function; none where it does not show them."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # built-in and compiled functions may show none
        return {}


def name_of(solver: Any) -> str:
    """Return what a solver is called."""
    while isinstance(solver, functools.partial):
        solver = solver.func
    name = str(getattr(solver, "__name__", type(solver).__name__))
    if isinstance(solver, types.MethodType):
        return f"{type(solver.__self__).__name__}.{name}"
    return name


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
