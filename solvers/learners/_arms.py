"""Arms: the values that a learner chooses from, and what else all such learners share."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin.solvers.learners._learner import max_loss


def checked_arms(arms: Any) -> tuple[tuple[Any, ...], int | list[Any]]:
    """Return the values of the arms, and the argument as JSON keeps it.

    Parameters
    ----------
    arms : int or sequence
        A number of arms, which then stand for their indices, or their values: numbers, strings,
        or None.

    Raises
    ------
    ValueError
        If there is no arm, or a value is NaN.
    TypeError
        If it is neither.
    """
    if isinstance(arms, numbers.Integral):
        if arms < 1:
            raise ValueError(f"arms is {arms}: at least one is needed")
        return tuple(range(int(arms))), int(arms)
    if isinstance(arms, np.ndarray):
        arms = arms.tolist()
    if isinstance(arms, str) or not isinstance(arms, Sequence):
        raise TypeError(f"arms is {arms!r}: pass their number, or a sequence of their values")
    values = [value.item() if isinstance(value, np.generic) else value for value in arms]
    if not values:
        raise ValueError("arms is empty: at least one is needed")
    for i, value in enumerate(values):
        if not (value is None or isinstance(value, (bool, int, float, str))):
            raise TypeError(f"arms[{i}] is {value!r}: pass numbers or strings")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"arms[{i}] is {value}: it must be finite")
    return tuple(values), values


def checked_discount(discount: Any) -> float:
    """Return the factor by which a round lessens the weight of those before it."""
    if not isinstance(discount, numbers.Real) or not 0 < float(discount) <= 1:
        raise ValueError(f"discount is {discount!r}: pass a number in (0, 1], 1 for none")
    return float(discount)


def checked_least(least: Any) -> float:
    """Return the least conceivable loss."""
    if not isinstance(least, numbers.Real) or not 0 <= float(least) < math.inf:
        raise ValueError(f"least is {least!r}: the least conceivable loss is a number >= 0")
    return float(least)


@functools.cache
def compiled(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return the compiled twin of a function of small NumPy arrays."""
    return kernel(namespace(np.empty(0)), plain)


def check_factor(factor: float, largest: float) -> None:
    """Raise ValueError if losses up to ``largest`` cannot be taken as ``factor`` times as large."""
    if not largest * factor <= max_loss:
        raise ValueError(f"factor is {factor}: losses of {largest} would be beyond {max_loss}")
