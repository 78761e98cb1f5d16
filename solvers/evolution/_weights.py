"""Numbers that steps multiply modes by, brought to where the modes are."""

from __future__ import annotations

from typing import Any

from structlin.solvers.evolution.equation import SpectralEquation


def placed(equation: SpectralEquation, dtype: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return arrays of the host beside the grid, zero for the modes that the space drops."""
    kept = 1.0 if equation.space.kept is None else equation.space.kept
    return tuple(equation.space.put(values * kept, dtype) for values in arrays)
