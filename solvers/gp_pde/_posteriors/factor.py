"""A square root of the inverse of a normal matrix, with care for what the data do not determine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, is_cupy, is_numpy, namespace, on_host, scipy_of
from structlin.solvers.gp_pde._data.blocks import Block

# what is added to the diagonal, in units of rounding errors; chosen by trial: the least with which
# factorisations rarely fail
jitter = 10.0
# eigenvalues of the scaled matrix that its rounding errors may have changed; chosen by trial
doubtful = 1e-11
# rounds of inverse iteration, and how many directions it starts with
rounds, first_directions = 3, 48


@dataclass(frozen=True, eq=False)
class Root:
    """``K`` with ``K Kᵀ = M⁻¹`` up to rounding errors, n by n + k.

    Attributes
    ----------
    forward, adjoint : callable
        ``K p`` and ``Kᵀ g``, of vectors or matrices.
    columns : int
        n + k, for the k directions that have been treated apart.
    log_determinant : float
        Of ``M``.
    jitter : float
        What was added to the diagonal of the scaled matrix before it was factorised.
    """

    forward: Callable[[Any], Any]
    adjoint: Callable[[Any], Any]
    columns: int
    log_determinant: float
    jitter: float


def inverse_root(M: Any, blocks: Sequence[Block], shape: tuple[int, ...]) -> Root:
    """Return a square root of the inverse of ``M = AᵀWA + I``.

    Parameters
    ----------
    M : (n, n) array
        The normal matrix.
    blocks : sequence of Block
        What it was made of: directions in which it is smaller than its rounding errors are taken
        from them.
    shape : tuple of int
        The shape of the unknowns.

    Notes
    -----
    ``M`` is scaled to a unit diagonal, which undoes the decay of the features, and factorised,
    ``D M D + ε I = L Lᵀ``. Its lowest eigenvectors ``V`` are found by inverse iteration with the
    factor. On their span ``(A D V; D V) = Q R`` is accurate where ``M``, which squares it, is not::

        K = (D (I − V Vᵀ) L⁻ᵀ,  D V R⁻¹)

    O(n³/3), and O(n² k) for k such directions.
    """
    xp = namespace(M)
    n = M.shape[0]
    scale = 1 / xp.sqrt(xp.linalg.diagonal(M))
    M = scale[:, None] * M * scale[None, :]
    L, ridge = _cholesky(xp, M)
    lower, upper = _triangular(xp, L)
    V, values = _lowest(xp, M, lower, upper)
    logs = xp.sum(xp.log(xp.linalg.diagonal(L))) - xp.sum(xp.log(scale))
    k = V.shape[1]
    if k == 0:
        return Root(
            lambda p: _rows(scale, upper(p)),
            lambda g: lower(_rows(scale, g)),
            n,
            2 * float(logs),
            ridge,
        )
    X = scale[:, None] * V
    columns = xp.reshape(X, (*shape, k))
    stack = [xp.reshape(weighted(b, columns), (-1, k)) for b in blocks]
    R = xp.linalg.qr(xp.concat([*stack, X], axis=0))[1]
    X = xp.linalg.solve(R.T, X.T).T
    corrected = 2 * float(logs) - float(np.sum(np.log(values + ridge)))
    corrected += 2 * float(xp.sum(xp.log(xp.abs(xp.linalg.diagonal(R)))))

    def forward(p: Any) -> Any:
        q = upper(p[:n, ...])
        return _rows(scale, q - V @ (V.T @ q)) + X @ p[n:, ...]

    def adjoint(g: Any) -> Any:
        q = _rows(scale, g)
        return xp.concat([lower(q - V @ (V.T @ q)), X.T @ g], axis=0)

    return Root(forward, adjoint, n + k, corrected, ridge)


def _rows(scale: Any, x: Any) -> Any:
    return scale * x if x.ndim == 1 else scale[:, None] * x


def weighted(block: Block, columns: Any) -> Any:
    """Return what a block makes of several arrays of unknowns, over the standard deviations."""
    xp = namespace(columns)
    if block.scattered:
        each = [block.apply(columns[..., k]) for k in range(columns.shape[-1])]
        made = xp.stack(each, axis=-1)
    else:
        made = block.apply(columns)
    return made * block.root_weights()[..., None]


def _lowest(xp: Any, M: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return the eigenvectors of the doubtful eigenvalues, and these on the host."""
    n = M.shape[0]
    count = min(first_directions, n)
    while True:
        drawn = np.random.default_rng(0).standard_normal((n, count))
        V = drawn if is_numpy(xp) else xp.asarray(drawn.tolist(), device=device(M))
        V = xp.linalg.qr(xp.astype(V, M.dtype))[0]
        for _ in range(rounds):
            V = xp.linalg.qr(upper(lower(V)))[0]
        small = V.T @ (M @ V)
        values, turn = xp.linalg.eigh(0.5 * (small + small.T))
        found = on_host(values)
        limit = max(doubtful, 4 * n * float(xp.finfo(M.dtype).eps))
        kept = int(np.sum(found < limit))
        if kept < count or 2 * count > n:
            return V @ turn[:, :kept], np.maximum(found[:kept], 0.0)
        count *= 2


def _cholesky(xp: Any, M: Any) -> tuple[Any, float]:
    """Return the lower factor of ``M + ridge I``, and the ridge."""
    ridge = jitter * float(xp.finfo(M.dtype).eps)
    for _ in range(8):
        try:
            if is_numpy(xp):
                A = M.copy()
                A.flat[:: A.shape[0] + 1] += ridge
                cholesky = scipy_of(xp, "linalg").cholesky
                return cholesky(A, lower=True, overwrite_a=True, check_finite=False), ridge
            L = xp.linalg.cholesky(M + ridge * xp.eye(M.shape[0], dtype=M.dtype, device=device(M)))
            if bool(xp.all(xp.isfinite(xp.linalg.diagonal(L)))):  # CuPy does not raise
                return L, ridge
        except np.linalg.LinAlgError:
            pass
        ridge *= 10
    raise np.linalg.LinAlgError("the normal matrix could not be factorised: scale the data")


def _triangular(xp: Any, L: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return ``b ↦ L⁻¹ b`` and ``b ↦ L⁻ᵀ b``."""
    if is_numpy(xp) or is_cupy(xp):
        triangular = functools.partial(
            scipy_of(xp, "linalg").solve_triangular, L, lower=True, check_finite=False
        )
        return triangular, functools.partial(triangular, trans=1)
    inverse = xp.linalg.inv(L)
    return lambda b: inverse @ b, lambda b: inverse.T @ b
