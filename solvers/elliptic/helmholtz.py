"""Helmholtz's equation, and the screened one, on a box."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from structlin._validation import require_real
from structlin.bases import Grid
from structlin.solvers.elliptic.modes import Modes
from structlin.solvers.elliptic.poisson import Poisson

_points_per_wave = 10  # a usual choice: phases are then wrong by about 2 % of each wave


def helmholtz(F: Any, grid: Grid, wavenumber: float, *, boundary: Any = 0.0, **options: Any) -> Any:
    """Solve ``−∇·(a ∇u) − k² u = f`` on a box: see `poisson`.

    Parameters
    ----------
    F, grid, boundary, **options
        As in `poisson`.
    wavenumber : float
        The number ``k``. Differences need at least ten points for a wave of length ``2π √a/k``,
        and more where many waves fit into the box, whose phase errors add up. Legendre and
        Chebyshev points need four.

    Raises
    ------
    ValueError
        Also if ``k²`` is an eigenvalue of ``−Δ``: the message names the mode.

    Warns
    -----
    UserWarning
        If differences have fewer than ten points for a wave.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.uniform([(0, np.pi)], 201)
    >>> u = helmholtz(lambda x: np.sin(2 * x), grid, 1.5)
    >>> round(float(u[50] * (4 - 1.5**2)), 2)
    1.0
    """
    k = require_real("wavenumber", wavenumber)
    solver = Poisson(grid, shift=-k * k, **options)
    coef = options.get("coef")
    _warn_coarse(solver, abs(k), 1.0 if coef is None else coef)
    return solver.solve(F, boundary)


def _warn_coarse(solver: Poisson, k: float, coef: Any) -> None:
    """Warn where differences have too few points for a wave."""
    if k == 0 or not isinstance(solver.modes, Modes):
        return
    a = solver.grid.evaluate(coef, "coef")
    wave = 2 * math.pi / k * math.sqrt(float(solver.grid.xp.min(a)))
    spacing = max(float(np.max(line.gaps, initial=0.0)) for line in solver.modes.lines)
    if spacing * _points_per_wave > wave * (1 + 1e-9):
        warnings.warn(
            f"there are {wave / spacing:.3g} points for a wave of length {wave:.3g}: differences "
            f"need {_points_per_wave} or more, spacings of at most {wave / _points_per_wave:.3g}; "
            "take more points, or Grid.legendre for constant coefficients",
            UserWarning,
            stacklevel=3,
        )


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
