"""The covariance functions of Matérn with half-integer smoothness, and their state-space form."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_finite
from structlin.covariance._covariance import Covariance

_far = 1000.0  # exp(−1000) is zero in every precision


@dataclass(frozen=True)
class Matern(Covariance):
    """The Matérn covariance with smoothness 1/2, 3/2 or 5/2.

    Parameters
    ----------
    nu : float
        The smoothness: 0.5, 1.5 or 2.5. Functions have ``nu − 1/2`` derivatives.
    length_scale : float
        Over what distance the function changes.
    variance : float
        The variance of the function at every point.

    Raises
    ------
    ValueError
        If ``nu`` is another number, or a parameter is not positive.

    Notes
    -----
    With ``r = √(2 nu) |x − y| / length_scale``, the covariance is ``variance e⁻ʳ`` times 1,
    ``1 + r`` or ``1 + r + r²/3``.

    The function and its first ``nu − 1/2`` derivatives, in units of the length ``1/rate`` with
    ``rate = √(2 nu) / length_scale``, are a Markov process: with this *state* ``s``, of ``states``
    numbers, ``s(x + gap) = A s(x) + noise``. Here ``A = exp(F rate gap)`` is a polynomial times an
    exponential, because ``F`` has the only eigenvalue −1, and the covariance of the noise is
    ``Q = P − A P Aᵀ``, where ``P`` is the covariance of the state at any point. It is computed as
    an integral, which loses no digits where the gap is small and ``Q`` nearly zero.

    References
    ----------
    .. [1] J. Hartikainen and S. Särkkä, "Kalman filtering and smoothing solutions to temporal
       Gaussian process regression models", IEEE MLSP, 2010.
    .. [2] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press, 2006, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> kernel = Matern(1.5, length_scale=2.0)
    >>> kernel(np.array([0.0, 1.0])).round(3)
    array([[1.   , 0.785],
           [0.785, 1.   ]])
    >>> kernel.transition(np.array([1.0]))[0, 0, 0].round(3)  # 1 + r times exp(−r)
    np.float64(0.785)
    """

    nu: float = 1.5
    length_scale: float = 1.0
    variance: float = 1.0

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "length_scale": (0.0, math.inf),
        "variance": (0.0, math.inf),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nu not in (0.5, 1.5, 2.5):
            raise ValueError(f"nu is {self.nu!r}: there are state-space forms for 0.5, 1.5 and 2.5")
        object.__setattr__(self, "nu", float(self.nu))

    @property
    def states(self) -> int:
        """How many numbers the state has: the function and its derivatives."""
        return int(self.nu + 0.5)

    @property
    def rate(self) -> float:
        """``√(2 nu) / length_scale``."""
        return math.sqrt(2 * self.nu) / self.length_scale

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Return the covariances between points ``x`` and points ``y``, by default ``x`` again.

        Parameters
        ----------
        x : (n,) array
        y : (m,) array, optional

        Returns
        -------
        (n, m) array
        """
        x = _points("x", x)
        y = x if y is None else _points("y", y)
        xp = namespace(x, y)
        r = self._in_units(xp.abs(x[:, None] - y[None, :]))
        series = (1.0, 1.0, 1 / 3)[: self.states]
        return self.variance * xp.exp(-r) * sum(c * r**k for k, c in enumerate(series))

    def feedback(self, like: Any = None) -> Any:
        """Return the (states, states) matrix ``F`` of ``ds/dx = rate F s + noise``.

        Parameters
        ----------
        like : array, optional
            Gives the array library, the precision and the device; by default NumPy and float64.
        """
        return _moved(_nilpotent(self.states) - np.eye(self.states), like)

    def stationary(self, like: Any = None) -> Any:
        """Return the (states, states) covariance of the state at one point.

        Its first entry is the variance of the function; the others are those of its derivatives.
        """
        return _moved(self.variance * np.sum(_noise_terms(self.states), axis=0), like)

    def transition(self, gaps: Any) -> Any:
        """Return the (n, states, states) matrices ``A`` that lead over gaps.

        Parameters
        ----------
        gaps : (n,) array
            Distances, not negative.
        """
        xp, a = self._scaled(gaps)
        power = np.eye(self.states)
        polynomial = 0.0 * a
        for k in range(self.states):
            polynomial = polynomial + a**k * _moved(power / math.factorial(k), a)
            power = power @ _nilpotent(self.states)
        return xp.exp(-a) * polynomial

    def process_noise(self, gaps: Any) -> Any:
        """Return the (n, states, states) covariances ``Q`` of what is new after gaps.

        Parameters
        ----------
        gaps : (n,) array
            Distances, not negative.
        """
        _, a = self._scaled(gaps)
        terms = _noise_terms(self.states)
        total = 0.0 * a
        for k in range(terms.shape[0]):
            total = total + _remainder(k, 2 * a) * _moved(self.variance * terms[k], a)
        return total

    def precision(self, points: Any) -> tuple[Any, Any]:
        """Return the inverse covariance of the states at ascending points, which is banded.

        Parameters
        ----------
        points : (n,) array
            Different points, ascending.

        Returns
        -------
        diagonal : (n, states, states) array
            The blocks on the diagonal.
        below : (n - 1, states, states) array
            The blocks below it: the block of row ``i + 1`` and column ``i``.

        Raises
        ------
        ValueError
            If the points are not ascending.

        Notes
        -----
        Entries are as large as ``(rate gap)^(−2 nu)``. For points that are very near to each other
        filter the states instead, which needs ``Q`` and not its inverse.
        """
        points = _points("points", points)
        xp, n = namespace(points), points.shape[0]
        gaps = points[1:] - points[:-1]
        if n == 0 or bool(xp.any(gaps <= 0)):
            raise ValueError("points must be one or more, different and ascending: sort them first")
        A = self.transition(gaps)
        # Q is graded by powers of the gap: scale it before it is inverted
        _, a = self._scaled(gaps)
        a = xp.where(a < 1, a, xp.ones_like(a))
        grades = xp.concat([a[:, 0, :] ** (self.nu - j) for j in range(self.states)], axis=1)
        grades = grades[:, :, None]
        both = grades * xp.matrix_transpose(grades)
        inverse = xp.linalg.inv(self.process_noise(gaps) / both) / both
        below = -xp.matmul(inverse, A)
        first = xp.linalg.inv(self.stationary(points))[None, :, :]
        diagonal = xp.concat([first, inverse])
        diagonal[:-1, ...] = diagonal[:-1, ...] - xp.matmul(xp.matrix_transpose(A), below)
        return diagonal, below

    def _scaled(self, gaps: Any) -> tuple[ModuleType, Any]:
        """Return the gaps in units of ``1/rate``, as an (n, 1, 1) array."""
        gaps = _points("gaps", gaps)
        return namespace(gaps), self._in_units(gaps[:, None, None])

    def _in_units(self, distances: Any) -> Any:
        """Return distances in units of ``1/rate``, those beyond which nothing is left cut short."""
        xp = namespace(distances)
        far = min(_far / self.rate, float(xp.finfo(distances.dtype).max))
        return self.rate * xp.where(distances < far, distances, far * xp.ones_like(distances))


