"""The functions of exponential time differencing, by contour integrals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

_points = 32


class Etdrk4Weights(NamedTuple):
    """The functions of ``z = L dt`` by which a step weighs what it knows; see `etdrk4_weights`."""

    whole: Any
    half: Any
    stage: Any
    first: Any
    middle: Any
    last: Any


def etdrk4_weights(z: Any) -> Etdrk4Weights:
    """Return the weights of fourth-order exponential time differencing [1]_, [2]_.

    Parameters
    ----------
    z : array
        Symbol of the linear part, times the step: real or complex.

    Returns
    -------
    Etdrk4Weights
        ``exp(z)``, ``exp(z/2)``, and of the step length 1

            ``stage = (exp(z/2) − 1)/z``
            ``first = (−4 − z + exp(z) (4 − 3z + z²))/z³``
            ``middle = (2 + z + exp(z) (z − 2))/z³``
            ``last = (−4 − 3z − z² + exp(z) (4 − z))/z³``

    Notes
    -----
    Near ``z = 0`` the last three quotients cancel. They are entire functions, hence the means of
    their values on a circle around ``z`` on which nothing cancels: 32 points give full accuracy
    [2]_.

    References
    ----------
    .. [1] S. M. Cox and P. C. Matthews, "Exponential time differencing for stiff systems", Journal
       of Computational Physics 176 (2002), 430–455.
    .. [2] A.-K. Kassam and L. N. Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM
       Journal on Scientific Computing 26 (2005), 1214–1233.

    Examples
    --------
    >>> import numpy as np
    >>> weights = etdrk4_weights(np.array([0.0]))  # those of Runge and Kutta
    >>> [float(w[0].round(15)) for w in (weights.stage, weights.first, weights.middle)]
    [0.5, 0.166666666666667, 0.166666666666667]
    """
    z = np.asarray(z)
    angles = 2 * np.pi * (np.arange(_points) + 0.5) / _points
    if not np.iscomplexobj(z):
        angles = angles[: _points // 2]  # the other half has the conjugate values
    radius = np.where(np.abs(z) < 1, 2.0, 0.5)  # no circle comes near zero
    sums = [np.zeros(z.shape, dtype=complex) for _ in range(3)]
    for turn in np.exp(1j * angles):
        r = z + radius * turn
        grown, one = np.exp(r), 1 / r
        two, three = one**2, one**3
        sums[0] += grown * (4 * three - 3 * two + one) - 4 * three - two
        sums[1] += grown * (two - 2 * three) + 2 * three + two
        sums[2] += grown * (4 * three - two) - 4 * three - 3 * two - one
    means = [s / len(angles) for s in sums]
    if not np.iscomplexobj(z):
        means = [m.real for m in means]
    return Etdrk4Weights(np.exp(z), np.exp(z / 2), phi1(z / 2) / 2, *means)


def phi1(z: Any) -> Any:
    """Return ``(exp(z) − 1)/z``, which is 1 where ``z`` is zero."""
    z = np.asarray(z)
    zero = z == 0
    return np.where(zero, 1.0, np.expm1(z) / np.where(zero, 1.0, z))
