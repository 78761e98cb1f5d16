"""Changes between the unknowns of an axis and the eigenvectors of its second difference.

Each is a real linear map, orthonormal in the inner product of the lengths that the unknowns own
(divided by the spacing, where there is one).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin.bases import dct, dst
from structlin.solvers.elliptic._lines import Floats, Line

Family = Literal["sine", "cosine", "fourier", "vectors"]


@dataclass(frozen=True, eq=False)
class AxisModes:
    """The eigenvectors of the second difference along an axis.

    Attributes
    ----------
    family : {"sine", "cosine", "fourier", "vectors"}
        Waves, or vectors computed.
    type : int
        Of the transform to the modes, where that is a sine or cosine transform.
    eigenvalues : (m,) array
        Of ``−u''``, on the host.
    waves : (m,) array
        How many half waves fit into the axis; the number of the vector where there are none.
    weights : (m,) array or None
        The unknowns are multiplied by these before the sine or cosine transform.
    forth, back : (m, m) array or None
        The matrix to the modes and its inverse, where there is no transform, or none that is
        faster.
    volume : float
        The squared norm of a function is about ``volume`` times that of its modes.
    """

    family: Family
    type: int
    eigenvalues: Floats
    waves: NDArray[Any]
    weights: Floats | None
    forth: Floats | None
    back: Floats | None
    volume: float


_shapes: dict[tuple[Any, ...], tuple[Family, int, float]] = {
    # kind, low side, high side: family, type of the transform, half waves of the first mode
    ("node", "dirichlet", "dirichlet"): ("sine", 1, 1.0),
    ("node", "neumann", "neumann"): ("cosine", 1, 0.0),
    ("node", "dirichlet", "neumann"): ("sine", 3, 0.5),
    ("node", "neumann", "dirichlet"): ("cosine", 3, 0.5),
    ("cell", "dirichlet", "dirichlet"): ("sine", 2, 1.0),
    ("cell", "neumann", "neumann"): ("cosine", 2, 0.0),
    ("cell", "dirichlet", "neumann"): ("sine", 4, 0.5),
    ("cell", "neumann", "dirichlet"): ("cosine", 4, 0.5),
}
_inverse = {1: 1, 2: 3, 3: 2, 4: 4}


def axis_modes(line: Line) -> AxisModes:
    """Return the eigenvectors along an axis: waves where it is even, else computed."""
    m, h = line.size, line.spacing
    if line.walls is None:
        h = float(line.gaps[0])
        k = (np.arange(m) + 1) // 2
        eigenvalues = (2 / h * np.sin(np.pi * k / m)) ** 2
        return AxisModes("fourier", 0, eigenvalues, 2.0 * k, None, None, None, h)
    key = (line.kind, *(wall.condition for wall in line.walls))
    if h is None or key not in _shapes:
        return _vectors(line)
    family, type, first = _shapes[key]
    waves = first + np.arange(m)
    intervals = line.n if line.kind == "cell" else line.n - 1
    eigenvalues = np.asarray(2 / h * np.sin(np.pi / 2 * waves / intervals)) ** 2
    weights = np.sqrt(line.lengths[line.start : line.stop] / h)
    forth = back = halves = None
    if _short(m, intervals):
        columns = _matrix(family, type, m)
        forth, back = columns * weights, columns.T / weights[:, None]
    elif not np.all(weights == 1):
        halves = weights
    return AxisModes(family, type, eigenvalues, waves, halves, forth, back, h)


@functools.lru_cache(maxsize=8)
def _matrix(family: Family, type: int, m: int) -> Floats:
    """Return the matrix of a transform; it is kept, and read-only."""
    columns: Floats = (dst if family == "sine" else dct)(np.eye(m), type=type, axes=0)
    columns.flags.writeable = False
    return columns


# Up to these sizes a product with the matrix takes less time than the transform. In nanoseconds an
# entry, products took about 0.042 m, transforms 4 and 0.24 for every prime factor above 11 of the
# half period, by trial on one core for half periods of 17 to 1024.
_shortest, _per_prime, _longest = 95, 6, 1024


def _short(m: int, half_period: int) -> bool:
    """Tell whether to multiply by the matrix of a transform of ``m`` points."""
    primes, rest, factor = 0, max(half_period, 1), 2
    while rest > 1:
        if factor * factor > rest:
            factor = rest
        while rest % factor == 0:
            rest //= factor
            primes += factor * (factor > 11)
        factor += 1
    return 1 < m <= min(_shortest + _per_prime * primes, _longest)


def _vectors(line: Line) -> AxisModes:
    # K v = λ B v with diagonal B: the tridiagonal B^(-1/2) K B^(-1/2) is symmetric
    m = line.size
    # in a unit, so that squares of lengths do not leave the range
    unit = math.ldexp(1.0, math.frexp(float(np.max(line.lengths)))[1])
    diagonal, beside = (unit * part for part in line.tridiagonal())
    root = np.sqrt(line.lengths[line.start : line.stop] / unit)
    if m == 0:
        values, Q = np.zeros(0), np.zeros((0, 0))
    else:
        linalg = scipy_of(namespace(root), "linalg")
        values, Q = linalg.eigh_tridiagonal(diagonal / root**2, beside / (root[:-1] * root[1:]))
        if all(wall.loss == 0 for wall in line.walls or ()):  # constants, known exactly
            values[0], Q[:, 0] = 0.0, root / np.linalg.norm(root)
    return AxisModes(
        "vectors",
        0,
        values / unit**2,
        np.arange(m) + 1.0,
        None,
        Q.T * root,
        Q / root[:, None],
        unit,
    )


class Transforms:
    """All axes at once, for real arrays ``(..., *shape)`` of one array library."""

    def __init__(self, axes: Sequence[AxisModes], xp: ModuleType, device: Any) -> None:
        self.axes, self.xp, self.device = tuple(axes), xp, device
        d = len(self.axes)
        alike: dict[tuple[Family, int], list[int]] = {}  # one call for axes of one kind
        for axis, modes in enumerate(self.axes):
            if modes.family in ("sine", "cosine") and modes.forth is None:
                alike.setdefault((modes.family, modes.type), []).append(axis - d)
        self._waves = [(*key, tuple(places)) for key, places in alike.items()]
        self._periodic = tuple(k - d for k, m in enumerate(self.axes) if m.family == "fourier")
        self._computed = tuple(k - d for k, m in enumerate(self.axes) if m.forth is not None)
        weighted = [modes.weights for modes in self.axes]
        self._weights: Any = None
        if any(w is not None for w in weighted):
            parts = [np.ones(1) if w is None else w for w in weighted]
            self._weights = functools.reduce(np.multiply, np.ix_(*parts))
        self._moved: dict[tuple[Hashable, Any], Any] = {}

    def forth(self, x: Any) -> Any:
        """Return the coefficients of the modes."""
        x = self._to_waves(x)
        for axis in self._periodic:
            x = _fourier(x, axis, self.xp)
        return x

    def back(self, x: Any) -> Any:
        """Undo `forth`."""
        for axis in self._periodic:
            x = _inverse_fourier(x, axis, self.xp)
        return self._from_waves(x)

    def multiplier(self, values: Any) -> Any:
        """Return factors of all modes, alike for cosine and sine, as `multiplied` wants them."""
        for axis in self._periodic:
            n = values.shape[axis]
            waves = np.arange(n // 2 + 1 if axis == self._periodic[-1] else n)
            waves = np.minimum(waves, n - waves)
            places = self.xp.asarray(np.maximum(2 * waves - 1, 0), device=self.device)
            values = self.xp.take(values, places, axis=axis)
        return values

    def multiplied(self, x: Any, multiplier: Any) -> Any:
        """Return what has the coefficients of ``x`` times these factors.

        The same as `forth`, a product and `back`, but complex Fourier transforms are faster.
        """
        xp, axes = self.xp, self._periodic
        C = self._to_waves(x)
        if not axes:
            C *= multiplier
            return self._from_waves(C, overwrite=True)
        fft = scipy_of(xp, "fft") if is_numpy(xp) or is_cupy(xp) else xp.fft
        sizes = tuple(x.shape[axis] for axis in axes)
        C = fft.rfftn(C, axes=axes)
        C *= multiplier
        return self._from_waves(fft.irfftn(C, s=sizes, axes=axes), overwrite=True)

    def _to_waves(self, x: Any) -> Any:
        """Transform the axes that are not periodic."""
        if self._weights is not None:
            x = x * self._on_device("weights", self._weights, x.dtype)
        for family, type, places in self._waves:
            x = (dst if family == "sine" else dct)(x, type=type, axes=places)
        for axis in self._computed:
            forth = self.axes[axis].forth
            x = _product(self._on_device((axis, "forth"), forth, x.dtype), x, axis)
        return x

    def _from_waves(self, x: Any, *, overwrite: bool = False) -> Any:
        """Undo `_to_waves`; ``x`` may be written over if that saves memory."""
        for axis in self._computed:
            back = self.axes[axis].back
            x = _product(self._on_device((axis, "back"), back, x.dtype), x, axis)
        for family, type, places in self._waves:
            kind = _inverse[type]
            if overwrite and is_numpy(self.xp) and x.size:
                fft = scipy_of(self.xp, "fft")
                transform = fft.dstn if family == "sine" else fft.dctn
                x = transform(x, type=kind, axes=places, norm="ortho", overwrite_x=True)
            else:
                x = (dst if family == "sine" else dct)(x, type=kind, axes=places)
        if self._weights is not None:
            x = x * self._on_device("inverse weights", 1 / self._weights, x.dtype)
        return x

    def _on_device(self, name: Hashable, x: Any, dtype: Any) -> Any:
        """Return numbers of the host as an array of this type, made once."""
        key = (name, dtype)
        if key not in self._moved:
            self._moved[key] = self.xp.asarray(x, dtype=dtype, device=self.device)
        return self._moved[key]


def _product(M: Any, x: Any, axis: int) -> Any:
    """Return the product of a matrix with an axis, given as a negative number."""
    xp = namespace(x)
    if axis == -1:
        rows = xp.reshape(x, (-1, x.shape[-1]))
        return xp.reshape(xp.matmul(rows, M.T), x.shape)
    columns = xp.reshape(x, (*x.shape[: axis + 1], math.prod(x.shape[axis + 1 :])))
    return xp.reshape(xp.matmul(M, columns), x.shape)


def _fourier(x: Any, axis: int, xp: ModuleType) -> Any:
    """Return ``1, cos, sin, cos, sin, …`` coefficients, orthonormal."""
    n = x.shape[axis]
    if 0 in x.shape or n == 1:
        return xp.asarray(x, copy=True)
    if is_numpy(xp) or is_cupy(xp):
        y = scipy_of(xp, "fftpack").rfft(x, axis=axis)
    else:
        spectrum = xp.fft.rfft(xp.moveaxis(x, axis, -1), axis=-1)
        parts = xp.stack([xp.real(spectrum), xp.imag(spectrum)], axis=-1)
        pairs = xp.reshape(parts, (*spectrum.shape[:-1], -1))
        # the imaginary part of the constant, and of the highest of an even number, is zero
        y = xp.concat([pairs[..., :1], pairs[..., 2 : n + 1]], axis=-1)
        y = xp.moveaxis(y, -1, axis)
    return y * _along(xp.asarray(_orthonormal(n), dtype=x.dtype, device=x.device), y, axis, xp)


def _inverse_fourier(x: Any, axis: int, xp: ModuleType) -> Any:
    n = x.shape[axis]
    if 0 in x.shape or n == 1:
        return xp.asarray(x, copy=True)
    scale = xp.asarray(1 / _orthonormal(n), dtype=x.dtype, device=x.device)
    y = x * _along(scale, x, axis, xp)
    if is_numpy(xp) or is_cupy(xp):
        return scipy_of(xp, "fftpack").irfft(y, axis=axis)
    y = xp.moveaxis(y, axis, -1)
    zero = xp.zeros_like(y[..., :1])
    pairs = xp.concat([y[..., :1], zero, y[..., 1:], *([zero] if n % 2 == 0 else [])], axis=-1)
    complex_type = xp.result_type(x.dtype, xp.complex64)
    spectrum = xp.astype(pairs[..., 0::2], complex_type) + 1j * pairs[..., 1::2]
    return xp.moveaxis(xp.fft.irfft(spectrum, n=n, axis=-1), -1, axis)


@functools.lru_cache
def _orthonormal(n: int) -> Floats:
    scale = np.full(n, math.sqrt(2 / n))
    scale[0] = math.sqrt(1 / n)
    if n % 2 == 0:
        scale[-1] = math.sqrt(1 / n)
    return scale


def _along(vector: Any, x: Any, axis: int, xp: ModuleType) -> Any:
    return xp.reshape(vector, (-1,) + (1,) * (-1 - axis))
