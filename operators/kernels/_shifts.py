"""Periodic shifts: samples are turned until the first Fourier mode has phase zero.

For a map that commutes with shifts one representative of every orbit says all: learning happens
among turned samples, and predictions are turned back.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.bases import Grid

# a mode this far below the largest has no phase to speak of; chosen, not tuned
_silent = 1e-3


def periodic_axes(grid: Grid | None, ndim: int, name: str) -> list[int]:
    """Return the axes along which functions may be shifted; without a grid, all of them."""
    if grid is None:
        return list(range(ndim))
    axes = [axis for axis, kind in enumerate(grid.kinds) if kind == "periodic"]
    if not axes:
        raise ValueError(
            f"symmetry='shift' needs a periodic axis, but the {name} has the kinds {grid.kinds}: "
            "make it by Grid.uniform(box, shape, kind='periodic')"
        )
    return axes


def require_no_duplicates(U: Any, axes: Sequence[int], name: str) -> None:
    """Raise if the last values along a periodic axis are the first ones again, in all samples."""
    xp = namespace(U)
    for axis in axes:
        n = U.shape[1 + axis]
        if n < 3:
            continue
        first = xp.take(U, xp.asarray([0], device=U.device), axis=1 + axis)
        last = xp.take(U, xp.asarray([n - 1], device=U.device), axis=1 + axis)
        second = xp.take(U, xp.asarray([1], device=U.device), axis=1 + axis)
        if bool(xp.all(first == last)) and bool(xp.any(first != second)):
            raise ValueError(
                f"the first and the last values of the {name} along axis {axis} are the same in "
                "every sample: the end of a periodic axis is its beginning, so leave it out, as "
                f"{name}[..., :-1]"
            )


def canonical_shifts(U: Any, axes: Sequence[int]) -> Any:
    """Return the (n, axes) fractions of the period by which samples are to be turned.

    ``u(x) → u(x + s)`` multiplies the mode ``k`` by ``exp(2πi k s)``. Where the first mode along an
    axis is silent, the next one that is not is taken; of the ``k`` shifts for which its phase is
    zero, that one for which the modes above have the largest real part.
    """
    xp = namespace(U)
    found = []
    for axis in axes:
        others = tuple(k for k in range(1, U.ndim) if k != 1 + axis)
        line = xp.mean(U, axis=others) if others else U
        spectrum = xp.fft.fft(xp.astype(line, _complex(line, xp)), axis=1)
        found.append(_along(spectrum, axis))
    return xp.stack(found, axis=1)


def _along(spectrum: Any, axis: int) -> Any:
    xp = namespace(spectrum)
    samples, n = spectrum.shape
    top = (n - 1) // 2  # the last mode that has a phase
    size = xp.abs(spectrum[:, 1 : top + 1])
    shift = xp.zeros(samples, dtype=size.dtype, device=size.device)
    if top < 1:
        return shift
    largest = xp.max(size, axis=1)
    waiting = largest > 0  # constants are their own images
    for k in range(1, top + 1):
        heard = waiting & (size[:, k - 1] >= _silent * largest)
        angle = xp.atan2(xp.imag(spectrum[:, k]), xp.real(spectrum[:, k]))
        first = -angle / (2 * math.pi * k)
        shift = xp.where(heard, _branch(spectrum, first, k, top) if k > 1 else first, shift)
        waiting = waiting & ~heard
        if k == 1 and bool(xp.any(waiting)):
            count = int(xp.sum(xp.astype(waiting, xp.int64)))
            place = int(xp.argmax(xp.astype(waiting, xp.int8)))
            warnings.warn(
                f"the phase of the first Fourier mode along axis {axis} is undefined for {count} "
                f"of {samples} samples, the first of them sample {place}: they are turned by the "
                "next mode that has one",
                stacklevel=5,
            )
        if not bool(xp.any(waiting)):
            break
    return shift


def _branch(spectrum: Any, first: Any, k: int, top: int) -> Any:
    """Return that of the ``k`` shifts ``first + j/k`` at which the modes above are most real."""
    xp = namespace(spectrum)
    modes = xp.arange(k + 1, top + 1, dtype=first.dtype, device=first.device)
    best, shift = None, first
    for j in range(k):
        s = first + j / k
        phases = 2 * math.pi * s[:, None] * modes[None, :]
        above = spectrum[:, k + 1 : top + 1]
        score = xp.sum(xp.real(above) * xp.cos(phases) - xp.imag(above) * xp.sin(phases), axis=1)
        if best is None:
            best = score
            continue
        better = score > best
        best, shift = xp.where(better, score, best), xp.where(better, s, shift)
    return shift


def shifted(U: Any, shifts: Any, axes: Sequence[int]) -> Any:
    """Return ``u(x + s)`` of every sample: an orthogonal map, undone by ``-shifts``.

    Parameters
    ----------
    U : (n, ...) array
    shifts : (n, axes) array
        Fractions of the period.
    axes : sequence of int
        Which axes of a sample they belong to.
    """
    xp = namespace(U)
    real = not xp.isdtype(U.dtype, "complex floating")
    V = xp.astype(U, _complex(U, xp))
    for column, axis in enumerate(axes):
        n = U.shape[1 + axis]
        k = np.fft.fftfreq(n, 1 / n)
        modes = xp.asarray(k, dtype=shifts.dtype, device=U.device)
        angle = 2 * math.pi * shifts[:, column][:, None] * modes[None, :]
        factor = xp.astype(xp.cos(angle), V.dtype) + 1j * xp.astype(xp.sin(angle), V.dtype)
        if n % 2 == 0:  # the highest mode is a cosine: its sign alone can be kept invertible
            sign = xp.where(xp.cos(angle) < 0, -xp.ones_like(angle), xp.ones_like(angle))
            highest = xp.asarray(np.arange(n) == n // 2, device=U.device)
            factor = xp.where(highest, xp.astype(sign, V.dtype), factor)
        shape = (U.shape[0], *(n if k == axis else 1 for k in range(U.ndim - 1)))
        factor = xp.reshape(factor, shape)
        V = xp.fft.ifft(xp.fft.fft(V, axis=1 + axis) * factor, axis=1 + axis)
    return xp.real(V) if real else V


def _complex(U: Any, xp: Any) -> Any:
    return xp.complex64 if U.dtype in (xp.float32, xp.complex64) else xp.complex128
