"""The covariance functions of Matérn, and their state-space form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin.covariance._bessel import bessel
from structlin.covariance._lags import line_points, real_numbers, scaled
from structlin.covariance._parameters import number
from structlin.covariance._radial import Radial
from structlin.covariance._state_space import moved, process_noise, stationary, transition


@dataclass(frozen=True)
class Matern(Radial):
    """The Matérn covariance, of functions that are as smooth as one chooses.

    Parameters
    ----------
    nu : float
        The smoothness, positive; it is not learned. Functions have the derivatives of an order
        below ``nu``, in the mean square.
    length_scale : float
        Over what distance the function changes.
    variance : float
        The variance of the function at every point.

    Raises
    ------
    ValueError
        If ``nu`` or a parameter is not positive.

    Notes
    -----
    With ``r = √(2 nu) |x − y| / length_scale``, the covariance is ``2¹⁻ⁿ rⁿ Kₙ(r) / Γ(n)`` times
    ``variance``, where ``n`` is ``nu`` and ``K`` the modified Bessel function of the second kind.
    For ``nu`` 1/2, 3/2 and 5/2 this is ``variance e⁻ʳ`` times 1, ``1 + r`` and ``1 + r + r²/3``;
    up to 21/2 such forms are used. With other ``nu`` NumPy takes SciPy's Bessel function, and other
    array libraries some 200 exponentials for every lag. The spectral density is that of a Student-t
    distribution with ``2 nu`` degrees of freedom and the scale ``1 / (2π length_scale)``.

    *State space*, for ``nu`` 1/2, 3/2 and 5/2: the function and its first ``nu − 1/2`` derivatives,
    in units of the length ``1/rate`` with ``rate = √(2 nu) / length_scale``, are a Markov process:
    with this *state* ``s``, of ``states`` numbers, ``s(x + gap) = A s(x) + noise``. Here
    ``A = exp(F rate gap)`` is a polynomial times an exponential, because ``F`` has the only
    eigenvalue −1, and the covariance of the noise is ``Q = P − A P Aᵀ``, where ``P`` is the
    covariance of the state at any point. It is computed as an integral, which loses no digits where
    the gap is small and ``Q`` nearly zero.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "nu", number("nu", self.nu, 0.0, math.inf))

    @property
    def derivatives(self) -> float:
        """How many continuous derivatives the covariance has: those of an order below ``2 nu``."""
        return math.ceil(2 * self.nu) - 1

    @property
    def rate(self) -> float:
        """``√(2 nu) / length_scale``."""
        return math.sqrt(2 * self.nu) / self.length_scale

    @property
    def _far(self) -> float:
        # for large nu the covariance is near to exp(-u²/(4 nu))
        return 1000.0 + 60.0 * math.sqrt(self.nu)

    def spectral_density(self, frequencies: Any) -> Any:
        """Return the power per unit of frequency, that of a Student-t distribution."""
        frequencies = real_numbers("frequencies", frequencies)
        ratio = math.exp(math.lgamma(self.nu + 0.5) - math.lgamma(self.nu))
        xp = namespace(frequencies)
        far = 0.5 * float(xp.finfo(frequencies.dtype).max) ** 0.5  # its square is finite
        z = scaled(frequencies, 2 * math.pi / self.rate, far)
        peak = 2 * math.sqrt(math.pi) * self.variance * ratio / self.rate
        return peak * xp.exp(-(self.nu + 0.5) * xp.log1p(z * z))

    def _slope(self, u: Any, power: int, order: int) -> Any:
        # g(u²/2) = B(nu, u)/Γ(nu), and the derivative of B(a, u) by u²/2 is -B(a - 1, u)/2
        log_scale = -order * math.log(2) - math.lgamma(self.nu)
        return bessel(power, self.nu - order, u, log_scale)

    # -- the state-space form -------------------------------------------------------------------

    @property
    def states(self) -> int:
        """How many numbers the state has: the function and its derivatives."""
        if self.nu not in (0.5, 1.5, 2.5):
            raise ValueError(f"nu is {self.nu:g}: there are state-space forms for 0.5, 1.5 and 2.5")
        return int(self.nu + 0.5)

    def state_covariance(self, like: Any = None) -> Any:
        """Return the (states, states) covariance of the state at one point.

        Its first entry is the variance of the function; the others are those of its derivatives.

        Parameters
        ----------
        like : array, optional
            Gives the array library, the precision and the device; by default NumPy and float64.
        """
        return moved(self.variance * stationary(self.states), like)

    def transition(self, gaps: Any) -> Any:
        """Return the (n, states, states) matrices ``A`` that lead over gaps.

        Parameters
        ----------
        gaps : (n,) array
            Distances, not negative.
        """
        return transition(self.states, self._scaled(gaps))

    def process_noise(self, gaps: Any) -> Any:
        """Return the (n, states, states) covariances ``Q`` of what is new after gaps.

        Parameters
        ----------
        gaps : (n,) array
            Distances, not negative.
        """
        return process_noise(self.states, self.variance, self._scaled(gaps))

    def _scaled(self, gaps: Any) -> Any:
        """Return the gaps in units of ``1/rate``, as an (n, 1, 1) array."""
        return scaled(line_points("gaps", gaps)[:, None, None], self.rate, self._far)
