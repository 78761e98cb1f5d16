"""Numbers that steps multiply modes by, brought to where the modes are."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin.solvers.evolution.equation import SpectralEquation


def placed(equation: SpectralEquation, dtype: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return arrays of the host beside the grid, zero for the modes that the space drops."""
    kept = True if equation.space.kept is None else equation.space.kept
    # a product would not do: weights of modes that grow without bound are infinite
    return tuple(equation.space.put(np.where(kept, values, 0.0), dtype) for values in arrays)
