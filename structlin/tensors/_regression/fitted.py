"""What a model of random functions tells once it has been fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.covariance import Matern
from structlin.tensors._axes import axis_number
from structlin.tensors._regression.observations import checked, checked_coords
from structlin.tensors._regression.variational import Posterior

not_fitted = "nothing has been fitted yet: call fit(coords, y) first"


class Fitted:
    """Predictions of a posterior of standardised values, and its parameters, in their units."""

    diagonal: bool
    _posterior: Posterior | None
    _center: float
    _scale: float

    def predict(self, coords: Any, *, return_std: bool = False, include_noise: bool = False) -> Any:
        """Return the expected values at coordinates, and their standard deviations.

        Parameters
        ----------
        coords : (N, d) array
            Coordinates; far from all data the functions return to zero, and the error bars grow.
        return_std : bool
            Return standard deviations as well.
        include_noise : bool
            Whether these are those of new noisy values, instead of those of the function.

        Returns
        -------
        (N,) array, or two of them
        """
        posterior = self._fitted()
        mean, variance = posterior.at(checked_coords(coords, len(self.ranks)))
        mean = self._center + self._scale * mean
        if not return_std:
            return mean
        if include_noise:
            variance = variance + 1 / posterior.precision
        return mean, self._scale * np.sqrt(variance)

    def functions(self, axis: int, x: Any, *, return_std: bool = False) -> Any:
        """Return the functions of one axis at coordinates, and their standard deviations.

        Parameters
        ----------
        axis : int
        x : (n,) array
        return_std : bool
            Return standard deviations as well.

        Returns
        -------
        (n, r) array, or two of them
        """
        posterior = self._fitted()
        axis = axis_number(axis, len(self.ranks), "the model")
        namespace(x)  # no list
        coords = checked_coords(x[:, None] if x.ndim == 1 else x, 1)
        mean, spread = posterior.axes[axis].at(coords[:, 0])
        if not return_std:
            return mean
        return mean, np.sqrt(np.maximum(np.diagonal(spread, axis1=1, axis2=2), 0.0))

    def score(self, coords: Any, y: Any) -> float:
        """Return the coefficient of determination R² of predictions: 1 is perfect, 0 the mean's.

        Parameters
        ----------
        coords : (N, d) array
        y : (N,) array
        """
        self._fitted()
        coords, y = checked(coords, y, len(self.ranks))
        total = float(np.sum((y - np.mean(y)) ** 2))
        left = float(np.sum((y - self.predict(coords)) ** 2))
        return 1 - left / total if total > 0 else float(left == 0)

    @property
    def ranks(self) -> tuple[int, ...]:
        """How many functions every axis has."""
        return self._fitted().coupling.ranks

    @property
    def kernels(self) -> tuple[Matern, ...]:
        """The covariance of the functions of every axis."""
        return tuple(functions.covariance for functions in self._fitted().axes)

    @property
    def mean(self) -> float:
        """What is added to the random functions."""
        offset = self._fitted().offset
        return self._center + self._scale * offset

    @property
    def noise(self) -> float:
        """The standard deviation of the noise."""
        precision = self._fitted().precision
        return float(self._scale * precision**-0.5)

    @property
    def core(self) -> Any:
        """The expected entries of the core, or of its diagonal, in the units of the values."""
        core = self._fitted().core * self._scale
        return core if self.diagonal else core.reshape(self.ranks)

    def _fitted(self) -> Posterior:
        if self._posterior is None:
            raise ValueError(not_fitted)
        return self._posterior
