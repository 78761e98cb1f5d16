"""Binary digits of coordinates."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace

# of the unit interval: as many as float64 holds exactly, whatever the point
DIGITS = 52


def digits_of(x: Any) -> Any:
    """Return the first 52 binary digits of numbers in [0, 1) as integers."""
    xp = namespace(x)
    return xp.astype(xp.floor(xp.astype(x, xp.float64) * 2.0**DIGITS), xp.int64)
