"""Functions from sums of products of functions of one variable, given or sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import common_type, inexact, require_finite
from structlin.bases import Basis
from structlin.bases._chop import chop
from structlin.sketching._random import seed_of
from structlin.tensors._domain import bases_of
from structlin.tensors._function.evaluation import Evaluation
from structlin.tensors._memory import default_bytes
from structlin.tensors._report import Construction, warn_unresolved
from structlin.tensors._sums.columns import Columns, columns_of
from structlin.tensors._sums.compression import compressed_to, zero_function
from structlin.tensors._sums.rhosvd import normalized, rhosvd, scaled
from structlin.tensors._tolerance import require_tolerance

F = TypeVar("F", bound=Evaluation)

# points where the error is measured, half of them at the largest values of terms
_tests = 200
# coefficients at first, and points between those of the grids
_first, _between = 33, 512
# what truncations before the last one may take of the tolerance
_share = 0.1


def from_cp(
    cls: type[F],
    weights: Any,
    factors: Sequence[Any],
    domain: Any,
    *,
    nodes: Sequence[Any] | None = None,
    tol: float = 1e-7,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> F:
    """Return the function ``f(x, y, …) = Σ_q weights[q] u_q(x) v_q(y) …``.

    Parameters
    ----------
    weights : (R,) array
        Weights of the terms, of any sign.
    factors : sequence
        For every axis, samples or functions: an (n, R) array with a column for every term, a
        callable that takes (n,) points and returns such an array, or a sequence of ``R`` callables
        that return (n,) arrays.
    domain : sequence of intervals, or (d, 2) array
        The box; a basis, such as ``Fourier(0, 1)``, for a periodic axis.
    nodes : sequence, optional
        For every axis, the ascending coordinates (n,) of the samples, or None for the midpoints of
        ``n`` equal cells of the interval.
    tol : float
        The error, relative to the largest value.
    rng : None, int or numpy.random.Generator, optional
        Randomness of the points at which the error is measured.
    max_bytes : int
        The largest core.

    Returns
    -------
    ChebTucker
        The function, its degrees and ranks chosen automatically. Its error estimate is the largest
        error seen at test points, that of the interpolation of samples among it.

    Raises
    ------
    ValueError
        If shapes disagree, samples or values have a NaN, or the tolerance is below what the data
        type holds.
    MemoryError
        If the core takes more than ``max_bytes``.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached: the samples are too coarse, a function is not smooth, or
        terms of opposite sign cancel to their rounding errors.

    Notes
    -----
    Samples are interpolated by polynomials through nearby nodes, as many as serve best; at the
    points of the basis themselves (Chebyshev points of the second kind, equal distances on a
    periodic axis) they are taken as they are. The number of coefficients is doubled until they have
    come down. The sum is then reduced by the singular vectors of its weighted columns (RHOSVD),
    with a core from their Khatri–Rao products, and truncated again: ``O(Σ n R² + R r^d)``
    operations, and no array of ``n^d`` entries [1]_.

    References
    ----------
    .. [1] P. Benner, B. N. Khoromskij, V. Khoromskaia and B. Sun, "A mesh-free hybrid
       Chebyshev–Tucker tensor format with applications to multi-particle modelling",
       arXiv:2503.01696 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker
    >>> sines = [lambda x: np.sin(x), lambda x: np.cos(x)]
    >>> f = ChebTucker.from_cp(np.ones(2), [sines, sines[::-1]], [(0, 1), (0, 2)])
    >>> bool(abs(f(0.5, 1.5) - np.sin(2)) < 1e-7)  # sin(x + y)
    True
    """
    arrays = [factor for factor in factors if hasattr(factor, "shape")]
    xp, weights = namespace(weights, *arrays), inexact(weights)
    if weights.ndim != 1:
        raise ValueError(f"weights have shape {tuple(weights.shape)}: (R,) is needed")
    require_finite("weights", weights)
    bases = bases_of(domain, len(factors))
    seed = seed_of(rng)
    report = Construction(method=f"sum of {weights.shape[0]} products", tol=tol, seed=seed)
    axes = columns_of(factors, bases, nodes, weights)
    if not weights.shape[0]:
        require_tolerance(tol, weights.dtype, xp)
        return zero_function(cls, bases, weights, weights.dtype, report)
    maxima, places = map(list, zip(*(axis.peaks() for axis in axes), strict=True))
    dtype = common_type(xp, weights.dtype, *(axis.dtype for axis in axes))
    require_tolerance(tol, dtype, xp)
    # functions in units of what they are at most, and terms in units of the largest
    found = xp.abs(weights) > 0
    for m in maxima:
        found = found & (m > 0)
    units = [xp.where(m > 0, m, xp.ones_like(m)) for m in maxima]
    weights, unit = scaled(xp.astype(weights, dtype), units)
    sizes = xp.where(found, xp.abs(weights), xp.zeros_like(units[0]))
    heaviest = xp.argsort(sizes, descending=True)[: min(_tests // 2, sizes.shape[0])]
    for axis in axes:
        axis.tune(heaviest)

    points = _test_points(bases, [xp.take(x, heaviest) for x in places], seed)
    rows = [axis.values(x) / u for axis, x, u in zip(axes, points, units, strict=True)]
    values = _sums(weights, rows)
    scale = float(xp.max(xp.abs(values)))
    if scale == 0:
        return zero_function(cls, bases, weights, weights.dtype, report)
    rough = [axis.rougher(x) / u for axis, x, u in zip(axes, points, units, strict=True)]
    doubt = float(xp.max(xp.abs(values - _sums(weights, rough)))) / scale

    series = [
        xp.astype(series_of(axis, u, xp.abs(weights), tol * scale), dtype)
        for axis, u in zip(axes, units, strict=True)
    ]
    terms, columns, size = normalized(weights, series)
    core, small, rounding = rhosvd(terms, columns, _share * tol / 2 ** (len(axes) / 2), max_bytes)
    on_device = [xp.asarray(x, device=device(weights)) for x in points]
    f, error, rounds = compressed_to(cls, core * size, small, bases, on_device, values, tol)
    error = max(error, doubt)
    report = replace(
        report,
        converged=error <= tol,
        error_estimate=error,
        evaluations=sum(axis.evaluations for axis in axes),
        iterations=rounds,
    )
    warn_unresolved(report, _cure(doubt > tol, rounding > tol))
    return cls(f.core * unit, f.factors, bases, report=report)


def series_of(axis: Columns, unit: Any, importance: Any, allowed: float) -> Any:
    """Return the coefficients of all functions, as many as the sum of their errors needs."""
    xp, basis, n = namespace(importance), axis.basis, _first
    # fast waves and narrow peaks may hide between the points of a grid, but not of these as well
    between = basis.low + basis.width * (np.arange(_between) * (math.sqrt(5) - 1) / 2 % 1)
    values = axis.values(between) / unit
    places = xp.asarray(between, device=device(importance))
    while True:
        C = basis.coefficients(axis.values(basis.points(n)) / unit)
        sizes = basis.sizes(xp.sum(xp.abs(C) * importance, axis=1)[:, None])
        eps = float(xp.finfo(C.dtype).eps)
        largest = float(np.max(sizes))
        tol = min(max(_share * allowed / largest, 2 * eps), 0.1) if largest else 0.1
        if (kept := chop(sizes, tol)) < len(sizes) or n >= axis.most:
            C = C[: basis.length(kept), :]
            V = xp.astype(basis.vander(places, C.shape[0]), C.dtype)
            missed = xp.sum(xp.abs(xp.matmul(V, C) - values) * importance, axis=1)
            expected = 4 * float(np.sum(sizes[kept:])) + 16 * C.shape[0] * eps * largest
            if float(xp.max(missed)) <= allowed + expected or n >= axis.most:
                return C
        n = basis.refined(n)


def _sums(weights: Any, rows: Sequence[Any]) -> Any:
    """Return the sum of products of the rows of every point."""
    xp, terms = namespace(weights), weights[None, :]
    for row in rows:
        terms = terms * row
    return xp.sum(terms, axis=1)


def _test_points(bases: Sequence[Basis], peaks: Sequence[Any], seed: int) -> list[Any]:
    """Return coordinates of points, NumPy arrays: peaks of terms, and points anywhere."""
    generator = np.random.default_rng(seed)
    points = []
    for basis, x in zip(bases, peaks, strict=True):
        near = np.clip(on_host(x), *basis.interval)
        anywhere = basis.low + basis.width * generator.random(_tests - len(near))
        points.append(np.concatenate([near, anywhere]))
    return points


def _cure(coarse: bool, cancelled: bool) -> str:
    if cancelled:
        return "the terms cancel to their rounding errors: pass a larger tol"
    if coarse:
        return "the samples are too coarse for it: pass more of them, or a larger tol"
    return "the functions are not smooth enough: pass a larger tol"
