"""Parts of a function: smaller boxes, slices, other orders of the variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from structlin._kernels.tucker_points import functions
from structlin.bases import Basis
from structlin.tensors import _core
from structlin.tensors._axes import permutation
from structlin.tensors._domain import bases_of, slack
from structlin.tensors._function.representation import Representation
from structlin.tensors.tensor_train import TensorTrain


class Restriction(Representation):
    """Parts of a function: smaller boxes, slices, other orders of the variables."""

    def restrict(self, domain: Any) -> Self:
        """Return the function on a smaller box.

        Parameters
        ----------
        domain : sequence of intervals or None, or (d, 2) array
            A pair ``(low, high)`` for every axis, within its interval; None leaves an axis alone.

        Returns
        -------
        ChebTucker
            A part of a periodic axis is an axis of Chebyshev polynomials.

        Raises
        ------
        ValueError
            If an interval is empty or not within that of the function, or one is missing.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x_plus_y = ChebTucker(np.eye(2)[::-1], [np.eye(2)] * 2)
        >>> x_plus_y.restrict([(0, 0.5), None])
        <ChebTucker on [0, 0.5] x [-1, 1], float64, ranks 2x2, degrees 1x1>
        """
        if not hasattr(domain, "__len__") or len(domain) != self.ndim:
            raise ValueError(
                f"domain is {domain!r}: pass an interval, or None, for each of {self.ndim} axes"
            )
        factors, bases = list(self.factors), list(self.bases)
        for axis, basis in enumerate(self.bases):
            interval = domain[axis]
            if interval is None:
                continue
            low, high = bases_of([interval])[0].interval
            if not (_within(low, basis) and _within(high, basis)):
                raise ValueError(
                    f"interval {axis} of domain is [{low:g}, {high:g}], and the function lives on "
                    f"[{basis.low:g}, {basis.high:g}] there: a part of it is needed"
                )
            low, high = max(low, basis.low), min(high, basis.high)
            if (low, high) != basis.interval:
                bases[axis], factors[axis] = basis.restricted(factors[axis], low, high)
        return self._new(self.core, factors, bases, method="restriction")._compressed()

    def slice(self, axis: int | Sequence[int], at: float | Sequence[float]) -> Any:
        """Return the function with some variables fixed.

        Parameters
        ----------
        axis : int or tuple of int
            The variable or variables.
        at : float or tuple of float
            Their values, within their intervals; any number on a periodic axis.

        Returns
        -------
        ChebTucker or scalar
            The function of the other variables, in their order, or a number if none is left.

        Raises
        ------
        ValueError
            If a value is outside of its interval, or there are too few or too many.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x_plus_y = ChebTucker(np.eye(2)[::-1], [np.eye(2)] * 2)
        >>> f = x_plus_y.slice(1, at=0.25)
        >>> f.ndim, float(f(0.5).round(12))
        (1, 0.75)
        """
        axes = self._axes(axis)
        places = [at] if not isinstance(at, Sequence) else list(at)
        if len(places) != len(axes):
            raise ValueError(f"at is {at!r}: pass a number for each of {len(axes)} axes")
        vectors = {}
        for k, place in zip(axes, places, strict=True):
            basis, U, x = self.bases[k], self.factors[k], float(place)
            if not math.isfinite(x) or not (basis.periodic or _within(x, basis)):
                raise ValueError(
                    f"at is {x:g} on axis {k}, and the function lives on "
                    f"[{basis.low:g}, {basis.high:g}] there"
                )
            point = self.xp.asarray([x], dtype=self.xp.float64, device=self.device)
            vectors[k] = functions(U, basis, point)[0, :]
        return self._contracted(vectors, "slice")

    def permute(self, axes: Sequence[int]) -> Self:
        """Return the function with its variables in another order.

        Parameters
        ----------
        axes : sequence of int
            A permutation: variable ``k`` of the result is variable ``axes[k]`` of this function.

        Raises
        ------
        ValueError
            If it is no permutation of the axes.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.ones((1, 1))] * 2, [(0, 1), (2, 3)])
        >>> f.permute((1, 0)).domain
        [(2.0, 3.0), (0.0, 1.0)]
        """
        chosen = permutation(axes, self.ndim, "the function")
        tensor = self.coefficients
        if isinstance(tensor.core, TensorTrain):  # what is cut from the core is then as small
            tensor = tensor.orthogonalize()
        return self._new(
            _core.transposed(tensor.core, chosen, self.report.tol),
            [tensor.factors[k] for k in chosen],
            [self.bases[k] for k in chosen],
            method="permutation",
        )

    def squeeze(self, axis: int | Sequence[int] | None = None) -> Any:
        """Return the function without variables on which it does not depend.

        Parameters
        ----------
        axis : int or tuple of int, optional
            The variables; by default all on which the function does not depend, to its tolerance.

        Returns
        -------
        ChebTucker or scalar
            The function of the other variables, or a number if it is constant and none is left.

        Raises
        ------
        ValueError
            If the function depends on one of these variables.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x = ChebTucker(np.ones((1, 1)), [np.array([[0.0], [1.0]]), np.ones((1, 1))])
        >>> x.squeeze()
        <ChebTucker on [-1, 1], float64, ranks 1, degrees 1>
        """
        f = self._compressed()
        constant = [k for k, degree in enumerate(f.degrees) if degree == 0]
        axes = constant if axis is None else self._axes(axis)
        for k in axes:
            if k not in constant:
                raise ValueError(
                    f"the function depends on variable {k}, with degree {f.degrees[k]}: only "
                    "variables on which it does not depend can be dropped; slice fixes one"
                )
        return f._contracted({k: f.factors[k][0, :] for k in axes}, "squeezed") if axes else f


def _within(x: float, basis: Basis) -> bool:
    """Tell whether a number is in the interval, up to rounding errors."""
    reach = slack(basis, float(np.finfo(np.float64).eps))
    return basis.low - reach <= x <= basis.high + reach
