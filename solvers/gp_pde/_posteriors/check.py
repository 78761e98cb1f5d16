"""Whether a solution satisfies its equation: between the nodes, and within its noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, on_host
from structlin.bases.grid import Grid
from structlin.solvers.gp_pde._data.blocks import Block
from structlin.solvers.gp_pde._data.boundary import Neumann, largest
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.dense import decomposition, missed_values
from structlin.solvers.gp_pde._posteriors.factor import weighted
from structlin.solvers.gp_pde._posteriors.products import Conditioned, judged
from structlin.solvers.gp_pde._priors.prior import Prior, sketched

# where a point lies in its gap: no simple fraction, so that waves above Nyquist do not repeat there
place = 0.5 * (3 - 5**0.5)
# points per axis for one, two and three axes
most_points = (1000, 60, 20)
# nodes times unknowns up to which what is fitted of the noise is counted; beyond it counts as none
most_fitted = 2**28


def residual_between(
    posterior: Conditioned,
    features: Sequence[Features],
    problem: Problem,
    scale: float,
    given: tuple[Any, Any, Any],
) -> float | None:
    """Return the relative residual of a posterior mean at points between the nodes.

    Parameters
    ----------
    posterior : Conditioned
    features : sequence of Features
    problem : Problem
        Whose posterior it is.
    scale : float
        By what the data passed had been divided.
    given : (terms, rhs, boundary)
        As the user passed them. Sides with arrays are taken at the nodes.

    Returns
    -------
    float or None
        None where an array says what holds at the nodes only, or a function cannot be evaluated
        elsewhere.
    """
    terms, rhs, boundary = given
    coefficients = [
        part for one in terms.values() for part in (one if isinstance(one, tuple) else (one,))
    ]
    if not all(_anywhere(one) for one in (rhs, *coefficients)):
        return None
    if isinstance(boundary, Mapping):
        boundary = {key: data for key, data in boundary.items() if _holds_anywhere(data)}
    try:
        between = Problem.of(_between(problem.grid), terms, rhs, boundary, missing="nan")
    except (TypeError, ValueError):  # a function that knows the nodes only
        return None
    blocks = between.scaled(1 / scale).blocks(features)
    names = {block.name for block in blocks}
    blocks += [block for block in problem.blocks(features) if block.name not in names]
    return judged(posterior, blocks).residual


def unexplained(posterior: Conditioned, equation: Block) -> float:
    """Return by how many standard deviations the squared misfit of an equation is too large.

    Where prior and noise are right, the sum of squares of the misfits, in units of the noise, is
    the number of nodes less what the posterior fits of the noise, give or take the root of twice
    that.
    """
    xp = namespace(posterior.weights)
    w = equation.root_weights()
    rest = w * (equation.data() - equation.apply(posterior.weights))
    fitted, step = 0.0, max(1, 2**24 // max(equation.count, 1))
    if equation.count * posterior.columns <= most_fitted:
        for start in range(0, posterior.columns, step):
            root = posterior.root(start, min(start + step, posterior.columns))
            fitted += float(xp.sum(weighted(equation, root) ** 2))
    free = max(equation.count - fitted, 1.0)
    return (float(xp.sum(rest * rest)) - free) / math.sqrt(2 * free)


def unpredicted(problem: Problem, prior: Prior, seed: int) -> float:
    """Return how far the series of a prior miss values of the data that are left out in turn.

    Of source and boundary data along every axis, relative to them, the ends of axes left aside:
    what no smooth function through the other nodes explains, none through all nodes does between.
    """
    xp, worst = problem.grid.xp, 0.0
    for axis, (x, f) in enumerate(zip(problem.grid.axes, prior.features, strict=True)):
        data = [] if problem.known is not None else [problem.rhs]
        data += [s.values for s in problem.sides if s.axis != axis and s.known is None]
        data = [sketched(values, axis, seed) for values in data if largest(values) > 0]
        if not data or x.shape[0] < 3:
            continue
        y = xp.concat(data, axis=1)
        y = y / (problem.exact * largest(y))
        U, s, _ = decomposition(f.values(x) / problem.exact)
        missed = missed_values(y, U, s, U.T @ y)[1:-1, :]
        sizes = xp.sqrt(xp.sum(y * y, axis=0))
        sizes = xp.where(sizes > 0, sizes, xp.ones_like(sizes))
        worst = max(worst, float(xp.max(xp.sqrt(xp.sum(missed * missed, axis=0)) / sizes)))
    return worst


def _anywhere(one: Any) -> bool:
    return callable(one) or isinstance(one, int | float)


def _holds_anywhere(data: Any) -> bool:
    values = data.values if isinstance(data, Neumann) else data
    return isinstance(values, str) or _anywhere(values)


def _between(grid: Grid) -> Grid:
    """Return the ends of every axis and some points in its gaps."""
    xp, axes = grid.xp, []
    for x in grid.axes:
        nodes = on_host(x)
        inner = nodes[:-1] + place * np.diff(nodes)
        count = most_points[grid.ndim - 1] if grid.ndim <= len(most_points) else 10
        chosen = np.unique(np.linspace(0, len(inner) - 1, min(count, len(inner))).astype(int))
        points = np.concatenate([nodes[:1], inner[chosen], nodes[-1:]]) if len(inner) else nodes
        points = points.astype(np.float32 if "32" in str(grid.dtype) else np.float64)
        points = np.unique(points)
        made = points if is_numpy(xp) else xp.asarray(points.tolist())
        axes.append(xp.asarray(made, dtype=grid.dtype, device=device(x)))
    return Grid(*axes)
