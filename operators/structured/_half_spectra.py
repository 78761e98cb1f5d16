"""Half spectra of real functions, cut to the lowest wave numbers and filled up with zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace


def cropped(spectrum: Any, highest: Sequence[int]) -> Any:
    """Return the half spectrum (n, …) up to the highest wave numbers."""
    xp = namespace(spectrum)
    for axis, top in enumerate(highest, 1):
        if axis == len(highest):
            return spectrum[..., : top + 1]
        size = spectrum.shape[axis]
        head = spectrum[(*(slice(None),) * axis, slice(0, top + 1), ...)]
        tail = spectrum[(*(slice(None),) * axis, slice(size - top, size), ...)]
        spectrum = xp.concat([head, tail], axis=axis)
    return spectrum


def padded(spectrum: Any, sizes: Sequence[int]) -> Any:
    """Return a half spectrum, its last axes as `cropped` leaves them, of a grid of these sizes."""
    xp, first = namespace(spectrum), spectrum.ndim - len(sizes)
    for axis, n in enumerate(sizes, first):
        last = axis == spectrum.ndim - 1
        missing = (n // 2 + 1 if last else n) - spectrum.shape[axis]
        if missing <= 0:
            continue
        shape = (*spectrum.shape[:axis], missing, *spectrum.shape[axis + 1 :])
        zeros = xp.zeros(shape, dtype=spectrum.dtype, device=spectrum.device)
        head = spectrum.shape[axis] if last else spectrum.shape[axis] // 2 + 1
        before = (slice(None),) * axis
        parts = [spectrum[(*before, slice(0, head), ...)], zeros]
        parts += [] if last else [spectrum[(*before, slice(head, None), ...)]]
        spectrum = xp.concat(parts, axis=axis)
    return spectrum
