"""Functions on a grid, one or many: shapes checked, sizes, matrices applied along their axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import first_nonfinite, inexact, require_array
from structlin.bases import Grid


def checked_samples(name: str, F: Any, grid: Grid) -> Any:
    """Return functions on a grid, integers as floats; raise unless all is finite and fits.

    Parameters
    ----------
    name : str
        What errors call them.
    F : (..., *grid.shape) array
        Axes before those of the grid number samples.
    grid : Grid
    """
    shape = grid.shape
    require_array(name, F, f"an array of shape (..., {', '.join(map(str, shape))})")
    xp = namespace(F, *grid.axes)
    device(F, *grid.axes)
    if F.ndim < len(shape) or tuple(F.shape[F.ndim - len(shape) :]) != shape:
        raise ValueError(
            f"{name} has shape {tuple(F.shape)} but the grid has {shape}: its last axes must be "
            "those; axes before them number samples"
        )
    F = inexact(F, xp)
    place = first_nonfinite(F)
    if place is not None:
        where = place_among_samples(place, F.shape, grid.ndim)
        raise ValueError(f"{name} has a NaN or Inf in {where}: every entry must be finite")
    return F


def place_among_samples(place: int, shape: Sequence[int], ndim: int) -> str:
    """Return what a place in C order is called, if the last ``ndim`` axes are those of a sample."""
    index = [int(i) for i in np.unravel_index(place, tuple(shape))] if shape else []
    batch, point = index[: len(index) - ndim], index[len(index) - ndim :]
    return f"sample {_listed(batch)}, at {_listed(point)}" if batch else _listed(point)


def _listed(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]"


def largest(x: Any) -> float:
    """Return the largest modulus in an array, 0 if it is empty."""
    xp = namespace(x)
    return float(xp.max(xp.abs(x))) if math.prod(x.shape) else 0.0


def along_axes(matrices: Sequence[Any], X: Any) -> Any:
    """Return the tensor ``Σ A₁[i, i'] A₂[j, j'] … X[…, i', j', …]`` of the last axes of ``X``.

    Parameters
    ----------
    matrices : sequence of (m_j, n_j) array
        Real, one for each of the last axes.
    X : (..., n_1, n_2, ...) array
        Real or complex.
    """
    xp = namespace(X)
    if xp.isdtype(X.dtype, "complex floating"):
        parts = [along_axes(matrices, part) for part in (xp.real(X), xp.imag(X))]
        return xp.astype(parts[0], X.dtype) + 1j * parts[1]
    batch = tuple(X.shape[: X.ndim - len(matrices)])
    sizes = list(X.shape[X.ndim - len(matrices) :])
    for axis in reversed(range(len(matrices))):
        A = matrices[axis]
        left = math.prod(batch) * math.prod(sizes[:axis])
        right = math.prod(sizes[axis + 1 :])
        if right == 1:
            X = xp.matmul(xp.reshape(X, (left, sizes[axis])), xp.matrix_transpose(A))
        else:
            X = xp.matmul(A, xp.reshape(X, (left, sizes[axis], right)))
        sizes[axis] = A.shape[0]
    return xp.reshape(X, (*batch, *sizes))
