"""Checks of samples of functions: arrays whose first axis counts them."""

from __future__ import annotations

from typing import Any

from structlin._backend import device, namespace
from structlin._validation import inexact, require_array, require_finite_samples


def require_samples(
    name: str, x: Any, shape: tuple[int, ...] | None = None, *, cure: str = ""
) -> Any:
    """Return samples (n, …) as a floating-point array, checked; there may be none.

    Where they are of another shape than the one asked for, ``cure`` ends the message.

    Raises
    ------
    TypeError
        If they are no array, or not numbers.
    ValueError
        If there is no axis of samples, one is not of the shape asked for, or one has a NaN or Inf:
        the message names it.
    """
    require_array(name, x, "an array with samples along its first axis")
    given = tuple(x.shape)
    if shape is not None and given == tuple(shape):
        raise ValueError(
            f"{name} has shape {given}, that of one sample: samples stand along the first axis, "
            f"pass {name}[None]"
        )
    if x.ndim < 2 or 0 in given[1:]:
        cure = ", as in (n, points)"
        if x.ndim == 1:
            cure = f": pass {name}[None] for one function, {name}[:, None] for a number per sample"
        raise ValueError(
            f"{name} has shape {given}, but samples stand along the first axis and have a number "
            f"or more each{cure}"
        )
    if shape is not None and given[1:] != tuple(shape):
        raise ValueError(
            f"samples of {name} have shape {given[1:]} but {tuple(shape)} is expected: "
            f"pass (n, {', '.join(map(str, shape))}){cure}"
        )
    x = inexact(x)
    require_finite_samples(name, x)
    return x


def require_pairs(
    inputs: Any,
    outputs: Any,
    *,
    least: int = 1,
    input_shape: tuple[int, ...] | None = None,
    output_shape: tuple[int, ...] | None = None,
) -> tuple[Any, Any]:
    """Return inputs and outputs, (n, …) each, checked, of one array library and device.

    Raises
    ------
    TypeError
        If one of them is no array, or the array libraries differ.
    ValueError
        If their numbers differ, there are fewer than ``least``, a shape is not the one asked for,
        or a sample has a NaN or Inf.
    """
    inputs = require_samples("inputs", inputs, input_shape)
    outputs = require_samples("outputs", outputs, output_shape)
    namespace(inputs, outputs)
    device(inputs, outputs)
    n, m = inputs.shape[0], outputs.shape[0]
    if n != m:
        raise ValueError(
            f"there are {n} inputs and {m} outputs: pass pairs, one output for each input"
        )
    if n < least:
        raise ValueError(f"there are {n} samples: pass {least} or more")
    return inputs, outputs


def in_double(x: Any) -> Any:
    """Return a floating-point array in double precision, real or complex as it is."""
    xp = namespace(x)
    is_complex = xp.isdtype(x.dtype, "complex floating")
    return xp.astype(x, xp.complex128 if is_complex else xp.float64, copy=False)
