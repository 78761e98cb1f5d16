"""Sampling probabilities of the Tsallis-INF bandit."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import namespace

max_steps = 100
tolerance = 1e-15  # of the shift, which stays between 1 and √d


def tsallis_probabilities(losses: Any, rate: float) -> Any:
    """Return the minimiser of ``⟨losses, p⟩ − (4/rate) Σ √p_i`` over the simplex.

    Up to the constant, this is follow-the-regularised-leader with the ½-Tsallis entropy.

    Parameters
    ----------
    losses : (d,) array
        Estimated total losses; adding a constant to all of them changes nothing.
    rate : float
        Learning rate ``η > 0``.

    Returns
    -------
    (d,) array
        Positive probabilities (zero where they underflow) that sum to one.

    Notes
    -----
    With the gaps ``g_i = (η/2) (losses_i − min losses)``, stationarity says
    ``p_i = (g_i + z)⁻²``, and ``z ∈ [1, √d]`` is the root of ``S(z) = Σ (g_i + z)⁻² = 1``.
    ``S^(−1/2)`` is concave and increasing in ``z``, so that Newton's method for ``S^(−1/2) = 1``
    climbs from ``z = 1`` to the root without ever passing it; it is exact after one step when
    all losses are equal, and at once when one arm dominates. Cost: ``O(d)`` per step, about
    five steps.
    """
    xp = namespace(losses)
    gaps = (rate / 2) * (losses - xp.min(losses))
    shift = 1.0
    for _ in range(max_steps):
        roots = 1 / (gaps + shift)
        total = float(xp.sum(roots**2))
        step = total * (math.sqrt(total) - 1) / float(xp.sum(roots**3))
        if step <= tolerance * shift:
            break
        shift += step
    weights = (1 / (gaps + shift)) ** 2
    return weights / xp.sum(weights)
