"""Functions on grids with sides, and the eigenvectors of the Laplacian there."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.solvers.elliptic._differences import Differences
from structlin.solvers.elliptic.modes import Modes
from structlin.solvers.evolution._space import Space


class EigenSpace(Space):
    """The eigenvectors of the Laplacian by second differences, with sides of any kind.

    Parameters
    ----------
    grid : Grid
        Of nodes or cells, even or graded, or periodic.
    bc : str, Robin or sequence
        The boundary conditions: see `Modes`.
    boundary : number, callable or sequence
        What is given on the sides, constant in time and the same for all samples: see
        `Poisson.solve`.

    Attributes
    ----------
    grid : Grid
        The grid.
    modes : Modes
        The eigenvectors.
    mode_shape : tuple of int
        The shape of the coefficients of one function.
    eigenvalues : (*mode_shape,) ndarray
        Those of ``−Δ``, on the host.
    inflow : (*grid.shape,) array or None
        What the data of the sides add to ``Δu``; None where there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> space = EigenSpace(Grid.uniform([(0, np.pi)], 101), "dirichlet")
    >>> space.eigenvalues[:3].round(2)
    array([1.  , 4.  , 8.99])
    """

    def __init__(self, grid: Grid, bc: Any = None, *, boundary: Any = 0) -> None:
        self.modes = Modes(grid, bc)
        self._differences = Differences(self.modes, 1.0, 0.0)
        nothing = grid.xp.zeros(grid.shape, dtype=grid.dtype, device=grid.device)
        inflow, self._data = self._differences.right_hand_side(nothing, boundary)
        self.inflow = self._differences.filled(inflow, {}) if self._data else None
        axes = np.meshgrid(*self.modes.axis_eigenvalues, indexing="ij", sparse=True)
        self.eigenvalues: Any = sum(axes[1:], start=axes[0])
        super().__init__(grid, self.modes.shape, (self.eigenvalues,), None, None)

    def __repr__(self) -> str:
        return f"<EigenSpace {self.modes!r}>"

    def to_modes(self, u: Any) -> Any:
        """Return the coefficients, (…, *mode_shape), of functions (…, *grid.shape)."""
        return self.modes.to_modes(u)

    def from_modes(self, c: Any) -> Any:
        """Return the functions, (…, *grid.shape), of coefficients (…, *mode_shape).

        Nodes on Dirichlet sides have the values given.
        """
        u = self.modes.from_modes(c)
        if not self._data or self.modes.whole:
            return u
        return self._differences.filled(u[(..., *self.modes.interior)], self._data)
