"""Helmholtz's equation, and the screened one, on a box."""

from __future__ import annotations

from typing import Any

from structlin._validation import require_real
from structlin.bases import Grid
from structlin.solvers.elliptic.poisson import Poisson


def helmholtz(F: Any, grid: Grid, wavenumber: float, *, boundary: Any = 0.0, **options: Any) -> Any:
    """Solve ``−∇·(a ∇u) − k² u = f`` on a box: see `poisson`.

    Parameters
    ----------
    F, grid, boundary, **options
        As in `poisson`.
    wavenumber : float
        The number ``k``. Differences need at least ten points for a wave of length ``2π/k``, and
        more where many waves fit into the box, whose phase errors add up.

    Raises
    ------
    ValueError
        Also if ``k²`` is an eigenvalue of ``−Δ``: the message names the mode.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.uniform([(0, np.pi)], 201)
    >>> u = helmholtz(lambda x: np.sin(2 * x), grid, 1.5)
    >>> round(float(u[50] * (4 - 1.5**2)), 2)
    1.0
    """
    k = require_real("wavenumber", wavenumber)
    return Poisson(grid, shift=-k * k, **options).solve(F, boundary)


def screened(F: Any, grid: Grid, kappa: float, *, boundary: Any = 0.0, **options: Any) -> Any:
    """Solve ``−∇·(a ∇u) + κ² u = f`` on a box: see `poisson`.

    Parameters
    ----------
    F, grid, boundary, **options
        As in `poisson`.
    kappa : float
        The number ``κ``: what happens at a point is felt as far as about ``1/κ``.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.uniform([(0, np.pi)], 201)
    >>> u = screened(lambda x: np.sin(2 * x), grid, 3.0)
    >>> round(float(u[50] * (4 + 3.0**2)), 3)
    1.0
    """
    k = require_real("kappa", kappa)
    return Poisson(grid, shift=k * k, **options).solve(F, boundary)
