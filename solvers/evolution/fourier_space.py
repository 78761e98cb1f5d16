"""Functions on periodic grids and their Fourier modes, in batches."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin.bases import Grid
from structlin.solvers.evolution._space import Space


class FourierSpace(Space):
    """The Fourier modes of functions on an evenly spaced periodic grid.

    Parameters
    ----------
    grid : Grid
        All axes periodic: ``Grid.uniform(box, shape, kind="periodic")``.
    real : bool
        Whether functions are real. Their modes are then those of a real FFT: half of the
        wavenumbers of the last axis.
    dealias : bool
        Whether only the modes ``3|m| < n`` of every axis are kept: products of two functions of
        such modes have the right coefficients on these (the 2/3 rule). Dropped modes of the last
        axis are not stored, and `kept` tells those of the others.

    Attributes
    ----------
    grid : Grid
        The grid.
    mode_shape : tuple of int
        The shape of the modes of one function.
    wavenumbers : tuple of ndarray
        ``k = 2π m/(high − low)`` of every axis, on the host, shaped to broadcast to `mode_shape`.
    kept : ndarray of bool or None
        Which modes are not dropped; None where all are kept.
    highest : ndarray of bool
        The tenth of the kept modes with the highest wavenumber of an axis.

    Raises
    ------
    ValueError
        If an axis is not periodic, or not even.

    Notes
    -----
    The coefficients are those of an unscaled forward FFT. Batches are leading axes, and functions
    are C-ordered, ``u[..., i, j]`` at ``(x_i, y_j)``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> grid = Grid.uniform([(0, 2 * np.pi)], 8, kind="periodic")
    >>> space = FourierSpace(grid)
    >>> derivative = space.multiplier(lambda k: 1j * k)
    >>> slope = space.from_modes(derivative(space.to_modes(np.sin(grid.axes[0]))))
    >>> bool(np.allclose(slope, np.cos(grid.axes[0])))
    True
    """

    def __init__(self, grid: Grid, *, real: bool = True, dealias: bool = True) -> None:
        grid = Grid.of(grid)
        for axis, kind in enumerate(grid.kinds):
            if kind != "periodic" or (grid.spacings[axis] is None and grid.shape[axis] > 1):
                low, high = grid.box[axis]
                raise ValueError(
                    f"axis {axis} of the grid is of kind {kind!r}: Fourier modes need an even "
                    f"periodic axis, as Grid.uniform([({low:g}, {high:g})], n, kind='periodic') "
                    "makes; if the last node repeats the first, leave it out"
                )
        self.real = real
        self._axes = tuple(range(-grid.ndim, 0))
        signed = [np.fft.fftfreq(n, 1 / n) for n in grid.shape]
        if real:
            signed[-1] = np.arange(grid.shape[-1] // 2 + 1.0)
        tops = [(n - 1) // 3 if dealias else n // 2 for n in grid.shape]
        if real and dealias:
            signed[-1] = signed[-1][: tops[-1] + 1]
        spread = [
            m.reshape([-1 if j == axis else 1 for j in range(grid.ndim)])
            for axis, m in enumerate(signed)
        ]
        mode_shape = tuple(len(m) for m in signed)
        kept, highest = np.ones(mode_shape, dtype=bool), np.zeros(mode_shape, dtype=bool)
        for m, top in zip(spread, tops, strict=True):
            kept &= np.abs(m) <= top
            highest |= np.abs(m) > 0.9 * top
        self.wavenumbers = tuple(
            2 * math.pi / (high - low) * m for m, (low, high) in zip(spread, grid.box, strict=True)
        )
        super().__init__(
            grid, mode_shape, self.wavenumbers, None if np.all(kept) else kept, highest & kept
        )
        self.dealias = dealias

    def __repr__(self) -> str:
        kind = "real" if self.real else "complex"
        return f"<FourierSpace of {kind} functions on {'x'.join(map(str, self.grid.shape))}>"

    def to_modes(self, u: Any) -> Any:
        """Return the modes, (…, *mode_shape), of functions (…, *grid.shape).

        Dropped modes that are stored may come out as anything but are zero in every solution.
        """
        fft = self._fft()
        if not self.real:
            return fft.fftn(u, axes=self._axes)
        c = fft.rfft(u, axis=-1)[..., : self.mode_shape[-1]]
        return fft.fftn(c, axes=self._axes[:-1]) if len(self._axes) > 1 else c

    def from_modes(self, c: Any) -> Any:
        """Return the functions, (…, *grid.shape), of modes (…, *mode_shape)."""
        fft = self._fft()
        if not self.real:
            return fft.ifftn(c, axes=self._axes)
        if len(self._axes) > 1:
            c = fft.ifftn(c, axes=self._axes[:-1])
        return fft.irfft(c, n=self.grid.shape[-1], axis=-1)

    def suited(self, u: Any, name: str) -> Any:
        """Return functions as complex ones in a space of these; raise for them in a real one."""
        xp = self.xp
        if self.real and xp.isdtype(u.dtype, "complex floating"):
            raise TypeError(
                f"{name} is complex but the space is one of real functions: pass {name}.real, or "
                "make the space by FourierSpace(grid, real=False)"
            )
        return u if self.real else xp.astype(u, xp.result_type(u.dtype, xp.complex64), copy=False)

    def _fft(self) -> ModuleType:
        # SciPy transforms several lines at a time
        return scipy_of(self.xp, "fft") if is_numpy(self.xp) else self.xp.fft