def _points(name: str, x: Any) -> Any:
    if not hasattr(x, "ndim") or x.ndim != 1:
        shape = tuple(x.shape) if hasattr(x, "shape") else repr(x)
        raise ValueError(f"{name} is {shape}: pass an array of one axis, of points of the line")
    x = inexact(x)
    require_finite(name, x)
    return x


def _moved(matrix: Any, like: Any) -> Any:
    """Return a matrix of the host in the library, precision and device of an array."""
    if like is None:
        return matrix
    xp = namespace(like)
    return xp.asarray(matrix, dtype=like.dtype, device=device(like))


@functools.cache
def _nilpotent(states: int) -> Any:
    """Return ``F + I``, where ``F`` is the companion matrix of ``(z + 1)^states``."""
    shift = np.eye(states, k=1)
    shift[-1] = [-math.comb(states, j) for j in range(states)]
    return shift + np.eye(states)


@functools.cache
def _noise_terms(states: int) -> Any:
    """Return what stands before the shares ``_remainder(k, 2a)`` of ``Q``, for variance 1.

    The state answers an impulse by ``e⁻ˢ Σ C[k] sᵏ``, and ``Q`` is the integral of its square:
    ``∫₀ᵃ sᵏ e⁻²ˢ ds = k! 2⁻ᵏ⁻¹ _remainder(k, 2a)``.
    """
    impulse = np.eye(states)[-1]
    answers = []
    for k in range(states):
        answers.append(impulse / math.factorial(k))
        impulse = _nilpotent(states) @ impulse
    terms = np.zeros((2 * states - 1, states, states))
    for j, left in enumerate(answers):
        for k, right in enumerate(answers):
            share = math.factorial(j + k) / 2.0 ** (j + k + 1)
            terms[j + k] += share * np.outer(left, right)
    return terms / np.sum(terms, axis=0)[0, 0]


def _remainder(k: int, z: Any) -> Any:
    """Return ``1 − e⁻ᶻ Σ zʲ/j!`` over ``j ≤ k``, with all digits where it is small."""
    xp = namespace(z)
    near = xp.where(z < k + 1, z, xp.zeros_like(z))
    term = near ** (k + 1) / math.factorial(k + 1)
    series = term
    for j in range(k + 2, k + 40):  # the terms fall by z/j
        term = term * near / j
        series = series + term
    head = 1.0 + 0.0 * z
    for j in range(k, 0, -1):
        head = 1.0 + head * z / j
    return xp.where(z < k + 1, series * xp.exp(-near), 1.0 - xp.exp(-z) * head)
