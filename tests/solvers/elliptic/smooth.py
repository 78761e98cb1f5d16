"""A smooth function of the plane, its derivatives, and what it has on the sides of a box."""

from __future__ import annotations

import numpy as np

from structlin.solvers import Robin


def smooth(x, y):
    """Return ``exp(0.7 x) cos(1.3 y + 0.2) + x y²``."""
    return np.exp(0.7 * x) * np.cos(1.3 * y + 0.2) + x * y * y


def slope(axis, x, y):
    """Return the derivative of `smooth` along an axis."""
    if axis == 0:
        return 0.7 * np.exp(0.7 * x) * np.cos(1.3 * y + 0.2) + y * y
    return -1.3 * np.exp(0.7 * x) * np.sin(1.3 * y + 0.2) + 2 * x * y


def curvature(axis, x, y):
    """Return the second derivative of `smooth` along an axis."""
    if axis == 0:
        return 0.49 * np.exp(0.7 * x) * np.cos(1.3 * y + 0.2) + 0 * y
    return -1.69 * np.exp(0.7 * x) * np.cos(1.3 * y + 0.2) + 2 * x


def laplacian(x, y):
    return curvature(0, x, y) + curvature(1, x, y)


def data_of(conditions):
    """Return what `smooth` has on every side."""

    def on(axis, end, side):
        if side == "dirichlet":
            return smooth
        a = side.coefficient if isinstance(side, Robin) else 0.0
        sign = 1 if end else -1
        return lambda x, y: sign * slope(axis, x, y) + a * smooth(x, y)

    return [
        [on(axis, end, side) for end, side in enumerate(pair)]
        for axis, pair in enumerate(conditions)
    ]
