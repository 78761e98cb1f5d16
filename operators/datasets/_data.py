"""What every data set is: samples of two functions, the grids they stand on, how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from structlin._validation import require_count
from structlin.bases import Grid


@dataclass(frozen=True, eq=False)
class OperatorData:
    """Samples of an operator: functions, and the functions it maps them to.

    Attributes
    ----------
    inputs : (n, *grid.shape) array
        The functions given to the operator.
    outputs : (n, *output_grid.shape) array
        What it makes of them.
    grid, output_grid : Grid
        Where the two stand.
    name : str
        What the set is called.
    parameters : mapping
        All it was made with, `n` and the seed too.

    Raises
    ------
    ValueError
        If the samples fit neither each other nor the grids.

    Examples
    --------
    >>> from structlin.operators import datasets
    >>> data = datasets.advection_boxes(30, rng=0, cache=False)
    >>> data
    <OperatorData advection boxes: 30 samples, 40 → 40x40>
    >>> train, test = data.split(20, 10)
    >>> train.inputs.shape, test.outputs.shape
    ((20, 40), (10, 40, 40))
    """

    inputs: Any
    outputs: Any
    grid: Grid
    output_grid: Grid
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pairs = (("inputs", self.inputs, self.grid), ("outputs", self.outputs, self.output_grid))
        for name, samples, grid in pairs:
            if tuple(samples.shape[1:]) != grid.shape:
                raise ValueError(
                    f"{name} have shape {tuple(samples.shape)} but their grid {grid.shape}: pass "
                    "samples along the first axis, and values in the order of the grid behind it"
                )
        if self.inputs.shape[0] != self.outputs.shape[0]:
            raise ValueError(
                f"there are {self.inputs.shape[0]} inputs but {self.outputs.shape[0]} outputs: "
                "pass one output for every input"
            )

    def __len__(self) -> int:
        return int(self.inputs.shape[0])

    def split(self, train: int, test: int | None = None) -> tuple[Self, Self]:
        """Return the first ``train`` and the last ``test`` samples, by default all others.

        Raises
        ------
        ValueError
            If a number is not a whole one of 1 or more, the two overlap, or none are left to test.
        """
        require_count("train", train)
        if test is None:
            test = len(self) - train
            if test < 1:
                raise ValueError(
                    f"train is {train}, of a set of {len(self)}: leave a sample or more to test"
                )
        require_count("test", test)
        if train + test > len(self):
            raise ValueError(
                f"{train} and {test} samples overlap in a set of {len(self)}: make more samples"
            )
        start = len(self) - test
        return (
            replace(self, inputs=self.inputs[:train, ...], outputs=self.outputs[:train, ...]),
            replace(self, inputs=self.inputs[start:, ...], outputs=self.outputs[start:, ...]),
        )

    def __repr__(self) -> str:
        given, made = ("x".join(map(str, grid.shape)) for grid in (self.grid, self.output_grid))
        return f"<OperatorData {self.name}: {len(self)} samples, {given} → {made}>"
