"""Lanczos' iteration with a sparse matrix by rows, for a block of starting vectors at once.

Loops over rows are what a compiler wants, so this plain function is the source of its twin. Two
passes over the block make a step: the vectors are normalised when they are next read.
"""

from __future__ import annotations

import math
from typing import Any


def sparse_steps(
    indptr: Any,
    indices: Any,
    data: Any,
    vectors: Any,
    previous: Any,
    product: Any,
    gain: Any,
    back: Any,
    largest: Any,
    alpha: Any,
    beta: Any,
    eps: float,
) -> None:
    """Do as many steps as ``alpha`` and ``beta`` have rows.

    The Lanczos vectors are ``gain * vectors``; ``back * previous`` is the last but one times its
    coefficient. Both blocks, (n, p), are overwritten and exchange their roles at every step.
    ``largest`` has the largest ``|α| + β`` so far: a new ``β`` below ``eps`` times that counts as
    zero, and what follows is zero too. ``product`` is work space of one row.
    """
    n, width = vectors.shape
    for step in range(alpha.shape[0]):
        for c in range(width):
            alpha[step, c] = 0.0
            beta[step, c] = 0.0
        for i in range(n):
            for c in range(width):
                product[c] = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                row, entry = vectors[indices[k]], data[k]
                for c in range(width):
                    product[c] += entry * row[c]
            own, old = vectors[i], previous[i]
            for c in range(width):
                new = gain[c] * product[c] - back[c] * old[c]
                alpha[step, c] += (own[c].conjugate() * new).real
                old[c] = new
        for c in range(width):
            alpha[step, c] *= gain[c]
            back[c] = alpha[step, c] * gain[c]
        for i in range(n):
            own, new = vectors[i], previous[i]
            for c in range(width):
                new[c] -= back[c] * own[c]
                beta[step, c] += (new[c].conjugate() * new[c]).real
        for c in range(width):
            beta[step, c] = math.sqrt(beta[step, c])
            largest[c] = max(largest[c], abs(alpha[step, c]) + beta[step, c])
            if beta[step, c] <= eps * largest[c]:
                beta[step, c] = 0.0
            back[c] = beta[step, c] * gain[c]
            gain[c] = 1.0 / beta[step, c] if beta[step, c] > 0.0 else 0.0
        vectors, previous = previous, vectors
