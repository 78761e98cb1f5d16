"""Pairs of inputs and outputs: what is asked of them, and the units in which they are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from structlin._backend import namespace
from structlin._norm import power_of_two
from structlin.matrices._base import conjugate
from structlin.operators._samples import require_pairs


@dataclass(frozen=True, eq=False)
class Pairs:
    """Samples in double precision, divided by powers of two so that squares can be computed.

    Attributes
    ----------
    inputs, outputs : (n, …) array
        The samples, divided by their units.
    dtype : data type
        That to which the samples promote, in which answers are given.
    units : (float, float)
        Those of the inputs and of the outputs.
    """

    inputs: Any
    outputs: Any
    dtype: Any
    units: tuple[float, float]

    @property
    def gain(self) -> float:
        """The unit of the outputs over that of the inputs."""
        return self.units[1] / self.units[0]

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(self.inputs)

    @property
    def count(self) -> int:
        """How many samples there are."""
        return int(self.inputs.shape[0])

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return tuple(self.inputs.shape[1:])

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one output."""
        return tuple(self.outputs.shape[1:])

    def __getitem__(self, samples: slice) -> Pairs:
        """Return some of the samples."""
        return replace(self, inputs=self.inputs[samples, ...], outputs=self.outputs[samples, ...])

    def rows(self) -> tuple[Any, Any]:
        """Return inputs (n, size) and outputs (n, size) with samples as rows."""
        xp = self.xp
        return (
            xp.reshape(self.inputs, (self.count, math.prod(self.input_shape))),
            xp.reshape(self.outputs, (self.count, math.prod(self.output_shape))),
        )

    def moments(self) -> tuple[Any, Any]:
        """Return ``Σ x xᴴ`` and ``Σ y xᴴ``: all that least squares of a matrix ask of the data."""
        xp = self.xp
        X, Y = self.rows()
        conjugates = conjugate(X, xp)
        return (
            xp.matmul(xp.matrix_transpose(X), conjugates),
            xp.matmul(xp.matrix_transpose(Y), conjugates),
        )

    def penalty(self, ridge: float) -> float:
        """Return the weight of ``‖A‖_F²``: the ridge times the mean of ``Σ |x_j|²`` over ``j``."""
        return ridge * energy(self.inputs) / max(math.prod(self.input_shape), 1)

    def restored(self, parameters: Any) -> Any:
        """Return parameters in which the map is linear, in the units and precision of the data."""
        return self.xp.astype(parameters * self.gain, self.dtype)


def pairs_of(inputs: Any, outputs: Any) -> Pairs:
    """Return samples that have been checked.

    Raises
    ------
    TypeError
        If one of them is no array, or the array libraries differ.
    ValueError
        If their numbers differ, there are none, all inputs are zero, or a sample has a NaN or Inf.
    """
    inputs, outputs = require_pairs(inputs, outputs)
    xp = namespace(inputs)
    dtype = xp.result_type(inputs.dtype, outputs.dtype)
    complex_valued = xp.isdtype(dtype, "complex floating")
    double = xp.complex128 if complex_valued else xp.float64
    units, parts = [], []
    for x in (inputs, outputs):
        x = xp.astype(x, double, copy=False)
        unit = power_of_two(x)
        units.append(unit)
        parts.append(x / unit)
    if not bool(xp.any(parts[0] != 0)):
        raise ValueError("all inputs are zero: they tell nothing about the map")
    exponent = math.log2(units[1]) - math.log2(units[0])
    if abs(exponent) > 1000:
        raise ValueError(
            f"outputs are 2^{exponent:.0f} times the inputs: measure them in other units"
        )
    return Pairs(parts[0], parts[1], dtype, (units[0], units[1]))


def energy(x: Any) -> float:
    """Return the sum of squared moduli of an array of moderate entries."""
    return float(namespace(x).linalg.vector_norm(x)) ** 2
