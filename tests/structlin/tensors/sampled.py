"""Functions by interpolation on a whole grid, without any of the builders."""

from __future__ import annotations

import numpy as np

from structlin.bases import Basis, Chebyshev
from structlin.tensors import ChebTucker, Construction, TensorTrain


def sampled(f, domain, sizes, library=None, *, dtype="float64", tol=1e-13, train=False):
    """Return the interpolant of a callable with so many coefficients for every axis."""
    bases = [each if isinstance(each, Basis) else Chebyshev(*each) for each in domain]
    grids = [basis.points(n) for basis, n in zip(bases, sizes, strict=True)]
    values = f(*np.meshgrid(*grids, indexing="ij")) * np.ones(sizes)
    for axis, basis in enumerate(bases):
        front = np.moveaxis(values, axis, 0)
        values = np.moveaxis(basis.coefficients(front), 0, axis)
    core, factors = values.astype(dtype), [np.eye(n, dtype=dtype) for n in sizes]
    if len(sizes) == 1:
        core, factors = np.ones(1, dtype=dtype), [core[:, None]]
    if library is not None:
        core, factors = library.asarray(core), [library.asarray(U) for U in factors]
    if train:
        core = TensorTrain.from_array(core)
    report = Construction(method="interpolation", tol=tol)
    return ChebTucker(core, factors, bases, report=report)._compressed()


def scattered(domain, count, seed=0):
    """Return random points of a box, its first and its last corner among them."""
    share = np.random.default_rng(seed).random((len(domain), count))
    share[:, 0], share[:, -1] = 0, 1
    ends = [each.interval if isinstance(each, Basis) else each for each in domain]
    return [low * (1 - t) + high * t for (low, high), t in zip(ends, share, strict=True)]
