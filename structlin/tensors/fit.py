"""A function from scattered, noisy values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.bases import Basis
from structlin.sketching._random import seed_of
from structlin.tensors._axes import per_axis
from structlin.tensors._domain import bases_of
from structlin.tensors._function.representation import Representation
from structlin.tensors._memory import default_bytes
from structlin.tensors._regression.growth import Search
from structlin.tensors._report import Construction, warn_unresolved

T = TypeVar("T", bound=Representation)


def fit(
    cls: type[T],
    points: Any,
    values: Any,
    domain: Any = None,
    *,
    ranks: int | Sequence[int] | None = None,
    degrees: int | Sequence[int] | None = None,
    tol: float = 1e-10,
    rng: Any = None,
    max_bytes: int = default_bytes,
) -> T:
    """Return the function that fits values at scattered points.

    Parameters
    ----------
    points : (N, d) array
        Where the function is known, inside the box.
    values : (N,) array
        Values there, with noise or without.
    domain : sequence of intervals, (d, 2) array or None
        The box, as for `ChebTucker`; by default the smallest one that holds the points.
    ranks, degrees : int or sequence of int, optional
        The ranks, and the polynomial degree of every axis. What is not given is chosen: it grows as
        long as that lowers the error at a tenth of the points, kept apart for that.
    tol : float
        The root mean square error, relative to the largest value, that is small enough.
    rng : None, int or numpy.random.Generator
        For the random starts, and for the points kept apart.
    max_bytes : int
        The largest array allowed.

    Returns
    -------
    ChebTucker
        Its ``error_estimate`` is the root mean square of what is left of the values at a tenth of
        the points, which were kept apart, relative to the largest value: the noise, if there is
        any. It has converged if that is ``tol``, or if what is left looks like noise: it is
        smaller than the values, points near to each other do not have it in common, and it was not
        a lack of points that stopped the growth. In the end all points are used.

    Raises
    ------
    ValueError
        If there are too few different points for the parameters, a point lies outside the box,
        shapes disagree, or an entry is NaN or infinite.

    Notes
    -----
    Core and factors are found together by damped Gauss-Newton steps on the squared differences plus
    a penalty of rough functions, whose weight follows the evidence of the values. For ``p``
    parameters a step costs ``O(N p²)``; the choice of ranks and degrees uses ten points per
    parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import ChebTucker
    >>> x = np.random.default_rng(0).uniform(-1, 1, (400, 2))
    >>> f = ChebTucker.fit(x, np.sin(x[:, 0] - x[:, 1]), [(-1, 1), (-1, 1)], rng=0)
    >>> bool(abs(f(0.5, 0.2) - np.sin(0.3)) < 1e-8)
    True
    """
    points, values = _checked(points, values)
    xp, (count, d) = namespace(points, values), points.shape
    bases = bases_of(_box(points) if domain is None else domain, d)
    _require_inside(points, bases)
    key = seed_of(rng)
    generator = np.random.default_rng(key)
    scale = float(xp.max(xp.abs(values)))
    eps = float(xp.finfo(values.dtype).eps)
    if not tol >= eps:
        raise ValueError(f"tol is {tol:g}: {values.dtype} holds {eps:.1e}, ask for that or more")
    search = Search(points, values / (scale or 1.0), bases, tol, generator, max_bytes)
    fixed_sizes = None if degrees is None else [n + 1 for n in _counts(degrees, d, "degrees", 0)]
    fixed_ranks = None if ranks is None else _counts(ranks, d, "ranks", 1)
    found, error, noise = search.best(fixed_sizes, fixed_ranks)
    report = Construction(
        method="fit",
        tol=max(tol, error / 10),
        converged=error <= tol or noise,
        error_estimate=error,
        evaluations=count,
        iterations=search.steps,
        seed=key,
    )
    warn_unresolved(report, "pass more points, or other ranks and degrees")
    core = found.core * scale if scale else found.core * 0
    return cls(core, found.factors, bases, report=report)


def _checked(points: Any, values: Any) -> tuple[Any, Any]:
    xp = namespace(points, values)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"points has shape {tuple(points.shape)}: (N, d) is expected")
    if values.ndim != 1 or values.shape[0] != points.shape[0]:
        raise ValueError(
            f"points has shape {tuple(points.shape)} and values has shape {tuple(values.shape)}: "
            "a value is needed for every row"
        )
    if points.shape[0] == 0:
        raise ValueError("there are no points: pass one or more")
    points, values = inexact(points), inexact(values)
    if xp.isdtype(points.dtype, "complex floating"):
        raise TypeError("points is complex: coordinates are real")
    require_finite("points", points)
    require_finite("values", values)
    return points, values


def _box(points: Any) -> list[tuple[float, float]]:
    xp = namespace(points)
    low, high = xp.min(points, axis=0), xp.max(points, axis=0)
    box = [(float(low[k]), float(high[k])) for k in range(points.shape[1])]
    for axis, (a, b) in enumerate(box):
        if a == b:
            raise ValueError(
                f"axis {axis} of points has the only coordinate {a:g}: leave it out, or pass domain"
            )
    return box


def _require_inside(points: Any, bases: Sequence[Basis]) -> None:
    xp = namespace(points)
    for axis, basis in enumerate(bases):
        x = points[:, axis]
        outside = (x < basis.low) | (x > basis.high)
        if not basis.periodic and bool(xp.any(outside)):
            n = int(xp.argmax(xp.astype(outside, xp.int8)))
            raise ValueError(
                f"point {n} has the coordinate {float(x[n]):g} on axis {axis}, outside "
                f"[{basis.low:g}, {basis.high:g}]: widen domain"
            )


def _counts(given: int | Sequence[int], d: int, name: str, least: int) -> list[int]:
    each = per_axis(given, d, name, f"points has {d} columns")
    for n in each:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < least:
            raise ValueError(f"{name} is {given!r}: pass integers of {least} or more")
    return [int(n) for n in each]
