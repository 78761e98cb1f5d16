"""Regressions of the losses of arms on Chebyshev polynomials of a context, one for each arm.

Loops over few arms and coefficients are what a compiler wants, so these plain functions are the
source of their twins.

The data of arm ``i`` stand in its normal equations ``gram[i] θ = moments[i]``, to which a round
adds ``φ φᵀ`` and ``loss φ``; ``φ_j = Π_k T_{exponents[j, k]}(place[k])`` are the polynomials at
the place of the context in ``[−1, 1]^k``. ``work`` is space for ``4 + m`` rows of ``m`` numbers.
"""

from __future__ import annotations

import math
from typing import Any

_least_ridge = 1e-9  # of the weight: stands for the smallest of several solutions


def polynomials(place: Any, exponents: Any, phi: Any) -> None:
    """Write the products of Chebyshev polynomials ``Π_k T_{exponents[j, k]}(place[k])``."""
    for j in range(phi.size):
        phi[j] = 1.0
        for k in range(place.size):
            value = 1.0
            following = place[k]
            for _ in range(exponents[j, k]):
                value, following = following, 2 * place[k] * following - value
            phi[j] *= value


def inner(u: Any, v: Any) -> float:
    """Return ``⟨u, v⟩``."""
    total = 0.0
    for j in range(u.size):
        total += u[j] * v[j]
    return total


def add(gram: Any, moments: Any, arm: int, phi: Any, loss: float, discount: float) -> None:
    """Add a round to the normal equations of its arm, then discount those of all arms."""
    m = phi.size
    for j in range(m):
        moments[arm, j] += loss * phi[j]
        for k in range(m):
            gram[arm, j, k] += phi[j] * phi[k]
    if discount < 1:
        for i in range(gram.shape[0]):
            for j in range(m):
                moments[i, j] *= discount
                for k in range(m):
                    gram[i, j, k] *= discount


def solve_in_box(gram: Any, moments: Any, ridge: float, bounds: Any, theta: Any, work: Any) -> None:
    """Write the minimiser of ``½ θᵀ(gram + ridge I)θ − momentsᵀθ`` in a box to ``theta``.

    The box is ``|θ_j| ≤ bounds_j``. An active-set method from zero: the minimiser over the free
    coefficients is approached until the first of them meets its bound, where it is held; once all
    stay inside, the held one that the slope pushes inside most is freed. Without a bound in the
    way, that is one Cholesky factorisation, ``O(m³)``.
    """
    m = theta.size
    target = work[1]
    free = work[2]
    factor = work[3:]
    for j in range(m):
        theta[j] = 0.0
        free[j] = 1.0
    for _ in range(4 * m):
        for i in range(m):  # Cholesky's, where held coefficients have rows of the identity
            right = moments[i] if free[i] else theta[i]
            for j in range(i):
                value = 0.0
                if free[i] and free[j]:
                    value = gram[i, j]
                    for k in range(j):
                        value -= factor[i, k] * factor[j, k]
                    value /= factor[j, j]
                elif free[i]:
                    right -= gram[i, j] * theta[j]
                factor[i, j] = value
                right -= value * target[j]
            pivot = 1.0
            if free[i]:
                pivot = gram[i, i] + ridge
                for k in range(i):
                    pivot -= factor[i, k] * factor[i, k]
                for j in range(i + 1, m):
                    if not free[j]:
                        right -= gram[i, j] * theta[j]
                pivot = math.sqrt(max(pivot, ridge))
            factor[i, i] = pivot
            target[i] = right / pivot
        step = 1.0
        held = -1
        for i in range(m - 1, -1, -1):
            for k in range(i + 1, m):
                target[i] -= factor[k, i] * target[k]
            target[i] /= factor[i, i]
            if free[i] and abs(target[i]) > bounds[i]:
                way = (math.copysign(bounds[i], target[i]) - theta[i]) / (target[i] - theta[i])
                if held < 0 or way < step:
                    step = way
                    held = i
        for i in range(m):
            if free[i]:
                theta[i] += step * (target[i] - theta[i])
        if held >= 0:
            theta[held] = math.copysign(bounds[held], target[held])
            free[held] = 0.0
            continue
        worst = 0.0
        for i in range(m):
            if not free[i]:
                slope = (inner(gram[i], theta) + ridge * theta[i] - moments[i]) * theta[i]
                if slope > worst:
                    worst = slope
                    held = i
        if held < 0:
            break
        free[held] = 1.0


def gap_probabilities(
    place: Any, exponents: Any, theta: Any, sums: Any, alpha: float, p: Any, work: Any
) -> None:
    """Write ``p_i = 1/(d + η (ŷ_i − min ŷ))`` for the predictions ``ŷ = θ φ``.

    The arm of the least prediction gets the rest. ``sums`` are those of `learn_in_box`, from which
    `structlin.solvers.ChebCB` says how ``η`` follows.
    """
    spread = sums[0] + 2 * sums[1] * (alpha * sums[2]) * (alpha * sums[2])
    speed = 0.0  # before anything is known of the losses
    if spread > 0:
        speed = 2 * sums[1] * math.sqrt(p.size * sums[1] / spread)
    polynomials(place, exponents, work[0])
    best = 0
    for i in range(p.size):
        p[i] = inner(theta[i], work[0])
        if p[i] < p[best]:
            best = i
    least = p[best]
    rest = 1.0
    for i in range(p.size):
        if i != best:
            p[i] = 1 / (p.size + speed * (p[i] - least))
            rest -= p[i]
    p[best] = rest


