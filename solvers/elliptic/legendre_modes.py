"""The eigenfunctions of the Laplacian in Legendre polynomials on a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import dtype_of
from structlin.bases import Grid
from structlin.solvers.elliptic._legendre_line import (
    LegendreLine,
    legendre_line,
    legendre_points,
    legendre_values,
)
from structlin.solvers.elliptic._samples import along_axes, checked_samples
from structlin.solvers.elliptic.boundary import Side, sides_of


class LegendreModes:
    """The eigenfunctions of ``−Δ`` among polynomials, with homogeneous boundary conditions.

    Parameters
    ----------
    grid : Grid
        Of Gauss–Legendre or Chebyshev points, as `Grid.legendre` and `Grid.chebyshev` make it,
        with 3 or more along every axis.
    bc : None, str, Robin, or sequence of these or of pairs of these
        The conditions at the sides, ``"dirichlet"`` by default: see `Poisson`.

    Attributes
    ----------
    grid : Grid
        The grid.
    sides : tuple of (low, high)
        The conditions at the sides of every axis.
    shape : tuple of int
        How many modes every axis has: as many as points, less one for every Dirichlet side.
    eigenvalues : (*shape,) array
        Of ``−Δ``, in float64, on the device of the grid.
    axis_eigenvalues : tuple of (m_j,) ndarray
        Those of every axis, ascending, on the host.
    volume : float
        1: coefficients are inner products with functions that are orthonormal in ``L²``.

    Raises
    ------
    ValueError
        If the grid is another one, or the conditions do not fit it.

    Notes
    -----
    Neumann and Robin conditions are those of the energy ``∫ |∇u|² + ∫ a u²``: functions meet them
    up to the error of their discretisation, which falls exponentially where they are smooth.
    About the first 2/π of the eigenvalues of every axis are accurate ones of the differential
    equation. Set-up ``O(n²)`` and a product of matrices for every axis; conversions are one product
    of matrices for every axis, ``2 N Σ n_j`` operations.

    Examples
    --------
    >>> import numpy as np
    >>> modes = LegendreModes(Grid.legendre([(0, np.pi)], 24))
    >>> modes.eigenvalues[:3].round(12)
    array([1., 4., 9.])
    """

    def __init__(self, grid: Grid, bc: Any = None) -> None:
        grid = Grid.of(grid)
        for axis, kind in enumerate(grid.kinds):
            if kind not in ("legendre", "chebyshev"):
                raise ValueError(
                    f"axis {axis} of the grid is of kind {kind!r}: polynomials need the points of "
                    "Grid.legendre or Grid.chebyshev"
                )
        self.grid = grid
        self.sides = sides_of(grid, bc)
        self.xp, self.device = grid.xp, grid.device
        self.widths = tuple(high - low for low, high in grid.box)
        ends = [
            [_number(side, width) for side in pair]
            for pair, width in zip(self.sides, self.widths, strict=True)
        ]
        self._lines: list[LegendreLine] = [
            legendre_line(n, *pair) for n, pair in zip(grid.shape, ends, strict=True)
        ]
        with np.errstate(over="ignore", under="ignore"):
            self.axis_eigenvalues = tuple(
                line.eigenvalues * np.square(2 / width)
                for line, width in zip(self._lines, self.widths, strict=True)
            )
        for axis, each in enumerate(self.axis_eigenvalues):
            if not (np.isfinite(each[-1]) and each[-1] > 1e-290):
                raise ValueError(
                    f"axis {axis} of the box is {self.widths[axis]:g} long: eigenvalues overflow "
                    "or vanish, scale the box"
                )
        self.shape: tuple[int, ...] = tuple(len(each) for each in self.axis_eigenvalues)
        self.volume = 1.0
        self.eigenvalues: Any = self.xp.asarray(
            sum(np.meshgrid(*self.axis_eigenvalues, indexing="ij", sparse=True)),
            device=self.device,
        )
        self._points = [
            legendre_points(n, kind) for n, kind in zip(grid.shape, grid.kinds, strict=True)
        ]
        self._values = [
            legendre_values(n, kind, *pair)
            for n, kind, pair in zip(grid.shape, grid.kinds, ends, strict=True)
        ]
        self._matrices: dict[str, tuple[list[Any], list[Any]]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled
        return LegendreModes, (self.grid, self.sides)

    def __repr__(self) -> str:
        return f"<LegendreModes {'x'.join(map(str, self.shape))} of {self.grid!r}>"

    def values(self, axis: int) -> Any:
        """Return the (n, m) values of the functions of an axis at its points, on the host."""
        return self._values[axis] * math.sqrt(2 / self.widths[axis])

    def projection(self, axis: int) -> Any:
        """Return the (m, n) matrix to inner products with the functions of an axis."""
        if self.grid.kinds[axis] == "legendre":
            return np.ascontiguousarray((self.values(axis) * self.weights(axis)[:, None]).T)
        forth = self._lines[axis].coefficients.T @ self._points[axis].coefficients
        return forth * math.sqrt(self.widths[axis] / 2)

    def weights(self, axis: int) -> Any:
        """Return the (n,) weights of the quadrature at the points of an axis, on the host."""
        return self._points[axis].weights * (self.widths[axis] / 2)

    def ends(self, axis: int) -> Any:
        """Return the (2, m) values of the functions of an axis at its ends, on the host."""
        return self._lines[axis].ends * math.sqrt(2 / self.widths[axis])

    def endpoint(self, axis: int) -> Any:
        """Return the (2, n) matrix from values at the points of an axis to those at its ends."""
        return self._points[axis].ends @ self._points[axis].coefficients

    def to_modes(self, F: Any) -> Any:
        """Return the inner products of functions with the modes.

        Parameters
        ----------
        F : (..., *grid.shape) array
            Functions on the grid, real or complex.

        Returns
        -------
        (..., *shape) array
        """
        F = checked_samples("F", F, self.grid)
        return along_axes(self.matrices(F.dtype)[0], F)

    def from_modes(self, C: Any) -> Any:
        """Return the functions that have these coefficients.

        Parameters
        ----------
        C : (..., *shape) array

        Returns
        -------
        (..., *grid.shape) array
        """
        if tuple(C.shape[max(C.ndim - len(self.shape), 0) :]) != self.shape:
            raise ValueError(
                f"C has shape {tuple(C.shape)} but the last axes must be {self.shape}; axes before "
                "them number samples"
            )
        return along_axes(self.matrices(C.dtype)[1], C)

    def names(self, index: Sequence[int]) -> str:
        """Return what a mode is called: its place along every axis."""
        said = ", ".join(f"eigenfunction {k} of axis {axis}" for axis, k in enumerate(index))
        return f"mode ({', '.join(str(int(k)) for k in index)}): {said}"

    def on_device(self, array: Any, dtype: Any) -> Any:
        """Return an array of the host on the device of the grid, in the precision of ``dtype``."""
        xp = self.xp
        single = dtype in (xp.float32, xp.complex64)
        real = dtype_of(xp, "float32" if single else "float64")
        return xp.asarray(np.asarray(array), dtype=real, device=self.device)

    def matrices(self, dtype: Any) -> tuple[list[Any], list[Any]]:
        """Return the matrices to modes and from them, in the precision of ``dtype``."""
        name = "single" if dtype in (self.xp.float32, self.xp.complex64) else "double"
        if name not in self._matrices:
            axes = range(self.grid.ndim)
            self._matrices[name] = (
                [self.on_device(self.projection(axis), dtype) for axis in axes],
                [self.on_device(self.values(axis), dtype) for axis in axes],
            )
        return self._matrices[name]


def _number(side: Side, width: float) -> float | None:
    """Return what `legendre_line` calls a condition, on an interval of length 2."""
    if side == "dirichlet":
        return None
    return 0.0 if isinstance(side, str) else side.coefficient * width / 2
