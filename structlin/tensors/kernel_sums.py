"""Sums of radial kernels around many centres, as functions on a box."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from structlin._backend import device, kernel as compiled, namespace
from structlin._kernels.khatri_rao_core import khatri_rao_core
from structlin._validation import common_type, inexact, require_finite
from structlin.bases import Basis, Chebyshev
from structlin.sketching._random import seed_of
from structlin.tensors import _core
from structlin.tensors._domain import bases_of
from structlin.tensors._function.evaluation import Evaluation
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors._report import Construction, warn_unresolved
from structlin.tensors._sums.compression import compressed_to, zero_function
from structlin.tensors._sums.gaussian_tables import GaussianTable, gaussian_table, interval_of
from structlin.tensors._tolerance import require_tolerance
from structlin.tensors.radial_kernels import RadialKernel

F = TypeVar("F", bound=Evaluation)

# points where the sum itself is taken, half of them near centres
_tests = 96
# numbers in a block of distances, or of functions of the centres
_block = 2**21
# what truncations before the last one may take of the tolerance
_share = 0.1


def from_kernel_sum(
    cls: type[F],
    kernel: RadialKernel,
    centres: Any,
    weights: Any,
    domain: Any,
    *,
    tol: float = 1e-8,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> F:
    """Return the function ``f(x) = Σ_j weights[j] k(|x − centres[j]|)`` on a box.

    Parameters
    ----------
    kernel : RadialKernel
        The function of the distance, smooth: `LongRangeCoulomb`, `GaussianKernel`, …
    centres : (N, d) array
        The centres; they may lie outside the box.
    weights : (N,) array
        Weights of any sign, real or complex.
    domain : sequence of intervals, or (d, 2) array
        The box.
    tol : float
        The error, relative to the largest value of the sum.
    rng : None, int or numpy.random.Generator, optional
        Randomness of the points at which the error is measured.
    max_bytes : int
        The largest array.

    Returns
    -------
    ChebTucker
        The function. Its error estimate is the largest difference from the sum itself at test
        points.

    Raises
    ------
    ValueError
        If centres or weights have a NaN, shapes disagree, an axis is periodic, or the tolerance is
        below what the data type holds.
    MemoryError
        If an array would take more than ``max_bytes``.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached: terms that cancel leave their rounding errors.

    Notes
    -----
    The kernel is a sum of ``M`` Gaussians, and a Gaussian is a product of functions of one
    coordinate. On an axis all of them are ``u(x)ᵀ Kₘ v(c)``, with about ``r`` functions of the
    point and of the centre, and small matrices ``Kₘ``. The moments
    ``μ = Σ_j weights[j] v(c_j1) ⊗ v(c_j2) ⊗ …`` take ``O(N r^d)`` operations, whatever ``M`` is;
    the core ``Σₘ (Kₘ ⊗ Kₘ ⊗ …) μ`` takes ``O(M d r^(d+1))``. The memory does not grow with ``N``.

    The work is done in double precision; the result has that of centres and weights.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker, LongRangeCoulomb
    >>> centres, charges = np.array([[0.1, 0.2], [-0.5, 0.3]]), np.array([1.0, -1.0])
    >>> f = ChebTucker.from_kernel_sum(LongRangeCoulomb(0.5), centres, charges, [(-1, 1), (-1, 1)])
    >>> f.converged, f.error_estimate < 1e-8
    (True, True)
    """
    if not isinstance(kernel, RadialKernel):
        raise TypeError(f"kernel is {kernel!r}: pass a RadialKernel, such as LongRangeCoulomb(0.5)")
    xp = namespace(centres, weights)
    centres, weights, dtype = checked_sources(centres, weights)
    bases = bases_of(domain, int(centres.shape[1]))
    if periodic := [axis for axis, basis in enumerate(bases) if basis.periodic]:
        raise ValueError(
            f"axis {periodic[0]} of domain is periodic, and a sum of kernels is not: pass "
            "(low, high)"
        )
    require_tolerance(tol, dtype, xp)
    unit = float(xp.max(xp.abs(weights))) if weights.shape[0] else 0.0
    seed = seed_of(rng)
    report = Construction(method="kernel sum", tol=tol, evaluations=_tests, seed=seed)
    if unit == 0:
        return zero_function(cls, bases, weights, dtype, report)
    weights = weights / unit
    points = _test_points(centres, bases, seed)
    values = direct_sum(kernel, points, centres, weights)
    scale = float(xp.max(xp.abs(values)))
    if scale == 0:
        return zero_function(cls, bases, weights, dtype, report)

    corners = [(float(xp.min(c)), float(xp.max(c))) for c in columns(centres)]
    intervals = [interval_of(*pair, basis) for pair, basis in zip(corners, bases, strict=True)]
    radius = _diameter(bases, intervals)
    # the sizes of all terms, of which the sum may be but a small part
    sizes = float(xp.sum(xp.abs(weights))) * abs(float(np.sum(kernel.quadrature(0.1, radius)[1])))
    inner = max(_share * tol * scale / sizes, 2 * float(xp.finfo(xp.float64).eps))
    exponents, gaussians = kernel.quadrature(inner, radius)
    tables = _tables(exponents, gaussians, bases, intervals, inner, max_bytes)
    core = _core_of(tables, gaussians, centres, weights, max_bytes)
    factors = [xp.asarray(table.points, device=device(weights)) for table in tables]

    f, error, rounds = compressed_to(cls, core, factors, bases, columns(points), values, tol)
    report = replace(
        report,
        method=f"sum of {centres.shape[0]} kernels as {len(exponents)} Gaussians",
        converged=error <= tol,
        error_estimate=error,
        iterations=rounds,
    )
    warn_unresolved(report, "the terms cancel to their rounding errors: pass a larger tol")
    tensor = (f.coefficients * unit).astype(dtype)
    return cls(tensor.core, tensor.factors, bases, report=report)


def checked_sources(centres: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Return centres and weights in double precision, and the data type of their sum."""
    xp = namespace(centres, weights)
    if centres.ndim != 2 or weights.ndim != 1 or centres.shape[0] != weights.shape[0]:
        raise ValueError(
            f"centres have shape {tuple(centres.shape)} and weights {tuple(weights.shape)}: (N, d) "
            "and (N,) are needed"
        )
    if not centres.shape[1] >= 1:
        raise ValueError("centres have no coordinates: (N, d) with d of 1 or more is needed")
    if xp.isdtype(centres.dtype, "complex floating"):
        raise TypeError(f"centres are {centres.dtype}: coordinates are real")
    require_finite("centres", centres)
    require_finite("weights", weights)
    dtype = common_type(xp, centres.dtype, weights.dtype)
    is_complex = xp.isdtype(dtype, "complex floating")
    weights = xp.astype(inexact(weights), xp.complex128 if is_complex else xp.float64)
    return xp.astype(inexact(centres), xp.float64), weights, dtype


