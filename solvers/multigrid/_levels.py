"""The hierarchy of coarser and coarser operators, made once for a grid operator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from structlin._backend import device, kernel, namespace
from structlin._kernels import multigrid_transfers as transfers
from structlin._kernels.multigrid_sweeps import (
    Flags,
    Offset,
    Offsets,
    all_offsets,
    behind,
    residual,
    unit_vector,
)
from structlin._kernels.multigrid_transfers import Axes
from structlin._kernels.stencil import faces
from structlin.matrices import GridOperator

# an axis is coarsened if its neighbours couple at least this strongly, relative to those of the
# strongest axis; chosen by trial among 0.3, 0.5 and 0.7 on constant coefficients of ratio 3 and 10
_strong = 0.5


@dataclass(frozen=True, eq=False)
class Level:
    """One operator of the hierarchy, and the way to the next."""

    grid: tuple[int, ...]
    coefficients: Any
    offsets: Offsets
    periodic: Flags
    bound: float  # of the eigenvalues of D⁻¹ A, by Gershgorin's theorem
    lines: bool  # whether the blocks of lines can be solved with
    axes: Axes = ()
    P: Any = None


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The levels, finest first, and the inverse of the last one's matrix."""

    levels: tuple[Level, ...]
    inverse: Any
    singular: bool


def hierarchy(A: GridOperator, coarsest: int) -> Hierarchy:
    """Return the levels of an operator, down to one of at most ``coarsest`` points.

    Raises
    ------
    ValueError
        If a diagonal entry is not positive, or the coarsest operator is singular.
    """
    xp = A.xp
    coefficients, offsets = _stencil(A)
    levels: list[Level] = []
    grid, periodic = A.grid, A.periodic
    singular = is_singular(A)
    while True:
        _require_positive(coefficients[0, ...], len(levels))
        bound = _bound(grid, coefficients, offsets, periodic)
        lines = not (singular and sum(size > 1 for size in grid) == 1)
        this = grid, coefficients, offsets, periodic, bound, lines
        halved = _halved(grid, coefficients, offsets, periodic)
        axes = transfers.coarse_axes(grid, periodic, halved)
        # a single point of a singular operator would hold rounding errors only
        vanishes = singular and math.prod(axis.coarse for axis in axes) == 1
        if math.prod(grid) <= coarsest or not any(halved) or vanishes:
            levels.append(Level(*this))
            break
        P = transfers.interpolation(coefficients, offsets, axes)
        levels.append(Level(*this, axes, P))
        coefficients = kernel(xp, transfers.galerkin)(coefficients, offsets, periodic, P, axes)
        grid = tuple(axis.coarse for axis in axes)
        offsets = all_offsets(len(grid))
    return Hierarchy(tuple(levels), _inverse(levels[-1], singular), singular)


def is_singular(A: GridOperator) -> bool:
    """Tell whether constants are mapped to zero: no shift, and nothing fixed at any side."""
    xp = A.xp
    if bool(xp.any(A.shift != 0)):
        return False
    for axis, weight in enumerate(A.weights):
        if not A.periodic[axis]:
            ends = (slice(None),) * axis
            if bool(xp.any(weight[(*ends, 0, ...)] != 0)) or bool(
                xp.any(weight[(*ends, -1, ...)] != 0)
            ):
                return False
    return True


def _stencil(A: GridOperator) -> tuple[Any, Offsets]:
    """Return coefficients and offsets of a grid operator; uniform coefficients stay single."""
    xp, d = A.xp, len(A.grid)
    offsets: list[Offset] = [(0,) * d]
    parts = [A.coefficients]
    for axis, weight in enumerate(A.weights):
        offsets.append(unit_vector(d, axis))
        parts.append(-faces(weight, axis)[1])
    return xp.stack(xp.broadcast_arrays(*parts)), tuple(offsets)


def _halved(grid: tuple[int, ...], coefficients: Any, offsets: Offsets, periodic: Flags) -> Flags:
    """Return which axes to coarsen: those long enough, and coupled about as strongly as any."""
    xp = namespace(coefficients)
    strengths, long = [], []
    for axis, (size, wraps) in enumerate(zip(grid, periodic, strict=True)):
        coupled = sum(coefficients[p, ...] for p, offset in enumerate(offsets) if offset[axis])
        strengths.append(abs(float(xp.mean(coupled / coefficients[0, ...]))))
        long.append(size >= (5 if wraps else 2))
    strongest = max((s for s, enough in zip(strengths, long, strict=True) if enough), default=0.0)
    return tuple(
        enough and s >= _strong * strongest for s, enough in zip(strengths, long, strict=True)
    )


def _bound(grid: tuple[int, ...], coefficients: Any, offsets: Offsets, periodic: Flags) -> float:
    """Return Gershgorin's bound of the eigenvalues of ``D⁻¹ A``."""
    xp = namespace(coefficients)
    sizes = xp.abs(coefficients)
    total = xp.broadcast_to(sizes[0, ...], grid)
    for p, offset in enumerate(offsets):
        if p:
            size = xp.broadcast_to(sizes[p, ...], grid)
            total = total + size + behind(size, offset, periodic)
    return float(xp.max(total / coefficients[0, ...]))


def _require_positive(diagonal: Any, level: int) -> None:
    """Raise if an entry of the diagonal is not positive."""
    xp = namespace(diagonal)
    least = float(xp.min(diagonal))
    if not 0 < least < math.inf:
        where = "A" if level == 0 else f"the operator of coarse level {level}"
        raise ValueError(
            f"the diagonal of {where} has an entry {least:g}: multigrid needs a symmetric positive "
            "definite (or, without shift and fixed sides, semidefinite) A"
        )


def _inverse(level: Level, singular: bool) -> Any:
    """Return the inverse of the coarsest matrix; constants are mapped to zero if it is singular."""
    c, xp = level.coefficients, namespace(level.coefficients)
    n = math.prod(level.grid)
    unit = float(xp.max(c[0, ...]))
    wide = xp.astype(c / unit, xp.float64)
    eye = xp.reshape(xp.eye(n, dtype=xp.float64, device=device(c)), (n, *level.grid))
    matrix = xp.reshape(
        -residual(eye, xp.zeros_like(eye), wide, level.offsets, level.periodic), (n, n)
    )
    if singular:
        matrix = matrix + 1.0 / n  # constants become an eigenvector with eigenvalue 1
    try:
        inverse = xp.linalg.inv(matrix)
    except ValueError as error:  # what the errors of linear algebra derive from
        raise ValueError(f"A is singular, seen on its coarsest grid {level.grid}") from error
    if singular:
        inverse = inverse - 1.0 / n
    return xp.astype(inverse, c.dtype) / unit
