"""B-splines on integer knots: their pieces, values, and fractional Laplacians.

Double precision on the host; a cell of width ``h`` divides derivatives by ``h^α``.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from structlin._backend import namespace, scipy_of

Array = NDArray[Any]

# Gauss points of a cell: for smooth integrands beyond a cell's width, and for nearer ones, whose
# singularity is 1/degree away at least. Both reach rounding errors.
_far, _near = 12, 48
# what is nearer to a knot than this, in cells, is meant to be there
_rounding = 1e-9


def open_knots(cells: int, degree: int) -> Array:
    """Return the knots ``0, …, cells``, with ``degree`` more at each end."""
    inner = np.arange(cells + 1.0)
    return np.concatenate([np.zeros(degree), inner, np.full(degree, float(cells))])


def greville(knots: Array, degree: int) -> Array:
    """Return the means of ``degree`` neighbouring knots, one for each B-spline."""
    windows = np.lib.stride_tricks.sliding_window_view(knots[1:-1], degree)
    return np.asarray(windows.mean(axis=1))


def design(points: Array, knots: Array, degree: int) -> tuple[Any, Any]:
    """Return values of B-splines at points, (k, degree + 1), and the index of the first of each."""
    made = scipy_of(namespace(np.empty(0)), "interpolate").BSpline.design_matrix(
        points, knots, degree
    )
    values = made.data.reshape(-1, degree + 1)
    return values, made.indices.reshape(-1, degree + 1)[:, 0].astype(np.int64)


def _pieces(knots: Array) -> list[tuple[float, Polynomial]]:
    """Return the cells of one B-spline with these knots, and its polynomials from their middles."""
    degree, found = len(knots) - 2, []
    for start in np.unique(knots)[:-1]:
        # the recursion of Cox and de Boor, in t = x − start − ½
        row = [Polynomial([float(a == start < b)]) for a, b in itertools.pairwise(knots)]
        for q in range(1, degree + 1):
            row = [
                _ramp(knots[i] - start, knots[i + q] - start) * row[i]
                + _ramp(knots[i + q + 1] - start, knots[i + 1] - start) * row[i + 1]
                for i in range(degree + 1 - q)
            ]
        found.append((float(start), row[0]))
    return found


def _ramp(zero: float, one: float) -> Polynomial:
    """Return the linear function of ``t`` with these values at ``½ +`` places; 0 if they agree."""
    if zero == one:
        return Polynomial([0.0])
    return Polynomial([0.5 - zero, 1.0]) / (one - zero)


def _gauss(n: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return nodes / 2, weights / 2


def riesz_derivative(points: Array, knots: Array, alpha: float) -> Array:
    """Return ``(−Δ)^(α/2) B`` at points, for one B-spline ``B`` of degree 2 or more.

    Parameters
    ----------
    points : (k,) ndarray
        Where; not at an end of the support where ``B`` has a kink.
    knots : (degree + 2,) ndarray
        Ascending integers, of which the first or the last may be repeated.
    alpha : float
        Between 1 and 2.

    Notes
    -----
    With ``c = 1/(2 cos(πα/2) Γ(2 − α))``, integrals over the line give

        (−Δ)^(α/2) B (x) = c ∫ |x − t|^(1−α) B″(t) dt = c α (α − 1) ∫ |x − t|^(−1−α) B(t) dt,

    the second one off the support. The first is used near it, as sums would cancel far away: a
    kink at an end, where ``B″`` is a Dirac function, is a term of its own; in the cell of ``x``,
    Gauss–Jacobi points integrate exactly.
    """
    pieces = _pieces(knots)
    (low, _), (last, _) = pieces[0], pieces[-1]
    high, degree = last + 1, len(knots) - 2
    result = np.zeros(len(points))
    outside = (points < low - 1) | (points > high + 1)

    y, w = _gauss(_far)
    for start, piece in pieces:
        for t, mass in zip(y, w * piece(y), strict=True):
            distance = np.abs(points[outside] - (start + 0.5 + t))
            result[outside] += alpha * (alpha - 1) * mass * distance ** (-1 - alpha)

    x = points[~outside]
    x = np.where(np.abs(x - np.round(x)) < _rounding, np.round(x), x)
    near = np.zeros(len(x))
    y, w = _gauss(_near)
    jacobi = scipy_of(namespace(np.empty(0)), "special").roots_jacobi(degree, 0, 1 - alpha)
    z, v = (jacobi[0] + 1) / 2, jacobi[1] / 2 ** (2 - alpha)
    for start, piece in pieces:
        curvature = piece.deriv(2)
        u = x - start
        here = (u >= 0) & (u <= 1)
        t = u[here, None]
        left, right = curvature(t * (1 - z) - 0.5) @ v, curvature(t + (1 - t) * z - 0.5) @ v
        near[here] += u[here] ** (2 - alpha) * left + (1 - u[here]) ** (2 - alpha) * right
        distance = np.abs(u[~here, None] - y - 0.5)
        near[~here] += distance ** (1 - alpha) @ (w * curvature(y))
    for place, (_, piece), end, sign in ((low, pieces[0], -0.5, 1), (high, pieces[-1], 0.5, -1)):
        repeated = np.count_nonzero(knots == place) == degree  # a kink
        if repeated:
            near += sign * piece.deriv()(end) * np.abs(x - place) ** (1 - alpha)
    result[~outside] = near
    return result / (2 * math.cos(math.pi * alpha / 2) * math.gamma(2 - alpha))


def spline_symbol(angles: Array, degree: int, alpha: float) -> Array:
    """Return the symbol of ``(−Δ)^(α/2) B`` at the collocation points; ``α = 0`` of ``B`` itself.

    Notes
    -----
    By Poisson's summation ``Σ_l |θ + 2πl|^α ((−1)^l sin(θ/2)/(θ/2 + πl))^(p+1)`` for degree ``p``:
    a zeta function of Hurwitz from each side, with alternating signs for even ``p``.
    """
    zeta = scipy_of(namespace(np.empty(0)), "special").zeta
    # in (0, π], of which all other angles are images; the limit at 0 is approached
    theta = np.abs(np.remainder(angles + math.pi, 2 * math.pi) - math.pi)
    x = np.maximum(theta, 1e-12) / (2 * math.pi)
    s = degree + 1 - alpha
    if degree % 2:
        total = zeta(s, x) + zeta(s, 1 - x)
    else:
        total = sum(zeta(s, a / 2) - zeta(s, (a + 1) / 2) for a in (x, 1 - x)) / 2**s
    sine = 2 * np.sin(math.pi * x)
    return np.asarray(sine ** (degree + 1) * (2 * math.pi) ** (-s) * total)
