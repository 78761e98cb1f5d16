"""Sampling probabilities of the Tsallis-INF bandit, and what it learns from a loss.

Loops over few arms are what a compiler wants, so these plain functions are the source of their
twins. ``sums`` holds the total of the losses told, the weight of the rounds, and the largest loss.
"""

from __future__ import annotations

import math
import sys
from typing import Any

_max_steps = 100
_tolerance = 1e-15  # of the shift, which stays between 1 and √d
_least_scale = sys.float_info.min


def tsallis_probabilities(losses: Any, rate: float, p: Any) -> None:
    """Write the minimiser of ``⟨losses, p⟩ − (4/rate) Σ √p_i`` over the simplex to ``p``.

    Up to the constant, this is follow-the-regularised-leader with the ½-Tsallis entropy.

    Parameters
    ----------
    losses : (d,) array
        Estimated total losses; adding a constant to all of them changes nothing.
    rate : float
        Learning rate ``η > 0``.
    p : (d,) array
        Gets positive probabilities (zero where they underflow) that sum to one; may be ``losses``.

    Notes
    -----
    With the gaps ``g_i = (η/2) (losses_i − min losses)``, stationarity says
    ``p_i = (g_i + z)⁻²``, and ``z ∈ [1, √d]`` is the root of ``S(z) = Σ (g_i + z)⁻² = 1``.
    ``S^(−1/2)`` is concave and increasing in ``z``, so that Newton's method for ``S^(−1/2) = 1``
    climbs from ``z = 1`` to the root without ever passing it; it is exact after one step when
    all losses are equal, and at once when one arm dominates. Cost: ``O(d)`` per step, about
    five steps.
    """
    half = rate / 2
    least = losses[0]
    for i in range(1, losses.size):
        least = min(least, losses[i])
    for i in range(losses.size):
        p[i] = half * (losses[i] - least)
    shift = 1.0
    for _ in range(_max_steps):
        squares = 0.0
        cubes = 0.0
        for i in range(losses.size):
            root = 1 / (p[i] + shift)
            squares += root * root
            cubes += root * root * root
        step = squares * (math.sqrt(squares) - 1) / cubes
        if step <= _tolerance * shift:
            break
        shift += step
    total = 0.0
    for i in range(losses.size):
        root = 1 / (p[i] + shift)
        p[i] = root * root
        total += p[i]
    for i in range(losses.size):
        p[i] /= total


def refresh(losses: Any, sums: Any, speed: float, p: Any) -> None:
    """Write the probabilities for total losses in units of their mean, at ``η = speed/√t``."""
    mean = sums[0] / sums[1] if sums[1] > 0 else 0.0
    # a mean that is zero or underflows says nothing about the unit
    scale = mean if mean > _least_scale else 1.0
    for i in range(losses.size):
        p[i] = losses[i] / scale
    tsallis_probabilities(p, speed / math.sqrt(sums[1] + 1), p)


def learn(
    losses: Any,
    sums: Any,
    p: Any,
    arm: int,
    loss: float,
    probability: float,
    speed: float,
    reduced: bool,
    discount: float,
) -> None:
    """Add the loss of an arm that was drawn with a probability; refresh the probabilities.

    With ``reduced`` variance, the baseline of all arms of probability ``η²`` or more is the mean
    loss: see `structlin.solvers.TsallisINF`.
    """
    threshold = speed * speed / (sums[1] + 1)
    baseline = 0.0
    if reduced and threshold <= 1 and sums[1] > 0:
        baseline = sums[0] / sums[1]
    for i in range(losses.size):
        own = baseline if p[i] >= threshold else 0.0
        losses[i] += own
        if i == arm:
            losses[i] += (loss - own) / probability
    sums[0] += loss
    sums[1] += 1.0
    sums[2] = max(sums[2], loss)
    if discount < 1:
        for i in range(losses.size):
            losses[i] *= discount
        for i in range(sums.size):
            sums[i] *= discount
    refresh(losses, sums, speed, p)


def draw(p: Any, level: float) -> int:
    """Return the arm at which the cumulative probability reaches ``level`` of the whole.

    ``level`` lies in (0, 1], so that no arm of probability zero is ever drawn.
    """
    whole = 0.0
    for i in range(p.size):
        whole += p[i]
    target = level * whole
    last = 0
    total = 0.0
    for i in range(p.size):
        if p[i] > 0:
            last = i
            total += p[i]
            if total >= target:
                break
    return last
