"""What makes costs comparable: solves of one key share a learner."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from structlin._backend import type_name
from structlin._norm import norm
from structlin.matrices import GridOperator

_tightest = 20  # decades
_most_bits = 64  # of a number of rows


class Key(NamedTuple):
    """What a learner is kept for.

    Attributes
    ----------
    group : str, int or None
        The user's name for a family of systems.
    solver : str
        Name of the solver, or of all solvers to choose from.
    options : tuple of (str, object)
        Options of the solver that are words, whole numbers or truth values: ordering and the like.
    matrix : str
        Kind of matrix: its class, and its number of dimensions on a grid.
    size : int or None
        Binary order of magnitude of the number of rows, where no context tells the size.
    decade : int
        ``−log₁₀`` of the relative tolerance, rounded.
    dtype : str
        Data type of matrix and right-hand side.
    device : str
        Where the right-hand side lives.
    warm : bool
        Whether a start was given.
    """

    group: str | int | None
    solver: str
    options: tuple[tuple[str, Any], ...]
    matrix: str
    size: int | None
    decade: int
    dtype: str
    device: str
    warm: bool

    def nearness(self, other: Key) -> tuple[int, int] | None:
        """Return how near another key is, the least being nearest; None if it is another family.

        Keys of one family differ in tolerance, data type and device only: what was learned at one
        holds at the other, up to a factor of the costs.
        """
        if self.family() != other.family():
            return None
        moved = (self.dtype, self.device) != (other.dtype, other.device)
        return abs(self.decade - other.decade), int(moved)

    def family(self) -> tuple[Any, ...]:
        """Return what keys have in common whose experience can be passed on."""
        return self[:5], self.warm

    def cost_ratio(self, other: Key) -> float:
        """Return the cost at this key over that at another, of which the tolerance differs.

        The iterations of a linearly converging method are proportional to ``ln ε``.
        """
        return self.decade / other.decade

    def state_dict(self) -> dict[str, Any]:
        """Return the key as a mapping, ready for JSON."""
        return {**self._asdict(), "options": [list(option) for option in self.options]}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the key that `state_dict` described."""
        key = cls(**{**state, "options": tuple((name, value) for name, value in state["options"])})
        words = (key.solver, key.matrix, key.dtype, key.device, *(name for name, _ in key.options))
        if not (
            all(isinstance(word, str) for word in words)
            and all(isinstance(value, str | int) for _, value in key.options)
            and (key.group is None or isinstance(key.group, str | int))
            and (key.size is None or (type(key.size) is int and 0 <= key.size < _most_bits))
            and (type(key.decade) is int and 1 <= key.decade <= _tightest)
            and isinstance(key.warm, bool)
        ):
            raise ValueError(f"{key} is impossible")
        return key


def key_of(
    A: Any,
    b: Any,
    x0: Any,
    *,
    group: str | int | None,
    solver: str,
    sized: bool,
    rtol: Any,
    atol: Any,
    options: Mapping[str, Any],
) -> Key:
    """Return the key of a system; what is wrong with the system is left for the solver to say."""
    if not (group is None or isinstance(group, str | int)):
        raise TypeError(f"group is {group!r}: pass a word, a whole number or nothing")
    told = [(name, value) for name, value in options.items() if isinstance(value, (str, int))]
    return Key(
        group,
        solver,
        tuple(sorted(told)),
        _kind(A),
        _magnitude(A) if sized else None,
        _decade(b, rtol, atol),
        _dtype(A, b),
        str(getattr(b, "device", "")),
        x0 is not None,
    )


def _magnitude(A: Any) -> int | None:
    shape = tuple(getattr(A, "shape", ()))
    return round(math.log2(max(shape[0], 1))) if shape else None


def _kind(A: Any) -> str:
    name = type(A).__name__
    return f"{name} {len(A.grid)}-D" if isinstance(A, GridOperator) else name


def _decade(b: Any, rtol: Any, atol: Any) -> int:
    try:
        tolerance = float(rtol)
        if atol != 0:
            size = norm(b)
            tolerance = max(tolerance, float(atol) / size) if size > 0 else 1.0
    except (TypeError, ValueError, AttributeError, OverflowError):
        return 1
    if not 0 < tolerance < math.inf:
        return 1
    return min(max(round(-math.log10(tolerance)), 1), _tightest)


def _dtype(A: Any, b: Any) -> str:
    # types come first: those of some libraries refuse to be compared with NumPy's
    return _common(tuple((type(x.dtype), x.dtype) for x in (A, b) if hasattr(x, "dtype")))


@functools.cache
def _common(dtypes: tuple[tuple[type, Any], ...]) -> str:
    names = [type_name(dtype) for _, dtype in dtypes]
    try:
        return str(np.result_type(*names, np.float32)) if names else ""
    except TypeError:
        return names[-1]
