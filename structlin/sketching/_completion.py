"""Alternating least squares over observed entries: the iteration behind `complete`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from structlin import _norm
from structlin._backend import kernel, namespace, scipy_of
from structlin._kernels import completion
from structlin.sketching._orth import orthonormalize
from structlin.sketching._result import Report
from structlin.sketching.gaussian import Gaussian

# Gram matrices are made for so many entries at a time
_entries_at_once = 2**22
# observations in a sketch for each column of a factor, and the steps that follow it
_sampled = 4
_steps = 3
# the start: passes of the subspace iteration, and rows as many times longer than the mean are cut
_passes = 8
_long = 3.0
# a component is started from where its singular value is so many times the next that is not wanted
_clear = 2.0
# more components are looked for when a sweep leaves so much of the residual
_stalled = 0.5
# of the least squares, for each part of the data that is not fitted
_damping = 0.1
# entries worked out at a time
_at_once = 65_536


class Side(NamedTuple):
    """The observations by rows, or by columns.

    Attributes
    ----------
    starts : (m + 1,) array of int64
        Where the observations of each row begin.
    indices : (N,) array of int64
        Their columns, in order.
    values : (N,) array
        The observations.
    """

    starts: Any
    indices: Any
    values: Any

    @property
    def counts(self) -> Any:
        """How many observations a row has."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Any:
        """The row of each observation."""
        return np.repeat(np.arange(self.counts.size), self.counts)

    @property
    def trust(self) -> Any:
        """The number of observations of a row, at least half the mean."""
        return np.maximum(self.counts, 0.5 * self.values.size / self.counts.size)


class Settings(NamedTuple):
    """What the user chose for the iteration."""

    tol: float
    maxiter: int
    ridge: float
    sketched: bool
    progress: bool


def sides_of(rows: Any, cols: Any, values: Any, shape: tuple[int, int]) -> tuple[Side, Side]:
    """Return the observations by rows, and the conjugate ones by columns."""
    order, _ = sorted_by(cols, shape[1], "cols")
    order, starts = sorted_by(rows, shape[0], "rows", order)
    by_rows = Side(starts, cols[order], values[order])
    rows = rows[order]
    order, starts = sorted_by(by_rows.indices, shape[1], "cols")
    return by_rows, Side(starts, rows[order], np.conj(by_rows.values[order]))


def sorted_by(keys: Any, groups: int, name: str, order: Any = None) -> tuple[Any, Any]:
    """Return the order that sorts by keys, equal ones as in ``order``, and where groups start."""
    keys = keys if order is None else keys[order]
    starts, found = np.empty(groups + 1, dtype=np.int64), np.empty(keys.size, dtype=np.int64)
    wrong = kernel(namespace(keys), completion.grouped)(keys, starts, found)
    if wrong >= 0:
        raise ValueError(
            f"{name} has the index {keys[wrong]}, but the matrix has {groups}: "
            f"indices run from 0 to {groups - 1}"
        )
    return (found if order is None else order[found]), starts


