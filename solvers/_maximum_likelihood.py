"""Hyper-parameters by maximal likelihood: L-BFGS from one start or several."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin.sketching._random import seed_of

flat = 1e-5
"""Slopes of the likelihood per value that count as zero."""
_spread = math.log(10.0)
"""How far from the first start the others lie at most."""


@dataclass(frozen=True)
class Learning:
    """How hyper-parameters were learned.

    Attributes
    ----------
    converged : bool
        Whether the best start ended where the likelihood no longer rises, within the limits of the
        parameters.
    iterations, evaluations : int
        Steps of L-BFGS, and computations of likelihood and gradient, in all starts together.
    log_likelihood : float
        The greatest one found.
    reached : tuple of float
        The log likelihood at the end of each start, the given parameters first; −inf where none
        could be computed.
    seed : int
        Of the starts after the first.
    message : str
        What ended the best start.
    """

    converged: bool
    iterations: int
    evaluations: int
    log_likelihood: float
    reached: tuple[float, ...]
    seed: int
    message: str


def maximised(
    objective: Callable[[Any], tuple[float, Any]],
    first: Any,
    bounds: Any,
    log_likelihood: Callable[[float], float],
    *,
    starts: int,
    maxiter: int,
    progress: bool | None,
    rng: Any,
) -> tuple[Any, Learning]:
    """Return what SciPy's ``minimize`` says of the best start, and how all of them went.

    Parameters
    ----------
    objective : callable
        Returns the negative log likelihood per value, up to a constant, and its gradient.
    first : (p,) ndarray
        The first start. Other ones differ by a factor of ten at most where entries are logarithms.
    bounds : (p, 2) ndarray
    log_likelihood : callable
        The log likelihood, as a function of the objective's value.
    starts, maxiter : int
        How often L-BFGS starts, and how many steps each start may take.
    progress : bool or None
        Whether to show a bar; by default after a second.
    rng : see `seed_of`
    """
    seed = seed_of(rng)
    generator = np.random.default_rng(seed)
    minimize = importlib.import_module("scipy.optimize").minimize
    tqdm = importlib.import_module("tqdm.auto").tqdm
    runs = []
    with tqdm(
        total=starts * maxiter,
        desc="hyper-parameters",
        unit="step",
        disable=progress is False,
        delay=1 if progress is None else 0,
        leave=False,
    ) as bar:
        for start in range(starts):
            away = generator.uniform(-_spread, _spread, first.shape) if start else 0.0
            run = minimize(
                objective,
                np.clip(first + away, *bounds.T),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                callback=lambda _: bar.update(),
                options={"maxiter": maxiter, "gtol": flat},
            )
            bar.update((start + 1) * maxiter - bar.n)
            runs.append(run)
    reached = tuple(log_likelihood(float(run.fun)) for run in runs)
    best = runs[int(np.argmax(reached))]
    return best, Learning(
        bool(best.success),
        sum(run.nit for run in runs),
        sum(run.nfev for run in runs),
        max(reached),
        reached,
        seed,
        str(best.message),
    )
