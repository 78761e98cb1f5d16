"""Smoothing of several functions at once that share a state-space covariance.

The state at point ``i`` is a vector of ``states * functions`` numbers: ``s[j functions + r]`` is
derivative ``j`` of function ``r``. Every function has the prior covariance ``P`` at every point,
and goes over gap ``i`` by ``A[i]`` and noise ``Q[i]``; the functions ``u`` at point ``i`` are
observed through the factor ``exp(b[i] · u − u · D[i] u / 2)``, with positive semidefinite ``D[i]``.

Loops over points are what a compiler wants, so these plain functions are the source of their twins.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def filtered(
    A: Any, Q: Any, P: Any, D: Any, b: Any, means: Any, covs: Any, gains: Any, shifts: Any
) -> float:
    """Go forward; write mean and covariance of every state given what is at and before it.

    ``gains`` and ``shifts`` get what `smoothed` needs of every observation. Returns the logarithm
    of the expected product of all observation factors.
    """
    points, functions = b.shape
    states = P.shape[0]
    size = states * functions
    mean, moved = np.zeros(size), np.zeros(size)
    C, half = np.zeros((size, size)), np.zeros((size, size))
    root, seen = np.zeros((functions, functions)), np.zeros((size, functions))
    M, error, pull = np.zeros((functions, functions)), np.zeros(functions), np.zeros(functions)
    total = 0.0
    for j in range(states):
        for k in range(states):
            for r in range(functions):
                C[j * functions + r, k * functions + r] = P[j, k]
    for i in range(points):
        if i > 0:
            for j in range(states):
                for r in range(functions):
                    x = 0.0
                    for k in range(states):
                        x += A[i - 1, j, k] * mean[k * functions + r]
                    moved[j * functions + r] = x
            mean[:] = moved
            for j in range(states):
                for r in range(functions):
                    row = j * functions + r
                    half[row] = A[i - 1, j, 0] * C[r]
                    for k in range(1, states):
                        half[row] += A[i - 1, j, k] * C[k * functions + r]
            for j in range(states):
                for k in range(j + 1):
                    for r in range(functions):
                        for s in range(functions):
                            x = Q[i - 1, j, k] if r == s else 0.0
                            for q in range(states):
                                x += half[j * functions + r, q * functions + s] * A[i - 1, k, q]
                            C[j * functions + r, k * functions + s] = x
                            C[k * functions + s, j * functions + r] = x
        # D = root rootᵀ, columns of rounding errors left out
        for c in range(functions):
            x = D[i, c, c]
            for k in range(c):
                x -= root[c, k] * root[c, k]
            pivot = math.sqrt(x) if x > 1e-15 * functions * D[i, c, c] else 0.0
            root[c, c] = pivot
            for r in range(c + 1, functions):
                x = D[i, r, c]
                for k in range(c):
                    x -= root[r, k] * root[c, k]
                root[r, c] = x / pivot if pivot > 0.0 else 0.0
        # seen = C[:, u] root, M = 1 + rootᵀ C[u, u] root = K Kᵀ
        for row in range(size):
            for c in range(functions):
                x = 0.0
                for k in range(c, functions):
                    x += C[row, k] * root[k, c]
                seen[row, c] = x
        for r in range(functions):
            for c in range(r + 1):
                x = 1.0 if r == c else 0.0
                for k in range(r, functions):
                    x += root[k, r] * seen[k, c]
                M[r, c] = x
        for c in range(functions):
            for k in range(c):
                M[c, c] -= M[c, k] * M[c, k]
            M[c, c] = math.sqrt(max(M[c, c], 1.0))  # less is a rounding error
            for r in range(c + 1, functions):
                for k in range(c):
                    M[r, c] -= M[r, k] * M[c, k]
                M[r, c] /= M[c, c]
            total -= math.log(M[c, c])
        # seen K⁻ᵀ and root K⁻ᵀ; gains = root M⁻¹ rootᵀ
        for row in range(size):
            for c in range(functions):
                for k in range(c):
                    seen[row, c] -= seen[row, k] * M[c, k]
                seen[row, c] /= M[c, c]
        for row in range(functions):
            for c in range(functions):
                x = root[row, c] if c <= row else 0.0
                for k in range(c):
                    x -= half[row, k] * M[c, k]
                half[row, c] = x / M[c, c]
        for r in range(functions):
            for c in range(r + 1):
                x = 0.0
                for k in range(functions):
                    x += half[r, k] * half[c, k]
                gains[i, r, c] = x
                gains[i, c, r] = x
        # the observation's pull e − gains C[u, u] e, where e = b − D mean
        for r in range(functions):
            x = b[i, r]
            for k in range(functions):
                x -= D[i, r, k] * mean[k]
            error[r] = x
            total += 0.5 * mean[r] * (b[i, r] + x)
        for r in range(functions):
            x = 0.0
            for k in range(functions):
                x += C[r, k] * error[k]
            pull[r] = x
        for r in range(functions):
            x = error[r]
            for k in range(functions):
                x -= gains[i, r, k] * pull[k]
            shifts[i, r] = x
            total += 0.5 * pull[r] * x
        for row in range(size):
            x = mean[row]
            for k in range(functions):
                x += C[row, k] * shifts[i, k]
            moved[row] = x
        mean[:] = moved
        for r in range(size):
            for c in range(r + 1):
                x = C[r, c]
                for k in range(functions):
                    x -= seen[r, k] * seen[c, k]
                C[r, c] = x
                C[c, r] = x
        means[i] = mean
        covs[i] = C
    return total


def smoothed(
    A: Any,
    Q: Any,
    P: Any,
    means: Any,
    covs: Any,
    gains: Any,
    shifts: Any,
    pulls: Any,
    weights: Any,
    u: Any,
    spread: Any,
) -> None:
    """Go backward; write mean ``u[i]`` and covariance ``spread[i]`` of the functions given all.

    ``pulls[i]`` and ``weights[i]`` say what is at and after point ``i``: if the state there has
    mean ``m`` and covariance ``C`` given what is before it, it has ``m + C pull`` and
    ``C − C weight C`` given all. They have one entry more than there are points, zeros.
    """
    points, functions = u.shape
    states = P.shape[0]
    size = states * functions
    pull, moved = np.zeros(size), np.zeros(size)
    L, half = np.zeros((size, size)), np.zeros((size, size))
    before, X = np.zeros((size, functions)), np.zeros((size, functions))
    Y = np.zeros((size, functions))
    pulls[points] = 0.0
    weights[points] = 0.0
    for i in range(points - 1, -1, -1):
        C = covs[i]
        for r in range(functions):
            x = means[i, r]
            for k in range(size):
                x += C[r, k] * pull[k]
            u[i, r] = x
        for row in range(size):
            for c in range(functions):
                x = 0.0
                for k in range(size):
                    x += L[row, k] * C[c, k]
                X[row, c] = x
        for r in range(functions):
            for c in range(r + 1):
                x = C[r, c]
                for k in range(size):
                    x -= C[r, k] * X[k, c]
                spread[i, r, c] = x
                spread[i, c, r] = x
        # before = C⁻[:, u], the covariance of the state with the functions before the observation
        for j in range(states):
            for r in range(functions):
                for s in range(functions):
                    if i == 0:
                        x = P[j, 0] if r == s else 0.0
                    else:
                        x = Q[i - 1, j, 0] if r == s else 0.0
                        for k in range(states):
                            y = 0.0
                            row = k * functions + r
                            for q in range(states):
                                y += covs[i - 1, row, q * functions + s] * A[i - 1, 0, q]
                            x += A[i - 1, j, k] * y
                    before[j * functions + r, s] = x
        # X = L before, Y = X gains
        for row in range(size):
            for c in range(functions):
                x = 0.0
                for k in range(size):
                    x += L[row, k] * before[k, c]
                X[row, c] = x
        for row in range(size):
            for c in range(functions):
                x = 0.0
                for k in range(functions):
                    x += X[row, k] * gains[i, k, c]
                Y[row, c] = x
        for r in range(functions):
            x = 0.0
            for k in range(size):
                x += before[k, r] * pull[k]
            moved[r] = x
        for r in range(functions):
            x = shifts[i, r]
            for k in range(functions):
                x -= gains[i, r, k] * moved[k]
            pull[r] += x
        for row in range(size):
            for c in range(functions):
                L[row, c] -= Y[row, c]
                L[c, row] -= Y[row, c]
        for r in range(functions):
            for c in range(functions):
                x = 0.0
                for k in range(size):
                    x += before[k, r] * Y[k, c]
                half[r, c] = x
        for r in range(functions):
            for c in range(r + 1):
                x = gains[i, r, c]
                for k in range(functions):
                    x += gains[i, r, k] * half[k, c]
                L[r, c] += x
                if c < r:
                    L[c, r] = L[r, c]
        pulls[i] = pull
        weights[i] = L
        if i > 0:
            for j in range(states):
                for r in range(functions):
                    row = j * functions + r
                    x = 0.0
                    half[row] = A[i - 1, 0, j] * L[r]
                    for k in range(states):
                        x += A[i - 1, k, j] * pull[k * functions + r]
                        if k > 0:
                            half[row] += A[i - 1, k, j] * L[k * functions + r]
                    moved[row] = x
            pull[:] = moved
            for j in range(states):
                for k in range(j + 1):
                    for r in range(functions):
                        for s in range(functions):
                            x = 0.0
                            for q in range(states):
                                x += half[j * functions + r, q * functions + s] * A[i - 1, q, k]
                            L[j * functions + r, k * functions + s] = x
                            L[k * functions + s, j * functions + r] = x


def added(out: Any, places: Any, rows: Any) -> None:
    """Add every row to the row of ``out`` at its place."""
    for n in range(rows.shape[0]):
        target = out[places[n]]
        for k in range(rows.shape[1]):
            target[k] += rows[n, k]
