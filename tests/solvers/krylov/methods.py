"""The methods that solve Hermitian positive definite systems, and random systems for them."""

from __future__ import annotations

import numpy as np

from structlin.solvers import cg, chebyshev_iteration, fgmres, gmres, minres


def flexible(A, b, **options):
    return cg(A, b, memory=3, **options)


def proposed(A, b, **options):
    return cg(A, b, direction=lambda r: r, **options)


def flexible_proposed(A, b, **options):
    return fgmres(A, b, direction=lambda r: r, **options)


def chebyshev(A, b, **options):
    return chebyshev_iteration(A, b, rng=0, **options)


METHODS = {
    "cg": cg,
    "flexible cg": flexible,
    "cg with directions": proposed,
    "minres": minres,
    "gmres": gmres,
    "fgmres": fgmres,
    "fgmres with directions": flexible_proposed,
    "chebyshev": chebyshev,
}


def orthogonal(n, rng, kind="float64"):
    X = rng.standard_normal((n, n))
    if "complex" in kind:
        X = X + 1j * rng.standard_normal((n, n))
    return np.linalg.qr(X)[0]


def hermitian(eigenvalues, rng, kind="float64"):
    Q = orthogonal(len(eigenvalues), rng, kind)
    A = (Q * eigenvalues) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(kind)


def vector(n, rng, kind="float64"):
    v = rng.standard_normal(n)
    if "complex" in kind:
        v = v + 1j * rng.standard_normal(n)
    return v.astype(kind)


def relative_residual(A, b, x):
    return np.linalg.norm(b - A @ x) / np.linalg.norm(b)
