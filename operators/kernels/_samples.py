"""Checks of samples of functions, and of the grids they are said to be on."""

from __future__ import annotations

from typing import Any

from structlin._backend import device, namespace
from structlin._validation import first_nonfinite, inexact, require_array
from structlin.bases import Grid


def require_samples(name: str, U: Any, grid: Grid | None = None) -> Any:
    """Return samples in double precision, checked.

    Raises
    ------
    ValueError
        If there is no axis of samples, the shape does not fit the grid, or there is a NaN or Inf:
        the message has the number of the sample.
    """
    require_array(name, U, "an (n, ...) array with a function for every sample")
    if U.ndim < 2:
        raise ValueError(
            f"{name} has shape {tuple(U.shape)}: the first axis counts the samples, and a function "
            "has an axis or more"
        )
    if 0 in U.shape[1:]:
        raise ValueError(f"{name} has shape {tuple(U.shape)}: functions need a point or more")
    if grid is not None and tuple(U.shape[1:]) != grid.shape:
        raise ValueError(
            f"{name} has shape {tuple(U.shape)}, but the grid has {grid.shape}: pass samples of "
            "that shape behind the first axis"
        )
    U = inexact(U)
    xp = namespace(U)
    place = first_nonfinite(U)
    if place is not None:
        size = 1
        for n in U.shape[1:]:
            size *= n
        raise ValueError(
            f"{name} has a NaN or Inf in sample {place // size}: leave that sample out, or mend it"
        )
    return xp.astype(
        U, xp.complex128 if xp.isdtype(U.dtype, "complex floating") else xp.float64, copy=False
    )


def require_pairs(
    inputs: Any, outputs: Any, grid: Any, output_grid: Any
) -> tuple[Any, Any, Grid | None, Grid | None]:
    """Return pairs and their grids, checked; the grid of outputs is that of inputs if it fits."""
    namespace(inputs, outputs)
    device(inputs, outputs)
    grid = None if grid is None else Grid.of(grid)
    output_grid = None if output_grid is None else Grid.of(output_grid)
    inputs = require_samples("inputs", inputs, grid)
    outputs = require_samples("outputs", outputs, output_grid)
    if inputs.shape[0] != outputs.shape[0]:
        raise ValueError(
            f"there are {inputs.shape[0]} inputs and {outputs.shape[0]} outputs: pass pairs"
        )
    if inputs.shape[0] < 3:
        raise ValueError(
            f"there are {inputs.shape[0]} samples: learning by leaving samples out needs 3 or more"
        )
    if output_grid is None and grid is not None and tuple(outputs.shape[1:]) == grid.shape:
        output_grid = grid
    return inputs, outputs, grid, output_grid
