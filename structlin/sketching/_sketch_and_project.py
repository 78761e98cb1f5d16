"""Square systems by sketch and project: each step solves a few random combinations of equations."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from structlin import _norm
from structlin._backend import namespace
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of, conjugate
from structlin.sketching._orth import orthonormalize
from structlin.sketching.gaussian import Gaussian
from structlin.sketching.sparse_stack import SparseStack

# equations of a step, and entries in a column of a sparse sketch of them
_nonzeros = 8
# steps between residuals that are computed afresh
_refreshed = 50


def sizes(N: int, sketch: str, sketch_size: int | None, maxiter: int | None) -> tuple[int, int]:
    """Return the equations of a step, and the most steps."""
    multiple = _nonzeros if sketch == "sparse" and min(N, _nonzeros) == _nonzeros else 1
    size = _nonzeros if sketch_size is None else operator.index(sketch_size)
    if size < 1 or size % multiple:
        raise ValueError(f"sketch_size is {size}: a positive multiple of {multiple} is needed")
    size = min(size, N - N % multiple)
    most = max(200, math.ceil(20 * N / max(size, 1))) if maxiter is None else maxiter
    if operator.index(most) < 0:
        raise ValueError(f"maxiter is {most}: a number of steps is >= 0")
    return size, most


def project(
    matrix: LinearOperator, b: Any, rtol: float, sketch: str, size: int, most: int, seed: int
) -> tuple[Any, Any, int]:
    """Return ``z`` with ``Γ z + b`` small by sketch and project, that residual, and the steps."""
    xp = namespace(b)
    z, r, step = xp.zeros_like(b), b, None
    goal = rtol * _norm.norm(b)
    taken = 0
    while True:
        if taken % _refreshed == 0 or _norm.norm(r) <= goal:
            r = matrix @ z + b  # without the rounding errors of the updates
        if taken == most or _norm.norm(r) <= goal:
            return z, r, taken
        W, y = _seen(matrix, r, sketch, size, taken, seed)
        columns, values = [W, (matrix.H @ r)[:, None]], [y, xp.sum(conjugate(r, xp) * r)[None]]
        if step is not None:  # the residual is orthogonal to what gave the last step
            columns.append(step[:, None])
            values.append(xp.zeros_like(y[:1]))
        step = -_least_norm(xp.concat(columns, axis=1), xp.concat(values))
        z, r = z + step, r + matrix @ step
        taken += 1


def _seen(
    matrix: LinearOperator, r: Any, sketch: str, size: int, taken: int, seed: int
) -> tuple[Any, Any]:
    """Return ``Γᴴ S`` and ``Sᴴ r`` for the sketch of this step."""
    xp, N = namespace(r), matrix.shape[0]
    if sketch == "rows":
        chosen = np.random.default_rng([seed, taken]).choice(N, size, replace=False)
        index = xp.asarray(chosen, device=matrix.device)
        one = xp.arange(N, dtype=index.dtype, device=matrix.device)[:, None] == index[None, :]
        return matrix.H @ xp.astype(one, r.dtype), xp.take(r, index, axis=0)
    # each step has rows of its own of one long operator
    options: dict[str, Any] = {"rng": seed, "like": r}
    if sketch == "sparse":
        options["nonzeros"] = min(_nonzeros, size)
    kind = SparseStack if sketch == "sparse" else Gaussian
    S = kind(size, N * (taken + 1), **options).block(N * taken, N * (taken + 1))
    return adjoint_of(S.apply(matrix), xp), S @ r


def _least_norm(W: Any, y: Any) -> Any:
    """Return the solution of ``Wᴴ d = y`` of least norm, for a tall ``W`` of any rank."""
    xp = namespace(W)
    lengths = _norm.column_norms(W)
    lengths = xp.where(lengths > 0, lengths, xp.ones_like(lengths))
    Q, R = orthonormalize(W / lengths)
    P, s, Vh = xp.linalg.svd(R, full_matrices=False)
    small = s <= W.shape[0] * xp.finfo(W.dtype).eps * s[0]
    scaled = xp.matmul(Vh, (y / lengths)[:, None])[:, 0] / xp.where(small, 1.0, s)
    return xp.matmul(Q, xp.matmul(P, xp.where(small, 0.0, scaled)[:, None]))[:, 0]