def alternate(
    sides: tuple[Side, Side], k: int, settings: Settings, seed: int
) -> tuple[Any, Any, Report]:
    """Return factors ``U`` and ``V`` of rank ``k``, and how they came about."""
    by_rows, by_cols = sides
    size = _norm.norm(by_rows.values)
    generator = np.random.default_rng(seed)
    V = dominant(by_rows, by_cols, by_rows.values, k, seed)
    U = np.zeros((by_rows.counts.size, V.shape[1]), dtype=V.dtype)
    residual, before, rates = 1.0, math.inf, [1.0]
    estimate, passes, iteration = math.inf, _passes, 0
    for iteration in _counted(settings):
        last, steps = residual, []
        for side in sides:
            V, R = orthonormalize(V)
            U = U @ np.conj(R.T)
            changed, loss, read = _solved(side, V, U, _damping * residual, settings, generator)
            steps.append(_relative(changed - U, changed))
            residual = math.sqrt(loss) / size
            passes += read
            U, V = V, changed  # the other factor is next
        step = math.hypot(*steps)
        rates = [*rates[-1:], step / before if before else 0.0]
        before = step
        rate = max(rates)
        estimate = step * rate / (1.0 - rate) if rate < 1 else math.inf
        if step <= 8 * float(np.finfo(V.dtype).eps):
            estimate = min(estimate, step)
        if U.shape[1] < k and settings.tol < residual:
            stalled = iteration > 1 and residual > _stalled * last
            if stalled:  # what is left has components of its own
                left = by_rows.values - entries(U, V, by_rows.rows, by_rows.indices)
                more = dominant(by_rows, by_cols, left, k - U.shape[1], seed)
                U = np.pad(U, ((0, 0), (0, more.shape[1])))
                V = np.concatenate((V, more * _norm.norm(V)), axis=1)
                passes += _passes + 1
                before, rates = math.inf, [1.0]
        elif estimate <= settings.tol:
            break
    U, V = (np.pad(X, ((0, 0), (0, k - X.shape[1]))) for X in (U, V))
    report = Report(
        method="alternating least squares, "
        + ("sketched inner solves" if settings.sketched else "exact inner solves"),
        converged=estimate <= settings.tol,
        error_estimate=estimate,
        passes=passes,
        iterations=iteration,
        seed=seed,
    )
    return U, V, report


def _counted(settings: Settings) -> Any:
    iterations = range(1, settings.maxiter + 1)
    if not settings.progress:
        return iterations
    from tqdm.auto import tqdm

    return tqdm(iterations, desc="complete", unit="sweep", delay=1, leave=False)


def _relative(change: Any, whole: Any) -> float:
    size = _norm.norm(whole)
    return _norm.norm(change) / size if size else 0.0


