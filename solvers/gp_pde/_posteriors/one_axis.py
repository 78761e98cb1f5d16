"""Problems of one coordinate: the whole stack of equations is dense, and conditioned on exactly."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.dense import condition_dense
from structlin.solvers.gp_pde._posteriors.evidence import learned
from structlin.solvers.gp_pde._posteriors.products import Conditioned, judged

# singular values bear smaller standard deviations of exact data than the factors of a normal
# matrix; chosen by trial: 1e-12 of the data
_tighter = 100.0
# octaves of a series that share the strength of its powers if the source has noise; chosen by trial
hidden_octaves = 2


def learned_axis(problem: Problem, features: Features) -> Features:
    """Return features whose components are as strong as the data of a problem make likely.

    The first component is the smooth part: it gets the powers up to the cube, unless it has some.
    """
    if not len(features.powers):
        sd = np.sqrt(np.sum(features.sds[features.lines == 0] ** 2))
        cubic = Features(
            features.centre, features.half_side, powers=range(4), power_sds=np.full(4, sd)
        )
        others = int(np.max(features.components))
        features = features.joined(cubic).relabelled(lambda q: np.where(q > others, 0, q))
    elif problem.noise is not None:
        # noise hides the slowest waves of a series as it hides the powers: one strength for all
        features = features.relabelled(lambda q: np.maximum(q - hidden_octaves, 0))
    A, y, _, _ = _stack(problem, features)
    return learned(features, A, y, noisy=problem.noise is not None)


def condition_axis(problem: Problem, features: Features) -> Conditioned:
    """Return the posterior of the weights of a problem of one coordinate: see `condition_dense`."""
    A, y, exact, units = _stack(problem, features)
    xp = namespace(A)
    equation = xp.arange(y.shape[0], device=device(A)) < problem.grid.size
    checked = equation & exact if problem.grid.size > 1 else None
    found = condition_dense(A, y, exact, checked)
    conditioned = Conditioned(
        found.weights,
        lambda start, stop: found.root[:, start:stop],
        0.0,
        found.residual,
        {},
        columns=found.root.shape[1],
        predicted=found.predicted,
    )
    return dataclasses.replace(
        judged(conditioned, problem.blocks((features,))), log_evidence=found.log_evidence + units
    )


def _stack(problem: Problem, features: Features) -> tuple[Any, Any, Any, float]:
    """Return rows and data over their standard deviations, and which data have no noise.

    The last is what the log density of the data themselves has more than that of these.
    """
    rows, data, exact = [], [], []
    units = 0.0
    bits = problem.grid.xp.finfo(problem.grid.dtype).bits
    tighter = _tighter if bits == 64 and problem.noise is None else 1.0
    for block in problem.blocks((features,)):
        xp = namespace(block.values)
        weights = xp.reshape(block.root_weights(), (-1,))
        sure = block.name != "observations" and (block.name != "equation" or problem.noise is None)
        weights = weights * tighter if sure else weights
        rows.append(weights[:, None] * block.dense())
        data.append(weights * xp.reshape(block.data(), (-1,)))
        exact.append((weights > 0) & xp.asarray(sure, device=device(weights)))
        known = xp.where(weights > 0, weights, xp.ones_like(weights))
        units += float(xp.sum(xp.log(known)))
        missing = int(xp.sum(xp.astype(weights <= 0, xp.int64)))
        units += 0.5 * missing * math.log(2 * math.pi)
    return xp.concat(rows, axis=0), xp.concat(data), xp.concat(exact), units
