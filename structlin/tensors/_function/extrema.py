"""Largest and smallest values, and roots."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import is_numpy
from structlin._kernels.tucker_points import functions
from structlin._validation import inexact, require_finite
from structlin.tensors._function.lines import line_coefficients
from structlin.tensors._function.representation import Representation
from structlin.tensors._function.roots import real_roots
from structlin.tensors._function.search import candidates, climbed
from structlin.tensors.tensor_train import TensorTrain


class Extrema(Representation):
    """Largest and smallest values, and roots."""

    def max(self) -> Any:
        """Return the largest value on the box.

        Returns
        -------
        scalar
            Of the array library.

        Raises
        ------
        TypeError
            If the function is complex.

        Notes
        -----
        The values on a grid of about twice as many points as there are coefficients show where
        peaks are; from the highest 32, Newton's method goes up in all variables at once, along the
        sides of the box where it has to. That is accurate to rounding errors. Grids of more than
        2²⁴ points are searched along lines only, from 256 places: in many dimensions a narrow peak
        may be missed, and nothing proves that there is none.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.array([[1.0], [0.0], [-1.0]]), np.eye(2)[:, 1:]])
        >>> round(float(f.max()), 12), f.argmax().tolist()
        (2.0, [0.0, 1.0])
        """
        return self._extremes[1][0]

    def min(self) -> Any:
        """Return the smallest value on the box, found as `max` is."""
        return self._extremes[0][0]

    def argmax(self) -> Any:
        """Return the (d,) array of a point where the function is largest, found as by `max`."""
        return self.xp.asarray(self._extremes[1][1], copy=True)

    def argmin(self) -> Any:
        """Return the (d,) array of a point where the function is smallest, found as by `max`."""
        return self.xp.asarray(self._extremes[0][1], copy=True)

    @functools.cached_property
    def _extremes(self) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """The smallest and the largest value, each with a point."""
        xp = self.xp
        if xp.isdtype(self.dtype, "complex floating"):
            raise TypeError(
                "the function is complex, and complex values have no order: take the extrema of "
                "its real part or of abs(f)"
            )
        core, factors = self._in_double()
        points, signs = candidates(core, factors, self.bases)
        points, values = climbed(core, factors, self.bases, points, signs)
        found = []
        for place in (int(xp.argmin(values)), int(xp.argmax(values))):
            t = points[place, :]
            low, high = (
                xp.asarray([interval[end] for interval in self.domain], device=self.device)
                for end in (0, 1)
            )
            value = xp.astype(values[place, ...], self.dtype)
            found.append((value[()] if is_numpy(xp) else value, low * (1 - t) + high * t))
        return found[0], found[1]

    def roots(self, axis: int = 0, at: Any = ()) -> Any:
        """Return where the function is zero along an axis.

        Parameters
        ----------
        axis : int
            The variable.
        at : sequence of scalars or arrays
            The other variables, in their order; arrays are broadcast against each other. Nothing
            for a function of one variable.

        Returns
        -------
        (k,) array, or (..., k) array
            The real roots in the interval of the axis, ascending; for arrays, behind the axes to
            which they broadcast, and NaN where there are fewer than the most that a line has.

        Raises
        ------
        TypeError
            If the function is complex, or not of NumPy: eigenvalues of general matrices are
            computed on the host.
        ValueError
            If a point is outside of the box, or the function is zero all along the line.

        Notes
        -----
        Eigenvalues of colleague matrices, improved by Newton's method, on parts of the interval
        where the degree is 50 or less: ``O(n²)`` for every line of degree ``n``. Of a multiple root
        only the cluster is well determined; it comes once or more.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.eye(2), [np.eye(3, 2), np.array([[0.0, 2.0], [1.0, 0.0]])])  # 2x + y
        >>> f.roots(0, at=0.5)
        array([-0.25])
        """
        axis, xp = self._axis(axis), self.xp
        if not is_numpy(xp):
            raise TypeError(
                "roots need eigenvalues of general matrices, which are computed on the host: move "
                "core and factors to NumPy first"
            )
        if xp.isdtype(self.dtype, "complex floating"):
            raise TypeError("the function is complex: take the roots of its real part")
        lines, shape = self._lines(axis, at)
        scale = 8 * float(np.finfo(self.dtype).eps) * self.coefficients.norm()
        found = []
        for number, line in enumerate(lines):
            if not np.max(np.abs(line), initial=0.0) > scale:
                place = (
                    f" through {tuple(map(int, np.unravel_index(number, shape)))}" if shape else ""
                )
                raise ValueError(
                    f"the function is zero all along axis {axis} on the line{place}: every point "
                    "is a root"
                )
            found.append(real_roots(self.bases[axis], line))
        if not shape:
            return found[0]
        out = np.full((len(found), max(map(len, found), default=0)), np.nan)
        for row, each in zip(out, found, strict=True):
            row[: len(each)] = each
        return out.reshape((*shape, -1)) if out.size else np.empty((*shape, out.shape[1]))

    def _lines(self, axis: int, at: Any) -> tuple[Any, tuple[int, ...]]:
        """Return the series along lines, one in every row, and the shape of their places."""
        others = [k for k in range(self.ndim) if k != axis]
        values = list(at) if isinstance(at, Sequence) else [at]
        if len(values) != len(others):
            raise ValueError(
                f"at has {len(values)} coordinates: with axis {axis} free, {len(others)} are needed"
            )
        arrays = [inexact(np.asarray(x)) for x in values]
        try:
            arrays = list(np.broadcast_arrays(*arrays))
        except ValueError:
            shapes = ", ".join(str(x.shape) for x in arrays)
            raise ValueError(
                f"the coordinates in at have shapes {shapes}: they must broadcast"
            ) from None
        shape = arrays[0].shape if arrays else ()
        core, factors = self._in_double()
        rows = [np.ones((math.prod(shape), U.shape[1])) for U in factors]
        for k, x in zip(others, arrays, strict=True):
            if np.iscomplexobj(x):
                raise TypeError(f"the coordinate of axis {k} in at is {x.dtype}: pass real numbers")
            require_finite(f"the coordinate of axis {k} in at", x)
            basis, flat = self.bases[k], x.reshape(-1).astype(np.float64)
            outside = (flat < basis.low) | (flat > basis.high)
            if not basis.periodic and outside.any():
                raise ValueError(
                    f"axis {k} has the coordinate {flat[np.argmax(outside)]:.17g}, outside of "
                    f"[{basis.low:g}, {basis.high:g}]"
                )
            rows[k] = functions(factors[k], basis, flat)
        return line_coefficients(core, rows, axis) @ factors[axis].T, shape

    def _in_double(self) -> tuple[Any, list[Any]]:
        """Return core and factors in double precision, checked for NaN."""
        xp = self.xp
        for axis, U in enumerate(self.factors):
            require_finite(f"factors[{axis}]", U)
        for part in self.core.cores if isinstance(self.core, TensorTrain) else (self.core,):
            require_finite("the core", part)
        tensor = self.coefficients.astype(xp.result_type(self.dtype, xp.float64))
        return tensor.core, list(tensor.factors)
