"""Random functions of several variables, and their values by the definition."""

from __future__ import annotations

from typing import NamedTuple

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume

from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker, TensorTrain

dtypes = st.sampled_from(["float32", "float64", "complex64", "complex128"])


class Problem(NamedTuple):
    """Functions on one box, and points in it, a row for each variable."""

    functions: list[ChebTucker]
    points: np.ndarray


@st.composite
def bases(draw, periodic=None):
    """Draw a basis on an interval whose ends are of very different sizes."""
    width = draw(st.sampled_from([1e-3, 1.0, 7.5, 1e3]))
    low = draw(st.sampled_from([-1.0, 0.0, 0.3])) * width
    wave = draw(st.booleans()) if periodic is None else periodic
    return (Fourier if wave else Chebyshev)(low, low + width)


@st.composite
def problems(draw, library, count=1, dtype=None, scales=(1.0,), min_axes=1, train=None):
    """Draw functions on one box of one to four axes, with decaying coefficients.

    The terms that make up their coefficients do not cancel but for a hundredth.
    """
    d = draw(st.integers(min_axes, 4))
    box = [draw(bases()) for _ in range(d)]
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    functions = []
    for _ in range(count):
        name = draw(dtypes) if dtype is None else dtype
        ranks = draw(st.lists(st.integers(1, 3), min_size=d, max_size=d))
        sizes = draw(st.lists(st.integers(1, 9), min_size=d, max_size=d))
        core = _normal(rng, ranks, name) * draw(st.sampled_from(scales))
        factors, terms = [], np.abs(core)
        for n, r in zip(sizes, ranks, strict=True):
            U = _normal(rng, (n, r), name) * (0.5 ** np.arange(n))[:, None]
            factors.append(library.asarray(U, dtype=name))
            terms = np.tensordot(terms, np.sum(np.abs(U), axis=0), axes=(0, 0))
        core = library.asarray(core, dtype=name)
        if draw(st.booleans()) if train is None else train:
            core = TensorTrain.from_array(core)
        functions.append(ChebTucker(core, factors, box))
        assume(size(functions[-1], library) > 0.01 * terms)  # rounding errors are relative to terms
    share = rng.random((d, 20))
    share[:, 0], share[:, 1] = 0, 1
    low, width = (np.asarray([getattr(basis, name) for basis in box]) for name in ("low", "width"))
    points = np.clip(low[:, None] + width[:, None] * share, low[:, None], (low + width)[:, None])
    return Problem(functions, points)


def _normal(rng, shape, dtype):
    real = rng.standard_normal(shape)
    return real + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else real


def table(basis, x, n):
    """Return the values of the first functions of a basis at points, by their definition."""
    t = (np.asarray(x) - basis.low) / (basis.high - basis.low)
    k = np.arange(n)
    if basis.periodic:
        angles = 2 * np.pi * np.multiply.outer(t, (k + 1) // 2)
        return np.where(k % 2 == 1, np.cos(angles), np.where(k == 0, 1.0, np.sin(angles)))
    return np.polynomial.chebyshev.chebvander(2 * t - 1, max(n - 1, 0))[..., :n]


def coefficients(f, library):
    """Return all coefficients of a function, on the host."""
    core = f.core.full() if isinstance(f.core, TensorTrain) else f.core
    T = library.to_numpy(core).astype(complex)
    for axis, U in enumerate(f.factors):
        T = np.moveaxis(np.tensordot(library.to_numpy(U), T, axes=(1, axis)), 0, axis)
    return T


def values(f, points, library):
    """Return the values of a function at points, by its definition in double precision."""
    T = coefficients(f, library)
    out = np.ones((points.shape[1], 1))
    out = np.broadcast_to(T[None, ...], (points.shape[1], *T.shape))
    for basis, x in zip(f.bases, points, strict=True):
        V = table(basis, x, out.shape[1])
        out = np.einsum("pi...,pi->p...", out, V)
    return out


def size(f, library):
    """Return the sum of the absolute values of the coefficients, a bound of all values."""
    return float(np.sum(np.abs(coefficients(f, library))))