def draw_by_gaps(
    place: Any, exponents: Any, theta: Any, sums: Any, alpha: float, level: float, p: Any, work: Any
) -> int:
    """Return the arm at which the cumulative `gap_probabilities` reach ``level``."""
    gap_probabilities(place, exponents, theta, sums, alpha, p, work)
    total = 0.0
    for i in range(p.size):
        total += p[i]
        if total >= level:
            return i
    return int(p.size - 1)


def fit_in_box(
    gram: Any, moments: Any, sums: Any, box: Any, which: int, theta: Any, work: Any
) -> None:
    """Fit arm ``which``, or all arms if it is negative, in ``box`` times the largest loss."""
    bounds = work[theta.shape[1] + 3]
    for j in range(bounds.size):
        bounds[j] = sums[2] * box[j]
    for i in range(theta.shape[0]):
        if (which < 0 or i == which) and gram[i, 0, 0] > 0:
            ridge = _least_ridge * gram[i, 0, 0]
            solve_in_box(gram[i], moments[i], ridge, bounds, theta[i], work)


def learn_in_box(
    place: Any,
    exponents: Any,
    theta: Any,
    gram: Any,
    moments: Any,
    sums: Any,
    box: Any,
    arm: int,
    loss: float,
    discount: float,
    work: Any,
) -> None:
    """Add a round of `ChebCB` and fit again.

    ``sums`` holds the squared errors of the predictions, the weight of the rounds, and the
    largest loss. When that has changed, all arms are fitted again.
    """
    polynomials(place, exponents, work[0])
    error = loss - inner(theta[arm], work[0])
    which = -1 if loss > sums[2] or discount < 1 else arm
    sums[0] = discount * (sums[0] + error * error)
    sums[1] = discount * (sums[1] + 1.0)
    sums[2] = discount * max(sums[2], loss)
    add(gram, moments, arm, work[0], loss, discount)
    fit_in_box(gram, moments, sums, box, which, theta, work)


def factorise(gram: Any, moments: Any, prior: Any, factor: Any, theta: Any) -> None:
    """Write Cholesky's ``L Lᵀ = gram + diag(prior)`` to ``factor``, and its solution to ``theta``.

    ``theta`` solves ``L Lᵀ θ = moments``.
    """
    m = theta.size
    for i in range(m):
        theta[i] = moments[i]
        for j in range(i):
            value = gram[i, j]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            factor[i, j] = value / factor[j, j]
            theta[i] -= factor[i, j] * theta[j]
        pivot = gram[i, i] + prior[i]
        for k in range(i):
            pivot -= factor[i, k] * factor[i, k]
        factor[i, i] = math.sqrt(max(pivot, prior[i]))
        theta[i] /= factor[i, i]
    for i in range(m - 1, -1, -1):
        for k in range(i + 1, m):
            theta[i] -= factor[k, i] * theta[k]
        theta[i] /= factor[i, i]


def fit_posteriors(
    gram: Any,
    moments: Any,
    squares: Any,
    sums: Any,
    prior: Any,
    which: int,
    factor: Any,
    theta: Any,
    variances: Any,
) -> None:
    """Write the posteriors of arm ``which``, or of all arms if it is negative."""
    common = sums[0] / sums[1] if sums[1] > 0 else 1.0
    for i in range(squares.size):
        if which < 0 or i == which:
            factorise(gram[i], moments[i], prior, factor[i], theta[i])
        unexplained = max(squares[i] - inner(moments[i], theta[i]), 0.0)
        variances[i] = (common + unexplained) / (1.0 + gram[i, 0, 0])


def draw_from_posteriors(
    place: Any,
    exponents: Any,
    theta: Any,
    factor: Any,
    variances: Any,
    normals: Any,
    work: Any,
) -> int:
    """Return the arm whose loss is least in one draw from the posteriors of all.

    The loss of arm ``i`` is ``N(⟨θ_i, φ⟩, s_i² ‖L_i⁻¹ φ‖²)``, with the variances ``s_i²`` and
    standard ``normals``.
    """
    polynomials(place, exponents, work[0])
    least = math.inf
    best = 0
    for i in range(variances.size):
        total = 0.0
        for j in range(work.shape[1]):
            value = work[0, j]
            for k in range(j):
                value -= factor[i, j, k] * work[1, k]
            value /= factor[i, j, j]
            work[1, j] = value
            total += value * value
        drawn = inner(theta[i], work[0]) + math.sqrt(variances[i] * total) * normals[i]
        if drawn < least:
            least = drawn
            best = i
    return best


def learn_posteriors(
    place: Any,
    exponents: Any,
    theta: Any,
    gram: Any,
    moments: Any,
    squares: Any,
    sums: Any,
    prior: Any,
    factor: Any,
    variances: Any,
    arm: int,
    loss: float,
    discount: float,
    work: Any,
) -> None:
    """Add a round of `ThompsonSampling` and write the posteriors that change.

    ``sums`` holds the total of the squared losses, the weight of the rounds, and the largest loss;
    ``squares`` the squared losses of each arm.
    """
    polynomials(place, exponents, work[0])
    squares[arm] += loss * loss
    sums[0] = discount * (sums[0] + loss * loss)
    sums[1] = discount * (sums[1] + 1.0)
    sums[2] = discount * max(sums[2], loss)
    add(gram, moments, arm, work[0], loss, discount)
    which = arm
    if discount < 1:
        which = -1
        for i in range(squares.size):
            squares[i] *= discount
    fit_posteriors(gram, moments, squares, sums, prior, which, factor, theta, variances)
