"""Points of the line, their differences, and matrices of differences alone."""

from __future__ import annotations

from typing import Any

from structlin._backend import device, namespace
from structlin._validation import inexact, require_finite


def line_points(name: str, x: Any) -> Any:
    """Return points of the line as a vector of floating-point numbers that are finite."""
    if not hasattr(x, "ndim") or x.ndim != 1:
        shape = tuple(x.shape) if hasattr(x, "shape") else repr(x)
        raise ValueError(f"{name} is {shape}: pass an array of one axis, of points of the line")
    return real_numbers(name, x)


def real_numbers(name: str, x: Any) -> Any:
    """Return an array of floating-point numbers that are finite; integers become float64."""
    x = inexact(x)
    if namespace(x).isdtype(x.dtype, "complex floating"):
        raise TypeError(f"{name} has complex numbers: covariances are of points of the real line")
    require_finite(name, x)
    return x


def scaled(lags: Any, rate: float, far: float) -> Any:
    """Return lags times a rate; products beyond ``far`` count as ``far``."""
    xp = namespace(lags)
    most = min(far / rate, float(xp.finfo(lags.dtype).max))
    return rate * xp.clip(lags, -most, most)


def lags_between(x: Any, y: Any) -> Any:
    """Return the differences ``x - y`` between points, (n, m)."""
    x = line_points("x", x)
    y = x if y is None else line_points("y", y)
    namespace(x, y)
    return x[:, None] - y[None, :]


def even_step(x: Any) -> float | None:
    """Return the spacing of points that are even up to the rounding of their coordinates.

    None where rounding is as much as a thousandth of the spacing: the coordinates are then exact
    numbers rather than rounded ones, as far as anybody can tell.
    """
    xp, n = namespace(x), x.shape[0]
    if n < 2:
        return None
    first, last = float(x[0]), float(x[-1])
    step = (last - first) / (n - 1)
    even = first + step * xp.arange(n, dtype=x.dtype, device=device(x))
    slack = 4 * float(xp.finfo(x.dtype).eps) * max(abs(first), abs(last))
    slack = min(slack, 1e-3 * abs(step))
    return step if float(xp.max(xp.abs(x - even))) <= slack else None


def symmetric_toeplitz(row: Any) -> Any:
    """Return the symmetric Toeplitz matrix of a first row.

    A circulant matrix of ``2 n`` columns is ``n`` copies of its first row without the last entry,
    cut into rows that are one entry shorter.
    """
    xp, n = namespace(row), row.shape[0]
    around = xp.concat([row, row[:1], xp.flip(row[1:])])
    copies = xp.reshape(xp.broadcast_to(around, (n, 2 * n)), (-1,))
    return xp.asarray(xp.reshape(copies[: n * (2 * n - 1)], (n, 2 * n - 1))[:, :n], copy=True)
