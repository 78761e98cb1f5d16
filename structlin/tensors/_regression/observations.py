"""Observations as their users give them: checked, and their coordinates sorted."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin._validation import inexact, require_finite


def sorted_axes(coords: Any) -> tuple[list[Any], list[Any]]:
    """Return the different coordinates of every axis, and which of them every row has."""
    pairs = [np.unique(x, return_inverse=True) for x in coords.T]
    return [x for x, _ in pairs], [place for _, place in pairs]


def checked(coords: Any, y: Any, d: int | None = None) -> tuple[Any, Any]:
    """Return coordinates (N, d) and values (N,) in float64; raise for what is wrong with them."""
    coords = checked_coords(coords, d)
    if not is_numpy(namespace(coords, y)):
        raise TypeError("y is not a NumPy array: regression runs on the host")
    if y.ndim != 1 or len(y) != len(coords):
        raise ValueError(
            f"coords has shape {coords.shape} and y has shape {y.shape}: a value is needed for "
            "every row"
        )
    if len(y) == 0:
        raise ValueError("there are no values: pass one or more")
    y = inexact(y)
    if np.iscomplexobj(y):
        raise TypeError("y is complex: fit its real and its imaginary part")
    require_finite("y", y)
    return coords, y.astype(np.float64)


def checked_coords(coords: Any, d: int | None) -> Any:
    """Return coordinates (N, d) in float64; raise for what is wrong with them."""
    if not is_numpy(namespace(coords)):
        raise TypeError(
            "coords is not a NumPy array: the smoother runs on the host, copy the data there first"
        )
    if coords.ndim != 2 or coords.shape[1] == 0 or d not in (None, coords.shape[1]):
        wanted = "(N, d)" if d is None else f"(N, {d})"
        raise ValueError(f"coords has shape {coords.shape}: {wanted} is expected")
    coords = inexact(coords)
    if np.iscomplexobj(coords):
        raise TypeError("coords is complex: coordinates are real")
    require_finite("coords", coords)
    return coords.astype(np.float64)
