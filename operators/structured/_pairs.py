"""Pairs of inputs and outputs: what is asked of them, and the units in which they are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin._validation import first_nonfinite, inexact, require_array
from structlin.matrices._base import conjugate


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
    for name, x in (("inputs", inputs), ("outputs", outputs)):
        require_array(name, x, "an array with samples along its first axis")
        if x.ndim < 2:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}: samples stand along the first axis, as in "
                "(n, points)"
            )
    xp = namespace(inputs, outputs)
    device(inputs, outputs)
    if inputs.shape[0] != outputs.shape[0]:
        raise ValueError(
            f"there are {inputs.shape[0]} inputs and {outputs.shape[0]} outputs: pass one output "
            "for each input"
        )
    if 0 in inputs.shape or 0 in outputs.shape:
        raise ValueError(
            f"inputs have shape {tuple(inputs.shape)} and outputs {tuple(outputs.shape)}: pass "
            "one sample of one number at least"
        )
    require_finite_samples("inputs", inputs)
    require_finite_samples("outputs", outputs)
    dtype = xp.result_type(inexact(inputs, xp).dtype, inexact(outputs, xp).dtype)
    complex_valued = xp.isdtype(dtype, "complex floating")
    double = xp.complex128 if complex_valued else xp.float64
    units, parts = [], []
    for x in (inputs, outputs):
        x = xp.astype(x, double)
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


def require_finite_samples(name: str, x: Any) -> None:
    """Raise ``ValueError`` that names the first sample with a NaN or Inf."""
    place = first_nonfinite(x)
    if place is not None:
        sample, inside = divmod(place, math.prod(x.shape[1:]))
        index: list[int] = []
        for size in reversed(x.shape[1:]):
            inside, i = divmod(inside, size)
            index.insert(0, i)
        where = ", ".join(map(str, index))
        raise ValueError(
            f"sample {sample} of {name} has a NaN or Inf at [{where}]: every entry must be finite"
        )


def power_of_two(x: Any) -> float:
    """Return the power of two next to the largest modulus; 1 for zeros."""
    xp = namespace(x)
    largest = float(xp.max(xp.abs(x)))
    return 2.0 ** min(max(math.frexp(largest)[1], -1000), 1000) if largest else 1.0


def energy(x: Any) -> float:
    """Return the sum of squared moduli of an array of moderate entries."""
    return float(namespace(x).linalg.vector_norm(x)) ** 2
