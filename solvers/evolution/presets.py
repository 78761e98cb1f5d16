"""Evolution equations of one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import require_positive, require_real
from structlin.bases import Grid
from structlin.solvers.elliptic._samples import checked_samples
from structlin.solvers.evolution._input import require_axes
from structlin.solvers.evolution._space import Space
from structlin.solvers.evolution.eigen_space import EigenSpace
from structlin.solvers.evolution.equation import SpectralEquation
from structlin.solvers.evolution.fourier_space import FourierSpace


def heat_equation(
    grid: Grid,
    diffusivity: float = 1.0,
    *,
    bc: Any = None,
    boundary: Any = 0,
    source: Any = None,
) -> SpectralEquation:
    """Return ``u_t = κ Δu + f`` with any boundary conditions.

    Parameters
    ----------
    grid : Grid
        Periodic along all axes, for Fourier modes; else of nodes or cells, for second differences
        and their eigenvectors.
    diffusivity : float
        The positive ``κ``.
    bc : str, Robin or sequence
        The boundary conditions, see `Poisson`: Dirichlet by default.
    boundary : number, callable or sequence
        What is given on the sides, constant in time: see `Poisson.solve`.
    source : (..., *grid.shape) array, optional
        The heating rate ``f``, which does not change with time: one for all samples, or a batch.

    Notes
    -----
    The method ``"etdrk4"`` of `evolve` is exact in time, the others are those of Crank and Nicolson
    and BDF2. All make any number of steps at once.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import evolve, heat_equation
    >>> grid = Grid.uniform([(0, np.pi)] * 2, 65)
    >>> start = grid.evaluate(lambda x, y: np.sin(x) * np.sin(y))
    >>> run = evolve(heat_equation(grid), start, 0.5, dt=0.005, method="cnab2")
    >>> run.steps, float(run.u[32, 32].round(4)), float(np.exp(-1).round(4))
    (100, 0.368, 0.3679)
    """
    grid, kappa = Grid.of(grid), require_positive("diffusivity", diffusivity)
    if source is not None:
        source = checked_samples("source", source, grid)
    space, laplacian, inflow = _diffusing(grid, bc, boundary, dealias=False)
    if inflow is not None:
        source = kappa * inflow if source is None else source + kappa * inflow
    return SpectralEquation(space, kappa * laplacian, forcing=source, name="heat_equation")


def advection(grid: Grid, velocity: float | Sequence[float] = 1.0) -> SpectralEquation:
    """Return ``u_t + v·∇u = 0`` on a periodic box, which every step solves exactly.

    Parameters
    ----------
    grid : Grid
        Periodic along all axes.
    velocity : float or sequence of float
        The constant ``v``: of all axes, or of each.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import advection, evolve
    >>> grid = Grid.uniform([(0, 1)], 4, kind="periodic")
    >>> evolve(advection(grid), np.array([0.0, 1.0, 2.0, 1.0]), 0.25).u.round(12) + 0.0
    array([1., 0., 1., 2.])
    """
    grid = Grid.of(grid)
    each = list(velocity) if isinstance(velocity, Sequence) else [velocity] * grid.ndim
    if len(each) != grid.ndim:
        raise ValueError(f"velocity has {len(each)} entries but the grid has {grid.ndim} axes")
    speeds = [require_real("velocity", v) for v in each]
    space = FourierSpace(grid, dealias=False)
    symbol = -1j * sum(v * k for v, k in zip(speeds, space.wavenumbers, strict=True))
    return SpectralEquation(space, symbol, name="advection")


def burgers(grid: Grid, viscosity: float) -> SpectralEquation:
    """Return ``u_t + (u²/2)_x = ν u_xx`` on a periodic interval.

    Parameters
    ----------
    grid : Grid
        One periodic axis.
    viscosity : float
        The positive ``ν``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import burgers, evolve
    >>> grid = Grid.uniform([(0, 1)], 256, kind="periodic")
    >>> run = evolve(burgers(grid, 0.05), np.sin(2 * np.pi * grid.axes[0]), 1.0, dt=0.01)
    >>> float(abs(run.u).max().round(4))
    0.1094
    """
    require_axes("burgers", grid, 1)
    nu = require_positive("viscosity", viscosity)
    space = FourierSpace(grid)
    (k,) = space.wavenumbers
    return SpectralEquation(
        space, -nu * k**2, _carried(space), rates=lambda u: _largest(u) * k, name="burgers"
    )


def kuramoto_sivashinsky(grid: Grid) -> SpectralEquation:
    """Return ``u_t + (u²/2)_x + u_xx + u_xxxx = 0`` on a periodic interval.

    Parameters
    ----------
    grid : Grid
        One periodic axis: chaos needs a period of some dozens.

    References
    ----------
    .. [1] A.-K. Kassam and L. N. Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM
       Journal on Scientific Computing 26 (2005), 1214–1233.

    Examples
    --------
    The start and the steps of [1]_, on more points:

    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import evolve, kuramoto_sivashinsky
    >>> grid = Grid.uniform([(0, 32 * np.pi)], 512, kind="periodic")
    >>> start = grid.evaluate(lambda x: np.cos(x / 16) * (1 + np.sin(x / 16)))
    >>> run = evolve(kuramoto_sivashinsky(grid), start, 20.0, dt=0.25)
    >>> bool(1 < abs(run.u).max() < 4)
    True
    """
    require_axes("kuramoto_sivashinsky", grid, 1)
    space = FourierSpace(grid)
    (k,) = space.wavenumbers
    return SpectralEquation(
        space,
        k**2 - k**4,
        _carried(space),
        rates=lambda u: max(_largest(u), 3.0) * k,  # small states grow to about 3
        name="kuramoto_sivashinsky",
    )


def allen_cahn(grid: Grid, width: float, *, bc: Any = None, boundary: Any = 0) -> SpectralEquation:
    """Return ``u_t = ε² Δu + u − u³``, whose fronts between −1 and 1 are ``√2 ε`` wide.

    Parameters
    ----------
    grid : Grid
        Periodic along all axes, for Fourier modes; else of nodes or cells, for second differences.
    width : float
        The positive ``ε``.
    bc : str, Robin or sequence
        The boundary conditions, see `Poisson`: Dirichlet by default.
    boundary : number, callable or sequence
        What is given on the sides, constant in time: see `Poisson.solve`.

    Notes
    -----
    On periodic grids the 2/3 rule keeps part of the aliases of a cube out, not all: they are small
    where the solution is resolved.

    Examples
    --------
    A front ``tanh(x/(√2 ε))`` stands still:

    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import allen_cahn, evolve
    >>> grid = Grid.uniform([(-1, 1)], 401)
    >>> front = np.tanh(grid.axes[0] / (2**0.5 * 0.1))
    >>> run = evolve(allen_cahn(grid, 0.1, bc="neumann"), front, 5.0, dt=0.1)
    >>> bool(abs(run.u - front).max() < 1e-3)
    True
    """
    grid, epsilon = Grid.of(grid), require_positive("width", width)
    space, laplacian, inflow = _diffusing(grid, bc, boundary, dealias=True)

    def nonlinear(c: Any, t: float) -> Any:
        u = space.from_modes(c)
        return -space.to_modes(u * u * u)

    return SpectralEquation(
        space,
        1 + epsilon**2 * laplacian,
        nonlinear,
        forcing=None if inflow is None else epsilon**2 * inflow,
        rates=lambda u: 3 * np.square(max(_largest(u), 1.0)),  # small states grow to 1
        name="allen_cahn",
    )


def _diffusing(grid: Grid, bc: Any, boundary: Any, *, dealias: bool) -> tuple[Space, Any, Any]:
    """Return a space for a grid and its sides, the eigenvalues of ``Δ``, and what flows in."""
    if bc in (None, "periodic") and set(grid.kinds) == {"periodic"}:
        space = FourierSpace(grid, dealias=dealias)
        return space, -sum(k**2 for k in space.wavenumbers), None
    sided = EigenSpace(grid, bc, boundary=boundary)
    return sided, -sided.eigenvalues, sided.inflow


def _carried(space: FourierSpace) -> Callable[[Any, float], Any]:
    """Return ``−(u²/2)_x`` of modes, by two FFTs."""
    flux = space.multiplier(lambda k: -0.5j * k)

    def nonlinear(c: Any, t: float) -> Any:
        u = space.from_modes(c)
        return flux(space.to_modes(u * u))

    return nonlinear


def _largest(u: Any) -> float:
    """Return the largest absolute value of an array."""
    xp = namespace(u)
    return float(xp.max(xp.abs(u)))
