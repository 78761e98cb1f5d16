"""Checks of arguments about axes: their numbers and orders, ranks and shapes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np


def axis_number(axis: Any, ndim: int, what: str = "the tensor") -> int:
    """Return the number of an axis; negative ones count from the end."""
    try:
        number = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis is {axis!r}: pass an integer") from None
    if not -ndim <= number < ndim:
        raise ValueError(f"axis is {axis!r}: {what} has {ndim} axes, 0 to {ndim - 1}")
    return number % ndim


def axis_numbers(
    axis: int | Sequence[int] | None, ndim: int, what: str = "the tensor"
) -> list[int]:
    """Return the numbers of one axis or several, none of them twice; of all for None."""
    if axis is None:
        return list(range(ndim))
    given = axis if isinstance(axis, Sequence) else [axis]
    numbers = [axis_number(each, ndim, what) for each in given]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"axis is {axis!r}: an axis appears twice")
    return numbers


def permutation(axes: Sequence[int], ndim: int, what: str = "the tensor") -> list[int]:
    """Return the numbers of all axes in a given order."""
    numbers = [axis_number(axis, ndim, what) for axis in axes]
    if sorted(numbers) != list(range(ndim)):
        raise ValueError(f"axes is {tuple(axes)}: pass a permutation of {ndim} axes")
    return numbers


def largest_ranks(ranks: int | Sequence[int], count: int, what: str = "axes") -> list[int]:
    """Return a rank of 1 or more for each of so many axes or bonds, of one for all or of each."""
    each = [ranks] * count if isinstance(ranks, int | np.integer) else list(ranks)
    if len(each) != count or any(operator.index(rank) < 1 for rank in each):
        raise ValueError(
            f"ranks is {ranks!r}: pass a positive integer, or one for each of {count} {what}"
        )
    return [int(rank) for rank in each]


def per_axis(given: Any, ndim: int, what: str, axes: str) -> list[Any]:
    """Return one thing for every axis, of one for all or a sequence; None may be the one."""
    each = list(given) if isinstance(given, Sequence | np.ndarray) else [given] * ndim
    if len(each) != ndim:
        raise ValueError(f"{what} has {len(each)} entries, and {axes}")
    return each


def require_one_each(matrices: Sequence[Any], ndim: int) -> None:
    """Raise ``ValueError`` unless there is a matrix, or None, for every axis."""
    if len(matrices) != ndim:
        raise ValueError(
            f"{len(matrices)} matrices for {ndim} axes: one is needed for every axis, or None"
        )


def require_one_shape(a: Any, b: Any) -> None:
    """Raise ``ValueError`` unless two tensors have the same shape."""
    if a.shape != b.shape:
        raise ValueError(f"the tensors have shapes {a.shape} and {b.shape}: they must be equal")
