"""How strong every component of every axis is, learned from noisy data in several dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, on_host
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.products import Conditioned, condition_products

# unknowns with which a round takes about a second, and how many rounds there are at most
most_unknowns, rounds = 2500, 24
# nats of evidence that are worth a round, and the largest step towards nothing
enough, least_change = 1.0, -20.0


def learned_products(
    problem: Problem, features: Sequence[Features], tol: float
) -> tuple[Features, ...]:
    """Return features whose components are as strong as the data of a problem make likely.

    Parameters
    ----------
    problem : Problem
        With noise.
    features : sequence of Features
        One per axis.
    tol : float
        Which combinations of features are left out: see `Features.compressed`.

    Returns
    -------
    tuple of Features
        As they were, if more than 2500 combinations would have to be conditioned on the data.

    Notes
    -----
    As in `learned`, a weight is likeliest where it equals the energy of its features over how many
    of them the data determine [1]_, both summed over the features of the other axes. All axes are
    weighted at once, each by its share of the change, and more while that pays: O(R³) a round for R
    combinations.

    References
    ----------
    .. [1] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4, 1992.
    """
    best: tuple[float, tuple[Features, ...], list[NDArray[np.float64]]] | None = None
    features, gain = tuple(features), 1.0
    for _ in range(rounds):
        fewer = problem.compressed(features, tol)
        shape = tuple(f.count for f in fewer)
        if math.prod(shape) > most_unknowns:
            break
        posterior = condition_products(problem.blocks(fewer), shape)
        evidence = posterior.log_evidence
        if best is not None and evidence < best[0] + enough:
            if evidence > best[0] or gain <= 1.0:
                break
            gain = 1.0  # too far: back, and less
        else:
            best = (evidence, features, _changes(posterior, features, fewer))
            gain *= 1.5
        step = gain / len(shape)
        features = tuple(f.reweighted(step * c) for f, c in zip(best[1], best[2], strict=True))
    return features if best is None else best[1]


def _changes(
    posterior: Conditioned, features: Sequence[Features], fewer: Sequence[Features]
) -> list[NDArray[np.float64]]:
    """Return by how much the log weights of every axis are too small, if it alone is changed."""
    xp, shape = namespace(posterior.weights), posterior.weights.shape
    root = posterior.root(0, posterior.columns)
    found = []
    for axis, (f, own) in enumerate(zip(fewer, features, strict=True)):
        rows = xp.reshape(xp.moveaxis(posterior.weights, axis, 0), (shape[axis], -1))
        spread = xp.reshape(xp.moveaxis(root, axis, 0), (shape[axis], -1))
        turn = f.rotation
        energy = on_host(xp.sum((turn @ rows) ** 2, axis=1))
        # of the variance of every weight, 1, what the data leave, in the span of the rotation
        left = on_host(xp.sum((turn @ (spread @ spread.T)) * turn, axis=1))
        others = math.prod(shape) // shape[axis]
        known = on_host(xp.sum(turn * turn, axis=1)) * others - left
        labels = own.components
        count = int(np.max(labels)) + 1
        tiny = float(np.finfo(np.float64).tiny)
        change = np.log(np.maximum(np.bincount(labels, energy, count), tiny))
        change -= np.log(np.maximum(np.bincount(labels, known, count), 1e-3))
        change = np.where(np.bincount(labels, minlength=count) > 0, change, 0.0)
        found.append(np.maximum(change, least_change))
    return found
