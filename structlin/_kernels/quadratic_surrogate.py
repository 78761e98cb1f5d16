"""A model of the logarithm of a loss, quadratic in knobs: its minimiser, and its Kalman filter.

The model is ``y = Σ_i θ_i φ_i(u, z)``. A feature is a product of powers of the knobs ``u`` and of
Chebyshev polynomials of the contexts ``z``, both in ``[-1, 1]``; row ``i`` of ``exponents`` says
which: first the powers, of total degree at most 2, then the degrees. Feature 0 is the constant 1.

All that is known stands in ``model``, a (p + 4, p) array: the covariance of ``θ`` (p rows), ``θ``,
its mean and variance before anything was seen, and a row that begins with the variance of the
noise and the number of observations which that comes from. A ``point`` is a context, the knobs
that were thought best for it, and those that were played: c + d + d numbers. One array instead of
many because a compiled function spends longer on unpacking its arguments than on a dozen features.

Loops are what a compiler wants, so these plain functions are the source of their twins.
"""

from __future__ import annotations

import math
from typing import Any

# Chosen by trial, with the prior, on SSOR-CG: heat equations on other grids than the published one
# (16 and 40 intervals), and random right-hand sides on 24 × 24 and 10 × 10 × 10 points.
boldness = 0.7  # a step, over the standard deviation of the minimiser
exploring = 0.5  # probability of a step
# Costs of a step as the model sees them, in ln loss: what is nothing, also as a share of the
# variance of the noise, and what is too much. Chosen by trial on made-up losses with steep valleys.
negligible, negligible_share, dearest = 0.001, 0.1, 0.1
usual_noise = 0.1  # standard deviation of ln loss, for which the prior was chosen
level_step = 0.1  # variance of the constant's step in every round, over that of the noise
least_noise = 0.02
noise_memory = 50.0  # rounds
most_deviations = 5.0  # of an observation that is believed
censored_excess = math.log(4.0)  # by which what was given up is taken to cost more


def chebyshev_products(exponents: Any, z: Any, products: Any) -> None:
    """Write the product of the Chebyshev polynomials of the contexts for every feature."""
    first = exponents.shape[1] - z.size
    for i in range(exponents.shape[0]):
        product = 1.0
        for j in range(z.size):
            value, following = 1.0, z[j]
            for _ in range(exponents[i, first + j]):
                value, following = following, 2 * z[j] * following - value
            product *= value
        products[i] = product


def minimise_over_box(gradient: Any, hessian: Any, u: Any) -> None:
    """Write the minimiser of ``⟨gradient, u⟩ + ½ ⟨u, hessian u⟩`` over ``[-1, 1]^d``.

    By coordinate descent from ``u``: exact at once for one knob.
    """
    d = u.size
    for _ in range(1 if d == 1 else 100):
        largest = 0.0
        for k in range(d):
            slope = gradient[k]
            for m in range(d):
                if m != k:
                    slope += hessian[k, m] * u[m]
            value = min(max(-slope / hessian[k, k], -1.0), 1.0)
            largest = max(largest, abs(value - u[k]))
            u[k] = value
        if largest < 1e-9:
            break


def step_of_cost(cost: float, slope: float, curvature: float) -> float:
    """Return the positive root of ``slope x + ½ curvature x² = cost``."""
    return 2 * cost / (slope + math.sqrt(slope * slope + 2 * curvature * cost))


