"""Sequential truncation of an array, axis after axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.matrices._base import adjoint_of


def truncated(
    T: Any, tol: float = 0.0, ranks: Sequence[int] | None = None
) -> tuple[Any, list[Any]]:
    """Return a smaller core and an orthonormal matrix per axis that leads back to the array.

    ``tol`` bounds the error in the Frobenius norm, relative to that of the array.
    """
    xp, d = namespace(T), T.ndim
    factors: list[Any] = []
    budget = None
    for axis in range(d):
        front = xp.moveaxis(T, axis, 0)
        shape = tuple(front.shape)
        M = xp.reshape(front, (shape[0], math.prod(shape[1:])))
        U, s, _ = xp.linalg.svd(M, full_matrices=False)
        host = np.asarray([float(s[k]) for k in range(s.shape[0])])
        if budget is None:
            budget = tol**2 * float(np.sum(host**2)) / d
        tails = np.cumsum(host[::-1] ** 2)[::-1]
        r = max(1, int(np.sum(tails > budget)))
        r = min(r, len(host)) if ranks is None else min(r, int(ranks[axis]), len(host))
        U = U[:, :r]
        factors.append(U)
        core = xp.reshape(xp.matmul(adjoint_of(U, xp), M), (r, *shape[1:]))
        T = xp.moveaxis(core, 0, axis)
    return T, factors
