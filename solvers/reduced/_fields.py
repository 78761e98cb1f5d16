"""Fields of any shape as rows of matrices: what users pass, checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace
from structlin._validation import (
    first_nonfinite,
    inexact,
    require_array,
    require_finite,
    require_finite_samples,
)


def snapshots_as_rows(snapshots: Any, name: str = "snapshots") -> tuple[Any, tuple[int, ...]]:
    """Return snapshots ``(samples, *shape)`` as a (samples, n) array, and the shape of a field.

    Raises
    ------
    ValueError
        If there is no sample or no entry, or one is NaN or Inf: the message names the sample.
    TypeError
        If they are no array.
    """
    require_array(name, snapshots, "an array (samples, *shape)")
    if snapshots.ndim < 2 or 0 in snapshots.shape:
        raise ValueError(
            f"{name} has shape {tuple(snapshots.shape)}: pass (samples, *shape), one field or more"
        )
    xp = namespace(snapshots)
    U = inexact(snapshots, xp)
    require_finite_samples(name, U)
    shape = tuple(int(n) for n in U.shape[1:])
    return xp.reshape(U, (U.shape[0], math.prod(shape))), shape


def batch_as_rows(
    F: Any, shape: tuple[int, ...], name: str, like: Any
) -> tuple[Any, tuple[int, ...]]:
    """Return fields ``(…, *shape)`` as a (k, n) array, and the shape ``(…)`` of the batch.

    Raises
    ------
    ValueError
        If the shape does not fit, or an entry is NaN or Inf.
    """
    require_array(name, F, f"an array (…, {', '.join(map(str, shape))})")
    xp = namespace(F, like)
    device(F, like)
    d = len(shape)
    if F.ndim < d or tuple(F.shape[F.ndim - d :]) != shape:
        raise ValueError(f"{name} has shape {tuple(F.shape)}: its last axes must be {shape}")
    F = inexact(F, xp)
    batch = tuple(int(n) for n in F.shape[: F.ndim - d])
    rows = xp.reshape(F, (math.prod(batch), math.prod(shape)))
    place = first_nonfinite(rows)
    if place is not None:
        where = f"sample {place // rows.shape[1]} of {name}" if batch else name
        raise ValueError(f"{where} has a NaN or Inf: every entry must be finite")
    return rows, batch


def positive_weights(name: str, weights: Any, like: Any) -> Any:
    """Return the weights of entries as a vector, in the real precision of fields ``like``.

    Raises
    ------
    TypeError
        If they are complex.
    ValueError
        If one is not finite and positive.
    """
    require_array(name, weights)
    xp = namespace(weights, like)
    device(weights, like)
    w = xp.reshape(inexact(weights, xp), (-1,))
    if xp.isdtype(w.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: weights are real and positive")
    require_finite(name, w)
    w = xp.astype(w, xp.finfo(like.dtype).dtype, copy=False)  # single precision stays single
    wrong = w <= 0
    if bool(xp.any(wrong)):
        i = int(xp.argmax(xp.astype(wrong, xp.int8)))
        raise ValueError(f"{name} has {float(w[i]):g} at entry {i}: weights are positive")
    return w


def as_reals(name: str, values: Any) -> NDArray[np.float64]:
    """Return a copy of numbers on the host as float64.

    Raises
    ------
    TypeError
        If they are no real numbers.
    """
    found = np.asarray(values)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} is of type {found.dtype}: pass real numbers, on the host")
    return found.astype(np.float64)
