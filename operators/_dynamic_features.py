"""Features of states for dynamic modes: the states themselves, dictionaries, and kernels."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

from structlin._backend import namespace
from structlin._validation import first_nonfinite, inexact, require_count
from structlin.operators._samples import in_double
from structlin.operators.kernels._functions import kernels, squared_distances
from structlin.operators.kernels._selection import median_distance

Dictionary = Callable[[Any], Any]


def monomials(degree: int) -> Dictionary:
    """Return a dictionary of all products of up to ``degree`` coordinates, 1 among them.

    Parameters
    ----------
    degree : int
        Nonnegative.

    Returns
    -------
    callable
        From states, (n, m), to their ``(m + degree over degree)`` features.

    Raises
    ------
    ValueError
        If the degree is not a whole number of 0 or more.

    Examples
    --------
    >>> import numpy as np
    >>> monomials(2)(np.array([[2.0, 3.0]]))  # 1, x, y, x², x y, y²
    array([[1., 2., 3., 4., 6., 9.]])
    """
    degree = require_count("degree", degree, least=0)
    return functools.partial(_products, degree=degree)  # which can be pickled


def _products(states: Any, *, degree: int) -> Any:
    xp, states = namespace(states), rows_of(states)
    columns = [xp.ones_like(states[:, 0])]
    for order in range(1, degree + 1):
        for chosen in combinations_with_replacement(range(states.shape[1]), order):
            product = states[:, chosen[0]]
            for k in chosen[1:]:
                product = product * states[:, k]
            columns.append(product)
    return xp.stack(columns, axis=1)


def rows_of(states: Any) -> Any:
    """Return states, (n, *shape), as vectors, (n, m); there may be none."""
    return namespace(states).reshape(states, (states.shape[0], math.prod(states.shape[1:])))


class FeatureMap:
    """A map from states to features, of which the first samples seen set the scale.

    Parameters
    ----------
    features : "state", callable, or the name of a kernel
        What is computed.
    length_scale : float or "auto"
        Of a kernel, in units of the median distance of two states.
    centres : (n, *shape) array
        States, of which a kernel makes its features.
    """

    def __init__(self, features: Any, length_scale: float, centres: Any) -> None:
        self.features = features
        self.unit = 1.0
        self.centres = None
        if callable(features):
            return
        xp = namespace(centres)
        largest = float(xp.max(xp.abs(centres)))
        # a power of two, so that squares neither overflow nor vanish
        self.unit = math.ldexp(1.0, math.frexp(largest)[1]) if largest else 1.0
        if features in kernels:
            rows = _real_rows(centres) / self.unit
            scale = length_scale * median_distance(rows)
            self.unit *= scale
            self.centres = rows / scale

    @classmethod
    def restored(cls, features: Any, unit: float, centres: Any) -> FeatureMap:
        """Return the map that had these attributes."""
        made = cls.__new__(cls)
        made.features, made.unit, made.centres = features, unit, centres
        return made

    def __call__(self, states: Any) -> Any:
        """Return the features of states, (n, r)."""
        if callable(self.features):
            return _checked(self.features(states), states)
        if self.centres is None:
            return rows_of(states) / self.unit
        rows = _real_rows(states) / self.unit
        return kernels[self.features](squared_distances(rows, self.centres))


def _real_rows(states: Any) -> Any:
    xp, rows = namespace(states), rows_of(states)
    if xp.isdtype(rows.dtype, "complex floating"):
        rows = xp.concat([xp.real(rows), xp.imag(rows)], axis=1)
    return rows


def _checked(made: Any, states: Any) -> Any:
    """Return what a dictionary made, if it is what one makes."""
    shape = getattr(made, "shape", None)
    n = states.shape[0]
    if shape is None or len(shape) != 2 or shape[0] != n or shape[1] == 0:
        raise ValueError(
            f"the dictionary returned {type(made).__name__} of shape {shape} for {n} states: it "
            "must return an (n, features) array"
        )
    namespace(made, states)
    place = first_nonfinite(made)
    if place is not None:
        sample, feature = divmod(place, shape[1])
        raise ValueError(
            f"feature {feature} of sample {sample} is NaN or Inf: the dictionary must be finite on "
            "all states"
        )
    return in_double(inexact(made))
