"""Functions moved from one grid to another of the same box."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin.bases import Grid, barycentric

# coordinates this close, in parts of the box, are the same point
_same = 1e-9


def resampled(U: Any, old: Grid, new: Grid) -> Any:
    """Return functions on another grid: (n, …) arrays of the shapes of the grids.

    Along periodic axes by the trigonometric interpolant, along Legendre and Chebyshev axes by the
    polynomial, along even axes of nodes or cells by the cosine series, and along uneven ones by
    straight lines. Where all new nodes are old ones, values are taken as they are.

    Raises
    ------
    ValueError
        If the grids differ in their number of axes or in the intervals they cover.
    """
    xp = namespace(U)
    if old.ndim != new.ndim:
        raise ValueError(f"{new!r} has {new.ndim} axes and {old!r} {old.ndim}: pass equally many")
    for axis, (a, b) in enumerate(zip(old.box, new.box, strict=True)):
        slack = 1e-6 * (a[1] - a[0])
        if abs(a[0] - b[0]) > slack or abs(a[1] - b[1]) > slack:
            raise ValueError(
                f"functions on [{a[0]:g}, {a[1]:g}] along axis {axis} are wanted on "
                f"[{b[0]:g}, {b[1]:g}]: pass grids of one box, beyond which no function is known"
            )
    for axis in range(old.ndim):
        R = _matrix(old, new, axis)
        if R is None:
            continue
        moved = xp.moveaxis(U, 1 + axis, -1)
        matrix = xp.asarray(R.T, dtype=xp.float64, device=U.device)
        if xp.isdtype(U.dtype, "complex floating"):
            matrix = xp.astype(matrix, U.dtype)
        U = xp.moveaxis(xp.matmul(moved, matrix), -1, 1 + axis)
    return U


def same_grid(first: Grid, second: Grid) -> bool:
    """Tell whether two grids have the same nodes and kinds."""
    return (
        first.shape == second.shape
        and first.kinds == second.kinds
        and all(_line_matches(first, second, axis) for axis in range(first.ndim))
    )


def _line_matches(first: Grid, second: Grid, axis: int) -> bool:
    a, b = on_host(first.axes[axis]), on_host(second.axes[axis])
    low, high = first.box[axis]
    return len(a) == len(b) and bool(np.all(np.abs(a - b) <= _same * ((high - low) or 1.0)))


def _matrix(old: Grid, new: Grid, axis: int) -> Any:
    """Return the (new, old) matrix that interpolates along an axis; None if nothing changes."""
    if _line_matches(old, new, axis):
        return None
    x, y = on_host(old.axes[axis]), on_host(new.axes[axis])
    low, high = old.box[axis]
    length = (high - low) or 1.0
    nearest = np.argmin(np.abs(y[:, None] - x), axis=1)
    if np.all(np.abs(x[nearest] - y) <= _same * length):
        return np.eye(len(x))[nearest]
    kind = old.kinds[axis]
    if kind == "periodic":
        return _trigonometric((y - x[0]) / length, len(x))
    if kind in ("legendre", "chebyshev"):
        return barycentric.interpolation(y, x, barycentric.weights(x))
    if old.spacings[axis] is not None:
        return _cosine((y - low) / length, len(x), kind)
    return _straight(x, y)


def _trigonometric(t: Any, n: int) -> Any:
    """Return the interpolant of ``n`` even values of period one, at fractions ``t`` of it."""
    k = np.arange(-((n - 1) // 2), (n - 1) // 2 + 1)
    angles = 2 * math.pi * (t[:, None] - np.arange(n) / n)
    R = np.sum(np.cos(angles[:, :, None] * k), axis=2)
    if n % 2 == 0:  # of the highest mode the values know the cosine only
        R = R + np.cos(math.pi * n * t)[:, None] * np.cos(math.pi * np.arange(n))
    return R / n


def _cosine(t: Any, n: int, kind: str) -> Any:
    """Return the cosine series through ``n`` values at even nodes or in the middle of cells."""
    k = np.arange(n)
    at = (np.arange(n) + 0.5) / n if kind == "cell" else np.arange(n) / (n - 1)
    values = np.cos(math.pi * at[:, None] * k)
    return np.linalg.solve(values.T, np.cos(math.pi * t[:, None] * k).T).T


def _straight(x: Any, y: Any) -> Any:
    """Return straight lines between values at ``x``, continued at the ends."""
    if len(x) == 1:
        return np.ones((len(y), 1))
    left = np.clip(np.searchsorted(x, y) - 1, 0, len(x) - 2)
    share = (y - x[left]) / (x[left + 1] - x[left])
    R = np.zeros((len(y), len(x)))
    R[np.arange(len(y)), left] = 1 - share
    R[np.arange(len(y)), left + 1] = share
    return R
