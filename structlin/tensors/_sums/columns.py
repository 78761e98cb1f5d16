"""The functions of one variable in a sum of products: callables, or samples of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import first_nonfinite, inexact, require_finite
from structlin.bases import Basis
from structlin.tensors._sums.interpolation import interpolated

# how many nodes polynomials go through; that of the smallest error is taken
_orders = (4, 6, 8, 10, 12, 14, 16)
# points and columns on which they are tried, and points at which callables are searched for peaks
_tried, _peaks = 64, 65
# coefficients of a callable
_most = 2**15


class Columns(ABC):
    """Functions of one variable, one for every term.

    Attributes
    ----------
    basis : Basis
        The axis.
    most : int
        How many coefficients to try at most.
    dtype : data type
        That of the values.
    evaluations : int
        How often a function was called at a point.
    """

    basis: Basis
    most: int
    dtype: Any
    evaluations: int = 0

    @abstractmethod
    def values(self, points: Any) -> Any:
        """Return the values (m, R) at points (m,), a NumPy array."""

    def rougher(self, points: Any) -> Any:
        """Return values that differ from the others by about their error."""
        return self.values(points)

    def peaks(self) -> tuple[Any, Any]:
        """Return the largest absolute values of the functions and where they are, (R,) arrays."""
        points = self.basis.points(_peaks)
        return _peaks_of(self.values(points), points)

    def tune(self, columns: Any) -> None:
        """Choose how to interpolate, by what serves some of the columns best."""
        return


class Called(Columns):
    """Functions that can be called.

    Parameters
    ----------
    functions : callable or sequence of callables
        One that returns (n, R) arrays, or ``R`` that return (n,) arrays.
    basis : Basis
        The axis.
    axis : int
        Its number.
    like : array
        Of a term for every entry; gives the array library, the device and the precision.
    """

    def __init__(self, functions: Any, basis: Basis, axis: int, like: Any) -> None:
        self._functions, self.basis, self._axis, self._like = functions, basis, axis, like
        self.most, self.dtype = _most, like.dtype
        if not (callable(functions) or all(map(callable, functions))):
            raise TypeError(
                f"factors[{axis}] is a {type(functions).__name__} of other things than functions: "
                "pass an array, a callable, or a sequence of callables"
            )
        if not callable(functions) and len(functions) != like.shape[0]:
            raise ValueError(
                f"factors[{axis}] has {len(functions)} functions, and there are {like.shape[0]} "
                "weights: one is needed for every weight"
            )

    def values(self, points: Any) -> Any:
        xp, R = namespace(self._like), self._like.shape[0]
        x = xp.asarray(points, device=device(self._like))
        if callable(self._functions):
            out = self._functions(x)
        else:
            out = xp.stack([self._column(function, x) for function in self._functions], axis=1)
        if tuple(getattr(out, "shape", ())) != (len(points), R):
            raise ValueError(
                f"factors[{self._axis}] returned an array of shape "
                f"{tuple(getattr(out, 'shape', ()))} at {len(points)} points: {(len(points), R)} "
                "is needed, a column for every weight"
            )
        if (place := first_nonfinite(inexact(out))) is not None:
            row, q = divmod(place, R)
            raise ValueError(
                f"function {q} of factors[{self._axis}] has a NaN or Inf at {points[row]:.17g}"
            )
        self.evaluations += len(points) * R
        out = inexact(out)
        self.dtype = out.dtype
        return out

    def _column(self, function: Any, x: Any) -> Any:
        xp = namespace(self._like)
        return xp.broadcast_to(xp.asarray(function(x), device=device(x)), x.shape)


class Sampled(Columns):
    """Samples at ascending nodes, interpolated by polynomials through those nearby."""

    def __init__(self, samples: Any, basis: Basis, nodes: Any) -> None:
        self._samples, self.basis, self._nodes = samples, basis, nodes
        self._order = min(_orders[0], len(nodes))
        self.most, self.dtype = 2 * len(nodes), samples.dtype

    def values(self, points: Any) -> Any:
        return self._interpolated(self._samples, points, self._order)

    def rougher(self, points: Any) -> Any:
        return self._interpolated(self._samples, points, max(self._order - 2, 1))

    def peaks(self) -> tuple[Any, Any]:
        return _peaks_of(self._samples, self._nodes)

    def tune(self, columns: Any) -> None:
        xp, n = namespace(self._samples), len(self._nodes)
        samples = xp.take(self._samples, columns[: min(_tried, columns.shape[0])], axis=1)
        chosen = np.unique(np.linspace(0, max(n - 2, 0), _tried).astype(int))
        points = (self._nodes[chosen] + self._nodes[np.minimum(chosen + 1, n - 1)]) / 2
        points = np.concatenate([[self.basis.low], points, [self.basis.high]])
        errors = {}
        before = self._interpolated(samples, points, min(2, n))
        for order in [order for order in _orders if order <= n]:
            after = self._interpolated(samples, points, order)
            errors[order] = float(xp.max(xp.abs(after - before)))
            before = after
        self._order = min(errors, key=errors.__getitem__, default=n)

    def left_out(self, step: int) -> Any:
        """Return what interpolation from every ``step``-th node misses half-way, (m, R).

        As many nodes serve for it as are best. Nodes beyond the first and the last of those are
        missed as well, if the interval goes on beyond the nodes.
        """
        xp, half = namespace(self._samples), step // 2
        period = self.basis.width if self.basis.periodic else None
        low, high = self._nodes[0] - self.basis.low, self.basis.high - self._nodes[-1]
        parts = []
        for first in (0, half):
            kept = self._nodes[first::step]
            places = np.arange(half - first, len(self._nodes), step)
            x = self._nodes[places]
            within = (x >= kept[0] - 1.01 * step * low) & (x <= kept[-1] + 1.01 * step * high)
            places = xp.asarray(places[within], device=device(self._samples))
            truth = xp.take(self._samples, places, axis=0)
            missed = [
                interpolated(self._samples[first::step, :], kept, x[within], order, period) - truth
                for order in (3, *_orders)
                if order <= len(kept)
            ]
            parts.append(min(missed, key=lambda part: float(xp.max(xp.abs(part)))))
        return xp.concat(parts)

    def _interpolated(self, samples: Any, points: Any, order: int) -> Any:
        period = self.basis.width if self.basis.periodic else None
        return interpolated(samples, self._nodes, points, order, period)


class Spectral(Columns):
    """Samples at the points of the basis, or of one that is shifted by a part of the period."""

    def __init__(self, samples: Any, basis: Basis, nodes: Any) -> None:
        self.basis, self.most, self.dtype = basis, len(nodes), samples.dtype
        shift = nodes[0] - basis.points(len(nodes))[0]
        self._own = replace(basis, low=basis.low + shift, high=basis.high + shift)
        self._samples, self._nodes = samples, nodes
        self._coefficients = self._own.coefficients(samples)

    @staticmethod
    def fits(basis: Basis, nodes: Any) -> bool:
        """Tell whether the nodes are such points."""
        points = basis.points(len(nodes))
        shift = nodes[0] - points[0] if basis.periodic else 0.0
        return bool(np.max(np.abs(nodes - shift - points)) <= 1e-13 * np.max(np.abs(nodes)))

    def values(self, points: Any) -> Any:
        return self._values(self._coefficients, points)

    def rougher(self, points: Any) -> Any:
        n = self.most
        return self._values(self._coefficients[: max(n - n // 8 - 1, 1), :], points)

    def peaks(self) -> tuple[Any, Any]:
        return _peaks_of(self._samples, self._nodes)

    def _values(self, coefficients: Any, points: Any) -> Any:
        xp = namespace(coefficients)
        x = xp.asarray(points, device=device(coefficients))
        V = self._own.vander(x, coefficients.shape[0])
        return xp.matmul(xp.astype(V, coefficients.dtype), coefficients)


def columns_of(
    factors: Sequence[Any], bases: Sequence[Basis], nodes: Sequence[Any] | None, weights: Any
) -> list[Columns]:
    """Return the functions of every axis, checked."""
    given = [None] * len(bases) if nodes is None else list(nodes)
    if len(given) != len(bases):
        raise ValueError(f"nodes has {len(given)} entries, and there are {len(bases)} axes")
    out: list[Columns] = []
    for axis, (factor, basis, x) in enumerate(zip(factors, bases, given, strict=True)):
        if callable(factor) or isinstance(factor, (list, tuple)):
            out.append(Called(factor, basis, axis, weights))
            continue
        if factor.ndim != 2 or factor.shape[1] != weights.shape[0] or not factor.shape[0]:
            raise ValueError(
                f"factors[{axis}] has shape {tuple(factor.shape)}, and there are "
                f"{weights.shape[0]} weights: an (n, {weights.shape[0]}) array is needed"
            )
        require_finite(f"factors[{axis}]", factor)
        x = coordinates(x, axis, int(factor.shape[0]), basis)
        out.append(sampled(inexact(factor), basis, x))
    return out


def sampled(samples: Any, basis: Basis, nodes: Any) -> Columns:
    """Return the functions of one axis with these samples (n, R) at nodes (n,), a NumPy array."""
    return (Spectral if Spectral.fits(basis, nodes) else Sampled)(samples, basis, nodes)


def coordinates(x: Any, axis: int, n: int, basis: Basis) -> Any:
    """Return the coordinates of samples as a NumPy array, checked."""
    if x is None:
        return basis.low + basis.width * (np.arange(n) + 0.5) / n
    x = np.asarray(x, dtype=np.float64) if isinstance(x, (list, tuple)) else on_host(x)
    if x.shape != (n,):
        raise ValueError(
            f"nodes[{axis}] has shape {x.shape}, and there are {n} samples along axis {axis}: a "
            "coordinate is needed for every one"
        )
    require_finite(f"nodes[{axis}]", x)
    if not np.all(np.diff(x) > 0):
        raise ValueError(f"nodes[{axis}] must ascend, without repetition")
    if basis.periodic and x[-1] - x[0] >= basis.width:
        raise ValueError(
            f"nodes[{axis}] span {x[-1] - x[0]:g}, a period of {basis.width:g} or more"
        )
    gap = 0.0 if basis.periodic else max(x[0] - basis.low, basis.high - x[-1])
    if gap > 2 * basis.width / n:
        raise ValueError(
            f"nodes[{axis}] lie in [{x[0]:g}, {x[-1]:g}], and the interval is [{basis.low:g}, "
            f"{basis.high:g}]: there must be nodes near both of its ends"
        )
    return x


def _peaks_of(values: Any, points: Any) -> tuple[Any, Any]:
    xp, size = namespace(values), namespace(values).abs(values)
    where = xp.argmax(size, axis=0)
    return xp.max(size, axis=0), xp.take(xp.asarray(points, device=device(values)), where)
