"""Decisions and updates of a learner that knows how over-relaxation converges.

The knob is seen in the coordinate ``x = ln((2 − ω)/ω)``, which maps (0, 2) to the real line. With
``s = eˣ`` and ``q = √(1 − β²)``, Young's relation between the rate ``λ`` of SOR and the Jacobi
radius ``β`` reads ``√λ = (√(1 − q²) + √(s² − q²))/(1 + s)`` for ``s ≥ q``, and
``λ = (1 − s)/(1 + s)`` for ``s ≤ q``: the best place is ``x = v`` with ``v = ln q``.

What is learned stands in arrays, which `learn` changes in place: ``mean`` (p,) and ``covariance``
(p, p) of the coefficients of ``v`` in Chebyshev polynomials of the context; ``table`` (5, m) with
the losses, the losses predicted, and the predictions for ``x = v``, summed over the plays nearest
to each of ``m`` offsets, and the latest failures and successes there; and ``sums`` (8,): squared
deviations of ``v`` from what the context tells and their number, all losses and all predictions,
squared relative errors of the predicted losses and their number, the plays, and the sign of the
latest surprise, 0 if there is none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Of x from v: fine near the prediction, and reaching far to the left of ω*; a choice.
offsets = 0.1 * np.sinh(0.4 * np.arange(-8, 11))
centre = 8  # the place of offset 0
growth = np.exp(offsets)
lowest, highest = -16.0, -1e-3  # of v: beyond, SOR takes 1e7 iterations, or one
# Chosen by trial on the problems that benchmarks/problems_learning.py calls DEVELOPMENT, those from
# `anchor` to `fading` on made-up losses; results depend little on any but `visible` and `drift`.
visible = 0.1  # x − v from which on the rate is taken to tell v
uncertain = 0.05  # standard deviation of v above which its place is looked for
spread_share = 0.3  # the same, as a share of the spread of v around what the context tells
margin, farthest = 0.15, 0.2  # how far below ω*, where the rate tells v
nearest_look, farthest_look = 0.4, 1.0  # of x from v, in the rare looks to the left
jump = 0.25  # of v, from which on a surprise is taken for a change
recent = 3.0  # observations that the spread of before is worth after a change
drift = 0.3  # standard deviation of the change of the correction per √(unit of x)
anchor = 1.0  # inverse variance of the correction at offset 0
stale = 0.1  # a move of the estimate by which the table loses most of its weight
patience = 4.0  # plays for every rate that is seen, up to which v is looked for
surcharge = 4.0  # what an attempt that was given up is taken to cost more, as a factor
doubt = 0.02  # successes that are added to those seen
fading = 0.98  # factor by which every play lessens the weight of earlier failures and successes
outlier = 4.0  # standard deviations of a rate, and errors of a loss over the prediction, that count
least_level = 1e-300
least_variance = 1e-4  # of v around what the context tells, and of relative losses
# Gauss-Hermite quadrature of a standard normal variable
nodes = np.array(
    [-2.856970013872806, -1.355626179974266, 0.0, 1.355626179974266, 2.856970013872806]
)
masses = np.array([0.01125741132772, 0.22207592200561, 0.53333333333334, 0.22207592200561,
                   0.01125741132772])  # fmt: skip


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
    """Return the ``x`` to play.

    Parameters
    ----------
    place : (d,) array
        The context in ``[-1, 1]^d``.
    exponents : (p, d) array of int
        Degrees of the features.
    mean, covariance, table, sums
        See the module.
    normals : (m,) array
        A draw of standard normal variables, or zeros.
    explore : bool
        Whether to look for ``v``, to the left of ``ω*``, where it is uncertain.
    look : bool
        Whether to look there, and farther, though it is certain: right of ``ω*``, neither rates
        nor losses depend on ``v``, and nothing tells that it rose.

    Notes
    -----
    Elsewhere, it is the offset of least cost in a draw of the cost curve: `excess` plus a
    correction, whose prior is a random walk along the offsets, and on which every play was a noisy
    look. The precision of its posterior is tridiagonal: ``L Lᵀ δ = right + L normals``.
    """
    phi = features(place, exponents)
    v, variance, _ = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], least_variance)
    deviation = math.sqrt(variance)
    known = max(uncertain, spread_share * math.sqrt(spread))
    if sums[6] < patience * sums[1]:
        if explore and deviation > known:
            return _inside(v) + min(margin + deviation, farthest)
        if look or sums[7] > 0:
            surprising = visible + outlier * math.sqrt(variance + spread)
            return _inside(v) + min(max(surprising, nearest_look), farthest_look)
    level = _level(sums)
    noise = max(sums[4] / sums[5], least_variance)
    m = offsets.size
    diagonal, below, shift = np.empty(m), np.empty(m), np.empty(m)
    link = 0.0
    for j in range(m):
        after = 1 / (drift * drift * (offsets[j + 1] - offsets[j])) if j + 1 < m else 0.0
        pivot = table[2, j] / noise + link + after
        if j == centre:
            pivot += anchor
        right = (table[0, j] / level - table[1, j]) / noise
        if j > 0:
            pivot -= below[j - 1] * below[j - 1]
            right -= below[j - 1] * shift[j - 1]
        diagonal[j] = math.sqrt(pivot)
        below[j] = -after / diagonal[j]
        shift[j] = right / diagonal[j]
        link = after
    scales = np.exp(-math.sqrt(variance + spread) * nodes)
    best, least, correction = 0, math.inf, 0.0
    for j in range(m - 1, -1, -1):
        right = shift[j] + normals[j]
        if j + 1 < m:
            right -= below[j] * correction
        correction = right / diagonal[j]
        cost = _excess(growth[j], scales)
        if table[3, j] > 0:
            cost *= 1 + surcharge * table[3, j] / (table[4, j] + doubt)
        cost += correction
        if cost <= least:
            best, least = j, cost
    return _inside(v) + offsets[best]


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
    """Learn from a play at ``omega``.

    Parameters
    ----------
    place, exponents, mean, covariance, table, sums
        See `decide`.
    prior : (p,) array
        Variances of the coefficients before anything was seen.
    discount : float
        Factor on the weight of the past.
    rate : float
        The rate of convergence; not positive if none was seen.
    loss : float
        What it cost.
    censored : bool
        Whether the attempt was given up.
    """
    phi = features(place, exponents)
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
        table *= math.exp(-((moved / stale) ** 2))
    v, variance, _ = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], least_variance)
    _charge(x, loss, censored, _inside(v), variance + spread, table, sums, discount)


def features(place: Any, exponents: Any) -> Any:
    """Return products of Chebyshev polynomials."""
    phi = np.ones(exponents.shape[0])
    for k in range(exponents.shape[1]):
        for i in range(phi.size):
            before, value = place[k], 1.0  # T₋₁ = T₁
            for _ in range(exponents[i, k]):
                before, value = value, 2 * place[k] * value - before
            phi[i] *= value
    return phi


def _moments(phi: Any, mean: Any, covariance: Any) -> tuple[float, float, Any]:
    """Return mean and variance of ``v``, and its covariance with the coefficients."""
    v, variance, gain = 0.0, 0.0, np.zeros(phi.size)
    for i in range(phi.size):
        for j in range(phi.size):
            gain[i] += covariance[i, j] * phi[j]
        v += mean[i] * phi[i]
        variance += gain[i] * phi[i]
    return v, max(variance, 0.0), gain


def _inside(v: float) -> float:
    return min(max(v, lowest), highest)


def _unit(v: float) -> float:
    """Return what a nat of reduction costs at ``ω*``: ``1/(−ln λ) = 1/(2 artanh q)``."""
    q = math.exp(v)
    return 1 / math.log((1 + q) / (1 - q))


def _level(sums: Any) -> float:
    """Return the factor between losses and predictions; 1 where it says nothing."""
    level = sums[2] / sums[3] if sums[3] > 0 else 0.0
    return level if level > least_level else 1.0


def _excess(ratio: float, scales: Any) -> float:
    """Return the mean cost at ``v + g`` over that at ``v``, of a ``v`` that is normal.

    For small ``q``, ``−ln λ = 2 q (r − √(r² − 1))`` with ``r = s/q ≥ 1``, and ``2 s`` if ``r ≤ 1``.
    ``ratio`` is ``e^g``; ``scales`` are what the nodes of the quadrature make of ``1/q``.
    """
    total = 0.0
    for k in range(scales.size):
        r = ratio * scales[k]
        total += masses[k] * scales[k] * (r + math.sqrt(r * r - 1) if r > 1 else 1 / r)
    return total


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
    """Learn ``v`` from a rate, by a step of the Kalman filter; return by how much it moved.

    Where ``ω`` is not clearly below ``ω*``, a rate tells only that ``v ≥ x − visible``. What is
    then known is approximated by the normal distribution of equal mean and variance. After two
    large surprises of one sign in a row, all coefficients are as uncertain as at first.
    """
    v, variance, gain = _moments(phi, mean, covariance)
    spread = max(sums[0] / sums[1], least_variance)
    total = variance + spread
    deviation = math.sqrt(total)
    beta = (rate + omega - 1) / (omega * math.sqrt(rate))
    seen = 0.5 * math.log1p(-beta * beta) if beta < 1 else lowest
    told = rate > omega - 1 and seen < x - visible
    error = _inside(seen) - v if told else max(x - visible - v, 0.0)
    sums[0] *= discount
    sums[1] *= discount
    surprise = math.copysign(1.0, error) if abs(error) > max(outlier * deviation, jump) else 0.0
    changed = surprise != 0 and surprise == sums[7]
    if told or surprise != 0:
        sums[7] = surprise
    if changed:
        kept = min(recent / sums[1], 1.0)
        sums[6] *= kept
        sums[0] = kept * sums[0] + spread * (spread * outlier**2 + variance) / total
        sums[1] = kept * sums[1] + 1
        for i in range(phi.size):
            for j in range(phi.size):
                covariance[i, j] = prior[i] if i == j else 0.0
        v, variance, gain = _moments(phi, mean, covariance)
        total = variance + spread
        deviation = math.sqrt(total)
    if told:
        error = min(max(error, -outlier * deviation), outlier * deviation)
        pull, share, square = error / total, 1 / total, error * error
    else:
        z = (x - visible - v) / deviation
        if z > 6:
            mills = z + 1 / z
        else:
            mills = math.exp(-z * z / 2) / math.sqrt(math.pi / 2) / math.erfc(z / math.sqrt(2))
        mills = min(mills, outlier)
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
        # what was learned under a spread that was taken to be smaller is less certain by as much
        grown = sums[0] / sums[1] / spread
        for i in range(prior.size):
            grown = min(grown, prior[i] / covariance[i, i])
        if grown > 1:
            covariance *= grown
    return pull * variance


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
    """Enter a loss at the offset nearest to that at which it was played."""
    unit = _unit(v)
    g = min(max(x - v, offsets[0]), offsets[-1])
    near = 0
    for j in range(offsets.size):
        if abs(offsets[j] - g) < abs(offsets[near] - g):
            near = j
    expected = _excess(math.exp(g), np.exp(-math.sqrt(variance) * nodes)) * unit
    sums[6] += 1
    table[3:] *= fading
    table[3 if censored else 4, near] += 1
    if censored:
        return
    sums[2] += loss
    sums[3] += expected
    level = _level(sums)
    if table[2, near] > 1e-9:
        usual = (table[0, near] / level - table[1, near]) / table[2, near]
        error = min(max((loss / level - expected) / unit - usual, -outlier), outlier)
        sums[4] = discount * sums[4] + error * error
        sums[5] = discount * sums[5] + 1
    table[0, near] += loss
    table[1, near] += expected
    table[2, near] += unit
