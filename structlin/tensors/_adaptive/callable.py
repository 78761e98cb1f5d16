"""Functions as their users write them, made to take arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin.bases import Basis
from structlin.tensors._adaptive.samples import is_number, one_each

# three points inside the box, in fractions of its sides: no symmetry of a function joins them
_fractions = (0.3819660112501051, 0.7548776662466927, 0.5497004779019703)


class Vectorized:
    """A function of ``d`` arrays of shape (N,) that returns an array of that shape.

    Parameters
    ----------
    f : callable
        What the user wrote. It is called at three points at once and at two of them alone, to
        find out whether it takes arrays.
    bases : sequence of Basis
        The box.
    like : array, optional
        Gives the array library of the coordinates; by default NumPy.

    Attributes
    ----------
    count : int
        Values that were needed to find out.
    one_by_one : bool
        Whether the function is called point by point, because it takes numbers only or does not
        treat the points of an array apart.
    """

    def __init__(self, f: Callable[..., Any], bases: Sequence[Basis], like: Any = None) -> None:
        if not callable(f):
            raise TypeError(f"f is {type(f).__name__}: pass a function of {len(bases)} coordinates")
        example = np.empty(0) if like is None else like
        self.f = f
        self.xp: ModuleType = namespace(example)
        self.device: Any = device(example)
        self.count = 5
        probes = [
            [basis.low + basis.width * ((k + 1) * fraction % 1) for fraction in _fractions]
            for k, basis in enumerate(bases)
        ]
        reason = self._objection([self._array(x) for x in probes], [x[0] for x in probes])
        self.one_by_one = reason is not None
        if reason is not None:
            warnings.warn(
                f"{reason}: it is called point by point; numpy.vectorize(f) does that without "
                "this notice, and a function of arrays is much faster",
                stacklevel=4,
            )

    def __call__(self, *coordinates: Any) -> Any:
        if not self.one_by_one:
            return self.f(*coordinates)
        numbers = [[float(x[k]) for k in range(x.shape[0])] for x in coordinates]
        return self._array([_number(self.f(*point)) for point in zip(*numbers, strict=True)])

    def _objection(self, arrays: Sequence[Any], point: Sequence[float]) -> str | None:
        """Return why arrays cannot be passed; None if they can."""
        try:
            together = self.f(*arrays)
        except (TypeError, ValueError) as error:
            try:
                alone = self.f(*point)
            except Exception:
                raise error from None
            if is_number(alone):
                return "f takes numbers only"
            raise
        try:
            values = self._each(together, 3)
        except ValueError:
            if is_number(_tried(self.f, point)):
                return f"f returned shape {tuple(together.shape)} for three points"
            raise
        for k in range(2):
            alone = self._each(self.f(*(x[k : k + 1] for x in arrays)), 1)
            if not _close(values[k], alone[0], self.xp):
                again = self._each(self.f(*arrays), 3)
                if not _close(again[k], values[k], self.xp):
                    return None  # noise: it is what it is
                if is_number(_tried(self.f, point)):
                    return "f returned other values for three points together than for each alone"
                raise ValueError(
                    "f returned other values for three points together than for each alone: write "
                    "it such that the points of an array do not influence each other"
                )
        return None

    def _each(self, values: Any, count: int) -> Any:
        return one_each(values, count, self.xp, self.device)

    def _array(self, values: Any) -> Any:
        numbers = np.asarray(values)
        if numbers.dtype.kind not in "fc":
            numbers = numbers.astype(np.float64)
        return self.xp.asarray(numbers, device=self.device)


def _number(value: Any) -> Any:
    if is_number(value):
        return value
    if getattr(value, "size", 0) == 1:  # an array of one entry
        return np.asarray(value).reshape(())[()] if isinstance(value, np.ndarray) else float(value)
    raise ValueError(f"f returned {value!r} for one point: one number is needed")


def _tried(f: Callable[..., Any], point: Sequence[float]) -> Any:
    try:
        return f(*point)
    except Exception:
        return None


def _close(a: Any, b: Any, xp: ModuleType) -> bool:
    if not (bool(xp.isfinite(a)) and bool(xp.isfinite(b))):
        return True  # they will be refused
    tol = float(xp.finfo(a.dtype).eps) ** 0.5
    return bool(xp.abs(a / 2 - b / 2) <= tol * (xp.abs(a) / 2 + xp.abs(b) / 2))  # no overflow
