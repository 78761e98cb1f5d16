"""Functions of functions of several variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from structlin.tensors._adaptive.builder import build
from structlin.tensors._function.common import on_one_box
from structlin.tensors._function.representation import Representation
from structlin.tensors._memory import default_bytes
from structlin.tensors._report import warn_unresolved

F = TypeVar("F", bound=Representation)


def apply(
    function: Callable[..., Any],
    *functions: F,
    tol: float | None = None,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> F:
    """Return the composition ``function(f(x, …), g(x, …), …)`` of functions of several variables.

    Parameters
    ----------
    function : callable
        Takes an array of values of each of the functions, all of one shape, and returns an array
        of that shape: `numpy.exp`, for instance.
    *functions : ChebTucker
        Functions on one box.
    tol : float, optional
        The error relative to the largest value; by default the largest tolerance of the functions,
        or ``512 eps`` of the data type where that is larger.
    rng : None, int or numpy.random.Generator, optional
        Where the result is sampled. By default it is new every time.
    max_bytes : int
        What the core of the result may take.

    Returns
    -------
    ChebTucker
        Its report tells how many values were used, and how large the error was at further points.

    Raises
    ------
    ValueError
        If the functions live on different boxes, or a value is NaN or Inf, as at a pole.

    Warns
    -----
    ConvergenceWarning
        If the composition was not resolved, for instance because it is not smooth.

    Notes
    -----
    The result is built anew from its values, like a function given by a formula.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker, apply
    >>> x_plus_y = ChebTucker(np.eye(2)[::-1], [np.eye(2), np.eye(2)])
    >>> f = apply(np.exp, x_plus_y, rng=0)
    >>> bool(abs(f(0.5, -0.25) - np.exp(0.25)) < 1e-13)
    True
    """
    if not functions:
        raise TypeError("there is no function to compose with: pass one or more")
    matched = on_one_box(functions)
    first = matched[0]
    if tol is None:  # values have rounding errors
        least = 512 * float(first.xp.finfo(first.dtype).eps)
        tol = max(least, *(f.report.tol for f in matched))
    name = getattr(function, "__name__", "function").strip("<>")

    callables: list[Any] = list(matched)

    def evaluate(*x: Any) -> Any:
        with np.errstate(all="ignore"):  # NaN and Inf are found, and the point is named
            return function(*(f(*x) for f in callables))

    core, factors, bases, report = build(
        evaluate,
        first.bases,
        tol,
        rng,
        like=first.factors[0],
        max_bytes=max_bytes,
        method=f"apply({name})",
    )
    warn_unresolved(report, "raise tol, or restrict the functions to where the result is smooth")
    return type(first)(core, factors, bases, report=report)
