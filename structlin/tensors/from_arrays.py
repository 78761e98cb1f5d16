"""Functions from arrays of values on a grid, or of coefficients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import common_type, inexact, require_array, require_finite
from structlin.bases import Basis
from structlin.sketching._random import seed_of
from structlin.tensors import _core
from structlin.tensors._domain import bases_of
from structlin.tensors._function.evaluation import Evaluation
from structlin.tensors._report import Construction, warn_unresolved
from structlin.tensors._sums.columns import Columns, Sampled, coordinates, sampled
from structlin.tensors._sums.compression import compressed_to, zero_function
from structlin.tensors._tolerance import require_tolerance
from structlin.tensors.cp import CP
from structlin.tensors.from_cp import series_of
from structlin.tensors.sthosvd import sthosvd
from structlin.tensors.tucker import Tucker

F = TypeVar("F", bound=Evaluation)

# entries and other points at which the error is measured
_entries, _points = 4000, 1000
# nodes of an axis that are enough to leave three of four out
_least = 13
# what the truncation of the values may take of the tolerance
_share = 0.1


def from_values(
    cls: type[F], values: Any, domain: Any = None, *, tol: float = 1e-12, rng: Any = None
) -> F:
    """Return the function with these values at the points of its bases.

    Parameters
    ----------
    values : (n1, …, nd) array, Tucker or CP
        ``values[i, j, …]`` belongs to ``(x_i, y_j, …)``: Chebyshev points of the second kind in
        ascending order, as `structlin.bases.Chebyshev.points` gives them, or equidistant ones on a
        periodic axis.
    domain : sequence of intervals, (d, 2) array or None
        The box; a basis, such as ``Fourier(0, 1)``, for a periodic axis. None is ``[−1, 1]`` for
        every axis.
    tol : float
        The error, relative to the largest value.
    rng : None, int or numpy.random.Generator, optional
        Randomness of the points at which the error is measured.

    Returns
    -------
    ChebTucker
        The function, of ranks and degrees that the tolerance needs. Its error estimate is the
        largest error seen at entries of the array, or what the last eighth of the coefficients adds
        to the function, whichever is larger.

    Raises
    ------
    ValueError
        If a value is NaN or Inf, there are none, the domain does not fit, or the tolerance is below
        what the data type holds.

    Warns
    -----
    ConvergenceWarning
        If the coefficients have not come down to the tolerance: the grid is too coarse for the
        function, or the values have noise.

    Notes
    -----
    The values are compressed by `sthosvd`, and only the columns of the factors are transformed
    into coefficients: ``O(n r log n)`` operations for every axis instead of ``O(n^d log n)``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import Chebyshev, ChebTucker
    >>> x = Chebyshev(0, 1).points(30)
    >>> f = ChebTucker.from_values(np.exp(-x[:, None] * x), [(0, 1), (0, 1)])
    >>> f.converged, bool(abs(f(0.5, 0.25) - np.exp(-0.125)) < 1e-12)
    (True, True)
    """
    _require_tensor("values", values)
    bases = bases_of(domain, values.ndim)
    nodes = [basis.points(max(int(n), 1)) for basis, n in zip(bases, values.shape, strict=True)]
    return _from_grid(cls, values, bases, nodes, tol, rng, "values at the points of the bases")


def from_tensor(
    cls: type[F],
    values: Any,
    domain: Any = None,
    *,
    nodes: Sequence[Any] | None = None,
    tol: float = 1e-7,
    rng: Any = None,
) -> F:
    """Return the function that interpolates values on a grid of the user's.

    Parameters
    ----------
    values : (n1, …, nd) array, Tucker or CP
        ``values[i, j, …]`` belongs to ``(nodes[0][i], nodes[1][j], …)``.
    domain : sequence of intervals, (d, 2) array or None
        The box; a basis, such as ``Fourier(0, 1)``, for a periodic axis. By default the smallest
        one that holds the nodes.
    nodes : sequence, optional
        For every axis, the ascending coordinates (n,) of the values, or None for the midpoints of
        ``n`` equal cells of the interval: values at ``numpy.linspace(low, high, n)``, which begins
        and ends at the ends, need it. They reach the ends of the interval, up to two cells.
    tol : float
        The error, relative to the largest value.
    rng : None, int or numpy.random.Generator, optional
        Randomness of the points at which the error is measured.

    Returns
    -------
    ChebTucker
        The function, of ranks and degrees that the tolerance needs. Its error estimate is the
        largest error seen at entries of the array, or the difference of two interpolations between
        them, whichever is larger.

    Raises
    ------
    ValueError
        If a value is NaN or Inf, there are none, nodes do not ascend or do not fit domain and
        values, there is neither a domain nor nodes for every axis, or the tolerance is below what
        the data type holds.

    Warns
    -----
    ConvergenceWarning
        If the grid does not resolve the function to the tolerance.

    Notes
    -----
    The values are compressed by `sthosvd`, and only the columns of the factors are interpolated, by
    polynomials through nearby nodes, as many as serve best, at the points of as many Chebyshev
    polynomials as are needed: no array of ``n^d`` numbers is interpolated [1]_.

    References
    ----------
    .. [1] P. Benner, B. N. Khoromskij, V. Khoromskaia and B. Sun, "A mesh-free hybrid
       Chebyshev–Tucker tensor format with applications to multi-particle modelling",
       arXiv:2503.01696 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker
    >>> x = np.linspace(0, 1, 50)
    >>> f = ChebTucker.from_tensor(np.exp(-x[:, None] * x), [(0, 1), (0, 1)], nodes=[x, x])
    >>> f.converged, bool(abs(f(0.123, 0.5) - np.exp(-0.0615)) < 1e-7)
    (True, True)
    """
    _require_tensor("values", values)
    given = [None] * values.ndim if nodes is None else list(nodes)
    if len(given) != values.ndim:
        raise ValueError(f"nodes has {len(given)} entries, and there are {values.ndim} axes")
    bases = bases_of(_box_of(given) if domain is None else domain, values.ndim)
    return _from_grid(cls, values, bases, given, tol, rng, "values on a grid, interpolated")


def from_coeffs(
    cls: type[F], coefficients: Any, domain: Any = None, *, tol: float | None = None
) -> F:
    """Return the function with these coefficients.

    Parameters
    ----------
    coefficients : (n1, …, nd) array, Tucker or CP
        ``coefficients[i, j, …]`` belongs to ``T_i(x) T_j(y) …``, or to functions of other bases.
    domain : sequence of intervals, (d, 2) array or None
        The box; a basis, such as ``Fourier(0, 1)``, for a periodic axis. None is ``[−1, 1]`` for
        every axis.
    tol : float, optional
        What may be dropped of the coefficients, relative to their Frobenius norm; by default a few
        rounding errors.

    Returns
    -------
    ChebTucker
        The function, of ranks and degrees that the tolerance needs.

    Raises
    ------
    ValueError
        If a coefficient is NaN or Inf, the domain does not fit, or the tolerance is below what the
        data type holds.

    Notes
    -----
    All Chebyshev polynomials are at most 1, and so are sines and cosines: the function changes by
    no more than the sum of the absolute changes of its coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker
    >>> f = ChebTucker.from_coeffs(np.array([[0.0, 1.0], [1.0, 0.0]]))  # y + x
    >>> float(f(0.5, 0.25))
    0.75
    """
    _require_tensor("coefficients", coefficients)
    bases = bases_of(domain, coefficients.ndim)
    xp, dtype = namespace(coefficients), common_type(namespace(coefficients), coefficients.dtype)
    tol = 16 * float(xp.finfo(dtype).eps) if tol is None else tol
    require_tolerance(tol, dtype, xp)
    if isinstance(coefficients, Tucker):
        tensor = coefficients
    elif isinstance(coefficients, CP):
        tensor = coefficients.to_tucker(tol / 2)
    else:
        require_finite("coefficients", coefficients)
        tensor = sthosvd(coefficients, tol=max(tol / 2, 4 * float(xp.finfo(dtype).eps)))
    report = Construction(method="given coefficients", tol=tol)
    return cls(tensor.core, tensor.factors, bases, report=report)._compressed()


def _box_of(nodes: Sequence[Any]) -> list[tuple[float, float]]:
    """Return for every axis the interval from the least coordinate to the largest."""
    box = []
    for x in nodes:
        x = np.asarray(x) if x is None or isinstance(x, (list, tuple)) else on_host(x)
        if x.ndim != 1 or x.size == 0:
            raise ValueError("domain is None: pass it, or nodes (n,) for every axis, which give it")
        box.append((float(np.min(x)), float(np.max(x))))
    return box


def _require_tensor(name: str, x: Any) -> None:
    if not isinstance(x, (Tucker, CP)):
        require_array(name, x, "an array, a Tucker tensor or a CP")


@dataclass(frozen=True)
class _Grid:
    """Values on a grid: an array or a Tucker tensor, with bases and coordinates of the axes."""

    values: Any
    bases: Sequence[Basis]
    nodes: list[Any]

    def compressed(self, tol: float) -> Tucker:
        """Return the values to a relative error in the Frobenius norm."""
        if isinstance(self.values, Tucker):
            return self.values.recompress(tol)
        return sthosvd(self.values, tol=tol)

    def sample(self, seed: int) -> tuple[list[Any], Any]:
        """Return coordinates of some entries within the box, an array for every axis, and them.

        The largest entry of an array is among them.
        """
        xp, generator = namespace(self.values), np.random.default_rng(seed)
        inside = []
        for basis, x in zip(self.bases, self.nodes, strict=True):
            within = basis.periodic | ((x >= basis.low) & (x <= basis.high))
            inside.append(np.flatnonzero(within))
        places = np.stack([generator.choice(rows, _entries) for rows in inside], axis=1)
        where = device(self.values)
        if isinstance(self.values, Tucker):
            found = self.values.at(xp.asarray(places, device=where))
        else:
            flat = xp.reshape(self.values, (-1,))
            largest = np.unravel_index(int(xp.argmax(xp.abs(flat))), self.values.shape)
            if all(k in rows for k, rows in zip(largest, inside, strict=True)):
                places[0] = largest
            index = np.ravel_multi_index(tuple(places.T), self.values.shape)
            found = xp.take(flat, xp.asarray(index, device=where))
        return [x[rows] for x, rows in zip(self.nodes, places.T, strict=True)], found

    def columns(self, tensor: Tucker) -> tuple[Any, list[Columns]]:
        """Return the core and the functions of every axis, of about the size of the values."""
        xp, core, axes = tensor.xp, tensor.core, []
        real = xp.finfo(tensor.dtype).dtype
        for axis, (basis, x, U) in enumerate(
            zip(self.bases, self.nodes, tensor.factors, strict=True)
        ):
            one = xp.eye(U.shape[1], dtype=tensor.dtype, device=tensor.device)
            size = xp.astype(_core.slice_norms(tensor.core, axis), real)
            size = xp.where(size > 0, size, xp.ones_like(size))
            size = size / math.sqrt(tensor.size / tensor.shape[axis])  # root mean squares
            inverse = [None] * tensor.ndim
            inverse[axis] = one / size
            core = _core.mode_products(core, inverse)
            axes.append(sampled(U * size, basis, x))
            axes[-1].tune(xp.arange(U.shape[1], device=tensor.device))
        return core, axes


def _from_grid(
    cls: type[F],
    values: Any,
    bases: Sequence[Basis],
    nodes: Sequence[Any],
    tol: float,
    rng: Any,
    method: str,
) -> F:
    if isinstance(values, CP):
        values = values.to_tucker()
    elif not isinstance(values, Tucker):
        values = inexact(values)
        require_finite("values", values)
    xp, shape = namespace(values), tuple(int(n) for n in values.shape)
    require_tolerance(tol, values.dtype, xp)
    if 0 in shape:
        raise ValueError(f"values has shape {shape}: there is nothing to interpolate")
    axes = enumerate(zip(nodes, shape, bases, strict=True))
    grid = _Grid(values, bases, [coordinates(x, k, n, basis) for k, (x, n, basis) in axes])
    seed = seed_of(rng)
    points, truth = grid.sample(seed)
    scale = float(xp.max(xp.abs(truth)))
    report = Construction(method=method, tol=tol, evaluations=math.prod(shape), seed=seed)
    if scale == 0:
        return zero_function(cls, bases, truth, values.dtype, report)
    share, least = _share * tol, 4 * float(xp.finfo(values.dtype).eps)
    while True:  # until the truncation of the values does not spoil them
        share = max(share, least)
        tensor = grid.compressed(share) / scale
        f, error, doubt, rounds = _interpolated(cls, grid, tensor, points, truth / scale, tol, seed)
        if error <= tol or doubt > tol or share == least:
            break
        share /= 10
    error = max(error, doubt)
    report = replace(report, converged=error <= tol, error_estimate=error, iterations=rounds)
    warn_unresolved(report, "pass values on a finer grid, or a larger tol", stacklevel=4)
    return cls(f.core * scale, f.factors, bases, report=report)


def _interpolated(
    cls: type[F],
    grid: _Grid,
    tensor: Tucker,
    points: Sequence[Any],
    truth: Any,
    tol: float,
    seed: int,
) -> tuple[F, float, float, int]:
    """Return the function, its error at points, what is in doubt between nodes, and attempts."""
    xp, where = tensor.xp, tensor.device
    core, axes = grid.columns(tensor)
    generator = np.random.default_rng((seed, 1))
    more = []
    for basis in grid.bases:  # a quarter at the ends, where nodes are on one side only
        share = np.clip(1.25 * generator.random(_points) - 0.125, 0.0, 1.0)
        more.append(basis.low * (1 - share) + basis.high * share)
    rows = [axis.values(x) for axis, x in zip(axes, more, strict=True)]
    between = _core.entries(core, rows)
    doubt = sum(_doubt(core, axes, k, more, rows, generator) for k in range(tensor.ndim))
    real = xp.finfo(tensor.dtype).dtype
    series = [
        series_of(axis, 1.0, xp.ones(r, dtype=real, device=where), tol)
        for axis, r in zip(axes, tensor.ranks, strict=True)
    ]
    places = [np.concatenate(pair) for pair in zip(points, more, strict=True)]
    on_device = [xp.asarray(x, device=where) for x in places]
    known = xp.concat([truth, xp.astype(between, truth.dtype)])
    f, error, rounds = compressed_to(cls, core, series, grid.bases, on_device, known, tol)
    return f, error, doubt, rounds


def _doubt(
    core: Any,
    axes: Sequence[Columns],
    k: int,
    points: Sequence[Any],
    rows: Sequence[Any],
    generator: Any,
) -> float:
    """Return the error of the interpolation along one axis.

    It is the difference from a rougher interpolation, but no less than nodes tell that are left
    out: ``e₂`` is missed half-way between every second node, and ``e₄`` between every fourth, so
    that halving the distance divides the error by ``e₄/e₂``, or more if the function is smooth.
    """
    xp, axis = namespace(*rows), axes[k]

    def largest(row: Any) -> float:
        return float(xp.max(xp.abs(_core.entries(core, [*rows[:k], row, *rows[k + 1 :]]))))

    difference = largest(rows[k] - axis.rougher(points[k]))
    if not isinstance(axis, Sampled) or axis.most < 2 * _least:
        return difference
    errors = []
    for step in (2, 4):
        missed = axis.left_out(step)
        chosen = generator.integers(missed.shape[0], size=len(points[k]))
        errors.append(largest(xp.take(missed, xp.asarray(chosen, device=device(missed)), axis=0)))
    fine, coarse = errors
    return max(difference, fine * min(fine / coarse, 1.0) if coarse else fine)
