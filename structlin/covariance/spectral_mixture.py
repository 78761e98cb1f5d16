"""Covariances whose spectrum is a mixture of lines of some width."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from structlin._backend import namespace
from structlin.covariance._covariance import Covariance
from structlin.covariance._lags import real_numbers
from structlin.covariance._parameters import Parametric, number
from structlin.covariance.matern import Matern
from structlin.covariance.squared_exponential import SquaredExponential


@dataclass(frozen=True)
class SpectralMixture(Parametric):
    """The covariance whose spectral density is a mixture of Gaussian or Student-t lines.

    Parameters
    ----------
    weights : sequence of float
        The variance of every component, positive.
    frequencies : sequence of float
        The centre of every component, in cycles per unit of length; zero and either sign.
    widths : sequence of float
        The scale of every component, in cycles per unit of length, positive: the standard
        deviation of a normal distribution, or the scale of a Student-t distribution with 5 degrees
        of freedom.
    family : str
        ``"gaussian"`` or ``"student"``.

    Raises
    ------
    ValueError
        If there is no component, lengths differ, a weight or width is not positive, or there is no
        such family.

    Notes
    -----
    ``k(z) = Σ weights e(z; widths) cos(2π frequencies z)``, where the envelope ``e`` is the squared
    exponential or the Matérn 5/2 covariance of the length scale ``1 / (2π width)``.

    References
    ----------
    .. [1] A. G. Wilson and R. P. Adams, "Gaussian process kernels for pattern discovery and
       extrapolation", ICML, 2013.
    .. [2] S. Fang, M. Cooley, D. Long, S. Li, R. Kirby and S. Zhe, "Solving high frequency and
       multi-scale PDEs with Gaussian processes", ICLR, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> kernel = SpectralMixture([1.0, 0.5], [0.0, 4.0], [0.1, 0.01])
    >>> kernel.at(np.array([0.0, 0.125])).round(3)
    array([1.5  , 0.497])
    """

    weights: Sequence[float] = (1.0,)
    frequencies: Sequence[float] = (0.0,)
    widths: Sequence[float] = (1.0,)
    family: str = "gaussian"

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "weights": (0.0, math.inf),
        "frequencies": (-math.inf, math.inf),
        "widths": (0.0, math.inf),
    }

    def __post_init__(self) -> None:
        if self.family not in _envelopes:
            raise ValueError(
                f"family is {self.family!r}: pass {' or '.join(map(repr, _envelopes))}"
            )
        for name, (low, high) in self.bounds.items():
            values = getattr(self, name)
            if not isinstance(values, Sequence | np.ndarray) or np.ndim(values) != 1:
                raise TypeError(f"{name} is {values!r}: pass a sequence, a number per component")
            checked = (number(f"{name}[{q}]", v, low, high) for q, v in enumerate(values))
            object.__setattr__(self, name, tuple(checked))
        counts = {name: len(getattr(self, name)) for name in self.bounds}
        if len(set(counts.values())) > 1 or not self.weights:
            told = ", ".join(f"{n} {name}" for name, n in counts.items())
            raise ValueError(f"there are {told}: pass as many of each, one or more")

    @property
    def derivatives(self) -> float:
        """How many continuous derivatives the covariance has: all, or 4 for Student-t lines."""
        return self._envelope(0).derivatives

    def spectral_density(self, frequencies: Any) -> Any:
        """Return the power per unit of frequency: half of each line on either side of zero."""
        frequencies = real_numbers("frequencies", frequencies)
        terms = []
        for q, (weight, centre) in enumerate(zip(self.weights, self.frequencies, strict=True)):
            envelope = self._envelope(q)
            both = envelope.spectral_density(frequencies - centre) + envelope.spectral_density(
                frequencies + centre
            )
            terms.append(weight / 2 * both)
        return functools.reduce(operator.add, terms)

    def _times(self, factor: float) -> Covariance:
        return self.replaced(weights=tuple(factor * weight for weight in self.weights))

    def _at(self, lags: Any, order: int) -> Any:
        terms = (self._component(lags, order, q) for q in range(len(self.weights)))
        return functools.reduce(operator.add, terms)

    def _component(self, lags: Any, order: int, q: int) -> Any:
        """Return the derivative of a component, by the rule of Leibniz."""
        envelope, speed = self._envelope(q), 2 * math.pi * self.frequencies[q]
        terms = (
            self.weights[q]
            * math.comb(order, k)
            * speed**k
            * self._wave(lags, q, k)
            * envelope._at(lags, order - k)
            for k in range(order + 1)
        )
        return functools.reduce(operator.add, terms)

    def _gradient(self, lags: Any, parameter: str, index: int) -> Any:
        if parameter == "weights":
            return self._component(lags, 0, index)
        envelope, weight = self._envelope(index), self.weights[index]
        if parameter == "frequencies":
            turned = self._wave(lags, index, 1)
            return 2 * math.pi * weight * lags * turned * envelope._at(lags, 0)
        even = self._wave(lags, index, 0)
        return -weight * even * envelope._gradient(lags, "length_scale", 0)

    def _envelope(self, q: int) -> Matern | SquaredExponential:
        envelope: Matern | SquaredExponential = _envelopes[self.family]
        return envelope.replaced(length_scale=1 / (2 * math.pi * self.widths[q]))

    def _wave(self, lags: Any, q: int, order: int) -> Any:
        """Return the derivative of the cosine by the angle."""
        xp = namespace(lags)
        turns = self.frequencies[q] * lags
        angle = 2 * math.pi * (turns - xp.round(turns))  # whole turns would cost digits
        found = xp.sin(angle) if order % 2 else xp.cos(angle)
        return -found if order % 4 in (1, 2) else found


_envelopes: dict[str, Matern | SquaredExponential] = {
    "gaussian": SquaredExponential(),
    "student": Matern(2.5),
}