def dominant(by_rows: Side, by_cols: Side, values: Any, k: int, seed: int) -> Any:
    """Return dominant right singular vectors of these values among zeros, without long rows.

    There are as many as stand out from the noise that the places make, ``k`` at most: a weak
    direction that is lost in it may lead to a fit that is far off elsewhere. If hardly any stands
    out, there are a few.
    """
    m, n = by_rows.counts.size, by_cols.counts.size
    weights = 1.0 / np.repeat(by_rows.trust, by_rows.counts) / by_cols.trust[by_rows.indices]
    weighted = (values * (weights / np.max(weights))).astype(values.dtype)
    parts = weighted, by_rows.indices, by_rows.starts
    B = scipy_of(namespace(weighted), "sparse").csr_array(parts, shape=(m, n))
    adjoint = B.conj().T.tocsr()
    X = np.conj(Gaussian(min(k + 10, m, n), n, rng=seed, dtype=weighted.dtype).todense().T)
    for _ in range(_passes // 2):
        Y, _ = orthonormalize(B @ X)
        X, R = orthonormalize(adjoint @ Y)
    W, s, _ = np.linalg.svd(R)
    clear = int(np.count_nonzero(s[:k] > _clear * s[k])) if k < s.size else k
    V = (X @ W)[:, : max(clear, 1 + k // 8)]
    lengths = np.linalg.norm(V, axis=1, keepdims=True)
    return V / np.maximum(lengths / (_long * math.sqrt(V.shape[1] / n)), 1.0).astype(lengths.dtype)


def entries(U: Any, V: Any, rows: Any, cols: Any) -> Any:
    """Return entries of ``U Vᴴ``, some at a time."""
    out = np.empty(rows.size, dtype=U.dtype)
    for low in range(0, rows.size, _at_once):
        part = slice(low, low + _at_once)
        out[part] = np.einsum("pk,pk->p", U[rows[part]], np.conj(V[cols[part]]))
    return out


def _solved(
    side: Side, V: Any, U: Any, damping: float, settings: Settings, generator: Any
) -> tuple[Any, float, int]:
    """Return rows with smaller residuals, the sum of squares at ``U``, and the passes taken.

    Each row moves by a damped least-squares correction; ``V`` has orthonormal columns.
    """
    k = V.shape[1]
    W = np.ascontiguousarray(np.conj(V))
    # from zero, a row with too few observations finds the solution of least norm
    U = np.where(side.counts[:, None] < k, np.zeros_like(U), U)
    loss, shifts = 0.0, generator.random(_sampled * k)
    rows = max(1, _entries_at_once // k**2)
    for low in range(0, U.shape[0], rows):
        part = slice(low, low + rows)
        piece = Side(side.starts[low : low + rows + 1], side.indices, side.values)
        U[part], lost = _solved_rows(piece, W, U[part], damping, settings, shifts)
        loss += lost
    return U, loss, (2 + _steps if settings.sketched else 2)


def _solved_rows(
    side: Side, W: Any, U: Any, damping: float, settings: Settings, shifts: Any
) -> tuple[Any, float]:
    compiled = kernel(namespace(U), completion.gradients)

    def gradient(U: Any) -> tuple[Any, float]:
        g = -np.asarray(settings.ridge, U.dtype) * U
        return g, float(compiled(side.starts, side.indices, side.values, W, U, g))

    g, loss = gradient(U)
    if not settings.sketched:
        G = _grams(side.starts, side.indices, W, damping, settings.ridge)
        return U + np.linalg.solve(G, g[:, :, None])[:, :, 0], loss
    starts, indices = thinned(side, shifts)
    G = _grams(starts, indices, W, damping, settings.ridge, side.counts)
    inverse = np.linalg.inv(G)
    z = np.matmul(inverse, g[:, :, None])[:, :, 0]
    p, rho = z, _dots(g, z)
    for _ in range(_steps):
        Gp = g - gradient(U + p)[0]
        step = _ratio(rho, _dots(p, Gp))
        U = U + step * p
        g = g - step * Gp
        z = np.matmul(inverse, g[:, :, None])[:, :, 0]
        rho, old = _dots(g, z), rho
        p = z + _ratio(rho, old) * p
    return U, loss


def _dots(x: Any, y: Any) -> Any:
    return np.sum(np.conj(x) * y, axis=1, keepdims=True).real


def _ratio(x: Any, y: Any) -> Any:
    return np.where(y > 0, x, 0) / np.where(y > 0, y, 1)


def _grams(
    starts: Any, indices: Any, W: Any, damping: float, ridge: float, counts: Any = None
) -> Any:
    """Return the damped Gram matrices of the rows, as if all ``counts`` had been summed."""
    k = W.shape[1]
    G = np.zeros((starts.size - 1, k, k), dtype=W.dtype)
    kernel(namespace(W), completion.grams)(starts, indices, W, G)
    if counts is not None:
        share = counts / np.maximum(np.diff(starts), 1)
        G *= share.astype(W.real.dtype)[:, None, None]
    diagonal = np.einsum("ikk->ik", G)
    trace = np.sum(diagonal.real, axis=1) / k
    floor = math.sqrt(float(np.finfo(W.dtype).eps))
    diagonal += (ridge + np.where(trace > 0, max(damping, floor) * trace, 1.0))[:, None]
    return G


def thinned(side: Side, shifts: Any) -> tuple[Any, Any]:
    """Return at most ``shifts.size`` columns of each row, one from each of equal parts of it."""
    most, counts = shifts.size, side.counts
    kept = np.minimum(counts, most)
    starts = np.concatenate(([0], np.cumsum(kept)))
    row = np.repeat(np.arange(counts.size), kept)
    t = np.arange(starts[-1]) - starts[row]
    spread = ((t + shifts[np.minimum(t, most - 1)]) * (counts[row] / most)).astype(np.int64)
    place = np.where(counts[row] > most, np.minimum(spread, counts[row] - 1), t)
    return starts, side.indices[side.starts[row] + place]
