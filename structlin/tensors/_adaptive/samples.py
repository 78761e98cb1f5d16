"""The values of a function at points: counted, checked, and taken in blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import first_nonfinite, inexact
from structlin.tensors._blocks import by_blocks

_block = 2**20  # points in one call
_sums = 1e4  # by how much sums may be larger than the values


class Samples:
    """A function that takes one array of coordinates for every variable.

    Parameters
    ----------
    evaluate : callable
        Takes ``d`` arrays of shape (N,) and returns one, or a constant.
    like : array, optional
        Gives the array library and the device of the coordinates; by default NumPy.

    Attributes
    ----------
    count : int
        How many values were taken.
    largest : float
        The largest absolute value so far.
    peak : (d,) array or None
        The point where it was found, on the host.
    dtype : data type or None
        That of the values; None before the first ones.
    """

    def __init__(self, evaluate: Callable[..., Any], like: Any = None) -> None:
        example = np.empty(0) if like is None else like
        self.xp: ModuleType = namespace(example)
        self.device: Any = device(example)
        self.count = 0
        self.largest = 0.0
        self.peak: Any = None
        self.dtype: Any = None
        self._evaluate = evaluate

    def __call__(self, points: Any) -> Any:
        """Return the values at points (N, d) of the host."""
        return by_blocks(lambda block: self._values(points[block]), len(points), _block)

    def _values(self, points: Any) -> Any:
        xp = self.xp
        coordinates = [
            xp.asarray(np.ascontiguousarray(points[:, axis]), device=self.device)
            for axis in range(points.shape[1])
        ]
        values = one_each(self._evaluate(*coordinates), len(points), xp, self.device)
        self.count += len(points)
        if (place := first_nonfinite(values)) is not None:
            point = ", ".join(f"{float(x):.17g}" for x in points[place])
            raise ValueError(
                f"f({point}) is {values[place]}: f must be finite everywhere on its domain, the "
                "faces and corners included"
            )
        if self.dtype is None:
            self.dtype = values.dtype
        if xp.result_type(self.dtype, values.dtype) != self.dtype:
            raise TypeError(
                f"f returned {self.dtype} first and {values.dtype} later: its data type must not "
                "depend on the points"
            )
        if len(points):
            sizes = xp.abs(values)
            place = int(xp.argmax(sizes))
            if (size := float(sizes[place])) > self.largest:
                self.largest, self.peak = size, points[place].copy()
            if size * _sums > float(xp.finfo(self.dtype).max):
                raise ValueError(
                    f"f has values as large as {size:.3g}, whose sums overflow: scale it"
                )
        return xp.astype(values, self.dtype, copy=False)


def is_number(value: Any) -> bool:
    """Tell whether something is a number of Python or NumPy, which is no array."""
    return isinstance(value, int | float | complex | np.generic)


def one_each(values: Any, count: int, xp: ModuleType, where: Any) -> Any:
    """Return one floating-point value for every point; constants are spread over all points."""
    if is_number(values):
        number = np.asarray(values)
        kind = "complex128" if number.dtype.kind == "c" else "float64"
        number = number if number.dtype.kind in "fc" else number.astype(kind)
        values = xp.asarray(number, device=where)
    if not hasattr(values, "shape"):
        raise TypeError(
            f"f returned {type(values).__name__}: an array with one value for every point is needed"
        )
    if namespace(values) is not xp:
        namespace(values, xp.zeros(1, device=where))  # raises, and names both libraries
    shape = tuple(values.shape)
    values = inexact(values, xp)
    if shape == (count,):
        return values
    if values.size == 1:
        ones = xp.ones(count, dtype=values.dtype, device=where)
        return ones * xp.reshape(values, (1,))
    raise ValueError(
        f"f returned shape {shape} for coordinates of shape ({count},): one value for every point "
        "is needed"
    )
