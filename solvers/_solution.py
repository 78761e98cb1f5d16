"""What an iterative solver returns, and the warning when that is not an answer."""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, cast

import numpy as np
from numpy.typing import NDArray

from structlin._errors import ConvergenceWarning

Status = Literal["converged", "max_iterations", "time_limit", "stagnated", "diverged", "breakdown"]
_P = ParamSpec("_P")


@dataclass(frozen=True, eq=False)
class Solution:
    """The answer of an iterative solver, and how it came about.

    Attributes
    ----------
    x : array
        The last iterate, in the shape and array library of the right-hand side.
    status : str
        ``"converged"``, ``"max_iterations"``, ``"time_limit"``, ``"stagnated"`` (rounding errors
        keep the residual from falling), ``"diverged"`` or ``"breakdown"`` (a division by zero, or
        a matrix that is not positive definite).
    iterations : int
        Iterations done.
    residual_norms : (iterations + 1,) ndarray
        ``‖b − A x_k‖₂`` after ``k`` iterations, on the host.
    choices : mapping
        What the solver chose: relaxation parameter, ordering, and the like.
    """

    x: Any
    status: Status
    iterations: int
    residual_norms: NDArray[np.float64]
    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def converged(self) -> bool:
        """Whether the stopping test was met."""
        return self.status == "converged"

    def __repr__(self) -> str:
        chosen = "".join(f", {name}={value!r}" for name, value in self.choices.items())
        last = self.residual_norms[-1] if len(self.residual_norms) else float("nan")
        done = f"{self.status} after {self.iterations} iterations"
        return f"<Solution {done}, residual {last:.3g}{chosen}>"


Solver = Callable[..., Solution]


def warns_unconverged(solver: Callable[_P, Solution]) -> Callable[_P, Solution]:
    """Make a solver emit a `ConvergenceWarning` whenever its solution has not converged.

    `quiet` gives the solver back without it, for callers that handle failure.
    """

    @functools.wraps(solver)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> Solution:
        solution = solver(*args, **kwargs)
        if not solution.converged:
            warnings.warn(
                f"{solver.__name__} stopped with status {solution.status!r} after "
                f"{solution.iterations} iterations, residual norm "
                f"{solution.residual_norms[-1]:.3g}: {_cures[solution.status]}",
                ConvergenceWarning,
                stacklevel=2,
            )
        return solution

    wrapper.quiet = solver  # type: ignore[attr-defined]
    return wrapper


def quiet(solver: Callable[..., Solution]) -> Callable[..., Solution]:
    """Return a solver of this package, or a `functools.partial` of one, without its warning.

    Any other function comes back as it is.
    """
    if isinstance(solver, functools.partial):
        return functools.partial(quiet(solver.func), *solver.args, **solver.keywords)
    if isinstance(solver, types.MethodType):
        return types.MethodType(quiet(solver.__func__), solver.__self__)
    inner: Any = getattr(solver, "quiet", None)
    # a user's own wrapper has copied the attribute, but wraps something else
    if inner is None or getattr(solver, "__wrapped__", None) is not inner:
        return solver
    return cast("Callable[..., Solution]", inner)


def require_callable(name: str, value: Any) -> None:
    """Raise unless the argument of that name can be called."""
    if not callable(value):
        raise TypeError(f"{name} is {value!r}: pass a function")


def solved(solver: Solver, *args: Any, **kwargs: Any) -> Solution:
    """Call a solver, and check that it returns a solution."""
    solution = solver(*args, **kwargs)
    if not isinstance(solution, Solution):
        raise TypeError(f"{solver!r} returned {solution!r}: a solver returns a Solution")
    if not len(solution.residual_norms):
        raise ValueError(f"{solver!r} returned no residual_norms: the first is that of the start")
    return solution


_cures = {
    "max_iterations": (
        "raise maxiter, loosen rtol, or use a stronger method or preconditioner, if the matrix is "
        "of the kind that the method needs"
    ),
    "stagnated": "rounding errors allow no smaller residual: loosen rtol",
    "diverged": "is the matrix Hermitian positive definite?",
    "time_limit": "raise time_limit or loosen rtol",
    "breakdown": "is the matrix singular, or not Hermitian positive definite?",
}
