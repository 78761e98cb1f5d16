"""Fourier multipliers: linear maps of periodic functions that commute with shifts."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Sequence
from typing import Any

from structlin.matrices import LinearOperator
from structlin.matrices._base import conjugate
from structlin.matrices._convolution import transforms
from structlin.operators._storage import stored_by
from structlin.tensors import Tucker


class FourierMultiplier(LinearOperator):
    """The map ``u ↦ F⁻¹ M F u`` of periodic functions on a grid, with ``M`` in Tucker form.

    Parameters
    ----------
    multiplier : Tucker
        ``M[k]`` for the frequencies ``k_j = −K_j, …, K_j`` of every axis, an odd number of each;
        higher ones are mapped to zero.
    grid_shape : sequence of int
        How many points the grid has along every axis, ``2 K_j + 1`` or more.
    real : bool
        Whether real functions are mapped to real ones: of ``M`` the part with
        ``M[−k] = conj(M[k])`` is taken.

    Attributes
    ----------
    multiplier : Tucker
        As given.
    grid_shape : tuple of int
        Points along every axis.

    Raises
    ------
    ValueError
        If an axis of the multiplier is even, or longer than that of the grid.

    Notes
    -----
    Functions are vectors in C order. A product costs two FFTs for each column. The multiplier
    belongs to frequencies and not to points, so that `on` gives the same map on other grids.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import Tucker
    >>> ik = Tucker(np.ones(1), [2j * np.pi * np.array([[-1.0], [0.0], [1.0]])])
    >>> D = FourierMultiplier(ik, (8,))
    >>> D, (D @ np.sin(2 * np.pi * np.arange(8) / 8))[:1] / (2 * np.pi)
    (<FourierMultiplier 8x8 float64 = 3 frequencies, ranks 1>, array([1.]))
    """

    multiplier: Tucker
    grid_shape: tuple[int, ...]

    def __init__(self, multiplier: Tucker, grid_shape: Sequence[int], *, real: bool = True) -> None:
        shape = tuple(int(n) for n in grid_shape)
        sizes = multiplier.shape
        if len(sizes) != len(shape):
            raise ValueError(
                f"the multiplier has {len(sizes)} axes but the grid {len(shape)}: one frequency "
                "belongs to each axis"
            )
        for axis, (size, n) in enumerate(zip(sizes, shape, strict=True)):
            if size % 2 == 0 or size > n:
                raise ValueError(
                    f"axis {axis} of the multiplier has {size} frequencies and that of the grid "
                    f"{n} points: frequencies −K, …, K need an odd number, at most that of points"
                )
        points = math.prod(shape)
        dtype = multiplier.xp.finfo(multiplier.dtype).dtype if real else multiplier.dtype
        super().__init__((points, points), dtype, like=(multiplier.core, *multiplier.factors))
        self.multiplier = multiplier
        self.grid_shape = shape
        self._real = real

    @property
    def parameters(self) -> int:
        """How many numbers the core and the factors have."""
        return sum(
            math.prod(part.shape) for part in (self.multiplier.core, *self.multiplier.factors)
        )

    def on(self, grid_shape: Sequence[int]) -> FourierMultiplier:
        """Return the same map on a grid of another number of points."""
        return FourierMultiplier(self.multiplier, grid_shape, real=self._real)

    @functools.cached_property
    def _table(self) -> Any:
        """The multiplier at the frequencies of the transform, in their order."""
        xp, M = self.xp, self.multiplier.full()
        if self._real:
            M = (M + xp.conj(xp.flip(M))) / 2 if self._complex_table else (M + xp.flip(M)) / 2
        table = xp.zeros(self.grid_shape, dtype=M.dtype, device=self.device)
        first = tuple(slice(0, size) for size in M.shape)
        table[first] = M
        shifts = tuple(-(size // 2) for size in M.shape)
        return xp.roll(table, shifts, axis=tuple(range(len(shifts))))

    @property
    def _complex_table(self) -> bool:
        return bool(self.xp.isdtype(self.multiplier.dtype, "complex floating"))

    def _matmat(self, X: Any) -> Any:
        return self._multiplied(X, self._table)

    def _rmatmat(self, X: Any) -> Any:
        return self._multiplied(X, conjugate(self._table, self.xp))

    def _multiplied(self, X: Any, table: Any) -> Any:
        xp, fft = self.xp, transforms(self.xp)
        if X.shape[1] == 0:
            return xp.zeros_like(X)
        axes = tuple(range(len(self.grid_shape)))
        values = xp.reshape(X, (*self.grid_shape, X.shape[1]))
        is_real = not xp.isdtype(X.dtype, "complex floating")
        wide = xp.complex64 if xp.finfo(X.dtype).bits == 32 else xp.complex128
        if is_real:
            # half of the last axis that is transformed, which is not the one of columns
            half = table[..., : table.shape[-1] // 2 + 1]
            spectrum = fft.rfftn(values, axes=axes)
            spectrum = spectrum * xp.astype(half, wide)[..., None]
            out = fft.irfftn(spectrum, s=self.grid_shape, axes=axes)
        else:
            spectrum = fft.fftn(values, axes=axes) * xp.astype(table, wide)[..., None]
            out = fft.ifftn(spectrum, axes=axes)
        return xp.reshape(xp.astype(out, X.dtype, copy=False), X.shape)

    def _formula(self) -> str:
        sizes = "x".join(map(str, self.multiplier.shape))
        return f"{sizes} frequencies, ranks {'x'.join(map(str, self.multiplier.ranks))}"


stored_by(
    FourierMultiplier,
    lambda A: (A.multiplier, A.grid_shape, A._real),
    lambda M, shape, real: FourierMultiplier(M, shape, real=real),
)


def modes_of(modes: int | Sequence[int] | None, shape: Sequence[int]) -> list[int]:
    """Return the highest frequency of every axis that is kept.

    Raises
    ------
    ValueError
        If one is negative, or a grid does not tell it from others.
    """
    highest = [(n - 1) // 2 for n in shape]
    if modes is None:
        return highest
    each: list[Any] = list(modes) if isinstance(modes, Sequence) else [modes] * len(shape)
    fits = len(each) == len(shape) and all(isinstance(k, numbers.Integral) for k in each)
    if not fits or not all(0 <= k <= top for k, top in zip(each, highest, strict=True)):
        raise ValueError(
            f"modes is {modes!r}: a grid of shape {tuple(shape)} tells frequencies up to "
            f"{tuple(highest)} apart; pass a number, or one for each axis"
        )
    return [int(k) for k in each]
