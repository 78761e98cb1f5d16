"""Features: the coefficients of input functions in which distances are measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import first_nonfinite, require_array
from structlin.bases import dct

kinds = ("pca", "pod", "fourier", "dct", "grid")
# directions whose standard deviation is below this part of the largest are rounding errors of
# squares
_tiny = 1e-7
_learned = ("center", "unit", "root", "basis", "kept", "spread")


class Features:
    """Coefficients of functions, and the standard deviation of each among the samples.

    Parameters
    ----------
    kind : str or callable
        ``"pca"``, ``"pod"``, ``"fourier"``, ``"dct"``, ``"grid"``, or a function that takes
        ``(n, ...)`` inputs to ``(n, r)`` features.
    modes : int or None
        How many coefficients are kept at most: those of the largest deviation.
    """

    def __init__(self, kind: str | Callable[[Any], Any], modes: int | None = None) -> None:
        if not callable(kind) and kind not in kinds:
            raise ValueError(
                f"features is {kind!r}: pass one of {', '.join(map(repr, kinds))}, or a function "
                "from (n, ...) inputs to (n, r) features"
            )
        self.kind, self.modes = kind, modes

    def fit(self, copies: Sequence[Any], grid: Any = None) -> list[Any]:
        """Learn from inputs and their images; return the (n, r) coefficients of each."""
        first = copies[0]
        xp, n = namespace(first), first.shape[0]
        raw = [self._raw(U) for U in copies]
        self.center = sum(xp.mean(z, axis=0) for z in raw) / len(raw)
        raw = [z - self.center for z in raw]
        unit = max(float(xp.max(xp.abs(z))) if 0 not in z.shape else 0.0 for z in raw)
        self.unit = unit or 1.0
        raw = [z / self.unit for z in raw]
        self.root = None
        self.basis = None
        if self.kind == "pod":
            table = np.ones(tuple(first.shape[1:])) if grid is None else grid.weights()
            weights = xp.reshape(xp.asarray(table, device=first.device), (-1,))
            repeats = raw[0].shape[1] // weights.shape[0]  # real and imaginary parts
            self.root = xp.sqrt(xp.concat([weights] * repeats) / xp.max(weights))
            raw = [z * self.root for z in raw]
        if self.kind in ("pca", "pod"):
            self.basis = _principal(raw)
            raw = [xp.matmul(z, self.basis) for z in raw]
        variance = sum(xp.sum(z * z, axis=0) for z in raw) / (n * len(raw))
        spread = xp.sqrt(variance)
        order = xp.argsort(spread, descending=True, stable=True)
        ordered = xp.take(spread, order)
        largest = float(ordered[0]) if ordered.shape[0] else 0.0
        count = int(xp.sum(xp.astype(ordered > _tiny * largest, xp.int64)))
        count = max(count if self.modes is None else min(count, self.modes), 1)
        self.kept = order[:count]
        self.spread = ordered[:count]
        return [xp.take(z, self.kept, axis=1) for z in raw]

    def __call__(self, U: Any) -> Any:
        """Return the (n, r) coefficients of new inputs."""
        xp = namespace(U)
        z = (self._raw(U) - self.center) / self.unit
        if self.root is not None:
            z = z * self.root
        if self.basis is not None:
            z = xp.matmul(z, self.basis)
        return xp.take(z, self.kept, axis=1)

    def state(self) -> dict[str, Any]:
        """Return what was learned, for a file."""
        return {name: getattr(self, name) for name in _learned}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` has returned."""
        for name in _learned:
            setattr(self, name, state[name])

    def _raw(self, U: Any) -> Any:
        xp = namespace(U)
        if callable(self.kind):
            made = self.kind(U)
            require_array("what features returned", made, "an (n, r) array")
            if made.ndim != 2 or made.shape[0] != U.shape[0]:
                raise ValueError(
                    f"features returned shape {tuple(made.shape)} for {U.shape[0]} inputs: return "
                    "one row for every input"
                )
            made = packed(xp.astype(made, _double(made, xp)))
            place = first_nonfinite(made)
            if place is not None:
                raise ValueError(
                    f"features returned a NaN or Inf for input {place // made.shape[1]}: return "
                    "finite numbers"
                )
            return made
        axes = tuple(range(1, U.ndim))
        if self.kind == "dct":
            U = dct(U, axes=axes)
        elif self.kind == "fourier":
            real = not xp.isdtype(U.dtype, "complex floating")
            for axis in axes:
                U = xp.fft.fft(xp.astype(U, xp.complex128), axis=axis)
            U = U / math.sqrt(math.prod(U.shape[1:]))
            if real:  # Hartley's coefficients: orthonormal, real, and no more than the values
                U = xp.real(U) - xp.imag(U)
        return packed(U)


def packed(U: Any) -> Any:
    """Return (n, ...) functions as rows of real numbers: real parts, then imaginary ones."""
    xp = namespace(U)
    rows = xp.reshape(U, (U.shape[0], math.prod(U.shape[1:])))
    if xp.isdtype(rows.dtype, "complex floating"):
        return xp.concat((xp.real(rows), xp.imag(rows)), axis=1)
    return rows


def unpacked(rows: Any, shape: tuple[int, ...], *, is_complex: bool) -> Any:
    """Return what `packed` has made rows of."""
    xp = namespace(rows)
    if is_complex:
        half = rows.shape[1] // 2
        rows = xp.astype(rows[:, :half], xp.complex128) + 1j * rows[:, half:]
    return xp.reshape(rows, (rows.shape[0], *shape))


def _double(x: Any, xp: Any) -> Any:
    return xp.complex128 if xp.isdtype(x.dtype, "complex floating") else xp.float64


def _principal(copies: Sequence[Any]) -> Any:
    """Return the (m, r) principal directions of centred rows, by the smaller matrix of squares."""
    xp = namespace(copies[0])
    rows, m = copies[0].shape[0] * len(copies), copies[0].shape[1]
    if m <= rows:
        squares = sum(xp.matmul(xp.matrix_transpose(z), z) for z in copies)
        levels, directions = xp.linalg.eigh(squares)
        return directions[:, m - _count(levels) :]
    z = xp.concat(tuple(copies), axis=0)
    levels, vectors = xp.linalg.eigh(xp.matmul(z, xp.matrix_transpose(z)))
    first = rows - _count(levels)
    if float(levels[-1]) <= 0.0:  # all samples are the same
        return xp.zeros((m, 1), dtype=z.dtype, device=z.device)
    return xp.matmul(xp.matrix_transpose(z), vectors[:, first:] / xp.sqrt(levels[first:]))


def _count(levels: Any) -> int:
    """Return how many of the ascending squares are no rounding errors, one or more."""
    xp = namespace(levels)
    good = levels > _tiny**2 * xp.maximum(levels[-1], xp.zeros_like(levels[-1]))
    return max(int(xp.sum(xp.astype(good, xp.int64))), 1)
