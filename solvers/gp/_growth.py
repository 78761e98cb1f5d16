"""Grids of which one axis grows: further values along time, say."""

from __future__ import annotations

from typing import Any

from structlin._backend import device, namespace
from structlin._validation import require_array
from structlin.bases import Grid
from structlin.solvers.gp._conditioning import Conditioning
from structlin.solvers.gp._factors import Known


def grown_grid(grid: Grid, nodes: Any, axis: int) -> tuple[Grid, Grid]:
    """Return the grid with further nodes at the end of an axis, and the grid of these alone.

    Raises
    ------
    ValueError
        If there is no such axis, or the nodes do not ascend from the last one.
    """
    if isinstance(axis, bool) or not isinstance(axis, int) or not -grid.ndim <= axis < grid.ndim:
        raise ValueError(f"axis is {axis!r}: the grid has the axes 0 to {grid.ndim - 1}")
    axis %= grid.ndim
    require_array("nodes", nodes, "a vector of the new nodes")
    xp = namespace(nodes, *grid.axes)
    device(nodes, *grid.axes)
    added = Grid(*(nodes if j == axis else x for j, x in enumerate(grid.axes)))
    first, last = float(added.axes[axis][0]), float(grid.axes[axis][-1])
    if not first > last:
        raise ValueError(
            f"the first new node of axis {axis} is {first:g} and the last old one {last:g}: new "
            "nodes come after the old ones"
        )
    axes = [xp.concat([x, added.axes[j]]) if j == axis else x for j, x in enumerate(grid.axes)]
    return Grid(*axes), added


def joined(old: Any, new: Any, axis: int) -> Any:
    """Return two arrays one behind the other, of the precision to which they promote."""
    xp = namespace(old, new)
    common = xp.result_type(old.dtype, new.dtype)
    parts = [xp.astype(x, common, copy=False) for x in (old, new)]
    return xp.concat(parts, axis=axis)


def joined_mask(given: Conditioning, mask: Any, added: Grid, axis: int) -> Any:
    """Return where there are values on the grown grid, None if that is everywhere."""
    xp, old = given.xp, given.mask
    if old is None and mask is None:
        return None
    where = given.grid.device
    if old is None:
        old = xp.ones(given.grid.shape, dtype=xp.bool, device=where)
    if mask is None:
        mask = xp.ones(added.shape, dtype=xp.bool, device=where)
    return xp.concat([old, mask], axis=axis)


def joined_noise(given: Conditioning, noise_var: Any, added: Grid, axis: int) -> Any:
    """Return the variances of the noise on the grown grid, a number where all are one number."""
    old = given.noise
    if noise_var is None:
        if not isinstance(old, float):
            raise ValueError(
                "the noise of the old values is an array: pass noise_var for the new ones"
            )
        return old
    if isinstance(old, float) and isinstance(noise_var, float) and old == noise_var:
        return old
    xp, where = given.xp, given.grid.device

    def filled(noise: Any, shape: tuple[int, ...]) -> Any:
        if isinstance(noise, float):
            return xp.full(shape, noise, dtype=xp.float64, device=where)
        return noise

    return joined(filled(old, given.grid.shape), filled(noise_var, added.shape), axis)


def kept_factors(given: Conditioning, axis: int) -> Known:
    """Return the eigendecompositions of all axes that did not grow."""
    return {place: f for place, f in given.known.items() if place[1] != axis}
