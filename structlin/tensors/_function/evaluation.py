"""Values at points and on grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels import tucker_points
from structlin._validation import inexact
from structlin.bases import Basis
from structlin.tensors import _core
from structlin.tensors._domain import slack
from structlin.tensors._function.representation import Representation
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors.tensor_train import TensorTrain


class Evaluation(Representation):
    """Values at points and on grids."""

    def __call__(self, *points: Any, extrapolate: bool = False) -> Any:
        """Return the values at points.

        Parameters
        ----------
        *points : arrays or numbers
            An array of real coordinates for every variable; the arrays are broadcast against each
            other. With NumPy, lists of numbers are arrays as well.
        extrapolate : bool
            Whether points may lie outside of the box. Periodic axes take every number without it.

        Returns
        -------
        array or scalar
            Of the shape to which the coordinates broadcast and of the data type of the function.
            A coordinate that is NaN gives NaN.

        Raises
        ------
        TypeError
            If there are too many or too few coordinates, or they are complex, or belong to another
            array library.
        ValueError
            If a point lies outside of the box, by more than rounding errors, or the shapes do not
            broadcast.

        Notes
        -----
        Extrapolation is only good for points very close to the box: Chebyshev polynomials grow
        outside of it like ``(|t| + √(t² − 1))ᵏ`` with the degree ``k``, for ``t`` in units of half
        of the width from the middle, and errors grow with them.

        ``2 Σ nₖ rₖ + 2 r₁ r₂ ⋯`` operations for a point. `grid` is much faster where the points
        are a grid. Coordinates are located in the box in double precision, whatever the data type
        of the function.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])])
        >>> f(0.5, [-1.0, 0.0, 1.0])  # x (1 + 2 y)
        array([-0.5,  0.5,  1.5])
        """
        xp, x = self.xp, self._coordinates(points, extrapolate)
        shape = _broadcast([tuple(each.shape) for each in x])
        together = xp.empty((self.ndim, *shape), dtype=xp.float64, device=self.device)
        for axis, each in enumerate(x):
            together[axis, ...] = xp.astype(each, xp.float64, copy=False)
        out = self._values(xp.reshape(together, (self.ndim, math.prod(shape))))
        if is_numpy(xp) and not shape:
            return out[0]
        return xp.reshape(out, shape)

    def grid(self, *points: Any, extrapolate: bool = False, max_bytes: int = default_bytes) -> Any:
        """Return the values at all combinations of coordinates.

        Parameters
        ----------
        *points : arrays or numbers
            The coordinates along every axis, most often a vector.
        extrapolate : bool
            As in a call of the function.
        max_bytes : int
            The most that the result may take.

        Returns
        -------
        array
            Of the shapes of all coordinates, one after the other: (n1, n2, …) for vectors. A number
            has no axis, as in indexing.

        Raises
        ------
        TypeError, ValueError
            As in a call of the function.
        MemoryError
            If the result takes more than ``max_bytes``.

        Notes
        -----
        The core is multiplied by the values of the functions of one variable, axis by axis, those
        first that make it smaller.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])])
        >>> f.grid([0.5, 1.0], [-1.0, 0.0, 1.0])  # x (1 + 2 y)
        array([[-0.5,  0.5,  1.5],
               [-1. ,  1. ,  3. ]])
        """
        xp, x = self.xp, self._coordinates(points, extrapolate)
        shape = tuple(n for each in x for n in each.shape)
        cure = "take fewer points or a part of them, or raise max_bytes"
        require_memory(shape, self.dtype, "the grid", cure, max_bytes)
        if 0 in shape:
            return xp.zeros(shape, dtype=self.dtype, device=self.device)
        rows = []
        for axis, each in enumerate(x):
            flat = xp.reshape(each, (math.prod(each.shape),))
            flat = xp.astype(flat, xp.float64, copy=False)
            rows.append(tucker_points.functions(self.factors[axis], self.bases[axis], flat))
        out = _core.mode_products(self.core, rows)
        if isinstance(out, TensorTrain):
            out = out.full(max_bytes=max_bytes)
        return xp.reshape(out, shape)

    def _values(self, points: Any) -> Any:
        """Return the values at points (d, N), in float64."""
        core = self.core
        if not isinstance(core, TensorTrain):
            values = kernel(self.xp, tucker_points.values)
            return values(core, self.factors, self.bases, points)
        out = self.xp.empty(points.shape[1], dtype=self.dtype, device=self.device)
        pairs = list(zip(self.factors, self.bases, strict=True))
        for block in tucker_points.blocks(points.shape[1], max(self.coefficients.shape)):
            rows = [
                tucker_points.functions(U, basis, points[axis, block])
                for axis, (U, basis) in enumerate(pairs)
            ]
            out[block] = core.entries(rows)
        return out

    def _coordinates(self, points: Sequence[Any], extrapolate: bool) -> list[Any]:
        """Return the coordinates as arrays of real numbers, all of them in the box."""
        xp, d = self.xp, self.ndim
        if len(points) != d:
            raise TypeError(
                f"the function has {d} variables, and {len(points)} coordinates came: pass an "
                f"array or a number for each, such as f(*points.T) for an (N, {d}) array"
            )
        if is_numpy(xp):
            points = [np.asarray(x) if isinstance(x, (list, tuple)) else x for x in points]
        namespace(self, *points)
        out = []
        for axis, (x, basis) in enumerate(zip(points, self.bases, strict=True)):
            number = isinstance(x, (int, float))
            array = xp.asarray(float(x) if number else x, device=self.device)
            if not number:
                array = inexact(array, xp)
                if xp.isdtype(array.dtype, "complex floating"):
                    raise TypeError(f"coordinate {axis} has dtype {array.dtype}: pass real numbers")
            # a number inside is found without an array, for single points are asked for in loops
            if not (extrapolate or (number and basis.low <= x <= basis.high)):
                array = _inside(array, basis, axis)
            out.append(array)
        return out


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape to which the coordinates broadcast."""
    try:
        return shapes[0] if len(set(shapes)) == 1 else np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"the coordinates have shapes {', '.join(map(str, shapes))}, which do not broadcast: "
            "for all combinations of coordinates, call f.grid"
        ) from None


def _inside(x: Any, basis: Basis, axis: int) -> Any:
    """Return the points, those outside of the interval by rounding errors as its ends.

    Raise ``ValueError`` for the first that is farther out.
    """
    xp = namespace(x)
    outside = xp.isinf(x) if basis.periodic else (x < basis.low) | (x > basis.high)
    if not bool(xp.any(outside)):
        return x
    if not basis.periodic:
        reach = slack(basis, float(xp.finfo(x.dtype).eps))
        outside = (x < basis.low - reach) | (x > basis.high + reach)
        if not bool(xp.any(outside)):
            return xp.clip(xp.astype(x, xp.float64), basis.low, basis.high)
    place = int(xp.argmax(xp.astype(xp.reshape(outside, (-1,)), xp.int8)))
    value = float(xp.reshape(x, (-1,))[place])
    index: list[int] = []
    for size in reversed(x.shape):
        place, i = divmod(place, size)
        index.insert(0, i)
    where = f"[{', '.join(map(str, index))}]" if index else ""
    if basis.periodic:
        raise ValueError(f"coordinate {axis}{where} is {value:g}: it must be finite")
    raise ValueError(
        f"coordinate {axis}{where} is {value:.17g}, outside of [{basis.low:g}, {basis.high:g}]: "
        "move it inside, or pass extrapolate=True if it is close by"
    )
