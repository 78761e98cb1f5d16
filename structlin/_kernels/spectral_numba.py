"""CPU twins of the spectral learner's decision and update, without arrays in between."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import spectral

_offsets, _growth, _centre = spectral.offsets, spectral.growth, spectral.centre
_nodes, _masses = spectral.nodes, spectral.masses
_lowest, _highest = spectral.lowest, spectral.highest
_visible, _uncertain, _spread_share = spectral.visible, spectral.uncertain, spectral.spread_share
_margin, _farthest = spectral.margin, spectral.farthest
_nearest_look, _farthest_look = spectral.nearest_look, spectral.farthest_look
_jump, _recent = spectral.jump, spectral.recent
_drift, _anchor = spectral.drift, spectral.anchor
_stale, _fading = spectral.stale, spectral.fading
_surcharge, _doubt, _patience = spectral.surcharge, spectral.doubt, spectral.patience
_outlier = spectral.outlier
_least_level, _least_variance = spectral.least_level, spectral.least_variance


@njit(cache=True)
def decide(
    place: Any,
    exponents: Any,
    mean: Any,
    covariance: Any,
    table: Any,
    sums: Any,
    normals: Any,
    explore: bool,
    look: bool,
) -> float:
    """Compiled twin of `structlin._kernels.spectral.decide`."""
    phi = _features(place, exponents)
    v, variance, _ = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], _least_variance)
    deviation = math.sqrt(variance)
    known = max(_uncertain, _spread_share * math.sqrt(spread))
    if sums[6] < _patience * sums[1]:
        if explore and deviation > known:
            return _inside(v) + min(_margin + deviation, _farthest)
        if look or sums[7] > 0:
            surprising = _visible + _outlier * math.sqrt(variance + spread)
            return _inside(v) + min(max(surprising, _nearest_look), _farthest_look)
    level = _level(sums)
    noise = max(sums[4] / sums[5], _least_variance)
    m = _offsets.size
    diagonal, below, shift = np.empty(m), np.empty(m), np.empty(m)
    link = 0.0
    for j in range(m):
        after = 1 / (_drift * _drift * (_offsets[j + 1] - _offsets[j])) if j + 1 < m else 0.0
        pivot = table[2, j] / noise + link + after
        if j == _centre:
            pivot += _anchor
        right = (table[0, j] / level - table[1, j]) / noise
        if j > 0:
            pivot -= below[j - 1] * below[j - 1]
            right -= below[j - 1] * shift[j - 1]
        diagonal[j] = math.sqrt(pivot)
        below[j] = -after / diagonal[j]
        shift[j] = right / diagonal[j]
        link = after
    scales = np.exp(-math.sqrt(variance + spread) * _nodes)
    best, least, correction = 0, math.inf, 0.0
    for j in range(m - 1, -1, -1):
        right = shift[j] + normals[j]
        if j + 1 < m:
            right -= below[j] * correction
        correction = right / diagonal[j]
        cost = _excess(_growth[j], scales)
        if table[3, j] > 0:
            cost *= 1 + _surcharge * table[3, j] / (table[4, j] + _doubt)
        cost += correction
        if cost <= least:
            best, least = j, cost
    return _inside(v) + _offsets[best]


@njit(cache=True)
def learn(
    place: Any,
    exponents: Any,
    mean: Any,
    covariance: Any,
    table: Any,
    sums: Any,
    prior: Any,
    discount: float,
    omega: float,
    rate: float,
    loss: float,
    censored: bool,
) -> None:
    """Compiled twin of `structlin._kernels.spectral.learn`."""
    phi = _features(place, exponents)
    if discount < 1:
        forgotten = (1 - discount) ** 2
        for i in range(mean.size):
            for j in range(mean.size):
                covariance[i, j] *= 1 - forgotten
            covariance[i, i] += forgotten * prior[i]
        table *= discount
        sums[2] *= discount
        sums[3] *= discount
        sums[6] *= discount
    x = math.log((2 - omega) / omega)
    if 0 < rate < 1 and rate + omega > 1:
        moved = _observe(omega, x, rate, phi, mean, covariance, sums, prior, discount)
        table *= math.exp(-((moved / _stale) ** 2))
    v, variance, _ = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], _least_variance)
    _charge(x, loss, censored, _inside(v), variance + spread, table, sums, discount)


@njit(cache=True)
def _features(place: Any, exponents: Any) -> Any:
    phi = np.ones(exponents.shape[0])
    for k in range(exponents.shape[1]):
        for i in range(phi.size):
            before, value = place[k], 1.0  # T₋₁ = T₁
            for _ in range(exponents[i, k]):
                before, value = value, 2 * place[k] * value - before
            phi[i] *= value
    return phi


@njit(cache=True)
def _moments(phi: Any, mean: Any, covariance: Any) -> tuple[float, float, Any]:
    v, variance, gain = 0.0, 0.0, np.zeros(phi.size)
    for i in range(phi.size):
        for j in range(phi.size):
            gain[i] += covariance[i, j] * phi[j]
        v += mean[i] * phi[i]
        variance += gain[i] * phi[i]
    return v, max(variance, 0.0), gain


@njit(cache=True)
def _inside(v: float) -> float:
    return min(max(v, _lowest), _highest)


@njit(cache=True)
def _unit(v: float) -> float:
    q = math.exp(v)
    return 1 / math.log((1 + q) / (1 - q))


@njit(cache=True)
def _level(sums: Any) -> float:
    level = sums[2] / sums[3] if sums[3] > 0 else 0.0
    return level if level > _least_level else 1.0


@njit(cache=True)
def _excess(ratio: float, scales: Any) -> float:
    total = 0.0
    for k in range(scales.size):
        r = ratio * scales[k]
        total += _masses[k] * scales[k] * (r + math.sqrt(r * r - 1) if r > 1 else 1 / r)
    return total


@njit(cache=True)
def _observe(
    omega: float,
    x: float,
    rate: float,
    phi: Any,
    mean: Any,
    covariance: Any,
    sums: Any,
    prior: Any,
    discount: float,
) -> float:
    v, variance, gain = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], _least_variance)
    total = variance + spread
    deviation = math.sqrt(total)
    beta = (rate + omega - 1) / (omega * math.sqrt(rate))
    seen = 0.5 * math.log1p(-beta * beta) if beta < 1 else _lowest
    told = rate > omega - 1 and seen < x - _visible
    error = _inside(seen) - v if told else max(x - _visible - v, 0.0)
    sums[0] *= discount
    sums[1] *= discount
    surprise = math.copysign(1.0, error) if abs(error) > max(_outlier * deviation, _jump) else 0.0
    changed = surprise != 0 and surprise == sums[7]
    if told or surprise != 0:
        sums[7] = surprise
    if changed:
        kept = min(_recent / sums[1], 1.0)
        sums[6] *= kept
        sums[0] = kept * sums[0] + spread * (spread * _outlier**2 + variance) / total
        sums[1] = kept * sums[1] + 1
        for i in range(phi.size):
            for j in range(phi.size):
                covariance[i, j] = prior[i] if i == j else 0.0
        v, variance, gain = _moments(phi, mean, covariance)
        total = variance + spread
        deviation = math.sqrt(total)
    if told:
        error = min(max(error, -_outlier * deviation), _outlier * deviation)
        pull, share, square = error / total, 1 / total, error * error
    else:
        z = (x - _visible - v) / deviation
        if z > 6:
            mills = z + 1 / z
        else:
            mills = math.exp(-z * z / 2) / math.sqrt(math.pi / 2) / math.erfc(z / math.sqrt(2))
        mills = min(mills, _outlier)
        pull = mills / deviation
        share = min(max(mills * (mills - z), 0.0), 1.0) / total
        square = total * max(1 + z * mills, 0.0)
    for i in range(phi.size):
        mean[i] += pull * gain[i]
        for j in range(phi.size):
            covariance[i, j] -= share * gain[i] * gain[j]
    if not changed:
        sums[0] += spread * (spread * square / total + variance) / total
        sums[1] += 1
        grown = sums[0] / sums[1] / spread
        for i in range(prior.size):
            grown = min(grown, prior[i] / covariance[i, i])
        if grown > 1:
            covariance *= grown
    return pull * variance


@njit(cache=True)
def _charge(
    x: float,
    loss: float,
    censored: bool,
    v: float,
    variance: float,
    table: Any,
    sums: Any,
    discount: float,
) -> None:
    unit = _unit(v)
    g = min(max(x - v, _offsets[0]), _offsets[-1])
    near = 0
    for j in range(_offsets.size):
        if abs(_offsets[j] - g) < abs(_offsets[near] - g):
            near = j
    expected = _excess(math.exp(g), np.exp(-math.sqrt(variance) * _nodes)) * unit
    sums[6] += 1
    table[3:] *= _fading
    table[3 if censored else 4, near] += 1
    if censored:
        return
    sums[2] += loss
    sums[3] += expected
    level = _level(sums)
    if table[2, near] > 1e-9:
        usual = (table[0, near] / level - table[1, near]) / table[2, near]
        error = min(max((loss / level - expected) / unit - usual, -_outlier), _outlier)
        sums[4] = discount * sums[4] + error * error
        sums[5] = discount * sums[5] + 1
    table[0, near] += loss
    table[1, near] += expected
    table[2, near] += unit