def propose(
    exponents: Any, model: Any, ranges: Any, limits: Any, draw: float, point: Any, work: Any
) -> None:
    """Choose the knobs for a context: the minimiser, or steps off it.

    The step of a knob is `boldness` times the standard deviation of its slope at the minimiser,
    over its curvature: longer if that is thought to cost nothing, shorter if it is thought to cost
    more than `dearest`.

    Parameters
    ----------
    exponents : (p, d + c) array of int
        The features.
    model : (p + 4, p) array
        What is known.
    ranges : (c, 2) array
        Lower ends of the ranges of the contexts, and 2 over their lengths.
    limits : (d, 3) array
        The shortest and longest steps of the knobs, and the least second derivatives.
    draw : float
        Random number in [0, 1): steps are taken if it is below `exploring`.
    point : (c + 2 d,) array
        Begins with the context, which is scaled to ``[-1, 1]`` in place; the rest is overwritten.
    work : (d + 3, p) array
        Work space.
    """
    p, c, d = exponents.shape[0], ranges.shape[0], limits.shape[0]
    covariance, theta = model[:p], model[p]
    z, u = point[:c], point[c : c + d]
    products, hessian, gradient, slopes = work[0], work[1 : d + 1], work[d + 1], work[d + 2]
    for j in range(c):
        z[j] = (z[j] - ranges[j, 0]) * ranges[j, 1] - 1
    chebyshev_products(exponents, z, products)
    for k in range(d):
        u[k] = gradient[k] = 0.0
        for m in range(d):
            hessian[k, m] = 0.0
    for i in range(p):
        value = theta[i] * products[i]
        first = -1
        for k in range(d):
            if exponents[i, k] == 2:
                hessian[k, k] += 2 * value
            elif exponents[i, k] == 1 and first < 0:
                first = k
            elif exponents[i, k] == 1:
                hessian[first, k] += value
                hessian[k, first] += value
                first = d
        if 0 <= first < d:
            gradient[first] += value
    for k in range(d):
        hessian[k, k] = max(hessian[k, k], limits[k, 2])
    for k in range(d):  # diagonally dominant after scaling, and therefore convex
        for m in range(k):
            most = math.sqrt(hessian[k, k] * hessian[m, m]) / d
            hessian[k, m] = min(max(hessian[k, m], -most), most)
            hessian[m, k] = hessian[k, m]
    minimise_over_box(gradient[:d], hessian[:, :d], u)
    rest = draw / exploring
    for k in range(d):
        point[c + d + k] = u[k]
        if rest >= 1:
            continue
        for i in range(p):  # the derivatives of the features by the knob
            slope = 0.0
            if exponents[i, k] == 2:
                slope = 2 * u[k] * products[i]
            elif exponents[i, k] == 1:
                slope = products[i]
                for m in range(d):
                    if m != k and exponents[i, m] == 1:
                        slope *= u[m]
            slopes[i] = slope
        variance = 0.0
        for i in range(p):
            if slopes[i] != 0:
                for j in range(p):
                    variance += slopes[i] * covariance[i, j] * slopes[j]
        rest *= 2  # its bits are the directions
        side = -1.0
        if rest >= 1:
            rest -= 1
            side = 1.0
        rise = gradient[k]
        for m in range(d):
            rise += hessian[k, m] * u[m]
        rise = max(side * rise, 0.0)
        nothing = max(negligible, negligible_share * model[p + 3, 0])
        step = boldness * math.sqrt(max(variance, 0.0)) / hessian[k, k]
        step = max(step, limits[k, 0], step_of_cost(nothing, rise, hessian[k, k]))
        step = min(step, limits[k, 1], step_of_cost(dearest, rise, hessian[k, k]))
        point[c + d + k] = min(max(u[k] + side * step, -1.0), 1.0)


def observe(
    theta: Any, covariance: Any, features: Any, y: float, variance: float, gains: Any
) -> tuple[float, float]:
    """Learn from ``y = ⟨features, θ⟩ + noise`` of that variance; return innovation and variance.

    An innovation beyond `most_deviations` of its own standard deviations counts as so much noisier
    that it moves the coefficients only as far as one at that limit.
    """
    p = theta.size
    innovation = y
    for i in range(p):
        innovation -= features[i] * theta[i]
        gain = 0.0
        for j in range(p):
            gain += covariance[i, j] * features[j]
        gains[i] = gain
    for i in range(p):
        variance += features[i] * gains[i]
    variance = max(variance, abs(innovation) * math.sqrt(variance) / most_deviations)
    for i in range(p):
        theta[i] += gains[i] * innovation / variance
        for j in range(p):
            covariance[i, j] -= gains[i] * gains[j] / variance
    return innovation, variance


def learn(
    exponents: Any,
    model: Any,
    point: Any,
    knobs: int,
    y: float,
    censored: bool,
    kept: float,
    place: int,
    work: Any,
) -> None:
    """Forget a little, let the level step, and learn from an observation.

    Parameters
    ----------
    exponents : (p, d + c) array of int
        The features.
    model : (p + 4, p) array
        What is known; overwritten.
    point : (c + 2 d,) array
        The context, the knobs that were thought best, and those played, as `propose` leaves them.
    knobs : int
        Their number ``d``.
    y : float
        The logarithm of the loss.
    censored : bool
        Whether ``y`` is a lower bound only. It is then raised by `censored_excess`, from itself or
        from what the model says of the best knobs, whichever is more.
    kept : float
        Factor in (0, 1] for the weight of all that was learned before.
    place : int
        Coefficient of which the prior is renewed in this round.
    work : (d + 3, p) array
        Work space.
    """
    p, c = exponents.shape[0], exponents.shape[1] - knobs
    covariance, theta, noise = model[:p], model[p], model[p + 3]
    features, gains, products = work[0], work[1], work[2]
    scatter = max(noise[0], least_noise**2)
    if kept < 1:
        # The noise has in it what no parabola fits: where that is much, the prior must give way too
        doubt = max(scatter / usual_noise**2, 1.0)
        for i in range(p):
            features[i] = 0.0
            for j in range(p):
                covariance[i, j] /= kept
        features[place] = 1.0
        variance = doubt * model[p + 2, place] / ((1 - kept) * p)
        observe(theta, covariance, features, model[p + 1, place], variance, gains)
    covariance[0, 0] += level_step * scatter
    chebyshev_products(exponents, point[:c], products)
    predicted = least = 0.0
    for i in range(p):
        value = there = products[i]
        for k in range(knobs):
            for _ in range(exponents[i, k]):
                value *= point[c + knobs + k]
                there *= point[c + k]
        features[i] = value
        predicted += theta[i] * value
        least += theta[i] * there
    if censored:
        y = max(y, least) + censored_excess
        if y <= predicted:  # no news
            return
    innovation, variance = observe(theta, covariance, features, y, scatter, gains)
    weight = min(noise[1] + 1, noise_memory)
    noise[0] += (min(innovation**2 / variance, most_deviations**2) * scatter - noise[0]) / weight
    noise[1] = weight
