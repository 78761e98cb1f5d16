"""The state-space form of Matérn covariances, in units of the length ``1/rate``."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace


def stationary(states: int) -> Any:
    """Return the covariance of the state at one point, on the host, for variance 1."""
    return np.sum(_noise_terms(states), axis=0)


def transition(states: int, gaps: Any) -> Any:
    """Return ``exp(F gap)``, (n, states, states), for an (n, 1, 1) array of gaps."""
    power = np.eye(states)
    polynomial = 0.0 * gaps
    for k in range(states):
        polynomial = polynomial + gaps**k * moved(power / math.factorial(k), gaps)
        power = power @ _nilpotent(states)
    return namespace(gaps).exp(-gaps) * polynomial


def process_noise(states: int, variance: float, gaps: Any) -> Any:
    """Return the covariances of what is new after gaps, (n, states, states)."""
    total = 0.0 * gaps
    for k, term in enumerate(_noise_terms(states)):
        total = total + _remainder(k, 2 * gaps) * moved(variance * term, gaps)
    return total


def moved(matrix: Any, like: Any) -> Any:
    """Return a matrix of the host in the library, precision and device of an array."""
    if like is None:
        return matrix
    xp = namespace(like)
    return xp.asarray(matrix, dtype=like.dtype, device=device(like))


@functools.cache
def _nilpotent(states: int) -> Any:
    """Return ``F + I``, where ``F`` is the companion matrix of ``(z + 1)^states``."""
    shift = np.eye(states, k=1)
    shift[-1] = [-math.comb(states, j) for j in range(states)]
    return shift + np.eye(states)


@functools.cache
def _noise_terms(states: int) -> Any:
    """Return what stands before the shares ``_remainder(k, 2a)`` of ``Q``, for variance 1.

    The state answers an impulse by ``e⁻ˢ Σ C[k] sᵏ``, and ``Q`` is the integral of its square:
    ``∫₀ᵃ sᵏ e⁻²ˢ ds = k! 2⁻ᵏ⁻¹ _remainder(k, 2a)``.
    """
    impulse = np.eye(states)[-1]
    answers = []
    for k in range(states):
        answers.append(impulse / math.factorial(k))
        impulse = _nilpotent(states) @ impulse
    terms = np.zeros((2 * states - 1, states, states))
    for j, left in enumerate(answers):
        for k, right in enumerate(answers):
            share = math.factorial(j + k) / 2.0 ** (j + k + 1)
            terms[j + k] += share * np.outer(left, right)
    return terms / np.sum(terms, axis=0)[0, 0]


def _remainder(k: int, z: Any) -> Any:
    """Return ``1 − e⁻ᶻ Σ zʲ/j!`` over ``j ≤ k``, with all digits where it is small."""
    xp = namespace(z)
    near = xp.where(z < k + 1, z, xp.zeros_like(z))
    term = near ** (k + 1) / math.factorial(k + 1)
    series = term
    for j in range(k + 2, k + 40):  # the terms fall by z/j
        term = term * near / j
        series = series + term
    head = 1.0 + 0.0 * z
    for j in range(k, 0, -1):
        head = 1.0 + head * z / j
    return xp.where(z < k + 1, series * xp.exp(-near), 1.0 - xp.exp(-z) * head)
