"""Predictions by kernels: means, standard deviations, and how far inputs are from the samples."""

from __future__ import annotations

import warnings
from typing import Any

from structlin._backend import namespace
from structlin.operators.kernels import _selection as selection
from structlin.operators.kernels._calibration import Calibration
from structlin.operators.kernels._features import Features, packed, unpacked
from structlin.operators.kernels._predicting import OnGrids
from structlin.operators.kernels._symmetry import Symmetry
from structlin.operators.kernels._systems import Direct

# from how many deviations of samples on predictions are called far; chosen, not tuned
_far = 3.0
# kernels of new and old samples that are held at a time
_entries = 1 << 24


class Posterior(OnGrids):
    """What a kernel says of new inputs, once it has been fitted."""

    choice: selection.Choice
    _symmetry: Symmetry
    _features: Features
    _turn: Any  # of features to the directions of change, if those are the metric
    _system: Direct
    _mean: Any  # of the outputs, as a row
    _unit: float  # in which outputs were fitted
    _calibration: Calibration

    def _predicted(self, U: Any, *, return_std: bool) -> tuple[Any, Any]:
        U, shifts = self._symmetry.turned(U)
        mean, deviation = self._posterior(U)
        self._warn_far(deviation / self._calibration.usual)
        mean = self._symmetry.back(mean, shifts)
        if not return_std:
            return mean, None
        xp = namespace(U)
        field = self._calibration.field
        fields = xp.broadcast_to(field, mean.shape)
        if shifts is not None:  # as a function, which may overshoot a little
            fields = xp.maximum(self._symmetry.back(fields, shifts), xp.min(field))
        scale = deviation * (self._unit * self._calibration.factor)
        return mean, fields * xp.reshape(scale, (-1, *(1 for _ in self.output_shape)))

    def _posterior(self, U: Any) -> tuple[Any, Any]:
        """Return means and posterior deviations at turned inputs, by blocks of them."""
        xp = namespace(U)
        group, system = self._symmetry.group, self._system
        rows = max(_entries // (system.centres[0].shape[0] * group.order), 1)
        means, deviations = [], []
        for start in range(0, max(U.shape[0], 1), rows):
            part = U[start : min(start + rows, U.shape[0]), ...]
            Z = self._weighted(self._features(part))
            grams = [system.metric.gram(Z, centre) for centre in system.centres]
            mean: Any = self._mean
            for k, act in zip(grams, group.on_outputs, strict=True):
                share = xp.matmul(k, system.weights) * self._unit
                mean = mean + (packed(act(self._unpacked(share))) if group.order > 1 else share)
            means.append(self._unpacked(mean))
            deviations.append(xp.sqrt(system.variance(grams)))
        return xp.concat(means, axis=0), xp.concat(deviations)

    def _unpacked(self, rows: Any) -> Any:
        return unpacked(rows, self.output_shape, is_complex=self._complex_outputs)

    def _weighted(self, Z: Any) -> Any:
        if self._turn is not None:
            return namespace(Z).matmul(Z, self._turn)
        return Z * selection.metric_weights(self._features.spread, self.choice.metric)

    def _warn_far(self, ratios: Any) -> None:
        xp = namespace(ratios)
        far = ratios > _far
        if bool(xp.any(far)):
            count = int(xp.sum(xp.astype(far, xp.int64)))
            place = int(xp.argmax(xp.astype(far, xp.int8)))
            warnings.warn(
                f"{count} of {ratios.shape[0]} inputs are far from the samples, the first of them "
                f"input {place}: their standard deviation is {float(ratios[place]):.1f} times that "
                "of samples; novelty(inputs) has those of all",
                stacklevel=4,
            )

    def novelty(self, inputs: Any, *, grid: Any = None) -> Any:
        """Return the posterior deviation of inputs, in units of that of the samples.

        Parameters
        ----------
        inputs : (n, ...) array
        grid : Grid, optional
            See `predict`.

        Returns
        -------
        (n,) array
            95 % of the samples are below 1 when they are left out; `predict` warns above 3.
        """
        U, _ = self._located(inputs, grid, None)
        _, deviation = self._posterior(self._symmetry.turned(U)[0])
        return deviation / self._calibration.usual
