"""Flow of an incompressible fluid in two periodic dimensions, by its vorticity."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._validation import require_positive
from structlin.bases import Grid
from structlin.solvers.evolution._input import require_axes, require_nonnegative
from structlin.solvers.evolution.equation import SpectralEquation
from structlin.solvers.evolution.fourier_space import FourierSpace


def navier_stokes(
    grid: Grid, viscosity: float, *, forcing: Any = None, drag: float = 0.0
) -> SpectralEquation:
    """Return ``ω_t + v·∇ω = ν Δω − r ω + f`` for the vorticity ``ω = ∂v₂/∂x − ∂v₁/∂y``.

    Parameters
    ----------
    grid : Grid
        Two periodic axes; ``ω[..., i, j]`` stands at ``(x_i, y_j)``.
    viscosity : float
        The positive ``ν``.
    forcing : (..., nx, ny) array, optional
        The curl ``f`` of a force that does not change with time: one for all samples, or a batch.
    drag : float
        The nonnegative ``r``.

    Notes
    -----
    The velocity ``v`` has no divergence and no mean: ``v = (∂ψ/∂y, −∂ψ/∂x)`` with ``−Δψ = ω``. For
    such a one, ``v·∇ω = (∂²/∂x² − ∂²/∂y²)(v₁ v₂) + ∂²/∂x∂y (v₂² − v₁²)`` [1]_, which takes two
    FFTs of velocities and two of products: 16 for a step of fourth order.

    References
    ----------
    .. [1] C. Basdevant, "Technical improvements for direct numerical simulation of homogeneous
       three-dimensional turbulence", Journal of Computational Physics 50 (1983), 209–214.

    Examples
    --------
    A vortex array of Taylor and Green decays without moving:

    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import evolve, navier_stokes
    >>> grid = Grid.uniform([(0, 2 * np.pi)] * 2, 32, kind="periodic")
    >>> vortices = grid.evaluate(lambda x, y: 2 * np.cos(x) * np.cos(y))
    >>> run = evolve(navier_stokes(grid, 0.1), vortices, 1.0, dt=0.05)
    >>> bool(np.allclose(run.u, np.exp(-0.2) * vortices))
    True
    """
    require_axes("navier_stokes", grid, 2)
    nu, r = require_positive("viscosity", viscosity), require_nonnegative("drag", drag)
    space = FourierSpace(grid)
    xp = space.xp
    kx, ky = space.wavenumbers
    k2 = kx**2 + ky**2
    inverse = 1 / np.where(k2 > 0, k2, np.inf)
    velocity = [space.multiplier(s) for s in (1j * ky * inverse, -1j * kx * inverse)]
    mixed, shear = space.multiplier(kx**2 - ky**2), space.multiplier(kx * ky)

    def flow(c: Any) -> tuple[Any, Any]:
        both = space.from_modes(xp.stack([part(c) for part in velocity]))
        return both[0, ...], both[1, ...]

    def nonlinear(c: Any, t: float) -> Any:
        v, w = flow(c)
        products = space.to_modes(xp.stack([v * w, (w - v) * (w + v)]))
        return mixed(products[0, ...]) + shear(products[1, ...])

    def rates(u: Any) -> Any:
        speeds = [float(xp.max(xp.abs(part))) for part in flow(space.to_modes(u))]
        return speeds[0] * np.abs(kx) + speeds[1] * np.abs(ky)

    return SpectralEquation(
        space,
        -nu * k2 - r,
        nonlinear,
        forcing=forcing,
        rates=rates,
        name="navier_stokes",
    )
