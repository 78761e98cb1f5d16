"""What spaces of modes share: symbols, and multiplication by them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import type_name
from structlin.bases import Grid


class Space:
    """Functions on a grid, with modes in which the linear parts of equations are diagonal.

    Subclasses have ``to_modes(u)`` and ``from_modes(c)``; batches are leading axes.

    Parameters
    ----------
    grid : Grid
        The grid.
    mode_shape : tuple of int
        The shape of the modes of one function.
    coordinates : tuple of ndarray
        What symbols are functions of, on the host; together they broadcast to ``mode_shape``.
    kept : ndarray of bool or None
        The modes that are not dropped; None drops none.
    highest : ndarray of bool or None
        The modes that should be small where a function is resolved.
    """

    def __init__(
        self,
        grid: Grid,
        mode_shape: tuple[int, ...],
        coordinates: tuple[Any, ...],
        kept: Any,
        highest: Any,
    ) -> None:
        self.grid, self.mode_shape = grid, tuple(mode_shape)
        self.kept, self.highest = kept, highest
        self.dealias = False  # subclasses that drop modes of states set it
        self.xp: ModuleType = grid.xp
        self.device = grid.device
        self._coordinates = coordinates

    def to_modes(self, u: Any) -> Any:
        """Return the modes, (…, *mode_shape), of functions (…, *grid.shape)."""
        raise NotImplementedError

    def from_modes(self, c: Any) -> Any:
        """Return the functions, (…, *grid.shape), of modes (…, *mode_shape)."""
        raise NotImplementedError

    def suited(self, u: Any, name: str) -> Any:
        """Return functions in the data type that they have in this space, or raise."""
        return u

    def symbol(self, f: Any) -> Any:
        """Return a symbol as an array of `mode_shape`, on the host.

        Parameters
        ----------
        f : callable, array or number
            ``f(kx, ky, …)`` of the wavenumbers of a `FourierSpace`, or ``f(λ)`` of the eigenvalues
            of an `EigenSpace`; or its values.

        Raises
        ------
        ValueError
            If the values do not broadcast to the modes.
        """
        made = np.asarray(f(*self._coordinates) if callable(f) else f)
        try:
            return np.broadcast_to(made, self.mode_shape)
        except ValueError:
            raise ValueError(
                f"the symbol has shape {made.shape} but the modes have {self.mode_shape}: pass a "
                "function of the wavenumbers or eigenvalues, or what broadcasts to this"
            ) from None

    def multiplier(self, f: Any) -> Callable[[Any], Any]:
        """Return the map that multiplies modes, (…, *mode_shape), by a symbol; see `symbol`."""
        return _Multiplier(self.symbol(f), self)

    def put(self, values: Any, dtype: Any) -> Any:
        """Return numbers of the host as an array beside the grid, in the precision of ``dtype``."""
        bits = 32 if type_name(dtype) in ("float32", "complex64") else 64
        kind = f"complex{2 * bits}" if np.iscomplexobj(values) else f"float{bits}"
        return self.xp.asarray(np.array(values, dtype=kind, order="C"), device=self.device)


class _Multiplier:
    """Multiplication by an array of the host, which is kept once per precision beside the data."""

    def __init__(self, values: Any, space: Space) -> None:
        self.values, self.space = values, space
        self._put: dict[str, Any] = {}

    def __call__(self, c: Any) -> Any:
        name = type_name(c.dtype)
        if name not in self._put:
            self._put[name] = self.space.put(self.values, c.dtype)
        return c * self._put[name]
