"""What is given on the sides of a box, at the nodes of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import called, first_nonfinite, inexact, number_or_array
from structlin.bases import Grid
from structlin.solvers.elliptic._samples import place_among_samples

Data = dict[tuple[int, int], Any]  # by axis and end: 0 is the low one


def side_values(grid: Grid, boundary: Any, like: Any) -> Data:
    """Return what is given on every side of the axes that are not periodic, where it is not zero.

    Parameters
    ----------
    grid : Grid
    boundary : None, number, callable, or sequence of pairs
        For all sides, or an entry for every axis: a pair (low, high) of numbers, callables of all
        coordinates, or arrays over the nodes of the other axes, after axes of samples; None, or
        one number or callable for both. Callables get the coordinates of all axes, that of the
        side's own axis too.
    like : (..., *grid.shape) array
        The right-hand side, of which values take the precision.

    Returns
    -------
    dict
        From (axis, end) to an array (..., *shape), in which that axis has length 1.
    """
    if boundary is None:
        return {}
    if isinstance(boundary, np.generic):
        boundary = boundary.item()
    if isinstance(boundary, int | float | complex) and boundary == 0:
        return {}
    single = callable(boundary) or isinstance(boundary, int | float | complex)
    entries = [boundary] * grid.ndim if single else list(boundary)
    if len(entries) != grid.ndim:
        raise ValueError(
            f"boundary has {len(entries)} entries but the grid has {grid.ndim} axes: pass a pair "
            "(low, high) for each axis, or one number or callable for all sides"
        )
    found: Data = {}
    for axis, entry in enumerate(entries):
        if grid.kinds[axis] == "periodic":
            if not (single or entry is None or (isinstance(entry, int | float) and entry == 0)):
                raise ValueError(
                    f"boundary[{axis}] is {entry!r} but axis {axis} is periodic and has no sides: "
                    "pass None there"
                )
            continue
        pair = entry if isinstance(entry, tuple | list) else (entry, entry)
        if len(pair) != 2:
            raise ValueError(f"boundary[{axis}] has {len(pair)} entries: pass a pair (low, high)")
        for end, given in enumerate(pair):
            if given is None or (isinstance(given, int | float | complex) and given == 0):
                continue
            found[axis, end] = _on_side(grid, axis, end, given, like)
    return found


def samples_of(grid: Grid, boundary: Any) -> tuple[int, ...]:
    """Return the axes of samples that arrays among the boundary data have, () for none."""
    for axis, entry in enumerate(boundary if isinstance(boundary, tuple | list) else ()):
        side = tuple(n for k, n in enumerate(grid.shape) if k != axis)
        for given in entry if isinstance(entry, tuple | list) else (entry,):
            shape = tuple(getattr(given, "shape", ()))
            count = len(shape) - len(side)
            if count > 0 and shape[count:] == side:
                return shape[:count]
    return ()


def _on_side(grid: Grid, axis: int, end: int, given: Any, like: Any) -> Any:
    name = f"boundary[{axis}][{end}]"
    xp = namespace(like)
    shape = tuple(n for k, n in enumerate(grid.shape) if k != axis)
    made = given
    if callable(given):
        coordinates = list(grid.mesh())
        low_high = grid.box[axis]
        at = tuple(1 for _ in grid.shape)
        coordinates[axis] = xp.full(at, low_high[end], dtype=grid.dtype, device=grid.device)
        made = called(name, given, dict(zip(grid.names, coordinates, strict=True)))
    made = number_or_array(name, made, "a number, a callable of the coordinates, or an array")
    if isinstance(made, int | float | complex):
        made = xp.full(shape, made, device=device(like))
    elif callable(given):
        # broadcast over the side, of which the axis has length 1
        side = tuple(1 if k == axis else n for k, n in enumerate(grid.shape))
        try:
            made = xp.broadcast_to(made, side)
        except ValueError:
            raise ValueError(
                f"{name} returned shape {tuple(made.shape)}: it must broadcast to {side}"
            ) from None
        made = xp.reshape(made, shape)
    namespace(made, like)
    batch = tuple(like.shape[: like.ndim - grid.ndim])
    fits = tuple(made.shape) in (shape, (*batch, *shape))
    if not fits:
        raise ValueError(
            f"{name} has shape {tuple(made.shape)} but that side has {shape}"
            + (f", or {(*batch, *shape)} for every sample" if batch else "")
            + "; axes of samples stand first, and are those of F"
        )
    made = inexact(made, xp)
    single = like.dtype in (xp.float32, xp.complex64)
    complex_valued = xp.isdtype(made.dtype, "complex floating")
    names = ("complex64", "float32") if single else ("complex128", "float64")
    with np.errstate(over="ignore", under="ignore"):
        made = xp.astype(made, getattr(xp, names[0 if complex_valued else 1]), copy=False)
    place = first_nonfinite(made)
    if place is not None:
        where = place_among_samples(place, made.shape, grid.ndim - 1)
        raise ValueError(
            f"{name} has a NaN or Inf in {where}: every entry must be finite in {made.dtype}"
        )
    return xp.expand_dims(made, axis=made.ndim - grid.ndim + 1 + axis)
