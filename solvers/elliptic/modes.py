"""The eigenvectors of the Laplacian on a grid, and fast changes to them and back."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_array
from structlin.bases import Grid
from structlin.solvers.elliptic._lines import line_of
from structlin.solvers.elliptic._transforms import Transforms, axis_modes
from structlin.solvers.elliptic.boundary import sides_of


class Modes:
    """The eigenvectors of ``−Δ`` by second differences, with homogeneous boundary conditions.

    Parameters
    ----------
    grid : Grid
        With axes of nodes or cells, evenly spaced or not, or periodic.
    bc : None, str, Robin, or sequence of these or of pairs of these
        The conditions at the sides, ``"dirichlet"`` by default: see `Poisson`.

    Attributes
    ----------
    grid : Grid
        The grid.
    sides : tuple of (low, high)
        The conditions at the sides of every axis.
    shape : tuple of int
        How many modes every axis has: as many as nodes whose value is not given.
    interior : tuple of slice
        Where these nodes stand on the grid.
    eigenvalues : (*shape,) array
        Of ``−Δ``, in float64, on the device of the grid: ``eigenvalues[i, j]`` is the sum of the
        ``i``-th of the first axis and the ``j``-th of the second one.
    axis_eigenvalues : tuple of (m_j,) ndarray
        Those of every axis, ascending, on the host.
    volume : float
        ``Σ |f|²`` over the grid, each square times the volume that its node owns, is ``volume``
        times the sum of the squares of the coefficients.

    Raises
    ------
    ValueError
        If the conditions do not fit the grid, or the grid is one for spectral methods.

    Notes
    -----
    Modes are products of one vector for every axis, ``Δ_j v = −λ v``. Along even axes these are
    sines and cosines, ``λ = 4/h² sin²(w h/2)`` for the wave ``w``, by sine, cosine and Fourier
    transforms in ``O(N log N)``; short axes, and such of which the transform has a large prime
    factor, are multiplied by its matrix, which takes less time. Along graded axes, and with Robin
    conditions, they are computed from a tridiagonal matrix of size ``n``, ``O(n²)`` numbers, and
    applied by matrix products, ``O(N n)``.

    Differences are those of finite volumes. The eigenvalues are those of ``−Δ`` up to ``O(h²)``.

    Examples
    --------
    >>> import numpy as np
    >>> modes = Modes(Grid.uniform([(0, np.pi)], 101))
    >>> modes.eigenvalues[:3].round(1)
    array([1., 4., 9.])
    >>> F = modes.grid.evaluate(lambda x: np.sin(2 * x))
    >>> heated = modes.from_modes(np.exp(-0.1 * modes.eigenvalues) * modes.to_modes(F))
    >>> round(float(heated[25] / F[25]), 3)
    0.67
    """

    def __init__(self, grid: Grid, bc: Any = None) -> None:
        self.grid = grid = Grid.of(grid)
        self.sides = sides_of(grid, bc)
        self.xp, self.device = grid.xp, grid.device
        self.lines = [line_of(grid, axis, pair) for axis, pair in enumerate(self.sides)]
        self._axes = [axis_modes(line) for line in self.lines]
        self.shape: tuple[int, ...] = tuple(line.size for line in self.lines)
        self.interior = tuple(slice(line.start, line.stop) for line in self.lines)
        self.whole = self.shape == grid.shape
        self.axis_eigenvalues = tuple(axis.eigenvalues for axis in self._axes)
        self.volume = math.prod(axis.volume for axis in self._axes)
        self.eigenvalues: Any = self._summed(self.axis_eigenvalues)
        self.transforms = Transforms(self._axes, self.xp, self.device)

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled
        return Modes, (self.grid, self.sides)

    @property
    def fast(self) -> bool:
        """Whether every axis has a fast transform."""
        return all(axis.family != "vectors" for axis in self._axes)

    @property
    def has_constants(self) -> bool:
        """Whether constants satisfy the conditions: their mode is the first one."""
        walls = [wall for line in self.lines if line.walls for wall in line.walls]
        return all(wall.loss == 0 for wall in walls)

    @property
    def definite(self) -> bool:
        """Whether no wall feeds the solution, as Robin conditions of negative number do."""
        return all(wall.loss >= 0 for line in self.lines for wall in line.walls or ())

    @property
    def lowest(self) -> float:
        """The smallest eigenvalue beside that of constants, if these have one."""
        parts = [values for values in self.axis_eigenvalues if len(values)]
        if self.has_constants:
            return min((float(values[1]) for values in parts if len(values) > 1), default=1.0)
        return sum(float(values[0]) for values in parts)

    @property
    def rounding(self) -> float:
        """How far eigenvalues may be off by rounding, beside their own relative errors."""
        eps = float(np.finfo(np.float64).eps)
        computed = [axis.eigenvalues for axis in self._axes if axis.family == "vectors"]
        return 4 * eps * sum(float(values[-1]) for values in computed if len(values))

    @property
    def exact_eigenvalues(self) -> Any:
        """The eigenvalues of ``−Δ`` itself, where all modes are waves; else None."""
        if not self.fast:
            return None
        waves = [axis.waves for axis in self._axes]
        sides = [high - low for low, high in self.grid.box]
        return self._summed([(np.pi * w / side) ** 2 for w, side in zip(waves, sides, strict=True)])

    def _summed(self, parts: Sequence[Any]) -> Any:
        total = np.asarray(functools.reduce(np.add, np.ix_(*parts)), dtype=np.float64)
        return self.xp.asarray(total, device=self.device)

    def __repr__(self) -> str:
        families = " × ".join(axis.family for axis in self._axes)
        return f"<Modes {'x'.join(map(str, self.shape))} of {self.grid!r}: {families}>"

    def to_modes(self, F: Any) -> Any:
        """Return the coefficients of functions.

        Parameters
        ----------
        F : (..., *grid.shape) array
            Functions on the grid, real or complex. Values at nodes whose value is given do not
            count.

        Returns
        -------
        (..., *shape) array
        """
        F = self._checked("F", F, self.grid.shape)
        if self.xp.isdtype(F.dtype, "complex floating"):
            real, imaginary = (self.to_modes(part) for part in (self.xp.real(F), self.xp.imag(F)))
            return self.xp.astype(real, F.dtype) + 1j * imaginary
        return self.transforms.forth(F if self.whole else F[(..., *self.interior)])

    def from_modes(self, C: Any) -> Any:
        """Return the functions that have these coefficients, zero where their value is given.

        Parameters
        ----------
        C : (..., *shape) array

        Returns
        -------
        (..., *grid.shape) array
        """
        C = self._checked("C", C, self.shape)
        if self.xp.isdtype(C.dtype, "complex floating"):
            real, imaginary = (self.from_modes(part) for part in (self.xp.real(C), self.xp.imag(C)))
            return self.xp.astype(real, C.dtype) + 1j * imaginary
        x = self.transforms.back(C)
        if self.whole:
            return x
        xp = self.xp
        shape = (*x.shape[: x.ndim - self.grid.ndim], *self.grid.shape)
        out = xp.zeros(shape, dtype=x.dtype, device=x.device)
        out[(..., *self.interior)] = x
        return out

    def names(self, index: Sequence[int]) -> str:
        """Return what a mode is called: its place, and how many half waves it has."""
        said = []
        for axis, (k, modes) in enumerate(zip(index, self._axes, strict=True)):
            if modes.family == "vectors":
                said.append(f"eigenvector {k} of axis {axis}")
            else:
                waves = float(modes.waves[k])
                plural = "half wave" if waves == 1 else "half waves"
                said.append(f"{waves:g} {plural} along axis {axis}")
        return f"mode ({', '.join(str(int(k)) for k in index)}): {', '.join(said)}"

    def _checked(self, name: str, x: Any, shape: tuple[int, ...]) -> Any:
        require_array(name, x, f"an array of shape (..., {', '.join(map(str, shape))})")
        namespace(x, self.eigenvalues)
        device(x, self.eigenvalues)
        if x.ndim < len(shape) or tuple(x.shape[x.ndim - len(shape) :]) != shape:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)} but the last axes must be {shape}; axes "
                "before them number samples"
            )
        return inexact(x, self.xp)
