"""CPU twins of the vector operations of conjugate gradients: in place, each one pass."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from structlin._kernels import conjugate_directions as plain
from structlin._norm import norm

_sums = {"reassoc", "contract"}  # sums may be taken in any order, and nothing else


def real_dot(a: Any, b: Any) -> float:
    """Return the real part of ``aᴴ b``."""
    if not (a.flags.c_contiguous and b.flags.c_contiguous and a.dtype == b.dtype):
        return plain.real_dot(a, b)
    return float(_real_dot(a.reshape(-1), b.reshape(-1)))


def next_direction(p: Any, z: Any, weight: float) -> Any:
    """Return ``z + weight p``, which replaces ``p``."""
    if not (_replaceable(p, p.dtype) and z.flags.c_contiguous and z.dtype == p.dtype):
        return plain.next_direction(p, z, weight)
    _next_direction(p.reshape(-1), z.reshape(-1), p.real.dtype.type(weight))
    return p


def advance(x: Any, r: Any, p: Any, q: Any, forward: float, down: float) -> tuple[Any, Any, float]:
    """Return ``x + forward p`` and ``r − down q``, which replace ``x`` and ``r``, and its norm."""
    kind = x.dtype
    if not (_replaceable(x, kind) and _replaceable(r, kind)) or not all(
        v.flags.c_contiguous and v.dtype == kind for v in (p, q)
    ):
        return plain.advance(x, r, p, q, forward, down)
    real = x.real.dtype.type
    flat = (v.reshape(-1) for v in (x, r, p, q))
    size = math.sqrt(_advance(*flat, real(forward), real(down)))
    return x, r, size if 1e-12 < size < math.inf else norm(r)


def _replaceable(v: Any, kind: Any) -> bool:
    return bool(v.flags.c_contiguous and v.flags.writeable and v.dtype == kind)


@njit(cache=True, fastmath=_sums)
def _real_dot(a: Any, b: Any) -> float:
    total = 0.0
    for i in range(a.size):
        total += a[i].real * b[i].real + a[i].imag * b[i].imag
    return total


@njit(cache=True)
def _next_direction(p: Any, z: Any, weight: float) -> None:
    for i in range(p.size):
        p[i] = z[i] + weight * p[i]


@njit(cache=True, fastmath=_sums)
def _advance(x: Any, r: Any, p: Any, q: Any, forward: float, down: float) -> float:
    total = 0.0
    for i in range(x.size):
        x[i] += forward * p[i]
        left = r[i] - down * q[i]
        r[i] = left
        total += left.real * left.real + left.imag * left.imag
    return total
