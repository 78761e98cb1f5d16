"""Checks of tolerances."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from structlin._backend import type_name


def require_nonnegative(tol: float) -> None:
    """Raise ``ValueError`` for a tolerance that is negative, infinite or NaN."""
    if not 0 <= tol < math.inf:
        raise ValueError(f"tol is {tol}: pass a number of 0 or more")


def require_tolerance(tol: float, dtype: Any, xp: ModuleType) -> None:
    """Raise ``ValueError`` unless ``4 eps ≤ tol < 1`` for the precision of a data type."""
    if not 0 < tol < 1:
        raise ValueError(f"tol is {tol!r}: pass a number between 0 and 1")
    eps = float(xp.finfo(dtype).eps)
    if tol < 4 * eps:
        raise ValueError(
            f"tol is {tol:.3g}, and {type_name(dtype)} holds {eps:.1e}: pass a larger tol or more "
            "precise data"
        )
