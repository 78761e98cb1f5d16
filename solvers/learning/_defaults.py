"""The learner that serves a solver best, as far as is known beforehand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from structlin.solvers.learners._learner import Learner
from structlin.solvers.learners.quadratic_surrogate import QuadraticSurrogate
from structlin.solvers.learners.spectral import SpectralLearner

# ends of the range in which a parameter is looked for, and where to begin; by trial on heat
# equations and Laplacians of several sizes. Jacobi's iteration converges up to 1 where rows are
# diagonally dominant, and may diverge beyond.
_others = ((0.5, 1.995), 1.2)
_jacobi = ((0.2, 1.0), 0.9)
_young = ("sor", "line_sor")  # whose rate of convergence Young's theory describes


def default_learner(solvers: Collection[str], knob: str, contexts: Any, rng: Any) -> Learner:
    """Return a learner of the relaxation parameter of a solver of that name.

    Raises
    ------
    ValueError
        If the knob is another, or there are several solvers.
    """
    if len(solvers) > 1:
        raise ValueError("there are several solvers: pass a learner that chooses, such as Choice")
    if knob != "omega":
        raise ValueError(f"the range of {knob!r} is not known: pass a learner")
    (solver,) = solvers
    if solver in _young:
        return SpectralLearner(contexts=contexts, rng=rng)
    bounds, start = _jacobi if solver == "jacobi" else _others
    return QuadraticSurrogate(bounds, contexts=contexts, scale="relaxation", start=start, rng=rng)
