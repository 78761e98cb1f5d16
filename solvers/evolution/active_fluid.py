"""Two chemicals that drive the fluid which carries them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._validation import require_positive, require_real
from structlin.bases import Grid
from structlin.solvers.evolution._input import require_nonnegative
from structlin.solvers.evolution.equation import SpectralEquation
from structlin.solvers.evolution.fourier_space import FourierSpace


def active_fluid(
    grid: Grid,
    activity: float,
    *,
    diffusion: Sequence[float] = (1.0, 0.1),
    turnover: Sequence[float] = (0.0, 0.0),
    supply: Sequence[float] = (1.0, 1.0),
    asymmetry: float = 0.0,
    viscous_length: float = 1.0,
) -> SpectralEquation:
    """Return the equations of two densities that regulate the stress of an active fluid.

        ``∂a_j/∂t + ∇·(a_j v) = D_j Δa_j + k_j (s_j − a_j)``,   ``v − ℓ² Δv = P ∇σ``
        ``σ = (1 + β) a₁/(1 + a₁) + (1 − β) a₂/(1 + a₂)``

    Parameters
    ----------
    grid : Grid
        Periodic along all axes: one, two or three.
    activity : float
        The number ``P`` (of Péclet): negative where the chemicals push, positive where they pull.
    diffusion : pair of float
        The positive ``D_1`` and ``D_2``.
    turnover : pair of float
        The nonnegative rates ``k_1`` and ``k_2`` at which the chemicals decay and are made.
    supply : pair of float
        The densities ``s_1`` and ``s_2`` to which turnover leads.
    asymmetry : float
        The number ``β``: which of them drives. Of ``|β| > 1``, one of them inhibits.
    viscous_length : float
        The positive ``ℓ`` over which flow spreads by viscosity.

    Notes
    -----
    States are (2, *grid.shape). The velocity is a gradient, in one dimension as in the works
    below. The uniform state loses its stability to a wave ``k`` where ``P`` is so large that
    contraction beats diffusion; with unequal ``D``, patterns can oscillate [2]_.

    References
    ----------
    .. [1] J. S. Bois, F. Jülicher and S. W. Grill, "Pattern formation in active fluids", Physical
       Review Letters 106 (2011), 028103.
    .. [2] K. V. Kumar, J. S. Bois, F. Jülicher and S. W. Grill, "Pulsatory patterns in active
       fluids", Physical Review Letters 112 (2014), 208101.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import active_fluid, evolve
    >>> grid = Grid.uniform([(0, 2 * np.pi)], 64, kind="periodic")
    >>> start = 1 + 0.01 * np.stack([np.cos(grid.axes[0]), np.sin(grid.axes[0])])
    >>> weak, strong = (evolve(active_fluid(grid, P), start, 5.0, dt=0.01).u for P in (0.5, 4.0))
    >>> bool(np.ptp(weak) < 0.02), bool(np.ptp(strong) > 0.02)
    (True, True)
    """
    P, beta = require_real("activity", activity), require_real("asymmetry", asymmetry)
    length = require_positive("viscous_length", viscous_length)
    D = [require_positive("diffusion", d) for d in _pair("diffusion", diffusion)]
    decay = [require_nonnegative("turnover", k) for k in _pair("turnover", turnover)]
    levels = [require_nonnegative("supply", s) for s in _pair("supply", supply)]
    space = FourierSpace(grid)
    grid, xp = space.grid, space.xp
    k2 = sum(k**2 for k in space.wavenumbers)
    spread = P / (1 + length**2 * k2)
    pushes = [space.multiplier(1j * k * spread) for k in space.wavenumbers]
    slopes = [space.multiplier(-1j * k) for k in space.wavenumbers]

    every = (slice(None),) * grid.ndim
    steepest = abs(1 + beta) + abs(1 - beta)

    def tension(a: Any) -> Any:
        shares = a / (1 + a)
        first, second = shares[(..., 0, *every)], shares[(..., 1, *every)]
        return space.to_modes((1 + beta) * first + (1 - beta) * second)

    def nonlinear(c: Any, t: float) -> Any:
        a = space.from_modes(c)
        stress = tension(a)
        total: Any = 0.0
        for push, slope in zip(pushes, slopes, strict=True):
            v = xp.expand_dims(space.from_modes(push(stress)), axis=-grid.ndim - 1)
            total = total + slope(space.to_modes(a * v))
        return total

    def rates(a: Any) -> Any:
        stress = tension(a)
        carried = sum(
            float(xp.max(xp.abs(space.from_modes(push(stress))))) * np.abs(k)
            for push, k in zip(pushes, space.wavenumbers, strict=True)
        )
        return carried + float(xp.max(xp.abs(a))) * steepest * np.abs(spread) * k2

    supplied = np.stack([np.full(grid.shape, k * s) for k, s in zip(decay, levels, strict=True)])
    return SpectralEquation(
        space,
        [-d * k2 - r for d, r in zip(D, decay, strict=True)],
        nonlinear,
        forcing=space.put(supplied, grid.dtype),
        rates=rates,
        name="active_fluid",
    )


def _pair(name: str, values: Sequence[float]) -> tuple[float, float]:
    try:
        first, second = values
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {values!r}: pass a pair, one for each chemical") from None
    return first, second
