"""Random grid operators, and their stencils as dense matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from structlin._kernels.multigrid_sweeps import Flags, Offsets
from structlin.matrices import GridOperator

sides = st.sampled_from(
    ["dirichlet", "neumann", "periodic", ("dirichlet", "neumann"), ("neumann", "dirichlet")]
)


@st.composite
def operators(draw: Any, most: int = 9, spread: float = 1.0, shift: float = 0.1) -> GridOperator:
    """Draw a diffusion operator with random coefficients, on a grid of 1 to 3 axes."""
    d = draw(st.integers(1, 3))
    grid = tuple(draw(st.integers(1, most if d < 3 else 6)) for _ in range(d))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    around = [draw(sides) for _ in range(d)]
    if draw(st.integers(0, 3)) == 0:
        return GridOperator.laplacian(grid, shift, weights=list(1 + rng.random(d)), sides=around)
    return GridOperator.diffusion(np.exp(spread * rng.standard_normal(grid)), shift, sides=around)


def dense(grid: Any, coefficients: Any, offsets: Offsets, periodic: Flags) -> np.ndarray:
    """Return the matrix of a stencil, entry by entry."""
    coefficients = np.broadcast_to(coefficients, (len(offsets), *grid))
    n = math.prod(grid)
    matrix = np.zeros((n, n))
    for point in np.ndindex(grid):
        row = np.ravel_multi_index(point, grid)
        for p, offset in enumerate(offsets):
            there = [i + o for i, o in zip(point, offset, strict=True)]
            inside = True
            for k, size in enumerate(grid):
                if periodic[k]:
                    there[k] %= size
                inside &= 0 <= there[k] < size
            if inside:
                column = np.ravel_multi_index(there, grid)
                matrix[row, column] += coefficients[(p, *point)]
                if p:
                    matrix[column, row] += coefficients[(p, *point)]
    return matrix
