"""Conjugate gradients with SSOR on a sparse matrix by Eisenstat's trick.

The formulas are those of `structlin._kernels.eisenstat`, the matrix is described as in
`structlin._kernels.csr`; loops over rows are the source of their twins.
"""

from __future__ import annotations

import math
from typing import Any


def iterate(
    x: Any,
    r: Any,
    p: Any,
    t: Any,
    u: Any,
    previous: float,
    indptr: Any,
    middle: Any,
    indices: Any,
    data: Any,
    step: Any,
    omega: float,
    target: float,
    norms: Any,
) -> tuple[float, int]:
    """Do up to ``norms.size − 1`` iterations, until the norm of the residual is at most ``target``.

    ``x``, ``r`` and ``p`` hold the state of `structlin._kernels.eisenstat.iterate_lexicographic`
    and are overwritten; ``t`` and ``u`` are work space. Returns ``previous`` and the number of
    iterations.
    """
    n = x.size
    rest, inverse = 2.0 / omega - 1.0, 1.0 / omega
    rz = 0.0
    if previous == math.inf:
        for i in range(n):
            total = r[i]
            for m in range(indptr[i], middle[i]):
                total -= data[m] * r[indices[m]]
            r[i] = step[i] * total
    for i in range(n):
        rz += ((rest * data[middle[i]] * r[i]).conjugate() * r[i]).real
    for k in range(1, norms.size):
        if not rz > 0:
            return previous, k - 1
        beta = rz / previous
        previous = rz
        for i in range(n - 1, -1, -1):
            p[i] = rest * data[middle[i]] * r[i] + beta * p[i]
            total = p[i]
            for m in range(middle[i] + 1, indptr[i + 1]):
                total -= data[m] * t[indices[m]]
            t[i] = step[i] * total
        curvature = 0.0
        for i in range(n):
            total = p[i] - rest * data[middle[i]] * t[i]
            for m in range(indptr[i], middle[i]):
                total -= data[m] * u[indices[m]]
            u[i] = step[i] * total
            curvature += (p[i].conjugate() * (t[i] + u[i])).real
        if not curvature > 0:
            return previous, k - 1
        alpha = rz / curvature
        rz = 0.0
        square = 0.0
        for i in range(n):
            x[i] += alpha * t[i]
            r[i] -= alpha * (t[i] + u[i])
            rz += ((rest * data[middle[i]] * r[i]).conjugate() * r[i]).real
            residual = inverse * data[middle[i]] * r[i]
            for m in range(indptr[i], middle[i]):
                residual += data[m] * r[indices[m]]
            square += (residual * residual.conjugate()).real
        norms[k] = math.sqrt(square)
        if not norms[k] > target:
            return previous, k
    return previous, norms.size - 1
