"""Moves along what the observations do not tell: functions mixed, and the core unmixed.

The value ``a · u`` stays when the functions ``u`` become ``B⁻ᵀ u`` and ``a`` becomes ``B a``.
Sweeps over the axes creep along such directions, in which only the priors change.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace, scipy_of
from structlin.tensors._regression.variational import Evidence, Posterior

# of a quasi-Newton method
_steps = 5


def move(posterior: Posterior, axis: int, now: Evidence, *, learn: bool) -> None:
    """Choose the mixture of an axis, and its length scale, by the bound.

    Parameters
    ----------
    posterior : Posterior
        Its functions of this axis, its core and the covariance of the axis are changed.
    axis : int
    now : Evidence
        What all observations say of this axis; it is changed as well.
    learn : bool
        Whether the length scale may change.

    Notes
    -----
    With the functions at their best for every ``B`` and length scale, the bound is their evidence
    plus ``−½ λ tr(B N Bᵀ) + (s/r) log |det B|``, where ``N`` is the expected Gram matrix of the
    core's slices, ``λ`` the prior precision of its ``s`` entries, and ``r`` the rank. The
    derivative of the evidence in ``B`` follows from the moments of the functions, that is from one
    smoothing; the one in the length scale is a difference.
    """
    functions, coupling = posterior.axes[axis], posterior.coupling
    information = posterior.precision * now.information[axis]
    shift = posterior.precision * now.shifts[axis]
    r = coupling.ranks[axis]
    free = coupling.mixed(axis)
    N = posterior.core_precision * coupling.core_gram(posterior.core, posterior.core_spread, axis)
    freedom = coupling.size / r
    start = functions.covariance
    difference = 1e-3

    def mixture(p: Any) -> Any:
        B = np.zeros((r, r))
        B[free] = p[:-1]
        return B

    def observe(B: Any, log_factor: float) -> tuple[Any, Any]:
        mixed = B @ information @ B.T
        mixed = (mixed + np.swapaxes(mixed, -1, -2)) / 2, shift @ B.T
        functions.covariance = _stretched(start, log_factor)
        functions.observe(*mixed)
        return mixed

    best = (math.inf, np.append(np.eye(r)[free], 0.0))

    def loss(p: Any) -> tuple[float, Any]:
        nonlocal best
        B, log_factor = mixture(p), float(p[-1])
        sign, logdet = np.linalg.slogdet(B)
        if sign <= 0:
            return 1e300, np.zeros_like(p)
        mixed = observe(B, log_factor)
        value = functions.evidence - np.sum((B @ N) * B) / 2 + freedom * logdet
        error = shift - np.einsum("nij,nj->ni", information, functions.mean @ B)
        gradient = functions.mean.T @ error - np.einsum(
            "nij,njk->ik", functions.spread, B @ information
        )
        gradient += freedom * np.linalg.inv(B).T - B @ N
        slope = 0.0
        if learn:
            there = _stretched(start, log_factor + difference)
            slope = (functions.evidence_with(there, *mixed) - functions.evidence) / difference
        if -value < best[0]:
            best = -value, p.copy()
        return -value, -np.append(gradient[free], slope)

    reach = 1.5 if learn else 0.0
    bounds = [(None, None)] * int(np.sum(free)) + [(-reach, reach)]
    optimize = scipy_of(namespace(shift), "optimize")
    options = {"maxiter": _steps, "maxfun": 3 * _steps}
    optimize.minimize(loss, best[1], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    B = mixture(best[1])
    observe(B, float(best[1][-1]))
    K = coupling.mixing(axis, B)
    posterior.core = K @ posterior.core
    posterior.core_spread = K @ posterior.core_spread @ K.T
    mixed = B @ now.information[axis] @ B.T
    now.information[axis] = (mixed + np.swapaxes(mixed, -1, -2)) / 2
    now.shifts[axis] = now.shifts[axis] @ B.T


def _stretched(covariance: Any, log_factor: float) -> Any:
    return covariance.replaced(length_scale=covariance.length_scale * math.exp(log_factor))
