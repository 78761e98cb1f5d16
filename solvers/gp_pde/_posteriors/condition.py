"""The posterior of the weights of a problem, by the method that its size and its terms allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.one_axis import condition_axis
from structlin.solvers.gp_pde._posteriors.products import Conditioned, condition_products
from structlin.solvers.gp_pde._posteriors.separable import condition_separable, is_separable

# combinations of features below this part of the prior's size are left out, relative to the
# standard deviation of exact data; the most that may be left out instead of giving up
left_out, most_left_out = 1e-3, 1e4
# unknowns whose normal matrix is factorised in about two, five and ten seconds; by trial
quickly_factorised, patiently_factorised, most_factorised = 3000, 6000, 8000
# relative residual with which an answer axis by axis is taken instead of a slower one; by trial
satisfied = 1e-2


class RankError(ValueError):
    """There are too many unknowns."""


def condition(
    problem: Problem, features: Sequence[Features], seed: int = 0, smallest: float = 1e-12
) -> tuple[tuple[Features, ...], Conditioned]:
    """Return features combined to fewer with the same span, and the posterior of their weights.

    Parameters
    ----------
    problem : Problem
    features : sequence of Features
        One per axis.
    seed : int
        Of the draws by which `condition_separable` represents a covariance.
    smallest : float
        Which combinations of features `condition_separable` keeps.

    Raises
    ------
    RankError
        If there are too many unknowns for their normal matrix to be factorised, and the terms are
        not those of one coordinate each with full data on the sides.

    Notes
    -----
    Problems of one coordinate are dense. Others of more than 3000 unknowns are solved axis by axis
    where that is possible. Otherwise less of the prior is kept, until 8000 are left.
    """
    tol = left_out * problem.exact
    if problem.grid.ndim == 1:
        # about as many features as nodes: none would be left out
        many = 2 * features[0].count > problem.grid.size
        fewer = tuple(features) if many else problem.compressed(features, tol)
        return fewer, condition_axis(problem, fewer[0])
    fewer = problem.compressed(features, tol)
    if _unknowns(fewer) > quickly_factorised and is_separable(problem):
        found = condition_separable(problem, fewer, seed, smallest)
        if found.residual <= satisfied or _unknowns(fewer) > patiently_factorised:
            return fewer, found
    finest = fewer
    while _unknowns(fewer) > most_factorised and tol < most_left_out * problem.exact:
        tol *= 10
        fewer = problem.compressed(features, tol)
    if _unknowns(fewer) > most_factorised:
        ranks = " x ".join(str(f.count) for f in finest)
        raise RankError(
            f"the ranks {ranks} of the axes make {_unknowns(finest)} unknowns, and at most "
            f"{most_factorised} are factorised: take fewer nodes per axis, split the domain, or "
            "give the equation as terms of one coordinate each with data on every side, which is "
            "solved axis by axis"
        )
    return fewer, condition_products(problem.blocks(fewer), tuple(f.count for f in fewer))


def _unknowns(features: Sequence[Features]) -> int:
    return math.prod(f.count for f in features)
