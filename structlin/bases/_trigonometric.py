"""What the cosine and sine transforms of types 1 to 4 have in common: one formula for all eight.

    T[k, j] = √(2/M) wₖ vⱼ cos(π (2k + b)(2j + a) / (4M)),    or sin for cos

The shifts ``a`` and ``b`` and the half period ``M`` are those of the type. The weights ``w`` (of
``b``) and ``v`` (of ``a``) are ``1/√2`` where ``2k + b`` is a multiple of ``2M``, else 1: they make
each of these matrices orthogonal.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Literal, NamedTuple

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin._validation import inexact

Wave = Literal["cosine", "sine"]


class Kind(NamedTuple):
    """The numbers of a transform: shifts of columns and rows in halves, and half the period."""

    column_shift: int
    row_shift: int
    half_period: int


_shifts = {
    "cosine": {1: (0, 0), 2: (1, 0), 3: (0, 1), 4: (1, 1)},
    "sine": {1: (2, 2), 2: (1, 2), 3: (2, 1), 4: (1, 1)},
}


def kind_of(wave: Wave, type: int, n: int) -> Kind:
    """Return the numbers of a transform of ``n`` points, checked."""
    shifts = _shifts[wave]
    if type not in shifts:
        raise ValueError(f"type is {type!r}: choose one of 1, 2, 3 and 4")
    if wave == "cosine" and type == 1 and n == 1:
        raise ValueError("the cosine transform of type 1 needs two points at least: there is one")
    longer = {"cosine": -1, "sine": 1}[wave] if type == 1 else 0
    return Kind(*shifts[type], max(n + longer, 1))  # nothing divides by zero if n is zero


def weights(indices: Any, shift: int, half_period: int, xp: ModuleType) -> Any:
    """Return the weights of these rows or columns, in double precision."""
    ends = (2 * indices + shift) % (2 * half_period) == 0
    return xp.where(ends, math.sqrt(0.5), xp.asarray(1.0, dtype=xp.float64, device=ends.device))


def turn(numerators: Any, denominator: int, xp: ModuleType) -> Any:
    """Return ``exp(−2πi p/q)`` of integers ``p``: reduced first, so that large ones round less."""
    angles = xp.astype(numerators % denominator, xp.float64) * (2 * math.pi / denominator)
    return xp.astype(xp.cos(angles), xp.complex128) - 1j * xp.sin(angles)


def transformed(wave: Wave, x: Any, type: int, axes: int | Sequence[int] | None) -> Any:
    """Return the orthonormal transform of an array along axes."""
    xp = namespace(x)
    x = inexact(x, xp)
    chosen = _checked_axes(axes, x.shape)
    for axis in chosen:
        kind_of(wave, type, x.shape[axis])
    if not chosen or x.size == 0:
        return xp.asarray(x, copy=True)
    if is_numpy(xp):
        transform = scipy_of(xp).fft.dctn if wave == "cosine" else scipy_of(xp).fft.dstn
        return transform(x, type=type, axes=chosen, norm="ortho")
    if xp.isdtype(x.dtype, "real floating"):
        return _of_real(wave, x, type, chosen, xp)
    real, imaginary = (_of_real(wave, part, type, chosen, xp) for part in (xp.real(x), xp.imag(x)))
    return xp.astype(real, x.dtype) + 1j * imaginary


def _of_real(wave: Wave, x: Any, type: int, axes: tuple[int, ...], xp: ModuleType) -> Any:
    if is_cupy(xp) and type in (2, 3):  # the types that CuPy has
        fft = scipy_of(xp, "fft")
        transform = fft.dctn if wave == "cosine" else fft.dstn
        return transform(x, type=type, axes=axes, norm="ortho")
    for axis in axes:
        last = _along_the_last(wave, xp.moveaxis(x, axis, -1), type, xp)
        x = xp.moveaxis(last, -1, axis)
    return x


def _along_the_last(wave: Wave, x: Any, type: int, xp: ModuleType) -> Any:
    # (2k + b)(2j + a)/(4M) = jk/M + jb/(2M) + a(2k + b)/(4M), half the number of turns: the first
    # part is an FFT of length 2M, the second multiplies its input and the third its output
    n, dtype = x.shape[-1], xp.result_type(x.dtype, xp.complex64)
    a, b, M = kind_of(wave, type, n)
    j = xp.arange(n, device=x.device)
    x = x * xp.astype(weights(j, a, M, xp), x.dtype)
    if b % 2:
        x = x * xp.astype(turn(j * b, 4 * M, xp), dtype)
        sums = xp.fft.fft(x, n=2 * M, axis=-1)[..., :n]
    else:  # a shift by whole rows, and the input stays real
        sums = xp.fft.rfft(x, n=2 * M, axis=-1)[..., b // 2 : b // 2 + n]
    out = turn(a * (2 * j + b), 8 * M, xp) * (weights(j, b, M, xp) * math.sqrt(2 / M))
    sums = sums * xp.astype(out, dtype)
    return xp.real(sums) if wave == "cosine" else -xp.imag(sums)


def _checked_axes(axes: int | Sequence[int] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    ndim = len(shape)
    if axes is None:
        return tuple(range(ndim))
    given = (axes,) if isinstance(axes, int) else tuple(operator.index(axis) for axis in axes)
    if wrong := [axis for axis in given if not -ndim <= axis < ndim]:
        raise ValueError(f"x of shape {shape} has no axis {wrong[0]}")
    chosen = tuple(axis % ndim for axis in given)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"axes is {given}: an axis appears twice")
    return chosen
