"""Where the regression starts: the best of a few fits with more functions than are wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.covariance import Matern
from structlin.tensors._core import mode_products
from structlin.tensors._regression.coupling import Coupling, DiagonalCoupling, FullCoupling
from structlin.tensors._regression.observations import sorted_axes
from structlin.tensors._regression.smoother import Functions
from structlin.tensors._regression.sweeps import sweep
from structlin.tensors._regression.variational import Posterior

_starts = 3
_sweeps = 8
_observations = 20_000
_spare = 2
_precision = 100.0


def started(
    coordinates: Any,
    y: Any,
    points: Sequence[Any],
    kernels: Sequence[Matern],
    ranks: Sequence[int],
    diagonal: bool,
    rng: np.random.Generator,
    max_bytes: int,
) -> Posterior:
    """Return a posterior to start from.

    Notes
    -----
    A few sweeps are made with a part of the observations and means taken for the truth, from
    several starts. More functions than wanted make it rare that one of these is missed; then the
    core is truncated. A diagonal core comes from a full one, by a decomposition of that.
    """
    chosen = np.arange(len(y))
    if len(y) > _observations:
        chosen = rng.choice(len(y), _observations, replace=False)
    (known, places), values = sorted_axes(coordinates[chosen]), y[chosen]
    wide = [r + _spare for r in ranks]
    while math.prod(wide) > max(len(values) // 4, math.prod(ranks)):
        wide[wide.index(max(wide))] -= 1
    wide = [max(w, r) for w, r in zip(wide, ranks, strict=True)]
    found = []
    for k in range(_starts):
        axes = []
        for x, kernel, r, every in zip(known, kernels, wide, points, strict=True):
            t = (x - every[0]) / (every[-1] - every[0])
            axes.append(Functions(x, kernel, _waves(t, r, None if k == 0 else rng), max_bytes))
        posterior = Posterior(FullCoupling(wide), axes)
        posterior.precision = _precision
        posterior.find_core(places, values, None, posterior.nothing())
        for _ in range(_sweeps):
            now = sweep(posterior, places, values, certain=True)
        found.append((now.residual, k, posterior))
    best = min(found)[2]
    core, mixtures, offset = _truncated(best, ranks)
    coupling: Coupling = FullCoupling(ranks)
    if diagonal and len(ranks) > 1:
        coupling = DiagonalCoupling(ranks)
        parts = _parts(core, rng)
        mixtures = [B @ part for B, part in zip(mixtures, parts, strict=True)]
        core = np.ones(coupling.size)
    axes = []
    for functions, every, B in zip(best.axes, points, mixtures, strict=True):
        mean = functions.at(every)[0] @ B
        axes.append(Functions(every, functions.covariance, mean, max_bytes))
    posterior = Posterior(coupling, axes)
    posterior.core, posterior.offset = core.reshape(-1), best.offset + offset
    posterior.precision = 1 / max(min(found)[0] / len(values), 1 / _precision)
    return posterior


def _waves(t: Any, count: int, rng: np.random.Generator | None) -> Any:
    """Return smooth functions at places in [0, 1]: cosines, or random sums of waves."""
    if rng is None:
        return np.cos(np.pi * t[:, None] * np.arange(count))
    waves = 8
    speed = 4 * rng.standard_normal((waves, count))
    phase = rng.uniform(0, 2 * np.pi, (waves, count))
    size = rng.standard_normal((waves, count)) * (2 / waves) ** 0.5
    return np.einsum("wc,nwc->nc", size, np.cos(t[:, None, None] * speed + phase))


def _truncated(posterior: Posterior, ranks: Sequence[int]) -> tuple[Any, list[Any], float]:
    """Return a core of these ranks, the mixtures of functions that it goes with, and an offset.

    The functions so mixed are orthogonal, and have mean square 1. More functions than are needed
    represent a constant as well: as much of it becomes an offset as leaves a core that is
    nearest to one of these ranks.
    """
    core, whitened, constant = posterior.core.reshape(posterior.coupling.ranks), [], np.ones(())
    for functions in posterior.axes:
        size = len(functions.points) ** 0.5
        Q, R = np.linalg.qr(functions.mean / size)
        whitened.append(R)
        constant = np.multiply.outer(constant, np.sum(Q, axis=0) / size)
    core = mode_products(core, whitened)
    outside = max(1 - float(np.sum(constant**2)), 1e-9)

    def lost(offset: float) -> float:
        left, total = core - offset * constant, outside * offset**2
        for axis, r in enumerate(ranks):
            flat = np.moveaxis(left, axis, 0).reshape(left.shape[axis], -1)
            total += float(np.sum(np.linalg.eigvalsh(flat @ flat.T)[:-r]))
        return total

    offset, width = 0.0, 4.0
    while width > 1e-3:  # values have variance 1
        offset = min(offset + width * np.linspace(-1, 1, 81), key=lost)
        width /= 20
    core = core - offset * constant
    mixtures = []
    for axis, (R, r) in enumerate(zip(whitened, ranks, strict=True)):
        flat = np.moveaxis(core, axis, 0).reshape(core.shape[axis], -1)
        V = np.linalg.svd(flat)[0][:, :r]
        core = np.moveaxis(np.tensordot(V, core, axes=((0,), (axis,))), 0, axis)
        mixtures.append(np.linalg.lstsq(R, V, rcond=1e-10)[0])
    return core, mixtures, float(offset)


def _parts(core: Any, rng: np.random.Generator) -> list[Any]:
    """Return a square matrix per axis, the core nearly the sum of products of their columns.

    Notes
    -----
    Two random mixtures of the slices of such a core are ``A D Bᵀ`` and ``A E Bᵀ`` with diagonal
    ``D`` and ``E``, so that ``A`` has the eigenvectors of one times the inverse of the other.
    Alternating least squares goes on from there.
    """
    r, d = core.shape[0], core.ndim
    best, smallest = [np.eye(r)] * d, math.inf
    for _ in range(10):
        slices = core.reshape(r, r, -1) @ rng.standard_normal((r ** (d - 2), 2))
        left = slices[:, :, 0] @ np.linalg.pinv(slices[:, :, 1])
        A = np.linalg.eig(left)[1]
        parts = [np.real(A) + np.imag(A)]
        parts.append((np.linalg.pinv(parts[0]) @ slices[:, :, 0]).T)
        parts += [rng.standard_normal((r, r)) for _ in range(d - 2)]
        for _ in range(100):
            for axis in reversed(range(d)):
                others = [part for k, part in enumerate(parts) if k != axis]
                joined = others[0]
                for other in others[1:]:
                    joined = (joined[:, None, :] * other[None, :, :]).reshape(-1, r)
                flat = np.moveaxis(core, axis, -1).reshape(-1, r)
                parts[axis] = np.linalg.lstsq(joined, flat, rcond=1e-10)[0].T
                if axis:
                    parts[axis] = parts[axis] / _lengths(parts[axis])
        error = float(np.linalg.norm(flat - joined @ parts[0].T))
        if error < smallest:
            best, smallest = parts, error
    lengths = _lengths(best[0])
    return [
        best[0] / lengths * lengths ** (1 / d),
        *(part * lengths ** (1 / d) for part in best[1:]),
    ]


def _lengths(columns: Any) -> Any:
    return np.maximum(np.linalg.norm(columns, axis=0), 1e-100)
