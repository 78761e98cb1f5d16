"""From a start to a posterior that no longer changes: sweeps over the axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from structlin.tensors._regression.gauge import move
from structlin.tensors._regression.variational import Evidence, Posterior, noise_floor


def sweep(
    posterior: Posterior,
    places: Sequence[Any],
    y: Any,
    past: Evidence | None = None,
    *,
    certain: bool = False,
    moving: bool = False,
    learn: Sequence[bool] = (),
) -> Evidence:
    """Find the functions of every axis given all else, then the core.

    Parameters
    ----------
    posterior : Posterior
        It is changed.
    places, y
        The observations: at which point of every axis, and values.
    past : Evidence, optional
        What earlier observations say.
    certain : bool
        Take means for the truth.
    moving : bool
        Choose the mixture of every axis as well.
    learn : sequence of bool
        Whether, then, the length scale of every axis may change.

    Returns
    -------
    Evidence
        What all observations say.
    """
    now = posterior.nothing()
    for axis, functions in enumerate(posterior.axes):
        now.information[axis], now.shifts[axis] = posterior.of_axis(axis, places, y)
        if past is not None:
            now.information[axis] += past.information[axis]
            now.shifts[axis] += past.shifts[axis]
        if moving:
            move(posterior, axis, now, learn=learn[axis])
        else:
            precision = posterior.precision
            functions.observe(precision * now.information[axis], precision * now.shifts[axis])
        if certain:
            functions.spread[...] = 0.0
    posterior.find_core(places, y, past, now)
    if certain:
        posterior.core_spread[...] = 0.0
    return now


def converge(
    posterior: Posterior,
    places: Sequence[Any],
    y: Any,
    past: Evidence | None,
    *,
    learn: Sequence[bool] | None,
    tol: float,
    rounds: int,
    tell: Callable[[], object],
) -> tuple[Evidence, int, float]:
    """Sweep until the bound rises by less than ``tol`` in a round, or no noise is left.

    A round is a sweep, and another one that moves the mixtures unless ``learn`` is None.

    Returns
    -------
    Evidence
        What all observations say.
    int
        The number of rounds.
    float
        By how much the bound rose in the last one; 0 if no noise is left.
    """
    before, rise, done = -math.inf, math.inf, 0
    while abs(rise) >= tol and done < rounds:
        done += 1
        now = sweep(posterior, places, y, past)
        posterior.find_precisions(now)
        if learn is not None:
            now = sweep(posterior, places, y, past, moving=True, learn=learn)
            posterior.find_precisions(now)
        rise = posterior.bound - before
        if now.residual <= 1.2 * now.count * noise_floor**2:
            rise = 0.0
        before = posterior.bound
        tell()
    return now, done, float(rise)
