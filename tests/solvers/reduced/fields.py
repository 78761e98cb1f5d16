"""Families of fields, and a nonlinear equation with parameters, for tests of reduced models."""

from __future__ import annotations

import functools

import numpy as np
import scipy.sparse
import scipy.sparse.linalg


def decaying(rng, samples, n, *, rate, dtype="float64"):
    """Return snapshots whose singular values are powers of ``rate``, and these."""
    k = min(samples, n)
    values = rate ** np.arange(k)
    left = np.linalg.qr(_normal(rng, (samples, k), dtype))[0]
    right = np.linalg.qr(_normal(rng, (n, k), dtype))[0]
    return (left * values) @ right.conj().T, values


def _normal(rng, shape, dtype):
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x


def positive_definite(rng, n):
    """Return a symmetric positive definite matrix of condition number about 100."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    return (Q * np.logspace(-1, 1, n)) @ Q.T


def pulses(places, n=80, *, width=0.08):
    """Return pulses at some places of the unit interval: a family that modes span badly."""
    x = (np.arange(n) + 0.5) / n
    return np.exp(-(((x - np.asarray(places)[:, None]) / width) ** 2))


class Reaction:
    """``−Δu + µ₁ (exp(µ₂ u) − 1)/µ₂ = 100 sin 2πx sin 2πy`` on a grid, zero on the boundary."""

    def __init__(self, n=20):
        x = np.arange(1, n + 1) / (n + 1)
        second = scipy.sparse.diags_array(
            [-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
        )
        second = second * (n + 1) ** 2
        one = scipy.sparse.eye_array(n)
        self.linear = (scipy.sparse.kron(second, one) + scipy.sparse.kron(one, second)).tocsc()
        self.source = 100 * np.outer(np.sin(2 * np.pi * x), np.sin(2 * np.pi * x)).ravel()
        self.shape = (n, n)

    def residual(self, u, mu, idx):
        return mu[0] / mu[1] * np.expm1(mu[1] * u[idx]) - self.source[idx]

    def jacobian(self, u, mu, idx):
        return mu[0] * np.exp(mu[1] * u[idx])

    def solve(self, mu):
        """Return the field by Newton's method with sparse factorisations."""
        u, everywhere = np.zeros(self.source.size), np.arange(self.source.size)
        for _ in range(50):
            slope = scipy.sparse.diags_array(self.jacobian(u, mu, everywhere))
            rest = self.linear @ u + self.residual(u, mu, everywhere)
            step = scipy.sparse.linalg.spsolve((self.linear + slope).tocsc(), rest)
            u = u - step
            if np.linalg.norm(step) < 1e-11 * np.linalg.norm(u):
                break
        return u.reshape(self.shape)


@functools.cache
def solved(top, per_axis=5, n=20):
    """Return the problem, parameters on a grid of ``[0.01, top]²``, and their solutions."""
    problem = Reaction(n)
    axis = np.linspace(0.01, top, per_axis)
    parameters = np.array([(a, b) for a in axis for b in axis])
    return problem, parameters, np.stack([problem.solve(mu) for mu in parameters])


@functools.cache
def held_out(count=25, n=20):
    """Return parameters of ``[0.01, 10]²`` that are not on the grid, and their solutions."""
    parameters = np.random.default_rng(5).uniform(0.01, 10, (count, 2))
    problem = Reaction(n)
    return parameters, np.stack([problem.solve(mu) for mu in parameters])


def relative(found, true):
    """Return the relative error of every sample."""
    wrong = np.linalg.norm((found - true).reshape(len(true), -1), axis=1)
    return wrong / np.linalg.norm(true.reshape(len(true), -1), axis=1)
