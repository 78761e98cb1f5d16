"""The directions of features along which a learned map changes, as a metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.operators.kernels._blocks import at_element
from structlin.operators.kernels._functions import slopes, squared_distances
from structlin.operators.kernels._groups import Group
from structlin.operators.kernels._selection import (
    Choice,
    Trial,
    descend,
    median_distance,
    metric_weights,
)
from structlin.operators.kernels._systems import Direct, Metric

# samples at which the map is differentiated, output directions that are differentiated, and the
# smallest factor of a direction; chosen on small problems
_points, _modes, _least = 200, 40, 1e-3
# powers of the squares that are tried, how often directions are learned anew, samples on which
# these are compared, and by how much they have to be better
_powers, _rounds, _compared, _better = (0.25, 0.5), 2, 1000, 0.97


def learned_directions(
    data: Trial,
    images: Sequence[Any],
    choice: Choice,
    rng: np.random.Generator,
    bar: Any,
) -> tuple[Choice, Any, Any] | None:
    """Return directions of features that are better than a metric, None if there are none.

    They are learned from three quarters of the samples, and judged by leaving out the others.

    Parameters
    ----------
    data : Trial
        Of all samples.
    images : sequence of (n, m) array
        The outputs, and their images, as rows.
    choice : Choice
        The hyper-parameters, the metric with them.
    rng : numpy.random.Generator
    bar : progress bar

    Returns
    -------
    choice : Choice
        With the exponent of the metric as it was.
    turn : (r, q) array
        What coefficients are multiplied by.
    counted : (n,) array
        One for samples that were not learned from.
    """
    xp, group = namespace(data.sizes), data.group
    n = data.sizes.shape[0]
    last = np.zeros(n)
    last[rng.permutation(n)[3 * n // 4 :]] = 1.0
    counted = xp.asarray(last, device=data.sizes.device)
    most = xp.asarray(np.flatnonzero(last == 0), device=data.sizes.device)
    weights = metric_weights(data.spread, choice.metric)
    free = {"metric": False, "length_scale": True, "nugget": True}

    def judged(Z: Sequence[Any], count: int) -> Trial:
        return data.measured(Z, counted).among(count, np.random.default_rng(0))

    start = replace(choice, metric=0.0)
    best = _better * judged([z * weights for z in data.features], _compared).error(start)
    if not best > 0 or float(data.spread[0]) == 0.0:  # a constant map, or a single input
        return None
    principal = _principal(xp.take(images[0], most, axis=0))
    few = [xp.matmul(xp.take(Y, most, axis=0), principal) for Y in images]
    found = None
    for power in _powers:
        made, turn = start, weights[:, None] * xp.eye(weights.shape[0], device=weights.device)
        for _ in range(_rounds):
            Z = [xp.matmul(z, turn) for z in data.features]
            some = [xp.take(z, most, axis=0) for z in Z]
            scale = median_distance(some[0]) * made.length_scale
            system = Direct(Metric(made.kernel, scale), group, some, made.nugget)
            squares = gradient_squares(system, made.kernel, few, rng)
            squares = xp.matmul(turn, xp.matmul(squares, xp.matrix_transpose(turn)))
            turn = powered(invariant(squares, data.features, group), power)
            Z = [xp.matmul(z, turn) for z in data.features]
            made = descend(judged(Z, _compared), made, free, bar)
            if made.leave_one_out < best:
                best, found = made.leave_one_out, (made, turn)
    if found is None:
        return None
    made, turn = found
    if n > _compared:
        Z = [xp.matmul(z, turn) for z in data.features]
        made = descend(judged(Z, _compared * 3), made, free, bar)
    return replace(made, metric=choice.metric), turn, counted


def gradient_squares(
    system: Direct, name: str, images: Sequence[Any], rng: np.random.Generator
) -> Any:
    """Return the (r, r) mean of ``JᵀJ``, the derivatives of outputs by features at samples.

    ``J = Σ_f Σ_j (∂k/∂z)(z, z_fj) α_fj``, where ``α_fj`` belong to the image ``f`` of sample ``j``.

    Parameters
    ----------
    system : Direct
        Which is fitted.
    name : str
        Of the kernel.
    images : sequence of (n, c) array
        Some coefficients of the outputs, and of their images.
    rng : numpy.random.Generator
    """
    group = system.group
    blocks = system.fit(images)
    xp = namespace(system.weights)
    Z = xp.concat(tuple(system.centres), axis=0)
    columns = images[0].shape[1]
    rows = [at_element(blocks, group, columns, f) for f in range(group.order)]
    weights = xp.concat(tuple(rows), axis=0)
    n = system.centres[0].shape[0]
    chosen = np.sort(rng.permutation(n)[:_points])
    at = xp.take(system.centres[0], xp.asarray(chosen, device=Z.device), axis=0)
    steep = slopes[name](squared_distances(at, Z) / system.metric.scale**2)
    squares = xp.zeros((Z.shape[1],) * 2, dtype=Z.dtype, device=Z.device)
    for i in range(at.shape[0]):
        bent = steep[i, :][:, None] * weights
        J = at[i, :][:, None] * xp.sum(bent, axis=0) - xp.matmul(xp.matrix_transpose(Z), bent)
        squares += xp.matmul(J, xp.matrix_transpose(J))
    return squares


def _principal(Y: Any) -> Any:
    """Return the principal directions of outputs, of the first ones if there are many."""
    xp = namespace(Y)
    Y = Y[: min(Y.shape[0], _points), :]
    Y = Y - xp.mean(Y, axis=0)
    count = min(_modes, *Y.shape)
    if Y.shape[1] <= Y.shape[0]:
        _, directions = xp.linalg.eigh(xp.matmul(xp.matrix_transpose(Y), Y))
        return directions[:, directions.shape[1] - count :]
    _, left = xp.linalg.eigh(xp.matmul(Y, xp.matrix_transpose(Y)))
    directions, _ = xp.linalg.qr(
        xp.matmul(xp.matrix_transpose(Y), left[:, left.shape[1] - count :])
    )
    return directions


def invariant(squares: Any, images: Sequence[Any], group: Group) -> Any:
    """Return the mean of a quadratic form over the group, which acts on features linearly.

    Parameters
    ----------
    squares : (r, r) array
    images : sequence of (n, r) array
        The features of samples and of their images, ``z_f = z R_fᵀ``.
    group : Group
    """
    if group.order == 1:
        return squares
    xp = namespace(squares)
    spread = xp.sqrt(sum(xp.sum(z * z, axis=0) for z in images))
    unit = [z / spread for z in images]  # features differ in size by many orders
    normal = sum(xp.matmul(xp.matrix_transpose(z), z) for z in unit)
    total = xp.zeros_like(squares)
    for f in range(group.order):
        mixed = sum(
            xp.matmul(xp.matrix_transpose(z), unit[int(group.table[f, g])])
            for g, z in enumerate(unit)
        )
        R = xp.linalg.solve(normal, mixed) * spread / spread[:, None]
        total = total + xp.matmul(R, xp.matmul(squares, xp.matrix_transpose(R)))
    return (total + xp.matrix_transpose(total)) / (2 * group.order)


def powered(squares: Any, power: float) -> Any:
    """Return ``Q (λ/λ₁)^power`` of the eigenvalues ``λ`` that matter, an (r, q) array."""
    xp = namespace(squares)
    levels, Q = xp.linalg.eigh(squares)
    top = xp.where(levels > 0, levels, xp.zeros_like(levels)) / levels[-1]
    factors = top**power
    count = int(xp.sum(xp.astype(factors > _least, xp.int64)))
    return Q[:, Q.shape[1] - count :] * factors[factors.shape[0] - count :]