def columns(points: Any) -> list[Any]:
    """Return the coordinates of points (N, d)."""
    return [points[:, axis] for axis in range(int(points.shape[1]))]


def direct_sum(
    kernel: Callable[[Any], Any], points: Any, centres: Any, weights: Any, cutoff: float = math.inf
) -> Any:
    """Return ``Σ_j weights[j] k(|points[i] − centres[j]|)`` over the centres within a distance.

    Distances are formed in blocks.
    """
    xp, N, count = namespace(points, centres, weights), centres.shape[0], points.shape[0]
    step = max(_block // max(N, 1), 1)
    out = []
    for start in range(0, max(count, 1), step):
        block = points[start : min(start + step, count), :]
        total = xp.zeros((block.shape[0], 1), dtype=weights.dtype, device=device(weights))
        for first in range(0, N, _block):
            part = slice(first, min(first + _block, N))
            squares = xp.zeros((1, 1), dtype=points.dtype, device=device(points))
            for x, c in zip(columns(block), columns(centres[part, :]), strict=True):
                squares = squares + (x[:, None] - c) ** 2
            distances = xp.sqrt(squares)
            values = kernel(xp.clip(distances, None, cutoff))
            values = xp.where(distances <= cutoff, values, xp.zeros_like(values))
            total = total + xp.matmul(xp.astype(values, weights.dtype), weights[part, None])
        out.append(total[:, 0])
    return xp.concat(out)


def _test_points(centres: Any, bases: Sequence[Basis], seed: int) -> Any:
    """Return points of the box, half of them where a centre is, or as near as the box goes."""
    xp, generator = namespace(centres), np.random.default_rng(seed)
    low, high = (np.asarray([basis.interval[end] for basis in bases]) for end in (0, 1))
    spread = generator.random((_tests, len(bases)))
    anywhere = xp.asarray(low * (1 - spread) + high * spread, device=device(centres))
    chosen = generator.integers(int(centres.shape[0]), size=_tests // 2)
    near = xp.take(centres, xp.asarray(chosen, device=device(centres)), axis=0)
    ends = [xp.asarray(end, device=device(centres)) for end in (low, high)]
    near = xp.minimum(xp.maximum(near, ends[0]), ends[1])
    return xp.concat([near, anywhere[_tests // 2 :, :]])


def _diameter(bases: Sequence[Basis], intervals: Sequence[Chebyshev]) -> float:
    """Return the largest distance of a point and a centre."""
    pairs = zip(bases, intervals, strict=True)
    return math.hypot(*(max(a.high - b.low, b.high - a.low) for a, b in pairs))


def _tables(
    exponents: Any,
    gaussians: Any,
    bases: Sequence[Basis],
    intervals: Sequence[Chebyshev],
    tol: float,
    max_bytes: int,
) -> list[GaussianTable]:
    """Return the table of every axis; axes of the same intervals share one."""
    shares = np.abs(gaussians) / np.sum(np.abs(gaussians))
    pairs = list(zip(bases, intervals, strict=True))
    known = {
        pair: gaussian_table(exponents, shares, *pair, tol, max_bytes)
        for pair in dict.fromkeys(pairs)
    }
    return [known[pair] for pair in pairs]


def _core_of(
    tables: Sequence[GaussianTable], gaussians: Any, centres: Any, weights: Any, max_bytes: int
) -> Any:
    """Return ``Σₘ gaussians[m] (Kₘ ⊗ Kₘ ⊗ …) μ`` with the moments ``μ`` of the weights."""
    xp, place = namespace(centres, weights), device(weights)
    shape = [max(table.transfers.shape[1:]) for table in tables]
    cure = "loosen tol, or take a wider kernel or a smaller box"
    require_memory(shape, weights.dtype, "the core", cure, max_bytes)
    functions = [xp.asarray(table.centres.T, device=place) for table in tables]
    moments: Any = 0.0
    step = max(_block // max(V.shape[1] for V in functions), 1)
    count = int(centres.shape[0])
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        factors = []
        for c, V, table in zip(columns(centres[part, :]), functions, tables, strict=True):
            values = xp.matrix_transpose(table.centre_basis.vander(c, V.shape[1]))
            factors.append(xp.astype(xp.matmul(V, values), weights.dtype))
        moments = moments + compiled(xp, khatri_rao_core)(weights[part], factors)
    core: Any = 0.0
    for m, weight in enumerate(gaussians):
        transfers = [xp.asarray(table.transfers[m], device=place) for table in tables]
        core = core + float(weight) * _core.mode_products(moments, transfers)
    return core
