"""The vector operations of conjugate gradients.

Vectors are C-contiguous and of one shape. Twins may write into the arrays that are to be replaced,
which the caller no longer reads; the answer is what is returned.
"""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace
from structlin._norm import norm


def real_dot(a: Any, b: Any) -> float:
    """Return the real part of ``aᴴ b``."""
    xp = namespace(a, b)
    if xp.isdtype(a.dtype, "complex floating"):
        return float(xp.sum(xp.real(xp.conj(a) * b)))
    return float(xp.sum(a * b))


def next_direction(p: Any, z: Any, weight: float) -> Any:
    """Return ``z + weight p``, which replaces ``p``."""
    return z + weight * p


def advance(x: Any, r: Any, p: Any, q: Any, forward: float, down: float) -> tuple[Any, Any, float]:
    """Return ``x + forward p`` and ``r − down q``, which replace ``x`` and ``r``, and its norm."""
    r = r - down * q
    return x + forward * p, r, norm(r)
