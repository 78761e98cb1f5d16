"""What every iterative solver asks of its right-hand side, start, tolerances and limits.

Vectors are divided by a power of two where squares of their entries could overflow or vanish.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin._validation import inexact, require_finite
from structlin.matrices import Sparse


def unwrapped(A: Any) -> Any:
    """Return the SciPy matrix that an operator `Sparse` holds; anything else as it is."""
    return A.matrix if isinstance(A, Sparse) else A


def require_tolerances(rtol: Any, atol: Any, b: Any) -> None:
    """Check the tolerances of a residual, for vectors such as ``b``."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not isinstance(value, numbers.Real) or not 0 <= float(value) < math.inf:
            raise ValueError(f"{name} is {value!r}: a tolerance is a number >= 0")
    resolved = float(namespace(b).finfo(b.dtype).eps)
    if atol == 0 and rtol < resolved:
        raise ValueError(
            f"rtol is {float(rtol):g}, but {b.dtype} resolves relative residuals to {resolved:.1g} "
            "at the very best: pass a larger rtol (or atol), or data of higher precision"
        )


def require_limits(maxiter: Any, time_limit: Any, callback: Any) -> None:
    """Check what else ends an iteration, and what is called in it."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is {callback!r}: pass a function of the iterate")
    if not isinstance(maxiter, numbers.Integral) or maxiter < 0:
        raise ValueError(f"maxiter is {maxiter!r}: the number of iterations is an integer >= 0")
    if time_limit is not None and not (
        isinstance(time_limit, numbers.Real) and float(time_limit) > 0
    ):
        raise ValueError(f"time_limit is {time_limit!r}: it is in seconds, positive")


def require_vectors(A: Any, b: Any, x0: Any) -> tuple[Any, Any]:
    """Return right-hand side and start (None: zero) in one floating-point type, checked."""
    if len(A.shape) != 2 or A.shape[0] != A.shape[1]:
        size = "x".join(map(str, A.shape))
        raise ValueError(f"A is {size}: a square matrix is needed")
    n = A.shape[0]
    grid = getattr(A, "grid", None)
    fits = f"({n},)" if grid is None else f"({n},) or {grid}"
    for name, v in (("b", b), ("x0", x0)):
        if v is None and name == "x0":
            continue
        if not hasattr(v, "dtype") or not hasattr(v, "__getitem__") or hasattr(v, "tocsr"):
            raise TypeError(f"{name} is a {type(v).__name__}: pass an array of shape {fits}")
        if tuple(v.shape) not in ((n,), grid):
            raise ValueError(
                f"{name} has shape {tuple(v.shape)} but A is {n}x{n}: it must have shape {fits}"
            )
    xp = namespace(A, b, x0)
    device(A, b, x0)
    matrix_type = inexact(A.data[:0], xp).dtype if hasattr(A, "indptr") else A.dtype
    b = inexact(xp.asarray(b), xp)  # matrices of NumPy become arrays
    kinds = [matrix_type, b.dtype]
    if x0 is not None:
        x0 = inexact(x0, xp)
        kinds.append(x0.dtype)
    kind = xp.result_type(*kinds)
    require_finite("b", b)
    b = xp.astype(b, kind, copy=False)
    if x0 is None:
        return b, None
    require_finite("x0", x0)
    return b, xp.reshape(xp.astype(x0, kind), b.shape)  # a copy: it may be returned


def require_finite_start(residual: float) -> None:
    """Raise if the residual of the start, whose vectors are finite, is not."""
    if not math.isfinite(residual):
        raise ValueError(
            f"‖b − A x0‖ is {residual}: A has a NaN or Inf, or x0 is so large that the product "
            "overflows"
        )


def ceiling_of(first: float, b: Any) -> float:
    """Return a residual norm that relaxation of a definite matrix does not reach.

    Red-black sweeps of a smooth residual, of norm ``first``, raise it by about the width of the
    grid before it falls; a factor of a thousand is added as a choice.
    """
    return 1e3 * first * (1 + math.sqrt(math.prod(b.shape)))


def rounding_of(diagonal: Any, b: Any, x: Any) -> float:
    """Return a residual norm below which rounding may not let an iterate come."""
    eps = float(namespace(x).finfo(x.dtype).eps)
    return 100 * eps * (norm(b) + 2 * norm(diagonal * x))


def unit_of(b: Any, x0: Any) -> float:
    """Return a power of two to measure vectors in, so that norms and products can be computed.

    It is 1 unless the largest entry is beyond ``2^±30``: then squares of residuals could overflow,
    or vanish, in some precision. Dividing by it changes no digit.
    """
    xp = namespace(b)
    largest = 0.0
    for v in (b, x0):
        if v is not None and math.prod(v.shape):
            if xp.isdtype(v.dtype, "complex floating"):
                largest = max(largest, float(xp.max(xp.abs(v))))
            else:  # nothing is written
                largest = max(largest, float(xp.max(v)), -float(xp.min(v)))
    exponent = math.frexp(largest)[1]
    return math.ldexp(1.0, exponent - 1) if largest > 0 and abs(exponent) > 30 else 1.0


def rescaled(x: Any, unit: float) -> Any:
    """Return an iterate that was measured in ``unit``.

    Raises
    ------
    ValueError
        If it overflows, or vanishes.
    """
    if unit == 1 or not math.prod(x.shape):
        return x
    xp = namespace(x)
    largest = float(xp.max(xp.abs(x)))
    with np.errstate(over="ignore"):
        x = x * unit
    if not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"the solution overflows {x.dtype}: scale A or b")
    if largest > 0 and not bool(xp.any(x != 0)):
        raise ValueError(f"the solution vanishes in {x.dtype}: scale A or b")
    return x


def rescaled_norms(norms: Any, unit: float) -> Any:
    """Return residual norms that were measured in ``unit``; one that overflows is infinite."""
    with np.errstate(over="ignore"):
        return unit * np.asarray(norms)
